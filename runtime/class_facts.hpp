// runtime/class_facts.hpp: what the plans for deepcopy (type_plan.cpp) and copy (shallow_plan.cpp) ask of a class.
// Nothing here runs Python code. Source: Objects/typeobject.c, 3.10 to 3.14.
#pragma once

#include "cpython/type_version.hpp"
#include "primitives/interned.hpp"
#include "primitives/mutants.hpp"

#include <calque/compat.hpp>
#include <calque/ref.hpp>

namespace calque::class_facts {

// No name in the class and its bases, nor in its metaclass, is compared by Python code. The dict of a class may hold
// keys of subclasses of str, whose __eq__ is called by every look-up of a name with the same hash: the answer may
// depend on when it is asked, and a plan asks between two steps of a copy. Objects of such classes are left to the
// protocol. Asked before any look-up; the interpreter's own classes have plain names.
inline bool names_are_plain(PyTypeObject* type) noexcept {
    for (PyTypeObject* one : {type, Py_TYPE(type)}) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(one->tp_mro); ++i) {
            auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(one->tp_mro, i));
            if (!PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE)) {
                continue;
            }
            const Ref dict = Ref::steal(PyType_GetDict(base));
            PyObject *key = nullptr, *value = nullptr;
            Py_ssize_t position = 0;
            while (dict && PyDict_Next(dict.get(), &position, &key, &value)) {
                if (!PyUnicode_CheckExact(key)) {
                    return mutants::is(mutants::Mutant::hostile_names_looked_up);
                }
            }
        }
    }
    return true;
}

inline bool same_as_object(PyTypeObject* type, PyObject* name) noexcept {
    return raw_lookup(type, name) == raw_lookup(&PyBaseObject_Type, name);
}

// Attributes of the metaclass that would come between the protocol and the class.
inline bool metaclass_is_plain(PyTypeObject* type) noexcept {
    PyTypeObject* metaclass = Py_TYPE(type);
    if (metaclass == &PyType_Type) {
        return true;
    }
    if (metaclass->tp_getattro != PyType_Type.tp_getattro || metaclass->tp_setattro != PyType_Type.tp_setattro
        || metaclass->tp_hash != PyType_Type.tp_hash
        || metaclass->tp_richcompare != PyType_Type.tp_richcompare) {
        return false;
    }
    // Found in the class itself before the metaclass, unless the metaclass has a data descriptor.
    PyObject* const names[] = {interned::__reduce__, interned::__new__,  interned::__slots__,
                               interned::__mro__,    interned::__dict__, interned::__slotnames__};
    for (PyObject* name : names) {
        if (raw_lookup(metaclass, name) != raw_lookup(&PyType_Type, name)) {
            return false;
        }
    }
    return true;
}

// The instance dict is the one that type creation made, not a property of that name.
inline bool dict_is_plain(PyTypeObject* type, bool& has_dict) noexcept {
    const Borrowed descriptor = raw_lookup(type, interned::__dict__);
    has_dict = type->tp_dictoffset != 0;
    if (!has_dict) {
        return !descriptor;
    }
    return descriptor && descriptor.type() == &PyGetSetDescr_Type;
}

// Objects/typeobject.c, object_getstate_default: more room than dict, weak references and slots need
// means state that copyreg cannot see; the protocol refuses such objects.
inline bool layout_is_known(PyTypeObject* type, Py_ssize_t slots) noexcept {
    Py_ssize_t size = PyBaseObject_Type.tp_basicsize;
    size += type->tp_dictoffset > 0 ? Py_ssize_t{sizeof(PyObject*)} : 0;
    size += type->tp_weaklistoffset > 0 ? Py_ssize_t{sizeof(PyObject*)} : 0;
    size += slots * Py_ssize_t{sizeof(PyObject*)};
    return type->tp_basicsize <= size;
}

}  // namespace calque::class_facts
