// runtime/stack_guard.cpp: see stack_guard.hpp.
#include "stack_guard.hpp"

#include <Python.h>

#include <pthread.h>

namespace calque::stack_guard {

namespace {

// Left to whatever a hook calls: 256 KiB, or a quarter of a stack smaller than 1 MiB.
constexpr std::uintptr_t kMostReserve = 256 * 1024;

struct Bounds {
    std::uintptr_t low = 0;
    std::uintptr_t high = 0;  // 0: not known yet; to ask takes memory, which may be exhausted now
    std::uintptr_t reserve = 0;

    void ask() noexcept {
        pthread_attr_t attributes;
        if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
            return;
        }
        void* address = nullptr;
        std::size_t size = 0;
        if (pthread_attr_getstack(&attributes, &address, &size) == 0) {
            low = reinterpret_cast<std::uintptr_t>(address);
            high = low + size;
            reserve = size / 4 < kMostReserve ? size / 4 : kMostReserve;
        }
        pthread_attr_destroy(&attributes);
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
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    if (here < bounds.low || here >= bounds.high || here - bounds.low > bounds.reserve) {
        return true;
    }
    PyErr_SetString(PyExc_RecursionError, "too many nested copies: the thread's C stack is nearly used up");
    return false;
}

}  // namespace calque::stack_guard
