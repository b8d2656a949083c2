// runtime/reconstruct.cpp: see primitives/reconstruct.hpp.
#include "primitives/reconstruct.hpp"

#include "primitives/interned.hpp"
#include "primitives/interpreter_forms.hpp"
#include "stdlib_tables.hpp"

#include <calque/compat.hpp>

namespace calque::reconstruct {

namespace {

// getattr(object, name, None), None counting as absent. False with an exception set.
bool attribute(Borrowed object, PyObject* name, Ref& found) noexcept {
    PyObject* raw = nullptr;
    if (PyObject_GetOptionalAttr(object.get(), name, &raw) < 0) {
        return false;
    }
    found = Ref::steal(raw);
    if (found.get() == Py_None) {
        found = {};
    }
    return true;
}

// dispatch_table.get(type(x)). False with an exception set.
bool registered_reducer(Borrowed x, bool deep, Ref& reducer) noexcept {
    Ref table = Ref::share(stdlib_tables::copyreg_table());
    if (!table) {
        return true;
    }
    reducer = Ref::share(PyDict_GetItemWithError(table.get(), reinterpret_cast<PyObject*>(x.type())));
    if (!reducer) {
        return PyErr_Occurred() == nullptr;
    }
    const int wanted = deep ? PyObject_IsTrue(reducer.get()) : reducer.get() != Py_None;
    if (wanted == 0) {
        reducer = {};
    }
    return wanted >= 0;
}

// `for key, value in slots.items(): setattr(y, key, value)`, step for step (Objects/dictobject.c, dictiter_iternextitem),
// without the iterator: up to 3.11 the interpreter crashes when it finds no memory to finish one with (dictiter_new).
bool set_slots_of_dict(Borrowed y, Borrowed slots) noexcept {
    const Py_ssize_t size = PyDict_GET_SIZE(slots.get());
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    for (Py_ssize_t left = size;; --left) {
        if (PyDict_GET_SIZE(slots.get()) != size) {
            PyErr_SetString(PyExc_RuntimeError, "dictionary changed size during iteration");
            return false;
        }
        if (PyDict_Next(slots.get(), &position, &key, &value) == 0) {
            return true;
        }
        if (left == 0) {
            PyErr_SetString(PyExc_RuntimeError, "dictionary keys changed during iteration");
            return false;
        }
        const Ref name = Ref::share(key);
        const Ref kept = Ref::share(value);
        if (PyObject_SetAttr(y.get(), name.get(), kept.get()) != 0) {
            return false;
        }
    }
}

bool set_slots(Borrowed y, Borrowed slots) noexcept {
    if (PyDict_CheckExact(slots.get())) {
        return set_slots_of_dict(y, slots);
    }
    Ref pairs = Ref::steal(PyObject_CallMethodNoArgs(slots.get(), interned::items));
    Ref iterator = pairs ? Ref::steal(PyObject_GetIter(pairs.get())) : Ref();
    if (!iterator) {
        return false;
    }
    while (Ref next = Ref::steal(PyIter_Next(iterator.get()))) {
        Ref pair = forms::unpack_pair(next);
        if (!pair
            || PyObject_SetAttr(y.get(), PyTuple_GET_ITEM(pair.get(), 0), PyTuple_GET_ITEM(pair.get(), 1))
                   != 0) {
            return false;
        }
    }
    return PyErr_Occurred() == nullptr;
}

bool update_dict(Borrowed y, Borrowed state) noexcept {
    Ref names = Ref::steal(PyObject_GetAttr(y.get(), interned::__dict__));
    if (!names) {
        return false;
    }
    return bool(Ref::steal(PyObject_CallMethodOneArg(names.get(), interned::update, state.get())));
}

}  // namespace

Ref reduce(Borrowed x, bool deep) noexcept {
    Ref reducer;
    if (!registered_reducer(x, deep, reducer)) {
        return {};
    }
    if (reducer) {
        return Ref::steal(PyObject_CallOneArg(reducer.get(), x.get()));
    }
    if (!attribute(x, interned::__reduce_ex__, reducer)) {
        return {};
    }
    if (reducer) {
        Ref protocol = Ref::steal(PyLong_FromLong(4));
        return protocol ? Ref::steal(PyObject_CallOneArg(reducer.get(), protocol.get())) : Ref();
    }
    if (!attribute(x, interned::__reduce__, reducer)) {
        return {};
    }
    const int wanted = reducer ? PyObject_IsTrue(reducer.get()) : 0;
    if (wanted < 0) {
        return {};
    }
    if (wanted != 0) {
        return Ref::steal(PyObject_CallNoArgs(reducer.get()));
    }
    PyErr_Format(stdlib_tables::error().get(),
                 deep ? "un(deep)copyable object of type %S" : "un(shallow)copyable object of type %S",
                 x.type());
    return {};
}

int means_itself(Borrowed value) noexcept {
    return PyObject_IsInstance(value.get(), reinterpret_cast<PyObject*>(&PyUnicode_Type));
}

bool set_state(Borrowed y, Borrowed state) noexcept {
    // hasattr(y, '__setstate__'), then a second look-up for the call.
    PyObject* raw = nullptr;
    const int has = PyObject_GetOptionalAttr(y.get(), interned::__setstate__, &raw);
    if (has < 0) {
        return false;
    }
    if (has > 0) {
        Ref first = Ref::steal(raw);
        first = {};
        return bool(Ref::steal(PyObject_CallMethodOneArg(y.get(), interned::__setstate__, state.get())));
    }
    Ref names = Ref::share(state);
    Ref slots;
    const int is_tuple = PyObject_IsInstance(state.get(), reinterpret_cast<PyObject*>(&PyTuple_Type));
    if (is_tuple < 0) {
        return false;
    }
    if (is_tuple > 0) {
        const Py_ssize_t length = PyObject_Length(state.get());
        if (length < 0) {
            return false;
        }
        if (length == 2) {
            Ref pair = forms::unpack_pair(state);
            if (!pair) {
                return false;
            }
            names = Ref::share(PyTuple_GET_ITEM(pair.get(), 0));
            slots = Ref::share(PyTuple_GET_ITEM(pair.get(), 1));
        }
    }
    if (names.get() != Py_None && !update_dict(y, names)) {
        return false;
    }
    return !slots || slots.get() == Py_None || set_slots(y, slots);
}

bool append(Borrowed y, Borrowed item) noexcept {
    return bool(Ref::steal(PyObject_CallMethodOneArg(y.get(), interned::append, item.get())));
}

void leave_generator() noexcept {
    if (PyErr_Occurred() == nullptr || PyErr_ExceptionMatches(PyExc_StopIteration) == 0) {
        return;
    }
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Ref stop_type = Ref::steal(type);
    Ref stop = Ref::steal(value);
    Ref where = Ref::steal(traceback);
    if (where) {
        PyException_SetTraceback(stop.get(), where.get());
    }
    PyErr_SetString(PyExc_RuntimeError, "generator raised StopIteration");
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyException_SetCause(value, Ref::share(stop).release());
    PyException_SetContext(value, stop.release());
    PyErr_Restore(type, value, traceback);
}

}  // namespace calque::reconstruct
