// runtime/cpython/type_version.hpp: has a class changed since we looked?
//
// PyTypeObject.tp_version_tag: the interpreter's method cache gives a class a number on first use, takes
// it away when an attribute of the class or a base is set, and never gives a number twice. No number
// (0, or up to 3.11 a missing flag) never equals anything. The twin: no class ever has one.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

#include <cstdint>

namespace calque {

class TypeVersion {
public:
    static constexpr bool kAvailable = CALQUE_USE_TYPE_VERSION;

    constexpr TypeVersion() noexcept = default;

    static TypeVersion of(PyTypeObject* type) noexcept {
#if !CALQUE_USE_TYPE_VERSION
        static_cast<void>(type);
        return {};
#elif PY_VERSION_HEX < 0x030C0000
        return TypeVersion(PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG) ? type->tp_version_tag : 0);
#else
        return TypeVersion(type->tp_version_tag);
#endif
    }

    /// The same after having the interpreter give the class a number, if it still has some.
    static TypeVersion assigned_to(PyTypeObject* type) noexcept {
#if CALQUE_USE_TYPE_VERSION
        // An attribute look-up on the class goes through the method cache, which assigns it.
        static PyObject* const any_name = PyUnicode_InternFromString("__doc__");
        static_cast<void>(_PyType_Lookup(type, any_name));
#endif
        return of(type);
    }

    friend bool operator==(TypeVersion a, TypeVersion b) noexcept { return a.tag_ == b.tag_ && a.tag_ != 0; }

private:
    constexpr explicit TypeVersion(std::uint32_t tag) noexcept : tag_(tag) {}
    std::uint32_t tag_ = 0;
};

/// What the first of the class and its bases has under that name, borrowed; nothing of it is called.
inline PyObject* raw_lookup(PyTypeObject* type, PyObject* name) noexcept {
#if CALQUE_USE_TYPE_VERSION
    return _PyType_Lookup(type, name);
#else
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
        // The class keeps its dict, and the dict what was found.
        const Ref dict =
            Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(type->tp_mro, i))));
        if (PyObject* found = PyDict_GetItemWithError(dict.get(), name)) {
            return found;
        }
        PyErr_Clear();
    }
    return nullptr;
#endif
}

}  // namespace calque
