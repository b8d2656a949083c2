// perf/cpp/extension/timing.cpp: a call and the release of its result, in a loop in C.
#include "timing.hpp"

#include "extension.hpp"

#include <calque/ref.hpp>

namespace perf {
namespace {

PyObject* timed(PyObject*, PyObject* args) {
    PyObject* function = nullptr;
    PyObject* x = nullptr;
    long repeats = 0;
    if (PyArg_ParseTuple(args, "OOl:timed", &function, &x, &repeats) == 0) {
        return nullptr;
    }
    const double ns = nanoseconds(
        repeats, [=] { return static_cast<bool>(calque::Ref::steal(PyObject_CallOneArg(function, x))); });
    return ns < 0 ? nullptr : PyFloat_FromDouble(ns);
}

}  // namespace

PyMethodDef timed_method = {
    "timed", timed, METH_VARARGS,
    "timed(function, x, repeats, /)\n--\n\n"
    "Nanoseconds that function(x) takes `repeats` times, freeing the results included."};

}  // namespace perf
