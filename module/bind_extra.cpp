// module/bind_extra.cpp: calque.extra. Plain C functions, as entry_points.cpp has.
#include "bind_extra.hpp"

#include "error_path.hpp"
#include "replicate.hpp"

#include <boost/python.hpp>

namespace bp = boost::python;

namespace calque::module {

namespace {

// The second of two positional arguments, as a number that is not negative; -1 with an exception set.
Py_ssize_t count_of(const char* function, PyObject* const* args, Py_ssize_t nargs) noexcept {
    if (nargs != 2) {
        PyErr_Format(PyExc_TypeError, "%s() takes two positional arguments (%zd given)", function, nargs);
        return -1;
    }
    if (PyIndex_Check(args[1]) == 0) {
        PyErr_Format(PyExc_TypeError, "%s() argument 2 (n) must be an int, not %.200s", function,
                     Py_TYPE(args[1])->tp_name);
        return -1;
    }
    const Py_ssize_t count = PyNumber_AsSsize_t(args[1], PyExc_OverflowError);
    if (count < 0 && PyErr_Occurred() == nullptr) {
        PyErr_Format(PyExc_ValueError, "%s() argument 2 (n) must not be negative, got %zd", function, count);
    }
    return count < 0 ? -1 : count;
}

PyObject* replicate(PyObject*, PyObject* const* args, Py_ssize_t nargs) noexcept {
    const Py_ssize_t count = count_of("replicate", args, nargs);
    Ref copies = count < 0 ? Ref() : calque::replicate(args[0], count);
    if (!copies) {
        error_path::add_note();
    }
    return copies.release();
}

PyObject* repeatcall(PyObject*, PyObject* const* args, Py_ssize_t nargs) noexcept {
    const Py_ssize_t count = count_of("repeatcall", args, nargs);
    return count < 0 ? nullptr : calque::repeat_call(args[0], count).release();
}

using Fast = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);

PyCFunction as_c_function(Fast function) noexcept {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef functions[] = {
    {"replicate", as_c_function(replicate), METH_FASTCALL,
     "replicate(x, n, /)\n"
     "--\n\n"
     "A list of n deep copies of x: [calque.deepcopy(x) for _ in range(n)].\n\n"
     "Each copy is what deepcopy would make of x at that moment; hooks run for each. Where nothing in x has\n"
     "hooks, x is looked at once and the copies cost less than by deepcopy.\n\n"
     "Args:\n"
     "    x: any object that can be deep-copied.\n"
     "    n: how many copies, an int that is not negative.\n\n"
     "Returns:\n"
     "    A list of n objects; n times x itself where deepcopy(x) is x.\n\n"
     "Raises:\n"
     "    TypeError: n is no int.\n"
     "    ValueError: n is negative.\n"
     "    OverflowError, MemoryError: there is no room for n copies.\n"
     "    What calque.deepcopy(x) raises; the copies made so far are dropped."},
    {"repeatcall", as_c_function(repeatcall), METH_FASTCALL,
     "repeatcall(f, n, /)\n"
     "--\n\n"
     "[f() for _ in range(n)], without a loop in Python.\n\n"
     "Args:\n"
     "    f: a callable that wants no arguments, e.g. what calque.prepare returns.\n"
     "    n: how many calls, an int that is not negative.\n\n"
     "Returns:\n"
     "    A list of the n results.\n\n"
     "Raises:\n"
     "    TypeError: n is no int; or n is not 0 and f cannot be called.\n"
     "    ValueError: n is negative.\n"
     "    OverflowError, MemoryError: there is no room for n results.\n"
     "    What f raises; the results so far are dropped."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_extra() {
    if (PyModule_AddFunctions(bp::scope().ptr(), functions) != 0) {
        bp::throw_error_already_set();
    }
}

}  // namespace calque::module
