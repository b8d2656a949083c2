// module/bind_patch.cpp: switches the functions of the standard library's copy over to calque and back.
//
// Which functions: the objects that `copy` held when calque was imported, and no others. calque reads the
// tables of that module and raises its Error; a copy module imported afresh, or reloaded, has others, and its
// functions must go on with those. A wrapper that somebody puts in place of copy.deepcopy is theirs: the
// function behind it is served.
//
// All or nothing: every function is looked at before the first is touched, and what was done is undone
// if one refuses (an audit hook may veto the assignment of __code__). The counting of who wants
// the patch, and the lock, are in calque/patch.py.
#include "bind_patch.hpp"

#include "entry_points.hpp"

#include "cpython/function_patch.hpp"

#include <boost/python.hpp>

#include <exception>

namespace bp = boost::python;

namespace calque::module {

namespace {

FunctionPatch deepcopy_patch, copy_patch, replace_patch;

template <FunctionPatch& patch, FastFunction native>
bool install(Borrowed function, const Substitute& substitute) noexcept {
    return patch.template install<patch, native>(function, substitute);
}

struct Served {
    const char* name;
    FunctionPatch& patch;
    bool (*install)(Borrowed function, const Substitute& substitute) noexcept;
    Substitute substitute;
    PyMethodDef* function_of_copy =
        nullptr;  // what the substitute calls; null: calque's function of that name
    PyObject* function =
        nullptr;  // of copy, at import; null where it has none. Owned, as `substitute.native`
};

Served all[] = {
    {"deepcopy",
     deepcopy_patch,
     install<deepcopy_patch, entry::deepcopy_of_copy>,
     {"def deepcopy(x, memo=None, _nil=[]): return NATIVE(x, memo, _nil)", nullptr},
     deepcopy_of_copy()},
    {"copy", copy_patch, install<copy_patch, entry::copy>, {"def copy(x): return NATIVE(x)", nullptr}},
    {"replace",
     replace_patch,
     install<replace_patch, entry::replace>,
     {"def replace(obj, /, **changes): return NATIVE(obj, **changes)", nullptr}},
};

PyObject* copy_names = nullptr;       // copy.__dict__; owned, as the next
PyObject* any_function_of = nullptr;  // copy._reconstruct, which the patch never touches
bool switching = false;

[[noreturn]] void raise() {
    bp::throw_error_already_set();
    std::terminate();
}

bp::object attribute(PyObject* object, const char* name) {
    return bp::object(bp::handle<>(PyObject_GetAttrString(object, name)));
}

// Defined by copy.py, and nobody's patch is on it.
bool is_untouched(PyObject* function, const char* name) {
    if (!PyFunction_Check(function) || !PyFunction_Check(any_function_of)
        || PyFunction_GetGlobals(function) != copy_names) {
        return false;
    }
    const bp::object code = attribute(function, "__code__");
    const bp::object like_it = attribute(any_function_of, "__code__");
    return code.attr("co_name") == name && code.attr("co_filename") == like_it.attr("co_filename")
        && !FunctionPatch::is_patched_by_others(function, any_function_of);
}

void check(const Served& served) {
    if (!is_untouched(served.function, served.name)) {
        PyErr_Format(PyExc_RuntimeError,
                     "calque.patch leaves copy.%s alone: it is not, or no longer, what the standard library "
                     "defines (%R): it was replaced before calque was imported, or something else patches it",
                     served.name, served.function);
        raise();
    }
}

// The exception of the first failure stays set.
bool remove_all() noexcept {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    for (Served& served : all) {
        if (served.patch.installed() && !served.patch.remove()) {
            if (type == nullptr) {
                PyErr_Fetch(&type, &value, &traceback);
            } else {
                PyErr_Clear();
            }
        }
    }
    PyErr_Restore(type, value, traceback);
    return type == nullptr;
}

bool install_all() noexcept {
    for (Served& served : all) {
        if (served.function != nullptr && !served.patch.installed()
            && !served.install(served.function, served.substitute)) {
            static_cast<void>(remove_all());
            return false;
        }
    }
    return true;
}

// True if that changed anything.
bool switch_to(bool on) {
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_RuntimeError, "calque.patch works in the main interpreter only");
        raise();
    }
    if (switching) {
        PyErr_SetString(PyExc_RuntimeError,
                        "calque.patch is being switched: an audit hook cannot switch it too");
        raise();
    }
    bool change = false;
    for (const Served& served : all) {
        if (served.function != nullptr && served.patch.installed() != on) {
            change = true;
            if (on) {
                check(served);
            }
        }
    }
    switching = true;
    const bool done = on ? install_all() : remove_all();
    switching = false;
    if (!done) {
        raise();
    }
    return change;
}

void add_notes(bool wanted) { entry::copy_adds_notes = wanted; }

bool is_on() {
    for (const Served& served : all) {
        if (served.patch.installed()) {
            return true;
        }
    }
    return false;
}

}  // namespace

void bind_patch() {
    const bp::object copy = bp::import("copy");
    const bp::object ours = bp::scope();
    copy_names = bp::incref(PyModule_GetDict(copy.ptr()));
    any_function_of = bp::incref(attribute(copy.ptr(), "_reconstruct").ptr());
    for (Served& served : all) {
        if (PyObject_HasAttrString(copy.ptr(), served.name) != 0) {
            served.function = bp::incref(attribute(copy.ptr(), served.name).ptr());
            served.substitute.native = bp::incref(
                served.function_of_copy != nullptr
                    ? bp::object(bp::handle<>(PyCFunction_NewEx(served.function_of_copy, ours.ptr(),
                                                                attribute(ours.ptr(), "__name__").ptr())))
                          .ptr()
                    : attribute(ours.ptr(), served.name).ptr());
        }
    }
    bp::def("_patch_switch", switch_to, bp::arg("on"));
    bp::def("_patch_is_on", is_on);
    bp::def("_patch_notes", add_notes, bp::arg("wanted"));
}

}  // namespace calque::module
