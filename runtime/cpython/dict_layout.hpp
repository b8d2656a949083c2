// runtime/cpython/dict_layout.hpp: where the parts of a dict lie (Objects/dictobject.c, 3.10;
// Include/internal/pycore_dict.h, 3.11 to 3.14).
//
// Stated here again because the internal headers are not C++ up to 3.12, and 3.10 does not install this one.
// So that a Python with another layout gets the twins instead of a crash, look() sees whether dicts
// made for the purpose are laid out as stated.
#pragma once

#include <calque/compat.hpp>
#include <calque/ref.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace calque::dict_layout {

#if PY_VERSION_HEX < 0x030B0000
// One kind of entry, and the width of an index follows from the size.
struct Keys {
    Py_ssize_t refcnt;
    Py_ssize_t size;
    void* lookup;
    Py_ssize_t usable;
    Py_ssize_t nentries;

    bool only_strings() const noexcept { return false; }  // `lookup` tells, but is a private function
    Py_ssize_t places() const noexcept { return size; }
    std::size_t index_bytes() const noexcept {
        const std::size_t width = size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
        return static_cast<std::size_t>(size) * width;
    }
    std::size_t before_key() const noexcept { return sizeof(Py_hash_t); }
#else
// Tables whose keys are all strings keep no hashes.
struct Keys {
    Py_ssize_t refcnt;
    std::uint8_t log2_size;
    std::uint8_t log2_index_bytes;
    std::uint8_t kind;  // 0: any keys
    std::uint32_t version;
    Py_ssize_t usable;
    Py_ssize_t nentries;

    bool only_strings() const noexcept { return kind != 0; }
    Py_ssize_t places() const noexcept { return Py_ssize_t{1} << log2_size; }
    std::size_t index_bytes() const noexcept { return std::size_t{1} << log2_index_bytes; }
    std::size_t before_key() const noexcept { return kind == 0 ? sizeof(Py_hash_t) : 0; }
#endif
    /// A table of half the size, or the smallest there is, would not do for so many entries (USABLE_FRACTION).
    bool tight_for(Py_ssize_t count) const noexcept { return places() < 3 * count || places() <= 8; }
    /// Room for so many entries takes more with one value each for the keys that are shared, all of them, than in a
    /// table of its own that grows as pairs are inserted.
    bool shared_costs_more_for(Py_ssize_t count) const noexcept {
        std::size_t own_places = 8;
        while (own_places * 2 / 3 < static_cast<std::size_t>(count)) {
            own_places *= 2;
        }
        const std::size_t own = sizeof(Keys) + own_places + own_places * 2 / 3 * 2 * sizeof(PyObject*);
        return static_cast<std::size_t>(usable + nentries) * sizeof(PyObject*) > own;
    }
    std::size_t stride() const noexcept { return before_key() + 2 * sizeof(PyObject*); }
    /// The key of the first entry.
    char* first() noexcept { return reinterpret_cast<char*>(this + 1) + index_bytes() + before_key(); }
};

/// In 3.11 and 3.12 dict.update() into the empty dict of an instance gives it a table of its own, as small as
/// its pairs allow; the others go on sharing the keys of the class.
constexpr bool kUpdateEndsSharing = PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030D0000;

/// Whether there is one kind of table for strings, and a larger one for all keys.
constexpr bool kTwoKindsOfTable = PY_VERSION_HEX >= 0x030B0000;

/// dict.update() into an empty dict that does not take over the other's table makes one for `count` entries, which is
/// twice as large as need be for 1 to 4, 21, and some more: estimate_log2_keysize computes with `minsize | 8`.
constexpr bool update_is_tight_for(Py_ssize_t count) noexcept {
    const auto minsize = static_cast<std::size_t>(count * 3 + 1) / 2;
    return minsize >= 8 && std::bit_width((minsize | 8) - 1) == std::bit_width(minsize - 1);
}

inline Keys* keys_of(PyObject* dict) noexcept {
    return reinterpret_cast<Keys*>(reinterpret_cast<PyDictObject*>(dict)->ma_keys);
}

/// A new dict with a table like that of `original`, but for its entries: they are to be written before anybody looks,
/// with the hashes if there are any; then show_like(). Null with MemoryError set.
/// `head` bytes lie before the entries, of `stride` bytes each.
inline PyObject* new_like(PyObject* original, std::size_t head, std::size_t stride) noexcept {
    const Keys* const like = keys_of(original);
    const std::size_t size = head + static_cast<std::size_t>(like->nentries + like->usable) * stride;
    PyObject* const dict = PyDict_New();
    if (dict == nullptr) {
        return nullptr;
    }
#if PY_VERSION_HEX >= 0x030D0000
    void* const memory = PyMem_Malloc(size);  // new_keys_object, and free_keys_object
#else
    void* const memory = PyObject_Malloc(size);
#endif
    if (memory == nullptr) {
        static_cast<void>(Ref::steal(dict));
        return PyErr_NoMemory();
    }
    std::memcpy(memory, like, head);
#ifdef Py_DEBUG
    std::memset(static_cast<char*>(memory) + head, 0, size - head);  // _PyDict_CheckConsistency reads them
#endif
    auto* const keys = static_cast<Keys*>(memory);
    keys->refcnt = 1;
#if PY_VERSION_HEX >= 0x030B0000
    keys->version = 0;
#endif
    auto* const raw = reinterpret_cast<PyDictObject*>(dict);
#if PY_VERSION_HEX < 0x030C0000
    --keys_of(dict)->refcnt;  // the table of all empty dicts; since 3.12 its references are not counted
#endif
    raw->ma_keys = reinterpret_cast<PyDictKeysObject*>(keys);
#if PY_VERSION_HEX < 0x030B0000
    raw->ma_values = nullptr;  // an empty dict passes for a split one
#endif
    raw->ma_used = reinterpret_cast<PyDictObject*>(original)->ma_used;
    return dict;
}

/// Of a dict made by new_like(): only the first `count` entries have been written.
inline void set_written(PyObject* dict, Py_ssize_t count) noexcept { keys_of(dict)->nentries = count; }

/// The first `count` pairs of a dict without holes, as if the others, up to `all`, had never been inserted; these hold no
/// references any more. That is so because a table is filled in order: none of the first pairs was put where it is because of a
/// later one.
inline void end_at(PyObject* dict, Py_ssize_t count, Py_ssize_t all) noexcept {
    Keys* const keys = keys_of(dict);
    const auto forget = [keys, count](auto* index) noexcept {
        for (Py_ssize_t i = 0; i < keys->places(); ++i) {
            if (index[i] >= count) {
                index[i] = -1;  // DKIX_EMPTY
            }
        }
    };
    void* const indices = keys + 1;
    switch (keys->index_bytes() / static_cast<std::size_t>(keys->places())) {
    case 1: forget(static_cast<std::int8_t*>(indices)); break;
    case 2: forget(static_cast<std::int16_t*>(indices)); break;
    case 4: forget(static_cast<std::int32_t*>(indices)); break;
    default: forget(static_cast<std::int64_t*>(indices)); break;
    }
    keys->usable += all - count;
    keys->nentries = count;
    reinterpret_cast<PyDictObject*>(dict)->ma_used = count;
}

/// The entries were written, all of them or up to set_written(). MAINTAIN_TRACKING in dictobject.c; since 3.14 every dict is tracked from the beginning.
inline void track_like(PyObject* dict, PyObject* original) noexcept {
#if PY_VERSION_HEX < 0x030E0000
    // PyObject_GC_IsTracked: the first of the two words before the object.
    if (reinterpret_cast<const std::uintptr_t*>(original)[-2] != 0) {
        PyObject_GC_Track(dict);
    }
#else
    static_cast<void>(dict), static_cast<void>(original);
#endif
}

inline void show_like(PyObject* dict, PyObject* original) noexcept {
    set_written(dict, keys_of(original)->nentries);
    track_like(dict, original);
}

/// Are dicts laid out like this? Found out by look(), at import.
inline bool known = false;
void look() noexcept;

}  // namespace calque::dict_layout
