// A step that is not returned to the walker says nothing.
// as: tests/cpp/abi_layout.cpp
// message: nodiscard|unused-result
#include <calque/handler.hpp>

calque::Step next(calque::Borrowed child) noexcept {
#ifdef OFFENDING
    calque::Step::child(child);
#endif
    return calque::Step::child(child);
}
