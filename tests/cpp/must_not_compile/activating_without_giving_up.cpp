// activate() consumes the idle context.
// as: runtime/walker.cpp
// message: discards qualifiers|rvalue ref-qualifier
#include "walker.hpp"

calque::ActiveContext begin(calque::IdleContext idle) noexcept {
#ifdef OFFENDING
    return idle.activate();
#else
    return std::move(idle).activate();
#endif
}
