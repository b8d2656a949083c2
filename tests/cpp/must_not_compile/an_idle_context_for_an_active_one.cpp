// An idle context does not pass for an active one.
// as: runtime/walker.cpp
// message: could not convert|invalid initialization|no viable conversion|no matching function|cannot convert
#include "walker.hpp"

void use(calque::ActiveContext active) noexcept;

void run(calque::IdleContext idle) noexcept {
#ifdef OFFENDING
    use(std::move(idle));
#else
    use(std::move(idle).activate());
#endif
}
