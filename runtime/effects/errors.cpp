// runtime/effects/errors.cpp: see errors.hpp.
#include "errors.hpp"

#include <calque/compat.hpp>

#include <cstring>

namespace calque::effects {

bool create_errors() noexcept {
    one_shot_error = PyErr_NewExceptionWithDoc(
        "calque.effects.OneShotError",
        "A continuation was resumed a second time. Raised in the handler, at the yield that tried.",
        PyExc_RuntimeError, nullptr);
    unhandled_effect = PyErr_NewExceptionWithDoc(
        "calque.effects.UnhandledEffect",
        "No handler in force accepts the effect. Raised where the effect was performed.\n\n"
        "effect: the effect. handlers: the list of handlers that were asked, innermost first.",
        PyExc_RuntimeError, nullptr);
    return one_shot_error != nullptr && unhandled_effect != nullptr;
}

Ref handlers_from(const Fiber* from) noexcept {
    Ref found = Ref::steal(PyList_New(0));
    for (; found && from != nullptr; from = from->parent) {
        if (from->handler != nullptr && PyList_Append(found.get(), from->handler) < 0) {
            return {};
        }
    }
    return found;
}

namespace {

// Without the module, which static types have in it.
const char* name_of(const PyTypeObject* type) noexcept {
    const char* const dot = std::strrchr(type->tp_name, '.');
    return dot == nullptr ? type->tp_name : dot + 1;
}

// "State, fetch": the name of a function, the class of anything else. At most ten.
Ref names_of(Borrowed handlers) noexcept {
    // Interned: the cache of type attributes keeps each name it was asked for, by address.
    const Ref attribute = Ref::steal(PyUnicode_InternFromString("__name__"));
    Ref text = Ref::steal(attribute ? PyUnicode_FromString("") : nullptr);
    const Py_ssize_t count = PyList_GET_SIZE(handlers.get());
    for (Py_ssize_t i = 0; text && i < count; ++i) {
        PyObject* const handler = PyList_GET_ITEM(handlers.get(), i);
        if (i == 10) {
            return Ref::steal(PyUnicode_FromFormat("%U and %zd more", text.get(), count - i));
        }
        PyObject* named = nullptr;
        if (PyType_Check(handler) == 0 && PyObject_GetOptionalAttr(handler, attribute.get(), &named) < 0) {
            PyErr_Clear();
        }
        const Ref name = Ref::steal(named);
        const char* const comma = i == 0 ? "" : ", ";
        text = Ref::steal(name && PyUnicode_Check(name.get())
                              ? PyUnicode_FromFormat("%U%s%U", text.get(), comma, name.get())
                              : PyUnicode_FromFormat("%U%s%s", text.get(), comma, name_of(Py_TYPE(handler))));
    }
    return text;
}

}  // namespace

void raise_unhandled(Borrowed effect, const Fiber* from) noexcept {
    const Ref handlers = handlers_from(from);
    const Ref names = handlers ? names_of(handlers) : Ref();
    const Ref message = Ref::steal(
        !names ? nullptr
        : PyList_GET_SIZE(handlers.get()) == 0
            ? PyUnicode_FromFormat("no handler for the effect %s: none is in force here",
                                   name_of(effect.type()))
            : PyUnicode_FromFormat("no handler for the effect %s; in force here, innermost first: %U",
                                   name_of(effect.type()), names.get()));
    const Ref error = Ref::steal(message ? PyObject_CallOneArg(unhandled_effect, message.get()) : nullptr);
    if (!error || PyObject_SetAttrString(error.get(), "effect", effect.get()) < 0
        || PyObject_SetAttrString(error.get(), "handlers", handlers.get()) < 0) {
        return;
    }
    PyErr_SetObject(unhandled_effect, error.get());
}

}  // namespace calque::effects
