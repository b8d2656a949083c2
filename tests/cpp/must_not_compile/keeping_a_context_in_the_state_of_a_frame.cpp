// The state of a FRAME handler is made before any context is lent, so it can hold none.
// as: tests/cpp/abi_layout.cpp
// message: constraints not satisfied|no matching function
#include <calque/handler.hpp>

class State {
public:
    calque::Step begin(calque::CopyContext&, calque::Frame&) noexcept { return calque::Step::decline(); }
    calque::Step resume(calque::CopyContext&, calque::Frame&, calque::Ref) noexcept {
        return calque::Step::error();
    }

private:
#ifdef OFFENDING
    calque::CopyContext context_;
#endif
};

calque::HandlerSpec handler() noexcept { return calque::frame_handler<State>("state", &PyList_Type); }
