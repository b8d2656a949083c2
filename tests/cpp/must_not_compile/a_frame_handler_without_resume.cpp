// A FRAME handler has begin() and resume().
// as: tests/cpp/abi_layout.cpp
// message: constraints not satisfied|no matching function
#include <calque/handler.hpp>

class State {
public:
    calque::Step begin(calque::CopyContext&, calque::Frame&) noexcept { return calque::Step::decline(); }
#ifndef OFFENDING
    calque::Step resume(calque::CopyContext&, calque::Frame&, calque::Ref) noexcept {
        return calque::Step::error();
    }
#endif
};

calque::HandlerSpec handler() noexcept { return calque::frame_handler<State>("state", &PyList_Type); }
