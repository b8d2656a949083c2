/* perf/cpp/memory_preload.c: counts what is asked of the heap and not given back; for LD_PRELOAD, with
 * PYTHONMALLOC=malloc.
 *
 * tracemalloc sees only what goes through Python's allocators, and resident memory is too coarse for small copies. Every
 * malloc of the process comes by here, the C++ runtime's included. Counted is what was asked for, not what the
 * block can hold: malloc hands out a block some bytes too large where the remainder would be too small to be one, so
 * that the same objects made in another order seem to take up to a tenth more. So each block is asked for with a word
 * more, its last, which remembers the size. glibc only, for its names of the real functions. */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

static long now, peak;

/* With room for the word; a size no block can have, if there is none. */
static size_t with_word(size_t size) {
    return size <= SIZE_MAX - sizeof(size_t) ? size + sizeof(size_t) : SIZE_MAX;
}

static size_t* size_of(void* block) {
    return (size_t*)((char*)block + (malloc_usable_size(block) & ~(sizeof(size_t) - 1))) - 1;
}

static void* taken(void* block, size_t size) {
    if (block != NULL) {
        *size_of(block) = size;
        const long level = __atomic_add_fetch(&now, (long)size, __ATOMIC_RELAXED);
        long highest = __atomic_load_n(&peak, __ATOMIC_RELAXED);
        while (
            level > highest
            && !__atomic_compare_exchange_n(&peak, &highest, level, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        }
    }
    return block;
}

static void given_back(size_t size) { __atomic_sub_fetch(&now, (long)size, __ATOMIC_RELAXED); }

#define VISIBLE __attribute__((visibility("default")))

VISIBLE void* malloc(size_t size) { return taken(__libc_malloc(with_word(size)), size); }

VISIBLE void* calloc(size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        bytes = SIZE_MAX;
    }
    return taken(__libc_calloc(1, with_word(bytes)), bytes);
}

VISIBLE void* memalign(size_t alignment, size_t size) {
    return taken(__libc_memalign(alignment, with_word(size)), size);
}
VISIBLE void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

VISIBLE int posix_memalign(void** result, size_t alignment, size_t size) {
    void* block = memalign(alignment, size);
    if (block == NULL) {
        return ENOMEM;
    }
    *result = block;
    return 0;
}

/* A block that moves is held twice for a moment: that counts. */
VISIBLE void* realloc(void* block, size_t size) {
    if (block == NULL) {
        return malloc(size);
    }
    const size_t before = *size_of(block);
    if (size == 0) {
        given_back(before);
        __libc_free(block);
        return NULL;
    }
    void* moved = __libc_realloc(block, with_word(size));
    if (moved == block) {
        given_back(before);
        taken(moved, size);
    } else if (moved != NULL) {
        taken(moved, size);
        given_back(before);
    }
    return moved;
}

VISIBLE void free(void* block) {
    if (block != NULL) {
        given_back(*size_of(block));
    }
    __libc_free(block);
}

/* For ctypes. */
VISIBLE long perf_memory_now(void) { return __atomic_load_n(&now, __ATOMIC_RELAXED); }
VISIBLE long perf_memory_peak(void) { return __atomic_load_n(&peak, __ATOMIC_RELAXED); }
VISIBLE void perf_memory_restart(void) { __atomic_store_n(&peak, perf_memory_now(), __ATOMIC_RELAXED); }
