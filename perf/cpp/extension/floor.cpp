// perf/cpp/extension/floor.cpp: the Python type Floor: a compiled graph, rebuilt once or many times.
#include "extension.hpp"
#include "layouts.hpp"

#if PERF_HAVE_FLOOR

# include "floor_program.hpp"
# include "timing.hpp"

# include <memory>
# include <new>

namespace perf {
namespace {

using calque::Ref;

struct Compiled {
    Program program;
    std::vector<PyObject*> registers;
    std::vector<char*> bases;

    PyObject* build() { return replay(program, registers.data(), bases.data()); }
};

struct FloorObject {
    PyObject_HEAD
    Compiled* compiled;
};

// Before 3.12 an allocation may run the collector, which must not see what is half built.
class NoCollector {
public:
    NoCollector() : on_(PY_VERSION_HEX < 0x030C0000 && PyGC_Disable() != 0) {}
    ~NoCollector() {
        if (on_) {
            PyGC_Enable();
        }
    }
    NoCollector(const NoCollector&) = delete;
    NoCollector& operator=(const NoCollector&) = delete;

private:
    bool on_;
};

PyObject* floor_new(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject* x = nullptr;
    if (PyArg_ParseTuple(args, "O:Floor", &x) == 0) {
        return nullptr;
    }
    auto compiled = std::make_unique<Compiled>();
    if (!compile(x, compiled->program)) {
        return nullptr;
    }
    compiled->registers.resize(compiled->program.registers + 1);
    compiled->bases.resize(compiled->program.depth + 1);
    PyObject* self = type->tp_alloc(type, 0);
    if (self != nullptr) {
        reinterpret_cast<FloorObject*>(self)->compiled = compiled.release();
    }
    return self;
}

void floor_dealloc(PyObject* self) {
    delete reinterpret_cast<FloorObject*>(self)->compiled;
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* floor_build(PyObject* self, PyObject*) {
    const NoCollector quiet;
    return reinterpret_cast<FloorObject*>(self)->compiled->build();
}

PyObject* floor_timed(PyObject* self, PyObject* args) {
    long repeats = 0;
    if (PyArg_ParseTuple(args, "l:timed", &repeats) == 0) {
        return nullptr;
    }
    Compiled* compiled = reinterpret_cast<FloorObject*>(self)->compiled;
    return PyFloat_FromDouble(nanoseconds(repeats, [=] {
        const NoCollector quiet;
        return static_cast<bool>(Ref::steal(compiled->build()));
    }));
}

PyMethodDef methods[] = {
    {"build", floor_build, METH_NOARGS, "build()\n--\n\nThe graph, built anew."},
    {"timed", floor_timed, METH_VARARGS,
     "timed(repeats, /)\n--\n\nNanoseconds of building and freeing it `repeats` times."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(floor_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(floor_dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("Floor(x)\n--\n\nA straight-line program that builds a copy of x.")},
    {0, nullptr},
};

PyType_Spec spec = {"calque_perf.Floor", sizeof(FloorObject), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

int add_floor(PyObject* module) {
    const Ref type = Ref::steal(PyType_FromSpec(&spec));
    return PyModule_AddObjectRef(module, "Floor", type.get());
}

}  // namespace perf

#else

int perf::add_floor(PyObject*) { return 0; }

#endif
