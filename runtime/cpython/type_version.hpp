// runtime/cpython/type_version.hpp: has a class changed since we looked?
//
// PyTypeObject.tp_version_tag: the interpreter's method cache gives a class a number on first use, takes
// it away when an attribute of the class or a base is set, and never gives a number twice. No number
// (0, or up to 3.11 a missing flag) never equals anything. With CALQUE_PUBLIC_API no class ever has one.
#pragma once

#include <calque/compat.hpp>

#include <cstdint>

namespace calque {

class TypeVersion {
public:
#ifdef CALQUE_PUBLIC_API
    static constexpr bool kAvailable = false;
#else
    static constexpr bool kAvailable = true;
#endif

    constexpr TypeVersion() noexcept = default;

    static TypeVersion of(PyTypeObject* type) noexcept {
#ifdef CALQUE_PUBLIC_API
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
        // An attribute look-up on the class goes through the method cache, which assigns it.
        static PyObject* const any_name = PyUnicode_InternFromString("__doc__");
        static_cast<void>(_PyType_Lookup(type, any_name));
        return of(type);
    }

    friend bool operator==(TypeVersion a, TypeVersion b) noexcept { return a.tag_ == b.tag_ && a.tag_ != 0; }

private:
    constexpr explicit TypeVersion(std::uint32_t tag) noexcept : tag_(tag) {}
    std::uint32_t tag_ = 0;
};

}  // namespace calque
