// tests/cpp/allocations.hpp: counts what a test's own code takes from malloc, calloc, realloc and mmap, and makes it fail.
//
// The linker sends the calls here (--wrap), so only the objects of the test are seen, not the C++ library's own.
#pragma once

#include <cstddef>

namespace allocations {

std::size_t live_blocks();
std::size_t live_bytes();
/// How many succeeded since the process began.
std::size_t made();

/// While this lives, `successes` further allocations succeed and every later one fails.
class FailAfter {
public:
    explicit FailAfter(std::size_t successes);
    FailAfter(const FailAfter&) = delete;
    FailAfter& operator=(const FailAfter&) = delete;
    ~FailAfter();
};

}  // namespace allocations
