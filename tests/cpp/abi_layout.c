/* tests/cpp/abi_layout.c: the header of the ABI is C11, and has the layout of ABI 1.0 there. */
#include "abi_layout.h"

/* The signatures: an initializer of another type is an error. */
static int add(const calque_handler* handler) { return handler != NULL; }
static int remove_type(PyTypeObject* type) { return type != NULL; }
static PyObject* copy(calque_context* context, PyObject* child) { return context != NULL ? child : NULL; }
static int publish(calque_context* context, calque_frame* frame) { return context != NULL && frame != NULL; }
static int remember(calque_context* context, PyObject* original, PyObject* made) {
    return context != NULL && original != made;
}
static int one_object(calque_context* context, PyObject* object) { return context != NULL && object != NULL; }
static int before_python(calque_context* context) { return context != NULL; }
static void after_python(calque_context* context) { (void)context; }
static PyObject* memo(calque_context* context) { return (PyObject*)context; }
static PyObject* deepcopy(PyObject* object, PyObject* memo_or_null) {
    return memo_or_null != NULL ? object : NULL;
}
static PyObject* shallow_copy(PyObject* object) { return object; }

extern const calque_api calque_test_api;
const calque_api calque_test_api = {
    .size = sizeof(calque_api),
    .major = CALQUE_ABI_MAJOR,
    .minor = CALQUE_ABI_MINOR,
    .add = add,
    .remove = remove_type,
    .copy = copy,
    .publish = publish,
    .remember = remember,
    .keep_alive = one_object,
    .is_atomic = one_object,
    .before_python = before_python,
    .after_python = after_python,
    .memo = memo,
    .deepcopy = deepcopy,
    .shallow_copy = shallow_copy,
};

static PyObject* simple(const calque_handler* self, calque_context* context, PyObject* original) {
    (void)self;
    (void)context;
    return original;
}
static calque_step begin(const calque_handler* self, calque_context* context, calque_frame* frame) {
    (void)self;
    (void)context;
    return (calque_step){frame->original, CALQUE_DONE};
}
static calque_step resume(const calque_handler* self, calque_context* context, calque_frame* frame,
                          PyObject* child_copy) {
    (void)self;
    (void)context;
    (void)frame;
    return (calque_step){child_copy, CALQUE_DONE};
}
static void drop(const calque_handler* self, calque_frame* frame) {
    (void)self;
    (void)frame;
}
static PyObject* shallow(const calque_handler* self, PyObject* original) {
    (void)self;
    return original;
}
static void release(void* user) { (void)user; }

extern const calque_handler calque_test_handler;
const calque_handler calque_test_handler = {
    .size = sizeof(calque_handler),
    .name = "layout",
    .type = &PyList_Type,
    .flags = CALQUE_SUBCLASSES | CALQUE_PURE | CALQUE_ASK_AGAIN | CALQUE_ATOMIC | CALQUE_STANDS_FOR_REDUCE,
    .reserved = 0,
    .copy = simple,
    .begin = begin,
    .resume = resume,
    .drop = drop,
    .shallow = shallow,
    .user = NULL,
    .release = release,
    .mirrors = NULL,
};
