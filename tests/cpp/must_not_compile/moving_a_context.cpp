// Nor can a CopyContext be moved out of the call.
// as: tests/cpp/abi_layout.cpp
// message: deleted
#include <calque/context.hpp>

calque::Ref copy(calque::CopyContext& lent) noexcept {
#ifdef OFFENDING
    calque::CopyContext context = std::move(lent);
#else
    calque::CopyContext& context = lent;
#endif
    return context.memo();
}
