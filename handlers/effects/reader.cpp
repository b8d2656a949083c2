// handlers/effects/reader.cpp: Reader answers Ask from an environment that does not change.
#include "native_handlers.hpp"

namespace calque::effects {

namespace {

struct Reader {
    NativeHandler base;
    PyObject* environment;
};

Reader& as_reader(Borrowed object) noexcept { return *reinterpret_cast<Reader*>(object.get()); }

Ref reader_answer(Borrowed handler, Borrowed effect) noexcept {
    PyObject* const value = PyDict_GetItemWithError(as_reader(handler).environment, field(effect, 0).get());
    if (value == nullptr && PyErr_Occurred() == nullptr) {
        set_key_error(field(effect, 0));
    }
    return Ref::share(value);
}

PyObject* reader_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"env", nullptr};
    PyObject* initial = Py_None;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "|O:Reader", const_cast<char**>(names), &initial) == 0) {
        return nullptr;
    }
    Ref environment = dict_of(initial);
    Ref self = Ref::steal(environment ? type->tp_alloc(type, 0) : nullptr);
    if (self) {
        Reader& reader = as_reader(self);
        reader.base.accepts = kAcceptsAsk;
        reader.base.answer = reader_answer;
        reader.environment = environment.release();
    }
    return self.release();
}

int reader_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(as_reader(self).environment);
    return 0;
}

void reader_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    const Ref environment = Ref::steal(std::exchange(as_reader(self).environment, nullptr));
    Py_TYPE(self)->tp_free(self);
}

PyObject* reader_env(PyObject* self, PyObject*) { return PyDict_Copy(as_reader(self).environment); }

PyObject* reader_repr(PyObject* self) {
    return PyUnicode_FromFormat("Reader(%R)", as_reader(self).environment);
}

// (Reader, (), environment)
PyObject* reader_reduce(PyObject* self, PyObject*) {
    const Ref environment = Ref::steal(PyDict_Copy(as_reader(self).environment));
    return environment ? Py_BuildValue("O()O", Py_TYPE(self), environment.get()) : nullptr;
}

PyObject* reader_set_state(PyObject* self, PyObject* environment) {
    return take_store(as_reader(self).environment, PyDict_Type, environment);
}

PyMethodDef reader_methods[] = {
    {"__reduce__", reader_reduce, METH_NOARGS, "Copied and pickled with its environment."},
    {"__setstate__", reader_set_state, METH_O, "Of __reduce__: it answers from this."},
    {"env", reader_env, METH_NOARGS, "env($self, /)\n--\n\nA new dict: the environment."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyTypeObject reader_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

bool create_reader_type() noexcept {
    PyTypeObject& type = reader_type;
    type.tp_name = "calque.effects.Reader";
    type.tp_doc = "Reader(env=None)\n--\n\nA handler that answers Ask. A key that is missing raises KeyError "
                  "where it was asked for.\n\n"
                  "Args:\n    env: None, or a mapping that is copied (the values are not).";
    type.tp_basicsize = sizeof(Reader);
    type.tp_base = &native_handler_type;
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC;
    type.tp_new = reader_new;
    type.tp_traverse = reader_traverse;
    type.tp_dealloc = reader_dealloc;
    type.tp_repr = reader_repr;
    type.tp_methods = reader_methods;
    return PyType_Ready(&type) == 0;
}

}  // namespace calque::effects
