// Only a finished context goes back to the pool.
// as: runtime/walker.cpp
// message: could not convert|no viable conversion|no matching function|cannot convert
#include "walker.hpp"

void end(calque::ActiveContext active) noexcept {
#ifdef OFFENDING
    calque::IdleContext::give_back(std::move(active));
#else
    calque::IdleContext::give_back(std::move(active).finish());
#endif
}
