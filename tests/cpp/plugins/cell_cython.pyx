# cython: language_level=3
# tests/cpp/plugins/cell_cython.pyx: both kinds of handlers for an extension type in Cython; see cell_c.c.
from cpython.exc cimport PyErr_SetObject
from cpython.pycapsule cimport PyCapsule_Import
from cpython.ref cimport Py_INCREF, PyObject, PyTypeObject
from libc.stdint cimport intptr_t, uint32_t, uint64_t

cdef extern from "calque/abi.h":
    const char* CALQUE_CAPSULE_NAME
    enum: CALQUE_ABI_MAJOR, CALQUE_ERROR, CALQUE_DONE, CALQUE_CHILD

    ctypedef struct calque_context:
        pass
    ctypedef struct calque_step:
        PyObject* object
        intptr_t outcome
    ctypedef struct calque_frame:
        PyObject* original
        PyObject* copy
        uint64_t data[6]
    ctypedef struct calque_handler:
        size_t size
        const char* name
        PyTypeObject* type
        PyObject* (*copy)(const calque_handler*, calque_context*, PyObject*) except NULL
        calque_step (*begin)(const calque_handler*, calque_context*, calque_frame*) noexcept
        calque_step (*resume)(const calque_handler*, calque_context*, calque_frame*, PyObject*) noexcept
        void (*drop)(const calque_handler*, calque_frame*) noexcept
    ctypedef struct calque_api:
        size_t size
        uint32_t major
        int (*add)(const calque_handler*) except -1
        int (*remove)(PyTypeObject*) except -1
        PyObject* (*copy)(calque_context*, PyObject*) except NULL
        int (*remember)(calque_context*, PyObject*, PyObject*) except -1

cdef const calque_api* calque = <const calque_api*>PyCapsule_Import(CALQUE_CAPSULE_NAME, 0)
if calque.major != CALQUE_ABI_MAJOR or calque.size < sizeof(calque_api):
    raise ImportError("cell_cython was built for another calque")


cdef class Cell:
    cdef public object value
    cdef public object next

    def __init__(self, value=None, next=None):
        self.value = value
        self.next = next


# What the C API calls a new reference, as Cython holds one.
cdef object owned(PyObject* new_reference):
    made = <object>new_reference
    Py_DECREF_of(new_reference)
    return made


cdef extern from *:
    void Py_DECREF_of "Py_DECREF"(PyObject*)


cdef PyObject* copy_cell(const calque_handler* self, calque_context* context, PyObject* original) except NULL:
    cdef Cell cell = <Cell>original
    cdef Cell made = Cell.__new__(Cell)
    calque.remember(context, original, <PyObject*>made)
    made.value = owned(calque.copy(context, <PyObject*>cell.value))
    made.next = owned(calque.copy(context, <PyObject*>cell.next))
    Py_INCREF(made)
    return <PyObject*>made


cdef calque_step begin_cell(const calque_handler* self, calque_context* context, calque_frame* frame) noexcept:
    cdef calque_step step
    cdef Cell made
    frame.data[0] = 0
    try:
        made = Cell.__new__(Cell)
        Py_INCREF(made)
        frame.copy = <PyObject*>made
        step.object = <PyObject*>(<Cell>frame.original).value
        step.outcome = CALQUE_CHILD
    except BaseException as error:
        PyErr_SetObject(type(error), error)
        step.object = NULL
        step.outcome = CALQUE_ERROR
    return step


cdef calque_step resume_cell(
        const calque_handler* self, calque_context* context, calque_frame* frame, PyObject* child_copy) noexcept:
    cdef calque_step step
    if frame.data[0] == 0:
        frame.data[0] = 1
        (<Cell>frame.copy).value = owned(child_copy)
        step.object = <PyObject*>(<Cell>frame.original).next
        step.outcome = CALQUE_CHILD
    else:
        (<Cell>frame.copy).next = owned(child_copy)
        step.object = NULL
        step.outcome = CALQUE_DONE
    return step


cdef void drop_cell(const calque_handler* self, calque_frame* frame) noexcept:
    pass


def register(kind):
    cdef calque_handler handler
    memset(&handler, 0, sizeof(handler))
    handler.size = sizeof(handler)
    handler.name = b"cell"
    handler.type = <PyTypeObject*>Cell
    if kind == "simple":
        handler.copy = copy_cell
    else:
        handler.begin = begin_cell
        handler.resume = resume_cell
        handler.drop = drop_cell
    calque.add(&handler)


def unregister():
    calque.remove(<PyTypeObject*>Cell)


cdef extern from "string.h":
    void* memset(void*, int, size_t)
