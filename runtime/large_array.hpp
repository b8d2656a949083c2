// runtime/large_array.hpp: memory for arrays that grow, beyond a few megabytes straight from the operating system.
//
// Growing a large array must not stop everybody (safepoint.hpp). malloc keeps what large blocks were given back, and so
// zeroes or copies the next ones itself: 16 to 67 ms for the log and the table of 10^6 objects, on a machine where a page's
// first touch takes 2 us. Pages of the system's are zero, are made when they are touched, and a block of them
// moves without being copied. Where there is no mremap, malloc it is.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>

#ifdef __linux__
# include <sys/mman.h>
#endif

namespace calque::large_array {

#ifdef MREMAP_MAYMOVE

/// From so many bytes on.
constexpr std::size_t kLarge = std::size_t{4} << 20;

inline void* pages(std::size_t bytes) noexcept {
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : nullptr;
}

inline void release(void* memory, std::size_t bytes) noexcept {
    if (bytes < kLarge) {
        std::free(memory);
    } else {
        ::munmap(memory, bytes);
    }
}

/// Zeroes; null when memory is exhausted.
[[nodiscard]] inline void* allocate_zeroed(std::size_t bytes) noexcept {
    return bytes < kLarge ? std::calloc(1, bytes) : pages(bytes);
}

/// More room behind what is there, which may move; null when memory is exhausted (nothing changed). `had`: 0 at first.
[[nodiscard]] inline void* grow(void* memory, std::size_t had, std::size_t bytes) noexcept {
    if (bytes < kLarge) {
        return std::realloc(memory, bytes);
    }
    if (had >= kLarge) {
        void* const moved = ::mremap(memory, had, bytes, MREMAP_MAYMOVE);
        return moved != MAP_FAILED ? moved : nullptr;
    }
    void* const fresh = pages(bytes);
    if (fresh != nullptr && had > 0) {
        std::memcpy(fresh, memory, had);
        release(memory, had);
    }
    return fresh;
}

#else

inline void release(void* memory, std::size_t) noexcept { std::free(memory); }
[[nodiscard]] inline void* allocate_zeroed(std::size_t bytes) noexcept { return std::calloc(1, bytes); }
[[nodiscard]] inline void* grow(void* memory, std::size_t, std::size_t bytes) noexcept {
    return std::realloc(memory, bytes);
}

#endif

}  // namespace calque::large_array
