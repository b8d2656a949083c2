// runtime/platform.hpp: all that differs from one operating system, or C library, to the next. No other file asks which it is.
//
// Linux with glibc is what calque is tried on. The other branches are written from the systems' manuals, so that calque can be built there;
// where a system has nothing of the kind, the answer is the one that costs time or memory and is right.
#pragma once

#include <cstddef>
#include <cstdint>

// Before a thread_local: it lies at a place known when the module is loaded, and neither a function call nor an allocation stands before its
// first use. Room for such variables is what C libraries keep in reserve; that glibc's is enough is known.
#ifdef __GLIBC__
# define CALQUE_AT_FIXED_PLACE [[gnu::tls_model("initial-exec")]]
#else
# define CALQUE_AT_FIXED_PLACE
#endif

namespace calque::platform {

/// Where the caller's frame lies, for comparison with the bounds of the stack.
[[nodiscard]] inline std::uintptr_t frame_address() noexcept {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

/// The running thread's C stack; `high` is 0 where it cannot be known (to ask takes memory, which may be exhausted).
struct Stack {
    std::uintptr_t low = 0;
    std::uintptr_t high = 0;
};
[[nodiscard]] Stack stack_of_this_thread() noexcept;

/// A value per thread, and what is called with it when its thread ends (not for a value that is null). Made once, never given back.
class AtThreadEnd {
public:
    explicit AtThreadEnd(void (*call)(void* value)) noexcept;

    /// False: memory or keys are exhausted; `call` will not be called in this thread.
    [[nodiscard]] bool set(void* value) const noexcept;

private:
    std::uint64_t key_ = 0;
    bool made_ = false;
};

// Zeroed memory straight from the system, that grows without being copied. Null when memory is exhausted, and then nothing was changed.
#ifdef __linux__
inline constexpr bool kPagesMove = true;
#else
inline constexpr bool kPagesMove = false;  // none of the functions is called
#endif
[[nodiscard]] void* map_pages(std::size_t bytes) noexcept;
[[nodiscard]] void* grow_pages(void* pages, std::size_t had, std::size_t bytes) noexcept;
void unmap_pages(void* pages, std::size_t bytes) noexcept;

}  // namespace calque::platform
