// runtime/explain/copy_size.cpp: see copy_size.hpp.
#include "copy_size.hpp"

#include "primitives/instance_values.hpp"

namespace calque::explain {

namespace {

std::size_t times(Py_ssize_t count, std::size_t size) noexcept {
    return static_cast<std::size_t>(count < 0 ? -count : count) * size;
}

// `type.__sizeof__(x)`, of a builtin type: C code.
std::size_t said_by(PyTypeObject* type, Borrowed x) noexcept {
    const Ref size =
        Ref::steal(PyObject_CallMethod(reinterpret_cast<PyObject*>(type), "__sizeof__", "O", x.get()));
    const std::size_t bytes = size ? PyLong_AsSize_t(size.get()) : 0;
    if (PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        return 0;
    }
    return bytes;
}

std::size_t attributes(Borrowed x) noexcept {
    if (x.type()->tp_dictoffset == 0) {
        return 0;
    }
    instance_values::View view;
    if (instance_values::read(x, view)) {
        return times(view.size, sizeof(PyObject*));
    }
    const Borrowed dict = instance_values::dict_of(x);
    return dict && PyDict_CheckExact(dict.get()) ? said_by(&PyDict_Type, dict) : 0;
}

// Of a type that Python code can neither make nor change, so that no `__buffer__` is called.
std::size_t buffer(Borrowed x) noexcept {
    PyTypeObject* const type = x.type();
    const bool in_c =
        !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) || PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE);
    if (!in_c || type->tp_as_buffer == nullptr || type->tp_as_buffer->bf_getbuffer == nullptr) {
        return 0;
    }
    Py_buffer view;
    if (PyObject_GetBuffer(x.get(), &view, PyBUF_FULL_RO) != 0) {
        PyErr_Clear();
        return 0;
    }
    const std::size_t bytes = times(view.len, 1);
    PyBuffer_Release(&view);
    return bytes;
}

}  // namespace

std::size_t copy_size(Borrowed x) noexcept {
    PyObject* const object = x.get();
    PyTypeObject* const type = x.type();
    const std::size_t head = PyObject_IS_GC(object) ? 2 * sizeof(void*) : 0;
    if (PyDict_Check(object)) {
        return head + said_by(&PyDict_Type, x) + (PyDict_CheckExact(object) ? 0 : attributes(x));
    }
    if (PyAnySet_Check(object)) {
        return head + said_by(PySet_Check(object) ? &PySet_Type : &PyFrozenSet_Type, x) + attributes(x);
    }
    if (PyLong_Check(object)) {
        // Its size is also its sign, and since 3.12 no count of digits.
        return head + said_by(&PyLong_Type, x) + attributes(x);
    }
    std::size_t bytes = head + times(type->tp_basicsize, 1) + attributes(x);
    if (PyList_Check(object)) {
        bytes += times(reinterpret_cast<PyListObject*>(object)->allocated, sizeof(PyObject*));
    } else if (PyByteArray_Check(object)) {
        bytes += times(reinterpret_cast<PyByteArrayObject*>(object)->ob_alloc, 1);
    } else if (type->tp_itemsize != 0) {
        bytes += times(Py_SIZE(object), static_cast<std::size_t>(type->tp_itemsize));
    } else {
        bytes += buffer(x);
    }
    return bytes;
}

}  // namespace calque::explain
