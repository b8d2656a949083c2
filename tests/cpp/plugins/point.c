/* tests/cpp/plugins/point.c: an extension type in plain C with a SIMPLE handler. It sees calque/abi.h and nothing else. */
#include <calque/abi.h>
#include <structmember.h>

static const calque_api* calque;

typedef struct {
    PyObject_HEAD
    PyObject* x;
    PyObject* y;
} Point;

static PyTypeObject Point_Type;

static int point_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(((Point*)self)->x);
    Py_VISIT(((Point*)self)->y);
    return 0;
}

static int point_clear(PyObject* self) {
    Py_CLEAR(((Point*)self)->x);
    Py_CLEAR(((Point*)self)->y);
    return 0;
}

static void point_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, point_dealloc) point_clear(self);
    Py_TYPE(self)->tp_free(self);
    Py_TRASHCAN_END
}

static int point_init(PyObject* self, PyObject* args, PyObject* kwargs) {
    static char* names[] = {"x", "y", NULL};
    PyObject *x = Py_None, *y = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", names, &x, &y)) {
        return -1;
    }
    point_clear(self);
    ((Point*)self)->x = Py_NewRef(x);
    ((Point*)self)->y = Py_NewRef(y);
    return 0;
}

static PyMemberDef point_members[] = {
    {"x", T_OBJECT, offsetof(Point, x), 0, NULL},
    {"y", T_OBJECT, offsetof(Point, y), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject Point_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "point.Point",
    .tp_basicsize = sizeof(Point),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = point_init,
    .tp_dealloc = point_dealloc,
    .tp_traverse = point_traverse,
    .tp_clear = point_clear,
    .tp_members = point_members,
};

/* The copy is remembered before its parts are copied, so that a part may lead back to the point. */
static PyObject* copy_point(const calque_handler* self, calque_context* context, PyObject* original) {
    PyTypeObject* type = Py_TYPE(original);
    PyObject* copy = type->tp_alloc(type, 0);
    PyObject* part;
    (void)self;
    if (copy == NULL || calque->remember(context, original, copy) < 0) {
        Py_XDECREF(copy);
        return NULL;
    }
    part = ((Point*)original)->x;
    if (part != NULL && (((Point*)copy)->x = calque->copy(context, part)) == NULL) {
        Py_DECREF(copy);
        return NULL;
    }
    part = ((Point*)original)->y;
    if (part != NULL && (((Point*)copy)->y = calque->copy(context, part)) == NULL) {
        Py_DECREF(copy);
        return NULL;
    }
    return copy;
}

static PyObject* point_register(PyObject* module, PyObject* args) {
    calque_handler handler = {
        .size = sizeof(calque_handler), .name = "point", .type = &Point_Type, .copy = copy_point};
    unsigned int flags = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "|I", &flags)) {
        return NULL;
    }
    handler.flags = flags;
    return calque->add(&handler) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject* point_unregister(PyObject* module, PyObject* ignored) {
    (void)module;
    (void)ignored;
    return calque->remove(&Point_Type) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject* point_deepcopy(PyObject* module, PyObject* args) {
    PyObject *object, *memo = NULL;
    (void)module;
    return PyArg_ParseTuple(args, "O|O", &object, &memo) ? calque->deepcopy(object, memo) : NULL;
}

static PyObject* point_shallow_copy(PyObject* module, PyObject* object) {
    (void)module;
    return calque->shallow_copy(object);
}

static PyObject* point_version(PyObject* module, PyObject* ignored) {
    (void)module;
    (void)ignored;
    return Py_BuildValue("(nII)", (Py_ssize_t)calque->size, calque->major, calque->minor);
}

static PyMethodDef functions[] = {
    {"register", point_register, METH_VARARGS, NULL}, {"unregister", point_unregister, METH_NOARGS, NULL},
    {"deepcopy", point_deepcopy, METH_VARARGS, NULL}, {"shallow_copy", point_shallow_copy, METH_O, NULL},
    {"version", point_version, METH_NOARGS, NULL},    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "point", .m_size = -1,
                                        .m_methods = functions};

PyMODINIT_FUNC PyInit_point(void) {
    PyObject* module;
    calque = (const calque_api*)PyCapsule_Import(CALQUE_CAPSULE_NAME, 0);
    if (calque == NULL || PyType_Ready(&Point_Type) < 0) {
        return NULL;
    }
    if (calque->major != CALQUE_ABI_MAJOR || calque->size < sizeof(calque_api)) {
        PyErr_SetString(PyExc_ImportError, "point was built for another calque");
        return NULL;
    }
    module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddObjectRef(module, "Point", (PyObject*)&Point_Type) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
