// perf/cpp/extension/trampoline.cpp: what the generators and the effects of a program cost by themselves.
//
// The loop that any machine for effects contains, and nothing else: send, take what is yielded, send an answer. No handler is looked for,
// no continuation made. What perf/effects.py calls the floor.
#include "extension.hpp"

#include <calque/ref.hpp>

namespace perf {
namespace {

using calque::Ref;

// One step of a handler that ends by resuming: begun, stepped to its first yield, dropped.
bool step_handler(PyObject* handler, PyObject* effect) {
    PyObject* arguments[] = {effect, Py_None};
    const Ref begun = Ref::steal(PyObject_Vectorcall(handler, arguments, 2, nullptr));
    PyObject* result = nullptr;
    const bool good = begun && PyIter_Send(begun.get(), Py_None, &result) != PYGEN_ERROR;
    const Ref instruction = Ref::steal(result);
    return good;
}

// A program called: begun, and stepped until it returns.
Ref call_program(PyObject* function) {
    const Ref begun = Ref::steal(PyObject_CallNoArgs(function));
    PyObject* result = nullptr;
    while (begun) {
        switch (PyIter_Send(begun.get(), Py_None, &result)) {
        case PYGEN_RETURN: return Ref::steal(result);
        case PYGEN_ERROR: return {};
        case PYGEN_NEXT: break;
        }
        const Ref yielded = Ref::steal(result);
    }
    return {};
}

PyObject* trampoline(PyObject*, PyObject* args) {
    PyObject *generator, *answer, *handler, *callee;
    if (PyArg_ParseTuple(args, "OOOO:trampoline", &generator, &answer, &handler, &callee) == 0) {
        return nullptr;
    }
    Ref sent = Ref::share(Py_None);
    while (true) {
        PyObject* result = nullptr;
        switch (PyIter_Send(generator, sent.get(), &result)) {
        case PYGEN_RETURN: return result;
        case PYGEN_ERROR: return nullptr;
        case PYGEN_NEXT: break;
        }
        const Ref yielded = Ref::steal(result);
        if (callee != Py_None) {
            sent = call_program(callee);
        } else if (handler == Py_None || step_handler(handler, yielded.get())) {
            sent = Ref::share(answer);
        } else {
            sent = Ref();
        }
        if (!sent) {
            return nullptr;
        }
    }
}

}  // namespace

PyMethodDef trampoline_method = {"trampoline", trampoline, METH_VARARGS,
                                 "trampoline(generator, answer, handler, callee, /)\n--\n\n"
                                 "Runs the generator to its end; what it returns. Each yield evaluates to "
                                 "`answer`. With a `handler` that is not\n"
                                 "None, handler(yielded, None) is begun for it, stepped once, and dropped; "
                                 "with a `callee`, the generator\n"
                                 "callee() is run to its end, and the yield evaluates to what that returns."};

}  // namespace perf
