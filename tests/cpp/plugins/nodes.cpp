// tests/cpp/plugins/nodes.cpp: extension types in C++ with handlers of every kind, against the SDK's headers only.
//
//   Node      label, children        FRAME, published before the children
//   Frozen    label, children        FRAME, made after its children: CALQUE_ASK_AGAIN, as a tuple
//   Token                            atomic
//   Gate      label, hook            SIMPLE and CALQUE_PURE: the bracket around hook(gate, memo) is its own
//   Wrapper   label, children, hook  SIMPLE: remembers its copy, keeps what hook(wrapper, memo) returns
//
// One C++ class serves all five: a vector of Refs and two attributes.
#include <calque/registry.hpp>

#include <cstring>
#include <new>
#include <structmember.h>
#include <vector>

namespace {

using namespace calque;

struct Object {
    PyObject_HEAD
    PyObject* label;
    PyObject* hook;
    PyObject* weak_references;
    std::vector<Ref> children;

    static Object& of(Borrowed object) noexcept { return *reinterpret_cast<Object*>(object.get()); }
    Borrowed borrowed() noexcept { return reinterpret_cast<PyObject*>(this); }
};

// What the tests ask for, and what happened.
struct {
    bool decline = false;
    bool publish_at_once = false;
    bool ask_from_begin = false;
    bool replace_errors = false;
} ways;

struct {
    long live_states = 0;
    long unwound = 0;
    long unwound_without_exception = 0;
    long released = 0;
    long begun = 0;
} counts;

bool append(Object& object, Ref child) noexcept {
    try {
        object.children.push_back(std::move(child));
        return true;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

// -- the type

PyObject* object_new(PyTypeObject* type, PyObject*, PyObject*) noexcept {
    PyObject* made = type->tp_alloc(type, 0);
    if (made != nullptr) {
        new (&Object::of(made).children) std::vector<Ref>;
    }
    return made;
}

int object_traverse(PyObject* self, visitproc visit, void* arg) noexcept {
    Py_VISIT(Object::of(self).label);
    Py_VISIT(Object::of(self).hook);
    for (const Ref& child : Object::of(self).children) {
        Py_VISIT(child.get());
    }
    return 0;
}

int object_clear(PyObject* self) noexcept {
    Py_CLEAR(Object::of(self).label);
    Py_CLEAR(Object::of(self).hook);
    std::vector<Ref> gone;  // their finalizers find no children
    gone.swap(Object::of(self).children);
    return 0;
}

void object_dealloc(PyObject* self) noexcept {
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, object_dealloc) if (Object::of(self).weak_references != nullptr) {
        PyObject_ClearWeakRefs(self);
    }
    object_clear(self);
    Object::of(self).children.~vector();
    Py_TYPE(self)->tp_free(self);
    Py_TRASHCAN_END
}

int object_init(PyObject* self, PyObject* args, PyObject* kwargs) noexcept {
    static char name_label[] = "label", name_children[] = "children", name_hook[] = "hook";
    static char* names[] = {name_label, name_children, name_hook, nullptr};
    PyObject *label = Py_None, *children = nullptr, *hook = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOO", names, &label, &children, &hook)) {
        return -1;
    }
    object_clear(self);
    Object::of(self).label = Ref::share(label).release();
    Object::of(self).hook = Ref::share(hook).release();
    if (children == nullptr) {
        return 0;
    }
    Ref iterator = Ref::steal(PyObject_GetIter(children));
    while (iterator) {
        Ref child = Ref::steal(PyIter_Next(iterator.get()));
        if (!child) {
            return PyErr_Occurred() == nullptr ? 0 : -1;
        }
        if (!append(Object::of(self), std::move(child))) {
            return -1;
        }
    }
    return -1;
}

PyObject* object_append(PyObject* self, PyObject* child) noexcept {
    return append(Object::of(self), Ref::share(child)) ? Ref::share(Py_None).release() : nullptr;
}

PyObject* object_drop_children(PyObject* self, PyObject*) noexcept {
    std::vector<Ref> gone;
    gone.swap(Object::of(self).children);
    return Ref::share(Py_None).release();
}

PyObject* object_children(PyObject* self, void*) noexcept {
    const std::vector<Ref>& children = Object::of(self).children;
    Ref tuple = Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(children.size())));
    for (std::size_t i = 0; tuple && i < children.size(); ++i) {
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), Ref::share(children[i]).release());
    }
    return tuple.release();
}

PyMethodDef methods[] = {
    {"append", object_append, METH_O, nullptr},
    {"drop_children", object_drop_children, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"children", object_children, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"label", T_OBJECT, offsetof(Object, label), 0, nullptr},
    {"hook", T_OBJECT, offsetof(Object, hook), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyTypeObject make_type(const char* name) noexcept {
    PyTypeObject type{};
    type.ob_base = {PyObject_HEAD_INIT(nullptr) 0};
    type.tp_name = name;
    type.tp_basicsize = sizeof(Object);
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE;
    type.tp_weaklistoffset = offsetof(Object, weak_references);
    type.tp_new = object_new;
    type.tp_init = object_init;
    type.tp_dealloc = object_dealloc;
    type.tp_traverse = object_traverse;
    type.tp_clear = object_clear;
    type.tp_methods = methods;
    type.tp_members = members;
    type.tp_getset = properties;
    return type;
}

PyTypeObject Node_Type = make_type("nodes.Node");
PyTypeObject Frozen_Type = make_type("nodes.Frozen");
PyTypeObject Token_Type = make_type("nodes.Token");
PyTypeObject Gate_Type = make_type("nodes.Gate");
PyTypeObject Wrapper_Type = make_type("nodes.Wrapper");

// An object of the same class with the same label and hook, without children.
Ref empty_like(Borrowed original) noexcept {
    Ref made = Ref::steal(object_new(original.type(), nullptr, nullptr));
    if (made) {
        Object::of(made).label = Ref::share(Object::of(original).label).release();
        Object::of(made).hook = Ref::share(Object::of(original).hook).release();
    }
    return made;
}

// -- FRAME

class Counted {
public:
    Counted() noexcept { ++counts.live_states; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --counts.live_states; }
};

void note_unwinding(Frame& frame) noexcept {
    ++counts.unwound;
    counts.unwound_without_exception += PyErr_Occurred() == nullptr;
    if (ways.replace_errors) {
        PyErr_Format(PyExc_ValueError, "while copying node %R", Object::of(frame.original()).label);
    }
}

class CopyNode : Counted {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        ++counts.begun;
        held_ = Ref::share(frame.original());  // so that a state that is forgotten is a leak
        if (ways.decline) {
            return Step::decline();
        }
        Ref copy = empty_like(frame.original());
        if (!copy) {
            return Step::error();
        }
        frame.set_copy(std::move(copy));
        if (ways.publish_at_once && !frame.publish(context)) {
            return Step::error();
        }
        if (ways.ask_from_begin && !finds_itself(context, frame)) {
            return Step::error();
        }
        return next(context, frame);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        return append(Object::of(frame.copy()), std::move(child)) ? next(context, frame) : Step::error();
    }

    void unwind(Frame& frame) noexcept { note_unwinding(frame); }

private:
    // A nested copy of the original through the memo a hook would get: finds the copy if it is published.
    static bool finds_itself(CopyContext& context, Frame& frame) noexcept {
        Ref memo = context.memo();
        if (!memo) {
            return false;
        }
        Ref nested = Ref::steal(api().deepcopy(frame.original().get(), memo.get()));
        if (!nested) {
            return false;
        }
        if (Borrowed(nested) != frame.copy()) {
            PyErr_SetString(PyExc_AssertionError, "a published copy was not found");
            return false;
        }
        return true;
    }

    // A pure handler may not release what could be the last reference, so it holds none: the walker does, where
    // Python code could change the vector. Any other handler lends a child that it holds itself.
    Step ask_for(Frame& frame, Borrowed child) noexcept {
        if ((frame.raw()->handler->flags & CALQUE_PURE) != 0) {
            return Step::child(child);
        }
        held_ = Ref::share(child);
        return Step::child(held_);
    }

    // The children are read live: Python code may change the vector meanwhile.
    Step next(CopyContext& context, Frame& frame) noexcept {
        const std::vector<Ref>& children = Object::of(frame.original()).children;
        for (; index_ < children.size(); ++index_) {
            if (!context.is_atomic(children[index_])) {
                return ask_for(frame, children[index_++]);
            }
            if (!append(Object::of(frame.copy()), Ref::share(children[index_]))) {
                return Step::error();
            }
        }
        return Step::done();
    }

    std::size_t index_ = 0;
    Ref held_;
};

class CopyFrozen : Counted {
public:
    ~CopyFrozen() { delete copies_; }

    Step begin(CopyContext&, Frame& frame) noexcept {
        copies_ = new (std::nothrow) std::vector<Ref>;
        if (copies_ == nullptr) {
            PyErr_NoMemory();
            return Step::error();
        }
        return next(frame);
    }

    Step resume(CopyContext&, Frame& frame, Ref child) noexcept {
        try {
            copies_->push_back(std::move(child));
        } catch (const std::bad_alloc&) {
            PyErr_NoMemory();
            return Step::error();
        }
        return next(frame);
    }

private:
    Step next(Frame& frame) noexcept {
        const std::vector<Ref>& children = Object::of(frame.original()).children;
        if (copies_->size() < children.size()) {
            return Step::child(children[copies_->size()]);
        }
        Ref copy = empty_like(frame.original());
        if (!copy) {
            return Step::error();
        }
        Object::of(copy).children.swap(*copies_);
        return Step::done(std::move(copy));
    }

    std::vector<Ref>* copies_ = nullptr;
};

Ref shallow_node(Borrowed original) noexcept {
    Ref copy = empty_like(original);
    for (const Ref& child : Object::of(original).children) {
        if (!copy || !append(Object::of(copy), Ref::share(child))) {
            return {};
        }
    }
    return copy;
}

// -- SIMPLE

Ref call_hook(Borrowed original, Ref memo) noexcept {
    return memo ? Ref::steal(
               PyObject_CallFunctionObjArgs(Object::of(original).hook, original.get(), memo.get(), nullptr))
                : Ref();
}

Ref copy_gate(CopyContext& context, Borrowed original) noexcept {
    Ref copy = empty_like(original);
    if (copy && Object::of(original).hook != nullptr) {
        PythonScope python(context);
        if (!python || !call_hook(original, context.memo())) {
            copy = {};
        }
    }
    return copy;
}

Ref copy_wrapper(CopyContext& context, Borrowed original) noexcept {
    Ref copy = empty_like(original);
    if (!copy || !context.remember(original, copy)) {
        return {};
    }
    if (Object::of(original).hook != nullptr) {
        Ref kept = call_hook(original, context.memo());
        if (!kept || !context.keep_alive(kept)) {
            return {};
        }
    }
    for (std::size_t i = 0; i < Object::of(original).children.size(); ++i) {
        Ref child = Ref::share(Object::of(original).children[i]);
        Ref made = context.copy(child);
        if (!made || !append(Object::of(copy), std::move(made))) {
            return {};
        }
    }
    return copy;
}

// -- the module

PyTypeObject* type_named(const char* name) noexcept {
    for (PyTypeObject* type : {&Node_Type, &Frozen_Type, &Token_Type, &Gate_Type, &Wrapper_Type}) {
        if (std::strcmp(type->tp_name + sizeof("nodes.") - 1, name) == 0) {
            return type;
        }
    }
    PyErr_Format(PyExc_LookupError, "no such type: %s", name);
    return nullptr;
}

// register(name, flags=0, cls=None): the handler of the named type, for it or for a subclass.
PyObject* register_type(PyObject*, PyObject* args) noexcept {
    const char* name = nullptr;
    unsigned int flags = 0;
    PyObject* subclass = nullptr;
    if (!PyArg_ParseTuple(args, "s|IO!", &name, &flags, &PyType_Type, &subclass)) {
        return nullptr;
    }
    PyTypeObject* type = type_named(name);
    if (type == nullptr) {
        return nullptr;
    }
    PyTypeObject* served = subclass != nullptr ? reinterpret_cast<PyTypeObject*>(subclass) : type;
    HandlerSpec spec = type == &Node_Type
                         ? with_shallow<shallow_node>(frame_handler<CopyNode>("node", served, flags))
                     : type == &Frozen_Type
                         ? frame_handler<CopyFrozen>("frozen", served, flags | CALQUE_PURE | CALQUE_ASK_AGAIN)
                     : type == &Token_Type ? atomic_handler("token", served, flags)
                     : type == &Gate_Type  ? simple_handler<copy_gate>("gate", served, flags | CALQUE_PURE)
                                           : simple_handler<copy_wrapper>("wrapper", served, flags);
    spec.user = &counts.released;
    spec.release = [](void* user) { ++*static_cast<long*>(user); };
    return add_handler(spec) ? Ref::share(Py_None).release() : nullptr;
}

PyObject* unregister_type(PyObject*, PyObject* cls) noexcept {
    return remove_handler(reinterpret_cast<PyTypeObject*>(cls)) ? Ref::share(Py_None).release() : nullptr;
}

// choose(**ways): sets those named, and every other to false; returns and forgets the counts, but for the live states.
PyObject* choose(PyObject*, PyObject* args, PyObject* kwargs) noexcept {
    static char decline[] = "decline", publish[] = "publish_at_once", ask[] = "ask_from_begin",
                replace[] = "replace_errors";
    static char* names[] = {decline, publish, ask, replace, nullptr};
    int chosen[4] = {};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|pppp", names, &chosen[0], &chosen[1], &chosen[2],
                                     &chosen[3])) {
        return nullptr;
    }
    ways = {chosen[0] != 0, chosen[1] != 0, chosen[2] != 0, chosen[3] != 0};
    counts = {counts.live_states, 0, 0, 0, 0};
    return Ref::share(Py_None).release();
}

PyObject* seen(PyObject*, PyObject*) noexcept {
    return Py_BuildValue("{s:l,s:l,s:l,s:l,s:l}", "live_states", counts.live_states, "unwound",
                         counts.unwound, "unwound_without_exception", counts.unwound_without_exception,
                         "released", counts.released, "begun", counts.begun);
}

PyMethodDef functions[] = {
    {"register", register_type, METH_VARARGS, nullptr},
    {"unregister", unregister_type, METH_O, nullptr},
    {"choose", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(choose)),
     METH_VARARGS | METH_KEYWORDS, nullptr},
    {"seen", seen, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "nodes", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_nodes() {
    if (!import_calque()) {
        return nullptr;
    }
    Ref module = Ref::steal(PyModule_Create(&definition));
    if (!module) {
        return nullptr;
    }
    for (PyTypeObject* type : {&Node_Type, &Frozen_Type, &Token_Type, &Gate_Type, &Wrapper_Type}) {
        if (PyModule_AddType(module.get(), type) < 0) {
            return nullptr;
        }
    }
    if (PyModule_AddIntMacro(module.get(), CALQUE_SUBCLASSES) < 0
        || PyModule_AddIntMacro(module.get(), CALQUE_PURE) < 0) {
        return nullptr;
    }
    return module.release();
}
