// runtime/explain/graph_step.hpp: where in an object a child of it lies: one step of a path through the graph.
//
// A walk knows an object and the child that its handler has asked for, not where the child was found. It is looked for
// by identity, from the place on where the last one was: handlers ask in order, so the search is one comparison
// per element. What is not found (a part that a hook or a reducer has made) has a step of its own kind.
//   Nothing here runs Python code, asks for attributes, or compares keys.
#pragma once

#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>

namespace calque::explain {

enum class StepKind : std::uint8_t {
    root,
    attribute,   // of an instance dict, a slot, or a member of a type in C; key: the name
    index,       // of a list or tuple
    key,         // a value of a dict; key: its key
    key_itself,  // a key of a dict
    member,      // of a set
    element,     // of another container, at an unknown place
    argument,    // of the constructor that a reducer named
    state,       // that a reducer gave
    made,        // by the hook of the object
    deeper,      // below the depth that is told apart
};

struct GraphStep {
    StepKind kind = StepKind::made;
    Py_ssize_t index = -1;  // -1: any
    bool few = false;       // of a short tuple, whose items have paths of their own
    Ref key;  // as it may be shown: a str, int, float, bytes, bool, None or class, else its class; empty: any
};

/// The places where the last child of an object was found.
struct Cursor {
    Py_ssize_t item = 0;
    std::uint32_t attribute = 0;
    std::uint32_t member = 0;
    std::uint32_t spent = 0;  // comparisons; there is a limit to them
    std::uint32_t asked = 0;  // children of the kind `argument`
};

/// False: not found, and `found` is as it was.
[[nodiscard]] bool find_step(Borrowed parent, Borrowed child, Cursor& cursor, GraphStep& found) noexcept;

constexpr Py_ssize_t kFewItems = 8;

/// `key` if it can be shown without Python code, else its class. A new reference.
Ref showable(Borrowed key) noexcept;

}  // namespace calque::explain
