// perf/cpp/extension/extension.hpp: the functions of the module calque_perf, which the scripts of perf/ import.
//
// Everything that has to be measured without the interpreter's own loop around it. C API only: the module knows nothing
// of the engine, so that it says the same of any implementation.
#pragma once

#include <Python.h>

namespace perf {

// count.cpp: instructions under callgrind.
extern PyMethodDef count_method;
// timing.cpp: nanoseconds of a call, without the interpreter's loop.
extern PyMethodDef timed_method;
// heap.cpp: bytes of a call.
extern PyMethodDef heap_method;
// trampoline.cpp: the generators of a program without a machine for effects.
extern PyMethodDef trampoline_method;
// floor.cpp: the type Floor.
int add_floor(PyObject* module);

}  // namespace perf
