// tests/fuzz/libfuzzer/fuzz_graphs.cpp: libFuzzer's bytes are handed to tests/fuzz/decode.py, in an interpreter that lives
// in this process; what differs from copy.deepcopy, or raises, ends it. Coverage is that of calque's own code: _calque is
// compiled with -fsanitize=fuzzer-no-link, and the interpreter, which is not, guides nothing.
//
// The decoder is Python because everything around it is: the graphs, their hooks and the comparison are those of the
// differential fuzzer. A second decoder in C++ would have had to repeat them, for speed that the comparison would eat.
#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

PyObject* run = nullptr;

[[noreturn]] void stop() {
    PyErr_Print();
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    // The interpreter's own allocator would hide from the sanitizer what is done to freed objects.
    setenv("PYTHONMALLOC", "malloc", 1);
    setenv("PYTHONHASHSEED", "0", 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    Py_InitializeEx(0);
    PyObject* decoder = PyImport_ImportModule("tests.fuzz.decode");
    run = decoder != nullptr ? PyObject_GetAttrString(decoder, "run") : nullptr;
    // Before the first input: coverage of the import would be put down to it.
    PyObject* calque = run != nullptr ? PyImport_ImportModule("calque") : nullptr;
    if (calque == nullptr) {
        stop();
    }
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    PyObject* difference =
        PyObject_CallFunction(run, "y#", reinterpret_cast<const char*>(data), static_cast<Py_ssize_t>(size));
    if (difference == nullptr) {
        stop();
    }
    if (PyUnicode_GetLength(difference) != 0) {
        std::fprintf(stderr, "calque differs from copy\n%s\n", PyUnicode_AsUTF8(difference));
        std::abort();
    }
    Py_DECREF(difference);
    return 0;
}
