// perf/cpp/extension/count.cpp: the instructions of a call and of freeing what it returns, counted by callgrind.
//
// Callgrind counts between two requests that are made here, in C, so that neither the interpreter's start nor its loop
// is in the count: what remains is a vectorcall, the release of its result, and three instructions of a loop.
#include "extension.hpp"

#include <calque/ref.hpp>

#if __has_include(<valgrind/callgrind.h>)
# include <valgrind/callgrind.h>
# define PERF_CALLGRIND 1
#else
# define PERF_CALLGRIND 0
#endif

namespace perf {
namespace {

using calque::Ref;

bool call(PyObject* function, PyObject* x, long repeats) {
    for (long i = 0; i < repeats; ++i) {
        if (!Ref::steal(PyObject_CallOneArg(function, x))) {
            return false;
        }
    }
    return true;
}

PyObject* count(PyObject*, PyObject* args) {
    PyObject* function = nullptr;
    PyObject* x = nullptr;
    long repeats = 0;
    const char* label = nullptr;
    if (PyArg_ParseTuple(args, "OOls:count", &function, &x, &repeats, &label) == 0) {
        return nullptr;
    }
#if PERF_CALLGRIND
    if (RUNNING_ON_VALGRIND == 0) {
        PyErr_SetString(PyExc_RuntimeError, "count() says something only under valgrind --tool=callgrind");
        return nullptr;
    }
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    const bool good = call(function, x, repeats);
    CALLGRIND_DUMP_STATS_AT(label);
    CALLGRIND_STOP_INSTRUMENTATION;
    return good ? Py_NewRef(Py_None) : nullptr;
#else
    PyErr_SetString(PyExc_RuntimeError,
                    "calque_perf was built where valgrind's headers were not to be found");
    return nullptr;
#endif
}

}  // namespace

PyMethodDef count_method = {
    "count", count, METH_VARARGS,
    "count(function, x, repeats, label, /)\n--\n\n"
    "Calls function(x) `repeats` times and dumps what callgrind counted meanwhile as `label`."};

}  // namespace perf
