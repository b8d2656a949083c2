// runtime/primitives/dict_slots.hpp: the entries of a dict as they lie in memory.
//
// A clone of a dict (PyDict_Copy) has the right keys, hashes, order and size at the price of one memcpy and a
// reference count per entry; then only the values that are not their own copies have to be replaced, in
// place. Inserting pair by pair hashes, probes and grows instead: 1.7 times slower over JSON-like documents
// in a prototype.
// Which bytes are meant is known to runtime/cpython/dict_layout.cpp alone. Twin: inserting pair by pair.
#pragma once

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
[[nodiscard]] bool find(Borrowed dict, Entries& entries) noexcept;

}  // namespace calque::dict_slots
