// module/bind_registry.cpp: registering handlers from Python; calque.register is the decorator over it.
#include "bind_registry.hpp"

#include "bind_memo.hpp"

#include <calque/registry.hpp>

#include <boost/python.hpp>

namespace bp = boost::python;

namespace calque::module {

namespace {

PyTypeObject* checked_type(const bp::object& cls) {
    if (!PyType_Check(cls.ptr())) {
        PyErr_Format(PyExc_TypeError, "expected a class to register a handler for, got %s: %R",
                     Py_TYPE(cls.ptr())->tp_name, cls.ptr());
        bp::throw_error_already_set();
    }
    return reinterpret_cast<PyTypeObject*>(cls.ptr());
}

void release_function(void* fn) { Ref owned = Ref::steal(static_cast<PyObject*>(fn)); }

void add(const bp::object& cls, const bp::object& fn, bool subclasses) {
    PyTypeObject* type = checked_type(cls);
    if (PyCallable_Check(fn.ptr()) == 0) {
        PyErr_Format(PyExc_TypeError,
                     "expected a handler fn(obj, memo) for %s, got %s, which is not callable", type->tp_name,
                     Py_TYPE(fn.ptr())->tp_name);
        bp::throw_error_already_set();
    }
    Ref owned = Ref::share(fn.ptr());
    HandlerSpec spec = simple_handler<call_python_handler>("Python function", type,
                                                           subclasses ? uint32_t{CALQUE_SUBCLASSES} : 0u,
                                                           owned.get(), release_function);
    if (!add_handler(spec)) {
        bp::throw_error_already_set();
    }
    static_cast<void>(owned.release());  // the registry's now
}

void remove(const bp::object& cls) {
    if (!remove_handler(checked_type(cls))) {
        bp::throw_error_already_set();
    }
}

}  // namespace

void bind_registry() {
    bp::def("_register", add, (bp::arg("cls"), bp::arg("fn"), bp::arg("subclasses")));
    bp::def("_unregister", remove, (bp::arg("cls")));
}

}  // namespace calque::module
