// A reference that nobody takes is a mistake.
// as: tests/cpp/abi_layout.cpp
// message: nodiscard|unused-result
#include <calque/context.hpp>

bool copy(calque::CopyContext& context, calque::Borrowed child) noexcept {
#ifdef OFFENDING
    context.copy(child);
    return true;
#else
    return bool(context.copy(child));
#endif
}
