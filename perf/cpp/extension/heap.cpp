// perf/cpp/extension/heap.cpp: what a call takes from the heap, as counted by memory_preload.c.
//
// In C, for in Python the figures themselves would take memory while the next one is read. The interpreter's free lists are
// emptied before every reading: else a copier that takes from them would seem to need nothing, and one that leaves them
// alone too much.
#include "extension.hpp"

#include <calque/ref.hpp>

#include <dlfcn.h>

namespace perf {
namespace {

using calque::Ref;

// A full collection empties the free lists, but a collector that is off collects nothing.
void empty_free_lists() {
    const bool on = PyGC_Enable() != 0;
    PyGC_Collect();
    if (!on) {
        PyGC_Disable();
    }
}

PyObject* heap(PyObject*, PyObject* args) {
    PyObject* function = nullptr;
    PyObject* x = nullptr;
    if (PyArg_ParseTuple(args, "OO:heap", &function, &x) == 0) {
        return nullptr;
    }
    const auto now = reinterpret_cast<long (*)()>(dlsym(RTLD_DEFAULT, "perf_memory_now"));
    const auto peak = reinterpret_cast<long (*)()>(dlsym(RTLD_DEFAULT, "perf_memory_peak"));
    const auto restart = reinterpret_cast<void (*)()>(dlsym(RTLD_DEFAULT, "perf_memory_restart"));
    if (now == nullptr || peak == nullptr || restart == nullptr) {
        PyErr_SetString(PyExc_RuntimeError, "heap() needs libperf_memory.so preloaded");
        return nullptr;
    }
    empty_free_lists();
    const long before = now();
    restart();
    Ref made = Ref::steal(PyObject_CallOneArg(function, x));
    if (!made) {
        return nullptr;
    }
    const long highest = peak() - before;
    empty_free_lists();
    const long kept = now() - before;
    made = Ref();
    empty_free_lists();
    const long left = now() - before;
    return Py_BuildValue("{s:l,s:l,s:l}", "peak", highest, "copy", kept, "left", left);
}

}  // namespace

PyMethodDef heap_method = {
    "heap", heap, METH_VARARGS,
    "heap(function, x, /)\n--\n\nBytes of the heap that function(x) takes: at the peak, with its "
    "result there, with its result freed."};

}  // namespace perf
