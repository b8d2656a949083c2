// Nor does it pass for the context that a handler receives.
// as: runtime/walker.cpp
// message: invalid initialization|no viable conversion|no matching function|cannot convert
#include "walker.hpp"

calque::Ref handle(calque::CopyContext& context, calque::Borrowed x) noexcept;

calque::Ref run(calque::CopyContext& lent, calque::IdleContext& idle, calque::Borrowed x) noexcept {
    static_cast<void>(idle);
#ifdef OFFENDING
    static_cast<void>(lent);
    return handle(idle, x);
#else
    return handle(lent, x);
#endif
}
