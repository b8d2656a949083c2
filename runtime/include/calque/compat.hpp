// calque/compat.hpp: what differs between CPython 3.10 and 3.14, as polyfills under CPython's own
// names and as capabilities named after what they allow. Each says when it can go.
// Interpreter internals are not here but in runtime/cpython/.
#pragma once

#include <Python.h>

#if PY_VERSION_HEX < 0x030A0000
# error "calque needs CPython 3.10 or newer"
#endif

// 3.14's deepcopy returns an atomic before it touches the memo (Lib/copy.py, gh-114264); older ones
// ask the memo first, so that an entry for id(5) counts. Remove when the floor is 3.14.
#define CALQUE_ATOMICS_BEFORE_MEMO (PY_VERSION_HEX >= 0x030E0000)

// Before 3.12 an allocation may run the collector, and with it finalizers and callbacks, in the
// middle of native code; since then it runs only at the eval breaker. Remove when the floor is 3.12.
#define CALQUE_ALLOCATION_COLLECTS (PY_VERSION_HEX < 0x030C0000)

// A tuple keeps its hash, and -1 until it is asked for (3.14). Remove when the floor is 3.14.
#define CALQUE_TUPLES_KEEP_HASH (PY_VERSION_HEX >= 0x030E0000)

// object.__getstate__, which sets are reduced with as well (3.11); before, the state of a set is its __dict__,
// even if empty, and slots are none of it. Remove when the floor is 3.11.
#define CALQUE_SETS_HAVE_GETSTATE (PY_VERSION_HEX >= 0x030B0000)

// object.__new__ does nothing but allocate, for instances of this class; in 3.11 and 3.12 it also makes the array of
// attributes (object_new, _PyObject_InitializeDict in Objects/typeobject.c). Remove when the floor is 3.13.
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030D0000
# define CALQUE_OBJECT_NEW_ALLOCATES(type) (!PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT))
#else
# define CALQUE_OBJECT_NEW_ALLOCATES(type) true
#endif

// PyDict_Watch tells of every write to a dict (3.12).
#define CALQUE_HAVE_DICT_WATCHERS (PY_VERSION_HEX >= 0x030C0000)

// A syntax node is made with a None for each of its fields, and then given its attributes; before, it is made
// without arguments (Parser/asdl_c.py, ast_type_reduce, gh-105858). Remove when the floor is 3.13.
#define CALQUE_NODES_TAKE_FIELDS (PY_VERSION_HEX >= 0x030D0000)

// copy.replace and its protocol in the standard library (3.13).
#define CALQUE_STDLIB_HAS_REPLACE (PY_VERSION_HEX >= 0x030D0000)

// 3.12: a new reference; before, every class keeps its dict in the structure. Remove when the floor is 3.12.
#if PY_VERSION_HEX < 0x030C0000
static inline PyObject* PyType_GetDict(PyTypeObject* type) { return Py_XNewRef(type->tp_dict); }
#endif

// 3.13: 1 with *result set, 0 without an exception when there is no such attribute, -1 on error.
// Remove when the floor is 3.13.
#if PY_VERSION_HEX < 0x030D0000
static inline int PyObject_GetOptionalAttr(PyObject* object, PyObject* name, PyObject** result) {
# ifndef CALQUE_PUBLIC_API
    return _PyObject_LookupAttr(object, name, result);
# else
    *result = PyObject_GetAttr(object, name);
    if (*result != NULL) {
        return 1;
    }
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
# endif
}
#endif

// 3.12: the exception in flight as one object, with its traceback in it. Remove when the floor is 3.12.
#if PY_VERSION_HEX < 0x030C0000
static inline PyObject* PyErr_GetRaisedException() {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == nullptr) {
        return nullptr;
    }
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != nullptr) {
        PyException_SetTraceback(value, traceback);
        Py_DECREF(traceback);
    }
    Py_DECREF(type);
    return value;
}

static inline void PyErr_SetRaisedException(PyObject* exception) {
    PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception))), exception,
                  PyException_GetTraceback(exception));
}
#endif
