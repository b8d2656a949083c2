// runtime/effects/tail.hpp: whether a suspended generator will only return what it is sent: `return (yield x)`.
//
// The answer is in its bytecode: after the yield comes the return, or a store and a load of the same name and the return, and no `try` or `with`
// encloses it. calque/effects/_tail.py finds these places in a code object, with the public module dis, once; here is remembered
// what it found, as a string of bytes with a 1 for each. The question is asked for Resume only: State and Transfer do not pay for it.
#pragma once

#include <calque/ref.hpp>

namespace calque::effects {

/// False also where it cannot be found out. Leaves no exception.
bool waits_to_return(Borrowed generator) noexcept;

}  // namespace calque::effects
