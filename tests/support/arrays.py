"""numpy's arrays: dtypes, layouts, and what there is to say about one. numpy may be absent; then nothing here may be called."""

import ctypes

try:
    import numpy as np

    try:
        from numpy._core import _multiarray_umath as umath
    except ImportError:
        from numpy.core import _multiarray_umath as umath
except ImportError:
    np = None

PLAIN_BYTES = 64 * 1024  # what the plugin copies without asking numpy

DTYPES = [
    "?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d", "g", "F", "D", "G", ">f8", ">i2", ">U3", "S5", "U3", "M8[D]", "m8[s]", ">M8[us]",
    "V3", [("a", "i1"), ("b", "f8")], {"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [0, 8], "itemsize": 24}, [("x", "f4", (2, 2)), ("y", "S3")], "O",
]


def filled(shape, dtype):
    """A C-contiguous array whose bytes differ from their neighbours; a list in each element of an array of objects."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape))
    if dtype.hasobject:
        flat = np.zeros(size, dtype)
        for i in range(size):
            flat[i] = [i]
    elif dtype.kind == "U":
        letters = (65 + np.arange(size * dtype.itemsize // 4) % 26).astype(np.uint32)
        flat = letters.view(dtype.newbyteorder("=")).astype(dtype)
    else:
        flat = (np.arange(size * dtype.itemsize) % 251).astype(np.uint8).view(dtype)
    return flat.reshape(shape)


def unaligned(array):
    """The same elements one byte off; of objects, which cannot lie so, as they are."""
    if array.dtype.hasobject:
        return array
    room = np.zeros(array.nbytes + 1, np.uint8)
    off = room[1:].view(array.dtype).reshape(array.shape)
    off[...] = array
    return off


def read_only(array):
    array.flags.writeable = False
    return array


LAYOUTS = {
    "contiguous": lambda make: make((3, 4)),
    "one": lambda make: make((1,)),
    "line": lambda make: make((7,)),
    "without dimensions": lambda make: make(()),
    "fortran": lambda make: make((3, 4)).copy(order="F"),
    "transposed": lambda make: make((2, 3, 4)).transpose(1, 2, 0),
    "every second": lambda make: make((9,))[::2],
    "backwards": lambda make: make((5,))[::-1],
    "backwards in one dimension": lambda make: make((3, 4))[:, ::-1],
    "backwards in all": lambda make: make((2, 3, 4))[::-1, ::-1, ::-1],
    "column": lambda make: make((4, 3))[:, 1],
    "broadcast": lambda make: np.broadcast_to(make((3,)), (2, 3)),
    "broadcast in the middle": lambda make: np.broadcast_to(make((2, 1, 3)), (2, 4, 3)),
    "one element everywhere": lambda make: np.broadcast_to(make(()), (2, 2)),
    "empty": lambda make: make((0,)),
    "empty rows": lambda make: make((3, 0)),
    "no rows": lambda make: make((0, 3)).copy(order="F"),
    "dimensions of one": lambda make: make((1, 3, 1, 2))[:, ::-1],
    "read-only": lambda make: read_only(make((3,))),
    "unaligned": lambda make: unaligned(make((3, 2))),
    "view": lambda make: make((4, 4))[1:3],
    "six dimensions": lambda make: make((1, 2, 1, 2, 2, 1)).transpose(3, 1, 5, 0, 4, 2),
}


def layout(array):
    """All that can be said of an array but its elements. The base is not: a copy has none, or the interpreter's answer would show."""
    flags = {name: array.flags[name] for name in ("C", "F", "O", "W", "A", "X")}
    return type(array), array.dtype, array.dtype.metadata, array.shape, array.strides, flags, array.base is None


def content(array):
    """The bytes of each element; of objects, their values. Padding is nobody's."""
    if array.dtype.hasobject or array.dtype.names:
        return repr(array.tolist())
    return array.tobytes("A")


def described(array):
    return layout(array), content(array)


def _api():
    """The addresses of numpy's C functions and objects, by number (numpy/__multiarray_api.h)."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return ctypes.cast(pointer(umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))


def default_allocator():
    """The capsule PyDataMem_DefaultHandler."""
    return ctypes.cast(_api()[306], ctypes.POINTER(ctypes.py_object))[0]


class Allocator(ctypes.Structure):
    """PyDataMem_Handler of numpy/ndarraytypes.h, with functions in Python."""

    _MALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    _CALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
    _REALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    _FREE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    _fields_ = [("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("ctx", ctypes.c_void_p),
                ("malloc", _MALLOC), ("calloc", _CALLOC), ("realloc", _REALLOC), ("free", _FREE)]

    @classmethod
    def made(cls, given):
        """`given(size)` is called before each allocation."""
        c = ctypes.CDLL(None)
        c.calloc.restype = c.realloc.restype = ctypes.c_void_p
        c.free.argtypes = [ctypes.c_void_p]
        c.calloc.argtypes, c.realloc.argtypes = [ctypes.c_size_t] * 2, [ctypes.c_void_p, ctypes.c_size_t]

        def malloc(ctx, size):
            given(size)
            return c.calloc(1, size)

        return cls(b"allocator of the tests", 1, None, cls._MALLOC(malloc), cls._CALLOC(lambda ctx, n, size: c.calloc(n, size)),
                   cls._REALLOC(lambda ctx, old, size: c.realloc(old, size)), cls._FREE(lambda ctx, old, size: c.free(old)))

    def __enter__(self):
        """From here on numpy's memory is from this allocator, in this thread."""
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self._set = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(_api()[304])  # PyDataMem_SetHandler
        self._before = self._set(new(ctypes.addressof(self), _CAPSULE, None))
        return self

    def __exit__(self, *ignored):
        self._set(self._before)


_CAPSULE = ctypes.c_char_p(b"mem_handler")
