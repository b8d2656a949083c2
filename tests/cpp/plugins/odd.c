/* tests/cpp/plugins/odd.c: handlers that break the contract of calque/abi.h, one way each, for any class. */
#include <calque/abi.h>
#include <string.h>

static const calque_api* calque;

/* -- functions that keep to the contract, and those that do not; a handler is put together from their names -- */

static PyObject* copy_itself(const calque_handler* self, calque_context* context, PyObject* original) {
    (void)self;
    (void)context;
    return Py_NewRef(original);
}

static PyObject* copy_null(const calque_handler* self, calque_context* context, PyObject* original) {
    (void)self;
    (void)context;
    (void)original;
    return NULL;
}

static calque_step begin_done(const calque_handler* self, calque_context* context, calque_frame* frame) {
    (void)self;
    (void)context;
    return (calque_step){Py_NewRef(frame->original), CALQUE_DONE};
}

static calque_step begin_child(const calque_handler* self, calque_context* context, calque_frame* frame) {
    (void)self;
    (void)context;
    (void)frame;
    return (calque_step){Py_None, CALQUE_CHILD};
}

static calque_step begin_error(const calque_handler* self, calque_context* context, calque_frame* frame) {
    (void)self;
    (void)context;
    (void)frame;
    return (calque_step){NULL, CALQUE_ERROR};
}

static calque_step begin_without_copy(const calque_handler* self, calque_context* context,
                                      calque_frame* frame) {
    (void)self;
    (void)context;
    (void)frame;
    return (calque_step){NULL, CALQUE_DONE};
}

static calque_step begin_outcome_7(const calque_handler* self, calque_context* context, calque_frame* frame) {
    (void)self;
    (void)context;
    (void)frame;
    return (calque_step){NULL, 7};
}

static calque_step begin_decline(const calque_handler* self, calque_context* context, calque_frame* frame) {
    (void)self;
    (void)context;
    (void)frame;
    return (calque_step){NULL, CALQUE_DECLINE};
}

static calque_step resume_done(const calque_handler* self, calque_context* context, calque_frame* frame,
                               PyObject* child_copy) {
    (void)self;
    (void)context;
    (void)frame;
    return (calque_step){child_copy, CALQUE_DONE};
}

static calque_step resume_error(const calque_handler* self, calque_context* context, calque_frame* frame,
                                PyObject* child_copy) {
    (void)self;
    (void)context;
    (void)frame;
    Py_DECREF(child_copy);
    return (calque_step){NULL, CALQUE_ERROR};
}

static calque_step resume_decline(const calque_handler* self, calque_context* context, calque_frame* frame,
                                  PyObject* child_copy) {
    (void)self;
    (void)context;
    (void)frame;
    Py_DECREF(child_copy);
    return (calque_step){NULL, CALQUE_DECLINE};
}

static void drop_nothing(const calque_handler* self, calque_frame* frame) {
    (void)self;
    (void)frame;
}

/* add(type_or_None, name_or_None, functions, flags, missing_bytes): registers what the arguments describe. */
static PyObject* odd_add(PyObject* module, PyObject* args) {
    static char name_of_last[64];
    PyObject* type;
    const char *name, *functions;
    unsigned int flags;
    Py_ssize_t missing;
    calque_handler handler = {.size = sizeof(calque_handler)};
    (void)module;
    if (!PyArg_ParseTuple(args, "OzsIn", &type, &name, &functions, &flags, &missing)) {
        return NULL;
    }
    handler.size -= (size_t)missing;
    if (name != NULL) {
        strncpy(name_of_last, name, sizeof(name_of_last) - 1);
        handler.name = name_of_last;
    }
    handler.type = type == Py_None ? NULL : (PyTypeObject*)type;
    handler.flags = flags;
#define CHOOSE(slot, function)               \
 if (strstr(functions, #function) != NULL) { \
  handler.slot = function;                   \
 }
    CHOOSE(copy, copy_itself)
    CHOOSE(copy, copy_null)
    CHOOSE(begin, begin_done)
    CHOOSE(begin, begin_child)
    CHOOSE(begin, begin_error)
    CHOOSE(begin, begin_without_copy)
    CHOOSE(begin, begin_outcome_7)
    CHOOSE(begin, begin_decline)
    CHOOSE(resume, resume_done)
    CHOOSE(resume, resume_error)
    CHOOSE(resume, resume_decline)
    CHOOSE(drop, drop_nothing)
    return calque->add(&handler) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject* odd_remove(PyObject* module, PyObject* type) {
    (void)module;
    return calque->remove((PyTypeObject*)type) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"add", odd_add, METH_VARARGS, NULL},
    {"remove", odd_remove, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "odd", .m_size = -1,
                                        .m_methods = functions};

PyMODINIT_FUNC PyInit_odd(void) {
    PyObject* module;
    calque = (const calque_api*)PyCapsule_Import(CALQUE_CAPSULE_NAME, 0);
    module = calque == NULL ? NULL : PyModule_Create(&definition);
    if (module != NULL
        && (PyModule_AddIntMacro(module, CALQUE_SUBCLASSES) < 0
            || PyModule_AddIntMacro(module, CALQUE_PURE) < 0
            || PyModule_AddIntMacro(module, CALQUE_ATOMIC) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}
