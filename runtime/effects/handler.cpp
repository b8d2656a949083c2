// runtime/effects/handler.cpp: see handler.hpp.
#include "handler.hpp"

#include <structmember.h>

namespace calque::effects {

namespace {

TypedHandler& as_typed(PyObject* object) noexcept { return *reinterpret_cast<TypedHandler*>(object); }

// The bits of the classes; false with TypeError.
bool masked(Borrowed types, std::uint32_t& mask) noexcept {
    mask = kAcceptsNothing;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(types.get()); ++i) {
        PyObject* const one = PyTuple_GET_ITEM(types.get(), i);
        if (!PyType_Check(one) || PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(one), &effect_type) == 0) {
            PyErr_Format(PyExc_TypeError, "expected subclasses of Effect to handle, got %R", one);
            return false;
        }
        const auto* const type = reinterpret_cast<PyTypeObject*>(one);
        const Kind kind = type >= node_types && type < node_types + kKinds
                            ? static_cast<Kind>(type - node_types)
                            : Kind::unknown;
        if (type == &effect_type) {
            mask |= kAcceptsEverything;
        } else if (kind != Kind::unknown) {
            mask |= 1u << static_cast<unsigned>(kind);
        } else {
            mask |= kAcceptsSomeUser;
        }
    }
    return true;
}

PyObject* typed_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"types", "handler", nullptr};
    PyObject *types, *function;
    std::uint32_t mask;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "O!O:TypedHandler", const_cast<char**>(names),
                                    &PyTuple_Type, &types, &function)
            == 0
        || !masked(types, mask)) {
        return nullptr;
    }
    if (PyCallable_Check(function) == 0) {
        PyErr_Format(PyExc_TypeError, "handler must be callable, and %s is not", Py_TYPE(function)->tp_name);
        return nullptr;
    }
    Ref self = Ref::steal(type->tp_alloc(type, 0));
    if (self) {
        TypedHandler& made = as_typed(self.get());
        made.function = Ref::share(function).release();
        made.types = Ref::share(types).release();
        made.accepts = mask;
    }
    return self.release();
}

int typed_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(as_typed(self).function);
    Py_VISIT(as_typed(self).types);
    Py_VISIT(as_typed(self).seen);
    return 0;
}

int typed_clear(PyObject* self) {
    // The function stays: a fiber may still call it. What it refers to has a tp_clear of its own.
    const Ref seen = Ref::steal(std::exchange(as_typed(self).seen, nullptr));
    return 0;
}

void typed_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    typed_clear(self);
    const Ref function = Ref::steal(std::exchange(as_typed(self).function, nullptr));
    const Ref types = Ref::steal(std::exchange(as_typed(self).types, nullptr));
    PyObject_GC_Del(self);
}

PyObject* typed_call(PyObject* self, PyObject* args, PyObject* keywords) {
    return PyObject_Call(as_typed(self).function, args, keywords);
}

PyObject* typed_repr(PyObject* self) {
    return PyUnicode_FromFormat("<handler %R of %R>", as_typed(self).function, as_typed(self).types);
}

PyMemberDef typed_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(TypedHandler, function), READONLY, "The callable."},
    {"types", T_OBJECT, offsetof(TypedHandler, types), READONLY, "The classes of effects it answers."},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

PyTypeObject native_handler_type = {PyVarObject_HEAD_INIT(nullptr, 0)};
PyTypeObject typed_handler_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

bool create_handler_types() noexcept {
    PyTypeObject& native = native_handler_type;
    native.tp_name = "calque.effects.NativeHandler";
    native.tp_doc = "The base class of State, Reader and Writer.";
    native.tp_basicsize = sizeof(NativeHandler);
    native.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
    PyTypeObject& typed = typed_handler_type;
    typed.tp_name = "calque.effects.TypedHandler";
    typed.tp_doc = "TypedHandler(types, handler)\n--\n\nA handler that is asked about some classes of "
                   "effects only: see handles.";
    typed.tp_basicsize = sizeof(TypedHandler);
    typed.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC;
    typed.tp_new = typed_new;
    typed.tp_traverse = typed_traverse;
    typed.tp_clear = typed_clear;
    typed.tp_dealloc = typed_dealloc;
    typed.tp_call = typed_call;
    typed.tp_repr = typed_repr;
    typed.tp_members = typed_members;
    return PyType_Ready(&native) == 0 && PyType_Ready(&typed) == 0;
}

void install(Fiber& fiber, Borrowed handler) noexcept {
    fiber.handler = Ref::share(handler).release();
    if (handler.type() == &typed_handler_type) {
        fiber.accepts = as_typed(handler.get()).accepts;
    } else if (PyType_IsSubtype(handler.type(), &native_handler_type) != 0) {
        const auto& native = *reinterpret_cast<NativeHandler*>(handler.get());
        fiber.accepts = native.accepts;
        fiber.answer = native.answer;
    } else {
        fiber.accepts = kAcceptsEverything;
    }
}

bool accepts_class(const Fiber& fiber, PyTypeObject* type) noexcept {
    if ((fiber.accepts & kAcceptsUser) != 0) {
        return true;
    }
    TypedHandler& handler = as_typed(fiber.handler);
    if (handler.seen == type->tp_mro) {
        return handler.verdict;
    }
    bool verdict = false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(handler.types) && !verdict; ++i) {
        verdict =
            PyType_IsSubtype(type, reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(handler.types, i))) != 0;
    }
    handler.verdict = verdict;
    // A tuple of classes: its end may end classes, but no fiber's.
    const Ref forgotten = Ref::steal(std::exchange(handler.seen, Ref::share(type->tp_mro).release()));
    return verdict;
}

}  // namespace calque::effects
