// handlers/effects/state.cpp: State answers Get, Put and Modify from a dict of its own.
//
// Keys are any hashable objects: what their __hash__ and __eq__ raise is raised where the effect was performed, and so is what the
// function of a Modify raises, before the state has changed. That function may do anything, also change this state: what it returns
// is stored last.
#include "native_handlers.hpp"

#include <structmember.h>

namespace calque::effects {

namespace {

struct State {
    NativeHandler base;
    PyObject* store;
    char strict;
};

State& as_state(Borrowed object) noexcept { return *reinterpret_cast<State*>(object.get()); }

Ref look_up(State& state, Borrowed key) noexcept {
    PyObject* const value = PyDict_GetItemWithError(state.store, key.get());
    if (value != nullptr) {
        return Ref::share(value);
    }
    if (PyErr_Occurred() != nullptr) {
        return {};
    }
    if (state.strict != 0) {
        set_key_error(key);
        return {};
    }
    return Ref::share(Py_None);
}

Ref state_answer(Borrowed handler, Borrowed effect) noexcept {
    State& state = as_state(handler);
    const Borrowed key = field(effect, 0);
    switch (kind_of(effect)) {
    case Kind::get: return look_up(state, key);
    case Kind::put:
        return PyDict_SetItem(state.store, key.get(), field(effect, 1).get()) == 0 ? Ref::share(Py_None)
                                                                                   : Ref();
    default: break;
    }
    Ref old = look_up(state, key);
    const Ref made = Ref::steal(old ? PyObject_CallOneArg(field(effect, 1).get(), old.get()) : nullptr);
    return made && PyDict_SetItem(state.store, key.get(), made.get()) == 0 ? std::move(old) : Ref();
}

PyObject* state_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"initial", "strict", nullptr};
    PyObject* initial = Py_None;
    int strict = 0;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "|O$p:State", const_cast<char**>(names), &initial,
                                    &strict)
        == 0) {
        return nullptr;
    }
    Ref store = dict_of(initial);
    Ref self = Ref::steal(store ? type->tp_alloc(type, 0) : nullptr);
    if (self) {
        State& state = as_state(self);
        state.base.accepts =
            std::uint32_t{kAcceptsGet} | std::uint32_t{kAcceptsPut} | std::uint32_t{kAcceptsModify};
        state.base.answer = state_answer;
        state.store = store.release();
        state.strict = static_cast<char>(strict);
    }
    return self.release();
}

int state_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(as_state(self).store);
    return 0;
}

void state_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    const Ref store = Ref::steal(std::exchange(as_state(self).store, nullptr));
    Py_TYPE(self)->tp_free(self);
}

PyObject* state_items(PyObject* self, PyObject*) { return PyDict_Copy(as_state(self).store); }

PyObject* state_repr(PyObject* self) { return PyUnicode_FromFormat("State(%R)", as_state(self).store); }

PyMethodDef state_methods[] = {
    {"items", state_items, METH_NOARGS, "items($self, /)\n--\n\nA new dict: what is remembered now, by key."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyTypeObject state_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

bool create_state_type() noexcept {
    PyTypeObject& type = state_type;
    type.tp_name = "calque.effects.State";
    type.tp_doc = "State(initial=None, *, strict=False)\n--\n\n"
                  "A handler that answers Get, Put and Modify from a dict of its own.\n\n"
                  "Args:\n    initial: None, or a mapping that is copied (the values are not).\n"
                  "    strict: a missing key raises KeyError, instead of being None.";
    type.tp_basicsize = sizeof(State);
    type.tp_base = &native_handler_type;
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC;
    type.tp_new = state_new;
    type.tp_traverse = state_traverse;
    type.tp_dealloc = state_dealloc;
    type.tp_repr = state_repr;
    type.tp_methods = state_methods;
    return PyType_Ready(&type) == 0;
}

}  // namespace calque::effects
