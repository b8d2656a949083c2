// runtime/cpython/instance_layout.cpp: what is seldom asked; see instance_layout.hpp.
#include "primitives/instance_values.hpp"

namespace calque::instance_values {

#if CALQUE_USE_INSTANCE_VALUES

namespace {

// Where an instance of a class that says so itself has its dict: subclasses of tuple, and of C types with a dict.
PyObject** unmanaged_place(Borrowed instance) noexcept {
# if PY_VERSION_HEX >= 0x030B0000
    if (PyType_HasFeature(instance.type(), Py_TPFLAGS_MANAGED_DICT)) {
        return nullptr;
    }
# endif
    return _PyObject_GetDictPtr(instance.get());
}

// A managed dict, and no array: subclasses of lists, sets ... whose instances object.__new__ has not made.
bool has_neither(Borrowed instance) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    return instance.type()->tp_dictoffset > 0 && layout::dict_pointer(instance) == nullptr;
# else
    if (!PyType_HasFeature(instance.type(), Py_TPFLAGS_MANAGED_DICT)) {
        return false;
    }
#  if PY_VERSION_HEX >= 0x030D0000
    return !PyType_HasFeature(instance.type(), Py_TPFLAGS_INLINE_VALUES)
        && *layout::word(instance, -3) == nullptr;
#  elif PY_VERSION_HEX >= 0x030C0000
    return *layout::word(instance, -3) == nullptr;
#  else
    return *layout::word(instance, -3) == nullptr && *layout::word(instance, -4) == nullptr;
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
    if (*layout::word(instance, -3) != nullptr) {
        return false;
    }
    layout::array_of(instance)->valid = 0;
#  else
    PyObject* dict = nullptr;
    PyObject** const values = layout::array_of(instance, dict);
    if (values == nullptr || dict != nullptr) {
        return false;
    }
    // free_values in dictobject.c: the last byte before the array says how many there are.
    PyMem_Free(reinterpret_cast<std::uint8_t*>(values) - reinterpret_cast<std::uint8_t*>(values)[-1]);
#   if PY_VERSION_HEX < 0x030C0000
    *layout::word(instance, -4) = nullptr;
#   endif
#  endif
    return true;
}

# endif

}  // namespace

bool is_empty(Borrowed instance) noexcept {
    PyTypeObject* const type = instance.type();
    if (type->tp_dictoffset == 0) {
        return true;
    }
    View view;
    if (read(instance, view)) {
        return view.size == 0;
    }
    if (PyObject** const place = unmanaged_place(instance)) {
        return *place == nullptr;
    }
    return has_neither(instance);
}

bool put_dict(Borrowed bare, Ref& dict) noexcept {
# if PY_VERSION_HEX < 0x030B0000
    if (!has_neither(bare)) {
        return false;
    }
    layout::dict_pointer(bare) = dict.release();
# else
    if (!has_neither(bare) && !drop_array(bare)) {
        return false;
    }
    *layout::word(bare, -3) = dict.release();
# endif
    return true;
}

#else

bool is_empty(Borrowed instance) noexcept { return instance.type()->tp_dictoffset == 0; }
bool put_dict(Borrowed, Ref&) noexcept { return false; }

#endif

}  // namespace calque::instance_values
