// runtime/graph_step.cpp: see graph_step.hpp.
#include "graph_step.hpp"

#include "primitives/instance_values.hpp"
#include "primitives/interned.hpp"

#include <structmember.h>

namespace calque {

const char* name_of(StepKind kind) noexcept {
    switch (kind) {
    case StepKind::root: return "root";
    case StepKind::attribute: return "attribute";
    case StepKind::index: return "index";
    case StepKind::key: return "key";
    case StepKind::key_itself: return "key itself";
    case StepKind::member: return "member";
    case StepKind::argument: return "argument";
    case StepKind::state: return "state";
    case StepKind::reduced: return "reduced";
    case StepKind::made: return "made";
    case StepKind::handled: return "handled";
    default: return "deeper";
    }
}

namespace graph_step {

namespace {

PyTypeObject* deque_type = nullptr;

// No code of anybody's runs here: an exception is one of memory.
void note_error(Cursor& cursor) noexcept {
    if (PyErr_Occurred() != nullptr) {
        cursor.no_memory = true;
        PyErr_Clear();
    }
}

// Comparisons in one container of `size`: one round for each of a few children asked for out of order.
bool may_look(const Cursor& cursor, Py_ssize_t size) noexcept {
    return cursor.spent < 4096 + 8 * static_cast<std::size_t>(size);
}

bool in_items(PyObject* const* items, Py_ssize_t size, const void* child, Cursor& cursor,
              GraphStep& found) noexcept {
    Py_ssize_t i = cursor.item < size ? cursor.item : 0;
    for (Py_ssize_t left = size; left > 0; --left) {
        ++cursor.spent;
        if (items[i] == child) {
            cursor.item = i + 1;
            found.kind = StepKind::index;
            found.index = i;
            return true;
        }
        i = i + 1 == size ? 0 : i + 1;
    }
    return false;
}

// An item in the middle is found block by block: not looked for in those that are further away.
bool in_deque(Borrowed deque, const void* child, Cursor& cursor, GraphStep& found) noexcept {
    constexpr Py_ssize_t kMost = 10'000;
    const Py_ssize_t all = deque_type->tp_as_sequence->sq_length(deque.get());
    const Py_ssize_t size = all < kMost ? all : kMost;
    Py_ssize_t i = cursor.item < size ? cursor.item : 0;
    for (Py_ssize_t left = size; left > 0; --left) {
        ++cursor.spent;
        const Ref item = Ref::steal(deque_type->tp_as_sequence->sq_item(deque.get(), i));
        if (!item) {
            note_error(cursor);
            return false;
        }
        if (item.get() == child) {
            cursor.item = i + 1;
            found.kind = StepKind::index;
            found.index = i;
            return true;
        }
        i = i + 1 == size ? 0 : i + 1;
    }
    if (all > size) {
        found.kind = StepKind::index;
    }
    return all > size;
}

// By the iterator of sets in C, also for subclasses with one of their own.
bool in_set(Borrowed set, const void* child, Cursor& cursor, GraphStep& found) noexcept {
    const Ref members = Ref::steal(PySet_Type.tp_iter(set.get()));
    while (members) {
        const Ref member = Ref::steal(Py_TYPE(members.get())->tp_iternext(members.get()));
        if (!member) {
            break;
        }
        if (member.get() == child) {
            found.kind = StepKind::member;
            found.key = showable(member);
            return true;
        }
    }
    note_error(cursor);
    return false;
}

bool is_pair_of(PyObject* key, PyObject* value, const void* child, GraphStep& found) noexcept {
    if (value != child && key != child) {
        return false;
    }
    found.kind = value == child ? StepKind::key : StepKind::key_itself;
    found.key = showable(key);
    return true;
}

bool in_pairs(Borrowed dict, const void* child, Cursor& cursor, GraphStep& found) noexcept {
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
bool in_instance_dict(Borrowed parent, const void* child, Cursor& cursor, GraphStep& found) noexcept {
    PyTypeObject* const type = parent.type();
    if (type->tp_dictoffset == 0) {
        return false;
    }
    instance_values::View view;
    if (instance_values::read(parent, view)) {
        for (unsigned n = 0, i = cursor.attribute; n < view.size; ++n, ++i) {
            const std::uint8_t place = view.index(i % view.size);
            if (view.values[place] == child) {
                cursor.attribute = i % view.size + 1;
                return is_attribute(instance_values::name(type, place), found);
            }
        }
        const Borrowed dict = instance_values::dict_of(parent);
        return dict && dict.get() == child && is_attribute(interned::__dict__, found);
    }
    Ref dict = Ref::share(instance_values::dict_of(parent));
    if (!dict && !instance_values::is_empty(parent)) {
        dict = Ref::steal(PyObject_GenericGetDict(parent.get(), nullptr));
        note_error(cursor);
    }
    if (!dict || !PyDict_Check(dict.get())) {
        return false;
    }
    if (dict.get() == child) {
        return is_attribute(interned::__dict__, found);
    }
    if (!may_look(cursor, PyDict_GET_SIZE(dict.get())) || !in_pairs(dict, child, cursor, found)) {
        return false;
    }
    found.kind = StepKind::attribute;
    return true;
}

// Slots, and what types in C show of their structures. The first that is `child`, from the one with number `from` on.
bool in_members(Borrowed parent, const void* child, std::uint32_t from, Cursor& cursor,
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
                       != child) {
                continue;
            }
            cursor.member = number + 1;
            found.kind = StepKind::attribute;
            found.key = Ref::steal(PyUnicode_InternFromString(member->name));
            note_error(cursor);
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

Cursor at_element(Borrowed parent, Py_ssize_t number) noexcept {
    Cursor cursor;
    cursor.item = number;
    if (PyDict_Check(parent.get())) {
        PyObject *key = nullptr, *value = nullptr;
        cursor.item = 0;  // of a dict, what PyDict_Next calls a position
        while (number-- > 0 && PyDict_Next(parent.get(), &cursor.item, &key, &value) != 0) {
        }
    }
    return cursor;
}

bool find(Borrowed parent, const void* child, Cursor& cursor, GraphStep& found) noexcept {
    PyObject* const x = parent.get();
    const bool is_deque = PyType_IsSubtype(parent.type(), deque_type) != 0;
    const Py_ssize_t size = PyList_Check(x)   ? PyList_GET_SIZE(x)
                          : PyTuple_Check(x)  ? PyTuple_GET_SIZE(x)
                          : PyDict_Check(x)   ? PyDict_GET_SIZE(x)
                          : PyAnySet_Check(x) ? PySet_GET_SIZE(x)
                          : is_deque          ? deque_type->tp_as_sequence->sq_length(x)
                                              : 0;
    if (!may_look(cursor, size)) {
        return false;
    }
    found.few = PyTuple_Check(x) && size <= kFewItems;
    if (PyList_Check(x) ? in_items(reinterpret_cast<PyListObject*>(x)->ob_item, size, child, cursor, found)
        : PyTuple_Check(x)
            ? in_items(reinterpret_cast<PyTupleObject*>(x)->ob_item, size, child, cursor, found)
        : PyDict_Check(x) ? in_pairs(parent, child, cursor, found)
                          : PyAnySet_Check(x) && in_set(parent, child, cursor, found)) {
        return true;
    }
    if (in_instance_dict(parent, child, cursor, found)
        || in_members(parent, child, cursor.member, cursor, found)
        || (cursor.member != 0 && in_members(parent, child, 0, cursor, found))) {
        return true;
    }
    ++cursor.spent;
    return is_deque && in_deque(parent, child, cursor, found);
}

bool create() noexcept {
    Ref module = Ref::steal(PyImport_ImportModule("_collections"));
    Ref type = module ? Ref::steal(PyObject_GetAttrString(module.get(), "deque")) : Ref();
    deque_type = reinterpret_cast<PyTypeObject*>(type.release());
    return deque_type != nullptr;
}

}  // namespace graph_step

}  // namespace calque
