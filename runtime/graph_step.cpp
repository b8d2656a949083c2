// runtime/explain/graph_step.cpp: see graph_step.hpp.
#include "graph_step.hpp"

#include "primitives/instance_values.hpp"
#include "primitives/interned.hpp"

#include <cstring>
#include <structmember.h>

namespace calque::explain {

namespace {

// Comparisons in one container of `size`: one round for each of a few children asked for out of order.
bool may_look(const Cursor& cursor, Py_ssize_t size) noexcept {
    return cursor.spent < 4096 + 8 * static_cast<std::size_t>(size);
}

bool in_items(PyObject* const* items, Py_ssize_t size, Borrowed child, Cursor& cursor,
              GraphStep& found) noexcept {
    Py_ssize_t i = cursor.item < size ? cursor.item : 0;
    for (Py_ssize_t left = size; left > 0; --left) {
        ++cursor.spent;
        if (items[i] == child.get()) {
            cursor.item = i + 1;
            found.kind = StepKind::index;
            found.index = i;
            return true;
        }
        i = i + 1 == size ? 0 : i + 1;
    }
    return false;
}

bool is_pair_of(PyObject* key, PyObject* value, Borrowed child, GraphStep& found) noexcept {
    if (value != child.get() && key != child.get()) {
        return false;
    }
    found.kind = value == child.get() ? StepKind::key : StepKind::key_itself;
    found.key = showable(key);
    return true;
}

bool in_pairs(Borrowed dict, Borrowed child, Cursor& cursor, GraphStep& found) noexcept {
    PyObject *key = nullptr, *value = nullptr;
    const Py_ssize_t from = cursor.item;
    Py_ssize_t position = from;
    while (PyDict_Next(dict.get(), &position, &key, &value)) {
        ++cursor.spent;
        if (is_pair_of(key, value, child, found)) {
            cursor.item = position;
            return true;
        }
    }
    position = 0;
    while (position < from && PyDict_Next(dict.get(), &position, &key, &value)) {
        ++cursor.spent;
        if (is_pair_of(key, value, child, found)) {
            cursor.item = position;
            return true;
        }
    }
    return false;
}

bool is_attribute(Borrowed name, GraphStep& found) noexcept {
    found.kind = StepKind::attribute;
    found.key = showable(name);
    return true;
}

// The dict is not made for being looked at, where that can be seen.
bool in_instance_dict(Borrowed parent, Borrowed child, Cursor& cursor, GraphStep& found) noexcept {
    PyTypeObject* const type = parent.type();
    if (type->tp_dictoffset == 0) {
        return false;
    }
    instance_values::View view;
    if (instance_values::read(parent, view)) {
        for (unsigned n = 0, i = cursor.attribute; n < view.size; ++n, ++i) {
            const std::uint8_t place = view.index(i % view.size);
            if (view.values[place] == child.get()) {
                cursor.attribute = i % view.size + 1;
                return is_attribute(instance_values::name(type, place), found);
            }
        }
        const Borrowed dict = instance_values::dict_of(parent);
        return dict && dict == child && is_attribute(interned::__dict__, found);
    }
    Ref dict = Ref::share(instance_values::dict_of(parent));
    if (!dict && !instance_values::is_empty(parent)) {
        dict = Ref::steal(PyObject_GenericGetDict(parent.get(), nullptr));
        if (!dict) {
            PyErr_Clear();
        }
    }
    if (!dict || !PyDict_Check(dict.get())) {
        return false;
    }
    if (Borrowed(dict) == child) {
        return is_attribute(interned::__dict__, found);
    }
    if (!may_look(cursor, PyDict_GET_SIZE(dict.get())) || !in_pairs(dict, child, cursor, found)) {
        return false;
    }
    found.kind = StepKind::attribute;
    return true;
}

// Slots, and what types in C show of their structures. The first that is `child`, from the one with number `from` on.
bool in_members(Borrowed parent, Borrowed child, std::uint32_t from, Cursor& cursor,
                GraphStep& found) noexcept {
    const Borrowed bases = parent.type()->tp_mro;
    std::uint32_t number = 0;
    for (Py_ssize_t i = 0; bases && i < PyTuple_GET_SIZE(bases.get()); ++i) {
        PyObject* const base = PyTuple_GET_ITEM(bases.get(), i);
        const PyMemberDef* member =
            PyType_Check(base) ? reinterpret_cast<PyTypeObject*>(base)->tp_members : nullptr;
        for (; member != nullptr && member->name != nullptr; ++member, ++number) {
            if (number < from || (member->type != T_OBJECT && member->type != T_OBJECT_EX)
                || *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(parent.get()) + member->offset)
                       != child.get()) {
                continue;
            }
            cursor.member = number + 1;
            found.kind = StepKind::attribute;
            found.key = Ref::steal(PyUnicode_InternFromString(member->name));
            if (!found.key) {
                PyErr_Clear();
            }
            return true;
        }
    }
    return false;
}

}  // namespace

Ref showable(Borrowed key) noexcept {
    PyObject* const x = key.get();
    const bool shown = PyUnicode_CheckExact(x) || PyLong_CheckExact(x) || PyFloat_CheckExact(x)
                    || PyBytes_CheckExact(x) || PyBool_Check(x) || x == Py_None || PyType_Check(x);
    return Ref::share(shown ? key : Borrowed(reinterpret_cast<PyObject*>(key.type())));
}

bool find_step(Borrowed parent, Borrowed child, Cursor& cursor, GraphStep& found) noexcept {
    PyObject* const x = parent.get();
    if (PyAnySet_Check(x)) {
        found.kind = StepKind::member;
        found.key = showable(child);
        return true;
    }
    const Py_ssize_t size = PyList_Check(x)  ? PyList_GET_SIZE(x)
                          : PyTuple_Check(x) ? PyTuple_GET_SIZE(x)
                          : PyDict_Check(x)  ? PyDict_GET_SIZE(x)
                                             : 0;
    if (!may_look(cursor, size)) {
        return false;
    }
    found.few = PyTuple_Check(x) && size <= kFewItems;
    if (PyDict_Check(x) ? in_pairs(parent, child, cursor, found)
                        : size > 0
                              && in_items(PyList_Check(x) ? reinterpret_cast<PyListObject*>(x)->ob_item
                                                          : reinterpret_cast<PyTupleObject*>(x)->ob_item,
                                          size, child, cursor, found)) {
        return true;
    }
    if (in_instance_dict(parent, child, cursor, found)
        || in_members(parent, child, cursor.member, cursor, found)
        || (cursor.member != 0 && in_members(parent, child, 0, cursor, found))) {
        return true;
    }
    ++cursor.spent;
    if (std::strcmp(parent.type()->tp_name, "collections.deque") == 0) {
        found.kind = StepKind::element;
        return true;
    }
    return false;
}

}  // namespace calque::explain
