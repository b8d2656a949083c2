// runtime/graph_step.hpp: where in an object a child of it lies: one step of a path through the graph.
//
// A walk knows an object and the child that its handler has asked for, not where the child was found. A handler does, in a frame
// that only it can read; asking it would need a function per handler, and strangers' have none. So the child is looked for among
// what the object refers to, by identity, from the place on where the last one was: handlers ask in order, so the search is one
// comparison per element. What is not found (a part that a hook or a reducer has made) has a step of its own kind.
//   calque.error_path asks for the steps to one object, when a copy has failed (error_path.cpp); calque.explain for
// those to each (explain/trace.cpp).
//
// Nothing here runs Python code, asks for attributes, or compares keys. No exception is set.
#pragma once

#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>

namespace calque {

enum class StepKind : std::uint8_t {
    root,
    attribute,   // of an instance dict, a slot, or a member of a type in C; key: the name
    index,       // of a list, tuple or deque
    key,         // a value of a dict; key: its key
    key_itself,  // a key of a dict
    member,      // of a set
    argument,    // of the constructor that a reducer named
    state,       // that a reducer gave
    reduced,     // something in what a reducer gave
    made,        // by the hook of the object
    handled,     // by a handler that someone registered; key: its name
    deeper,      // below the depth that is told apart
};
constexpr int kStepKinds = static_cast<int>(StepKind::deeper) + 1;

/// For Python: "attribute", "key itself", ...
const char* name_of(StepKind kind) noexcept;

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
    bool no_memory = false;   // for looking: what was said not to be found may be there
};

namespace graph_step {

/// At import. False with an exception set.
[[nodiscard]] bool create() noexcept;

/// The step from `parent` to the object at the address `child`, which is not looked into. False: not found, and `found` is as it was.
/// The members of a set are gone through from the first on, whatever the cursor says.
[[nodiscard]] bool find(Borrowed parent, const void* child, Cursor& cursor, GraphStep& found) noexcept;

/// A cursor at the element of `parent` with this number.
Cursor at_element(Borrowed parent, Py_ssize_t number) noexcept;

constexpr Py_ssize_t kFewItems = 8;

/// `key` if it can be shown without Python code, else its class. A new reference.
Ref showable(Borrowed key) noexcept;

}  // namespace graph_step

}  // namespace calque
