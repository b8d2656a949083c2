// tests/cpp/allocations.cpp: see allocations.hpp.
#include "allocations.hpp"

#include <cstdint>
#include <malloc.h>
#include <sys/mman.h>

// The names that ld's --wrap gives: a call of malloc() arrives at __wrap_malloc, and __real_malloc is malloc.
extern "C" {
void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
void* __real_realloc(void* block, std::size_t size);
void __real_free(void* block);
void* __real_mmap(void* at, std::size_t size, int protection, int flags, int file, off_t offset);
void* __real_mremap(void* pages, std::size_t had, std::size_t size, int flags);
int __real_munmap(void* pages, std::size_t size);
void* __wrap_mmap(void* at, std::size_t size, int protection, int flags, int file, off_t offset);
void* __wrap_mremap(void* pages, std::size_t had, std::size_t size, int flags);
int __wrap_munmap(void* pages, std::size_t size);
void* __wrap_malloc(std::size_t size);
void* __wrap_calloc(std::size_t count, std::size_t size);
void* __wrap_realloc(void* block, std::size_t size);
void __wrap_free(void* block);
}

namespace {

std::size_t blocks = 0;
std::size_t bytes = 0;
std::size_t successes = 0;
std::size_t successes_left = SIZE_MAX;

bool may_succeed() {
    if (successes_left == 0) {
        return false;
    }
    if (successes_left != SIZE_MAX) {
        --successes_left;
    }
    return true;
}

void* counted(void* block) {
    if (block != nullptr) {
        ++blocks;
        ++successes;
        bytes += malloc_usable_size(block);
    }
    return block;
}

void uncount(void* block) {
    if (block != nullptr) {
        --blocks;
        bytes -= malloc_usable_size(block);
    }
}

}  // namespace

void* __wrap_malloc(std::size_t size) { return may_succeed() ? counted(__real_malloc(size)) : nullptr; }

void* __wrap_calloc(std::size_t count, std::size_t size) {
    return may_succeed() ? counted(__real_calloc(count, size)) : nullptr;
}

void* __wrap_realloc(void* block, std::size_t size) {
    if (!may_succeed()) {
        return nullptr;
    }
    uncount(block);
    return counted(__real_realloc(block, size));
}

void __wrap_free(void* block) {
    uncount(block);
    __real_free(block);
}

void* __wrap_mmap(void* at, std::size_t size, int protection, int flags, int file, off_t offset) {
    if (!may_succeed()) {
        return MAP_FAILED;
    }
    ++blocks;
    ++successes;
    bytes += size;
    return __real_mmap(at, size, protection, flags, file, offset);
}

void* __wrap_mremap(void* pages, std::size_t had, std::size_t size, int flags) {
    if (!may_succeed()) {
        return MAP_FAILED;
    }
    ++successes;
    bytes += size - had;
    return __real_mremap(pages, had, size, flags);
}

int __wrap_munmap(void* pages, std::size_t size) {
    --blocks;
    bytes -= size;
    return __real_munmap(pages, size);
}

namespace allocations {

std::size_t live_blocks() { return blocks; }
std::size_t live_bytes() { return bytes; }
std::size_t made() { return successes; }

FailAfter::FailAfter(std::size_t allowed) { successes_left = allowed; }
FailAfter::~FailAfter() { successes_left = SIZE_MAX; }

}  // namespace allocations
