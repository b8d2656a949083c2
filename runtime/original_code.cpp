// runtime/original_code.cpp: see primitives/original_code.hpp.
#include "primitives/original_code.hpp"

namespace calque {

namespace {

// `from __future__ import ...` of the module leaves marks that change nothing here.
constexpr long kFutureFlags = 0x1FE0000;

Ref attribute(Borrowed code, const char* name) noexcept {
    Ref value = Ref::steal(PyObject_GetAttrString(code.get(), name));
    if (!value) {
        PyErr_Clear();
    }
    return value;
}

bool same_constant(Borrowed a, Borrowed b) noexcept;

// Tuples of strings and constants, made by the compiler or by code.replace().
bool same_tuple(Borrowed a, Borrowed b) noexcept {
    if (!PyTuple_CheckExact(a.get()) || !PyTuple_CheckExact(b.get())
        || PyTuple_GET_SIZE(a.get()) != PyTuple_GET_SIZE(b.get())) {
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a.get()); ++i) {
        if (!same_constant(PyTuple_GET_ITEM(a.get(), i), PyTuple_GET_ITEM(b.get(), i))) {
            return false;
        }
    }
    return true;
}

// Only types whose comparison runs no Python code.
bool same_constant(Borrowed a, Borrowed b) noexcept {
    if (a == b) {
        return true;
    }
    if (a.type() != b.type()) {
        return false;
    }
    if (PyTuple_CheckExact(a.get())) {
        return same_tuple(a, b);
    }
    if (!PyUnicode_CheckExact(a.get()) && !PyLong_CheckExact(a.get()) && !PyBytes_CheckExact(a.get())) {
        return false;
    }
    const int same = PyObject_RichCompareBool(a.get(), b.get(), Py_EQ);
    if (same < 0) {
        PyErr_Clear();
    }
    return same == 1;
}

// The first constant of a function with a docstring is that text, which is not ours to know by heart.
bool is_placeholder(Borrowed docstring) noexcept {
    return PyUnicode_CheckExact(docstring.get())
        && PyUnicode_CompareWithASCIIString(docstring.get(), "documented") == 0;
}

// `known` is from a text of ours.
bool same_constants(Borrowed a, Borrowed known) noexcept {
    const Py_ssize_t count = PyTuple_GET_SIZE(known.get());
    if (PyTuple_GET_SIZE(a.get()) != count) {
        return false;
    }
    for (Py_ssize_t i = 0; i < count; ++i) {
        const Borrowed left = PyTuple_GET_ITEM(a.get(), i);
        const Borrowed right = PyTuple_GET_ITEM(known.get(), i);
        if (!(i == 0 && is_placeholder(right) && PyUnicode_CheckExact(left.get()))
            && !same_constant(left, right)) {
            return false;
        }
    }
    return true;
}

bool same_flags(Borrowed a, Borrowed b) noexcept {
    const Ref left = attribute(a, "co_flags");
    const Ref right = attribute(b, "co_flags");
    return left && right
        && (PyLong_AsLong(left.get()) & ~kFutureFlags) == (PyLong_AsLong(right.get()) & ~kFutureFlags);
}

bool same_code(Borrowed a, Borrowed b) noexcept {
    for (const char* name : {"co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_code", "co_names",
                             "co_varnames", "co_freevars", "co_cellvars"}) {
        const Ref left = attribute(a, name);
        const Ref right = attribute(b, name);
        if (!left || !right || !same_constant(left, right)) {
            return false;
        }
    }
    const Ref constants = attribute(a, "co_consts");
    const Ref known_constants = attribute(b, "co_consts");
    if (!constants || !known_constants || !same_constants(constants, known_constants)) {
        return false;
    }
    // Before 3.11 there is none: blocks are instructions there.
    const Ref left = attribute(a, "co_exceptiontable");
    const Ref right = attribute(b, "co_exceptiontable");
    return bool(left) == bool(right) && (!left || same_constant(left, right)) && same_flags(a, b);
}

// The code of the function `name`, somewhere among the constants of `code`.
Ref code_within(Borrowed code, const char* name) noexcept {
    const Ref constants = attribute(code, "co_consts");
    if (!constants || !PyTuple_Check(constants.get())) {
        return {};
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constants.get()); ++i) {
        const Borrowed constant = PyTuple_GET_ITEM(constants.get(), i);
        if (!PyCode_Check(constant.get())) {
            continue;
        }
        const Ref its_name = attribute(constant, "co_name");
        if (its_name && PyUnicode_CompareWithASCIIString(its_name.get(), name) == 0) {
            return Ref::share(constant);
        }
        Ref inner = code_within(constant, name);
        if (inner) {
            return inner;
        }
    }
    return {};
}

}  // namespace

bool OriginalCode::is_that_of(Borrowed function) noexcept {
    if (!function || !PyFunction_Check(function.get())) {
        return false;
    }
    if (code_ == nullptr) {
        const Ref module = Ref::steal(Py_CompileString(source_, "<calque: known methods>", Py_file_input));
        if (!module) {
            PyErr_Clear();
            return false;
        }
        code_ = code_within(module, name_).release();
    }
    return code_ != nullptr && same_code(PyFunction_GET_CODE(function.get()), code_);
}

bool has_code_of(Borrowed function, const char* source, const char* name) noexcept {
    if (!function || !PyFunction_Check(function.get())) {
        return false;
    }
    const Ref module = Ref::steal(Py_CompileString(source, "<calque: known methods>", Py_file_input));
    if (!module) {
        PyErr_Clear();
        return false;
    }
    const Ref code = code_within(module, name);
    return code && same_code(PyFunction_GET_CODE(function.get()), code);
}

}  // namespace calque
