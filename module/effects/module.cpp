// module/effects/module.cpp: the extension module calque._effects.
//
// A module of its own, beside calque._calque: who copies objects does not load a machine for effects, and neither is linked with the
// other. It has no Boost.Python: every class here is held by programs in cycles, so each needs the collector's slots
// and calls without a tuple of arguments, which Boost.Python's classes do not have.
#include "continuation.hpp"
#include "errors.hpp"
#include "handler.hpp"
#include "machine.hpp"
#include "native_handlers.hpp"
#include "program.hpp"

namespace {

using namespace calque::effects;
using calque::Ref;

// "off", "steps", "trace": -1 with ValueError.
int chosen(PyObject* word, const char* what, const char* const* words, int count) noexcept {
    for (int i = 0; i < count; ++i) {
        if (PyUnicode_Check(word) && PyUnicode_CompareWithASCIIString(word, words[i]) == 0) {
            return i;
        }
    }
    PyErr_Format(PyExc_ValueError, "unknown %s: %R", what, word);
    return -1;
}

PyObject* run_with_options(PyObject* const* args, Py_ssize_t nargs, PyObject* names) noexcept {
    static constexpr const char* traces[] = {"off", "steps", "trace"};
    static constexpr const char* gils[] = {"hold", "release"};
    int trace = 0;
    int gil = 0;
    if (nargs != 1) {
        PyErr_Format(PyExc_TypeError, "run() takes 1 positional argument, %zd given", nargs);
        return nullptr;
    }
    for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names); ++i) {
        PyObject* const name = PyTuple_GET_ITEM(names, i);
        if (PyUnicode_CompareWithASCIIString(name, "debug") == 0) {
            trace = chosen(args[nargs + i], "debug level", traces, 3);
        } else if (PyUnicode_CompareWithASCIIString(name, "gil") == 0) {
            gil = chosen(args[nargs + i], "gil policy", gils, 2);
        } else {
            PyErr_Format(PyExc_TypeError, "run() got an unexpected argument '%U'", name);
            return nullptr;
        }
        if (trace < 0 || gil < 0) {
            return nullptr;
        }
    }
    return run(Ref::share(args[0]), static_cast<Trace>(trace), gil == 1).release();
}

PyObject* run_program(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* names) noexcept {
    if (nargs == 1 && names == nullptr) {
        return run(Ref::share(args[0]), Trace::off, false).release();
    }
    return run_with_options(args, nargs, names);
}

PyObject* do_function(PyObject*, PyObject* function) noexcept {
    return is_do_function(function) ? Ref::share(function).release() : make_do_function(function).release();
}

PyObject* stats(PyObject*, PyObject*) noexcept {
    const fibers::Stats counted = fibers::stats();
    return Py_BuildValue("{sn,sn}", "live_fibers", static_cast<Py_ssize_t>(counted.live), "idle_fibers",
                         static_cast<Py_ssize_t>(counted.idle));
}

// The types are static: they are one interpreter's, and their fields hold objects that died with it.
PyObject* require_main_interpreter(PyObject*, PyObject*) noexcept {
    PyInterpreterState* const here = PyInterpreterState_Get();
    if (here != PyInterpreterState_Main()) {
        return PyErr_Format(
            PyExc_ImportError,
            "calque supports only the main interpreter, and this import is in sub-interpreter %lld",
            static_cast<long long>(PyInterpreterState_GetID(here)));
    }
    return Ref::share(Py_None).release();
}

bool require_first_initialisation() noexcept {
    static bool begun = false;
    if (begun) {
        PyErr_SetString(
            PyExc_ImportError,
            "calque.effects can be initialised once in a process: it was before the interpreter was "
            "finalized and begun again, or its first import failed");
        return false;
    }
    return begun = true;
}

using FastWithKeywords = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);

PyCFunction as_c_function(FastWithKeywords function) noexcept {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef functions[] = {
    {"run", as_c_function(run_program), METH_FASTCALL | METH_KEYWORDS,
     "run(program, /, *, debug='off', gil='hold')\n--\n\n"
     "Run a program to its end.\n\n"
     "Args:\n"
     "    program: a call of a @do function, a WithHandler, or anything else that can be yielded.\n"
     "    debug: 'steps' writes each step of the machine to stderr, 'trace' also what it is about.\n"
     "    gil: 'release' lets other threads run while a handler is looked for.\n\n"
     "Returns:\n"
     "    What the program returns.\n\n"
     "Raises:\n"
     "    What the program raises: the same exception object.\n"
     "    UnhandledEffect: an effect had no handler and the program did not catch that.\n"
     "    TypeError: not a program; a generator is none, for it could not be run a second time."},
    {"do", do_function, METH_O,
     "do(function, /)\n--\n\n"
     "Decorator: calls of the function make programs.\n\n"
     "A generator function yields effects, programs and instructions, and each yield evaluates to what\n"
     "comes of them. A function without yield returns its value.\n\n"
     "Raises:\n"
     "    TypeError: not a function, or an async one."},
    {"stats", stats, METH_NOARGS,
     "stats()\n--\n\n"
     "A dict: 'live_fibers' are in runs and continuations, 'idle_fibers' are kept for the next ones."},
    {"_require_main_interpreter", require_main_interpreter, METH_NOARGS, "ImportError in a sub-interpreter."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "calque._effects", "Algebraic effects: see calque.effects.",
                          -1, functions};

// The class under the last part of its name.
bool add_type(PyObject* module, PyTypeObject& type) noexcept { return PyModule_AddType(module, &type) == 0; }

bool add_all(PyObject* module) noexcept {
    for (PyTypeObject& type : node_types) {
        if (!add_type(module, type)) {
            return false;
        }
    }
    return add_type(module, effect_type) && add_type(module, continuation_type)
        && add_type(module, do_function_type) && add_type(module, native_handler_type)
        && add_type(module, typed_handler_type) && add_type(module, state_type)
        && add_type(module, reader_type) && add_type(module, writer_type)
        && PyModule_AddObjectRef(module, "OneShotError", one_shot_error) == 0
        && PyModule_AddObjectRef(module, "UnhandledEffect", unhandled_effect) == 0;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-reserved-identifier): the interpreter's name for it
PyMODINIT_FUNC PyInit__effects() {
    if (Ref::steal(require_main_interpreter(nullptr, nullptr)).get() == nullptr
        || !require_first_initialisation() || !create_effect_type() || !create_node_types()
        || !create_program_types() || !create_continuation_type() || !create_handler_types()
        || !create_state_type() || !create_reader_type() || !create_writer_type() || !create_errors()) {
        return nullptr;
    }
    Ref module = Ref::steal(PyModule_Create(&definition));
    return module && add_all(module.get()) ? module.release() : nullptr;
}
