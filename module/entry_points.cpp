// module/entry_points.cpp: the three hot functions. Plain C functions with the fast calling convention:
// a Boost.Python def costs 20 to 35 ns more per call, as much as copying an empty list.
//
// Anything but the plain argument shapes is bound by the interpreter itself (interpreter_forms.hpp), so
// that wrong calls raise its own words.
#include "entry_points.hpp"

#include "bind_memo.hpp"
#include "engine.hpp"
#include "error_path.hpp"
#include "pod_vector.hpp"
#include "primitives/interned.hpp"
#include "primitives/interpreter_forms.hpp"

#include <cstring>

namespace calque::module {

namespace {

PyObject* run_deepcopy(Borrowed x, Borrowed memo, Borrowed nil) noexcept {
    if (memo && is_memo_proxy(memo)) {
        return copy_through_proxy(memo, x).release();
    }
    return engine::deepcopy(x, memo, nil).release();
}

// The position of `share` among the keywords, or -1. Names from ** may be equal to it without being the same object.
Py_ssize_t place_of_share(PyObject* keywords) noexcept {
    for (Py_ssize_t i = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords); i-- > 0;) {
        PyObject* const name = PyTuple_GET_ITEM(keywords, i);
        if (name == interned::share
            || (PyUnicode_CheckExact(name) && PyUnicode_Compare(name, interned::share) == 0)) {
            return i;
        }
    }
    return -1;
}

bool are_classes(Borrowed object) noexcept {
    if (!PyTuple_CheckExact(object.get())) {
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object.get()); ++i) {
        if (!PyType_Check(PyTuple_GET_ITEM(object.get(), i))) {
            return false;
        }
    }
    return true;
}

// A tuple of classes; what else people write is for calque/_registry.py.
Ref classes_to_share(Borrowed wish) noexcept {
    if (are_classes(wish)) {
        return Ref::share(wish);
    }
    if (PyType_Check(wish.get())) {
        return Ref::steal(PyTuple_Pack(1, wish.get()));
    }
    Ref module = Ref::steal(PyImport_ImportModule("calque._registry"));
    return module ? Ref::steal(PyObject_CallMethod(module.get(), "classes_of", "(O)", wish.get())) : Ref();
}

// deepcopy(..., share=classes): the other arguments are bound as if it were not there.
PyObject* deepcopy_sharing(PyObject* const* args, Py_ssize_t nargs, PyObject* keywords,
                           Py_ssize_t place) noexcept {
    const Py_ssize_t count = PyTuple_GET_SIZE(keywords);
    PodVector<PyObject*> others;
    Ref names = Ref::steal(PyTuple_New(count - 1));
    bool complete = names && others.append(args, static_cast<std::size_t>(nargs));
    for (Py_ssize_t i = 0, next = 0; complete && i < count; ++i) {
        if (i != place) {
            complete = others.push_back(args[nargs + i]);
            PyTuple_SET_ITEM(names.get(), next++, Ref::share(PyTuple_GET_ITEM(keywords, i)).release());
        }
    }
    if (!complete) {
        return PyErr_NoMemory();
    }
    Ref bound = forms::bind(forms::Signature::deepcopy, others.begin(), nargs, names);
    Ref classes = bound ? classes_to_share(args[nargs + place]) : Ref();
    if (!classes) {
        return nullptr;
    }
    const Borrowed x = PyTuple_GET_ITEM(bound.get(), 0);
    const Borrowed memo = PyTuple_GET_ITEM(bound.get(), 1);
    const Borrowed nil = PyTuple_GET_ITEM(bound.get(), 2);
    if (PyTuple_GET_SIZE(classes.get()) == 0) {
        return run_deepcopy(x, memo, nil);
    }
    return engine::deepcopy_sharing(x, memo, nil, classes).release();
}

// Who was called: calque.deepcopy, which knows share= and adds notes to errors, or copy.deepcopy under the patch.
enum class By { own_name, patch };

template <By by>
[[gnu::noinline, gnu::cold]] void note_failure() noexcept {
    if (by == By::own_name || entry::copy_adds_notes) {
        error_path::add_note();
    }
}

template <By by>
PyObject* deepcopy_with_arguments(PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept {
    if (keywords == nullptr && (nargs == 2 || nargs == 3)) {
        return run_deepcopy(args[0], args[1], nargs == 3 ? Borrowed(args[2]) : Borrowed());
    }
    if (keywords != nullptr && nargs == 1 && PyTuple_GET_SIZE(keywords) == 1
        && PyTuple_GET_ITEM(keywords, 0) == interned::memo) {
        return run_deepcopy(args[0], args[1], {});
    }
    if constexpr (by == By::own_name) {
        if (const Py_ssize_t place = place_of_share(keywords); place >= 0) {
            return deepcopy_sharing(args, nargs, keywords, place);
        }
    }
    Ref bound = forms::bind(forms::Signature::deepcopy, args, nargs, keywords);
    if (!bound) {
        return nullptr;
    }
    return run_deepcopy(PyTuple_GET_ITEM(bound.get(), 0), PyTuple_GET_ITEM(bound.get(), 1),
                        PyTuple_GET_ITEM(bound.get(), 2));
}

// Not inlined: the shortest calls would save the registers that this one needs.
template <By by>
[[gnu::noinline]] PyObject* deepcopy_of_any_shape(PyObject* const* args, Py_ssize_t nargs,
                                                  PyObject* keywords) noexcept {
    PyObject* const copy = deepcopy_with_arguments<by>(args, nargs, keywords);
    if (copy == nullptr) [[unlikely]] {
        note_failure<by>();
    }
    return copy;
}

}  // namespace

namespace entry {

template <By by>
[[gnu::always_inline]] static inline PyObject* deepcopy_quickly(PyObject* const* args, Py_ssize_t nargs,
                                                                PyObject* keywords) noexcept {
    if (nargs == 1 && keywords == nullptr) [[likely]] {
        if (engine::is_atom(args[0])) {
            return Ref::share(args[0]).release();
        }
        PyObject* const copy = engine::deepcopy_alone(args[0]).release();
        if (copy == nullptr) [[unlikely]] {
            note_failure<by>();
        }
        return copy;
    }
    // Most of what hooks have copied.
    if (keywords == nullptr && (nargs == 2 || nargs == 3) && engine::is_atom(args[0])
        && engine::has_no_atoms(args[1])) {
        return Ref::share(args[0]).release();
    }
    return deepcopy_of_any_shape<by>(args, nargs, keywords);
}

PyObject* deepcopy(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept {
    return deepcopy_quickly<By::own_name>(args, nargs, keywords);
}

PyObject* deepcopy_of_copy(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept {
    return deepcopy_quickly<By::patch>(args, nargs, keywords);
}

PyObject* copy(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept {
    if (keywords == nullptr && nargs == 1) {
        return engine::copy(args[0]).release();
    }
    Ref bound = forms::bind(forms::Signature::copy, args, nargs, keywords);
    return bound ? engine::copy(PyTuple_GET_ITEM(bound.get(), 0)).release() : nullptr;
}

PyObject* replace(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept {
    if (nargs == 1) {
        return engine::replace(args, keywords).release();
    }
    static_cast<void>(forms::bind(forms::Signature::replace, args, nargs, keywords));  // raises
    return nullptr;
}

}  // namespace entry

namespace {

using FastWithKeywords = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);

PyCFunction as_c_function(FastWithKeywords function) noexcept {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

constexpr const char* kDeepcopyDoc =
    "deepcopy(x, memo=None, _nil=[], *, share=())\n"
    "--\n\n"
    "Deep copy of any Python object: copy.deepcopy, exactly; share is calque's own.\n\n"
    "Args:\n"
    "    x: any object.\n"
    "    memo: None, or a mapping {id(original): copy} that is consulted and filled as copy.deepcopy\n"
    "        does; inside __deepcopy__(self, memo) pass on the memo you were given.\n"
    "    _nil: a memo entry that is this object counts as absent.\n"
    "    share: a class or an iterable of classes. Their instances, those of subclasses too, are not "
    "copied:\n"
    "        the copy refers to the originals. For this copy alone; see calque.atomic.\n\n"
    "Returns:\n"
    "    The copy; x itself where copy.deepcopy returns it (numbers, strings, functions, classes, ...).\n\n"
    "Raises:\n"
    "    calque.Error: the object has no way to be copied.\n"
    "    TypeError: as raised by the reduce protocol for objects that refuse to be pickled.\n"
    "    MemoryError: there is no memory left. Depth of nesting alone raises nothing.\n"
    "    Whatever __deepcopy__, __reduce_ex__ and the other hooks raise.\n\n"
    "An exception raised by the interpreter or calque has a note that says where in x: see error_path.\n\n"
    "Semantics: Lib/copy.py of the running CPython (3.10 to 3.14).";

constexpr const char* kCopyDoc =
    "copy(x)\n"
    "--\n\n"
    "Shallow copy of any Python object: copy.copy, exactly.\n\n"
    "Args:\n"
    "    x: any object.\n\n"
    "Returns:\n"
    "    A new object with the same content, or x itself where copy.copy returns it.\n\n"
    "Raises:\n"
    "    calque.Error: the object has no way to be copied.\n"
    "    Whatever __copy__, __reduce_ex__ and the other hooks raise.\n\n"
    "Semantics: Lib/copy.py of the running CPython (3.10 to 3.14).";

constexpr const char* kReplaceDoc =
    "replace(obj, /, **changes)\n"
    "--\n\n"
    "A copy of obj with some fields changed: copy.replace of Python 3.13, on every Python.\n\n"
    "Args:\n"
    "    obj: an object whose class has a __replace__ method.\n"
    "    **changes: new values by field name.\n\n"
    "Returns:\n"
    "    What type(obj).__replace__(obj, **changes) returns.\n\n"
    "Raises:\n"
    "    TypeError: the class has no __replace__.\n\n"
    "Semantics: Lib/copy.py of CPython 3.13. Dataclasses, named tuples, datetime objects and others\n"
    "have __replace__ from Python 3.13 on; before, only classes that define it themselves.";

PyMethodDef methods[] = {
    {"deepcopy", as_c_function(entry::deepcopy), METH_FASTCALL | METH_KEYWORDS, kDeepcopyDoc},
    {"copy", as_c_function(entry::copy), METH_FASTCALL | METH_KEYWORDS, kCopyDoc},
    {"replace", as_c_function(entry::replace), METH_FASTCALL | METH_KEYWORDS, kReplaceDoc},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* entry_points() noexcept { return methods; }

PyMethodDef* deepcopy_of_copy() noexcept {
    static PyMethodDef method{"deepcopy", as_c_function(entry::deepcopy_of_copy),
                              METH_FASTCALL | METH_KEYWORDS, kDeepcopyDoc};
    return &method;
}

}  // namespace calque::module
