// runtime/cpython/code_swap.cpp: see code_swap.hpp.
#include "cpython/code_swap.hpp"

namespace calque {

namespace {

// The compiler warns of calls of a constant, but not of this expression, which it folds into one; the
// value is then replaced among the constants. Where code knows columns (3.11), the table of positions is made
// anew: entries of kind 13 (no columns), each for up to 8 instructions, 0 lines further on
// (Objects/locations.md, up to 3.12; InternalDocs/code_objects.md).
constexpr const char* kSource = R"py(
def thin_code(code, definition, native):
    names = {}
    exec(definition.replace("NATIVE", "(0.5 if 1 else 0)"), names)
    (thin,) = (names[name].__code__ for name in names if name == code.co_name)
    parameters = lambda code: (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
                               code.co_varnames[:len(thin.co_varnames)])
    if parameters(code) != parameters(thin):
        raise RuntimeError(f"{code.co_name}() of {code.co_filename} has other parameters than calque knows")
    changed = {"co_filename": code.co_filename, "co_firstlineno": code.co_firstlineno}
    changed["co_consts"] = tuple(native if value == 0.5 else value for value in thin.co_consts)
    if hasattr(thin, "co_positions"):
        units = len(thin.co_code) // 2
        lengths = [8] * (units // 8) + ([units % 8] if units % 8 else [])
        changed["co_linetable"] = b"".join(bytes((0x80 | 13 << 3 | length - 1, 0)) for length in lengths)
    return thin.replace(**changed)
)py";

Ref thin_code(Borrowed code, const Substitute& substitute) noexcept {
    Ref source = Ref::steal(Py_CompileString(kSource, "<calque: code swap>", Py_file_input));
    Ref names = Ref::steal(PyDict_New());
    if (!source || !names || PyDict_SetItemString(names.get(), "__builtins__", PyEval_GetBuiltins()) != 0
        || !Ref::steal(PyEval_EvalCode(source.get(), names.get(), names.get()))) {
        return {};
    }
    Ref make = Ref::share(PyDict_GetItemString(names.get(), "thin_code"));
    return Ref::steal(
        PyObject_CallFunction(make.get(), "OsO", code.get(), substitute.definition, substitute.native));
}

}  // namespace

bool CodeSwap::install(Borrowed function, const Substitute& substitute) noexcept {
    Ref found = Ref::share(PyFunction_GetCode(function.get()));
    Ref thin = thin_code(found, substitute);
    if (!thin || PyObject_SetAttrString(function.get(), "__code__", thin.get()) != 0) {
        return false;
    }
    function_ = Ref::share(function).release();
    found_ = found.release();
    thin_ = thin.release();
    return true;
}

bool CodeSwap::remove() noexcept {
    if (PyFunction_GetCode(function_) == thin_
        && PyObject_SetAttrString(function_, "__code__", found_) != 0) {
        return false;
    }
    Ref gone[] = {Ref::steal(std::exchange(function_, nullptr)), Ref::steal(std::exchange(found_, nullptr)),
                  Ref::steal(std::exchange(thin_, nullptr))};
    return true;
}

}  // namespace calque
