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

/// An empty list with room for `capacity` elements.
inline Ref with_room(Py_ssize_t capacity) noexcept {
    Ref list = Ref::steal(PyList_New(0));
#if !CALQUE_USE_LIST_SLOTS
    static_cast<void>(capacity);
#else
    if (list && capacity > 0) {
        // PyList_New(capacity) would fill the array with zeros first.
        auto* raw = reinterpret_cast<PyListObject*>(list.get());
        raw->ob_item = PyMem_New(PyObject*, capacity);
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

/// Appends source[from], source[from + 1] ... as long as `wanted` says so of each; returns the index of the
/// first that it does not want, or of the end; -1 with MemoryError set. `wanted` runs no Python code.
template <class Wanted>
[[gnu::always_inline]] inline Py_ssize_t append_while(Borrowed list, Borrowed source, Py_ssize_t from,
                                                      Wanted wanted) noexcept {
    const Py_ssize_t end = PyList_GET_SIZE(source.get());
#if CALQUE_USE_LIST_SLOTS
    auto* raw = reinterpret_cast<PyListObject*>(list.get());
    const Py_ssize_t size = PyList_GET_SIZE(list.get());
    if (end - from <= raw->allocated - size) {
        PyObject* const* items = reinterpret_cast<PyListObject*>(source.get())->ob_item;
        PyObject** room = raw->ob_item + size - from;
        Py_ssize_t i = from;
        for (; i < end && wanted(items[i]); ++i) {
            room[i] = Ref::share(items[i]).release();
        }
        Py_SET_SIZE(reinterpret_cast<PyVarObject*>(raw), size + i - from);
        return i;
    }
#endif
    for (; from < end && wanted(PyList_GET_ITEM(source.get(), from)); ++from) {
        if (!append(list, Ref::share(PyList_GET_ITEM(source.get(), from)))) {
            return -1;
        }
    }
    return from;
}

}  // namespace calque::list_slots
