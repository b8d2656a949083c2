// perf/cpp/extension/module.cpp: the module calque_perf.
#include "extension.hpp"

namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

int execute(PyObject* module) {
    PyMethodDef* const methods[] = {&perf::count_method, &perf::timed_method, &perf::heap_method,
                                    &perf::trampoline_method};
    for (PyMethodDef* method : methods) {
        PyObject* function = PyCFunction_New(method, nullptr);
        const int failed = PyModule_AddObjectRef(module, method->ml_name, function);
        Py_XDECREF(function);
        if (failed != 0) {
            return -1;
        }
    }
    return perf::add_floor(module) != 0 ? -1 : PyModule_AddStringConstant(module, "compiler", kCompiler);
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(execute)}, {0, nullptr}};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "calque_perf", "What perf/ measures in C.", 0, nullptr, slots};

}  // namespace

PyMODINIT_FUNC PyInit_calque_perf() { return PyModuleDef_Init(&definition); }
