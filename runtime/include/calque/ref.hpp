// calque/ref.hpp: who owns a reference, said by the type. The only place with Py_INCREF and Py_DECREF.
//
// Two types, two rules:
//   Ref       you own one reference. Move it, or let its destructor give it up. Empty means, as the
//             result of a call, that a Python exception is set.
//   Borrowed  you only look. Valid as long as somebody else owns the object; never empty unless said.
//
// Raw PyObject* appears only beside the C API call that asks for it: `x.get()` lends it,
// `x.release()` gives the reference away to an API that steals, `Ref::steal(...)` takes what a call
// returned as new, `Ref::share(...)` makes a second reference to something borrowed.
//
// The destructor may run Python code (a finalizer). Code that must not be re-entered between two
// lines therefore keeps its Refs alive beyond the second one.
#pragma once

#include <Python.h>

#include <utility>

#pragma GCC visibility push(hidden)
namespace calque {

class Ref;

class Borrowed {
public:
    constexpr Borrowed() noexcept = default;
    constexpr Borrowed(PyObject* object) noexcept : object_(object) {}
    inline Borrowed(const Ref& owner) noexcept;

    constexpr PyObject* get() const noexcept { return object_; }
    constexpr explicit operator bool() const noexcept { return object_ != nullptr; }
    PyTypeObject* type() const noexcept { return Py_TYPE(object_); }

    friend constexpr bool operator==(Borrowed a, Borrowed b) noexcept { return a.object_ == b.object_; }

private:
    PyObject* object_ = nullptr;
};

class [[nodiscard]] Ref {
public:
    constexpr Ref() noexcept = default;
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref&& other) noexcept {
        // The old object goes last: its finalizer may look at *this.
        PyObject* old = std::exchange(object_, std::exchange(other.object_, nullptr));
        Py_XDECREF(old);
        return *this;
    }
    Ref(const Ref&) = delete;
    Ref& operator=(const Ref&) = delete;
    ~Ref() { Py_XDECREF(object_); }

    /// Takes over a new reference; `object` may be null.
    static Ref steal(PyObject* object) noexcept { return Ref(object); }
    /// Makes a second reference to a living object; null stays null.
    static Ref share(Borrowed object) noexcept {
        Py_XINCREF(object.get());
        return Ref(object.get());
    }

    PyObject* get() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    /// Gives the reference away, to a call that steals it or a slot that owns it.
    [[nodiscard]] PyObject* release() noexcept { return std::exchange(object_, nullptr); }

private:
    constexpr explicit Ref(PyObject* object) noexcept : object_(object) {}

    PyObject* object_ = nullptr;
};

inline Borrowed::Borrowed(const Ref& owner) noexcept : object_(owner.get()) {}

}  // namespace calque
#pragma GCC visibility pop
