// runtime/stack_guard.hpp: how much C stack the running thread has left.
//
// The walker itself uses a bounded piece of the C stack. Hooks that call deepcopy again, and SIMPLE handlers that
// ask for children, have no bound: per level a few hundred bytes of ours and some of the interpreter's. Threads
// may have 256 KiB. The real bounds are asked for once per thread; a stack pointer outside them (a
// coroutine library with stacks of its own) is left alone.
#pragma once

#include "platform.hpp"

#include <cstddef>
#include <cstdint>

namespace calque::stack_guard {

// The lowest address that is surely all right in this thread; the highest there is until it was asked for.
CALQUE_AT_FIXED_PLACE constinit inline thread_local std::uintptr_t all_right_from = UINTPTR_MAX;

[[nodiscard]] bool look() noexcept;

/// True if there is room for another level. False with RecursionError set.
[[nodiscard]] inline bool has_room() noexcept {
    return platform::frame_address() >= all_right_from || look();
}

/// How many calls one inside the other, of so many bytes each, there is room for: `most`, or fewer, but one at least. For
/// calls that can do without each other; sets no exception.
[[nodiscard]] inline std::size_t room_for(std::size_t most, std::size_t bytes) noexcept {
    const auto here = platform::frame_address();
    if (here < all_right_from) [[unlikely]] {
        return 1;  // nobody has asked yet, or it is not a stack that we know
    }
    const std::size_t left = (here - all_right_from) / bytes;
    return left < most ? left + 1 : most;
}

}  // namespace calque::stack_guard
