// runtime/primitives/dict_slots.hpp: the entries of a dict as they lie in memory.
//
// A clone of a dict (PyDict_Copy) has the right keys, hashes, order and size at the price of one memcpy and a
// reference count per entry; then only the values that are not their own copies have to be replaced, in
// place. Inserting pair by pair hashes, probes and grows instead: 1.7 times slower over JSON-like documents
// in a prototype.
// Which bytes are meant is known to runtime/cpython/dict_layout.hpp alone. Twin: inserting pair by pair.
#pragma once

#include "dict_layout.hpp"
#include "strategies.hpp"

#include <calque/ref.hpp>

#include <cstdint>

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

/// No entry is a hole, and the table no larger than need be: a clone takes no more memory than a dict into which
/// the pairs are inserted. Of a dict that was found.
inline bool is_tight(Borrowed dict, const Entries& entries) noexcept {
#if CALQUE_USE_DICT_SLOTS
    return PyDict_GET_SIZE(dict.get()) == Py_ssize_t{entries.count}
        && dict_layout::keys_of(dict.get())->tight_for(Py_ssize_t{entries.count});
#else
    static_cast<void>(dict), static_cast<void>(entries);
    return false;
#endif
}

}  // namespace calque::dict_slots
