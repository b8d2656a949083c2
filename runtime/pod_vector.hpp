// runtime/pod_vector.hpp: a growable array of plain values whose failures are return values.
//
// std::vector reports a failed allocation by an exception, and none may cross a handler boundary;
// wrapping every push_back in try/catch would be longer than this file. Values are moved by memcpy
// when the array grows, so only trivially copyable types fit.
#pragma once

#include "large_array.hpp"

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace calque {

/// `new (std::nothrow)` of a class made from this is malloc. That of the C++ library throws and catches inside, and the first exception
/// of a thread needs memory for what the library keeps per thread: without it, the C library ends the process.
struct FromMalloc {
    static void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
    static void operator delete(void* block) noexcept { std::free(block); }
    static void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
};

template <class T>
class PodVector {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    PodVector() noexcept = default;
    PodVector(const PodVector&) = delete;
    PodVector& operator=(const PodVector&) = delete;
    ~PodVector() { large_array::release(items_, capacity_ * sizeof(T)); }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::size_t capacity() const noexcept { return capacity_; }
    T& operator[](std::size_t i) noexcept { return items_[i]; }
    const T& operator[](std::size_t i) const noexcept { return items_[i]; }
    T& back() noexcept { return items_[size_ - 1]; }
    T* begin() noexcept { return items_; }
    const T* begin() const noexcept { return items_; }
    T* end() noexcept { return items_ + size_; }
    const T* end() const noexcept { return items_ + size_; }

    /// False when memory is exhausted; no Python exception is set.
    [[nodiscard]] [[gnu::always_inline]] bool push_back(T value) noexcept {
        if (size_ == capacity_ && !grow()) [[unlikely]] {
            return false;
        }
        items_[size_++] = value;
        return true;
    }
    /// The same for `count` values.
    [[nodiscard]] bool append(const T* values, std::size_t count) noexcept {
        while (capacity_ - size_ < count) {
            if (!grow()) {
                return false;
            }
        }
        if (count > 0) {
            std::memcpy(items_ + size_, values, count * sizeof(T));
            size_ += count;
        }
        return true;
    }
    void pop_back() noexcept { --size_; }
    void truncate(std::size_t size) noexcept { size_ = size; }

    /// Forgets everything; gives the memory back if it is more than `keep` values.
    void clear(std::size_t keep) noexcept {
        size_ = 0;
        if (capacity_ > keep) {
            large_array::release(std::exchange(items_, nullptr), std::exchange(capacity_, 0) * sizeof(T));
        }
    }

    void swap(PodVector& other) noexcept {
        std::swap(items_, other.items_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

private:
    [[gnu::noinline]] bool grow() noexcept {
        std::size_t capacity = capacity_ == 0 ? 32 : capacity_ * 2;
        void* items = large_array::grow(items_, capacity_ * sizeof(T), capacity * sizeof(T));
        if (items == nullptr) {
            return false;
        }
        items_ = static_cast<T*>(items);
        capacity_ = capacity;
        return true;
    }

    T* items_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace calque
