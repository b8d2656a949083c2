// handlers/atomic.cpp: the sixteen exact types whose instances copy.deepcopy returns as they are.
//
// Semantics: Lib/copy.py, _deepcopy_atomic. Exact types: a subclass of int is copied by reduce.
// Each gives way when a program puts something else for it into copy._deepcopy_dispatch (up to 3.13)
// or takes it out of copy._atomic_types (3.14).
#include "handlers.hpp"

#include <calque/ref.hpp>
#include <calque/registry.hpp>

namespace calque {

namespace {

bool add(const char* name, PyTypeObject* type) noexcept {
    return add_handler(mirroring("_deepcopy_atomic", atomic_handler(name, type)));
}

}  // namespace

bool register_atomics() noexcept {
    return add("NoneType", Py_TYPE(Py_None)) && add("ellipsis", &PyEllipsis_Type)
        && add("NotImplementedType", Py_TYPE(Py_NotImplemented)) && add("int", &PyLong_Type)
        && add("float", &PyFloat_Type) && add("bool", &PyBool_Type) && add("complex", &PyComplex_Type)
        && add("bytes", &PyBytes_Type) && add("str", &PyUnicode_Type) && add("code", &PyCode_Type)
        && add("type", &PyType_Type) && add("range", &PyRange_Type)
        && add("builtin_function_or_method", &PyCFunction_Type) && add("function", &PyFunction_Type)
        && add("weakref.ref", &_PyWeakref_RefType) && add("property", &PyProperty_Type);
}

}  // namespace calque
