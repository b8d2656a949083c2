// module/bind_extra.hpp: the functions of calque.extra.
#pragma once

namespace calque::module {

/// Puts them into the module being initialised.
void bind_extra();

}  // namespace calque::module
