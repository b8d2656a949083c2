// runtime/cpython/instance_layout.hpp: see primitives/instance_values.hpp, which includes it. The layouts: pycore_object.h and
// pycore_dict.h of each version, Objects/dictobject.c of 3.10.
//
//   3.10        every instance has a dict, at tp_dictoffset; as long as its keys are the class's, it keeps an array of
//               values (a SPLIT dict: ma_values), filled in the order of the keys
//   3.11        the array hangs on a pointer four words before the object, the dict on one three words before
//   3.12        one word, three before the object: the dict, or the array's address minus one
//   3.13, 3.14  the array lies in the object, and says itself whether it is in force; the dict, if there is
//               one, hangs on the word three before the object and shares the array
// A dict made of an array in 3.11 and 3.12 takes the array over, and is split.
#pragma once

#include "dict_layout.hpp"
#include "strategies.hpp"

#include <calque/ref.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace calque::instance_values {

struct View {
    // Bytes from the order of one attribute to that of the next.
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030D0000
    static constexpr int kStep = -1;
#else
    static constexpr int kStep = 1;
#endif
    PyObject** values = nullptr;
    std::uint8_t* order = nullptr;  // of the first
    std::uint8_t size = 0;

    std::uint8_t index(unsigned i) const noexcept { return order[static_cast<int>(i) * kStep]; }
};

#if CALQUE_USE_INSTANCE_VALUES

namespace layout {

inline dict_layout::Keys* shared_keys(PyTypeObject* type) noexcept {
    return reinterpret_cast<dict_layout::Keys*>(reinterpret_cast<PyHeapTypeObject*>(type)->ht_cached_keys);
}

inline bool keeps_values(PyTypeObject* type) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    constexpr unsigned long kFlags = 0;
    if (type->tp_dictoffset <= 0) {
        return false;
    }
# elif PY_VERSION_HEX >= 0x030D0000
    constexpr unsigned long kFlags = Py_TPFLAGS_MANAGED_DICT | Py_TPFLAGS_INLINE_VALUES;
# else
    constexpr unsigned long kFlags = Py_TPFLAGS_MANAGED_DICT;
# endif
    return (type->tp_flags & (kFlags | Py_TPFLAGS_HEAPTYPE)) == (kFlags | Py_TPFLAGS_HEAPTYPE)
        && shared_keys(type) != nullptr && dict_layout::known;
}

# if PY_VERSION_HEX < 0x030B0000

inline PyObject*& dict_pointer(Borrowed object) noexcept {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object.get())
                                         + object.type()->tp_dictoffset);
}

// Anything else than appending in the order of the keys makes the dict a combined one.
inline constinit std::array<std::uint8_t, 256> order_of_keys = [] {
    std::array<std::uint8_t, 256> numbers{};
    for (unsigned i = 0; i < 256; ++i) {
        numbers[i] = static_cast<std::uint8_t>(i);
    }
    return numbers;
}();

// False: not split, or not with these keys, or of more values than a View can tell.
inline bool describe(PyObject* dict, const dict_layout::Keys* keys, View& view) noexcept {
    const auto* raw = reinterpret_cast<PyDictObject*>(dict);
    if (raw->ma_values == nullptr || dict_layout::keys_of(dict) != keys || raw->ma_used > 255) {
        return false;
    }
    view.values = raw->ma_values;
    view.order = order_of_keys.data();
    view.size = static_cast<std::uint8_t>(raw->ma_used);
    return true;
}

# else

inline PyObject** word(Borrowed object, int place) noexcept {
    return reinterpret_cast<PyObject**>(object.get()) + place;
}

#  if PY_VERSION_HEX >= 0x030D0000

struct Array {
    std::uint8_t capacity;
    std::uint8_t size;
    std::uint8_t embedded;
    std::uint8_t valid;
    PyObject* values[1];
};

inline Array* array_of(Borrowed object) noexcept {
    return reinterpret_cast<Array*>(reinterpret_cast<char*>(object.get()) + object.type()->tp_basicsize);
}

inline void describe(Array* array, View& view) noexcept {
    view.values = array->values;
    view.order = reinterpret_cast<std::uint8_t*>(array->values + array->capacity);
    view.size = array->size;
}

#  else

// The bytes before the array: its size in bytes, how many values there are, then the order, downwards.
inline void describe(PyObject** values, View& view) noexcept {
    auto* const bytes = reinterpret_cast<std::uint8_t*>(values);
    view.values = values;
    view.order = bytes - 3;
    view.size = bytes[-2];
}

// Null if there is none. `dict`: the instance's, if it has one.
inline PyObject** array_of(Borrowed object, PyObject*& dict) noexcept {
#   if PY_VERSION_HEX >= 0x030C0000
    const auto either = reinterpret_cast<std::uintptr_t>(*word(object, -3));
    if ((either & 1) != 0) {
        return reinterpret_cast<PyObject**>(either + 1);
    }
    dict = reinterpret_cast<PyObject*>(either);
    return nullptr;
#   else
    dict = *word(object, -3);
    return reinterpret_cast<PyObject**>(*word(object, -4));
#   endif
}

#  endif

# endif

}  // namespace layout

inline bool read(Borrowed instance, View& view) noexcept {
    if (!layout::keeps_values(instance.type())) {
        return false;
    }
# if PY_VERSION_HEX < 0x030B0000
    PyObject* const dict = layout::dict_pointer(instance);
    if (dict == nullptr) {
        return true;
    }
    return Py_REFCNT(dict) == 1 && PyDict_CheckExact(dict)
        && layout::describe(dict, layout::shared_keys(instance.type()), view);
# else
#  if PY_VERSION_HEX >= 0x030D0000
    PyObject* const dict = *layout::word(instance, -3);
    layout::Array* const array = layout::array_of(instance);
    if ((dict != nullptr && Py_REFCNT(dict) != 1) || array->valid == 0) {
        return false;
    }
    layout::describe(array, view);
#  else
    PyObject* dict = nullptr;
    PyObject** values = layout::array_of(instance, dict);
    if (values == nullptr) {
        if (dict == nullptr || Py_REFCNT(dict) != 1 || !PyDict_CheckExact(dict)
            || dict_layout::keys_of(dict) != layout::shared_keys(instance.type())) {
            return false;
        }
        values = reinterpret_cast<PyObject**>(reinterpret_cast<PyDictObject*>(dict)->ma_values);
        if (values == nullptr) {
            return false;
        }
    }
    layout::describe(values, view);
#  endif
    return true;
# endif
}

inline Borrowed dict_of(Borrowed instance) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    return instance.type()->tp_dictoffset > 0 ? layout::dict_pointer(instance) : nullptr;
# else
    if (!PyType_HasFeature(instance.type(), Py_TPFLAGS_MANAGED_DICT)) {
        return {};
    }
    PyObject* const dict = *layout::word(instance, -3);
    return (reinterpret_cast<std::uintptr_t>(dict) & 1) == 0 ? dict : nullptr;  // 3.12: or the array
# endif
}

inline bool open(Borrowed bare, const View& like, View& view) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    static_cast<void>(like);
    const Ref dict = Ref::steal(PyObject_GenericGetDict(bare.get(), nullptr));
    if (!dict) {
        PyErr_Clear();
        return false;
    }
    if (!layout::describe(dict.get(), layout::shared_keys(bare.type()), view)) {
        return false;
    }
# elif PY_VERSION_HEX >= 0x030D0000
    layout::Array* const array = layout::array_of(bare);
    if (array->valid == 0 || *layout::word(bare, -3) != nullptr) {
        return false;
    }
    for (unsigned i = 0; i < like.size; ++i) {
        if (like.index(i) >= array->capacity) {
            return false;
        }
    }
    layout::describe(array, view);
# else
    // The array of a new instance has room for every name there is (new_values in dictobject.c).
    static_cast<void>(like);
    PyObject* dict = nullptr;
    PyObject** const values = layout::array_of(bare, dict);
    if (values == nullptr) {
        return false;
    }
    layout::describe(values, view);
# endif
    return view.size == 0;
}

inline void close(Borrowed filled, const View& view, const View& like) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    PyObject* const dict = layout::dict_pointer(filled);
    reinterpret_cast<PyDictObject*>(dict)->ma_used = like.size;
    for (unsigned i = 0; i < like.size; ++i) {
        // MAINTAIN_TRACKING in dictobject.c
        PyObject* const value = view.values[i];
        if (PyObject_IS_GC(value) && (!PyTuple_CheckExact(value) || PyObject_GC_IsTracked(value))) {
            PyObject_GC_Track(dict);
            return;
        }
    }
# else
    static_cast<void>(filled);
    for (int i = 0; i < like.size; ++i) {  // few: quicker than a call
        view.order[i * View::kStep] = like.order[i * View::kStep];
    }
#  if PY_VERSION_HEX >= 0x030D0000
    reinterpret_cast<layout::Array*>(reinterpret_cast<char*>(view.values) - offsetof(layout::Array, values))
        ->size = like.size;
#  else
    reinterpret_cast<std::uint8_t*>(view.values)[-2] = like.size;
#  endif
# endif
}

inline Borrowed name(PyTypeObject* type, unsigned index) noexcept {
    dict_layout::Keys* const keys = layout::shared_keys(type);
    return *reinterpret_cast<PyObject**>(keys->first() + std::size_t{index} * keys->stride());
}

inline unsigned name_count(PyTypeObject* type) noexcept {
    return static_cast<unsigned>(layout::shared_keys(type)->nentries);
}

#else

inline bool read(Borrowed, View&) noexcept { return false; }
inline Borrowed dict_of(Borrowed) noexcept { return {}; }
inline bool open(Borrowed, const View&, View&) noexcept { return false; }
inline void close(Borrowed, const View&, const View&) noexcept {}
inline Borrowed name(PyTypeObject*, unsigned) noexcept { return {}; }
inline unsigned name_count(PyTypeObject*) noexcept { return 0; }

#endif

}  // namespace calque::instance_values
