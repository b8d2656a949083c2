/* An extension type in plain C that calque copies: an interval of two numbers, with a label that may be any object. */
#include <calque/abi.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD
    double low, high;
    PyObject* label;
} Interval;

static int interval_init(PyObject* self, PyObject* args, PyObject* kwargs) {
    static char* names[] = {"low", "high", "label", NULL};
    Interval* interval = (Interval*)self;
    PyObject *label = Py_None, *before = interval->label;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "dd|O", names, &interval->low, &interval->high, &label)) {
        return -1;
    }
    Py_INCREF(label);
    interval->label = label;
    Py_XDECREF(before);
    return 0;
}

static int interval_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(((Interval*)self)->label);
    return 0;
}

static int interval_clear(PyObject* self) {
    Py_CLEAR(((Interval*)self)->label);
    return 0;
}

static void interval_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    interval_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef interval_members[] = {
    {"low", T_DOUBLE, offsetof(Interval, low), 0, NULL},
    {"high", T_DOUBLE, offsetof(Interval, high), 0, NULL},
    {"label", T_OBJECT, offsetof(Interval, label), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject Interval_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "interval.Interval",
    .tp_basicsize = sizeof(Interval),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = interval_init,
    .tp_dealloc = interval_dealloc,
    .tp_traverse = interval_traverse,
    .tp_clear = interval_clear,
    .tp_members = interval_members,
};

static const calque_api* calque;

static PyObject* copy_interval(const calque_handler* self, calque_context* context, PyObject* original) {
    const Interval* from = (Interval*)original;
    Interval* to = (Interval*)Interval_Type.tp_alloc(&Interval_Type, 0);
    (void)self;
    if (to == NULL || calque->remember(context, original, (PyObject*)to) < 0) {
        Py_XDECREF(to);
        return NULL;
    }
    to->low = from->low;
    to->high = from->high;
    if (from->label != NULL && (to->label = calque->copy(context, from->label)) == NULL) {
        Py_CLEAR(to);
    }
    return (PyObject*)to;
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "interval", .m_size = -1};

PyMODINIT_FUNC PyInit_interval(void) {
    const calque_handler handler = {
        .size = sizeof handler,
        .name = "interval",
        .type = &Interval_Type,
        .copy = copy_interval,
    };
    PyObject* module;
    calque = PyCapsule_Import(CALQUE_CAPSULE_NAME, 0);
    if (calque == NULL) {
        return NULL;
    }
    if (calque->major != CALQUE_ABI_MAJOR || calque->size < sizeof(calque_api)) {
        PyErr_SetString(PyExc_ImportError, "interval was built for another version of calque");
        return NULL;
    }
    module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddType(module, &Interval_Type) < 0 || calque->add(&handler) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
    return module;
}
