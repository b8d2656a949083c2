// runtime/graph_path.cpp: see graph_path.hpp.
#include "graph_path.hpp"

#include "primitives/instance_values.hpp"

#include <calque/compat.hpp>

#include <cstring>
#include <structmember.h>
#include <utility>

namespace calque::graph_path {

namespace {

constexpr Py_ssize_t kLongest = 40;  // characters of a name or a repr

constexpr const char* kEllipsis = "\xe2\x80\xa6";  // a format has to be ASCII

constexpr const char* kOwnDict = ".__dict__";

PyTypeObject* deque_type = nullptr;

// No memory: no text.
Ref or_nothing(PyObject* made) noexcept {
    if (made == nullptr) {
        PyErr_Clear();
    }
    return Ref::steal(made);
}

Ref cut(Ref text) noexcept {
    if (!text || PyUnicode_GET_LENGTH(text.get()) <= kLongest) {
        return text;
    }
    const Ref beginning = or_nothing(PyUnicode_Substring(text.get(), 0, kLongest - 1));
    return beginning ? or_nothing(PyUnicode_FromFormat("%U%s", beginning.get(), kEllipsis)) : Ref();
}

Ref class_in_brackets(const PyTypeObject* type) noexcept {
    const char* const name = type->tp_name;
    const char* const dot = std::strrchr(name, '.');
    const Ref text = cut(or_nothing(PyUnicode_FromString(dot != nullptr ? dot + 1 : name)));
    return text ? or_nothing(PyUnicode_FromFormat("<%U>", text.get())) : Ref();
}

// Not those whose repr would take long: nobody would see the end of it.
bool is_short_number(PyObject* x) noexcept {
    if (!PyLong_CheckExact(x)) {
        return PyFloat_CheckExact(x);
    }
    static_cast<void>(PyLong_AsDouble(x));  // up to 309 digits
    if (PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        return false;
    }
    return true;
}

Ref repr_of(PyObject* x) noexcept { return cut(or_nothing(PyObject_Repr(x))); }

// The text for a key or a member.
Ref shown(Borrowed x) noexcept {
    PyObject* const object = x.get();
    if (PyUnicode_CheckExact(object)) {
        const Ref beginning = or_nothing(PyUnicode_Substring(object, 0, kLongest + 1));
        return beginning ? repr_of(beginning.get()) : Ref();
    }
    if (PyBytes_CheckExact(object) && PyBytes_GET_SIZE(object) > kLongest + 1) {
        const Ref beginning = or_nothing(PyBytes_FromStringAndSize(PyBytes_AS_STRING(object), kLongest + 1));
        return beginning ? repr_of(beginning.get()) : Ref();
    }
    if (PyBytes_CheckExact(object) || PyBool_Check(object) || object == Py_None || is_short_number(object)) {
        return repr_of(object);
    }
    return class_in_brackets(PyType_Check(object) ? reinterpret_cast<PyTypeObject*>(object) : x.type());
}

Ref formatted(const char* format, const Ref& text) noexcept {
    return text ? or_nothing(PyUnicode_FromFormat(format, text.get())) : Ref();
}

// -- the steps

Ref attribute_step(Borrowed name) noexcept {
    if (!PyUnicode_CheckExact(name.get()) || PyUnicode_IsIdentifier(name.get()) != 1) {
        return formatted(".%U", shown(name));
    }
    return formatted(".%U", cut(Ref::share(name)));
}

Ref index_step(Py_ssize_t index) noexcept { return or_nothing(PyUnicode_FromFormat("[%zd]", index)); }

Ref item_step(Borrowed key) noexcept { return formatted("[%U]", shown(key)); }

Ref key_step(Borrowed key) noexcept { return formatted(".keys()[%U]", shown(key)); }

Ref member_step(Borrowed member) noexcept { return formatted("{%U}", shown(member)); }

// ".name" for "['name']"; empty for other steps.
Ref attribute_for(Borrowed step) noexcept {
    const Py_ssize_t length = step ? PyUnicode_GET_LENGTH(step.get()) : 0;
    if (length < 5 || PyUnicode_READ_CHAR(step.get(), 0) != '['
        || PyUnicode_READ_CHAR(step.get(), 1) != '\'') {
        return {};
    }
    const Ref name = or_nothing(PyUnicode_Substring(step.get(), 2, length - 2));
    return name && PyUnicode_IsIdentifier(name.get()) == 1 ? attribute_step(name) : Ref();
}

// -- where it lies

Ref step_in_list(Borrowed list, const void* child, Py_ssize_t filled) noexcept {
    const Py_ssize_t size = PyList_GET_SIZE(list.get());
    if (filled < size && PyList_GET_ITEM(list.get(), filled) == child) {
        return index_step(filled);
    }
    for (Py_ssize_t i = 0; i < size; ++i) {
        if (PyList_GET_ITEM(list.get(), i) == child) {
            return index_step(i);
        }
    }
    return {};
}

Ref step_in_tuple(Borrowed tuple, const void* child) noexcept {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple.get()); ++i) {
        if (PyTuple_GET_ITEM(tuple.get(), i) == child) {
            return index_step(i);
        }
    }
    return {};
}

Ref step_in_deque(Borrowed deque, const void* child, Py_ssize_t filled) noexcept {
    constexpr Py_ssize_t kMost = 10'000;  // an item in the middle is found block by block
    const Py_ssize_t size = deque_type->tp_as_sequence->sq_length(deque.get());
    const auto is_at = [&](Py_ssize_t i) noexcept {
        const Ref item = or_nothing(deque_type->tp_as_sequence->sq_item(deque.get(), i));
        return item.get() == child;
    };
    if (filled < size && is_at(filled)) {
        return index_step(filled);
    }
    for (Py_ssize_t i = 0; i < size && i < kMost; ++i) {
        if (is_at(i)) {
            return index_step(i);
        }
    }
    return {};
}

Ref step_in_dict(Borrowed dict, const void* child, Py_ssize_t filled) noexcept {
    PyObject *key = nullptr, *value = nullptr, *found = nullptr, *found_key = nullptr;
    Py_ssize_t position = 0;
    for (Py_ssize_t i = 0; PyDict_Next(dict.get(), &position, &key, &value) != 0; ++i) {
        if (value == child && (found == nullptr || i == filled)) {
            found = key;
        }
        if (key == child) {
            found_key = key;
        }
        if ((found != nullptr || found_key != nullptr) && i >= filled) {
            break;
        }
    }
    return found != nullptr ? item_step(found) : found_key != nullptr ? key_step(found_key) : Ref();
}

// By the iterator of sets in C, also for subclasses with one of their own.
Ref step_in_set(Borrowed set, const void* child) noexcept {
    const Ref members = or_nothing(PySet_Type.tp_iter(set.get()));
    while (const Ref member =
               members ? or_nothing(Py_TYPE(members.get())->tp_iternext(members.get())) : Ref()) {
        if (member.get() == child) {
            return member_step(member);
        }
    }
    return {};
}

Ref step_in_names(Borrowed dict, const void* child) noexcept {
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict.get(), &position, &key, &value) != 0) {
        if (value == child) {
            return attribute_step(key);
        }
    }
    return {};
}

// The dict of an instance that keeps its attributes in one.
Ref dict_of(Borrowed x) noexcept {
    if (const Borrowed dict = instance_values::dict_of(x)) {
        return Ref::share(dict);
    }
    PyTypeObject* const type = x.type();
    if (type->tp_dictoffset > 0) {
        return Ref::share(
            *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(x.get()) + type->tp_dictoffset));
    }
    // -1: one of those whose dict was looked for above.
    return type->tp_dictoffset < (CALQUE_USE_INSTANCE_VALUES ? -1 : 0)
             ? or_nothing(PyObject_GenericGetDict(x.get(), nullptr))
             : Ref();
}

Ref step_in_attributes(Borrowed x, const void* child) noexcept {
    instance_values::View view;
    if (instance_values::read(x, view)) {
        for (unsigned i = 0; i < view.size; ++i) {
            if (view.values[view.index(i)] == child) {
                return attribute_step(instance_values::name(x.type(), view.index(i)));
            }
        }
        return {};
    }
    const Ref dict = dict_of(x);
    if (!dict || !PyDict_Check(dict.get())) {
        return {};
    }
    if (dict.get() == child) {
        return or_nothing(PyUnicode_FromString(kOwnDict));
    }
    return step_in_names(dict, child);
}

// Slots, and what types in C show of themselves.
Ref step_in_members(Borrowed x, const void* child) noexcept {
    const Borrowed order = x.type()->tp_mro;
    for (Py_ssize_t i = 0; order && i < PyTuple_GET_SIZE(order.get()); ++i) {
        PyObject* const base = PyTuple_GET_ITEM(order.get(), i);
        const Ref names =
            PyType_Check(base) ? Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(base))) : Ref();
        PyObject *key = nullptr, *value = nullptr;
        Py_ssize_t position = 0;
        while (names && PyDict_Next(names.get(), &position, &key, &value) != 0) {
            if (!Py_IS_TYPE(value, &PyMemberDescr_Type)) {
                continue;
            }
            const auto* const descriptor = reinterpret_cast<PyMemberDescrObject*>(value);
            const PyMemberDef& member = *descriptor->d_member;
            if ((member.type == T_OBJECT || member.type == T_OBJECT_EX)
                && PyType_IsSubtype(x.type(), descriptor->d_common.d_type) != 0
                && *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(x.get()) + member.offset) == child) {
                return attribute_step(key);
            }
        }
    }
    return {};
}

Ref step_in_container(Borrowed x, const void* child, Py_ssize_t filled) noexcept {
    PyObject* const object = x.get();
    if (PyList_Check(object)) {
        return step_in_list(x, child, filled);
    }
    if (PyTuple_Check(object)) {
        return step_in_tuple(x, child);
    }
    if (PyDict_Check(object)) {
        return step_in_dict(x, child, filled);
    }
    if (PyAnySet_Check(object)) {
        return step_in_set(x, child);
    }
    if (PyType_IsSubtype(x.type(), deque_type) != 0) {
        return step_in_deque(x, child, filled);
    }
    return {};
}

}  // namespace

bool create() noexcept {
    Ref module = Ref::steal(PyImport_ImportModule("_collections"));
    Ref type = module ? Ref::steal(PyObject_GetAttrString(module.get(), "deque")) : Ref();
    deque_type = reinterpret_cast<PyTypeObject*>(type.release());
    return deque_type != nullptr;
}

Ref step_to(Borrowed parent, const void* child, Py_ssize_t filled) noexcept {
    Ref step = step_in_container(parent, child, filled);
    if (!step) {
        step = step_in_attributes(parent, child);
    }
    return step ? std::move(step) : step_in_members(parent, child);
}

void Steps::clear() noexcept {
    count_ = 0;
    for (std::size_t i = 0; i < kShown; ++i) {
        const Ref of_first = std::move(first_[i]);
        const Ref of_last = std::move(last_[i]);
    }
}

void Steps::put_before(Ref step) noexcept {
    if (count_ > 0 && step && PyUnicode_CompareWithASCIIString(step.get(), kOwnDict) == 0) {
        if (Ref attribute = attribute_for(first_[0])) {
            if (count_ <= kShown) {
                last_[count_ - 1] = Ref::share(attribute);
            }
            first_[0] = std::move(attribute);
            return;
        }
    }
    if (count_ < kShown) {
        last_[count_] = Ref::share(step);
    }
    for (std::size_t i = kShown; i-- > 1;) {
        first_[i] = std::move(first_[i - 1]);
    }
    first_[0] = std::move(step);
    ++count_;
}

Ref Steps::text() const noexcept {
    PyObject* text = PyUnicode_FromString("$");
    const auto add = [&](const Ref& step) noexcept {
        if (text != nullptr && step) {
            PyUnicode_Append(&text, step.get());
        }
    };
    const std::size_t beginning = count_ < kShown ? count_ : kShown;
    const std::size_t end = count_ - beginning < kShown ? count_ - beginning : kShown;
    for (std::size_t i = 0; i < beginning; ++i) {
        add(first_[i]);
    }
    if (const std::size_t hidden = count_ - beginning - end; hidden > 0) {
        add(or_nothing(PyUnicode_FromFormat("...%zu...", hidden)));
    }
    for (std::size_t i = end; i-- > 0;) {
        add(last_[i]);
    }
    return or_nothing(text);
}

}  // namespace calque::graph_path
