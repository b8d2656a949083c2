// runtime/effects/driver.cpp: runs the Python code that the machine asks for, and tells it what came of it.
//
// Generators are stepped by PyIter_Send, which says "returned" without making a StopIteration; raising in one goes by its method `throw`,
// which does. The exception raised is the very object, and each generator it leaves adds its line to the traceback: what a program's user
// reads is what nested calls would have shown.
//
// Ctrl-C needs no help: generators look at the interpreter's eval breaker when they are resumed and at each turn of a loop, so signals
// and other threads have their turn in them.
#include "machine.hpp"
#include "program.hpp"

#include <calque/compat.hpp>

namespace calque::effects {

namespace {

PyObject* throw_name = nullptr;

void send(Machine& machine) noexcept {
    PyObject* result;
    switch (PyIter_Send(machine.generator().get(), machine.value().get(), &result)) {
    case PYGEN_NEXT: return machine.receive_yield(Ref::steal(result));
    case PYGEN_RETURN: return machine.receive_return(Ref::steal(result));
    case PYGEN_ERROR: break;
    }
    machine.receive_error();
}

void raise(Machine& machine) noexcept {
    if (throw_name == nullptr && (throw_name = PyUnicode_InternFromString("throw")) == nullptr) {
        return machine.receive_error();
    }
    PyObject* const result =
        PyObject_CallMethodOneArg(machine.generator().get(), throw_name, machine.value().get());
    if (result != nullptr) {
        return machine.receive_yield(Ref::steal(result));
    }
    // Up to 3.11 what is set may be a class and a value: only made, it is what it will be, which without memory is a MemoryError.
    Ref raised = Ref::steal(PyErr_GetRaisedException());
    if (PyErr_GivenExceptionMatches(raised.get(), PyExc_StopIteration) == 0) {
        PyErr_SetRaisedException(raised.release());
        return machine.receive_error();
    }
    const Ref stop = std::move(raised);
    machine.receive_return(Ref::share(reinterpret_cast<PyStopIterationObject*>(stop.get())->value));
}

void start_program(Machine& machine) noexcept {
    Ref begun = start(machine.value());
    if (!begun) {
        return machine.receive_call_error();
    }
    if (PyGen_CheckExact(begun.get())) {
        return machine.receive_generator(std::move(begun));
    }
    machine.receive_value(std::move(begun));
}

void call_handler(Machine& machine) noexcept {
    const Ref handler = Ref::share(function_of(machine.handler()));
    const bool decorated = is_do_function(handler);
    PyObject* const function =
        decorated ? reinterpret_cast<DoFunction*>(handler.get())->function : handler.get();
    PyObject* arguments[] = {nullptr, machine.value().get(), machine.continuation().get()};
    Ref begun =
        Ref::steal(PyObject_Vectorcall(function, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
    if (!begun) {
        return machine.receive_call_error();
    }
    if (PyGen_CheckExact(begun.get())) {
        return machine.receive_generator(std::move(begun));
    }
    // What a plain function returns is done if it can be; it has no yield to say it with.
    if (!decorated && is_yieldable(begun)) {
        return machine.receive_yield(std::move(begun));
    }
    machine.receive_value(std::move(begun));
}

Ref run_machine(Machine& machine) noexcept {
    while (true) {
        switch (machine.step()) {
        case StepEvent::Continue: break;
        case StepEvent::NeedsPython:
            switch (machine.request()) {
            case Request::send: send(machine); break;
            case Request::raise: raise(machine); break;
            case Request::start_program: start_program(machine); break;
            case Request::call_handler: call_handler(machine); break;
            }
            break;
        case StepEvent::Done: return machine.take_result();
        case StepEvent::Error: PyErr_SetRaisedException(machine.take_result().release()); return {};
        }
    }
}

}  // namespace

Ref run(Ref expression, Trace trace, bool release_gil) noexcept {
    // A handler that runs a program whose handler runs a program ...: these are calls within calls.
    if (Py_EnterRecursiveCall(" in calque.effects.run") != 0) {
        return {};
    }
    Ref result;
    {
        Machine machine(trace, release_gil);
        if (machine.good()) {
            machine.begin(std::move(expression));
            result = run_machine(machine);
        }
    }
    Py_LeaveRecursiveCall();
    return result;
}

}  // namespace calque::effects
