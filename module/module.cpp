// module/module.cpp: the extension module calque._calque. It puts the parts together and binds them;
// the only folder that includes Boost.Python.
#include "bind_build.hpp"
#include "bind_explain.hpp"
#include "bind_extra.hpp"
#include "bind_memo.hpp"
#include "bind_patch.hpp"
#include "bind_paths.hpp"
#include "bind_prepared.hpp"
#include "bind_registry.hpp"
#include "entry_points.hpp"

#include "catalog.hpp"
#include "engine.hpp"
#include "strategies.hpp"

#include <boost/python.hpp>

namespace bp = boost::python;

namespace {

void require(bool good) {
    if (!good) {
        bp::throw_error_already_set();
    }
}

// The tables, registries and caches of calque and of Boost.Python are static: they name the objects of one interpreter.
// A module of the old kind, which Boost.Python makes, is imported by a sub-interpreter in silence on 3.10 and 3.11, and by one
// that shares the GIL on all versions: its first import runs the initialisation there, later ones get a copy of the module's
// dict and run none. So the initialisation asks, before it touches anything, and calque/__init__.py asks at every import.
void require_main_interpreter() {
    PyInterpreterState* here = PyInterpreterState_Get();
    if (here != PyInterpreterState_Main()) {
        PyErr_Format(PyExc_ImportError,
                     "calque supports only the main interpreter, and this import is in sub-interpreter %lld",
                     static_cast<long long>(PyInterpreterState_GetID(here)));
        bp::throw_error_already_set();
    }
}

// The same statics name objects that died if the main interpreter was finalized and begun again, and hold half of
// what they should if the initialisation failed.
void require_first_initialisation() {
    static bool begun = false;
    if (begun) {
        PyErr_SetString(
            PyExc_ImportError,
            "calque can be initialised once in a process: it was before the interpreter was finalized and "
            "begun again, or its first import failed");
        bp::throw_error_already_set();
    }
    begun = true;
}

bp::dict strategies() {
    bp::dict chosen;
#define CALQUE_REPORT(name, internals) chosen[name] = (internals) != 0 ? "internals" : "public API";
    CALQUE_STRATEGY_LIST(CALQUE_REPORT)
#undef CALQUE_REPORT
    return chosen;
}

}  // namespace

BOOST_PYTHON_MODULE(_calque) {
    require_main_interpreter();
    require_first_initialisation();
    bp::scope module;
    require(calque::engine::create() && calque::register_builtin_handlers()
            && calque::engine::open_for_use());
    require(PyModule_AddFunctions(module.ptr(), calque::module::entry_points()) == 0);
    bp::def("_require_main_interpreter", require_main_interpreter);
    calque::module::bind_build();
    calque::module::bind_memo();
    calque::module::bind_registry();
    calque::module::bind_paths();
    calque::module::bind_patch();
    calque::module::bind_prepared();
    calque::module::bind_extra();
    calque::module::bind_explain();
    module.attr("_C_API") = bp::object(bp::handle<>(
        PyCapsule_New(const_cast<calque_api*>(&calque::engine::c_api), CALQUE_CAPSULE_NAME, nullptr)));
    module.attr("_strategies") = strategies();
    module.attr("__version__") = CALQUE_VERSION;
}
