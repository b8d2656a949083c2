// runtime/stack_guard.hpp: how much C stack the running thread has left.
//
// The walker itself does not use the C stack. Hooks that call deepcopy again, and SIMPLE handlers that
// ask for children, do: per level a few hundred bytes of ours and some of the interpreter's. Threads
// may have 256 KiB. The real bounds are asked for once per thread; a stack pointer outside them (a
// coroutine library with stacks of its own) is left alone.
#pragma once

namespace calque::stack_guard {

/// True if there is room for another level. False with RecursionError set.
[[nodiscard]] bool has_room() noexcept;

}  // namespace calque::stack_guard
