// module/plugins/numpy.cpp: handlers for numpy.ndarray and numpy's scalars, in the extension module calque.plugins._numpy.
// Semantics: ndarray.__deepcopy__ and ndarray.__copy__ (numpy/_core/src/multiarray/methods.c: array_deepcopy,
// array_copy_keeporder), generic.__deepcopy__ (scalartypes.c.src), of numpy 1.24 to 2.4.
//
// It is a stranger's handler: of calque it sees the SDK's headers and nothing else. Built against the headers of
// numpy 2 it runs with numpy 1.23 and newer; built against those of numpy 1, with numpy 1 only.
//
// ndarray, exactly. There are three ways:
//   plain    numbers, text, dates; contiguous; 64 KiB at most: an array is allocated, and the bytes are copied. No
//            Python code runs, so that the handler can be CALQUE_PURE, and an array in a list costs little more than its copy.
//            numpy's own PyArray_NewCopy is not as quiet: it lets go of the GIL where there is much to copy, and where
//            there is no memory its MemoryError is a class in Python.
//   objects  PyArray_NewCopy, which is a snapshot, and then the copy of each object in place of it, in the order in which they lie
//            in the copy. The array enters the memo last. So one that contains itself has no end, under stdlib as well:
//            it ends as deep as the interpreter's limit, in a RecursionError.
//   others   PyArray_NewCopy; or what numpy's __deepcopy__ itself says, where structures hold objects, or the program has
//            put another function in the place of copy.deepcopy, which numpy would call.
//   Subclasses are left to their __deepcopy__: no handler is registered for them.
//
// Scalars are atomic: they never change. numpy before 2.4 makes a new one of the same value. numpy.void, which can change, has no handler.
#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION

#include <calque/registry.hpp>

#include <numpy/arrayobject.h>

#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>

// PyTraceMalloc_Track and _Untrack: their header forgets extern "C" (up to 3.13), so C++ would ask for other names.
extern "C" {
int calque_trace_malloc(unsigned int domain, std::uintptr_t address,
                        std::size_t size) __asm__("PyTraceMalloc_Track");
int calque_trace_free(unsigned int domain, std::uintptr_t address) __asm__("PyTraceMalloc_Untrack");
}

namespace {

using namespace calque;

constexpr npy_intp kPlainBytes = 64 * 1024;
constexpr unsigned int kTraceDomain = 389047;  // numpy's, for tracemalloc: NPY_TRACE_DOMAIN

PyArrayObject* as_array(Borrowed array) noexcept { return reinterpret_cast<PyArrayObject*>(array.get()); }

Ref new_copy(Borrowed x) noexcept { return Ref::steal(PyArray_NewCopy(as_array(x), NPY_KEEPORDER)); }

// -- plain

bool is_plain(PyArrayObject* x) noexcept {
    const int type = PyArray_TYPE(x);
    const npy_intp bytes = PyArray_NBYTES(x);
    return (PyTypeNum_ISNUMBER(type) || PyTypeNum_ISDATETIME(type) || type == NPY_STRING
            || type == NPY_UNICODE)
        && bytes > 0 && bytes <= kPlainBytes && (PyArray_IS_C_CONTIGUOUS(x) || PyArray_IS_F_CONTIGUOUS(x));
}

// The bytes of an array that is not made yet, from numpy's own allocator.
class Bytes {
public:
    explicit Bytes(npy_intp size) noexcept : size_(static_cast<std::size_t>(size)) {
        handler_ = Ref::steal(PyDataMem_GetHandler());
        if (!handler_) {
            PyErr_Clear();
        } else if (handler_.get() == PyDataMem_DefaultHandler) {  // any other may do what it likes
            bytes_ = allocator().malloc(allocator().ctx, size_);
        }
        if (bytes_ != nullptr
            && calque_trace_malloc(kTraceDomain, reinterpret_cast<std::uintptr_t>(bytes_), size_) == -1) {
            free();
        }
    }
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;
    ~Bytes() {
        if (bytes_ != nullptr) {
            calque_trace_free(kTraceDomain, reinterpret_cast<std::uintptr_t>(bytes_));
            free();
        }
    }

    void* get() const noexcept { return bytes_; }

    /// From here on they are the array's, which was made around them.
    void give_to(Borrowed array) noexcept {
        reinterpret_cast<PyArrayObject_fields*>(array.get())->mem_handler = handler_.release();
        PyArray_ENABLEFLAGS(as_array(array), NPY_ARRAY_OWNDATA);
        bytes_ = nullptr;
    }

private:
    const PyDataMemAllocator& allocator() const noexcept {
        return static_cast<PyDataMem_Handler*>(PyCapsule_GetPointer(handler_.get(), "mem_handler"))
            ->allocator;
    }
    void free() noexcept {
        allocator().free(allocator().ctx, bytes_, size_);
        bytes_ = nullptr;
    }

    const std::size_t size_;
    Ref handler_;
    void* bytes_ = nullptr;
};

// PyArray_NewCopy of a plain array, without Python code. Empty, perhaps with an exception set, if that way cannot be gone.
Ref copy_plain(Borrowed original) noexcept {
    PyArrayObject* const x = as_array(original);
    Bytes bytes(PyArray_NBYTES(x));
    if (bytes.get() == nullptr) {
        return {};
    }
    std::memcpy(bytes.get(), PyArray_DATA(x), static_cast<std::size_t>(PyArray_NBYTES(x)));
    Ref descr = Ref::share(reinterpret_cast<PyObject*>(PyArray_DESCR(x)));
    Ref copy = Ref::steal(PyArray_NewFromDescr(
        &PyArray_Type, reinterpret_cast<PyArray_Descr*>(descr.release()), PyArray_NDIM(x), PyArray_DIMS(x),
        nullptr, bytes.get(), PyArray_IS_C_CONTIGUOUS(x) ? NPY_ARRAY_CARRAY : NPY_ARRAY_FARRAY, nullptr));
    if (copy) {
        bytes.give_to(copy);
    }
    return copy;
}

// -- objects

PyObject* deepcopy_of_ndarray = nullptr;  // the method __deepcopy__
PyObject* deepcopy_of_stdlib = nullptr;

// numpy asks the module `copy` each time.
bool deepcopy_is_replaced() noexcept {
    Ref module = Ref::steal(PyImport_ImportModule("copy"));
    Ref now = module ? Ref::steal(PyObject_GetAttrString(module.get(), "deepcopy")) : Ref();
    PyErr_Clear();  // numpy will say it
    return now.get() != deepcopy_of_stdlib;
}

bool holds_only_objects(PyArrayObject* x) noexcept {
    return PyArray_TYPE(x) == NPY_OBJECT && !PyDataType_HASFIELDS(PyArray_DESCR(x));
}

// How many arrays of objects lie one in the other, in this thread. stdlib needs a Python frame for each, or more.
class Level {
public:
    Level() noexcept { ++depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --depth_; }

    bool too_deep() const noexcept {
        if (depth_ <= Py_GetRecursionLimit()) {
            return false;
        }
        PyErr_SetString(PyExc_RecursionError,
                        "maximum recursion depth exceeded while copying an array of objects");
        return true;
    }

private:
#ifdef __GLIBC__
    [[gnu::tls_model("initial-exec")]]  // no allocation when a thread first asks
#endif
    static constinit inline thread_local int depth_ = 0;
};

// Within a PythonScope. Nobody but us sees the copy before it is complete, nor the objects in it that have their copy
// already: those are kept alive by the memo, or go here.
Ref copy_objects(CopyContext& context, Borrowed original) noexcept {
    const Level level;
    if (level.too_deep()) {
        return {};
    }
    Ref copy = new_copy(original);
    if (!copy) {
        return {};
    }
    auto** slots =
        static_cast<PyObject**>(PyArray_DATA(as_array(copy)));  // in the order of memory, without a gap
    const npy_intp size = PyArray_SIZE(as_array(copy));
    for (npy_intp i = 0; i < size; ++i) {
        if (slots[i] != nullptr && context.is_atomic(slots[i])) {
            continue;
        }
        Ref made = context.copy(slots[i] != nullptr ? slots[i] : Py_None);
        if (!made) {
            return {};
        }
        const Ref replaced = Ref::steal(std::exchange(slots[i], made.release()));
    }
    return copy;
}

// Within a PythonScope.
Ref copy_as_numpy_does(CopyContext& context, Borrowed original) noexcept {
    Ref memo = context.memo();
    return memo ? Ref::steal(
               PyObject_CallFunctionObjArgs(deepcopy_of_ndarray, original.get(), memo.get(), nullptr))
                : Ref();
}

// -- the handlers

Ref copy_array(CopyContext& context, Borrowed original) noexcept {
    PyArrayObject* const x = as_array(original);
    if (is_plain(x)) {
        Ref copy = copy_plain(original);
        if (copy || PyErr_Occurred() != nullptr) {
            return copy;
        }
    }
    const PythonScope scope(context);
    if (!scope) {
        return {};
    }
    if (!PyDataType_REFCHK(PyArray_DESCR(x))) {
        return new_copy(original);
    }
    return holds_only_objects(x) && !deepcopy_is_replaced() ? copy_objects(context, original)
                                                            : copy_as_numpy_does(context, original);
}

Ref shallow_copy_array(Borrowed original) noexcept {
    if (is_plain(as_array(original))) {
        Ref copy = copy_plain(original);
        if (copy || PyErr_Occurred() != nullptr) {
            return copy;
        }
    }
    return new_copy(original);
}

constexpr int kScalars[] = {
    NPY_BOOL,     NPY_BYTE,      NPY_UBYTE,      NPY_SHORT,    NPY_USHORT,    NPY_INT,
    NPY_UINT,     NPY_LONG,      NPY_ULONG,      NPY_LONGLONG, NPY_ULONGLONG, NPY_HALF,
    NPY_FLOAT,    NPY_DOUBLE,    NPY_LONGDOUBLE, NPY_CFLOAT,   NPY_CDOUBLE,   NPY_CLONGDOUBLE,
    NPY_DATETIME, NPY_TIMEDELTA, NPY_STRING,     NPY_UNICODE,
};
constexpr std::size_t kHandlers = 1 + std::size(kScalars);

PyTypeObject* types[kHandlers];  // that handlers may be registered for; numpy never frees them
bool registered[kHandlers];

bool find_types() noexcept {
    types[0] = &PyArray_Type;
    for (std::size_t i = 1; i < kHandlers; ++i) {
        types[i] = reinterpret_cast<PyTypeObject*>(PyArray_TypeObjectFromType(kScalars[i - 1]));
        if (types[i] == nullptr) {
            return false;
        }
    }
    return true;
}

PyObject* unregister_all(PyObject*, PyObject*) noexcept {
    for (std::size_t i = 0; i < kHandlers; ++i) {
        if (registered[i] && !remove_handler(types[i])) {
            if (!PyErr_ExceptionMatches(PyExc_LookupError)) {
                return nullptr;
            }
            PyErr_Clear();  // somebody has removed it
        }
        registered[i] = false;
    }
    return Ref::share(Py_None).release();
}

// A type that has a handler of the program's already keeps it.
PyObject* register_all(PyObject*, PyObject*) noexcept {
    for (std::size_t i = 0; i < kHandlers; ++i) {
        if (registered[i]) {
            continue;
        }
        const HandlerSpec handler = i == 0 ? with_shallow<shallow_copy_array>(
                                        simple_handler<copy_array>("numpy.ndarray", types[i], CALQUE_PURE))
                                           : atomic_handler("a scalar of numpy", types[i]);
        registered[i] = add_handler(handler);
        if (!registered[i]) {
            if (!PyErr_ExceptionMatches(PyExc_ValueError)) {
                return nullptr;
            }
            PyErr_Clear();
        }
    }
    return Ref::share(Py_None).release();
}

PyMethodDef functions[] = {
    {"register", register_all, METH_NOARGS, nullptr},
    {"unregister", unregister_all, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "calque.plugins._numpy",
                          nullptr,
                          -1,
                          functions,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

bool find_functions() noexcept {
    Ref copy = Ref::steal(PyImport_ImportModule("copy"));
    if (!copy) {
        return false;
    }
    deepcopy_of_stdlib = PyObject_GetAttrString(copy.get(), "deepcopy");
    deepcopy_of_ndarray = PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyArray_Type), "__deepcopy__");
    return deepcopy_of_stdlib != nullptr && deepcopy_of_ndarray != nullptr;
}

}  // namespace

PyMODINIT_FUNC PyInit__numpy() {  // NOLINT(bugprone-reserved-identifier): the interpreter wants this name
    if (!import_calque() || _import_array() < 0 || !find_functions() || !find_types()) {
        return nullptr;
    }
    return PyModule_Create(&definition);
}
