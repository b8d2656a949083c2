// No exception of C++ leaves resume().
// as: tests/cpp/abi_layout.cpp
// message: constraints not satisfied|no matching function
#include <calque/handler.hpp>

#ifdef OFFENDING
# define NOEXCEPT
#else
# define NOEXCEPT noexcept
#endif

class State {
public:
    calque::Step begin(calque::CopyContext&, calque::Frame&) noexcept { return calque::Step::decline(); }
    calque::Step resume(calque::CopyContext&, calque::Frame&, calque::Ref) NOEXCEPT {
        return calque::Step::error();
    }
};

calque::HandlerSpec handler() noexcept { return calque::frame_handler<State>("state", &PyList_Type); }
