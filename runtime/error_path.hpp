// runtime/error_path.hpp: where in the graph a copy failed: what calque.error_path tells, and the note that calque.deepcopy adds.
//
// WHEN. A copy that goes well does nothing for this. Only when an error ends a walk, before anything is released, the frames of
// its stack say which objects lead to the one that failed (graph_step.hpp says how each step is found).
//   A copy may be nested in another: a hook copies a child with the memo it was given, or with deepcopy anew, or a handler asks
// for a child in the middle of its own code. Then each walk has a part of the path. The inner one fails first and leaves its part
// with the exception; where the hook or handler of x ends with the same exception, the step from x to where the
// part begins is put before it (hand_up); then the outer walk puts its own steps before that. Is a part of THIS copy? The counter of
// stretches tells: parts of the past bear a number from before this copy began, and are forgotten. So an exception that is
// kept by the program and raised again has the path of the last copy it ended.
//
// WHERE it is kept: with the exception itself, unseen (cpython/exception_slot.hpp). As text of a bounded number of steps: no
// reference to the graph is kept, and a path through 10^6 objects has its first and last steps.
//
// What goes without: an exact MemoryError without arguments. The interpreter has a few of them, made beforehand and used again, and
// there is no memory for a path. Up to 3.11 the exception in flight may not be an object yet: where making it could run Python
// code (a class with a constructor in Python, raised by C code), it is left alone.
//
// THE NOTE. calque.deepcopy, called by this name, adds "calque: at $.users[3]" to exceptions that the interpreter or calque
// raised in this copy. That is: when the exception first reached a walk it had no traceback, so no Python code raised it or
// let it pass; that is all that can be seen of where an exception comes from. What `raise` in a hook has raised, or copyreg and
// other modules of the standard library written in Python, gets no note. Only instances of Exception: an interrupt is nobody's
// mistake. None for "$" alone. One per exception: if a hook's own calque.deepcopy has added one, the outer copy puts the whole
// path in its place. copy.deepcopy under the patch adds none, unless calque.patch.enable(notes=True) has asked for them.
//
// What would go wrong otherwise. An attribute shows in vars(), in pickles, and there are exceptions of which every copy would
// see the last one's. A table keyed by address gives a path to whatever exception comes to lie there next. A table of the
// exceptions themselves keeps tracebacks alive, with the frames and the graph in them. Building the path while frames go would
// ask objects that are gone. And an error in all this must not take the place of the error itself: each of these functions
// sets the exception in flight aside and brings it back as it was.
#pragma once

#include "context.hpp"

#include <calque/abi.h>
#include <calque/ref.hpp>

namespace calque::error_path {

/// The code of a handler or hook of `x` ends with an exception: the path of a copy in it, if there is one, begins at `x` from now
/// on. `by`: the handler's name, in parentheses if that is a method. `x` must be alive.
void hand_up(const Context& context, Borrowed x, const calque_handler* by) noexcept;

/// An error ends the walk whose frames lie above `base`, all of them fit to be seen: its part of the path. `child`: the address of
/// the object whose copy failed, which may be gone. `of_top`: it is the original of the frame on top.
void gather(Context& context, WorkStack::Mark base, const void* child, bool of_top) noexcept;

/// The path of this exception; None if there is none. Empty with MemoryError set.
Ref text_of(Borrowed exception) noexcept;

/// The function that was called by its own name fails: the exception in flight gets its note, where there is one to be made.
void add_note() noexcept;

}  // namespace calque::error_path
