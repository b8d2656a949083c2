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
//   grow by and by      moving half a million entries takes 30 ms, in which nobody else would have a turn (safepoint.hpp). So
//                       a large array is given its successor when it is three eighths full, and each insert moves four
//                       entries: all have been moved when it is half full. Until then look-ups ask
//                       the old array, which has everything; an entry that changes is changed in both.
//
// Complexity: find and insert O(1) expected, insert without amortization beyond kGrownAtOnce slots; clear O(number of
// entries).
// The comparison with boost::unordered_flat_map is a benchmark in perf/.
#pragma once

#include "pod_vector.hpp"
#include "primitives/hashed_place.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

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
    ~MemoTable() {
        release_successor();
        release();
    }

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
        if (used_.size() >= limit_ && !make_room()) [[unlikely]] {
            return false;
        }
        return place(reinterpret_cast<std::uintptr_t>(key), value);
    }

    /// Forgets every entry, in time proportional to their number.
    void clear() noexcept {
        if (capacity() > kKeptSlots) {
            release_successor();
            release();
            mask_ = limit_ = 0;
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
    static constexpr std::size_t kGrownAtOnce = 32768;
    static constexpr std::size_t kMovedByInsert = 4;

    // An array of twice the size, into which the first `moved` entries of used_ have been moved.
    struct Successor {
        Slot* slots = nullptr;
        std::size_t moved = 0;
    };

    std::size_t capacity() const noexcept { return slots_ == nullptr ? 0 : mask_ + 1; }

    void release() noexcept {
        const std::size_t bytes = capacity() * sizeof(Slot);
        large_array::release(std::exchange(slots_, nullptr), bytes);
    }
    void release_successor() noexcept {
        if (next_.slots != nullptr) {
            large_array::release(std::exchange(next_.slots, nullptr), capacity() * 2 * sizeof(Slot));
        }
    }

    static int shift_for(std::size_t capacity) noexcept { return 64 - std::countr_zero(capacity); }
    static std::size_t home(std::uintptr_t key, int shift) noexcept {
        return static_cast<std::size_t>((key * primitives::kGolden) >> shift);
    }
    std::size_t home(std::uintptr_t key) const noexcept { return home(key, shift_); }

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
        } else if (next_.slots != nullptr) {
            change_in_successor(key, value);
        }
        slots_[i].value = value;
        return true;
    }

    [[gnu::noinline]] bool make_room() noexcept {
        const bool full = used_.size() * 2 >= capacity();
        if (next_.slots == nullptr && !begin_growing()) {
            return !full;
        }
        move(full || capacity() < kGrownAtOnce ? used_.size() : kMovedByInsert);
        if (next_.moved == used_.size()) {
            end_growing();
        }
        return true;
    }

    bool begin_growing() noexcept {
        const std::size_t wanted = capacity() == 0 ? kFirstSlots : capacity() * 2;
        next_ = {static_cast<Slot*>(large_array::allocate_zeroed(wanted * sizeof(Slot))), 0};
        return next_.slots != nullptr;
    }

    void move(std::size_t count) noexcept {
        const std::size_t mask = mask_ * 2 + 1;
        for (; count > 0 && next_.moved < used_.size(); --count) {
            std::uint32_t& where = used_[next_.moved++];
            const Slot& slot = slots_[where];
            std::size_t i = home(slot.key, shift_ - 1);
            while (next_.slots[i].key != 0) {
                i = (i + 1) & mask;
            }
            next_.slots[i] = slot;
            where = static_cast<std::uint32_t>(i);
        }
    }

    void end_growing() noexcept {
        const std::size_t grown = capacity() == 0 ? kFirstSlots : capacity() * 2;
        release();
        slots_ = std::exchange(next_.slots, nullptr);
        mask_ = grown - 1;
        shift_ = shift_for(grown);
        limit_ = grown < kGrownAtOnce ? grown / 2 : grown / 8 * 3;
    }

    void change_in_successor(std::uintptr_t key, std::uintptr_t value) noexcept {
        const std::size_t mask = mask_ * 2 + 1;
        std::size_t i = home(key, shift_ - 1);
        while (next_.slots[i].key != 0 && next_.slots[i].key != key) {
            i = (i + 1) & mask;
        }
        if (next_.slots[i].key == key) {
            next_.slots[i].value = value;
        }
    }

    Slot* slots_ = nullptr;
    std::size_t mask_ = 0;
    std::size_t limit_ = 0;  // entries from which on an insert makes room
    int shift_ = 0;
    Successor next_;
    PodVector<std::uint32_t> used_;
};

}  // namespace calque
