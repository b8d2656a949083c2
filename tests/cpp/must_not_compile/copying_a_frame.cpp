// A Frame is lent like a context.
// as: tests/cpp/abi_layout.cpp
// message: deleted
#include <calque/handler.hpp>

calque::Borrowed copy(calque::Frame& lent) noexcept {
#ifdef OFFENDING
    calque::Frame frame = lent;
#else
    calque::Frame& frame = lent;
#endif
    return frame.original();
}
