// An active context cannot be revived by assigning another one to it.
// as: runtime/walker.cpp
// message: deleted
#include "walker.hpp"

calque::IdleContext run(calque::ActiveContext active, calque::ActiveContext other) noexcept {
    static_cast<void>(other);
#ifdef OFFENDING
    active = std::move(other);
#endif
    return std::move(active).finish();
}
