// runtime/effects/effect.cpp: Effect, the base class of effects, native and a user's.
//
// A subclass has the fields its annotations name, in order, after those of its bases; a class attribute of that name is the default:
//
//     class Fetch(Effect):
//         url: str
//         tries: int = 3
//
// The names are in `__match_args__`, so `case Fetch(url, tries)` works. A class with an __init__ of its own, or a dataclass, is left
// alone. An effect is made for each time it is performed: a class that has this file's __init__ is called without a tuple of arguments.
#include "nodes.hpp"

#include <calque/compat.hpp>

namespace calque::effects {

PyTypeObject effect_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

namespace {

PyObject* match_args_name = nullptr;
PyObject* no_arguments = nullptr;

// What a call passes: by position, and by name in a dict or as a tuple of names whose values follow the others.
struct Arguments {
    PyObject* const* values;
    Py_ssize_t count;
    PyObject* names;
    PyObject* dict;
};

bool contains(Borrowed names, Borrowed name) noexcept {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.get()); ++i) {
        PyObject* const one = PyTuple_GET_ITEM(names.get(), i);
        if (one == name.get() || (PyUnicode_Check(one) && PyUnicode_Compare(one, name.get()) == 0)) {
            return true;
        }
    }
    return false;
}

bool given_by_name(const Arguments& given, Borrowed name) noexcept {
    return given.names != nullptr ? contains(given.names, name)
                                  : given.dict != nullptr && PyDict_Contains(given.dict, name.get()) > 0;
}

// A class attribute that is no descriptor of a slot. -1 on error.
int has_default(PyTypeObject* type, Borrowed name) noexcept {
    PyObject* found;
    const int has = PyObject_GetOptionalAttr(reinterpret_cast<PyObject*>(type), name.get(), &found);
    if (has <= 0) {
        return has;
    }
    const Ref value = Ref::steal(found);
    return Py_TYPE(value.get())->tp_descr_set == nullptr ? 1 : 0;
}

bool set_named(Borrowed self, Borrowed fields, Py_ssize_t by_position, Borrowed name,
               Borrowed value) noexcept {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fields.get()); ++i) {
        if (PyUnicode_Compare(PyTuple_GET_ITEM(fields.get(), i), name.get()) == 0) {
            if (i < by_position) {
                PyErr_Format(PyExc_TypeError, "%s() got two values for argument '%U'", self.type()->tp_name,
                             name.get());
                return false;
            }
            return PyObject_SetAttr(self.get(), name.get(), value.get()) == 0;
        }
    }
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected argument '%U'", self.type()->tp_name, name.get());
    return false;
}

bool fill(Borrowed self, const Arguments& given) noexcept {
    PyTypeObject* const type = self.type();
    const Ref fields = Ref::steal(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), match_args_name));
    if (!fields) {
        return false;
    }
    const Py_ssize_t count = PyTuple_Check(fields.get()) ? PyTuple_GET_SIZE(fields.get()) : 0;
    if (given.count > count) {
        PyErr_Format(PyExc_TypeError, "%s() takes %zd argument%s, %zd given", type->tp_name, count,
                     count == 1 ? "" : "s", given.count);
        return false;
    }
    for (Py_ssize_t i = 0; i < given.count; ++i) {
        if (PyObject_SetAttr(self.get(), PyTuple_GET_ITEM(fields.get(), i), given.values[i]) < 0) {
            return false;
        }
    }
    if (given.names != nullptr) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given.names); ++i) {
            if (!set_named(self, fields, given.count, PyTuple_GET_ITEM(given.names, i),
                           given.values[given.count + i])) {
                return false;
            }
        }
    } else if (given.dict != nullptr) {
        PyObject *name, *value;
        Py_ssize_t at = 0;
        while (PyDict_Next(given.dict, &at, &name, &value) != 0) {
            if (!set_named(self, fields, given.count, name, value)) {
                return false;
            }
        }
    }
    for (Py_ssize_t i = given.count; i < count; ++i) {
        PyObject* const name = PyTuple_GET_ITEM(fields.get(), i);
        if (given_by_name(given, name)) {
            continue;
        }
        const int has = has_default(type, name);
        if (has == 0) {
            PyErr_Format(PyExc_TypeError, "%s() misses the argument '%U'", type->tp_name, name);
        }
        if (has <= 0) {
            return false;
        }
    }
    return true;
}

int effect_init(PyObject* self, PyObject* args, PyObject* keywords) {
    return fill(self, {&PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args), nullptr, keywords}) ? 0 : -1;
}

// Of a subclass. Who defines an __init__ or __new__, at any time, gets the interpreter's own way.
PyObject* effect_vectorcall(PyObject* cls, PyObject* const* args, std::size_t nargsf, PyObject* names) {
    auto* const type = reinterpret_cast<PyTypeObject*>(cls);
    const Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (type->tp_init == effect_init && type->tp_new == effect_type.tp_new) {
        Ref self = Ref::steal(type->tp_new(type, no_arguments, nullptr));
        if (!self || !fill(self, {args, count, names, nullptr})) {
            return nullptr;
        }
        return self.release();
    }
    const Ref positional = Ref::steal(PyTuple_New(count));
    if (!positional) {
        return nullptr;
    }
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyTuple_SET_ITEM(positional.get(), i, Ref::share(args[i]).release());
    }
    const Ref keywords = Ref::steal(names != nullptr ? PyDict_New() : nullptr);
    for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names); ++i) {
        if (!keywords || PyDict_SetItem(keywords.get(), PyTuple_GET_ITEM(names, i), args[count + i]) < 0) {
            return nullptr;
        }
    }
    return PyType_Type.tp_call(cls, positional.get(), keywords.get());
}

// Names the fields, and goes on to the next class in the MRO.
PyObject* effect_init_subclass(PyObject* cls, PyObject* args, PyObject* keywords) {
    const Ref super = Ref::steal(
        PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(&PySuper_Type), &effect_type, cls, nullptr));
    const Ref next = Ref::steal(super ? PyObject_GetAttrString(super.get(), "__init_subclass__") : nullptr);
    const Ref done = Ref::steal(next ? PyObject_Call(next.get(), args, keywords) : nullptr);
    const Ref helpers = Ref::steal(done ? PyImport_ImportModule("calque.effects._fields") : nullptr);
    if (!helpers) {
        return nullptr;
    }
    const Ref named = Ref::steal(PyObject_CallMethod(helpers.get(), "name_fields", "O", cls));
    if (!named) {
        return nullptr;
    }
    reinterpret_cast<PyTypeObject*>(cls)->tp_vectorcall = effect_vectorcall;
    return Ref::share(Py_None).release();
}

PyObject* effect_repr(PyObject* self) {
    const Ref helpers = Ref::steal(PyImport_ImportModule("calque.effects._fields"));
    return helpers ? PyObject_CallMethod(helpers.get(), "show", "O", self) : nullptr;
}

PyMethodDef effect_methods[] = {
    {"__init_subclass__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(effect_init_subclass)),
     METH_CLASS | METH_VARARGS | METH_KEYWORDS, "Names the fields of a class of effects."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool create_effect_type() noexcept {
    PyTypeObject& type = effect_type;
    type.tp_name = "calque.effects.Effect";
    type.tp_doc = "Base class of effects. A subclass has the fields its annotations name; a class attribute "
                  "is a default.";
    type.tp_basicsize = sizeof(PyObject);
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
    // object's: where instances have an array of attributes, it makes that, and else each would need a dict.
    type.tp_new = PyBaseObject_Type.tp_new;
    type.tp_init = effect_init;
    type.tp_repr = effect_repr;
    type.tp_methods = effect_methods;
    match_args_name = PyUnicode_InternFromString("__match_args__");
    if (match_args_name == nullptr || PyType_Ready(&type) < 0) {
        return false;
    }
    no_arguments = PyTuple_New(0);
    const Ref dict = Ref::steal(PyType_GetDict(&type));
    const bool good =
        no_arguments != nullptr && PyDict_SetItem(dict.get(), match_args_name, no_arguments) == 0;
    PyType_Modified(&type);
    return good;
}

}  // namespace calque::effects
