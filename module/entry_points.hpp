// module/entry_points.hpp: deepcopy, copy and replace as Python calls them.
#pragma once

#include <Python.h>

namespace calque::module {

/// A table for PyModule_AddFunctions.
PyMethodDef* entry_points() noexcept;

}  // namespace calque::module
