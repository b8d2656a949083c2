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
#elif PY_VERSION_HEX < 0x030B0000
        return TypeVersion(has_number(type) ? resets() << 32 | type->tp_version_tag : 0);
#elif PY_VERSION_HEX < 0x030C0000
        return TypeVersion(has_number(type) ? type->tp_version_tag : 0);
#else
        return TypeVersion(type->tp_version_tag);
#endif
    }

    /// The same after having the interpreter give the class a number, if it still has some.
    static TypeVersion assigned_to(PyTypeObject* type) noexcept {
        have_number_given(type);
        return of(type);
    }

    friend bool operator==(TypeVersion a, TypeVersion b) noexcept { return a.tag_ == b.tag_ && a.tag_ != 0; }

private:
    constexpr explicit TypeVersion(std::uint64_t tag) noexcept : tag_(tag) {}

    static bool has_number(PyTypeObject* type) noexcept {
        return PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG);
    }

    static void have_number_given(PyTypeObject* type) noexcept {
#if CALQUE_USE_TYPE_VERSION
        // An attribute look-up on the class goes through the method cache, which assigns it.
        static PyObject* const any_name = PyUnicode_InternFromString("__doc__");
        static_cast<void>(_PyType_Lookup(type, any_name));
#else
        static_cast<void>(type);
#endif
    }

#if CALQUE_USE_TYPE_VERSION && PY_VERSION_HEX < 0x030B0000
    // How often the interpreter has begun to count again.
    static std::uint64_t resets() noexcept {
        static PyTypeObject* const witness = new_witness();
        static std::uint64_t count = 0;
        if (witness == nullptr || !has_number(witness)) [[unlikely]] {
            ++count;
            if (witness != nullptr) {
                have_number_given(witness);
            }
        }
        return count;
    }

    // Never freed. Null without memory: then no version ever equals another.
    static PyTypeObject* new_witness() noexcept {
        static PyType_Slot slots[] = {{0, nullptr}};
        static PyType_Spec spec = {"calque._calque.Witness", 0, 0, Py_TPFLAGS_DEFAULT, slots};
        PyObject* const witness = PyType_FromSpec(&spec);
        PyErr_Clear();
        return reinterpret_cast<PyTypeObject*>(witness);
    }
#endif

    std::uint64_t tag_ = 0;
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
