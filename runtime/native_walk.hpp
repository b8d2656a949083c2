// runtime/native_walk.hpp: the loop of a walk, compiled together with the native handlers (native.hpp).
//
// What it leaves out, compared with the moves of Walk, it may leave out because of two facts, tested at
// every step: the memo is native (nobody sees it being written), and no Python code has run since the
// object was visited. Then originals need not be owned, a finished copy is handed on without a reference
// count, and an entry for the memo is a store into its log. Where one of the facts does not hold, the step
// goes through the general functions.
//
// A child is begun by a call from its parent's handler, as long as all below is native: depth of the graph is
// then depth of the C++ stack, of which a bounded piece is taken. Such objects have no frame on the work stack: what
// there is to know of them lies in the calls. Nearly all of them are complete before anybody asks.
//   Where somebody has to ask (Python code must run, an error ends the copy, the graph is too deep), the calls LEAVE:
// each writes its frame to the place above the top of the stack that is kept for its depth (CallPlaces), and
// answers kBegun, or kFailed, to the one below. Once all have left, the loop puts the frames on the stack
// (take_frames) and goes on as if it had begun them itself. So in between nothing may look at the frames:
// no Python code, no error that frees anything, no other memo. All three are left to the loop. Where they were not, a hook
// would find lists half filled, and an error would free copies that the memo still names.
//   What a call knows of its object is what the frame would say: it was visited by a parent who counts a reference
// to it, in this stretch without Python code, and its copy, if there is one, is in the memo since the first child.
//   They leave as well where somebody waits for this thread (safepoint.hpp): the loop alone lets others have their turn.
#pragma once

#include "call_places.hpp"
#include "primitives/known_class.hpp"
#include "primitives/mutants.hpp"
#include "primitives/type_plan.hpp"
#include "saved_error.hpp"
#include "walk.hpp"
#include "walker.hpp"

#include <cassert>
#include <cstddef>
#include <cstring>

namespace calque::walker {

/// `Handlers`: as for frame_handler(), each with a constant `kKind`. `kEach`: calls leave at each child (explain_walk.hpp).
template <bool kEach, class... Handlers>
class NativeWalk : protected Walk {
    using Native = primitives::Native;
    using Look = primitives::KnownTypes::Look;

public:
    NativeWalk(Context& context, WorkStack::Mark base) noexcept
        : Walk(context, base), places_(context.stack), memo_(*context.memo) {}

    Ref run(Borrowed x, Borrowed nil) noexcept {
        child_ = x;
        return go_on(nil ? visit(nil) : visit_natively());
    }

    /// See walker.hpp.
    static bool begin_root(Borrowed x, Root& root) noexcept {
        const Native kind = primitives::known_types.kind(x.type());
        return ((kind == Handlers::kKind && begin_root<Handlers>(x, root)) || ...);
    }

    /// From a root that asks for a child.
    Ref run(Root& root) noexcept {
        if (!places_.make_room()) [[unlikely]] {
            static_cast<void>(no_memory());
            give_up_root(root);
            return {};
        }
        const Native kind = kind_of(root.frame);
        root.frame.walker = notes(false);
        Move move = Move::failed;
        static_cast<void>(
            ((kind == Handlers::kKind && (move = go_on_below<Handlers>(root.frame), true)) || ...));
        return go_on(move);
    }

protected:
    /// Asks for children in begin_natively(), and can be begun without a walk (native.hpp).
    template <class Handler>
    static constexpr bool kGoesOn = requires(Handler& handler, CopyContext& context, Frame& view) {
        handler.go_on_natively(context, view, primitives::AskForEach());
    };

    /// begin_natively() may call frame.publish().
    template <class Handler>
    static constexpr bool kMayPublish = requires {
        Handler::kMayPublish;
    };

    /// resume() may call `visit` (native.hpp).
    template <class Handler>
    static constexpr bool kVisits = requires(Handler& handler, CopyContext& context, Frame& view) {
        handler.resume(context, view, Ref(), primitives::AskForEach());
    };

    /// begin_natively() is called without a walk: most first objects have no children.
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

    /// What begin_root() has begun is now as if a call had begun it.
    template <class Handler>
    [[gnu::noinline]] Move go_on_below(calque_frame& local) noexcept {
        if constexpr (kGoesOn<Handler>) {
            PyObject* const x = local.original;
            bool asked = false;
            const auto visit = [&](Borrowed next, const Look& look) noexcept {
                return visit_from<Handler>(x, local, asked, false, places_.first(), next, look);
            };
            const calque_step step = detail::Lend::go_on_natively<Handler>(ctx_.raw(), &local, visit);
            return after(end_call<Handler>(x, local, asked, false, places_.first(), step));
        } else {
            static_cast<void>(local);
            assert(!"a handler that asks for no child has asked for one");
            return Move::failed;
        }
    }

    Ref go_on(Move move) noexcept {
        for (;;) {
            while (move == Move::child) {
                move = poll_.due() ? visit_at_safepoint() : visit_natively();
            }
            if (move == Move::failed) [[unlikely]] {
                unwind();
                return {};
            }
            if (ctx_.stack.mark() == base_) {
                return std::move(value_);
            }
            move = poll_.due() && !pass_safepoint() ? Move::failed : deliver_natively();
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
        if (!places_.make_room()) [[unlikely]] {
            return no_memory();
        }
        const bool unique = counted_ && Py_REFCNT(x) == 1 && !memo_.always_looks_up();
        const calque_step step =
            unique ? begin_kind(x, primitives::known_types.kind(Py_TYPE(x)), true, places_.first())
                   : visit_shared(x, places_.first());
        if (step.outcome == CALQUE_CHILD) [[unlikely]] {
            if (std::exchange(missed_, nullptr) == x) {
                return start_visited(x, Py_TYPE(x), unique);
            }
            return memo_.unhashed() > safepoint::slice() ? visit_at_safepoint() : visit({});
        }
        return after(step);
    }

    /// Somebody waits, or the next look-up has much to do first (safepoint.hpp).
    [[gnu::noinline, gnu::cold]] Move visit_at_safepoint() noexcept {
        PyObject* const x = child_.get();
        missed_ = nullptr;
        switch (stop_before_visit()) {
        case Stopped::failed: return Move::failed;
        case Stopped::before_mapping: return visit_held();
        case Stopped::before_look_up: return visit_natively();
        default: break;
        }
        const Native kind = primitives::known_types.kind(Py_TYPE(x));
        if ((kind == Native::tuple && !memo_.note_new_in_progress(x)) || !places_.make_room()) {
            return no_memory();
        }
        const calque_step step = begin_kind(x, kind, false, places_.first());
        missed_ = nullptr;
        return step.outcome == CALQUE_CHILD ? start_visited(x, Py_TYPE(x), false) : after(step);
    }

    /// A call has ended with kValue, kBegun or kFailed.
    [[gnu::always_inline]] Move after(const calque_step& step) noexcept {
        switch (step.outcome) {
        case primitives::kValue: value_ = Ref::steal(step.object); return Move::value;
        case primitives::kBegun: return all_have_left();
        default: places_.take_frames(); return Move::failed;
        }
    }

    // -- calls that leave

    /// All calls have, after kBegun: what the loop is to do.
    [[gnu::noinline]] Move all_have_left() noexcept {
        places_.take_frames();
        const Move next = std::exchange(next_, Move::child);
        return rejected_ && !give_up(std::move(rejected_)) ? Move::failed : next;
    }

    template <class Handler>
    [[gnu::noinline]] calque_step leave(calque_frame& local, calque_frame* place, bool asked, bool unique,
                                        calque_step step) noexcept {
        if (step.outcome != CALQUE_CHILD && step.outcome != primitives::kBegun
            && step.outcome != primitives::kFailed) {
            return fail_with(local.copy);  // the handler's data are dead
        }
        const bool published = kMayPublish<Handler> && (local.walker & kPublished) != 0;
        if (!asked && !published && !first_child<Handler>(local.original, local.copy, unique)) {
            step.outcome = primitives::kFailed;
        }
        prepare(*place, local.original, Handler::kKind);
        place->copy = local.copy;
        place->walker |= notes(unique) | kAsked;
        if (local.copy == nullptr) {
            place->walker |= unique ? std::uintptr_t{0} : kNoted;
        } else if (publishes<Handler>()) {
            place->walker |= kPublished;
        }
        detail::Lend::save_state<Handler>(&local, place);
        places_.left(place);
        if (step.outcome == CALQUE_CHILD) {
            child_ = step.object;
            counted_ = true;
            return {nullptr, primitives::kBegun};
        }
        return step;
    }

    // -- visits by calls
    //
    // The steps below answer kValue, kBegun, kFailed; or CALQUE_CHILD: not native, and not in the memo; or for the
    // general functions. They run no Python code. `place`: for the frame, if the call has to leave. Each kind is
    // begun in a function of its own, found by the kind: compiled into one, they would all save the registers that
    // the greediest needs (60 instructions more per list of one).

    /// The child of a handler in the middle of begin_natively() or resume(), whose object holds it.
    [[gnu::always_inline]] calque_step visit_child(Borrowed next, const Look& look,
                                                   calque_frame* place) noexcept {
        PyObject* x = next.get();
        return Py_REFCNT(x) == 1 && !memo_.always_looks_up() ? begin_kind(x, look.kind(), true, place)
                                                             : visit_shared(x, place);
    }

    /// The copy of what was met before, a new reference, if it is there to be seen at a glance. Without a call for
    /// lists, which are what holds the same things many times over; for the others it would only be in the way.
    template <class Handler>
    [[gnu::always_inline]] PyObject* met(Borrowed next) noexcept {
        if constexpr (Handler::kKind != Native::list) {
            return nullptr;
        }
        bool absent = false;
        PyObject* const copy = Py_REFCNT(next.get()) != 1 ? memo_.glance(next, absent) : nullptr;
        return copy != nullptr ? Ref::share(copy).release() : nullptr;
    }

    /// x may be in the memo.
    [[gnu::noinline]] calque_step visit_shared(PyObject* x, calque_frame* place) noexcept {
        bool absent = false;
        if (PyObject* copy = memo_.glance(x, absent)) {
            return {Ref::share(copy).release(), primitives::kValue};
        }
        const Native kind = primitives::known_types.kind(Py_TYPE(x));
        if (kind == Native::atomic || (kind == Native::none && passes(x))) {
            return {Ref::share(x).release(), primitives::kValue};
        }
        if (!absent) {
            if (memo_.is_own_dict(x) || memo_.unhashed() > safepoint::slice()) [[unlikely]] {
                return {x, CALQUE_CHILD};  // the end of the native memo, or much to hash: for the loop
            }
            Ref copy;
            const Found found = memo_.find(x, {}, copy);
            if (found != Found::miss) {
                return {copy.release(), found == Found::hit ? primitives::kValue : primitives::kFailed};
            }
        }
        return kind != Native::none ? begin_kind(x, kind, false, place) : begin_instance(x, false, place);
    }

    using Begin = calque_step (*)(NativeWalk&, PyObject*, bool, calque_frame*) noexcept;
    struct Begins {
        Begin of[primitives::kAllKinds];
        consteval Begins() noexcept : of() {
            of[static_cast<int>(Native::none)] = &begin_other;
            of[static_cast<int>(Native::atomic)] = &begin_atomic;
            of[static_cast<int>(Native::leaf)] = &begin_leaf;
            ((of[static_cast<int>(Handlers::kKind)] = &begin<Handlers>), ...);
        }
    };

    [[gnu::always_inline]] calque_step begin_kind(PyObject* x, Native kind, bool unique,
                                                  calque_frame* place) noexcept {
        static constexpr Begins begins;
        return begins.of[static_cast<int>(kind)](*this, x, unique, place);
    }

    static calque_step begin_atomic(NativeWalk&, PyObject* x, bool, calque_frame*) noexcept {
        return {Ref::share(x).release(), primitives::kValue};
    }

    static calque_step begin_other(NativeWalk& walk, PyObject* x, bool unique, calque_frame* place) noexcept {
        // Calls in place of a return: nothing is saved on the way to them.
        if (!known_class::may_pass(Py_TYPE(x))) {
            return begin_rest<false>(walk, x, unique, place);
        }
        return walk.ctx_.pristine && known_class::passed_before(x, walk.ctx_.python_runs)
                 ? calque_step{Ref::share(x).release(), primitives::kValue}
                 : begin_rest<true>(walk, x, unique, place);
    }

    template <bool may_pass>
    [[gnu::noinline]] static calque_step begin_rest(NativeWalk& walk, PyObject* x, bool unique,
                                                    calque_frame* place) noexcept {
        return may_pass && walk.passes(x) ? calque_step{Ref::share(x).release(), primitives::kValue}
                                          : walk.begin_instance(x, unique, place);
    }

    bool passes(PyObject* x) const noexcept {
        return ctx_.pristine && known_class::passes(x, ctx_.python_runs);
    }

    static calque_step begin_leaf(NativeWalk& walk, PyObject* x, bool unique, calque_frame*) noexcept {
        PyObject* const copy = primitives::known_types.leaf(Py_TYPE(x))(x);
        if (copy == nullptr) [[unlikely]] {
            return PyErr_Occurred() != nullptr ? calque_step{nullptr, primitives::kFailed}
                                               : walk.miss(x, unique);
        }
        return walk.finish_new(x, copy, unique);
    }

    calque_step begin_instance(PyObject* x, bool unique, calque_frame* place) noexcept {
        ctx_.plan = type_plan::known(Py_TYPE(x), ctx_.python_runs);
        return ctx_.plan != nullptr ? begin_kind(x, ctx_.plan->kind, unique, place) : miss(x, unique);
    }

    calque_step miss(PyObject* x, bool unique) noexcept {
        missed_ = x;
        missed_unique_ = unique;
        return {x, CALQUE_CHILD};
    }

    template <class Handler>
    [[gnu::noinline]] static calque_step begin(NativeWalk& walk, PyObject* x, bool unique,
                                               calque_frame* place) noexcept {
        calque_frame local;
        local.original = x;
        local.copy = nullptr;
        if constexpr (kMayPublish<Handler>) {
            local.handler = primitives::native_handlers[static_cast<int>(Handler::kKind)];
            local.walker = walk.notes(unique);
        }
        bool asked = false;
        const auto visit = [&](Borrowed next, const Look& look) noexcept {
            return walk.visit_from<Handler>(x, local, asked, unique, place, next, look);
        };
        const calque_step step = detail::Lend::begin_natively<Handler>(walk.ctx_.raw(), &local, visit);
        return step.outcome == CALQUE_DECLINE ? walk.miss(x, unique)
                                              : walk.end_call<Handler>(x, local, asked, unique, place, step);
    }

    /// A child of the object of a call.
    template <class Handler>
    [[gnu::always_inline]] calque_step visit_from(PyObject* x, calque_frame& local, bool& asked, bool unique,
                                                  calque_frame* place, Borrowed next,
                                                  const Look& look) noexcept {
        if (PyObject* copy = kEach ? nullptr : met<Handler>(next)) {
            return {copy, primitives::kValue};
        }
        if (!asked) {
            asked = true;
            if (!first_child<Handler>(x, local.copy, unique)) [[unlikely]] {
                return {nullptr, primitives::kFailed};
            }
            if (place == places_.last()) [[unlikely]] {
                return {next.get(), CALQUE_CHILD};
            }
        }
        if (kEach || poll_.due()) [[unlikely]] {
            return {next.get(), CALQUE_CHILD};  // the loop sees to it
        }
        return visit_child(next, look, place + 1);
    }

    template <class Handler>
    [[gnu::always_inline]] calque_step end_call(PyObject* x, calque_frame& local, bool asked, bool unique,
                                                calque_frame* place, const calque_step& step) noexcept {
        if (step.outcome != CALQUE_DONE) [[unlikely]] {
            return leave<Handler>(local, place, asked, unique, step);
        }
        if constexpr (Handler::kKind == Native::tuple) {
            return asked ? finish_late(x, step.object, unique) : enter_leaf(x, step.object, unique);
        } else {
            PyObject* const copy = step.object != nullptr ? step.object : local.copy;
            return asked ? finish_published<Handler>(x, copy, unique) : finish_new(x, copy, unique);
        }
    }

    /// A list is in the memo before its elements are copied.
    template <class Handler>
    static constexpr bool publishes() noexcept {
        return Handler::kKind != Native::list || !mutants::is(mutants::Mutant::list_published_after_children);
    }

    /// Before the first child is visited: from then on the object may be met again.
    template <class Handler>
    [[gnu::always_inline]] bool first_child(PyObject* x, PyObject* copy, bool unique) noexcept {
        if (copy == nullptr) {
            return unique || memo_.note_in_progress(x);
        }
        return !publishes<Handler>() || memo_.log_pair(x, copy, unique);
    }

    /// Complete, and met by nobody.
    [[gnu::always_inline]] calque_step finish_new(PyObject* x, PyObject* copy, bool unique) noexcept {
        if (!memo_.log_done(x, copy, false, unique)) [[unlikely]] {
            return fail_with(copy);
        }
        return {copy, primitives::kValue};
    }

    /// The same for a tuple, which may be its own copy.
    [[gnu::always_inline]] calque_step enter_leaf(PyObject* x, PyObject* copy, bool unique) noexcept {
        return copy == x ? calque_step{copy, primitives::kValue} : finish_new(x, copy, unique);
    }

    /// What was in the memo since its first child.
    template <class Handler>
    [[gnu::always_inline]] calque_step finish_published(PyObject* x, PyObject* copy, bool unique) noexcept {
        if (!memo_.log_done(x, copy, publishes<Handler>(), unique)) [[unlikely]] {
            return fail_with(copy);
        }
        return {copy, primitives::kValue};
    }

    /// A tuple: what has no copy before its children are copied. If it lies on a cycle, it has got one meanwhile
    /// (Lib/copy.py, _deepcopy_tuple). It was met again then, and look-ups of everything tell of that.
    [[gnu::always_inline]] calque_step finish_late(PyObject* x, PyObject* given, bool unique) noexcept {
        if (memo_.always_looks_up()) [[unlikely]] {
            return ask_again(x, given, unique);
        }
        return enter(x, given, unique);
    }

    [[gnu::noinline]] calque_step ask_again(PyObject* x, PyObject* given, bool unique) noexcept {
        if (mutants::is(mutants::Mutant::first_copy_forgotten_on_cycle)) {
            return enter(x, given, unique);
        }
        Ref known;
        switch (memo_.find_again(x, known)) {
        case Found::error: return fail_with(given);
        case Found::miss: return enter(x, given, unique);
        default: break;
        }
        rejected_ = Ref::steal(given);
        if (ends_silently(given)) {
            rejected_ = {};
            return enter(x, known.release(), unique);
        }
        const calque_step step = enter(x, known.release(), unique);
        if (step.outcome != primitives::kValue) {
            return step;
        }
        // The end of the rejected copy may be that of what the log names: the loop sees to it.
        value_ = Ref::steal(step.object);
        next_ = Move::value;
        return {nullptr, primitives::kBegun};
    }

    [[gnu::always_inline]] calque_step enter(PyObject* x, PyObject* given, bool unique) noexcept {
        if (given == x) {
            // A tuple that is its own copy leaves no entry.
            if (!unique) {
                memo_.note_unchanged(x);
            }
            return {given, primitives::kValue};
        }
        if (!mutants::is(mutants::Mutant::shared_tuple_not_memoized)
            && !memo_.log_done(x, given, false, unique)) [[unlikely]] {
            return fail_with(given);
        }
        return {given, primitives::kValue};
    }

    // -- frames on the stack

    [[gnu::always_inline]] Move deliver_natively() noexcept {
        calque_frame& frame = ctx_.stack.top();
        const Native kind = kind_of(frame);
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
            if (!places_.make_room()) [[unlikely]] {
                return no_memory();
            }
            const auto visit = [this](Borrowed next, const Look& look) noexcept {
                if (PyObject* const copy = kEach ? nullptr : met<Handler>(next)) {
                    return calque_step{copy, primitives::kValue};
                }
                return kEach || poll_.due() ? calque_step{next.get(), CALQUE_CHILD}
                                            : visit_child(next, look, places_.first());
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
        case primitives::kBegun: return all_have_left();
        case primitives::kFailed: places_.take_frames(); return Move::failed;
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
        return step.outcome == CALQUE_DONE ? finish<Handler>(frame, step.object) : settle(frame, step);
    }

    [[gnu::always_inline]] bool ask(calque_frame& frame, Borrowed next) noexcept {
        if ((frame.walker & kAsked) == 0 && !first_asked(frame)) [[unlikely]] {
            return false;
        }
        child_ = next;
        counted_ = true;
        return true;
    }

    [[gnu::always_inline]] bool first_asked(calque_frame& frame) noexcept {
        const bool unique = (frame.walker & kUnique) != 0;
        frame.walker |= kAsked;
        if (frame.copy != nullptr) {
            if (mutants::is(mutants::Mutant::list_published_after_children)) {
                return publish(ctx_, frame);
            }
            const bool published = (frame.walker & kPublished) != 0;
            frame.walker |= kPublished;
            return published || memo_.log_pair(frame.original, frame.copy, unique);
        }
        frame.walker |= unique ? std::uintptr_t{0} : kNoted;
        return unique || memo_.note_in_progress(frame.original);
    }

    /// No Python code has run since the visit: nobody owns the original for the frame.
    template <class Handler>
    [[gnu::always_inline]] Move finish(calque_frame& frame, PyObject* given) noexcept {
        PyObject* const x = frame.original;
        PyObject* const copy = frame.copy;
        const std::uintptr_t notes = frame.walker;
        ctx_.stack.pop();
        assert((notes & (kOwned | kAsked)) == kAsked);
        const calque_step step =
            given == nullptr ? finish_begun(x, copy, notes) : finish_late(x, given, (notes & kUnique) != 0);
        if (step.outcome == primitives::kValue) [[likely]] {
            value_ = Ref::steal(step.object);
            return Move::value;
        }
        return step.outcome == primitives::kBegun ? all_have_left() : Move::failed;
    }

    [[gnu::always_inline]] calque_step finish_begun(PyObject* x, PyObject* copy,
                                                    std::uintptr_t notes) noexcept {
        if (!memo_.log_done(x, copy, (notes & kPublished) != 0, (notes & kUnique) != 0)) [[unlikely]] {
            return fail_with(copy);
        }
        return {copy, primitives::kValue};
    }

    CallPlaces places_;
    Move next_ = Move::child;  // of the loop, after kBegun
    // The child asked for, if it has just been found to be neither native nor in the memo. Nothing but its parent
    // enters the memo until it is visited.
    PyObject* missed_ = nullptr;
    bool missed_unique_ = false;
    Memo& memo_;
};

}  // namespace calque::walker
