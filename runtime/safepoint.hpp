// runtime/safepoint.hpp: where a copy lets others have their turn.
//
// A native stretch runs no bytecode, so the interpreter does not ask for it whether another thread wants the GIL, or a
// signal's handler waits to run: a copy of 10^6 objects would keep both waiting until its end. So the walk does. A SAFEPOINT
// (the term of garbage collectors and virtual machines) is a place in the walk's loop where anything may happen, because the
// copy is in the state in which it would call a hook: every frame fit to be seen and owning its original, every logged pair owned,
// the collector given back. Making it so costs, and so it is made only when somebody waits:
//
//   poll    every 32 visits the walk looks at the interpreter's own flag (cpython/eval_breaker.hpp). Between
//           two looks it is one decrement. It costs nobody anything who copies fewer objects.
//   stop    somebody waits: the calls leave (native_walk.hpp), Context::before_python() makes the rest fit
//   serve   the GIL goes, and comes back when the others have had their turn; or handlers of signals run
//   go on   as after a hook: writes to the memo noticed, uniqueness not trusted for what was met before
//
// What would go wrong otherwise. An offer in the middle of a stretch: other threads change the source below a loop
// that holds its addresses. An offer between a handler's asking for a child and the child's visit: the parent may
// lose it, so the child is kept alive until the copy's end first (Memo::keep_alive). An offer at a fixed interval,
// wanted or not: a tenth of the time of a copy of 10^6 lists, for owning what was logged.
//
// What is done between two safepoints takes a few milliseconds at most for 10^6 objects: see HACKING.md, "Safety". Work
// in one go whose length grows with the copy, hashing the log, writing it to a hook's dict, giving it up, is done in
// SLICES with a poll between. What the interpreter does in one go stays so: sets, large lists of atoms, collections, the end
// of an object that owns a million others.
#pragma once

#include "primitives/mutants.hpp"

#include <cstddef>

namespace calque::safepoint {

/// Entries between two polls: less than a millisecond's work.
inline std::size_t slice() noexcept { return mutants::slice(); }

class Poll {
public:
    /// Does somebody wait? Nobody looks but every so many times.
    [[gnu::always_inline]] bool due() noexcept { return --countdown_ == 0 && look(); }
    /// The same, looking in any case.
    bool due_now() noexcept { return look(); }

    /// At a safepoint: everybody who waits has a turn. False with an exception set, of a signal handler.
    [[nodiscard]] bool serve() noexcept;
    /// The same for those who want the GIL; an exception in flight stays.
    void give_way() noexcept;

private:
    bool look() noexcept;

    unsigned countdown_ = mutants::polls_every();
    int collected_ = 0;     // in a test build
    unsigned wanted_ = 0;   // reasons that look() has found, and nobody has served
    unsigned ignored_ = 0;  // reasons that serving has not ended: they are other threads' affair
};

}  // namespace calque::safepoint
