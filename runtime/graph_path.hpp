// runtime/graph_path.hpp: how a place in a graph of objects is written: `$.users[3]['name']`.
//
//   $                  the object that was to be copied
//   .name              an attribute: in the instance's dict, in a slot, a member of a type written in C
//   [3]                an element of a list, tuple or deque
//   ['key']            a value of a dict
//   .keys()['key']     a key of a dict
//   {'member'}         a member of a set
//   .__deepcopy__()    something that this hook copied and that is none of the above
//   .__reduce__()      something in what the reducer gave; .__reduce__()[1][0] an argument in it, .__reduce__()[2] the state
//   .<name>            something that a handler of this name copied, and that is none of the above
//   ...7...            seven steps that are left out
//
// Keys and members are shown by their repr if they are plain str, int, float, bytes, bool or None, cut to 40 characters;
// classes by their name, as <name>, others by that of their class: their repr may be Python code. Names that are no identifiers are
// shown as .'a name'.
//
// A step can stand for several, in a pattern: [*], .*, {*}, and .** for all that is further down. graph_step.hpp says how a step is found.
//
// Nothing here runs Python code, and no exception is set: without memory there is no text.
#pragma once

#include "graph_step.hpp"

#include <calque/ref.hpp>

#include <cstddef>

namespace calque::graph_path {

/// One step as it is written.
Ref text_of(const GraphStep& step) noexcept;

/// A path of which only both ends are kept, however long it is. Grows from its end to its beginning.
class Steps {
public:
    static constexpr std::size_t kShown = 16;

    std::size_t count() const noexcept { return count_; }
    void clear() noexcept;
    /// A step before the others. A value in an instance's __dict__ becomes its attribute. One without a text,
    /// for want of memory, spoils it all.
    void put_before(const GraphStep& step) noexcept;
    /// No text is better than a wrong one.
    void spoil() noexcept { complete_ = false; }
    bool complete() const noexcept { return complete_; }
    /// So many before the others that nobody wants to see; at least kShown more must come.
    void skip_before(std::size_t steps) noexcept {
        outermost_key_ = Ref();
        count_ += steps;
    }
    /// "$" and the steps, which are complete. Empty without an exception: there was no memory.
    Ref text() const noexcept;

private:
    std::size_t count_ = 0;
    bool complete_ = true;
    Ref first_[kShown];
    Ref last_[kShown];   // the last one first
    Ref outermost_key_;  // of first_[0], if that is the str at which a value lies in a dict
};

}  // namespace calque::graph_path
