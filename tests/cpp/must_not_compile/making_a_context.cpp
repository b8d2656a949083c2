// Only the walker makes a CopyContext.
// as: tests/cpp/abi_layout.cpp
// message: private
#include <calque/context.hpp>

calque::Ref copy(calque_context* raw, calque::CopyContext& lent) noexcept {
    static_cast<void>(raw);
    static_cast<void>(lent);
#ifdef OFFENDING
    calque::CopyContext made(raw);
    return made.memo();
#else
    return lent.memo();
#endif
}
