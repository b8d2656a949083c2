// runtime/effects/nodes.hpp: what a program can yield: effects, and instructions to the machine.
//
// All native kinds are one structure of at most two fields, and their types lie in one array: the kind of an object is the index of
// its type. The machine decides what a yield means by that one subtraction; nothing is recognised by its name. The types are final, so that
// no subclass can be of a kind and not in the array. A user's effects are subclasses of Effect, with fields of their own.
//
// The fields are what Python code passed, the objects themselves: nothing is converted, so True stays True and an enum member a member.
#pragma once

#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>

namespace calque::effects {

enum class Kind : unsigned {
    get,
    put,
    modify,
    ask,
    tell,  // the effects come first: accepted_by_kind()
    resume,
    resume_throw,
    transfer,
    transfer_throw,
    pass,
    delegate,
    get_continuation,
    get_handlers,
    get_traceback,
    with_handler,
    pure,
    program,  // program.hpp: another structure
    unknown,  // no type of ours
};

constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::unknown);
constexpr std::size_t kFields = 2;

struct Node {
    PyObject_HEAD
    PyObject* fields[kFields];  // as many as the kind has
};

extern PyTypeObject node_types[kKinds];
/// The base class of all effects.
extern PyTypeObject effect_type;

inline Kind kind_of(Borrowed object) noexcept {
    const std::size_t index =
        (reinterpret_cast<std::uintptr_t>(object.type()) - reinterpret_cast<std::uintptr_t>(&node_types[0]))
        / sizeof(PyTypeObject);
    return index < kKinds ? static_cast<Kind>(index) : Kind::unknown;
}
inline bool is_native_effect(Kind kind) noexcept { return kind <= Kind::tell; }
inline bool is_user_effect(Borrowed object) noexcept {
    return PyType_IsSubtype(object.type(), &effect_type) != 0;
}
/// Anything but another object: it can be yielded, run, and be the body of a WithHandler.
inline bool is_yieldable(Borrowed object) noexcept {
    return kind_of(object) != Kind::unknown || is_user_effect(object);
}

inline Borrowed field(Borrowed node, std::size_t index) noexcept {
    return reinterpret_cast<Node*>(node.get())->fields[index];
}

[[nodiscard]] bool create_node_types() noexcept;
[[nodiscard]] bool create_effect_type() noexcept;
/// TypeError about something that cannot be yielded.
void refuse_yield(Borrowed object) noexcept;

}  // namespace calque::effects
