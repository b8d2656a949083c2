// runtime/primitives/original_code.hpp: is this function, to the letter, the one we know?
//
// Some classes of the standard library are copied by methods written in Python. What such a method does is
// known from its source; whether the method at hand is that one is decided by its code: the text below is
// compiled by the running interpreter, and the two code objects are compared (instructions, constants,
// names, arguments, flags; not file and line). So a method that was replaced, before calque was imported or
// after, or whose __code__ was, is not taken for the original, and a release of Python that changed the
// method is served by the method itself.
//
// What the code refers to by name (globals, builtins) is not in the code: see known_class.hpp, Evidence.
#pragma once

#include <calque/ref.hpp>

namespace calque {

/// A function whose text we know. Not copyable: lives as long as the process.
class OriginalCode {
public:
    /// `source`: a module text with the function in it, inside a class if it is a method; `name`: its name.
    /// The docstring "documented" stands for any.
    constexpr OriginalCode(const char* source, const char* name) noexcept : source_(source), name_(name) {}
    OriginalCode(const OriginalCode&) = delete;
    OriginalCode& operator=(const OriginalCode&) = delete;

    /// `function` is a Python function with the same code. Runs no Python code; false when short of memory.
    bool is_that_of(Borrowed function) noexcept;

private:
    const char* source_;
    const char* name_;
    PyObject* code_ = nullptr;  // compiled at first use
};

/// The same for a text that is made for one function: compiled each time.
bool has_code_of(Borrowed function, const char* source, const char* name) noexcept;

}  // namespace calque
