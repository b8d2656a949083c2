// runtime/memo_table.hpp: address of an original -> its copy. A hash table that knows nothing of Python.
//
// Layout: one array of {key, value} pairs, a power of two long, at most half full; open addressing
// with linear probing. The home of a key is the top bits of key * 2^64/phi: objects lie 16 bytes
// apart, so their low bits say nothing, and the multiplication spreads neighbours. Key 0 is "empty";
// no object lives there. There is no erase: a memo only grows until it is forgotten as a whole.
//
// What each trick buys
//   half full, linear   a miss, the common case (most objects are met once), reads one cache line
//   used_ (slot numbers in order of insertion)
//                       forgetting costs what was inserted, not what the array could hold: a small
//                       copy after a copy of 10^6 objects costs what it costs in a fresh process
//   shrink on forget    an array beyond 4096 slots (64 KiB) is given back
//
// Complexity: find and insert O(1) expected; clear O(number of entries).
// The comparison with boost::unordered_flat_map is a benchmark in perf/.
#pragma once

#include "pod_vector.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace calque {

class MemoTable {
public:
    struct Slot {
        std::uintptr_t key;
        std::uintptr_t value;
    };

    MemoTable() noexcept = default;
    MemoTable(const MemoTable&) = delete;
    MemoTable& operator=(const MemoTable&) = delete;
    ~MemoTable() { std::free(slots_); }

    std::size_t size() const noexcept { return used_.size(); }

    /// The value stored for `key`, or null. Valid until the next insert.
    const std::uintptr_t* find(const void* key) const noexcept {
        if (used_.empty()) {
            return nullptr;
        }
        const auto wanted = reinterpret_cast<std::uintptr_t>(key);
        for (std::size_t i = home(wanted);; i = (i + 1) & mask_) {
            if (slots_[i].key == wanted) {
                return &slots_[i].value;
            }
            if (slots_[i].key == 0) {
                return nullptr;
            }
        }
    }

    /// Stores or overwrites. False when memory is exhausted (nothing changed).
    [[nodiscard]] bool insert(const void* key, std::uintptr_t value) noexcept {
        if (used_.size() * 2 >= capacity() && !grow()) {
            return false;
        }
        return place(reinterpret_cast<std::uintptr_t>(key), value);
    }

    /// Forgets every entry, in time proportional to their number.
    void clear() noexcept {
        if (capacity() > kKeptSlots) {
            std::free(std::exchange(slots_, nullptr));
            mask_ = 0;
        } else {
            for (std::uint32_t i : used_) {
                slots_[i].key = 0;
            }
        }
        used_.clear(kKeptSlots);
    }

private:
    static constexpr std::size_t kFirstSlots = 64;
    static constexpr std::size_t kKeptSlots = 4096;

    std::size_t capacity() const noexcept { return slots_ == nullptr ? 0 : mask_ + 1; }

    std::size_t home(std::uintptr_t key) const noexcept {
        return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> shift_);
    }

    bool place(std::uintptr_t key, std::uintptr_t value) noexcept {
        std::size_t i = home(key);
        while (slots_[i].key != 0 && slots_[i].key != key) {
            i = (i + 1) & mask_;
        }
        if (slots_[i].key == 0) {
            if (!used_.push_back(static_cast<std::uint32_t>(i))) {
                return false;
            }
            slots_[i].key = key;
        }
        slots_[i].value = value;
        return true;
    }

    bool grow() noexcept {
        const std::size_t capacity_now = capacity();
        const std::size_t wanted = capacity_now == 0 ? kFirstSlots : capacity_now * 2;
        auto* fresh = static_cast<Slot*>(std::calloc(wanted, sizeof(Slot)));
        if (fresh == nullptr) {
            return false;
        }
        Slot* old = std::exchange(slots_, fresh);
        mask_ = wanted - 1;
        shift_ = 64 - std::countr_zero(wanted);
        for (std::uint32_t& where : used_) {
            const Slot& slot = old[where];
            std::size_t i = home(slot.key);
            while (slots_[i].key != 0) {
                i = (i + 1) & mask_;
            }
            slots_[i] = slot;
            where = static_cast<std::uint32_t>(i);
        }
        std::free(old);
        return true;
    }

    Slot* slots_ = nullptr;
    std::size_t mask_ = 0;
    int shift_ = 0;
    PodVector<std::uint32_t> used_;
};

}  // namespace calque
