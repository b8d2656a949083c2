// runtime/platform.cpp: see platform.hpp.
#include "platform.hpp"

#ifdef _WIN32
# define WIN32_LEAN_AND_MEAN
# define NOMINMAX
# include <windows.h>
#else
# include <pthread.h>
#endif
#ifdef __linux__
# include <sys/mman.h>
#endif

namespace calque::platform {

#if defined(_WIN32)

Stack stack_of_this_thread() noexcept {
    ULONG_PTR low = 0;
    ULONG_PTR high = 0;
    ::GetCurrentThreadStackLimits(&low, &high);
    return {low, high};
}

#elif defined(__APPLE__)

Stack stack_of_this_thread() noexcept {
    const auto high = reinterpret_cast<std::uintptr_t>(pthread_get_stackaddr_np(pthread_self()));
    return {high - pthread_get_stacksize_np(pthread_self()), high};
}

#elif defined(__linux__)

Stack stack_of_this_thread() noexcept {
    Stack stack;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return stack;
    }
    void* address = nullptr;
    std::size_t size = 0;
    if (pthread_attr_getstack(&attributes, &address, &size) == 0) {
        stack.low = reinterpret_cast<std::uintptr_t>(address);
        stack.high = stack.low + size;
    }
    pthread_attr_destroy(&attributes);
    return stack;
}

#else

Stack stack_of_this_thread() noexcept { return {}; }

#endif

#ifdef _WIN32

// Fibers' storage, because it has a callback; threads that are no fibers have it too.
AtThreadEnd::AtThreadEnd(void (*call)(void* value)) noexcept {
    const DWORD key = ::FlsAlloc(reinterpret_cast<PFLS_CALLBACK_FUNCTION>(call));
    made_ = key != FLS_OUT_OF_INDEXES;
    key_ = key;
}

bool AtThreadEnd::set(void* value) const noexcept {
    return made_ && ::FlsSetValue(static_cast<DWORD>(key_), value) != 0;
}

#else

AtThreadEnd::AtThreadEnd(void (*call)(void* value)) noexcept {
    pthread_key_t key{};
    made_ = pthread_key_create(&key, call) == 0;
    key_ = key;
}

bool AtThreadEnd::set(void* value) const noexcept {
    return made_ && pthread_setspecific(static_cast<pthread_key_t>(key_), value) == 0;
}

#endif

#ifdef __linux__

void* map_pages(std::size_t bytes) noexcept {
    void* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages != MAP_FAILED ? pages : nullptr;
}

void* grow_pages(void* pages, std::size_t had, std::size_t bytes) noexcept {
    void* const moved = ::mremap(pages, had, bytes, MREMAP_MAYMOVE);
    return moved != MAP_FAILED ? moved : nullptr;
}

void unmap_pages(void* pages, std::size_t bytes) noexcept { ::munmap(pages, bytes); }

#else

void* map_pages(std::size_t) noexcept { return nullptr; }
void* grow_pages(void*, std::size_t, std::size_t) noexcept { return nullptr; }
void unmap_pages(void*, std::size_t) noexcept {}

#endif

}  // namespace calque::platform
