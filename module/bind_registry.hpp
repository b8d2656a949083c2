// module/bind_registry.hpp: registering handlers from Python.
#pragma once

namespace calque::module {

/// Puts _register and _unregister into the module being initialised.
void bind_registry();

}  // namespace calque::module
