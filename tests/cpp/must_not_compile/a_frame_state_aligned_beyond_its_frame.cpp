// A frame is aligned for pointers, not for vectors.
// as: tests/cpp/abi_layout.cpp
// message: constraints not satisfied|no matching function
#include <calque/handler.hpp>

#ifdef OFFENDING
class alignas(16) State {
#else
class alignas(8) State {
#endif
public:
    calque::Step begin(calque::CopyContext&, calque::Frame&) noexcept { return calque::Step::decline(); }
    calque::Step resume(calque::CopyContext&, calque::Frame&, calque::Ref) noexcept {
        return calque::Step::error();
    }
};

calque::HandlerSpec handler() noexcept { return calque::frame_handler<State>("state", &PyList_Type); }
