// runtime/graph_path.hpp: how a place in a graph of objects is written: `$.users[3]['name']`.
//
//   $                  the object that was to be copied
//   .name              an attribute: in the instance's dict, in a slot, a member of a type written in C
//   [3]                an element of a list, tuple or deque
//   ['key']            a value of a dict
//   .keys()['key']     a key of a dict
//   {'member'}         a member of a set
//   .__deepcopy__()    something that this hook copied and that is none of the above
//   .__reduce__()      something in what the reducer gave
//   ...7...            seven steps that are left out
//
// Keys and members are shown by their repr if they are plain str, int, float, bytes, bool or None, cut to 40 characters;
// classes by their name, as <name>, others by that of their class: their repr may be Python code. Names that are no identifiers are
// shown as .'a name'.
//
// WHERE an object lies in another is found by looking for it, object by object, among what the other refers to. A
// handler knows where it is, in a frame that only it can read; asking it would need a function per handler, and strangers' have
// none. What is met twice was copied at the first place, so the first place is the right one, but for a hook that gave
// back its object at first and raised later: so the place is preferred that the unfinished copy's length points to.
//   The search ends where the copy failed: it looks at no more than the copy had been through.
//
// Nothing here runs Python code, and no exception is set: without memory there is no text.
#pragma once

#include <calque/ref.hpp>

#include <cstddef>

namespace calque::graph_path {

/// At import. False with an exception set.
[[nodiscard]] bool create() noexcept;

/// The step from `parent` to the object at the address `child`, which is not looked into; empty if it is not found there.
/// `filled`: how many elements the unfinished copy has.
Ref step_to(Borrowed parent, const void* child, Py_ssize_t filled) noexcept;

/// A path of which only both ends are kept, however long it is. Grows from its end to its beginning.
class Steps {
public:
    static constexpr std::size_t kShown = 16;

    std::size_t count() const noexcept { return count_; }
    void clear() noexcept;
    /// A step before the others. A value in an instance's __dict__ becomes its attribute.
    void put_before(Ref step) noexcept;
    /// So many before the others that nobody wants to see; at least kShown more must come.
    void skip_before(std::size_t steps) noexcept { count_ += steps; }
    /// "$" and the steps. Empty without an exception: there was no memory.
    Ref text() const noexcept;

private:
    std::size_t count_ = 0;
    Ref first_[kShown];
    Ref last_[kShown];  // the last one first
};

}  // namespace calque::graph_path
