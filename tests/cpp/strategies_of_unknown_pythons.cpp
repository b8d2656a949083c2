// A Python younger than those that were looked at, or one without the GIL, gets no internals of the
// interpreter. Asserted by compiling: the first as this file stands, the second with WITHOUT_GIL.
#include <Python.h>

#ifdef WITHOUT_GIL
# undef Py_GIL_DISABLED
# define Py_GIL_DISABLED 1
#else
# undef PY_VERSION_HEX
# define PY_VERSION_HEX 0x030F00A1
#endif

#include "strategies.hpp"

#define CALQUE_ASSERT_TWIN(name, internals) static_assert((internals) == 0, name);
CALQUE_STRATEGY_LIST(CALQUE_ASSERT_TWIN)
