// runtime/native_walk.hpp: the loop of a walk, compiled together with the native handlers (native.hpp).
//
// What it leaves out, compared with the moves of Walk, it may leave out because of two facts, tested at
// every step: the memo is native (nobody sees it being written), and no Python code has run since the
// object was visited. Then originals need not be owned, a finished copy is handed on without a reference
// count, and an entry for the memo is a store into its log. Where one of the facts does not hold, the step
// goes through the general functions.
//
// A child is begun by a call from its parent's handler, as long as all below is native: depth of the graph is
// then depth of the C++ stack, of which calls_left_ takes a bounded piece. The frames lie on the work stack all
// the same, so that everybody can leave at any moment: what needs the general functions is answered with kBegun
// all the way down to the loop, which finds the frames as if it had begun them itself. Through the loop alone
// each level cost 20 to 25 instructions more to leave and 25 more to come back to.
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
    NativeWalk(Context& context, WorkStack::Mark base) noexcept : Walk(context, base), memo_(*context.memo) {}

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
    /// resume() may call `visit` (native.hpp).
    template <class Handler>
    static constexpr bool kVisits = requires(Handler& handler, CopyContext& context, Frame& view) {
        handler.resume(context, view, Ref(), primitives::AskForEach());
    };

    template <class Handler>
    [[gnu::always_inline]] static bool begin_root(Borrowed x, Root& root) noexcept {
        static constinit primitives::ContextHead nowhere;
        prepare(root.frame, x.get(), Handler::kKind);
        root.step = detail::Lend::begin_natively<Handler>(reinterpret_cast<calque_context*>(&nowhere),
                                                          &root.frame, primitives::AskForEach());
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
        const bool unique = counted_ && Py_REFCNT(x) == 1 && !memo_.always_looks_up();
        const calque_step step =
            unique ? begin_kind(x, primitives::known_types.kind(Py_TYPE(x)), true) : visit_shared(x);
        switch (step.outcome) {
        case primitives::kValue: value_ = Ref::steal(step.object); return Move::value;
        case primitives::kBegun: return std::exchange(next_, Move::child);
        case primitives::kFailed: return Move::failed;
        default:
            missed_ = nullptr;
            return ctx_.native_memo ? start_visited(x, Py_TYPE(x), unique) : visit({});
        }
    }

    // The steps below answer kValue, kBegun, kFailed; or CALQUE_CHILD: not native, and not in the memo. They run
    // no Python code. Each kind is begun in a function of its own, found by the kind: compiled into one, they
    // would all save the registers that the greediest needs (60 instructions more per list of one).

    /// A child of a handler in the middle of begin_natively() or resume(), whose own frame stays on the stack
    /// below what this may push; a reference of the handler's object holds it.
    [[gnu::noinline]] calque_step visit_child(Borrowed next, Native kind) noexcept {
        PyObject* x = next.get();
        return Py_REFCNT(x) == 1 && !memo_.always_looks_up() ? begin_kind(x, kind, true) : visit_shared(x);
    }

    /// The copy of what was met before, a new reference, if it is there to be seen at a glance. Without a call for
    /// lists, which are what holds the same things many times over; for the others it would only be in the way.
    template <class Handler>
    [[gnu::always_inline]] PyObject* met(Borrowed next) noexcept {
        if constexpr (Handler::kKind != Native::list) {
            return nullptr;
        }
        PyObject* const copy = Py_REFCNT(next.get()) != 1 ? memo_.glance(next) : nullptr;
        return copy != nullptr ? Ref::share(copy).release() : nullptr;
    }

    /// x may be in the memo.
    [[gnu::noinline]] calque_step visit_shared(PyObject* x) noexcept {
        if (PyObject* copy = memo_.glance(x)) {
            return {Ref::share(copy).release(), primitives::kValue};
        }
        const Native kind = primitives::known_types.kind(Py_TYPE(x));
        if (kind == Native::atomic || (kind == Native::none && passes(x))) {
            return {Ref::share(x).release(), primitives::kValue};
        }
        Ref copy;
        const Found found = memo_.find(x, {}, copy);
        if (!memo_.native()) [[unlikely]] {
            // x is the memo itself. Whoever is in the middle of its elements must not go on natively.
            return {x, memo_is_met() ? std::intptr_t{CALQUE_CHILD} : primitives::kFailed};
        }
        if (found != Found::miss) {
            return {copy.release(), found == Found::hit ? primitives::kValue : primitives::kFailed};
        }
        return kind != Native::none ? begin_kind(x, kind, false) : begin_instance(x, false);
    }

    using Begin = calque_step (*)(NativeWalk&, PyObject*, bool) noexcept;
    struct Begins {
        Begin of[primitives::kAllKinds];
        consteval Begins() noexcept : of() {
            of[static_cast<int>(Native::none)] = &begin_other;
            of[static_cast<int>(Native::atomic)] = &begin_atomic;
            of[static_cast<int>(Native::leaf)] = &begin_leaf;
            ((of[static_cast<int>(Handlers::kKind)] = &begin<Handlers>), ...);
        }
    };

    [[gnu::always_inline]] calque_step begin_kind(PyObject* x, Native kind, bool unique) noexcept {
        static constexpr Begins begins;
        return begins.of[static_cast<int>(kind)](*this, x, unique);
    }

    static calque_step begin_atomic(NativeWalk&, PyObject* x, bool) noexcept {
        return {Ref::share(x).release(), primitives::kValue};
    }

    static calque_step begin_other(NativeWalk& walk, PyObject* x, bool unique) noexcept {
        if (walk.passes(x)) {
            return {Ref::share(x).release(), primitives::kValue};
        }
        return walk.begin_instance(x, unique);
    }

    bool passes(PyObject* x) const noexcept {
        return ctx_.pristine && known_class::passes(x, ctx_.python_runs);
    }

    static calque_step begin_leaf(NativeWalk& walk, PyObject* x, bool unique) noexcept {
        PyObject* const copy = primitives::known_types.leaf(Py_TYPE(x))(x);
        if (copy == nullptr) [[unlikely]] {
            return PyErr_Occurred() != nullptr ? calque_step{nullptr, primitives::kFailed}
                                               : walk.miss(x, unique);
        }
        return walk.finish_leaf(x, copy, unique);
    }

    calque_step begin_instance(PyObject* x, bool unique) noexcept {
        const type_plan::Plan* plan = type_plan::known(Py_TYPE(x), ctx_.python_runs);
        return plan != nullptr ? begin_kind(x, plan->kind, unique) : miss(x, unique);
    }

    calque_step miss(PyObject* x, bool unique) noexcept {
        missed_ = x;
        missed_unique_ = unique;
        return {x, CALQUE_CHILD};
    }

    /// Most objects are leaves: nothing of them lies in memory but the copy. The frame is put on the stack at the
    /// first child. While a child is visited the frame has all there is to know, as if its handler had returned,
    /// so whatever happens below (an error, a memo that is met, too deep a graph) the handler only has to leave.
    template <class Handler>
    [[gnu::noinline]] static calque_step begin(NativeWalk& walk, PyObject* x, bool unique) noexcept {
        calque_frame local;
        local.original = x;
        local.copy = nullptr;
        calque_frame* frame = nullptr;
        const auto visit = [&](Borrowed next) noexcept {
            if (PyObject* copy = walk.met<Handler>(next)) {
                return calque_step{copy, primitives::kValue};
            }
            if (frame == nullptr) {
                frame = walk.push<Handler>(local, unique);
                if (frame == nullptr || !walk.first_asked(*frame, x, unique)) [[unlikely]] {
                    return calque_step{nullptr, primitives::kFailed};
                }
                if (walk.calls_left_ == 0) [[unlikely]] {
                    return calque_step{next.get(), CALQUE_CHILD};
                }
            } else {
                detail::Lend::save_state<Handler>(&local, frame);
            }
            --walk.calls_left_;
            const calque_step step = walk.visit_child(next, primitives::known_types.kind(next.type()));
            ++walk.calls_left_;
            return step;
        };
        const calque_step step = detail::Lend::begin_natively<Handler>(walk.ctx_.raw(), &local, visit);
        if (step.outcome == CALQUE_DONE) [[likely]] {
            return frame == nullptr
                     ? walk.finish_leaf(x, step.object != nullptr ? step.object : local.copy, unique)
                     : walk.finish_begun<Handler>(*frame, x, step.object);
        }
        if (step.outcome == primitives::kBegun) {
            return step;
        }
        if (step.outcome == CALQUE_DECLINE) {
            return walk.miss(x, unique);
        }
        return walk.leave<Handler>(local, frame, step, unique);
    }

    [[gnu::always_inline]] calque_step finish_leaf(PyObject* x, PyObject* copy, bool unique) noexcept {
        if (copy != x && !memo_.log_done(x, copy, false, unique)) [[unlikely]] {
            return fail_with(copy);
        }
        return {copy, primitives::kValue};
    }

    /// What was begun, without children so far, as a frame. Null with MemoryError set.
    template <class Handler>
    [[gnu::always_inline]] calque_frame* push(calque_frame& local, bool unique) noexcept {
        calque_frame* const frame = ctx_.stack.push();
        if (frame == nullptr) [[unlikely]] {
            static_cast<void>(no_memory());
            return nullptr;
        }
        prepare(*frame, local.original, Handler::kKind);
        frame->copy = local.copy;
        frame->walker |=
            (ctx_.python_runs << primitives::kRunsShift) | (unique ? std::uintptr_t{kUnique} : 0);
        detail::Lend::save_state<Handler>(&local, frame);
        return frame;
    }

    // begin() came to an error, or asks for a child that is not for it.
    template <class Handler>
    [[gnu::noinline]] calque_step leave(calque_frame& local, calque_frame* frame, const calque_step& step,
                                        bool unique) noexcept {
        if (frame == nullptr) {
            frame = push<Handler>(local, unique);
        }
        if (frame == nullptr) {
            // Nothing was lent out yet: a dead frame is unwound like any other.
            if (step.outcome == CALQUE_CHILD || step.outcome == primitives::kFailed) {
                detail::Lend::drop<Handler>(nullptr, &local);
            }
            return fail_with(local.copy);
        }
        return step.outcome == primitives::kFailed ? step : settled(settle_natively<Handler>(*frame, step));
    }

    /// What begin() has visited children of is complete, and no Python code has run.
    template <class Handler>
    [[gnu::always_inline]] calque_step finish_begun(calque_frame& frame, PyObject* x,
                                                    PyObject* given) noexcept {
        if (given != nullptr) {
            return finish<Handler>(frame, given);
        }
        if (!memo_.log_done(x, frame.copy, true, false)) [[unlikely]] {
            return settled(give_up_top());
        }
        ctx_.stack.pop();
        return {frame.copy, primitives::kValue};
    }

    // An unfinished copy that nobody has seen goes; no Python code hangs on it.
    [[gnu::noinline]] calque_step fail_with(PyObject* unfinished) noexcept {
        const SavedError in_flight;
        make_frames_safe();
        Ref copy = Ref::steal(unfinished);
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
    [[gnu::noinline]] Move resume(calque_frame& frame) noexcept {
        if (!ctx_.native_memo) [[unlikely]] {
            return deliver();
        }
        if constexpr (kVisits<Handler>) {
            const auto visit = [this](Borrowed next) noexcept {
                PyObject* const copy = met<Handler>(next);
                return copy != nullptr ? calque_step{copy, primitives::kValue}
                                       : visit_child(next, primitives::known_types.kind(next.type()));
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
        case primitives::kBegun: return std::exchange(next_, Move::child);
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
            const calque_step finished = finish<Handler>(frame, step.object);
            if (finished.outcome == primitives::kValue) [[likely]] {
                value_ = Ref::steal(finished.object);
                return Move::value;
            }
            return finished.outcome == primitives::kBegun ? std::exchange(next_, Move::child) : Move::failed;
        }
        return settle(frame, step);
    }

    [[gnu::always_inline]] bool ask(calque_frame& frame, Borrowed next) noexcept {
        if ((frame.walker & kAsked) == 0
            && !first_asked(frame, frame.original, (frame.walker & kUnique) != 0)) [[unlikely]] {
            return false;
        }
        child_ = next;
        counted_ = true;
        return true;
    }

    /// Before the first child is visited: from then on the object may be met again.
    [[gnu::always_inline]] bool first_asked(calque_frame& frame, PyObject* x, bool unique) noexcept {
        if (frame.copy != nullptr) {
            if (mutants::is(mutants::Mutant::list_published_after_children)) {
                frame.walker |= kAsked;
                return publish(ctx_, frame);
            }
            if ((frame.walker & kPublished) == 0 && !memo_.log_pair(x, frame.copy, unique)) [[unlikely]] {
                return false;
            }
            frame.walker |= kAsked | kPublished;
            return true;
        }
        if (!unique) {
            if (!memo_.note_in_progress(x)) [[unlikely]] {
                return false;
            }
            frame.walker |= kNoted;
        }
        frame.walker |= kAsked;
        return true;
    }

    template <class Handler>
    [[gnu::always_inline]] calque_step finish(calque_frame& frame, PyObject* given) noexcept {
        PyObject* x = frame.original;
        if (given == nullptr) {
            given = frame.copy;
        } else if (frame.copy != nullptr || (frame.walker & (kAsked | kUnique)) == kAsked
                   || ((frame.walker & kAsked) != 0 && memo_.always_looks_up())) {
            // A tuple that could lie on a cycle, or below one that turned out to.
            return settled(settle(frame, calque_step{given, CALQUE_DONE}));
        } else if (given == x) {
            // A tuple that is its own copy leaves no entry.
            ctx_.stack.pop();
            return {given, primitives::kValue};
        }
        if ((frame.walker & kOwned) != 0) [[unlikely]] {
            frame.copy = given;
            return settled(settle(frame, calque_step{nullptr, CALQUE_DONE}));
        }
        if (!memo_.log_done(x, given, (frame.walker & kPublished) != 0, (frame.walker & kUnique) != 0))
            [[unlikely]] {
            frame.copy = given;
            return settled(give_up_top());
        }
        ctx_.stack.pop();
        return {given, primitives::kValue};
    }

    /// After a general function: it may have prepared the frames, even run Python code, so a handler in the middle
    /// of its elements has to leave, and the loop goes on with value_ or child_.
    calque_step settled(Move move) noexcept {
        if (move == Move::failed) {
            return {nullptr, primitives::kFailed};
        }
        next_ = move;
        return {nullptr, primitives::kBegun};
    }

    // How much deeper begin() may go in calls, each with some 200 bytes of stack; below that the loop goes on.
    static constexpr int kMostCalls = 100;
    int calls_left_ = kMostCalls;
    Move next_ = Move::child;  // of the loop, after kBegun
    // The child asked for, if it has just been found to be neither native nor in the memo. Nothing but its parent
    // enters the memo until it is visited.
    PyObject* missed_ = nullptr;
    bool missed_unique_ = false;
    Memo& memo_;
};

}  // namespace calque::walker
