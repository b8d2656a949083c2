// runtime/primitives/list_slots.hpp: filling a list whose final size is known, while anybody may look.
//
// The list is allocated at full capacity and shows the size that is filled: appending is one store, and
// Python code that looks at the half-filled copy sees what it would see under copy.py. Reads the fields
// of PyListObject (ob_item, allocated: public structure, unchanged from 3.10 to 3.14). Its
// twin is PyList_New(0) and PyList_Append.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

namespace calque::list_slots {

/// An empty list with room for `capacity` elements.
inline Ref with_room(Py_ssize_t capacity) noexcept {
#if !CALQUE_USE_LIST_SLOTS
    static_cast<void>(capacity);
    return Ref::steal(PyList_New(0));
#else
    Ref list = Ref::steal(PyList_New(capacity));
    if (list) {
        Py_SET_SIZE(reinterpret_cast<PyVarObject*>(list.get()), 0);
    }
    return list;
#endif
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

}  // namespace calque::list_slots
