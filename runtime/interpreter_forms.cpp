// runtime/interpreter_forms.cpp: see primitives/interpreter_forms.hpp.
#include "primitives/interpreter_forms.hpp"

namespace calque::forms {

namespace {

// Function names are the ones that appear in the error texts of CPython's copy.py (3.10 to 3.14).
constexpr const char* kSource = R"(
def _reconstruct(x, memo, func, args, state=None, listiter=None, dictiter=None, *, deepcopy=None):
    return func, args, state, listiter, dictiter

def reconstruct_arguments(value):
    return _reconstruct(None, None, *value)

def call_star(func, args):
    return func(*args)

def unpack_pair(pair):
    key, value = pair
    return key, value

def deepcopy(x, memo=None, _nil=[]):
    return x, memo, _nil

def copy(x):
    return x,

def replace(obj, /, **changes):
    return obj, changes
)";

PyObject* functions = nullptr;  // the namespace they were defined in

Borrowed function(const char* name) noexcept { return PyDict_GetItemString(functions, name); }

}  // namespace

bool create() noexcept {
    if (functions != nullptr) {
        return true;
    }
    Ref code = Ref::steal(Py_CompileString(kSource, "<calque: forms of copy.py>", Py_file_input));
    Ref names = Ref::steal(PyDict_New());
    if (!code || !names || PyDict_SetItemString(names.get(), "__builtins__", PyEval_GetBuiltins()) != 0
        || !Ref::steal(PyEval_EvalCode(code.get(), names.get(), names.get()))) {
        return false;
    }
    functions = names.release();
    return true;
}

Ref reconstruct_arguments(Borrowed value) noexcept {
    return Ref::steal(PyObject_CallOneArg(function("reconstruct_arguments").get(), value.get()));
}

Ref call_star(Borrowed func, Borrowed args) noexcept {
    if (PyTuple_CheckExact(args.get())) {
        return Ref::steal(PyObject_Call(func.get(), args.get(), nullptr));
    }
    return Ref::steal(
        PyObject_CallFunctionObjArgs(function("call_star").get(), func.get(), args.get(), nullptr));
}

Ref unpack_pair(Borrowed pair) noexcept {
    if (PyTuple_CheckExact(pair.get()) && PyTuple_GET_SIZE(pair.get()) == 2) {
        return Ref::share(pair);
    }
    return Ref::steal(PyObject_CallOneArg(function("unpack_pair").get(), pair.get()));
}

Ref bind(const char* name, PyObject* const* args, Py_ssize_t nargs, Borrowed keywords) noexcept {
    return Ref::steal(
        PyObject_Vectorcall(function(name).get(), args, static_cast<std::size_t>(nargs), keywords.get()));
}

}  // namespace calque::forms
