// handlers/bytearray.cpp: bytearray. Semantics: bytearray.__reduce_ex__ (Objects/bytearrayobject.c) makes
// `bytearray(bytes)`; nothing in it can refer to anything, so the copy is one allocation.
#include "handlers.hpp"
#include "native.hpp"

namespace calque {

namespace {

Ref copy_bytes(Borrowed original) noexcept {
    return Ref::steal(PyByteArray_FromStringAndSize(PyByteArray_AS_STRING(original.get()),
                                                    PyByteArray_GET_SIZE(original.get())));
}

Ref copy(CopyContext&, Borrowed original) noexcept { return copy_bytes(original); }

PyObject* copy_leaf(PyObject* original) noexcept { return copy_bytes(original).release(); }

}  // namespace

const HandlerSpec bytearray_handler =
    primitives::leaf(with_shallow<copy_bytes>(simple_handler<copy>("bytearray", &PyByteArray_Type,
                                                                   CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE)),
                     &copy_leaf);

}  // namespace calque
