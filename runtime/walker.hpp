// runtime/walker.hpp: walks a graph and has each object copied by its handler. The loop
// itself is native_walk.hpp, the moves for any handler are walk.hpp.
//
// A walk is two alternating moves on an explicit stack of frames:
//   VISIT    an object: itself if atomic; the memo's copy if it has one; otherwise its handler begins.
//            A handler that needs a child leaves its frame on the stack, and the child is visited.
//   DELIVER  a finished copy to the frame on top, which answers with its next child, or with its own
//            finished copy, which is delivered one frame below.
// Depth of the graph is length of the stack: heap. Only SIMPLE handlers that ask for children, and
// Python code that calls deepcopy again, use the C stack, and stack_guard.hpp ends that in time.
//
// What the walker does so that handlers need not: memo and keep-alive in the order of Lib/copy.py,
// owning originals, preparing for Python code, unwinding.
//
// Unwinding. An error drops the frames of this walk from the top, one by one: each handler frees what
// its data own, the frame gives up copy and original. No recursion, whatever the depth.
#pragma once

#include "context.hpp"

#include <calque/ref.hpp>

namespace calque::explain {
class Trace;
}  // namespace calque::explain

namespace calque::walker {

/// A deep copy of `x` within the copy `context`. Empty with an exception set on failure.
/// `nil`: a memo entry for `x` that is this object does not count; may be empty.
Ref walk(Context& context, Borrowed x, Borrowed nil) noexcept;

/// The same, told to `trace`.
Ref explain_walk(Context& context, Borrowed x, Borrowed nil, explain::Trace& trace) noexcept;
/// When the first trace has been taken up, or the last one has been given up.
void choose_mode() noexcept;

/// The first object of a copy that has no memo yet: most of them are leaves and need none.
struct Root {
    calque_frame frame;
    calque_step step;

    bool done() const noexcept { return step.outcome == CALQUE_DONE; }
    bool failed() const noexcept { return step.outcome == CALQUE_ERROR; }
    /// Once: a new reference.
    Ref copy() noexcept { return Ref::steal(step.object); }
};

/// Begins with `x`, without context: done() with the copy, failed() with an exception set, or to be handed to
/// walk_root(). False: x is of another kind, nothing has been done.
[[nodiscard]] bool begin_root(Borrowed x, Root& root) noexcept;
Ref walk_root(Context& context, Root& root) noexcept;
/// Instead of walk_root(), when there was no memory for a context.
void give_up_root(Root& root) noexcept;

/// frame->copy into the memo, now; see abi.h.
[[nodiscard]] bool publish(Context& context, calque_frame& frame) noexcept;

}  // namespace calque::walker
