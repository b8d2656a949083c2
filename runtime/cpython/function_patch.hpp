// runtime/cpython/function_patch.hpp: a Python function that keeps all it is and runs native code.
//
// calque.patch must reach callers that wrote `from copy import deepcopy` long ago, so the function object
// stays and only what a call of it does changes. Everything else programs look at (name, signature,
// defaults, __dict__, file and line, pickling by name) is left as it was. CPython offers two places:
//
//   FunctionSlot  PyFunctionObject.vectorcall. A call jumps to our C function: no frame, no overhead.
//                 Honoured by every call on 3.10 and from 3.12 on, where call sites that the interpreter
//                 has specialised check the function's version first; PyFunction_SetVectorcall clears
//                 it. Written back when the patch goes: from 3.13 on a function that lost its version
//                 never gets another, and calls of it would stay unspecialised for good (as they do
//                 with the twin there).
//   CodeSwap      function.__code__ (code_swap.hpp), all of it public API: a code object of the same
//                 name, file, line and parameters that calls the native function. Costs a Python frame.
//                 The public twin of the other, and what 3.11 has, whose call sites enter a function's
//                 code without looking at the slot.
//
// Whoever changes the function's __code__ (with FunctionSlot: or __defaults__) while it is patched wants
// that to be what runs: from then on it is, and remove() leaves it in place. So with a vectorcall
// function somebody else put there on top of ours.
#pragma once

#include "cpython/code_swap.hpp"
#include "cpython/strategies.hpp"

#include <cstddef>
#include <cstdint>

namespace calque {

using FastFunction = PyObject* (*)(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* names);

#if CALQUE_USE_FUNCTION_SLOT

/// One function. For static storage: never gives up what it holds by itself.
class FunctionSlot {
public:
    /// What goes into the slot of the function that `self` patches.
    template <FunctionSlot& self, FastFunction native>
    static PyObject* call(PyObject* function, PyObject* const* args, std::size_t nargs,
                          PyObject* names) noexcept {
        if (!self.is_as_found(function)) {
            return self.usual_(function, args, nargs, names);
        }
        return native(nullptr, args, PyVectorcall_NARGS(nargs), names);
    }

    /// `like_it`: a function of the same module that nobody has reason to patch.
    static bool is_patched_by_others(Borrowed function, Borrowed like_it) noexcept {
        return of(function)->vectorcall != of(like_it)->vectorcall;
    }

    bool installed() const noexcept { return function_ != nullptr; }

    /// `substitute` is for the other strategy.
    template <FunctionSlot& self, FastFunction native>
    [[nodiscard]] bool install(Borrowed function, const Substitute&) noexcept {
        PyFunctionObject* const f = of(function);
        function_ = Py_NewRef(function.get());
        code_ = Py_NewRef(f->func_code);
        defaults_ = Py_XNewRef(f->func_defaults);
        keyword_defaults_ = Py_XNewRef(f->func_kwdefaults);
        usual_ = f->vectorcall;
        ours_ = call<self, native>;
        write(ours_);
        return true;
    }

    [[nodiscard]] bool remove() noexcept {
        PyFunctionObject* const f = of(function_);
        if (f->vectorcall == ours_) {
            const bool as_found = is_as_found(function_) && f->func_kwdefaults == keyword_defaults_;
            write_back(as_found);
        }
        Ref gone[] = {Ref::steal(std::exchange(code_, nullptr)),
                      Ref::steal(std::exchange(defaults_, nullptr)),
                      Ref::steal(std::exchange(keyword_defaults_, nullptr)),
                      Ref::steal(std::exchange(function_, nullptr))};
        return true;
    }

private:
    static PyFunctionObject* of(Borrowed function) noexcept {
        return reinterpret_cast<PyFunctionObject*>(function.get());
    }

    bool is_as_found(Borrowed function) const noexcept {
        const PyFunctionObject* const f = of(function);
        return f->func_code == code_ && f->func_defaults == defaults_;
    }

# if PY_VERSION_HEX >= 0x030C0000
    void write(vectorcallfunc slot) noexcept {
        version_ = of(function_)->func_version;
        PyFunction_SetVectorcall(of(function_), slot);
    }
    void write_back(bool as_found) noexcept {
        PyFunction_SetVectorcall(of(function_), usual_);
        if (as_found) {
            of(function_)->func_version = version_;
        }
    }

    std::uint32_t version_ = 0;
# else
    void write(vectorcallfunc slot) noexcept { of(function_)->vectorcall = slot; }
    void write_back(bool) noexcept { of(function_)->vectorcall = usual_; }
# endif

    PyObject* function_ = nullptr;  // owned while installed, as the next three
    PyObject* code_ = nullptr;
    PyObject* defaults_ = nullptr;
    PyObject* keyword_defaults_ = nullptr;
    vectorcallfunc usual_ = nullptr;
    vectorcallfunc ours_ = nullptr;
};

using FunctionPatch = FunctionSlot;

#else

class FunctionPatch : public CodeSwap {
public:
    static bool is_patched_by_others(Borrowed, Borrowed) noexcept { return false; }

    template <FunctionPatch&, FastFunction>
    [[nodiscard]] bool install(Borrowed function, const Substitute& substitute) noexcept {
        return CodeSwap::install(function, substitute);
    }
};

#endif

}  // namespace calque
