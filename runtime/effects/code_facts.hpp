// runtime/effects/code_facts.hpp: what the machine knows of a generator from its code.
//
// Where it will only return what it is sent, `return (yield x)`: after the yield comes the return, or a store and a load of the same name and
// the return, and no `try` or `with` encloses it. Asked for Resume only: State and Transfer do not pay for it.
//
// Whether anything happens when it is closed: not if it has no `try` and no `with` at all, and delegates to nobody by `yield from`. Then
// it need not be closed, only freed (runtime/cpython/generator_state.hpp).
//
// calque/effects/_code.py finds both in a code object, with the public module dis, once; here is remembered what it found.
#pragma once

#include <calque/ref.hpp>

namespace calque::effects {

/// False also where it cannot be found out. Leaves no exception.
bool waits_to_return(Borrowed generator) noexcept;
/// Ends a generator that the machine gives up. Runs its `finally` blocks, if it has any and this is the last reference.
void give_up(Ref generator) noexcept;

}  // namespace calque::effects
