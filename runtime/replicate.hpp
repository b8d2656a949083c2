// runtime/replicate.hpp: many copies of one object in one call, and the results of many calls: calque.extra.
//
// Each copy is what deepcopy(x) would be at that moment. Between two copies by deepcopy anybody may change x, so nothing is
// known about the next one. But where everything in x is native, no Python code runs: then the graph is looked at once and
// copied by a recipe (prepared.hpp) until somebody gets a turn, a thread or a signal's handler. From then on it may have changed, and is
// looked at again. The collector has no turn in between: all that is made stays alive until the end, as if it were one copy.
//   What would go wrong otherwise: a recipe names objects by address; a handler of a signal that takes one of them out of x
// would leave the next copy with a dead one.
#pragma once

#include <calque/ref.hpp>

namespace calque {

/// A list of `count` deep copies of x, `count` not negative. Empty with an exception set.
Ref replicate(Borrowed x, Py_ssize_t count) noexcept;

/// `[function() for _ in range(count)]`. Empty with an exception set.
Ref repeat_call(Borrowed function, Py_ssize_t count) noexcept;

}  // namespace calque
