// module/bind_paths.cpp: calque.error_path, and how the steps of an explained copy are written.
#include "bind_paths.hpp"

#include "error_path.hpp"
#include "graph_path.hpp"

#include <boost/python.hpp>

#include <cstring>

namespace bp = boost::python;

namespace calque::module {

namespace {

PyObject* error_path(PyObject*, PyObject* exception) noexcept {
    if (PyExceptionInstance_Check(exception) == 0) {
        PyErr_Format(PyExc_TypeError, "error_path() argument must be an exception, not %.200s",
                     Py_TYPE(exception)->tp_name);
        return nullptr;
    }
    return error_path::text_of(exception).release();
}

// (kind, which), as report.cpp gives them: the name of a kind; a key, a number, or `...` for any.
PyObject* format_step(PyObject*, PyObject* const* args, Py_ssize_t count) noexcept {
    const char* const name = count == 2 ? PyUnicode_AsUTF8(args[0]) : nullptr;
    GraphStep step;
    int kind = 0;
    while (name != nullptr && kind < kStepKinds
           && std::strcmp(name_of(static_cast<StepKind>(kind)), name) != 0) {
        ++kind;
    }
    if (name == nullptr || kind == kStepKinds) {
        return PyErr_Format(PyExc_ValueError, "expected the kind of a step, and which one it is");
    }
    step.kind = static_cast<StepKind>(kind);
    if ((step.kind == StepKind::index || step.kind == StepKind::argument) && PyLong_Check(args[1])) {
        step.index = PyLong_AsSsize_t(args[1]);
        if (step.index == -1 && PyErr_Occurred() != nullptr) {
            return nullptr;
        }
    } else if (args[1] != Py_Ellipsis) {
        step.key = Ref::share(args[1]);
    }
    Ref text = graph_path::text_of(step);
    return text ? text.release() : PyErr_NoMemory();
}

PyMethodDef functions[] = {
    {"_format_step", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(format_step)), METH_FASTCALL,
     nullptr},
    {"error_path", error_path, METH_O,
     "error_path(exc, /)\n"
     "--\n\n"
     "Where in the object a deep copy failed: the path from the object that was to be copied to the one that "
     "could not be.\n\n"
     "    $                  the object that was to be copied\n"
     "    $.users[3].lock    its attribute users, a list; of its fourth element the attribute lock\n"
     "    ['key']            a value of a dict\n"
     "    .keys()['key']     a key of a dict\n"
     "    {'member'}         a member of a set\n"
     "    .__deepcopy__()    something that this method copied, and that is none of the above\n"
     "    .__reduce__()      something in what the reducer gave\n\n"
     "Keys are shown by their repr, up to 40 characters, where that runs no Python code, else by their type, "
     "as <type>.\n"
     "A long path has its first and last 16 steps.\n\n"
     "Args:\n"
     "    exc: an exception.\n\n"
     "Returns:\n"
     "    The path; None for an exception that ended no deep copy, or a MemoryError of the interpreter's. On "
     "Python 3.10 also for\n"
     "    exceptions of builtin types without arguments, or with others than text and numbers.\n\n"
     "Raises:\n"
     "    TypeError: exc is no exception."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_paths() {
    if (PyModule_AddFunctions(bp::scope().ptr(), functions) != 0) {
        bp::throw_error_already_set();
    }
}

}  // namespace calque::module
