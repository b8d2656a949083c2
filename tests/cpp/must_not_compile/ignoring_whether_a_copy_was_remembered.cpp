// remember() and keep_alive() may fail as well.
// as: tests/cpp/abi_layout.cpp
// message: nodiscard|unused-result
#include <calque/context.hpp>

bool enter(calque::CopyContext& context, calque::Borrowed original, calque::Borrowed unfinished) noexcept {
#ifdef OFFENDING
    context.remember(original, unfinished);
#endif
    return context.remember(original, unfinished) && context.keep_alive(original);
}
