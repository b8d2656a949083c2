// finish() consumes the active context: whoever calls it says so with std::move.
// as: runtime/walker.cpp
// message: discards qualifiers|rvalue ref-qualifier
#include "walker.hpp"

calque::IdleContext end(calque::ActiveContext active) noexcept {
#ifdef OFFENDING
    return active.finish();
#else
    return std::move(active).finish();
#endif
}
