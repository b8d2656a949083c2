/* An extension module that is preloaded as well: malloc, calloc and realloc of the whole process, of which chosen ones fail.
 *
 * With PYTHONMALLOC=malloc the interpreter's objects come from here, and so does what C++ code allocates: one counter numbers them all, and
 * one balance sees what anybody leaks. Blocks only: their sizes depend on what the C library had at hand. Only the thread that makes the
 * call runs out of memory: another one, which may have its turn meanwhile, would end with an error of its own. The balance is for one thread.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <stddef.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void __libc_free(void*);

/* Preloaded, so its place is known from the start: no allocation when a thread first asks. */
static _Thread_local int armed __attribute__((tls_model("initial-exec")));
static long number, first_to_fail, last_to_fail, refused;
static long blocks;

static int fails(void) {
    if (!armed) {
        return 0;
    }
    ++number;
    if (number < first_to_fail || number > last_to_fail) {
        return 0;
    }
    ++refused;
    errno = ENOMEM;
    return 1;
}

void* malloc(size_t size) {
    void* block = fails() ? NULL : __libc_malloc(size);
    blocks += block != NULL;
    return block;
}

void* calloc(size_t count, size_t size) {
    void* block = fails() ? NULL : __libc_calloc(count, size);
    blocks += block != NULL;
    return block;
}

void* realloc(void* old, size_t size) {
    if (size == 0 && old != NULL) {
        free(old);
        return NULL;
    }
    void* block = fails() ? NULL : __libc_realloc(old, size);
    blocks += old == NULL && block != NULL;
    return block;
}

void free(void* block) {
    blocks -= block != NULL;
    __libc_free(block);
}

/* call(function, arguments, first, last): function(*arguments), in which the allocations from `first` to `last` (1 is the first) fail. */
static PyObject* call(PyObject* self, PyObject* args) {
    (void)self;
    PyObject *function, *arguments;
    if (!PyArg_ParseTuple(args, "OO!ll", &function, &PyTuple_Type, &arguments, &first_to_fail,
                          &last_to_fail)) {
        return NULL;
    }
    number = refused = 0;
    armed = 1;
    PyObject* result = PyObject_Call(function, arguments, NULL);
    armed = 0;
    return result;
}

static PyObject* get_refused(PyObject* self, PyObject* none) {
    (void)self, (void)none;
    return PyLong_FromLong(refused);
}

static PyObject* get_numbered(PyObject* self, PyObject* none) {
    (void)self, (void)none;
    return PyLong_FromLong(number);
}

static PyObject* get_blocks(PyObject* self, PyObject* none) {
    (void)self, (void)none;
    return PyLong_FromLong(blocks);
}

static PyMethodDef methods[] = {
    {"call", call, METH_VARARGS,
     "call(function, arguments, first, last): the call, with these allocations failing."},
    {"refused", get_refused, METH_NOARGS, "How many allocations failed in the last call."},
    {"numbered", get_numbered, METH_NOARGS, "How many allocations were asked for in the last call."},
    {"blocks", get_blocks, METH_NOARGS, "How many blocks are allocated in this process."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "failing_malloc", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_failing_malloc(void) { return PyModule_Create(&module); }
