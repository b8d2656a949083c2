// handlers/effects/native_handlers.hpp: the handlers of ours, and what they share.
//
// Each is a structure that begins with NativeHandler and owns its store; handler.hpp of the machine is the interface. The stores are
// no more visible than items(), env() and logs(), which copy: a program cannot get at them but by effects. That is why none has a
// tp_clear: a cycle through a store is a cycle through that dict or list, which has one.
#pragma once

#include "handler.hpp"

#include <utility>

namespace calque::effects {

extern PyTypeObject state_type;
extern PyTypeObject reader_type;
extern PyTypeObject writer_type;

[[nodiscard]] bool create_state_type() noexcept;
[[nodiscard]] bool create_reader_type() noexcept;
[[nodiscard]] bool create_writer_type() noexcept;

/// A new dict with what a mapping or None has, as dict() makes it; empty with an exception.
inline Ref dict_of(Borrowed mapping) noexcept {
    return Ref::steal(mapping.get() == Py_None
                          ? PyDict_New()
                          : PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyDict_Type), mapping.get()));
}

/// What __setstate__ got becomes a store: null with TypeError unless it is of that type. Cycles through a handler are copied and
/// pickled because what it holds is its state, not an argument of what makes it.
inline PyObject* take_store(PyObject*& store, PyTypeObject& expected, Borrowed given) noexcept {
    if (given.type() != &expected) {
        PyErr_Format(PyExc_TypeError, "expected what a handler holds, a %s, got %s", expected.tp_name,
                     given.type()->tp_name);
        return nullptr;
    }
    Ref own = Ref::steal(PyObject_CallOneArg(reinterpret_cast<PyObject*>(&expected), given.get()));
    if (!own) {
        return nullptr;
    }
    const Ref before = Ref::steal(std::exchange(store, own.release()));
    return Ref::share(Py_None).release();
}

/// KeyError(key), also for a key that is a tuple.
inline void set_key_error(Borrowed key) noexcept {
    const Ref error = Ref::steal(PyObject_CallOneArg(PyExc_KeyError, key.get()));
    if (error) {
        PyErr_SetObject(PyExc_KeyError, error.get());
    }
}

}  // namespace calque::effects
