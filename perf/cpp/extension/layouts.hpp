// perf/cpp/extension/layouts.hpp: where CPython 3.11 and 3.13 keep the entries of a dict and the attributes of an instance.
//
// The floor writes them directly: a floor that went through the API would lie above an engine that does not. Only the
// two versions that the targets name; everywhere else there is no floor. The engine has layouts of its own in
// runtime/cpython/; these are kept apart so that the floor does not move when the engine does.
#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#if (PY_VERSION_HEX >> 16 == 0x030B || PY_VERSION_HEX >> 16 == 0x030D) && !defined(Py_GIL_DISABLED) \
    && !defined(Py_DEBUG)
# define PERF_HAVE_FLOOR 1
#else
# define PERF_HAVE_FLOOR 0
#endif

#if PERF_HAVE_FLOOR

namespace perf {

// Objects/dictobject.c, Include/internal/pycore_dict.h: struct _dictkeysobject, the same in both versions.
struct Keys {
    Py_ssize_t refcount;
    std::uint8_t log2_size;
    std::uint8_t log2_index_bytes;
    std::uint8_t kind;  // 0: entries with a hash
    std::uint32_t version;
    Py_ssize_t usable;
    Py_ssize_t entries;

    bool general() const { return kind == 0; }
    std::size_t entry_size() const { return (general() ? 3 : 2) * sizeof(PyObject*); }
    std::size_t entries_offset() const { return sizeof(Keys) + (std::size_t{1} << log2_index_bytes); }
    std::size_t key_offset(Py_ssize_t i) const {
        return entries_offset() + static_cast<std::size_t>(i) * entry_size()
             + (general() ? sizeof(Py_hash_t) : 0);
    }
    std::size_t value_offset(Py_ssize_t i) const { return key_offset(i) + sizeof(PyObject*); }
    PyObject* key(Py_ssize_t i) const { return at(key_offset(i)); }
    PyObject* value(Py_ssize_t i) const { return at(value_offset(i)); }
    std::size_t allocated() const {
        return entries_offset() + static_cast<std::size_t>(usable + entries) * entry_size();
    }
    std::size_t used() const { return entries_offset() + static_cast<std::size_t>(entries) * entry_size(); }

private:
    PyObject* at(std::size_t offset) const {
        PyObject* object = nullptr;
        std::memcpy(&object, reinterpret_cast<const char*>(this) + offset, sizeof object);
        return object;
    }
};

inline Keys* keys_of(PyObject* dict) {
    return reinterpret_cast<Keys*>(reinterpret_cast<PyDictObject*>(dict)->ma_keys);
}

inline Keys* cached_keys(PyTypeObject* type) {
    return reinterpret_cast<Keys*>(reinterpret_cast<PyHeapTypeObject*>(type)->ht_cached_keys);
}

# if PY_VERSION_HEX >> 16 == 0x030B
// 3.11: the values lie in a block of their own, which object.__new__ makes beyond tp_alloc. Before them, backwards: the
// size of that prefix, how many there are, and the order they came in.
inline PyObject** add_values(PyObject* x) {
    const Keys* keys = cached_keys(Py_TYPE(x));
    const auto n = static_cast<std::size_t>(keys->entries + keys->usable);
    const std::size_t prefix = (n + 2 + sizeof(PyObject*) - 1) / sizeof(PyObject*) * sizeof(PyObject*);
    auto* block = static_cast<std::uint8_t*>(PyMem_Malloc(prefix + n * sizeof(PyObject*)));
    block[prefix - 1] = static_cast<std::uint8_t>(prefix);
    auto* values = reinterpret_cast<PyObject**>(block + prefix);
    std::memset(values, 0, n * sizeof(PyObject*));
    reinterpret_cast<PyObject***>(x)[-4] = values;
    return values;
}
inline void set_order(PyObject** values, const std::uint8_t* order, std::size_t n) {
    auto* bytes = reinterpret_cast<std::uint8_t*>(values);
    bytes[-2] = static_cast<std::uint8_t>(n);
    for (std::size_t i = 0; i < n; ++i) {
        bytes[-3 - static_cast<std::ptrdiff_t>(i)] = order[i];
    }
}
inline void set_dict(PyObject* x, PyObject* dict) { reinterpret_cast<PyObject**>(x)[-3] = dict; }
inline void* allocate_keys(std::size_t size) { return PyObject_Malloc(size); }
# else
// 3.13: the values lie behind the instance, and their order behind them.
struct Values {
    std::uint8_t capacity, size, embedded, valid;
    PyObject* values[1];
};
inline Values* inline_values(PyObject* x) {
    return reinterpret_cast<Values*>(reinterpret_cast<char*>(x) + Py_TYPE(x)->tp_basicsize);
}
inline PyObject** add_values(PyObject* x) { return inline_values(x)->values; }
inline void set_order(PyObject** values, const std::uint8_t* order, std::size_t n) {
    auto* block = reinterpret_cast<Values*>(reinterpret_cast<char*>(values) - offsetof(Values, values));
    block->size = static_cast<std::uint8_t>(n);
    std::memcpy(&values[block->capacity], order, n);
}
inline void set_dict(PyObject* x, PyObject* dict) {
    if (PyType_HasFeature(Py_TYPE(x), Py_TPFLAGS_INLINE_VALUES)) {
        inline_values(x)->valid = 0;
    }
    reinterpret_cast<PyObject**>(x)[-3] = dict;
}
inline void* allocate_keys(std::size_t size) { return PyMem_Malloc(size); }
# endif

}  // namespace perf

#endif
