// runtime/stack_guard.hpp: how much C stack the running thread has left.
//
// The walker itself does not use the C stack. Hooks that call deepcopy again, and SIMPLE handlers that
// ask for children, do: per level a few hundred bytes of ours and some of the interpreter's. Threads
// may have 256 KiB. The real bounds are asked for once per thread; a stack pointer outside them (a
// coroutine library with stacks of its own) is left alone.
#pragma once

#include <cstdint>

namespace calque::stack_guard {

// The lowest address that is surely all right in this thread; the highest there is until it was asked for.
#ifdef __GLIBC__
[[gnu::tls_model("initial-exec")]]
#endif
constinit inline thread_local std::uintptr_t all_right_from = UINTPTR_MAX;

[[nodiscard]] bool look() noexcept;

/// True if there is room for another level. False with RecursionError set.
[[nodiscard]] inline bool has_room() noexcept {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) >= all_right_from || look();
}

}  // namespace calque::stack_guard
