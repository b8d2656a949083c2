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

def take_turn():
    for _ in (1, 2):
        pass

def deepcopy(x, memo=None, _nil=[]):
    return x, memo, _nil

def copy(x):
    return x,

def replace(obj, /, **changes):
    return obj, changes
)";

// Found once: looking a name up could fail for want of memory.
struct Form {
    const char* name;
    PyObject* function = nullptr;
};
Form reconstruct_form{"reconstruct_arguments"}, star_form{"call_star"}, pair_form{"unpack_pair"},
    turn_form{"take_turn"}, deepcopy_form{"deepcopy"}, copy_form{"copy"}, replace_form{"replace"};
Form* const forms[] = {&reconstruct_form, &star_form, &pair_form,   &turn_form,
                       &deepcopy_form,    &copy_form, &replace_form};

}  // namespace

bool create() noexcept {
    if (reconstruct_form.function != nullptr) {
        return true;
    }
    Ref code = Ref::steal(Py_CompileString(kSource, "<calque: forms of copy.py>", Py_file_input));
    Ref names = Ref::steal(PyDict_New());
    if (!code || !names || PyDict_SetItemString(names.get(), "__builtins__", PyEval_GetBuiltins()) != 0
        || !Ref::steal(PyEval_EvalCode(code.get(), names.get(), names.get()))) {
        return false;
    }
    for (Form* form : forms) {
        form->function = Ref::share(PyDict_GetItemString(names.get(), form->name)).release();
        if (form->function == nullptr) {
            return false;
        }
    }
    return true;
}

Ref reconstruct_arguments(Borrowed value) noexcept {
    return Ref::steal(PyObject_CallOneArg(reconstruct_form.function, value.get()));
}

Ref call_star(Borrowed func, Borrowed args) noexcept {
    if (PyTuple_CheckExact(args.get())) {
        return Ref::steal(PyObject_Call(func.get(), args.get(), nullptr));
    }
    return Ref::steal(PyObject_CallFunctionObjArgs(star_form.function, func.get(), args.get(), nullptr));
}

Ref unpack_pair(Borrowed pair) noexcept {
    if (PyTuple_CheckExact(pair.get()) && PyTuple_GET_SIZE(pair.get()) == 2) {
        return Ref::share(pair);
    }
    return Ref::steal(PyObject_CallOneArg(pair_form.function, pair.get()));
}

bool take_turn() noexcept { return bool(Ref::steal(PyObject_CallNoArgs(turn_form.function))); }

Ref bind(Signature signature, PyObject* const* args, Py_ssize_t nargs, Borrowed keywords) noexcept {
    const Form& form = signature == Signature::deepcopy ? deepcopy_form
                     : signature == Signature::copy     ? copy_form
                                                        : replace_form;
    return Ref::steal(
        PyObject_Vectorcall(form.function, args, static_cast<std::size_t>(nargs), keywords.get()));
}

}  // namespace calque::forms
