// runtime/stack_guard.cpp: see stack_guard.hpp.
#include "stack_guard.hpp"

#include "platform.hpp"

#include <Python.h>

namespace calque::stack_guard {

namespace {

// Left to whatever a hook calls: 256 KiB, or a quarter of a stack smaller than 1 MiB.
constexpr std::uintptr_t kMostReserve = 256 * 1024;

struct Bounds {
    std::uintptr_t low = 0;
    std::uintptr_t high = 0;  // 0: not known yet; to ask takes memory, which may be exhausted now
    std::uintptr_t reserve = 0;

    void ask() noexcept {
        const platform::Stack stack = platform::stack_of_this_thread();
        const std::uintptr_t quarter = (stack.high - stack.low) / 4;
        low = stack.low;
        high = stack.high;
        reserve = quarter < kMostReserve ? quarter : kMostReserve;
    }
};

}  // namespace

bool look() noexcept {
    static constinit thread_local Bounds bounds;
    if (bounds.high == 0) {
        bounds.ask();
        if (bounds.high == 0) {
            return true;
        }
    }
    all_right_from = bounds.low + bounds.reserve + 1;
    const auto here = platform::frame_address();
    if (here < bounds.low || here >= bounds.high || here - bounds.low > bounds.reserve) {
        return true;
    }
    PyErr_SetString(PyExc_RecursionError, "too many nested copies: the thread's C stack is nearly used up");
    return false;
}

}  // namespace calque::stack_guard
