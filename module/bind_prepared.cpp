// module/bind_prepared.cpp: calque.prepare(x) and what it returns, a callable. A type in C with a vectorcall: through
// Boost.Python a call costs 25 to 50 ns more, as much as a small list.
#include "bind_prepared.hpp"

#include "error_path.hpp"
#include "prepared.hpp"

#include <boost/python.hpp>

#include <cstddef>
#include <new>
#include <structmember.h>

namespace bp = boost::python;

namespace calque::module {

namespace {

struct PreparedObject {
    PyObject ob_base;
    vectorcallfunc call;
    unsigned long long copies;
    Prepared prepared;
};

PyTypeObject* prepared_type = nullptr;

PreparedObject& self_of(PyObject* self) noexcept { return *reinterpret_cast<PreparedObject*>(self); }

PyObject* call_prepared(PyObject* self, PyObject* const*, std::size_t nargsf, PyObject* keywords) noexcept {
    PreparedObject& object = self_of(self);
    if (PyVectorcall_NARGS(nargsf) != 0 || (keywords != nullptr && PyTuple_GET_SIZE(keywords) != 0)) {
        PyErr_Format(PyExc_TypeError, "a calque.Prepared takes no arguments, got %zd",
                     PyVectorcall_NARGS(nargsf) + (keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords)));
        return nullptr;
    }
    if (!object.prepared.snapshot()) {
        PyErr_SetString(PyExc_ReferenceError,
                        "this calque.Prepared has been cleared by the garbage collector");
        return nullptr;
    }
    const Ref held = Ref::share(self);  // a hook may drop the last other reference
    Ref copy = object.prepared.copy();
    object.copies += bool(copy);
    if (!copy) {
        error_path::add_note();
    }
    return copy.release();
}

PyObject* prepare(PyObject*, PyObject* x) noexcept {
    Ref made = Ref::steal(prepared_type->tp_alloc(prepared_type, 0));
    if (!made) {
        return nullptr;
    }
    PreparedObject& object = self_of(made.get());
    object.call = call_prepared;
    ::new (static_cast<void*>(&object.prepared)) Prepared;
    if (!object.prepared.take(x)) {
        error_path::add_note();
        return nullptr;
    }
    return made.release();
}

int traverse(PyObject* self, visitproc visit, void* arg) noexcept {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self_of(self).prepared.snapshot().get());
    return 0;
}

int clear(PyObject* self) noexcept {
    self_of(self).prepared.drop();
    return 0;
}

void dealloc(PyObject* self) noexcept {
    PyTypeObject* const type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    self_of(self).prepared.~Prepared();
    type->tp_free(self);
    const Ref of_instances = Ref::steal(reinterpret_cast<PyObject*>(type));
}

PyObject* repr(PyObject* self) noexcept {
    const PreparedObject& object = self_of(self);
    const Borrowed snapshot = object.prepared.snapshot();
    if (!snapshot) {
        return PyUnicode_FromString("<calque.Prepared, cleared>");
    }
    const char* const name = snapshot.type()->tp_name;
    return object.prepared.has_recipe()
             ? PyUnicode_FromFormat("<calque.Prepared: %s, %zu objects, %llu copies made>", name,
                                    object.prepared.objects(), object.copies)
             : PyUnicode_FromFormat("<calque.Prepared: %s, copied by deepcopy, %llu copies made>", name,
                                    object.copies);
}

PyObject* objects(PyObject* self, void*) noexcept {
    const Prepared& prepared = self_of(self).prepared;
    if (!prepared.has_recipe()) {
        Py_RETURN_NONE;
    }
    return PyLong_FromSize_t(prepared.objects());
}

// (prepare, (a copy,))
PyObject* reduce(PyObject* self, PyObject*) noexcept {
    Ref copy = Ref::steal(call_prepared(self, nullptr, 0, nullptr));
    Ref module = copy ? Ref::steal(PyImport_ImportModule("calque")) : Ref();
    Ref function = module ? Ref::steal(PyObject_GetAttrString(module.get(), "prepare")) : Ref();
    return function ? Py_BuildValue("O(O)", function.get(), copy.get()) : nullptr;
}

constexpr const char* kDoc =
    "What calque.prepare returns: called without arguments it gives a fresh deep copy of the snapshot.\n\n"
    "Copied itself, it is its own copy: nothing can change it.";

// For inspect.signature, which libraries ask default factories for.
PyObject* signature(PyObject*, void*) noexcept {
    Ref module = Ref::steal(PyImport_ImportModule("inspect"));
    return module ? PyObject_CallMethod(module.get(), "Signature", nullptr) : nullptr;
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PreparedObject, call), READONLY, nullptr},
    {"copies", T_ULONGLONG, offsetof(PreparedObject, copies), READONLY, "How many copies it has made."},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"objects", objects, nullptr,
     "How many objects each copy consists of, what is shared with the snapshot (numbers, strings, ...) not "
     "counted;\n"
     "None where copies are made by deepcopy: something in the snapshot runs Python code when it is copied.",
     nullptr},
    {"__signature__", signature, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyObject* itself(PyObject* self, PyObject*) noexcept { return Ref::share(self).release(); }

PyMethodDef type_methods[] = {
    {"__reduce__", reduce, METH_NOARGS, "(calque.prepare, (a copy,)): picklable if the snapshot is."},
    {"__copy__", itself, METH_NOARGS, nullptr},
    {"__deepcopy__", itself, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>(kDoc)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {Py_tp_methods, type_methods},
    {0, nullptr},
};

PyType_Spec spec = {"calque.Prepared", sizeof(PreparedObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
                        | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

PyMethodDef functions[] = {
    {"prepare", prepare, METH_O,
     "prepare(x, /)\n"
     "--\n\n"
     "Take a snapshot of x, once; each call of what is returned gives a fresh deep copy of it.\n\n"
     "    options: dict = field(default_factory=calque.prepare({\"retries\": [1, 2, 5]}))\n\n"
     "Args:\n"
     "    x: any object that can be deep-copied. Changes that are made to it later do not count.\n\n"
     "Returns:\n"
     "    A calque.Prepared: a callable without arguments. Each result is what calque.deepcopy of the\n"
     "    snapshot is, hooks are run each time; faster than deepcopy where nothing in it has hooks.\n\n"
     "Raises:\n"
     "    What calque.deepcopy(x) raises."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_prepared() {
    bp::scope module;
    bp::object type(bp::handle<>(PyType_FromSpec(&spec)));
    prepared_type = reinterpret_cast<PyTypeObject*>(Ref::share(type.ptr()).release());
    module.attr("Prepared") = type;
    if (PyModule_AddFunctions(module.ptr(), functions) != 0) {
        bp::throw_error_already_set();
    }
}

}  // namespace calque::module
