// module/module.cpp: the extension module calque._calque. It puts the parts together and binds them;
// the only folder that includes Boost.Python.
#include "bind_memo.hpp"
#include "bind_patch.hpp"
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

bp::dict strategies() {
    bp::dict chosen;
#define CALQUE_REPORT(name, internals) chosen[name] = (internals) != 0 ? "internals" : "public API";
    CALQUE_STRATEGY_LIST(CALQUE_REPORT)
#undef CALQUE_REPORT
    return chosen;
}

}  // namespace

BOOST_PYTHON_MODULE(_calque) {
    bp::scope module;
    require(calque::engine::create() && calque::register_builtin_handlers()
            && calque::engine::open_for_use());
    require(PyModule_AddFunctions(module.ptr(), calque::module::entry_points()) == 0);
    calque::module::bind_memo();
    calque::module::bind_registry();
    calque::module::bind_patch();
    module.attr("_C_API") = bp::object(bp::handle<>(
        PyCapsule_New(const_cast<calque_api*>(&calque::engine::c_api), CALQUE_CAPSULE_NAME, nullptr)));
    module.attr("_strategies") = strategies();
    module.attr("__version__") = CALQUE_VERSION;
}
