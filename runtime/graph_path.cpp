// runtime/graph_path.cpp: see graph_path.hpp.
#include "graph_path.hpp"

#include "primitives/interned.hpp"

#include <calque/compat.hpp>

#include <cstring>
#include <utility>

namespace calque::graph_path {

namespace {

constexpr Py_ssize_t kLongest = 40;  // characters of a name or a repr

constexpr const char* kEllipsis = "\xe2\x80\xa6";  // a format has to be ASCII

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

Ref attribute_text(Borrowed name) noexcept {
    const bool plain = PyUnicode_CheckExact(name.get()) != 0 && PyUnicode_IsIdentifier(name.get()) == 1;
    return formatted(".%U", plain ? cut(Ref::share(name)) : shown(name));
}

// In the brackets of its kind; "*": any.
Ref between(const char* before, const GraphStep& step, const char* after) noexcept {
    const Ref text = step.key        ? shown(step.key)
                   : step.index >= 0 ? or_nothing(PyUnicode_FromFormat("%zd", step.index))
                                     : or_nothing(PyUnicode_FromString("*"));
    return text ? or_nothing(PyUnicode_FromFormat("%s%U%s", before, text.get(), after)) : Ref();
}

}  // namespace

Ref text_of(const GraphStep& step) noexcept {
    switch (step.kind) {
    case StepKind::attribute:
        return step.key ? attribute_text(step.key) : or_nothing(PyUnicode_FromString(".*"));
    case StepKind::index:
    case StepKind::key: return between("[", step, "]");
    case StepKind::key_itself: return between(".keys()[", step, "]");
    case StepKind::member: return between("{", step, "}");
    case StepKind::argument: return between(".__reduce__()[1][", step, "]");
    case StepKind::state: return or_nothing(PyUnicode_FromString(".__reduce__()[2]"));
    case StepKind::reduced: return or_nothing(PyUnicode_FromString(".__reduce__()"));
    case StepKind::made: return or_nothing(PyUnicode_FromString(".__deepcopy__()"));
    case StepKind::handled: return formatted(".<%U>", Ref::share(step.key));
    case StepKind::deeper: return or_nothing(PyUnicode_FromString(".**"));
    default: return or_nothing(PyUnicode_FromString("$"));
    }
}

void Steps::clear() noexcept {
    count_ = 0;
    complete_ = true;
    const Ref key = std::move(outermost_key_);
    for (std::size_t i = 0; i < kShown; ++i) {
        const Ref of_first = std::move(first_[i]);
        const Ref of_last = std::move(last_[i]);
    }
}

void Steps::put_before(const GraphStep& step) noexcept {
    const bool is_own_dict = step.kind == StepKind::attribute && step.key.get() == interned::__dict__;
    if (is_own_dict && outermost_key_) {
        GraphStep attribute;
        attribute.kind = StepKind::attribute;
        attribute.key = std::move(outermost_key_);
        first_[0] = text_of(attribute);
        complete_ = complete_ && first_[0];
        if (count_ <= kShown) {
            last_[count_ - 1] = Ref::share(first_[0]);
        }
        return;
    }
    const bool may_be_attribute =
        step.kind == StepKind::key && step.key && PyUnicode_CheckExact(step.key.get()) != 0;
    outermost_key_ = may_be_attribute ? Ref::share(step.key) : Ref();
    Ref text = text_of(step);
    complete_ = complete_ && text;
    if (count_ < kShown) {
        last_[count_] = Ref::share(text);
    }
    for (std::size_t i = kShown; i-- > 1;) {
        first_[i] = std::move(first_[i - 1]);
    }
    first_[0] = std::move(text);
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
