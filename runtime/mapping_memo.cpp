// runtime/mapping_memo.cpp: see mapping_memo.hpp.
#include "mapping_memo.hpp"

#include "primitives/interned.hpp"

namespace calque::mapping_memo {

namespace {

PyObject* sentinel = nullptr;

Ref id_of(Borrowed object) noexcept { return Ref::steal(PyLong_FromVoidPtr(object.get())); }

Ref item(Borrowed memo, Borrowed key, bool& failed) noexcept {
    failed = false;
    if (PyDict_CheckExact(memo.get())) {
        Ref value = Ref::share(PyDict_GetItemWithError(memo.get(), key.get()));
        failed = !value && PyErr_Occurred() != nullptr;
        return value;
    }
    Ref value = Ref::steal(PyObject_GetItem(memo.get(), key.get()));
    failed = !value && PyErr_ExceptionMatches(PyExc_KeyError) == 0;
    return value;
}

// `memo[key] = [x]` inside `except KeyError:`. The handled exception is visible to whatever
// __setitem__ runs, and becomes the __context__ of what that raises.
bool start_list(Borrowed memo, Borrowed key, Borrowed x) noexcept {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    const bool handling = PyErr_Occurred() != nullptr;
    if (handling) {
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        if (traceback != nullptr) {
            PyException_SetTraceback(value, traceback);
        }
    }
    PyObject *old_type = nullptr, *old_value = nullptr, *old_traceback = nullptr;
    if (handling) {
        PyErr_GetExcInfo(&old_type, &old_value, &old_traceback);
        PyErr_SetExcInfo(type, value, traceback);
    }
    Ref list = Ref::steal(PyList_New(0));
    const bool stored = list && PyList_Append(list.get(), x.get()) == 0
                     && PyObject_SetItem(memo.get(), key.get(), list.get()) == 0;
    if (handling) {
        PyErr_SetExcInfo(old_type, old_value, old_traceback);
    }
    return stored;
}

}  // namespace

bool create() noexcept {
    if (sentinel == nullptr) {
        sentinel = PyList_New(0);
    }
    return sentinel != nullptr;
}

Found get(Borrowed memo, Borrowed x, Borrowed nil, Ref& copy) noexcept {
    const Borrowed absent = nil ? nil : Borrowed(sentinel);
    Ref key = id_of(x);
    if (!key) {
        return Found::error;
    }
    if (PyDict_CheckExact(memo.get())) {
        copy = Ref::share(PyDict_GetItemWithError(memo.get(), key.get()));
        if (!copy) {
            return PyErr_Occurred() != nullptr ? Found::error : Found::miss;
        }
    } else {
        copy = Ref::steal(
            PyObject_CallMethodObjArgs(memo.get(), interned::get, key.get(), absent.get(), nullptr));
        if (!copy) {
            return Found::error;
        }
    }
    return Borrowed(copy) == absent ? Found::miss : Found::hit;
}

Found subscript(Borrowed memo, Borrowed x, Ref& copy) noexcept {
    Ref key = id_of(x);
    if (!key) {
        return Found::error;
    }
    bool failed = false;
    copy = item(memo, key, failed);
    if (copy) {
        return Found::hit;
    }
    if (failed) {
        return Found::error;
    }
    PyErr_Clear();
    return Found::miss;
}

bool store(Borrowed memo, Borrowed x, Borrowed copy) noexcept {
    Ref key = id_of(x);
    return key && PyObject_SetItem(memo.get(), key.get(), copy.get()) == 0;
}

bool keep_alive(Borrowed memo, Borrowed x, bool& plain) noexcept {
    Ref key = id_of(memo);
    if (!key) {
        return false;
    }
    bool failed = false;
    Ref list = item(memo, key, failed);
    if (failed) {
        return false;
    }
    if (!list) {
        return start_list(memo, key, x);
    }
    if (PyList_CheckExact(list.get())) {
        return PyList_Append(list.get(), x.get()) == 0;
    }
    plain = false;
    if (Ref::steal(PyObject_CallMethodObjArgs(list.get(), interned::append, x.get(), nullptr))) {
        return true;
    }
    // `try: memo[id(memo)].append(x)`, `except KeyError:` for both.
    return PyErr_ExceptionMatches(PyExc_KeyError) != 0 && start_list(memo, key, x);
}

}  // namespace calque::mapping_memo
