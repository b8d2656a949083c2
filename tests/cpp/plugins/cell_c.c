/* tests/cpp/plugins/cell_c.c: both kinds of handlers in plain C, for a cell of two references. The cells of the other
   bindings (cell_pybind11, cell_nanobind, cell_cython) do the same, and pass the same tests: test_sdk_bindings.py. */
#include <calque/abi.h>
#include <string.h>
#include <structmember.h>

static const calque_api* calque;
static size_t size_seen;

typedef struct {
    PyObject_HEAD
    PyObject* value;
    PyObject* next;
} Cell;

static PyTypeObject Cell_Type;

static int cell_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(((Cell*)self)->value);
    Py_VISIT(((Cell*)self)->next);
    return 0;
}

static int cell_clear(PyObject* self) {
    Py_CLEAR(((Cell*)self)->value);
    Py_CLEAR(((Cell*)self)->next);
    return 0;
}

static void cell_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    cell_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static int cell_init(PyObject* self, PyObject* args, PyObject* kwargs) {
    static char* names[] = {"value", "next", NULL};
    PyObject *value = Py_None, *next = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", names, &value, &next)) {
        return -1;
    }
    cell_clear(self);
    ((Cell*)self)->value = Py_NewRef(value);
    ((Cell*)self)->next = Py_NewRef(next);
    return 0;
}

static PyMemberDef cell_members[] = {
    {"value", T_OBJECT, offsetof(Cell, value), 0, NULL},
    {"next", T_OBJECT, offsetof(Cell, next), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject Cell_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "cell_c.Cell",
    .tp_basicsize = sizeof(Cell),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = cell_init,
    .tp_dealloc = cell_dealloc,
    .tp_traverse = cell_traverse,
    .tp_clear = cell_clear,
    .tp_members = cell_members,
};

/* SIMPLE: the copy is remembered before its parts are copied, so that a part may lead back to the cell. */
static PyObject* copy_cell(const calque_handler* self, calque_context* context, PyObject* original) {
    PyObject* copy = Cell_Type.tp_alloc(&Cell_Type, 0);
    Cell *from = (Cell*)original, *to = (Cell*)copy;
    size_seen = self->size;
    if (copy == NULL || calque->remember(context, original, copy) < 0
        || (to->value = calque->copy(context, from->value)) == NULL
        || (to->next = calque->copy(context, from->next)) == NULL) {
        Py_XDECREF(copy);
        return NULL;
    }
    return copy;
}

/* The same for cells that nothing in them leads back to: calque enters the copy in the memo when it is there. */
static PyObject* copy_cell_late(const calque_handler* self, calque_context* context, PyObject* original) {
    PyObject* copy = Cell_Type.tp_alloc(&Cell_Type, 0);
    Cell *from = (Cell*)original, *to = (Cell*)copy;
    size_seen = self->size;
    if (copy == NULL || (to->value = calque->copy(context, from->value)) == NULL
        || (to->next = calque->copy(context, from->next)) == NULL) {
        Py_XDECREF(copy);
        return NULL;
    }
    return copy;
}

/* FRAME: data[0] counts the parts that have been copied. The copy lies in the frame from the beginning, so it is published before
   its parts are copied, and drop() has nothing to do. */
static calque_step begin_cell(const calque_handler* self, calque_context* context, calque_frame* frame) {
    (void)context;
    size_seen = self->size;
    frame->data[0] = 0;
    frame->copy = Cell_Type.tp_alloc(&Cell_Type, 0);
    if (frame->copy == NULL) {
        return (calque_step){NULL, CALQUE_ERROR};
    }
    return (calque_step){((Cell*)frame->original)->value, CALQUE_CHILD};
}

static calque_step resume_cell(const calque_handler* self, calque_context* context, calque_frame* frame,
                               PyObject* child_copy) {
    Cell *from = (Cell*)frame->original, *to = (Cell*)frame->copy;
    (void)self;
    (void)context;
    if (frame->data[0]++ == 0) {
        to->value = child_copy;
        return (calque_step){from->next, CALQUE_CHILD};
    }
    to->next = child_copy;
    return (calque_step){NULL, CALQUE_DONE};
}

static void drop_cell(const calque_handler* self, calque_frame* frame) {
    (void)self;
    (void)frame;
}

/* register("simple", "late simple" or "frame", perhaps with "pure" before it) */
static PyObject* cell_register(PyObject* module, PyObject* kind) {
    calque_handler handler = {.size = sizeof(calque_handler), .name = "cell", .type = &Cell_Type};
    const char* name = PyUnicode_AsUTF8(kind);
    (void)module;
    if (name == NULL) {
        return NULL;
    }
    handler.flags = strstr(name, "pure") != NULL ? CALQUE_PURE : 0;
    if (strstr(name, "simple") != NULL) {
        handler.copy = strstr(name, "late") != NULL ? copy_cell_late : copy_cell;
    } else {
        handler.begin = begin_cell;
        handler.resume = resume_cell;
        handler.drop = drop_cell;
    }
    return calque->add(&handler) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject* cell_unregister(PyObject* module, PyObject* ignored) {
    (void)module;
    (void)ignored;
    return calque->remove(&Cell_Type) < 0 ? NULL : Py_NewRef(Py_None);
}

/* The size of calque_handler that a handler of ours has seen last, and the one that we know. */
static PyObject* cell_sizes(PyObject* module, PyObject* ignored) {
    (void)module;
    (void)ignored;
    return Py_BuildValue("nn", (Py_ssize_t)size_seen, (Py_ssize_t)sizeof(calque_handler));
}

static PyMethodDef functions[] = {
    {"register", cell_register, METH_O, NULL},
    {"unregister", cell_unregister, METH_NOARGS, NULL},
    {"sizes", cell_sizes, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "cell_c", .m_size = -1,
                                        .m_methods = functions};

PyMODINIT_FUNC PyInit_cell_c(void) {
    PyObject* module;
    calque = (const calque_api*)PyCapsule_Import(CALQUE_CAPSULE_NAME, 0);
    if (calque == NULL || PyType_Ready(&Cell_Type) < 0) {
        return NULL;
    }
    if (calque->major != CALQUE_ABI_MAJOR || calque->size < sizeof(calque_api)) {
        PyErr_SetString(PyExc_ImportError, "cell_c was built for another calque");
        return NULL;
    }
    module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddObjectRef(module, "Cell", (PyObject*)&Cell_Type) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
