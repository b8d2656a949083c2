// One copy in progress has one owner.
// as: runtime/walker.cpp
// message: deleted|implicitly-deleted
#include "walker.hpp"

calque::IdleContext end(calque::ActiveContext active) noexcept {
#ifdef OFFENDING
    calque::ActiveContext second = active;
    return std::move(second).finish();
#else
    return std::move(active).finish();
#endif
}
