// runtime/effects/machine.cpp: effects, exceptions and the ends of fibers. See machine.hpp.
#include "machine.hpp"

#include "errors.hpp"

#include <calque/compat.hpp>

#include <cassert>

namespace calque::effects {

Machine::Machine(Trace trace, bool release_gil) noexcept : trace_(trace), release_gil_(release_gil) {
    run_ = Run::begin();
    current_ = run_ != nullptr ? fibers::take() : nullptr;
    if (current_ == nullptr) {
        PyErr_NoMemory();
    }
}

Machine::~Machine() {
    while (current_ != nullptr) {
        Fiber* const dying = std::exchange(current_, current_->parent);
        fibers::give_back(dying);
    }
    if (run_ != nullptr) {
        run_->end();
        run_->let_go();
    }
}

void Machine::receive_generator(Ref generator) noexcept {
    if (!current_->reserve()) [[unlikely]] {
        PyErr_NoMemory();
        return receive_call_error();
    }
    current_->push(std::move(generator), FrameKind::generator);
    receive_value(Ref::share(Py_None));
}

// The current fiber is empty: on to its parent, if there is one.
bool Machine::leave_fiber() noexcept {
    Fiber* const left = current_;
    if (left->parent == nullptr) {
        return false;
    }
    current_ = left->parent;
    last_ = {};
    fibers::give_back(left);
    return true;
}

// What it did not resume is given up here, before its value goes on.
void Machine::handler_returned() noexcept { const Ref k = current_->pop(); }

StepEvent Machine::throw_step() noexcept {
    if (current_->empty()) {
        return leave_fiber() ? StepEvent::Continue : StepEvent::Error;
    }
    if (current_->top().kind == FrameKind::generator) {
        return ask(Request::raise);
    }
    const Ref k = current_->pop();
    Continuation& rest = as_continuation(k);
    if (!rest.chain.empty()) {
        current_ = take(rest).attach(current_);
    }
    return StepEvent::Continue;
}

StepEvent Machine::handle_yield() noexcept {
    const Kind kind = kind_of(value_);
    if (is_native_effect(kind)) {
        return perform(wanted_by(kind));
    }
    if (kind == Kind::program) {
        return ask(Request::start_program);
    }
    if (kind != Kind::unknown) {
        return instruct(kind);
    }
    if (is_user_effect(value_)) {
        return perform(wanted_by(kind));
    }
    refuse_yield(value_);
    return fail();
}

namespace {

// Up to the first fiber that may accept it; `passed` gets what those before it accept. Looks at nothing but fibers: no object, no
// reference count, so no GIL is needed.
Fiber* first_candidate(Fiber* from, std::uint32_t wanted, std::uint32_t& passed) noexcept {
    std::uint32_t seen = passed;
    while (from != nullptr && (from->accepts & wanted) == 0) {
        seen |= from->accepts;
        from = from->parent;
    }
    passed = seen;
    return from;
}

}  // namespace

Fiber* Machine::find(Fiber* from, std::uint32_t wanted, Borrowed effect, std::uint32_t& passed) noexcept {
    while (true) {
        if (release_gil_) [[unlikely]] {
            Py_BEGIN_ALLOW_THREADS
            assert(PyGILState_Check() == 0);
            from = first_candidate(from, wanted, passed);
            Py_END_ALLOW_THREADS
        } else {
            from = first_candidate(from, wanted, passed);
        }
        // Of native effects a bit says all.
        if (from == nullptr || (wanted & kAcceptsSomeUser) == 0 || accepts_class(*from, effect.type())) {
            return from;
        }
        from = from->parent;
    }
}

StepEvent Machine::answer_natively(const Fiber& boundary) noexcept {
    Ref answer = boundary.answer(boundary.handler, value_);
    return answer ? deliver(std::move(answer)) : fail();
}

StepEvent Machine::perform(std::uint32_t wanted) noexcept {
    if (last_.from == current_ && (last_.passed & wanted) == 0 && (last_.found->accepts & wanted) != 0) {
        return answer_natively(*last_.found);
    }
    std::uint32_t passed = kAcceptsNothing;
    Fiber* const boundary = find(current_, wanted, value_, passed);
    if (boundary == nullptr) {
        raise_unhandled(value_, current_);
        return fail();
    }
    if (boundary->answer != nullptr) {
        last_ = {current_, boundary, passed};
        return answer_natively(*boundary);
    }
    Ref k = new_continuation(*run_);
    if (!k) {
        return fail();
    }
    if (!boundary->parent->reserve()) {
        PyErr_NoMemory();
        return fail();
    }
    last_ = {};
    Fiber* const performer = std::exchange(current_, boundary->parent);
    fill(as_continuation(k), Chain(performer, boundary), Ref::share(value_));
    current_->push(std::move(k), FrameKind::activation);
    return ask(Request::call_handler);
}

// --- debugging ---------------------------------------------------------------------------------------------------------

StepEvent Machine::traced_step() noexcept {
    static constexpr const char* modes[] = {"Deliver", "Throw", "HandleYield", "Return"};
    static constexpr const char* events[] = {"Continue", "NeedsPython", "Done", "Error"};
    static constexpr const char* requests[] = {"send", "raise", "start program", "call handler"};
    const Mode before = mode_;
    const char* const type = Py_TYPE(value_.get())->tp_name;
    if (trace_ == Trace::all) {
        std::size_t depth = 1;
        for (const Fiber* fiber = current_->parent; fiber != nullptr; fiber = fiber->parent) {
            ++depth;
        }
        PySys_FormatStderr("effects: %s(%s), fiber %zu with %u frames, handled by %s\n",
                           modes[static_cast<int>(before)], type, depth, current_->size,
                           current_->handler == nullptr ? "nobody" : Py_TYPE(current_->handler)->tp_name);
    }
    const StepEvent event = plain_step();
    PySys_FormatStderr("effects: %s -> %s%s%s\n", modes[static_cast<int>(before)],
                       events[static_cast<int>(event)], event == StepEvent::NeedsPython ? ": " : "",
                       event == StepEvent::NeedsPython ? requests[static_cast<int>(request_)] : "");
    return event;
}

}  // namespace calque::effects
