// runtime/plugins.cpp: see plugins.hpp.
#include "plugins.hpp"

#include "class_facts.hpp"
#include "cpython/type_version.hpp"
#include "primitives/hashed_place.hpp"
#include "stdlib_tables.hpp"

#include <calque/compat.hpp>

#include <cstdint>
#include <cstring>
#include <utility>

namespace calque::plugins {

namespace {

// Owned for good, from set_up() on.
PyObject* ignored = nullptr;
PyObject* find = nullptr;
// Owned: {top-level module: function}, null until `find` has been called. What is loaded is taken out.
PyObject* declared = nullptr;
bool finding = false;

// Types that there is nothing to load for. A class that dies leaves its place: versions are never given twice.
struct Asked {
    PyTypeObject* type;
    TypeVersion version;
};
constexpr int kPlaceBits = 6;
Asked asked[1u << kPlaceBits];

Asked& place_of(const PyTypeObject* type) noexcept {
    return asked[primitives::hashed_place(type, kPlaceBits)];
}

// "numpy" of a class whose __module__ is "numpy.core.x"; empty without an exception where there is none. Classes made by C code
// may have it in front of their name only.
Ref top_level_module(PyTypeObject* type) noexcept {
    const char* dotted = nullptr;
    if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) {
        const Ref names = Ref::steal(PyType_GetDict(type));
        static PyObject* const key = PyUnicode_InternFromString("__module__");
        PyObject* const module =
            names && key != nullptr ? PyDict_GetItemWithError(names.get(), key) : nullptr;
        if (module != nullptr && PyUnicode_CheckExact(module)) {
            dotted = PyUnicode_AsUTF8(module);
            if (dotted != nullptr && std::strchr(dotted, '.') == nullptr) {
                return Ref::share(module);
            }
        }
    } else if (std::strchr(type->tp_name, '.') != nullptr) {
        dotted = type->tp_name;
    }
    const char* const end = dotted == nullptr ? nullptr : std::strchr(dotted, '.');
    return end == nullptr ? Ref() : Ref::steal(PyUnicode_FromStringAndSize(dotted, end - dotted));
}

bool is_declared(Borrowed top) noexcept {
    if (PySet_Contains(ignored, top.get()) != 0) {
        return false;
    }
    return declared == nullptr ? !finding : PyDict_GetItemWithError(declared, top.get()) != nullptr;
}

}  // namespace

bool set_up(Borrowed modules, Borrowed function) noexcept {
    if (!PyFrozenSet_CheckExact(modules.get()) || !PyCallable_Check(function.get())) {
        PyErr_SetString(PyExc_TypeError, "expected a frozenset of names and a function");
        return false;
    }
    for (auto [place, value] : {std::pair{&ignored, modules}, {&find, function}, {&declared, Borrowed()}}) {
        const Ref old = Ref::steal(std::exchange(*place, Ref::share(value).release()));
    }
    for (Asked& place : asked) {
        place = {};
    }
    return true;
}

bool may_serve(PyTypeObject* type) noexcept {
    if (ignored == nullptr) {
        return false;
    }
    Asked& place = place_of(type);
    if (place.type == type && place.version == TypeVersion::of(type)) {
        return false;
    }
    if (!class_facts::names_are_plain(type)) {
        return false;  // to look its module up, or to give it a version, may be to run Python code
    }
    const Ref top = top_level_module(type);
    if (top && is_declared(top)) {
        return true;
    }
    PyErr_Clear();  // no memory for a name: asked again
    if (declared != nullptr || !top || PySet_Contains(ignored, top.get()) == 1) {
        place = {type, TypeVersion::assigned_to(type)};
    }
    return false;
}

bool load(PyTypeObject* type) noexcept {
    const Ref top = top_level_module(type);
    if (!top) {
        PyErr_Clear();
        return true;
    }
    if (declared == nullptr) {
        finding = true;
        Ref found = Ref::steal(PyObject_CallNoArgs(find));
        finding = false;
        if (!found) {
            return false;
        }
        if (!PyDict_CheckExact(found.get())) {
            PyErr_SetString(PyExc_TypeError, "expected a dict of plugins");
            return false;
        }
        declared = found.release();
    }
    const Ref function = Ref::share(PyDict_GetItemWithError(declared, top.get()));
    if (!function) {
        return PyErr_Occurred() == nullptr;
    }
    // Before it runs: it may copy objects of these types.
    if (PyDict_DelItem(declared, top.get()) != 0) {
        return false;
    }
    const Ref done = Ref::steal(PyObject_CallNoArgs(function.get()));
    // What has been decided about this type counts no more, even if nothing was registered for it.
    stdlib_tables::count_change();
    return bool(done);
}

}  // namespace calque::plugins
