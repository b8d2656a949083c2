// What the engine holds is no CopyContext: only the walker's border turns one into the other.
// as: runtime/walker.cpp
// message: invalid initialization|no viable conversion|no matching function|cannot convert
#include "walker.hpp"

calque::Ref handle(calque::CopyContext& context, calque::Borrowed x) noexcept;

calque::Ref run(calque::CopyContext& lent, calque::ActiveContext& active, calque::Borrowed x) noexcept {
    static_cast<void>(active);
#ifdef OFFENDING
    static_cast<void>(lent);
    return handle(*active, x);
#else
    return handle(lent, x);
#endif
}
