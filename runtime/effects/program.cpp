// runtime/effects/program.cpp: see program.hpp.
#include "program.hpp"

#include <cstddef>
#include <utility>

#include <structmember.h>

namespace calque::effects {

PyTypeObject do_function_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

namespace {

constexpr Py_ssize_t kFewArguments = 4;
constexpr int kMostIdle = 32;
PyObject* idle[kFewArguments + 1][kMostIdle];
int idle_count[kFewArguments + 1];

Program& as_program(PyObject* object) noexcept { return *reinterpret_cast<Program*>(object); }
DoFunction& as_do(PyObject* object) noexcept { return *reinterpret_cast<DoFunction*>(object); }

PyObject* do_call(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* names) {
    const Py_ssize_t count = PyVectorcall_NARGS(nargsf) + (names == nullptr ? 0 : PyTuple_GET_SIZE(names));
    PyObject* object;
    if (count <= kFewArguments && idle_count[count] > 0) {
        object = idle[count][--idle_count[count]];
        PyObject_InitVar(reinterpret_cast<PyVarObject*>(object), &program_type, count);
    } else {
        object = reinterpret_cast<PyObject*>(PyObject_GC_NewVar(Program, &program_type, count));
        if (object == nullptr) {
            return nullptr;
        }
    }
    Program& program = as_program(object);
    program.function = Ref::share(as_do(self).function).release();
    program.names = Ref::share(names).release();
    for (Py_ssize_t i = 0; i < count; ++i) {
        program.arguments[i] = Ref::share(args[i]).release();
    }
    PyObject_GC_Track(object);
    return object;
}

int program_traverse(PyObject* self, visitproc visit, void* arg) {
    const Program& program = as_program(self);
    Py_VISIT(program.function);
    Py_VISIT(program.names);
    for (Py_ssize_t i = 0; i < Py_SIZE(self); ++i) {
        Py_VISIT(program.arguments[i]);
    }
    return 0;
}

void release_program(PyObject* self) noexcept {
    Program& program = as_program(self);
    const Py_ssize_t count = Py_SIZE(self);
    const Ref function = Ref::steal(std::exchange(program.function, nullptr));
    const Ref names = Ref::steal(std::exchange(program.names, nullptr));
    for (Py_ssize_t i = 0; i < count; ++i) {
        const Ref dying = Ref::steal(std::exchange(program.arguments[i], nullptr));
    }
    if (count <= kFewArguments && idle_count[count] < kMostIdle) {
        idle[count][idle_count[count]++] = self;
    } else {
        PyObject_GC_Del(self);
    }
}

void program_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    bool nests = false;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); ++i) {
        nests |= kind_of(as_program(self).arguments[i]) != Kind::unknown;
    }
    if (nests) {
        Py_TRASHCAN_BEGIN(self, program_dealloc) release_program(self);
        Py_TRASHCAN_END return;
    }
    release_program(self);
}

PyObject* program_repr(PyObject* self) {
    return PyUnicode_FromFormat("<program of %R>", as_program(self).function);
}

// calque.effects._pickling.reduce_program(function, args, kwargs)
PyObject* program_reduce(PyObject* self, PyObject*) {
    const Program& program = as_program(self);
    const Py_ssize_t by_name = program.names == nullptr ? 0 : PyTuple_GET_SIZE(program.names);
    const Py_ssize_t count = Py_SIZE(self) - by_name;
    const Ref args = Ref::steal(PyTuple_New(count));
    const Ref kwargs = Ref::steal(args ? PyDict_New() : nullptr);
    if (!kwargs) {
        return nullptr;
    }
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyTuple_SET_ITEM(args.get(), i, Ref::share(program.arguments[i]).release());
    }
    for (Py_ssize_t i = 0; i < by_name; ++i) {
        if (PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(program.names, i), program.arguments[count + i])
            < 0) {
            return nullptr;
        }
    }
    const Ref helpers = Ref::steal(PyImport_ImportModule("calque.effects._pickling"));
    return helpers ? PyObject_CallMethod(helpers.get(), "reduce_program", "OOO", program.function, args.get(),
                                         kwargs.get())
                   : nullptr;
}

PyMethodDef program_methods[] = {
    {"__reduce__", program_reduce, METH_NOARGS, "Copied and pickled as the call it is."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Program[int]: for annotations."},
    {nullptr, nullptr, 0, nullptr},
};

int do_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(as_do(self).function);
    Py_VISIT(as_do(self).dict);
    return 0;
}

int do_clear(PyObject* self) {
    // The function stays, as a handler's does (handler.cpp).
    const Ref dict = Ref::steal(std::exchange(as_do(self).dict, nullptr));
    return 0;
}

void do_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    if (as_do(self).weakrefs != nullptr) {
        PyObject_ClearWeakRefs(self);
    }
    do_clear(self);
    const Ref function = Ref::steal(std::exchange(as_do(self).function, nullptr));
    PyObject_GC_Del(self);
}

PyObject* do_get(PyObject* self, PyObject* object, PyObject*) {
    return object == nullptr || object == Py_None ? Ref::share(self).release() : PyMethod_New(self, object);
}

PyObject* do_repr(PyObject* self) { return PyUnicode_FromFormat("<do %R>", as_do(self).function); }

// Its name: pickled as functions are, and its own copy.
PyObject* do_reduce(PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__qualname__"); }

PyMethodDef do_methods[] = {
    {"__reduce__", do_reduce, METH_NOARGS, "Pickled by its name, as functions are."},
    {nullptr, nullptr, 0, nullptr},
};

PyObject* do_get_dict(PyObject* self, void* context) { return PyObject_GenericGetDict(self, context); }

PyGetSetDef do_properties[] = {
    {"__dict__", do_get_dict, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// A class method of a plain kind, e.g. staticmethod(do(f)), needs no help; a coroutine function does.
bool is_async(Borrowed function) noexcept {
    if (PyFunction_Check(function.get()) == 0) {
        return false;
    }
    const auto* const code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function.get()));
    return (code->co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

}  // namespace

Ref make_do_function(Borrowed function) noexcept {
    if (PyCallable_Check(function.get()) == 0 || is_async(function)) {
        PyErr_Format(PyExc_TypeError, "do expects a function or generator function, got %R", function.get());
        return {};
    }
    DoFunction* const made = PyObject_GC_New(DoFunction, &do_function_type);
    if (made == nullptr) {
        return {};
    }
    made->function = Ref::share(function).release();
    made->vectorcall = do_call;
    made->dict = nullptr;
    made->weakrefs = nullptr;
    Ref self = Ref::steal(reinterpret_cast<PyObject*>(made));
    PyObject_GC_Track(self.get());
    // __name__, __doc__, __module__, __wrapped__ and the like.
    const Ref functools = Ref::steal(PyImport_ImportModule("functools"));
    const Ref done = Ref::steal(
        functools ? PyObject_CallMethod(functools.get(), "update_wrapper", "OO", self.get(), function.get())
                  : nullptr);
    if (!done) {
        return {};
    }
    return self;
}

bool create_program_types() noexcept {
    PyTypeObject& program = program_type;
    program = {PyVarObject_HEAD_INIT(nullptr, 0)};
    program.tp_name = "calque.effects.Program";
    program.tp_doc =
        "A call of a @do function that has not run: run() runs it, and so does a yield in another program.";
    program.tp_basicsize = offsetof(Program, arguments);
    program.tp_itemsize = sizeof(PyObject*);
    program.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
    program.tp_dealloc = program_dealloc;
    program.tp_traverse = program_traverse;
    program.tp_repr = program_repr;
    program.tp_methods = program_methods;
    PyTypeObject& function = do_function_type;
    function.tp_name = "calque.effects.DoFunction";
    function.tp_doc = "A function decorated with do: called, it makes a Program.";
    function.tp_basicsize = sizeof(DoFunction);
    function.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
                      | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION;
    function.tp_call = PyVectorcall_Call;
    function.tp_vectorcall_offset = offsetof(DoFunction, vectorcall);
    function.tp_dictoffset = offsetof(DoFunction, dict);
    function.tp_weaklistoffset = offsetof(DoFunction, weakrefs);
    function.tp_dealloc = do_dealloc;
    function.tp_traverse = do_traverse;
    function.tp_clear = do_clear;
    function.tp_descr_get = do_get;
    function.tp_repr = do_repr;
    function.tp_getset = do_properties;
    function.tp_methods = do_methods;
    return PyType_Ready(&program) == 0 && PyType_Ready(&function) == 0;
}

}  // namespace calque::effects
