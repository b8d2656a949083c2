// module/bind_patch.hpp: copy's own functions served by calque; calque.patch is the face of it.
#pragma once

namespace calque::module {

/// Into the module in scope, which has the three functions already.
void bind_patch();

}  // namespace calque::module
