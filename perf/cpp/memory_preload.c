/* perf/cpp/memory_preload.c: counts what the heap holds; for LD_PRELOAD, with PYTHONMALLOC=malloc.
 *
 * tracemalloc sees only what goes through Python's allocators, and resident memory is too coarse for small copies. Every
 * malloc of the process comes by here, the C++ runtime's included. The numbers are what blocks can hold, not what was
 * asked for. glibc only, for its names of the real functions. */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

static long now, peak;

static void* taken(void* block) {
    if (block != NULL) {
        const long level = __atomic_add_fetch(&now, (long)malloc_usable_size(block), __ATOMIC_RELAXED);
        long highest = __atomic_load_n(&peak, __ATOMIC_RELAXED);
        while (
            level > highest
            && !__atomic_compare_exchange_n(&peak, &highest, level, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        }
    }
    return block;
}

static void given_back(void* block) {
    if (block != NULL) {
        __atomic_sub_fetch(&now, (long)malloc_usable_size(block), __ATOMIC_RELAXED);
    }
}

#define VISIBLE __attribute__((visibility("default")))

VISIBLE void* malloc(size_t size) { return taken(__libc_malloc(size)); }
VISIBLE void* calloc(size_t n, size_t size) { return taken(__libc_calloc(n, size)); }
VISIBLE void* memalign(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }
VISIBLE void* aligned_alloc(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }

VISIBLE int posix_memalign(void** result, size_t alignment, size_t size) {
    void* block = taken(__libc_memalign(alignment, size));
    if (block == NULL) {
        return ENOMEM;
    }
    *result = block;
    return 0;
}

/* A block that moves is held twice for a moment: that counts. */
VISIBLE void* realloc(void* block, size_t size) {
    const long before = block != NULL ? (long)malloc_usable_size(block) : 0;
    void* moved = __libc_realloc(block, size);
    if (moved != NULL || size == 0) {
        if (moved != block) {
            taken(moved);
            __atomic_sub_fetch(&now, before, __ATOMIC_RELAXED);
        } else {
            __atomic_sub_fetch(&now, before, __ATOMIC_RELAXED);
            taken(moved);
        }
    }
    return moved;
}

VISIBLE void free(void* block) {
    given_back(block);
    __libc_free(block);
}

/* For ctypes. */
VISIBLE long perf_memory_now(void) { return __atomic_load_n(&now, __ATOMIC_RELAXED); }
VISIBLE long perf_memory_peak(void) { return __atomic_load_n(&peak, __ATOMIC_RELAXED); }
VISIBLE void perf_memory_restart(void) { __atomic_store_n(&peak, perf_memory_now(), __ATOMIC_RELAXED); }
