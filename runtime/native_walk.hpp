// runtime/native_walk.hpp: the loop of a walk, compiled together with the native handlers (native.hpp).
//
// What it leaves out, compared with the moves of Walk, it may leave out because of two facts, tested at
// every step: the memo is native (nobody sees it being written), and no Python code has run since the
// object was visited. Then originals need not be owned, a finished copy is handed on without a reference
// count, and an entry for the memo is a store into its log. Where one of the facts does not hold, the step
// goes through the general functions.
//
// Measured (instructions per element, CPython 3.11.2, g++ 12): see HACKING.md, "What made it fast".
#pragma once

#include "primitives/known_class.hpp"
#include "primitives/mutants.hpp"
#include "primitives/type_plan.hpp"
#include "saved_error.hpp"
#include "walk.hpp"
#include "walker.hpp"

#include <cstddef>
#include <cstring>

namespace calque::walker {

/// `Handlers`: classes as for frame_handler(), each with a constant `kKind` (primitives::Native).
template <class... Handlers>
class NativeWalk : Walk {
    using Native = primitives::Native;

public:
    using Walk::Walk;

    Ref run(Borrowed x, Borrowed nil) noexcept {
        child_ = x;
        return go_on(nil ? visit(nil) : visit_natively());
    }

    /// From a root that asks for a child.
    Ref run(Root& root) noexcept {
        calque_frame* frame = ctx_.stack.push();
        if (frame == nullptr) [[unlikely]] {
            static_cast<void>(no_memory());
            give_up_root(root);
            return {};
        }
        std::memcpy(frame, &root.frame, sizeof(calque_frame));
        frame->walker |= ctx_.python_runs << primitives::kRunsShift;
        return go_on(ask(*frame, root.step.object) ? Move::child : Move::failed);
    }

    /// See walker.hpp.
    static bool begin_root(Borrowed x, Root& root) noexcept {
        const Native kind = primitives::known_types.kind(x.type());
        return ((kind == Handlers::kKind && begin_root<Handlers>(x, root)) || ...);
    }

private:
    template <class Handler>
    [[gnu::always_inline]] static bool begin_root(Borrowed x, Root& root) noexcept {
        static constinit primitives::ContextHead nowhere;
        prepare(root.frame, x.get(), Handler::kKind);
        root.step =
            detail::Lend::begin_natively<Handler>(reinterpret_cast<calque_context*>(&nowhere), &root.frame);
        if (root.step.outcome == CALQUE_DONE && root.step.object == nullptr) {
            root.step.object = root.frame.copy;
        }
        return root.step.outcome != CALQUE_DECLINE;
    }

    static void prepare(calque_frame& frame, PyObject* x, Native kind) noexcept {
        frame.original = x;
        frame.copy = nullptr;
        frame.handler = primitives::native_handlers[static_cast<int>(kind)];
        frame.walker = static_cast<std::uintptr_t>(kind) << kKindShift;
    }

    Ref go_on(Move move) noexcept {
        for (;;) {
            while (move == Move::child) {
                move = visit_natively();
            }
            if (move == Move::failed) [[unlikely]] {
                unwind();
                return {};
            }
            if (ctx_.stack.mark() == base_) {
                return std::move(value_);
            }
            move = deliver_natively();
        }
    }

    using Found = mapping_memo::Found;

    [[gnu::always_inline]] Move visit_natively() noexcept {
        if (!ctx_.native_memo) [[unlikely]] {
            return visit({});
        }
        PyObject* x = child_.get();
        if (missed_ == x) [[unlikely]] {
            missed_ = nullptr;
            return start_visited(x, Py_TYPE(x), missed_unique_);
        }
        if (primitives::known_types.atomic(Py_TYPE(x))) {
            value_ = Ref::share(x);
            return Move::value;
        }
        bool unique = counted_;
        const calque_step step = try_natively(x, unique);
        switch (step.outcome) {
        case primitives::kValue: value_ = Ref::steal(step.object); return Move::value;
        case primitives::kBegun: return Move::child;
        case primitives::kFailed: return Move::failed;
        default: return ctx_.native_memo ? start_visited(x, Py_TYPE(x), unique) : visit({});
        }
    }

    /// For a handler in the middle of resume(), whose own frame stays on the stack below what this may push.
    /// A child of another kind is asked for in the ordinary way. Runs no Python code.
    [[gnu::noinline]] calque_step visit_in_handler(Borrowed next) noexcept {
        if (!ctx_.native_memo) {
            return {next.get(), CALQUE_CHILD};
        }
        bool unique = true;
        const calque_step step = try_natively(next.get(), unique);
        if (step.outcome == CALQUE_CHILD && ctx_.native_memo) [[unlikely]] {
            missed_ = next.get();
            missed_unique_ = unique;
        }
        return step;
    }

    /// kValue, kBegun, kFailed; or CALQUE_CHILD: not native, and not in the memo. `unique`: in, whether the
    /// parent holds a counted reference; out, see memo.hpp, "Lazy". Runs no Python code.
    [[gnu::always_inline]] calque_step try_natively(PyObject* x, bool& unique) noexcept {
        PyTypeObject* type = Py_TYPE(x);
        Native kind = primitives::known_types.kind(type);
        if (kind == Native::none) {
            if (ctx_.pristine && known_class::passes(x, ctx_.python_runs)) {
                return {Ref::share(x).release(), primitives::kValue};
            }
            if (type_plan::known(type, ctx_.python_runs) != nullptr) {
                kind = Native::instance;
            }
        }
        Memo& memo = *ctx_.memo;
        unique = unique && Py_REFCNT(x) == 1 && !memo.always_looks_up();
        if (!unique) {
            Ref copy;
            const Found found = memo.find(x, {}, copy);
            if (!memo.native()) [[unlikely]] {
                // x is the memo itself. Whoever is in the middle of its elements must not go on natively.
                return {x, memo_is_met() ? std::intptr_t{CALQUE_CHILD} : primitives::kFailed};
            }
            if (found != Found::miss) {
                return {copy.release(), found == Found::hit ? primitives::kValue : primitives::kFailed};
            }
        }
        calque_step step{x, CALQUE_CHILD};
        static_cast<void>(((kind == Handlers::kKind && (step = begin<Handlers>(x, unique), true)) || ...));
        return step;
    }

    /// Most objects are leaves: the frame is put on the stack only when a child is asked for.
    template <class Handler>
    [[gnu::always_inline]] calque_step begin(PyObject* x, bool unique) noexcept {
        calque_frame local;
        local.original = x;
        local.copy = nullptr;
        local.handler = primitives::native_handlers[static_cast<int>(Handler::kKind)];
        local.walker = (ctx_.python_runs << primitives::kRunsShift)
                     | (static_cast<std::uintptr_t>(Handler::kKind) << kKindShift)
                     | (unique ? std::uintptr_t{kUnique} : 0);
        const calque_step step = detail::Lend::begin_natively<Handler>(ctx_.raw(), &local);
        if (step.outcome == CALQUE_DONE) [[likely]] {
            PyObject* copy = step.object != nullptr ? step.object : local.copy;
            if (copy != x && !ctx_.memo->log_done(x, copy, false, unique)) [[unlikely]] {
                return fail_with(Ref::steal(copy));
            }
            return {copy, primitives::kValue};
        }
        if (step.outcome == CALQUE_DECLINE) {
            return {x, CALQUE_CHILD};
        }
        calque_frame* frame = ctx_.stack.push();
        if (frame == nullptr) [[unlikely]] {
            // Nothing was lent out yet: a dead frame is unwound like any other.
            detail::Lend::drop<Handler>(local.handler, &local);
            static_cast<void>(no_memory());
            return fail_with(Ref::steal(local.copy));
        }
        std::memcpy(frame, &local, offsetof(calque_frame, data) + sizeof(Handler));
        if (step.outcome == CALQUE_CHILD) {
            return {nullptr, ask(*frame, step.object) ? primitives::kBegun : primitives::kFailed};
        }
        static_cast<void>(settle(*frame, step));
        return {nullptr, primitives::kFailed};
    }

    // An unfinished copy that nobody has seen goes; no Python code hangs on it.
    calque_step fail_with(Ref copy) noexcept {
        const SavedError in_flight;
        make_frames_safe();
        copy = {};
        return {nullptr, primitives::kFailed};
    }

    [[gnu::always_inline]] Move deliver_natively() noexcept {
        calque_frame& frame = ctx_.stack.top();
        const auto kind = static_cast<Native>((frame.walker & kKindMask) >> kKindShift);
        Move move = Move::declined;
        static_cast<void>(((kind == Handlers::kKind && (move = resume<Handlers>(frame), true)) || ...));
        return move != Move::declined ? move : deliver();
    }

    template <class Handler>
    [[gnu::always_inline]] Move resume(calque_frame& frame) noexcept {
        if constexpr (requires(Handler & handler, CopyContext & context, Frame & view) {
                          handler.resume(context, view, Ref(), primitives::AskForEach());
                      }) {
            const auto visit = [this](Borrowed next) noexcept {
                if (Py_REFCNT(next.get()) != 1 && ctx_.native_memo) {
                    if (PyObject* copy = ctx_.memo->glance(next)) {
                        return calque_step{Ref::share(copy).release(), primitives::kValue};
                    }
                }
                return visit_in_handler(next);
            };
            return settle_natively<Handler>(
                frame, detail::Lend::resume_natively<Handler>(ctx_.raw(), &frame, value_.release(), visit));
        } else {
            return settle_natively<Handler>(
                frame, detail::Lend::resume<Handler>(frame.handler, ctx_.raw(), &frame, value_.release()));
        }
    }

    template <class Handler>
    [[gnu::always_inline]] Move settle_natively(calque_frame& frame, const calque_step& step) noexcept {
        switch (step.outcome) {
        case primitives::kBegun: return Move::child;
        case primitives::kFailed: return Move::failed;
        default: break;
        }
        if (!ctx_.native_memo || python_ran_since_visit(frame)) [[unlikely]] {
            if (step.outcome == CALQUE_CHILD && (frame.walker & kPublished) != 0) {
                frame.walker |= kAsked;
                child_ = step.object;
                counted_ = true;
                return Move::child;
            }
            return settle(frame, step);
        }
        if (step.outcome == CALQUE_CHILD) {
            return ask(frame, step.object) ? Move::child : Move::failed;
        }
        if (step.outcome == CALQUE_DONE) [[likely]] {
            return finish<Handler>(frame, step.object);
        }
        return settle(frame, step);
    }

    [[gnu::always_inline]] bool ask(calque_frame& frame, Borrowed next) noexcept {
        if ((frame.walker & kAsked) == 0) {
            if (frame.copy != nullptr) {
                if (!publish_natively(frame)) [[unlikely]] {
                    return false;
                }
                frame.walker |= kAsked | kPublished;
            } else {
                if ((frame.walker & kUnique) == 0) {
                    if (!ctx_.memo->note_in_progress(frame.original)) [[unlikely]] {
                        return false;
                    }
                    frame.walker |= kNoted;
                }
                frame.walker |= kAsked;
            }
        }
        child_ = next;
        counted_ = true;
        return true;
    }

    [[gnu::always_inline]] bool publish_natively(calque_frame& frame) noexcept {
        if (mutants::is(mutants::Mutant::list_published_after_children)) {
            return publish(ctx_, frame);
        }
        return (frame.walker & kPublished) != 0
            || ctx_.memo->log_pair(frame.original, frame.copy, (frame.walker & kUnique) != 0);
    }

    template <class Handler>
    [[gnu::always_inline]] Move finish(calque_frame& frame, PyObject* given) noexcept {
        PyObject* x = frame.original;
        if (given == nullptr) {
            given = std::exchange(frame.copy, nullptr);
        } else if (frame.copy != nullptr
                   || ((frame.walker & kAsked) != 0
                       && ((frame.walker & kUnique) == 0 || ctx_.memo->always_looks_up()))) {
            // A tuple that could lie on a cycle, or below one that turned out to.
            return settle(frame, calque_step{given, CALQUE_DONE});
        }
        if (given == x) {
            // A tuple that is its own copy leaves no entry.
            value_ = Ref::steal(given);
            ctx_.stack.pop();
            return Move::value;
        }
        if (!ctx_.memo->log_done(x, given, (frame.walker & kPublished) != 0, (frame.walker & kUnique) != 0))
            [[unlikely]] {
            frame.copy = given;
            return give_up_top();
        }
        value_ = Ref::steal(given);
        if ((frame.walker & kOwned) != 0) [[unlikely]] {
            return discard_top() ? Move::value : Move::failed;
        }
        ctx_.stack.pop();
        return Move::value;
    }

    // The child asked for, if visit_in_handler() has just found it to be neither native nor in the memo. Nothing
    // but the parent enters the memo until it is visited.
    PyObject* missed_ = nullptr;
    bool missed_unique_ = false;
};

}  // namespace calque::walker
