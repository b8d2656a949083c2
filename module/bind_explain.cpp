// module/bind_explain.cpp: one explained copy, for calque/_explain.py.
#include "bind_explain.hpp"

#include "engine.hpp"
#include "explain/trace.hpp"

#include <boost/python.hpp>

namespace bp = boost::python;

namespace calque::module {

namespace {

// The exception that is set, taken off, with its traceback.
Ref taken_error() noexcept {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    const Ref of_type = Ref::steal(type);
    const Ref where = Ref::steal(traceback);
    if (where) {
        PyException_SetTraceback(value, where.get());
    }
    return Ref::steal(value);
}

// (x, None): explain this. (x, tuple): its objects stand for themselves; and tell which object failed.
// Gives (copy, None, path, report) or (None, exception, path, report): see Trace::path_of and report.
PyObject* explain_once(PyObject*, PyObject* args) noexcept {
    PyObject *x = nullptr, *themselves = nullptr;
    if (!PyArg_ParseTuple(args, "OO", &x, &themselves)) {
        return nullptr;
    }
    const bool more = PyTuple_Check(themselves);
    explain::Trace* const trace = explain::Trace::make();
    if (trace == nullptr) {
        return nullptr;
    }
    trace->hold_what_fails = more;
    Ref copy = engine::explain(x, more ? Borrowed(themselves) : Borrowed(), *trace);
    const Ref error = copy ? Ref::share(Py_None) : taken_error();
    const Ref path = trace->path_of(error);
    const Ref report = trace->report();
    trace->release();
    return report && path
             ? PyTuple_Pack(4, copy ? copy.get() : Py_None, error.get(), path.get(), report.get())
             : nullptr;
}

PyMethodDef functions[] = {
    {"_explain", explain_once, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_explain() {
    bp::scope module;
    if (PyModule_AddFunctions(module.ptr(), functions) != 0) {
        bp::throw_error_already_set();
    }
}

}  // namespace calque::module
