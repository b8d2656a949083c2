// runtime/primitives/list_slots.hpp: filling a list whose final size is known, while anybody may look.
//
// The list is allocated at full capacity and shows the size that is filled: appending is one store, and
// Python code that looks at the half-filled copy sees what it would see under copy.py. Writes the fields
// of PyListObject (ob_item, allocated: public structure, unchanged from 3.10 to 3.14; the array is PyMem's).
// Its twin is PyList_New(0) and PyList_Append.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

namespace calque::list_slots {

/// An empty list with room for `capacity` elements, as many as some list has: the product cannot overflow.
inline Ref with_room(Py_ssize_t capacity) noexcept {
    Ref list = Ref::steal(PyList_New(0));
#if !CALQUE_USE_LIST_SLOTS
    static_cast<void>(capacity);
#else
    if (list && capacity > 0) {
        // PyList_New(capacity) would fill the array with zeros first.
        auto* raw = reinterpret_cast<PyListObject*>(list.get());
        raw->ob_item =
            static_cast<PyObject**>(PyMem_Malloc(static_cast<std::size_t>(capacity) * sizeof(PyObject*)));
        if (raw->ob_item == nullptr) {
            PyErr_NoMemory();
            return {};
        }
        raw->allocated = capacity;
    }
#endif
    return list;
}

/// Appends to a list that may have been changed by others meanwhile. False with MemoryError set.
[[nodiscard]] inline bool append(Borrowed list, Ref item) noexcept {
#if CALQUE_USE_LIST_SLOTS
    auto* raw = reinterpret_cast<PyListObject*>(list.get());
    const Py_ssize_t size = PyList_GET_SIZE(list.get());
    if (size < raw->allocated) {
        raw->ob_item[size] = item.release();
        Py_SET_SIZE(reinterpret_cast<PyVarObject*>(raw), size + 1);
        return true;
    }
#endif
    return PyList_Append(list.get(), item.get()) == 0;
}

/// A list with room for as many elements as another has, filled as far as `size`: place by place, while no
/// Python code runs. Nobody sees what was stored before show().
struct Filling {
    PyObject* const* from = nullptr;  // the elements of the original
    PyObject** to = nullptr;
    Py_ssize_t end = 0;  // how many the original has
};

/// False: the list is not like that (somebody has changed one of the two), or the layout is not to be used.
[[gnu::always_inline]] inline bool fill(Borrowed list, Borrowed original, Py_ssize_t size,
                                        Filling& filling) noexcept {
#if CALQUE_USE_LIST_SLOTS
    auto* raw = reinterpret_cast<PyListObject*>(list.get());
    filling = {reinterpret_cast<PyListObject*>(original.get())->ob_item, raw->ob_item,
               PyList_GET_SIZE(original.get())};
    return PyList_GET_SIZE(list.get()) == size && size <= filling.end && filling.end <= raw->allocated;
#else
    static_cast<void>(list), static_cast<void>(original), static_cast<void>(size), static_cast<void>(filling);
    return false;
#endif
}

/// The same for a list that with_room() has made just now.
[[gnu::always_inline]] inline bool fill_new(Borrowed list, Borrowed original, Filling& filling) noexcept {
#if CALQUE_USE_LIST_SLOTS
    filling = {reinterpret_cast<PyListObject*>(original.get())->ob_item,
               reinterpret_cast<PyListObject*>(list.get())->ob_item, PyList_GET_SIZE(original.get())};
    return true;
#else
    static_cast<void>(list), static_cast<void>(original), static_cast<void>(filling);
    return false;
#endif
}

[[gnu::always_inline]] inline void show(Borrowed list, Py_ssize_t size) noexcept {
    Py_SET_SIZE(reinterpret_cast<PyVarObject*>(list.get()), size);
}

}  // namespace calque::list_slots
