// runtime/cpython/instance_layout.cpp: see primitives/instance_values.hpp. The layouts: pycore_object.h and
// pycore_dict.h of each version, Objects/dictobject.c of 3.10.
//
//   3.10        every instance has a dict, at tp_dictoffset; as long as its keys are the class's, it keeps an array of
//               values (a SPLIT dict: ma_values), filled in the order of the keys
//   3.11        the array hangs on a pointer four words before the object, the dict on one three words before
//   3.12        one word, three before the object: the dict, or the array's address minus one
//   3.13, 3.14  the array lies in the object, and says itself whether it is in force; the dict, if there is
//               one, hangs on the word three before the object and shares the array
// A dict made of an array in 3.11 and 3.12 takes the array over, and is split.
#include "primitives/instance_values.hpp"

#include "cpython/dict_layout.hpp"
#include "cpython/strategies.hpp"

#include <array>
#include <cstring>

namespace calque::instance_values {

#if CALQUE_USE_INSTANCE_VALUES

namespace {

dict_layout::Keys* shared_keys(PyTypeObject* type) noexcept {
    return reinterpret_cast<dict_layout::Keys*>(reinterpret_cast<PyHeapTypeObject*>(type)->ht_cached_keys);
}

bool keeps_values(PyTypeObject* type) noexcept {
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

PyObject*& dict_pointer(Borrowed object) noexcept {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object.get())
                                         + object.type()->tp_dictoffset);
}

// Anything else than appending in the order of the keys makes the dict a combined one.
constinit std::array<std::uint8_t, 256> order_of_keys = [] {
    std::array<std::uint8_t, 256> numbers{};
    for (unsigned i = 0; i < 256; ++i) {
        numbers[i] = static_cast<std::uint8_t>(i);
    }
    return numbers;
}();

// False: not split, or not with these keys, or of more values than a View can tell.
bool describe(PyObject* dict, const dict_layout::Keys* keys, View& view) noexcept {
    const auto* raw = reinterpret_cast<PyDictObject*>(dict);
    if (raw->ma_values == nullptr || dict_layout::keys_of(dict) != keys || raw->ma_used > 255) {
        return false;
    }
    view.values = raw->ma_values;
    view.order = order_of_keys.data();
    view.step = 1;
    view.size = static_cast<std::uint8_t>(raw->ma_used);
    return true;
}

# else

PyObject** word(Borrowed object, int place) noexcept {
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

Array* array_of(Borrowed object) noexcept {
    return reinterpret_cast<Array*>(reinterpret_cast<char*>(object.get()) + object.type()->tp_basicsize);
}

void describe(Array* array, View& view) noexcept {
    view.values = array->values;
    view.order = reinterpret_cast<std::uint8_t*>(array->values + array->capacity);
    view.step = 1;
    view.size = array->size;
}

#  else

// The bytes before the array: its size in bytes, how many values there are, then the order, downwards.
void describe(PyObject** values, View& view) noexcept {
    auto* const bytes = reinterpret_cast<std::uint8_t*>(values);
    view.values = values;
    view.order = bytes - 3;
    view.step = -1;
    view.size = bytes[-2];
}

// Null if there is none. `dict`: the instance's, if it has one.
PyObject** array_of(Borrowed object, PyObject*& dict) noexcept {
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

// A managed dict, and no array: subclasses of lists, sets ... whose instances object.__new__ has not made.
bool has_neither(Borrowed instance) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    return instance.type()->tp_dictoffset > 0 && dict_pointer(instance) == nullptr;
# else
    if (!PyType_HasFeature(instance.type(), Py_TPFLAGS_MANAGED_DICT)) {
        return false;
    }
#  if PY_VERSION_HEX >= 0x030D0000
    return !PyType_HasFeature(instance.type(), Py_TPFLAGS_INLINE_VALUES) && *word(instance, -3) == nullptr;
#  elif PY_VERSION_HEX >= 0x030C0000
    return *word(instance, -3) == nullptr;
#  else
    return *word(instance, -3) == nullptr && *word(instance, -4) == nullptr;
#  endif
# endif
}

# if PY_VERSION_HEX >= 0x030B0000

// An empty array and no dict: takes the array out of force.
bool drop_array(Borrowed instance) noexcept {
    View view;
    if (!read(instance, view) || view.size != 0) {
        return false;
    }
#  if PY_VERSION_HEX >= 0x030D0000
    if (*word(instance, -3) != nullptr) {
        return false;
    }
    array_of(instance)->valid = 0;
#  else
    PyObject* dict = nullptr;
    PyObject** const values = array_of(instance, dict);
    if (values == nullptr || dict != nullptr) {
        return false;
    }
    // free_values in dictobject.c: the last byte before the array says how many there are.
    PyMem_Free(reinterpret_cast<std::uint8_t*>(values) - reinterpret_cast<std::uint8_t*>(values)[-1]);
#   if PY_VERSION_HEX < 0x030C0000
    *word(instance, -4) = nullptr;
#   endif
#  endif
    return true;
}

# endif

}  // namespace

bool read(Borrowed instance, View& view) noexcept {
    if (!keeps_values(instance.type())) {
        return false;
    }
# if PY_VERSION_HEX < 0x030B0000
    PyObject* const dict = dict_pointer(instance);
    if (dict == nullptr) {
        return true;
    }
    return Py_REFCNT(dict) == 1 && PyDict_CheckExact(dict)
        && describe(dict, shared_keys(instance.type()), view);
# else
#  if PY_VERSION_HEX >= 0x030D0000
    PyObject* const dict = *word(instance, -3);
    Array* const array = array_of(instance);
    if ((dict != nullptr && Py_REFCNT(dict) != 1) || array->valid == 0) {
        return false;
    }
    describe(array, view);
#  else
    PyObject* dict = nullptr;
    PyObject** values = array_of(instance, dict);
    if (values == nullptr) {
        if (dict == nullptr || Py_REFCNT(dict) != 1 || !PyDict_CheckExact(dict)
            || dict_layout::keys_of(dict) != shared_keys(instance.type())) {
            return false;
        }
        values = reinterpret_cast<PyObject**>(reinterpret_cast<PyDictObject*>(dict)->ma_values);
        if (values == nullptr) {
            return false;
        }
    }
    describe(values, view);
#  endif
    return true;
# endif
}

bool is_empty(Borrowed instance) noexcept {
    PyTypeObject* const type = instance.type();
    if (type->tp_dictoffset == 0) {
        return true;
    }
    View view;
    if (read(instance, view)) {
        return view.size == 0;
    }
    return has_neither(instance);
}

Borrowed dict_of(Borrowed instance) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    return instance.type()->tp_dictoffset > 0 ? dict_pointer(instance) : nullptr;
# else
    if (!PyType_HasFeature(instance.type(), Py_TPFLAGS_MANAGED_DICT)) {
        return {};
    }
    PyObject* const dict = *word(instance, -3);
    return (reinterpret_cast<std::uintptr_t>(dict) & 1) == 0 ? dict : nullptr;  // 3.12: or the array
# endif
}

bool put_dict(Borrowed bare, Ref& dict) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    if (!has_neither(bare)) {
        return false;
    }
    dict_pointer(bare) = dict.release();
# else
    if (!has_neither(bare) && !drop_array(bare)) {
        return false;
    }
    *word(bare, -3) = dict.release();
# endif
    return true;
}

bool open(Borrowed bare, const View& like, View& view) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    static_cast<void>(like);
    const Ref dict = Ref::steal(PyObject_GenericGetDict(bare.get(), nullptr));
    if (!dict) {
        PyErr_Clear();
        return false;
    }
    if (!describe(dict.get(), shared_keys(bare.type()), view)) {
        return false;
    }
# elif PY_VERSION_HEX >= 0x030D0000
    Array* const array = array_of(bare);
    if (array->valid == 0 || *word(bare, -3) != nullptr) {
        return false;
    }
    for (unsigned i = 0; i < like.size; ++i) {
        if (like.index(i) >= array->capacity) {
            return false;
        }
    }
    describe(array, view);
# else
    // The array of a new instance has room for every name there is (new_values in dictobject.c).
    static_cast<void>(like);
    PyObject* dict = nullptr;
    PyObject** const values = array_of(bare, dict);
    if (values == nullptr) {
        return false;
    }
    describe(values, view);
# endif
    return view.size == 0;
}

void close(Borrowed filled, const View& view, const View& like) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    PyObject* const dict = dict_pointer(filled);
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
    if (like.step > 0) {
        std::memcpy(view.order, like.order, like.size);
    } else {
        std::memcpy(view.order - like.size + 1, like.order - like.size + 1, like.size);
    }
#  if PY_VERSION_HEX >= 0x030D0000
    reinterpret_cast<Array*>(reinterpret_cast<char*>(view.values) - offsetof(Array, values))->size =
        like.size;
#  else
    reinterpret_cast<std::uint8_t*>(view.values)[-2] = like.size;
#  endif
# endif
}

Borrowed name(PyTypeObject* type, unsigned index) noexcept {
    dict_layout::Keys* const keys = shared_keys(type);
    return *reinterpret_cast<PyObject**>(keys->first() + std::size_t{index} * keys->stride());
}

unsigned name_count(PyTypeObject* type) noexcept {
    return static_cast<unsigned>(shared_keys(type)->nentries);
}

#else

bool read(Borrowed, View&) noexcept { return false; }
bool is_empty(Borrowed instance) noexcept { return instance.type()->tp_dictoffset == 0; }
Borrowed dict_of(Borrowed) noexcept { return {}; }
bool put_dict(Borrowed, Ref&) noexcept { return false; }
bool open(Borrowed, const View&, View&) noexcept { return false; }
void close(Borrowed, const View&, const View&) noexcept {}
Borrowed name(PyTypeObject*, unsigned) noexcept { return {}; }
unsigned name_count(PyTypeObject*) noexcept { return 0; }

#endif

}  // namespace calque::instance_values
