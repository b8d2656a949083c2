// module/bind_explain.hpp
#pragma once

namespace calque::module {

/// `_explain`, what calque/_explain.py is made on; in the current scope, the module.
void bind_explain();

}  // namespace calque::module
