// runtime/primitives/dict_slots.hpp: the entries of a dict as they lie in memory.
//
// A table with the indices of another has the right keys, hashes, order and size at the price of one memcpy and a
// reference count per entry; the values are put in as they are copied (new_like). Inserting pair by pair hashes,
// probes and grows instead: 1.7 times slower over JSON-like documents in a prototype. Cloning by PyDict_Copy and
// replacing values afterwards reads every entry twice: 68,050 instructions for 1000 ints instead of 35,430.
// Which bytes are meant is known to runtime/cpython/dict_layout.hpp alone. Twin: inserting pair by pair.
#pragma once

#include "dict_layout.hpp"
#include "strategies.hpp"

#include <calque/ref.hpp>

#include <cstdint>
#include <cstring>
#include <utility>

namespace calque::dict_slots {

/// The entries of a dict that keeps keys and values in one table. Holds as long as nobody writes to the dict.
struct Entries {
    char* first = nullptr;
    std::uint32_t count = 0;    // entries used, holes included
    std::uint8_t stride = 0;    // bytes from one to the next
    bool only_strings = false;  // the keys are of exact type str, all of them

    PyObject* key(std::uint32_t i) const noexcept { return pair(i)[0]; }
    /// Null in a hole.
    PyObject*& value(std::uint32_t i) const noexcept { return pair(i)[1]; }

    /// Key, and hash if there is one, of another table.
    [[gnu::always_inline]] void share_key(std::uint32_t i, const Entries& from) const noexcept {
        if (stride > 2 * sizeof(PyObject*)) {
            std::memcpy(pair(i) - 1, from.pair(i) - 1, sizeof(PyObject*));
        }
        pair(i)[0] = Ref::share(from.key(i)).release();
    }

    // What lies before the key, if anything (the hash), `first` has skipped.
    PyObject** pair(std::uint32_t i) const noexcept {
        return reinterpret_cast<PyObject**>(first + std::size_t{i} * stride);
    }
};

/// False: another kind of table, or the layout is not known.
[[nodiscard]] [[gnu::always_inline]] inline bool find(Borrowed dict, Entries& entries) noexcept {
#if CALQUE_USE_DICT_SLOTS
    dict_layout::Keys* const keys = dict_layout::keys_of(dict.get());
    if (!dict_layout::known || reinterpret_cast<PyDictObject*>(dict.get())->ma_values != nullptr
        || keys->nentries > 0xffff'ffff) {
        return false;
    }
    entries.first = keys->first();
    entries.count = static_cast<std::uint32_t>(keys->nentries);
    entries.stride = static_cast<std::uint8_t>(keys->stride());
    entries.only_strings = keys->only_strings();
    return true;
#else
    static_cast<void>(dict), static_cast<void>(entries);
    return false;
#endif
}

/// Whether `is_so(key, value)` holds for every pair of any dict. Runs no Python code, nor may the question.
template <class Question>
[[gnu::always_inline]] inline bool each(Borrowed dict, Question is_so) noexcept {
    Entries entries;
    if (find(dict, entries)) {
        for (std::uint32_t i = 0; i < entries.count; ++i) {
            PyObject* const value = entries.value(i);
            if (value != nullptr && !is_so(entries.key(i), value)) {
                return false;
            }
        }
        return true;
    }
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict.get(), &position, &key, &value)) {
        if (!is_so(key, value)) {
            return false;
        }
    }
    return true;
}

#if CALQUE_USE_DICT_SLOTS
namespace detail {

inline bool only_strings(Borrowed dict) noexcept {
    PyObject* key = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict.get(), &position, &key, nullptr)) {
        if (!PyUnicode_CheckExact(key)) {
            return false;
        }
    }
    return true;
}

// A table that once had another key than strings has room for hashes, and so has each clone of it.
inline bool is_of_right_kind(Borrowed dict) noexcept {
    return !dict_layout::kTwoKindsOfTable || dict_layout::keys_of(dict.get())->only_strings()
        || !only_strings(dict);
}

/// A clone is no larger than need be.
inline bool clones_well(Borrowed dict) noexcept {
    const dict_layout::Keys* const keys = dict_layout::keys_of(dict.get());
    const Py_ssize_t count = PyDict_GET_SIZE(dict.get());
    if (reinterpret_cast<PyDictObject*>(dict.get())->ma_values != nullptr) {
        return !dict_layout::kUpdateEndsSharing || !keys->shared_costs_more_for(count);
    }
    return count == keys->nentries && keys->tight_for(count) && is_of_right_kind(dict);
}

// empty.update(dict), for a dict that does not clone well.
[[gnu::noinline]] inline bool insert_all(Borrowed empty, Borrowed dict) noexcept {
    if (dict_layout::update_is_tight_for(PyDict_GET_SIZE(dict.get())) && is_of_right_kind(dict)) {
        return PyDict_Update(empty.get(), dict.get()) == 0;
    }
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict.get(), &position, &key, &value)) {
        if (PyDict_SetItem(empty.get(), key, value) != 0) {
            return false;
        }
    }
    return true;
}

}  // namespace detail
#endif

/// A clone takes no more memory than a dict into which the pairs are inserted. Of a dict that was found.
[[gnu::always_inline]] inline bool is_tight(Borrowed dict, const Entries& entries) noexcept {
#if CALQUE_USE_DICT_SLOTS
    const Py_ssize_t count = PyDict_GET_SIZE(dict.get());
    return count == Py_ssize_t{entries.count} && dict_layout::keys_of(dict.get())->tight_for(count)
        && (entries.only_strings || detail::is_of_right_kind(dict));
#else
    static_cast<void>(dict), static_cast<void>(entries);
    return false;
#endif
}

// What follows makes dicts that are no larger than those into which the pairs are inserted one by one, as stdlib
// does it. PyDict_Copy and PyDict_Update keep the size of a table: what was deleted, or was updated and counted as
// new, leaves room in it, twice what is needed or more. All keys must hash natively. Twins: those two functions.

[[nodiscard, gnu::always_inline]] inline Ref compact_copy(Borrowed dict) noexcept {
#if CALQUE_USE_DICT_SLOTS
    if (dict_layout::known && !detail::clones_well(dict)) [[unlikely]] {
        Ref copy = Ref::steal(PyDict_New());
        return copy && detail::insert_all(copy, dict) ? std::move(copy) : Ref();
    }
#endif
    return Ref::steal(PyDict_Copy(dict.get()));
}

/// `empty.update(dict)`. False with MemoryError set.
[[nodiscard]] inline bool fill_compactly(Borrowed empty, Borrowed dict) noexcept {
#if CALQUE_USE_DICT_SLOTS
    if (dict_layout::known && !detail::clones_well(dict)) [[unlikely]] {
        return detail::insert_all(empty, dict);
    }
#endif
    return PyDict_Update(empty.get(), dict.get()) == 0;
}

/// A dict with a table like that of `original`, whose entries are `from`: no keys and values yet, but places for them. To be
/// filled, and shown, before anybody looks. Empty with MemoryError set.
inline Ref new_like(Borrowed original, const Entries& from, Entries& to) noexcept {
#if CALQUE_USE_DICT_SLOTS
    const auto* const keys = reinterpret_cast<const char*>(dict_layout::keys_of(original.get()));
    const std::ptrdiff_t first = from.first - keys;
    const std::size_t before_key = from.stride - 2 * sizeof(PyObject*);
    Ref dict = Ref::steal(
        dict_layout::new_like(original.get(), static_cast<std::size_t>(first) - before_key, from.stride));
    if (dict) {
        to = from;
        to.first = reinterpret_cast<char*>(dict_layout::keys_of(dict.get())) + first;
    }
    return dict;
#else
    static_cast<void>(original), static_cast<void>(from), static_cast<void>(to);
    return {};
#endif
}

/// All places were filled.
inline void show_like(Borrowed dict, Borrowed original) noexcept {
#if CALQUE_USE_DICT_SLOTS
    dict_layout::show_like(dict.get(), original.get());
#else
    static_cast<void>(dict), static_cast<void>(original);
#endif
}

/// Only the first `count` places were filled, and the dict may be dropped; or filled from there on.
inline void show_nothing_behind(Borrowed dict, std::uint32_t count) noexcept {
#if CALQUE_USE_DICT_SLOTS
    dict_layout::set_written(dict.get(), Py_ssize_t{count});
#else
    static_cast<void>(dict), static_cast<void>(count);
#endif
}

/// For good: what is there is the dict of the first `count` pairs. It had no holes, and `all` pairs.
inline void end_at(Borrowed dict, std::uint32_t count, std::uint32_t all) noexcept {
#if CALQUE_USE_DICT_SLOTS
    dict_layout::end_at(dict.get(), Py_ssize_t{count}, Py_ssize_t{all});
#else
    static_cast<void>(dict), static_cast<void>(count), static_cast<void>(all);
#endif
}

/// All that is there can be seen.
inline void track_like(Borrowed dict, Borrowed original) noexcept {
#if CALQUE_USE_DICT_SLOTS
    dict_layout::track_like(dict.get(), original.get());
#else
    static_cast<void>(dict), static_cast<void>(original);
#endif
}

}  // namespace calque::dict_slots
