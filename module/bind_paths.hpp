// module/bind_paths.hpp: calque.error_path.
#pragma once

namespace calque::module {

/// Puts it into the module being initialised.
void bind_paths();

}  // namespace calque::module
