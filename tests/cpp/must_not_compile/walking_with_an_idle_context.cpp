// A walk needs an active context; an idle one has nothing to walk with.
// as: runtime/walker.cpp
// message: no match for .operator\*|indirection requires pointer operand
#include "walker.hpp"

calque::Ref copy(calque::IdleContext idle, calque::Borrowed x) noexcept {
#ifdef OFFENDING
    return calque::walker::walk(*idle, x, {});
#else
    calque::ActiveContext active = std::move(idle).activate();
    return calque::walker::walk(*active, x, {});
#endif
}
