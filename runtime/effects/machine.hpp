// runtime/effects/machine.hpp: the step machine that runs a program.
//
// What happens next is a mode and an object:
//
//     Deliver(v)      v goes to the frame on top: it is what its yield evaluates to
//     Throw(e)        e is raised there
//     HandleYield(y)  y was yielded: an effect to perform, a program to call, an instruction
//     Return(v)       the current fiber has no frames left: v goes to its parent
//
// and a step takes it one transition further:
//
//     Continue        step again
//     NeedsPython     Python code is next; request() says which, and one of the receive functions takes what came of it
//     Done, Error     the run is over: result() is its value, or its exception
//
//     mode         top of the current fiber         next
//     Deliver      a generator                      NeedsPython: send
//     Deliver      an activation                    popped: the handler has returned; Deliver
//     Deliver      none                             Return
//     Throw        a generator                      NeedsPython: raise
//     Throw        an activation, not resumed       popped, and its chain put back: Throw where the effect was performed
//     Throw        an activation, resumed           popped: Throw
//     Throw        none                             the parent, Throw; Error in the root
//     Return       none                             the parent, Deliver; Done in the root
//     HandleYield  an effect                        native handler: Deliver or Throw; Python handler: NeedsPython: call it
//     HandleYield  a program                        NeedsPython: start it
//     HandleYield  an instruction                   instructions.cpp
//     HandleYield  anything else                    Throw TypeError
//
// So generators never call generators: a program 10^6 calls deep uses a vector of 10^6 frames and no C stack. Nothing here calls
// Python code of a program's but native handlers, which may (a key's __hash__), and the end of objects. The machine is
// not reachable from Python while that goes on, and has its links in order: a nested run is another machine, and a continuation of
// this one can only be dropped.
//
// An *activation* is a frame with the continuation a handler was given; the frames above it, up to the top, are the handler's own.
// It says where Transfer cuts the handler off, whose exception goes to the perform site, and what GetContinuation means. It is looked for in
// the current fiber only: a WithHandler inside a handler begins a body, which is no handler.
//
// Errors of the machine's own (one-shot, no handler, not an effect) are exceptions raised at the yield that caused them. The run goes on.
#pragma once

#include "continuation.hpp"
#include "handler.hpp"
#include "nodes.hpp"

#include <calque/compat.hpp>

namespace calque::effects {

enum class Mode : std::uint8_t { Deliver, Throw, HandleYield, Return };
enum class StepEvent : std::uint8_t { Continue, NeedsPython, Done, Error };
enum class Request : std::uint8_t { send, raise, start_program, call_handler };
enum class Trace : std::uint8_t { off, steps, all };

class Machine {
public:
    /// Python's exception is set if the machine is not good.
    explicit Machine(Trace trace = Trace::off, bool release_gil = false) noexcept;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    ~Machine();

    bool good() const noexcept { return current_ != nullptr; }
    /// What is to be run, as if the root had yielded it.
    void begin(Ref expression) noexcept {
        mode_ = Mode::HandleYield;
        value_ = std::move(expression);
    }
    StepEvent step() noexcept {
        if (trace_ != Trace::off) [[unlikely]] {
            return traced_step();
        }
        return plain_step();
    }

    // After NeedsPython.
    Request request() const noexcept { return request_; }
    /// The generator to send to or raise in.
    Borrowed generator() const noexcept { return current_->top().object; }
    /// What to send or raise; the program; the effect.
    Borrowed value() const noexcept { return value_; }
    /// Of call_handler: the handler and what it is given.
    Borrowed handler() const noexcept {
        return as_continuation(current_->top().object).chain.tail()->handler;
    }
    Borrowed continuation() const noexcept { return current_->top().object; }

    /// The generator has yielded; or what a plain function has returned is to be executed.
    void receive_yield(Ref yielded) noexcept {
        value_ = std::move(yielded);
        mode_ = Mode::HandleYield;
    }
    /// The generator has returned.
    void receive_return(Ref value) noexcept {
        const Ref finished = current_->pop();
        receive_value(std::move(value));
    }
    /// A program or handler without yield has returned.
    void receive_value(Ref value) noexcept {
        value_ = std::move(value);
        mode_ = Mode::Deliver;
    }
    /// A program or handler has begun.
    void receive_generator(Ref generator) noexcept;
    /// The generator has raised; the exception is set.
    void receive_error() noexcept {
        Ref exception = Ref::steal(PyErr_GetRaisedException());
        const Ref finished = current_->pop();
        receive_exception(std::move(exception));
    }
    /// A function that was to begin a program or handler has raised; the exception is set.
    void receive_call_error() noexcept { receive_exception(Ref::steal(PyErr_GetRaisedException())); }

    // After Done or Error; also for tests.
    Ref take_result() noexcept { return std::move(value_); }
    Mode mode() const noexcept { return mode_; }
    Fiber* current() const noexcept { return current_; }

private:
    StepEvent plain_step() noexcept {
        switch (mode_) {
        case Mode::Deliver:
            if (current_->empty()) {
                mode_ = Mode::Return;
                return StepEvent::Continue;
            }
            if (current_->top().kind == FrameKind::generator) [[likely]] {
                request_ = Request::send;
                return StepEvent::NeedsPython;
            }
            handler_returned();
            return StepEvent::Continue;
        case Mode::HandleYield: return handle_yield();
        case Mode::Throw: return throw_step();
        case Mode::Return: break;
        }
        return leave_fiber() ? (mode_ = Mode::Deliver, StepEvent::Continue) : StepEvent::Done;
    }
    StepEvent traced_step() noexcept;
    StepEvent throw_step() noexcept;
    StepEvent handle_yield() noexcept;
    StepEvent perform(std::uint32_t wanted) noexcept;
    StepEvent answer_natively(const Fiber& boundary) noexcept;
    StepEvent instruct(Kind kind) noexcept;
    bool leave_fiber() noexcept;
    void handler_returned() noexcept;

    // instructions.cpp
    StepEvent resume(Mode how) noexcept;
    StepEvent transfer(Mode how) noexcept;
    StepEvent pass(Ref effect, Ref k) noexcept;
    StepEvent delegate() noexcept;
    StepEvent with_handler() noexcept;
    bool may_resume(Borrowed k) const noexcept;
    /// The index of the frame, in the current fiber; or -1 with RuntimeError, which names `what`.
    std::ptrdiff_t activation(const char* what) const noexcept;
    void leave_handler(std::ptrdiff_t activation) noexcept;
    bool is_tail_of_handler(Borrowed k) const noexcept;

    /// The nearest fiber from `from` on whose handler accepts the effect, or null.
    /// `passed` gets what those before it accept.
    Fiber* find(Fiber* from, std::uint32_t wanted, Borrowed effect, std::uint32_t& passed) noexcept;
    void receive_exception(Ref exception) noexcept {
        value_ = std::move(exception);
        mode_ = Mode::Throw;
    }
    /// Throws what is set in Python's error indicator.
    StepEvent fail() noexcept {
        receive_call_error();
        return StepEvent::Continue;
    }
    StepEvent deliver(Ref value) noexcept {
        receive_value(std::move(value));
        return StepEvent::Continue;
    }
    StepEvent ask(Request request) noexcept {
        request_ = request;
        return StepEvent::NeedsPython;
    }

    // A loop asks the same handler again and again: from which fiber a native one was found last, which, and what the fibers
    // in between accept. It holds until fibers are taken off or one is left; putting fibers back on top changes nothing below.
    struct Last {
        const Fiber* from = nullptr;
        const Fiber* found = nullptr;
        std::uint32_t passed = kAcceptsNothing;
    };

    Fiber* current_ = nullptr;
    Last last_;
    Ref value_;
    Mode mode_ = Mode::HandleYield;
    Request request_ = Request::send;
    Trace trace_ = Trace::off;
    bool release_gil_ = false;
    Run* run_ = nullptr;
};

/// What an effect of this kind wants to be accepted by.
inline std::uint32_t wanted_by(Kind kind) noexcept {
    return is_native_effect(kind) ? 1u << static_cast<unsigned>(kind)
                                  : std::uint32_t{kAcceptsUser} | std::uint32_t{kAcceptsSomeUser};
}

/// Runs to the end, with Python's help: the value, or empty with the exception set.
Ref run(Ref expression, Trace trace, bool release_gil) noexcept;

}  // namespace calque::effects
