// runtime/effects/instructions.cpp: what the machine does for Resume, Transfer, Pass and the others.
//
// The order is the same in all: check everything that can be wrong, and raise at the yield with nothing changed; take the chain out of the
// continuation; give up what is given up (which may run `finally` blocks: the chain is safe in a local); put the chain back.
//
// `return (yield Resume(k, v))` is Transfer in other words, and the way most people write it: the handler has nothing to do with the
// value but return it. If each frame of the activation waits at such a yield, it is treated as one, so that a loop of 10^6 effects does not
// leave 10^6 handlers waiting. Only if k is the activation's own: dropping the activation gives up what it was called with.
#include "machine.hpp"

#include "code_facts.hpp"
#include "errors.hpp"

#include <calque/compat.hpp>

namespace calque::effects {

bool Machine::may_resume(Borrowed k) const noexcept {
    const Continuation& rest = as_continuation(k);
    if (rest.chain.empty()) {
        PyErr_SetString(one_shot_error, "the continuation was resumed before: it can be once");
        return false;
    }
    const char* const refusal = rest.run->refusal(*run_);
    if (refusal != nullptr) {
        PyErr_SetString(PyExc_RuntimeError, refusal);
        return false;
    }
    return true;
}

std::ptrdiff_t Machine::activation(const char* what) const noexcept {
    for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(current_->size) - 1; i >= 0; --i) {
        if (current_->frames[i].kind == FrameKind::activation) {
            return i;
        }
    }
    PyErr_Format(PyExc_RuntimeError, "%s outside of a handler", what);
    return -1;
}

// Drops the handler's frames, innermost first, and its activation.
void Machine::leave_handler(std::ptrdiff_t activation) noexcept {
    while (static_cast<std::ptrdiff_t>(current_->size) > activation) {
        give_up(current_->pop());
    }
}

bool Machine::is_tail_of_handler(Borrowed k) const noexcept {
    for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(current_->size) - 1; i >= 0; --i) {
        const Frame& frame = current_->frames[i];
        if (frame.kind == FrameKind::activation) {
            return frame.object == k.get();
        }
        if (!waits_to_return(frame.object)) {
            return false;
        }
    }
    return false;
}

StepEvent Machine::resume(Mode how) noexcept {
    const Ref k = Ref::share(field(value_, 0));
    Ref value = Ref::share(field(value_, 1));
    if (!may_resume(k)) {
        return fail();
    }
    Chain chain = take(as_continuation(k));
    if (is_tail_of_handler(k)) {
        leave_handler(activation(""));
    }
    current_ = chain.attach(current_);
    value_ = std::move(value);
    mode_ = how;
    return StepEvent::Continue;
}

StepEvent Machine::transfer(Mode how) noexcept {
    const std::ptrdiff_t mine = activation(how == Mode::Throw ? "TransferThrow" : "Transfer");
    const Ref k = Ref::share(field(value_, 0));
    Ref value = Ref::share(field(value_, 1));
    if (mine < 0 || !may_resume(k)) {
        return fail();
    }
    Chain chain = take(as_continuation(k));
    leave_handler(mine);
    current_ = chain.attach(current_);
    value_ = std::move(value);
    mode_ = how;
    return StepEvent::Continue;
}

StepEvent Machine::pass(Ref effect, Ref k) noexcept {
    const std::ptrdiff_t mine = activation("Pass");
    if (mine < 0 || !may_resume(k)) {
        return fail();
    }
    Chain chain = take(as_continuation(k));
    leave_handler(mine);
    value_ = std::move(effect);
    std::uint32_t passed = kAcceptsNothing;
    Fiber* const boundary = find(current_, wanted_by(kind_of(value_)), value_, passed);
    if (boundary == nullptr || boundary->answer != nullptr || !boundary->parent->reserve()) {
        // Not for Python code: what comes of it is delivered to the performer.
        const Fiber* const from = current_;
        current_ = chain.attach(current_);
        if (boundary == nullptr) {
            raise_unhandled(value_, from);
        } else if (boundary->answer != nullptr) {
            return answer_natively(*boundary);
        } else {
            PyErr_NoMemory();
        }
        return fail();
    }
    last_ = {};
    Fiber* const above = current_;
    current_ = boundary->parent;
    Fiber* const performer = chain.attach(above);
    fill(as_continuation(k), Chain(performer, boundary), Ref::share(value_));
    current_->push(std::move(k), FrameKind::activation);
    return ask(Request::call_handler);
}

StepEvent Machine::delegate() noexcept {
    const std::ptrdiff_t mine = activation("Delegate");
    if (mine < 0) {
        return fail();
    }
    Ref k = Ref::share(current_->frames[mine].object);
    if (!may_resume(k)) {
        return fail();
    }
    Ref effect = Ref::share(as_continuation(k).effect);
    return pass(std::move(effect), std::move(k));
}

StepEvent Machine::with_handler() noexcept {
    Fiber* const fiber = fibers::take();
    if (fiber == nullptr) {
        PyErr_NoMemory();
        return fail();
    }
    install(*fiber, field(value_, 0));
    fiber->parent = current_;
    current_ = fiber;
    receive_yield(Ref::share(field(value_, 1)));
    return StepEvent::Continue;
}

namespace {

// By the interned name: the cache of type attributes keeps each name it was asked for, by address.
Ref attribute(Borrowed object, const char* name) noexcept {
    const Ref interned = Ref::steal(PyUnicode_InternFromString(name));
    return Ref::steal(interned ? PyObject_GetAttr(object.get(), interned.get()) : nullptr);
}

// (function, file, line) of a suspended generator; empty with an exception.
Ref place_of(Borrowed generator) noexcept {
    const Ref code = attribute(generator, "gi_code");
    const Ref frame = code ? attribute(generator, "gi_frame") : Ref();
    const Ref line = !frame                 ? Ref()
                   : frame.get() == Py_None ? Ref::steal(PyLong_FromLong(0))
                                            : attribute(frame, "f_lineno");
    if (!line) {
        return {};
    }
    const auto* const about = reinterpret_cast<PyCodeObject*>(code.get());
    return Ref::steal(PyTuple_Pack(3, about->co_name, about->co_filename, line.get()));
}

Ref places_of(const Chain& chain) noexcept {
    Ref found = Ref::steal(PyList_New(0));
    for (Fiber* fiber = chain.head(); found && fiber != nullptr; fiber = fiber->parent) {
        for (std::uint32_t i = fiber->size; i-- > 0;) {
            if (fiber->frames[i].kind != FrameKind::generator) {
                continue;
            }
            const Ref place = place_of(fiber->frames[i].object);
            if (!place || PyList_Append(found.get(), place.get()) < 0) {
                return {};
            }
        }
    }
    return found;
}

}  // namespace

StepEvent Machine::instruct(Kind kind) noexcept {
    Ref answer;
    switch (kind) {
    case Kind::resume: return resume(Mode::Deliver);
    case Kind::resume_throw: return resume(Mode::Throw);
    case Kind::transfer: return transfer(Mode::Deliver);
    case Kind::transfer_throw: return transfer(Mode::Throw);
    case Kind::pass: return pass(Ref::share(field(value_, 0)), Ref::share(field(value_, 1)));
    case Kind::delegate: return delegate();
    case Kind::with_handler: return with_handler();
    case Kind::get_continuation: {
        const std::ptrdiff_t mine = activation("GetContinuation");
        answer = mine < 0 ? Ref() : Ref::share(current_->frames[mine].object);
        break;
    }
    case Kind::get_handlers:
        answer = handlers_from(field(value_, 0) == Py_None ? current_
                                                           : as_continuation(field(value_, 0)).chain.head());
        break;
    case Kind::get_traceback: answer = places_of(as_continuation(field(value_, 0)).chain); break;
    default:
        answer = Ref::share(field(value_, 0));  // Pure
        break;
    }
    return answer ? deliver(std::move(answer)) : fail();
}

}  // namespace calque::effects
