// give_back() takes the context; a second owner there is not.
// as: runtime/walker.cpp
// message: deleted|implicitly-deleted
#include "walker.hpp"

void end(calque::IdleContext idle) noexcept {
#ifdef OFFENDING
    calque::IdleContext::give_back(idle);
#endif
    calque::IdleContext::give_back(std::move(idle));
}
