// runtime/primitives/set_slots.hpp: the members of a set as they lie in memory, and a table filled from another.
//
// Reads PySetObject (table, mask, fill, used: public structure, unchanged from 3.10 to 3.14), and fills it as
// Objects/setobject.c does. A slot that was emptied keeps the mark that CPython calls dummy, whose hash is -1, which
// is no hash of an object. Twin: says nothing of any set but the empty one; the interpreter copies.
//
// GATHERING. A quarter to a half of a table is filled, and where is chance: a branch per slot is guessed wrong every
// fourth time (a hundred sets of 100 strings by turns, looked at and then copied by PySet_New: 3,200 ns; so: 1,400). So the
// filled slots of a stretch are listed first, without a branch, and then gone through.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

#include <bit>
#include <cstddef>
#include <cstring>

namespace calque::set_slots {

#if CALQUE_USE_SET_COUNTERS

namespace detail {

constexpr Py_ssize_t kStretch = 64;

/// The filled slots among `slots` of them, a multiple of 8; `found` has room for one more. How many they are.
inline Py_ssize_t gather(const setentry* slot, Py_ssize_t slots, const setentry** found) noexcept {
    Py_ssize_t n = 0;
    for (const setentry* const end = slot + slots; slot != end; slot += 8) {
# pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) {
            found[n] = slot + i;
            n += static_cast<Py_ssize_t>(slot[i].key != nullptr);
        }
    }
    return n;
}

// `take(slot)` for each filled slot, also where a member was: its answer false ends it. Whether all were taken.
template <class Take>
[[gnu::always_inline]] inline bool each_filled(const PySetObject* set, Take take) noexcept {
    const setentry* slot = set->table;
    Py_ssize_t left = set->fill;
    if (set->mask == PySet_MINSIZE - 1) {  // not worth a list
        for (; left > 0; ++slot) {
            if (slot->key != nullptr) {
                --left;
                if (!take(*slot)) {
                    return false;
                }
            }
        }
        return true;
    }
    const setentry* found[kStretch + 1];
    const Py_ssize_t stretch = set->mask < kStretch ? set->mask + 1 : kStretch;
    for (; left > 0; slot += stretch) {
        const Py_ssize_t n = gather(slot, stretch, found);
        left -= n;
        for (Py_ssize_t i = 0; i < n; ++i) {
            if (!take(*found[i])) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace detail

#endif  // CALQUE_USE_SET_COUNTERS

#if CALQUE_USE_SET_TABLES

namespace detail {

// set_merge, set_table_resize: the slots of a new set that takes in all of another.
inline Py_ssize_t slots_of_copy(Py_ssize_t used) noexcept {
    return used * 5 < (PySet_MINSIZE - 1) * 3
             ? PySet_MINSIZE
             : static_cast<Py_ssize_t>(std::bit_floor(static_cast<std::size_t>(used * 2))) * 2;
}

// set_add_entry: the fewest slots in which so many members leave room. No more than adding them one by one takes, which
// slots_of_copy() may exceed: for 16 to 18, 64 to 76 and so on it is twice as much.
inline Py_ssize_t least_slots(Py_ssize_t used) noexcept {
    Py_ssize_t const slots = slots_of_copy(used);
    return slots > PySet_MINSIZE && used * 5 < (slots / 2 - 1) * 3 ? slots / 2 : slots;
}

// set_insert_clean: for a key that is not in the table yet.
inline void insert(setentry* table, std::size_t mask, PyObject* key, Py_hash_t hash) noexcept {
    constexpr std::size_t kLinearProbes = 9;
    constexpr int kPerturbShift = 5;
    auto perturb = static_cast<std::size_t>(hash);
    std::size_t i = perturb & mask;
    for (;;) {
        const std::size_t end = i + kLinearProbes <= mask ? i + kLinearProbes : i;
        for (std::size_t j = i; j <= end; ++j) {
            if (table[j].key == nullptr) {
                table[j] = {key, hash};
                return;
            }
        }
        perturb >>= kPerturbShift;
        i = (i * 5 + 1 + perturb) & mask;
    }
}

// Where both tables have as many slots, each member keeps its own. False: `is_so` does not hold for one; those before
// it are there.
template <bool same_slots, class Question>
[[gnu::noinline]] bool fill_table(PySetObject* to, const PySetObject* from, Question is_so) noexcept {
    setentry* const table = to->table;
    const setentry* const from_table = from->table;
    const auto mask = static_cast<std::size_t>(to->mask);
    Py_ssize_t members = 0;
    const bool all = each_filled(from, [&](const setentry& entry) noexcept {
        if (!same_slots && entry.hash == -1) {
            return true;
        }
        if (!is_so(entry.key)) {
            return false;
        }
        PyObject* const key = Ref::share(entry.key).release();
        if (same_slots) {
            table[&entry - from_table] = {key, entry.hash};
        } else {
            insert(table, mask, key, entry.hash);
        }
        ++members;
        return true;
    });
    to->fill = to->used = members;
    return all;
}

inline bool make_table(PySetObject* set, Py_ssize_t slots) noexcept {
    setentry* const table = PyMem_New(setentry, slots);
    if (table == nullptr) [[unlikely]] {
        PyErr_NoMemory();
        return false;
    }
    std::memset(table, 0, static_cast<std::size_t>(slots) * sizeof(setentry));
    set->table = table;
    set->mask = slots - 1;
    return true;
}

enum class Filled {
    yes,
    no,    // `is_so` does not hold for a member; not all are in the copy
    error  // MemoryError is set
};

/// Puts the members of `set` into `copy`, a new set of any class that nobody has changed. In as many slots as
/// slots_of_copy() says it becomes what copy.update(set) makes of it. Runs no Python code.
template <class Question>
[[gnu::always_inline]] inline Filled fill(Borrowed copy, Borrowed set, Py_ssize_t slots,
                                          Question is_so) noexcept {
    const auto* const from = reinterpret_cast<const PySetObject*>(set.get());
    auto* const to = reinterpret_cast<PySetObject*>(copy.get());
    if (slots != PySet_MINSIZE && !make_table(to, slots)) [[unlikely]] {
        return Filled::error;
    }
    const bool all = from->mask == to->mask && from->fill == from->used ? fill_table<true>(to, from, is_so)
                                                                        : fill_table<false>(to, from, is_so);
    return all ? Filled::yes : Filled::no;
}

/// The answer of a question that every member passes.
constexpr auto any = [](Borrowed) noexcept { return true; };

}  // namespace detail

#endif  // CALQUE_USE_SET_TABLES

using NewSet = PyObject* (*)(PyObject* iterable);

/// new_set(set), which is what set.copy() makes.
template <NewSet new_set>
inline Ref copy(Borrowed set) noexcept {
#if CALQUE_USE_SET_TABLES
    // The new object may start the collector (up to 3.11), and what that runs may change the set: only then it is looked at.
    if (PySet_GET_SIZE(set.get()) != 0) {
        Ref made = Ref::steal(new_set(nullptr));
        return made
                    && detail::fill(made, set, detail::slots_of_copy(PySet_GET_SIZE(set.get())), detail::any)
                           == detail::Filled::yes
                 ? std::move(made)
                 : Ref();
    }
#endif
    return Ref::steal(new_set(set.get()));
}

/// A new set of the members of `set`, if `is_so` holds for every one. Empty without an exception: not so, or members
/// cannot be looked at. To be called in a walk, where a new object does not start the collector.
template <NewSet new_set, class Question>
[[gnu::always_inline]] inline Ref copy_if(Borrowed set, Question is_so) noexcept {
    if (PySet_GET_SIZE(set.get()) == 0) {
        return Ref::steal(new_set(nullptr));
    }
#if CALQUE_USE_SET_TABLES
    // Sets of what is not so differ from others in the first member, mostly: they need not pay for a new set.
    const setentry* slot = reinterpret_cast<const PySetObject*>(set.get())->table;
    while (slot->key == nullptr || slot->hash == -1) {
        ++slot;
    }
    if (!is_so(slot->key)) {
        return {};
    }
    Ref made = Ref::steal(new_set(nullptr));
    if (made
        && detail::fill(made, set, detail::least_slots(PySet_GET_SIZE(set.get())), is_so)
               != detail::Filled::yes) [[unlikely]] {
        return {};
    }
    return made;
#else
    static_cast<void>(is_so);
    return {};
#endif
}

/// Puts the members of `set` into `copy`, a new set of any class that nobody has seen. Runs no Python code. False with
/// MemoryError set.
[[nodiscard]] inline bool put(Borrowed copy, Borrowed set) noexcept {
#if CALQUE_USE_SET_TABLES
    return detail::fill(copy, set, detail::least_slots(PySet_GET_SIZE(set.get())), detail::any)
        == detail::Filled::yes;
#else
    // As `update` does, without the tuple of arguments; and for a frozenset too.
    return bool(Ref::steal(PySet_Type.tp_as_number->nb_inplace_or(copy.get(), set.get())));
#endif
}

/// Whether `is_so` holds for every member; false also where members cannot be looked at. Runs no Python code.
template <class Question>
bool each(Borrowed set, Question is_so) noexcept {
    if (PySet_GET_SIZE(set.get()) == 0) {
        return true;
    }
#if CALQUE_USE_SET_COUNTERS
    return detail::each_filled(
        reinterpret_cast<const PySetObject*>(set.get()),
        [&](const setentry& entry) noexcept { return entry.hash == -1 || is_so(entry.key); });
#else
    static_cast<void>(is_so);
    return false;
#endif
}

}  // namespace calque::set_slots
