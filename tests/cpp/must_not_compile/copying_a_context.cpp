// A CopyContext is lent for one call: there is no second one.
// as: tests/cpp/abi_layout.cpp
// message: deleted
#include <calque/context.hpp>

calque::Ref copy(calque::CopyContext& lent) noexcept {
#ifdef OFFENDING
    calque::CopyContext context = lent;
#else
    calque::CopyContext& context = lent;
#endif
    return context.memo();
}
