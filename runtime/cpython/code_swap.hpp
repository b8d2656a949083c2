// runtime/cpython/code_swap.hpp: a function that runs a thin piece of Python of ours instead of its code.
//
// The thin code is `return native(<the parameters>)` with the native function as a constant, so that no
// global name is looked up or could be in the way. It bears the file name and the first line of the code
// it stands for, as do name and parameters, for inspect, tracebacks and tracers; all its instructions
// lie on that line and say nothing of columns, which would point into a text that is not ours.
// A frame that is running keeps its own code: swapping under it is safe.
#pragma once

#include <calque/compat.hpp>
#include <calque/ref.hpp>

namespace calque {

/// What a function is swapped for.
struct Substitute {
    const char* definition;  // Python, one line, with NATIVE for the native function
    PyObject* native;        // borrowed: must outlive the patch
};

/// One function. For static storage: never gives up what it holds by itself.
class CodeSwap {
public:
    bool installed() const noexcept { return function_ != nullptr; }

    /// False with an exception set, and nothing changed: no memory, or an audit hook refused.
    [[nodiscard]] bool install(Borrowed function, const Substitute& substitute) noexcept;
    /// False with an exception set, and still installed: an audit hook refused.
    [[nodiscard]] bool remove() noexcept;

private:
    PyObject* function_ = nullptr;  // owned while installed, as the next two
    PyObject* found_ = nullptr;
    PyObject* thin_ = nullptr;
};

}  // namespace calque
