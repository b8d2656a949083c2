// runtime/large_array.hpp: memory for arrays that grow, beyond a few megabytes straight from the operating system.
//
// Growing a large array must not stop everybody (safepoint.hpp). malloc keeps what large blocks were given back, and so
// zeroes or copies the next ones itself: 16 to 67 ms for the log and the table of 10^6 objects, on a machine where a page's
// first touch takes 2 us. Pages of the system's are zero, are made when they are touched, and a block of them
// moves without being copied. Where a system cannot do that (platform.hpp), malloc it is.
#pragma once

#include "platform.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace calque::large_array {

/// From so many bytes on it is the system's pages.
constexpr std::size_t kLarge = platform::kPagesMove ? std::size_t{4} << 20 : SIZE_MAX;

inline void release(void* memory, std::size_t bytes) noexcept {
    if (bytes < kLarge) {
        std::free(memory);
    } else {
        platform::unmap_pages(memory, bytes);
    }
}

/// Zeroes; null when memory is exhausted.
[[nodiscard]] inline void* allocate_zeroed(std::size_t bytes) noexcept {
    return bytes < kLarge ? std::calloc(1, bytes) : platform::map_pages(bytes);
}

/// More room behind what is there, which may move; null when memory is exhausted (nothing changed). `had`: 0 at first.
[[nodiscard]] inline void* grow(void* memory, std::size_t had, std::size_t bytes) noexcept {
    if (bytes < kLarge) {
        return std::realloc(memory, bytes);
    }
    if (had >= kLarge) {
        return platform::grow_pages(memory, had, bytes);
    }
    void* const fresh = platform::map_pages(bytes);
    if (fresh != nullptr && had > 0) {
        std::memcpy(fresh, memory, had);
        release(memory, had);
    }
    return fresh;
}

}  // namespace calque::large_array
