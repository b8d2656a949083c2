// module/bind_build.hpp: calque._calque._build, how this module was built: what a bug report needs.
#pragma once

namespace calque::module {

/// Adds _build to the module that is the current scope. Throws error_already_set.
void bind_build();

}  // namespace calque::module
