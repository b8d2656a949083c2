/* A type whose __deepcopy__ reads and writes the memo as the dict it is: PyDict_GetItemWithError, PyDict_SetItem, PyDict_Next, PyDict_Size. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD
    PyObject* below;    /* copied by this type: looked up in the memo, else by calling `deepcopy` */
    PyObject* deepcopy; /* the function used for it */
    PyObject* preset;   /* a pair (object, copy) that is written into the memo, or NULL */
} Node;

static PyObject* memo_key(PyObject* object) { return PyLong_FromVoidPtr(object); }

static int node_traverse(Node* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->below);
    Py_VISIT(self->deepcopy);
    Py_VISIT(self->preset);
    return 0;
}

static int node_clear(Node* self) {
    Py_CLEAR(self->below);
    Py_CLEAR(self->deepcopy);
    Py_CLEAR(self->preset);
    return 0;
}

static void node_dealloc(Node* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    node_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject* node_deepcopy(Node* self, PyObject* memo) {
    PyObject *key, *found;
    Node* made;
    if (!PyDict_CheckExact(memo)) {
        PyErr_Format(PyExc_TypeError, "the memo is %s, not a dict", Py_TYPE(memo)->tp_name);
        return NULL;
    }
    made = (Node*)Py_TYPE(self)->tp_alloc(Py_TYPE(self), 0);
    if (made == NULL) return NULL;
    Py_XINCREF(self->deepcopy);
    made->deepcopy = self->deepcopy;
    key = memo_key((PyObject*)self);
    if (key == NULL || PyDict_SetItem(memo, key, (PyObject*)made) < 0) goto error;
    Py_CLEAR(key);
    if (self->preset != NULL) {
        key = memo_key(PyTuple_GET_ITEM(self->preset, 0));
        if (key == NULL || PyDict_SetItem(memo, key, PyTuple_GET_ITEM(self->preset, 1)) < 0) goto error;
        Py_CLEAR(key);
    }
    if (self->below != NULL) {
        key = memo_key(self->below);
        if (key == NULL) goto error;
        found = PyDict_GetItemWithError(memo, key);
        if (found != NULL)
            Py_INCREF(found);
        else if (PyErr_Occurred()
                 || (found = PyObject_CallFunctionObjArgs(self->deepcopy, self->below, memo, NULL)) == NULL)
            goto error;
        made->below = found;
        Py_CLEAR(key);
    }
    return (PyObject*)made;
error:
    Py_XDECREF(key);
    Py_DECREF(made);
    return NULL;
}

/* entries(memo): the list of its (key, value) pairs, read from the storage of the dict. */
static PyObject* entries(PyObject* module, PyObject* memo) {
    Py_ssize_t position = 0;
    PyObject *key, *value, *result;
    (void)module;
    if (!PyDict_Check(memo)) {
        PyErr_SetString(PyExc_TypeError, "a dict was expected");
        return NULL;
    }
    result = PyList_New(0);
    while (result != NULL && PyDict_Next(memo, &position, &key, &value)) {
        PyObject* pair = PyTuple_Pack(2, key, value);
        if (pair == NULL || PyList_Append(result, pair) < 0) Py_CLEAR(result);
        Py_XDECREF(pair);
    }
    if (result != NULL && PyList_GET_SIZE(result) != PyDict_Size(memo)) {
        Py_DECREF(result);
        PyErr_SetString(PyExc_AssertionError, "PyDict_Next and PyDict_Size do not agree");
        return NULL;
    }
    return result;
}

static PyMemberDef node_members[] = {
    {"below", T_OBJECT, offsetof(Node, below), 0, NULL},
    {"deepcopy", T_OBJECT, offsetof(Node, deepcopy), 0, NULL},
    {"preset", T_OBJECT, offsetof(Node, preset), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef node_methods[] = {
    {"__deepcopy__", (PyCFunction)node_deepcopy, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot node_slots[] = {
    {Py_tp_traverse, node_traverse}, {Py_tp_clear, node_clear},     {Py_tp_dealloc, node_dealloc},
    {Py_tp_members, node_members},   {Py_tp_methods, node_methods}, {0, NULL},
};

static PyType_Spec node_spec = {"c_memo.Node", sizeof(Node), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                                node_slots};

static PyMethodDef functions[] = {
    {"entries", entries, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "c_memo", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_c_memo(void) {
    PyObject* module = PyModule_Create(&definition);
    PyObject* type;
    if (module == NULL) return NULL;
    type = PyType_FromSpec(&node_spec);
    if (type == NULL || PyModule_AddObject(module, "Node", type) < 0) {
        Py_XDECREF(type);
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
