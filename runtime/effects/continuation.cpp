// runtime/effects/continuation.cpp: see continuation.hpp.
#include "continuation.hpp"

#include "pod_vector.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#include <structmember.h>

namespace calque::effects {

Run* Run::begin() noexcept {
    void* const block = std::malloc(sizeof(Run));
    if (block == nullptr) {
        return nullptr;
    }
    Run* const run = new (block) Run;
    run->thread_ = PyThread_get_thread_ident();
    return run;
}

void Run::let_go() noexcept {
    if (--holders_ == 0) {
        std::free(this);
    }
}

const char* Run::refusal(const Run& asking) const noexcept {
    if (this == &asking) {
        return nullptr;
    }
    if (going_on_) {
        return "the continuation belongs to another run that is still going on";
    }
    return thread_ != asking.thread_ ? "the continuation belongs to another thread" : nullptr;
}

namespace {

// Continuations come and go with every effect that Python code answers.
constexpr int kMostIdle = 32;
Continuation* idle[kMostIdle];
int idle_count = 0;

int continuation_traverse(PyObject* self, visitproc visit, void* arg) {
    const Continuation& k = as_continuation(self);
    Py_VISIT(k.effect);
    return k.chain.traverse(visit, arg);
}

int continuation_clear(PyObject* self) {
    Continuation& k = as_continuation(self);
    const Ref effect = Ref::steal(std::exchange(k.effect, nullptr));
    k.chain.drop();
    return 0;
}

void continuation_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    Continuation& k = as_continuation(self);
    if (k.weakrefs != nullptr) {
        PyObject_ClearWeakRefs(self);
    }
    continuation_clear(self);
    std::exchange(k.run, nullptr)->let_go();
    if (idle_count < kMostIdle) {
        idle[idle_count++] = &k;
    } else {
        PyObject_GC_Del(self);
    }
}

PyObject* continuation_repr(PyObject* self) {
    const Continuation& k = as_continuation(self);
    if (k.chain.empty()) {
        return PyUnicode_FromFormat("<continuation at %p, resumed>", self);
    }
    return PyUnicode_FromFormat("<continuation at %p, waiting for %s>", self, Py_TYPE(k.effect)->tp_name);
}

PyObject* continuation_resumed(PyObject* self, void*) {
    return PyBool_FromLong(as_continuation(self).chain.empty() ? 1 : 0);
}

PyGetSetDef continuation_properties[] = {
    {"resumed", continuation_resumed, nullptr,
     "bool: it was resumed, thrown into or passed on, and cannot be again.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

PyTypeObject continuation_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

bool create_continuation_type() noexcept {
    PyTypeObject& type = continuation_type;
    type.tp_name = "calque.effects.Continuation";
    type.tp_doc = "The rest of a program that performed an effect: the second argument of a handler.\n\n"
                  "It can be resumed once. Dropped, it closes the program's generators.";
    type.tp_basicsize = sizeof(Continuation);
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
    type.tp_dealloc = continuation_dealloc;
    type.tp_traverse = continuation_traverse;
    type.tp_clear = continuation_clear;
    type.tp_repr = continuation_repr;
    type.tp_getset = continuation_properties;
    type.tp_weaklistoffset = offsetof(Continuation, weakrefs);
    return PyType_Ready(&type) == 0;
}

Ref new_continuation(Run& run) noexcept {
    PyObject* object;
    if (idle_count > 0) {
        object = PyObject_Init(reinterpret_cast<PyObject*>(idle[--idle_count]), &continuation_type);
    } else {
        Continuation* const fresh = PyObject_GC_New(Continuation, &continuation_type);
        if (fresh == nullptr) {
            return {};
        }
        new (&fresh->chain) Chain;
        fresh->effect = nullptr;
        object = reinterpret_cast<PyObject*>(fresh);
    }
    Continuation& k = as_continuation(object);
    k.weakrefs = nullptr;
    k.run = run.hold();
    PyObject_GC_Track(object);
    return Ref::steal(object);
}

void fill(Continuation& k, Chain chain, Ref effect) noexcept {
    k.chain.adopt(std::move(chain));
    k.effect = effect.release();
}

Chain take(Continuation& k) noexcept {
    const Ref effect = Ref::steal(std::exchange(k.effect, nullptr));
    return std::move(k.chain);
}

}  // namespace calque::effects
