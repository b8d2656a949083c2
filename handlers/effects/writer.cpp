// handlers/effects/writer.cpp: Writer answers Tell by appending to a list.
#include "native_handlers.hpp"

namespace calque::effects {

namespace {

struct Writer {
    NativeHandler base;
    PyObject* log;
};

Writer& as_writer(Borrowed object) noexcept { return *reinterpret_cast<Writer*>(object.get()); }

Ref writer_answer(Borrowed handler, Borrowed effect) noexcept {
    return PyList_Append(as_writer(handler).log, field(effect, 0).get()) == 0 ? Ref::share(Py_None) : Ref();
}

PyObject* writer_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    static const char* names[] = {nullptr};
    if (PyArg_ParseTupleAndKeywords(args, keywords, ":Writer", const_cast<char**>(names)) == 0) {
        return nullptr;
    }
    Ref log = Ref::steal(PyList_New(0));
    Ref self = Ref::steal(log ? type->tp_alloc(type, 0) : nullptr);
    if (self) {
        Writer& writer = as_writer(self);
        writer.base.accepts = kAcceptsTell;
        writer.base.answer = writer_answer;
        writer.log = log.release();
    }
    return self.release();
}

int writer_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(as_writer(self).log);
    return 0;
}

void writer_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    const Ref log = Ref::steal(std::exchange(as_writer(self).log, nullptr));
    Py_TYPE(self)->tp_free(self);
}

PyObject* writer_logs(PyObject* self, PyObject*) {
    return PyList_GetSlice(as_writer(self).log, 0, PyList_GET_SIZE(as_writer(self).log));
}

PyObject* writer_repr(PyObject* self) {
    return PyUnicode_FromFormat("<Writer with %zd messages>", PyList_GET_SIZE(as_writer(self).log));
}

// (Writer, (), log)
PyObject* writer_reduce(PyObject* self, PyObject*) {
    const Ref log = Ref::steal(writer_logs(self, nullptr));
    return log ? Py_BuildValue("O()O", Py_TYPE(self), log.get()) : nullptr;
}

PyObject* writer_set_state(PyObject* self, PyObject* log) {
    return take_store(as_writer(self).log, PyList_Type, log);
}

PyMethodDef writer_methods[] = {
    {"__reduce__", writer_reduce, METH_NOARGS, "Copied and pickled with its messages."},
    {"__setstate__", writer_set_state, METH_O, "Of __reduce__: the messages become these."},
    {"logs", writer_logs, METH_NOARGS, "logs($self, /)\n--\n\nA new list: the messages so far."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyTypeObject writer_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

bool create_writer_type() noexcept {
    PyTypeObject& type = writer_type;
    type.tp_name = "calque.effects.Writer";
    type.tp_doc = "Writer()\n--\n\nA handler that answers Tell by appending the message to its log.";
    type.tp_basicsize = sizeof(Writer);
    type.tp_base = &native_handler_type;
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC;
    type.tp_new = writer_new;
    type.tp_traverse = writer_traverse;
    type.tp_dealloc = writer_dealloc;
    type.tp_repr = writer_repr;
    type.tp_methods = writer_methods;
    return PyType_Ready(&type) == 0;
}

}  // namespace calque::effects
