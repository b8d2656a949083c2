// runtime/effects/handler.hpp: who answers effects, and what a handler of ours has to provide.
//
// There is one way to an answer. The machine walks the fibers for the first whose mask accepts the effect (fiber.hpp) and asks its
// handler; it does not know State from a user's function. A native handler answers in place: nothing is taken off the stack
// and nothing is allocated, for it always resumes exactly once, at once. A Python callable is called with a continuation.
//
//   NativeHandler   a base of structures in handlers/effects/: a mask, and a function that answers
//   TypedHandler    a Python callable that wants some classes of effects only (@handles)
//   any callable    wants all, and says Pass to what it does not know
//
// TypedHandler asks about a class once: what it remembers is the class's MRO, which another tuple replaces when bases change, and holds
// it, so that no later class can be at its address.
#pragma once

#include "fiber.hpp"
#include "nodes.hpp"

namespace calque::effects {

struct NativeHandler {
    PyObject_HEAD
    std::uint32_t accepts;  // of Accepts
    Answer answer;
};

/// The base class of native handlers.
extern PyTypeObject native_handler_type;

struct TypedHandler {
    PyObject_HEAD
    PyObject* function;
    PyObject* types;  // a tuple of classes, or null before __init__
    PyObject* seen;   // the MRO asked about last, held
    bool verdict;     // about it
    std::uint32_t accepts;
};

extern PyTypeObject typed_handler_type;

inline bool is_native_handler_or_callable(Borrowed object) noexcept {
    return PyType_IsSubtype(object.type(), &native_handler_type) != 0 || PyCallable_Check(object.get()) != 0;
}

/// Makes it the handler of the fiber.
void install(Fiber& fiber, Borrowed handler) noexcept;
/// For a fiber that accepts some of the user's classes.
bool accepts_class(const Fiber& fiber, PyTypeObject* type) noexcept;
/// What is called to answer: the handler, or the callable in a TypedHandler.
inline Borrowed function_of(Borrowed handler) noexcept {
    return handler.type() == &typed_handler_type
             ? Borrowed(reinterpret_cast<TypedHandler*>(handler.get())->function)
             : handler;
}

[[nodiscard]] bool create_handler_types() noexcept;

}  // namespace calque::effects
