// runtime/effects/program.hpp: what @do makes of a function, and what calling that makes.
//
// A DoFunction called is a Program: the function and its arguments, and nothing has run. Each time the program is run the function
// is called anew, so a program may be run again, and no half-used generator can be passed around. Where arguments are
// wrong is therefore found when it runs, in the traceback of who runs it.
//
// The machine calls the function itself (`start`): a program costs one object of ours and one generator.
#pragma once

#include "nodes.hpp"

namespace calque::effects {

struct DoFunction {
    PyObject_HEAD
    PyObject* function;
    vectorcallfunc vectorcall;
    PyObject* dict;
    PyObject* weakrefs;
};

struct Program {
    PyObject_VAR_HEAD  // the number of all arguments
        PyObject* function;
    PyObject* names;  // of the last arguments, or null
    PyObject* arguments[1];
};

extern PyTypeObject do_function_type;
inline PyTypeObject& program_type = node_types[static_cast<std::size_t>(Kind::program)];

inline bool is_do_function(Borrowed object) noexcept { return object.type() == &do_function_type; }

/// Calls the program's function: a generator, or its result if it is none.
inline Ref start(Borrowed object) noexcept {
    auto* const program = reinterpret_cast<Program*>(object.get());
    const Py_ssize_t by_name = program->names == nullptr ? 0 : PyTuple_GET_SIZE(program->names);
    return Ref::steal(PyObject_Vectorcall(program->function, program->arguments,
                                          static_cast<std::size_t>(Py_SIZE(program) - by_name),
                                          program->names));
}

/// do(function)
Ref make_do_function(Borrowed function) noexcept;
[[nodiscard]] bool create_program_types() noexcept;

}  // namespace calque::effects
