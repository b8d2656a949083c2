// runtime/primitives/hashed_place.hpp: where an address falls in a table of 2^bits places.
//
// Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): times 2^64 over the golden ratio, and of the
// product the highest bits. One multiplication and one shift; addresses, whose lowest bits are all the same, spread well.
#pragma once

#include <cstddef>
#include <cstdint>

namespace calque::primitives {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;

/// Below 2^bits; `bits` is 1 to 63.
inline std::size_t hashed_place(std::uintptr_t key, int bits) noexcept {
    return static_cast<std::size_t>((key * kGolden) >> (64 - bits));
}
inline std::size_t hashed_place(const void* address, int bits) noexcept {
    return hashed_place(reinterpret_cast<std::uintptr_t>(address), bits);
}

}  // namespace calque::primitives
