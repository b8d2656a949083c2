// runtime/primitives/set_slots.hpp: the members of a set as they lie in memory.
//
// Reads PySetObject (table, mask: public structure, unchanged from 3.10 to 3.14), and writes it in a set that nobody
// has seen yet. A slot that was emptied keeps the mark that CPython calls dummy, whose hash is -1, which is no hash of
// an object. Twin: says nothing of any set but the empty one, and leaves room to the interpreter.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

#include <bit>
#include <cstddef>
#include <utility>

namespace calque::set_slots {

/// Whether `is_so` holds for every member; false also where members cannot be looked at. Runs no Python code.
template <class Question>
bool each(Borrowed set, Question is_so) noexcept {
    if (PySet_GET_SIZE(set.get()) == 0) {
        return true;
    }
#if CALQUE_USE_SET_COUNTERS
    const auto* raw = reinterpret_cast<PySetObject*>(set.get());
    for (Py_ssize_t i = 0; i <= raw->mask; ++i) {
        const setentry& entry = raw->table[i];
        if (entry.key != nullptr && entry.hash != -1 && !is_so(entry.key)) {
            return false;
        }
    }
    return true;
#else
    static_cast<void>(is_so);
    return false;
#endif
}

/// How many slots a set has into which so many members were added one by one (set_add_entry in setobject.c): it grows
/// when three fifths are full, to four times its members, or twice above 50,000.
constexpr std::size_t slots_when_added(std::size_t members) noexcept {
    std::size_t slots = 8;
    for (;;) {
        const std::size_t full = ((slots - 1) * 3 + 4) / 5;
        if (members < full) {
            return slots;
        }
        slots = std::bit_ceil((full > 50'000 ? full * 2 : full * 4) + 1);
    }
}

namespace detail {

// Where the set's own method would make more: it makes room for twice the members, which is twice as much as need be
// for 16 to 18, 64 to 76, and so on. Zero: as it likes.
inline std::size_t slots_wanted(Borrowed members) noexcept {
    const auto count = static_cast<std::size_t>(PySet_GET_SIZE(members.get()));
    if (count < 16) {
        return 0;
    }
    const std::size_t slots = slots_when_added(count);
    return std::bit_ceil(count * 2 + 1) > slots ? slots : 0;
}

}  // namespace detail

/// `empty |= members`, into no more slots than if they were added one by one, as stdlib does it. Runs no Python code.
/// False with MemoryError set.
[[nodiscard]] inline bool fill_compactly(Borrowed empty, Borrowed members) noexcept {
#if CALQUE_USE_SET_COUNTERS
    if (const std::size_t slots = detail::slots_wanted(members); slots != 0) [[unlikely]] {
        auto* const raw = reinterpret_cast<PySetObject*>(empty.get());
        auto* const table = static_cast<setentry*>(PyMem_Calloc(slots, sizeof(setentry)));
        if (table == nullptr) {
            PyErr_NoMemory();
            return false;
        }
        raw->table = table;
        raw->mask = static_cast<Py_ssize_t>(slots) - 1;
    }
#endif
    // As `update` does, without the tuple of arguments; and for a frozenset that nobody has seen yet.
    return bool(Ref::steal(PySet_Type.tp_as_number->nb_inplace_or(empty.get(), members.get())));
}

/// A new set of the same members. `new_set`: PySet_New or PyFrozenSet_New.
[[nodiscard, gnu::always_inline]] inline Ref compact_copy(PyObject* (*new_set)(PyObject*),
                                                          Borrowed members) noexcept {
#if CALQUE_USE_SET_COUNTERS
    if (detail::slots_wanted(members) != 0) [[unlikely]] {
        Ref copy = Ref::steal(new_set(nullptr));
        return copy && fill_compactly(copy, members) ? std::move(copy) : Ref();
    }
#endif
    return Ref::steal(new_set(members.get()));
}

}  // namespace calque::set_slots
