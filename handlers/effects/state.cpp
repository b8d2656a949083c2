// handlers/effects/state.cpp: State answers Get, Put and Modify from a dict of its own.
//
// Keys are any hashable objects: what their __hash__ and __eq__ raise is raised where the effect was performed, and so is what the
// function of a Modify raises, before the state has changed. That function may do anything, also change this state: what it returns
// is stored last.
//
// copy= says which way values cross as deep copies: "in" what is put, "out" what is got, "both", or None. A program and a handler then have no
// object in common that either could change under the other. The copies are calque.deepcopy's, so what the registry says of a class counts.
#include "native_handlers.hpp"

#include <calque/compat.hpp>

#include <string_view>

namespace calque::effects {

namespace {

struct State {
    NativeHandler base;
    PyObject* store;
    PyObject* copier;  // calque.deepcopy, or null: nothing is copied
    bool copies_in;
    bool copies_out;
    bool strict;
};

State& as_state(Borrowed object) noexcept { return *reinterpret_cast<State*>(object.get()); }

PyObject* helper(const char* name) noexcept {
    const Ref module = Ref::steal(PyImport_ImportModule("calque.effects._copying"));
    return module ? PyObject_GetAttrString(module.get(), name) : nullptr;
}

// The exception that is set becomes one that names the key.
void name_key(Borrowed key) noexcept {
    Ref error = Ref::steal(PyErr_GetRaisedException());
    if (PyErr_GivenExceptionMatches(error.get(), PyExc_Exception) != 0) {
        const Ref refuse = Ref::steal(helper("refuse"));
        Ref named = Ref::steal(
            refuse ? PyObject_CallFunctionObjArgs(refuse.get(), key.get(), error.get(), nullptr) : nullptr);
        if (!named) {
            return;
        }
        error = std::move(named);
    }
    PyErr_SetRaisedException(error.release());
}

// What crosses: the value, or its copy.
Ref crossing(bool copies, const State& state, Borrowed key, Ref value) noexcept {
    if (!copies || !value) {
        return value;
    }
    const Ref copier = Ref::share(state.copier);
    Ref copy = Ref::steal(PyObject_CallOneArg(copier.get(), value.get()));
    if (!copy) {
        name_key(key);
    }
    return copy;
}

Ref look_up(State& state, Borrowed key) noexcept {
    PyObject* const value = PyDict_GetItemWithError(state.store, key.get());
    if (value != nullptr) {
        return crossing(state.copies_out, state, key, Ref::share(value));
    }
    if (PyErr_Occurred() != nullptr) {
        return {};
    }
    if (state.strict) {
        set_key_error(key);
        return {};
    }
    return Ref::share(Py_None);
}

bool remember(State& state, Borrowed key, Ref value) noexcept {
    const Ref kept = crossing(state.copies_in, state, key, std::move(value));
    return kept && PyDict_SetItem(state.store, key.get(), kept.get()) == 0;
}

Ref state_answer(Borrowed handler, Borrowed effect) noexcept {
    State& state = as_state(handler);
    const Borrowed key = field(effect, 0);
    switch (kind_of(effect)) {
    case Kind::get: return look_up(state, key);
    case Kind::put: return remember(state, key, Ref::share(field(effect, 1))) ? Ref::share(Py_None) : Ref();
    default: break;
    }
    Ref old = look_up(state, key);
    Ref made = Ref::steal(old ? PyObject_CallOneArg(field(effect, 1).get(), old.get()) : nullptr);
    return made && remember(state, key, std::move(made)) ? std::move(old) : Ref();
}

// False with an exception.
bool read_policy(PyObject* policy, bool& in, bool& out) noexcept {
    if (policy == Py_None) {
        return true;
    }
    const char* const text = PyUnicode_Check(policy) ? PyUnicode_AsUTF8(policy) : nullptr;
    const std::string_view word = text != nullptr ? text : "";
    in = word == "in" || word == "both";
    out = word == "out" || word == "both";
    if (in || out) {
        return true;
    }
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "expected \"in\", \"out\", \"both\" or None for copy, got %R", policy);
    return false;
}

// calque.deepcopy, as it is now; empty without an exception if it is not needed.
Ref find_copier(bool needed) noexcept {
    const Ref module = Ref::steal(needed ? PyImport_ImportModule("calque") : nullptr);
    return Ref::steal(module ? PyObject_GetAttrString(module.get(), "deepcopy") : nullptr);
}

// The store with copies of its values.
Ref copied_values(Borrowed store) noexcept {
    const Ref function = Ref::steal(helper("copied_values"));
    return Ref::steal(function ? PyObject_CallOneArg(function.get(), store.get()) : nullptr);
}

PyObject* state_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"initial", "strict", "copy", nullptr};
    PyObject* initial = Py_None;
    PyObject* policy = Py_None;
    int strict = 0;
    bool in = false;
    bool out = false;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "|O$pO:State", const_cast<char**>(names), &initial,
                                    &strict, &policy)
            == 0
        || !read_policy(policy, in, out)) {
        return nullptr;
    }
    Ref store = dict_of(initial);
    if (store && in) {
        store = copied_values(store);
    }
    Ref copier = store ? find_copier(in || out) : Ref();
    Ref self = Ref::steal(store && PyErr_Occurred() == nullptr ? type->tp_alloc(type, 0) : nullptr);
    if (self) {
        State& state = as_state(self);
        state.base.accepts =
            std::uint32_t{kAcceptsGet} | std::uint32_t{kAcceptsPut} | std::uint32_t{kAcceptsModify};
        state.base.answer = state_answer;
        state.store = store.release();
        state.copier = copier.release();
        state.copies_in = in;
        state.copies_out = out;
        state.strict = strict != 0;
    }
    return self.release();
}

int state_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(as_state(self).store);
    Py_VISIT(as_state(self).copier);
    return 0;
}

void state_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    const Ref store = Ref::steal(std::exchange(as_state(self).store, nullptr));
    const Ref copier = Ref::steal(std::exchange(as_state(self).copier, nullptr));
    Py_TYPE(self)->tp_free(self);
}

PyObject* state_items(PyObject* self, PyObject*) {
    const State& state = as_state(self);
    return state.copies_out ? copied_values(state.store).release() : PyDict_Copy(state.store);
}

PyObject* state_repr(PyObject* self) { return PyUnicode_FromFormat("State(%R)", as_state(self).store); }

// (copyreg.__newobj_ex__, (State, (), {"strict": ..., "copy": ...}), what it remembers)
PyObject* state_reduce(PyObject* self, PyObject*) {
    const State& state = as_state(self);
    const char* const policy = state.copies_in  ? (state.copies_out ? "both" : "in")
                             : state.copies_out ? "out"
                                                : nullptr;
    const Ref copyreg = Ref::steal(PyImport_ImportModule("copyreg"));
    const Ref make = Ref::steal(copyreg ? PyObject_GetAttrString(copyreg.get(), "__newobj_ex__") : nullptr);
    const Ref store = Ref::steal(make ? PyDict_Copy(state.store) : nullptr);
    return store ? Py_BuildValue("O(O(){s:O,s:z})O", make.get(), Py_TYPE(self), "strict",
                                 state.strict ? Py_True : Py_False, "copy", policy, store.get())
                 : nullptr;
}

PyObject* state_set_state(PyObject* self, PyObject* store) {
    return take_store(as_state(self).store, PyDict_Type, store);
}

PyMethodDef state_methods[] = {
    {"__reduce__", state_reduce, METH_NOARGS, "Copied and pickled with all it remembers."},
    {"__setstate__", state_set_state, METH_O, "Of __reduce__: it remembers this."},
    {"items", state_items, METH_NOARGS, "items($self, /)\n--\n\nA new dict: what is remembered now, by key."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyTypeObject state_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

bool create_state_type() noexcept {
    PyTypeObject& type = state_type;
    type.tp_name = "calque.effects.State";
    type.tp_doc =
        "State(initial=None, *, strict=False, copy=None)\n--\n\n"
        "A handler that answers Get, Put and Modify from a dict of its own.\n\n"
        "Args:\n    initial: None, or a mapping that is copied (the values are not).\n"
        "    strict: a missing key raises KeyError, instead of being None.\n"
        "    copy: \"in\": values that are put, and those of initial, are deep-copied. \"out\": those that "
        "are "
        "got are.\n"
        "        \"both\", or None: neither. A value that cannot be copied raises UncopyableValue where the "
        "effect\n"
        "        was performed.";
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
