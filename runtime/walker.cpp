// runtime/walker.cpp: see walker.hpp.
#include "walker.hpp"

#include "error_path.hpp"
#include "own_hook.hpp"
#include "primitives/known_class.hpp"
#include "primitives/mutants.hpp"
#include "saved_error.hpp"
#include "stdlib_tables.hpp"
#include "walk.hpp"

#include <string_view>

namespace calque::walker {

namespace {

using primitives::known_types;
using primitives::kRunsShift;

void own_original(calque_frame& frame) noexcept {
    if ((frame.walker & kOwned) == 0) {
        frame.walker |= kOwned;
        static_cast<void>(Ref::share(frame.original).release());
    }
}

bool stays_as_it_is(primitives::Native kind) noexcept {
    using mutants::Mutant, primitives::Native;
    return (kind == Native::dict && mutants::is(Mutant::dict_clone_not_undone))
        || (kind == Native::instance && mutants::is(Mutant::instance_array_not_undone))
        || (kind == Native::tuple && mutants::is(Mutant::tuple_not_untracked));
}

}  // namespace

bool prepare_new_frames(WorkStack& stack) noexcept {
    bool prepared = true;
    stack.from_top([&](calque_frame& frame) noexcept {
        if ((frame.walker & kOwned) != 0) {
            return false;
        }
        const auto kind = static_cast<primitives::Native>((frame.walker & kKindMask) >> kKindShift);
        const auto deoptimize = primitives::deoptimizers[static_cast<int>(kind)];
        if (deoptimize != nullptr && !stays_as_it_is(kind) && !deoptimize(&frame)) {
            prepared = false;  // the copy is lost; the others must be fit to be seen all the same
        }
        own_original(frame);
        return true;
    });
    return prepared;
}

class Walk::PythonIfMapping {
public:
    explicit PythonIfMapping(Context& context) noexcept
        : context_(context), mapping_(!context.memo->native()) {}
    PythonIfMapping(const PythonIfMapping&) = delete;
    PythonIfMapping& operator=(const PythonIfMapping&) = delete;
    ~PythonIfMapping() {
        if (mapping_ && context_.memo->mapping_runs_python()) {
            context_.python_has_run();
        }
    }

private:
    Context& context_;
    bool mapping_;
};

// -- visit: child_ -> value_, or a new frame that asks for a child

Walk::Move Walk::visit(Borrowed nil) noexcept {
    PyObject* x = child_.get();
    PyTypeObject* type = Py_TYPE(x);
    if (ctx_.passes_atomics && known_types.atomic(type)) {
        value_ = Ref::share(x);
        return Move::value;
    }
    if (ctx_.pristine && known_class::passes(x, ctx_.python_runs)) {
        value_ = Ref::share(x);
        return Move::value;
    }
    Memo& memo = *ctx_.memo;
    if (memo.native()) {
        const bool unique = counted_ && Py_REFCNT(x) == 1 && !memo.always_looks_up();
        if (!unique) {
            const Found found = memo.find(x, {}, value_);
            if (found == Found::error || (!memo.native() && !memo_is_met())) {
                return Move::failed;
            }
            if (found == Found::hit) {
                if (!nil || Borrowed(value_) != nil) {
                    return Move::value;
                }
                value_ = {};
            }
        }
        return start_visited(x, type, unique);
    }
    // Somebody sees the memo: any of its methods may be Python code, and may drop x.
    Ref held = Ref::share(x);
    const Found found = look_in_mapping(x, nil);
    if (found != Found::miss) {
        return found == Found::hit ? Move::value : Move::failed;
    }
    if (known_class::Hooked* hooked = known_class::own_hook(type)) {
        return call_hook(*hooked, x, false);
    }
    const Move move = start_registered(x, type, false, true);
    return move != Move::declined ? move : ask_protocols(x, type, false);
}

bool Walk::memo_is_met() noexcept {
    ctx_.enter();
    return prepare_frames(ctx_.stack);
}

// Every way out is a call in place of a return: nothing is saved on the way to a hook.
Walk::Move Walk::start_visited(PyObject* x, PyTypeObject* type, bool unique) noexcept {
    known_class::Hooked& place = known_class::hooked_place(type);
    return place.type != type ? start_without_hook(x, type, unique)
         : place.holds()      ? call_hook(place, x, unique)
                              : start_changed(x, type, unique);
}

// The class, or something it rests on, has changed since its hook was looked at.
Walk::Move Walk::start_changed(PyObject* x, PyTypeObject* type, bool unique) noexcept {
    known_class::Hooked* hooked = known_class::own_hook(type);
    return hooked != nullptr ? call_hook(*hooked, x, unique) : start_without_hook(x, type, unique);
}

Walk::Found Walk::look_in_mapping(Borrowed x, Borrowed nil) noexcept {
    PythonIfMapping scope(ctx_);
    return ctx_.memo->find(x, nil, value_);
}

Walk::Move Walk::start(const calque_handler& handler, PyObject* x, bool unique) noexcept {
    if ((handler.flags & CALQUE_ATOMIC) != 0) {
        value_ = Ref::share(x);
        return Move::value;
    }
    return handler.copy != nullptr ? start_simple(handler, x, unique) : start_frame(handler, x, unique);
}

Walk::Move Walk::start_simple(const calque_handler& handler, PyObject* x, bool unique) noexcept {
    Ref held = Ref::share(x);
    const bool pure = is_pure(handler);
    const std::uint64_t runs = ctx_.python_runs;
    if (!pure && !ctx_.before_python()) {
        return Move::failed;
    }
    value_ = Ref::steal(handler.copy(&handler, ctx_.raw(), x));
    if (!pure) {
        ctx_.after_python();
    } else if (value_ && value_.get() != x && ctx_.native_memo && ctx_.python_runs == runs) {
        // As in end_natively(): the memo's entry is a store into its log, and whoever held x holds it still.
        return ctx_.memo->log_done(x, value_, false, unique) ? Move::value : Move::failed;
    }
    if (!value_) {
        if (PyErr_Occurred() == nullptr) {
            PyErr_Format(PyExc_SystemError, "calque handler %s returned NULL without setting an exception",
                         handler.name);
        }
        error_path::hand_up(ctx_, x, &handler);
        return Move::failed;
    }
    if (value_.get() != x && !complete(x, value_, false, unique, ctx_.python_runs != runs)) {
        return Move::failed;
    }
    return give_up(std::move(held)) ? Move::value : Move::failed;
}

Walk::Move Walk::start_frame(const calque_handler& handler, PyObject* x, bool unique) noexcept {
    calque_frame* frame = ctx_.stack.push();
    if (frame == nullptr) {
        return no_memory();
    }
    frame->original = x;
    frame->copy = nullptr;
    frame->handler = &handler;
    frame->walker = (ctx_.python_runs << kRunsShift) | (unique ? std::uintptr_t{kUnique} : 0);
    if (!ctx_.native_memo) {
        own_original(*frame);
    }
    if (is_pure(handler)) {
        const calque_step step = handler.begin(&handler, ctx_.raw(), frame);
        return ends_natively(*frame, step) ? end_natively(*frame, step) : settle(*frame, step);
    }
    if (!ctx_.before_python()) {
        discard_top();
        return Move::failed;
    }
    const calque_step step = handler.begin(&handler, ctx_.raw(), frame);
    ctx_.after_python();
    return settle(*frame, step);
}

// settle_done() without what can only be otherwise when Python code has run or the memo is seen: as in the loop
// (native_walk.hpp), the copy is handed on without a reference count, and the memo's entry is a store into its log.
bool Walk::ends_natively(const calque_frame& frame, const calque_step& step) const noexcept {
    return step.outcome == CALQUE_DONE && (step.object != nullptr) != (frame.copy != nullptr)
        && step.object != frame.original && frame.copy != frame.original && ctx_.native_memo
        && (frame.walker & (kOwned | kNoted)) == 0 && !python_ran_since_visit(frame)
        && ((frame.handler->flags & CALQUE_ASK_AGAIN) == 0 || (frame.walker & kAsked) == 0)
        && !mutants::is(mutants::Mutant::shared_tuple_not_memoized);
}

Walk::Move Walk::end_natively(calque_frame& frame, const calque_step& step) noexcept {
    Ref copy = Ref::steal(step.object != nullptr ? step.object : frame.copy);
    if (!ctx_.memo->log_done(frame.original, copy, (frame.walker & kPublished) != 0,
                             (frame.walker & kUnique) != 0)) [[unlikely]] {
        frame.copy = copy.release();
        return give_up_top();
    }
    ctx_.stack.pop();
    value_ = std::move(copy);
    return Move::value;
}

// -- deliver: value_ -> the frame on top

Walk::Move Walk::deliver() noexcept {
    calque_frame& frame = ctx_.stack.top();
    const calque_handler& handler = *frame.handler;
    if (is_pure(handler)) {
        const calque_step step = handler.resume(&handler, ctx_.raw(), &frame, value_.release());
        return ends_natively(frame, step) ? end_natively(frame, step) : settle(frame, step);
    }
    if (!ctx_.before_python()) {
        return Move::failed;
    }
    const calque_step step = handler.resume(&handler, ctx_.raw(), &frame, value_.release());
    ctx_.after_python();
    return settle(frame, step);
}

// -- what a handler said

Walk::Move Walk::settle(calque_frame& frame, const calque_step& step) noexcept {
    switch (step.outcome) {
    case CALQUE_CHILD: return settle_child(frame, step.object);
    case CALQUE_DONE: return settle_done(frame, Ref::steal(step.object));
    case CALQUE_DECLINE:
        if ((frame.walker & kAsked) == 0) {
            return discard_top() ? Move::declined : Move::failed;
        }
        PyErr_Format(PyExc_SystemError, "calque handler %s declined after it had begun", frame.handler->name);
        return give_up_top();
    default:
        if (PyErr_Occurred() == nullptr) {
            PyErr_Format(PyExc_SystemError,
                         "calque handler %s reported an error without setting an exception",
                         frame.handler->name);
        }
        return give_up_top();
    }
}

bool Walk::publish_before(calque_frame& frame, Borrowed child) noexcept {
    if (ctx_.native_memo && ctx_.python_depth == 0 && frame.copy != frame.original
        && !mutants::is(mutants::Mutant::list_published_after_children)) {
        frame.walker |= kPublished;
        return ctx_.memo->log_pair(frame.original, frame.copy, (frame.walker & kUnique) != 0);
    }
    // A mapping's methods may drop the child before it is visited.
    held_child_ = Ref::share(child);
    return publish(ctx_, frame);
}

Walk::Move Walk::settle_child(calque_frame& frame, Borrowed next) noexcept {
    frame.walker |= kAsked;
    if (frame.copy != nullptr) {
        if ((frame.walker & kPublished) == 0 && !publish_before(frame, next)) {
            return Move::failed;
        }
    } else if ((frame.walker & kNoted) == 0 && is_pure(*frame.handler) && ctx_.memo->native()
               && ((frame.walker & kUnique) == 0 || python_ran_since_visit(frame))) {
        if (!ctx_.memo->note_in_progress(frame.original)) {
            return Move::failed;
        }
        frame.walker |= kNoted;
    }
    child_ = next;
    counted_ = is_pure(*frame.handler);
    return Move::child;
}

Walk::Move Walk::settle_done(calque_frame& frame, Ref copy) noexcept {
    if (!copy) {
        copy = Ref::share(frame.copy);
    }
    if (!copy) {
        PyErr_Format(PyExc_SystemError, "calque handler %s was done, but gave no copy", frame.handler->name);
        return give_up_top();
    }
    if (!enter_in_memo(frame, copy)) {
        // The handler is through with its data: the frame goes without drop().
        return give_up_top();
    }
    value_ = std::move(copy);
    return discard_top() ? Move::value : Move::failed;
}

// The finished copy of frame.original; an earlier one may take its place.
bool Walk::enter_in_memo(calque_frame& frame, Ref& copy) noexcept {
    PyObject* x = frame.original;
    if ((frame.handler->flags & CALQUE_ASK_AGAIN) != 0 && !ask_again(frame, copy)) {
        return false;
    }
    const bool unpublished = frame.copy != nullptr && (frame.walker & kPublished) == 0;
    if (copy.get() == x) {
        if ((frame.walker & kNoted) != 0 && ctx_.memo->native()) {
            ctx_.memo->note_unchanged(x);
        }
        return !unpublished || publish(ctx_, frame);
    }
    // A container is written to the memo twice, when it exists and when it is complete. Natively
    // both are one entry of the log unless something came between them.
    if (unpublished && !ctx_.memo->native() && !publish(ctx_, frame)) {
        return false;
    }
    if (mutants::is(mutants::Mutant::shared_tuple_not_memoized)
        && (frame.handler->flags & CALQUE_ASK_AGAIN) != 0) {
        return true;
    }
    return complete(x, copy, (frame.walker & kPublished) != 0, (frame.walker & kUnique) != 0,
                    python_ran_since_visit(frame));
}

// Lib/copy.py, _deepcopy_tuple: `return memo[id(x)]` if the tuple got a copy while its items were
// copied (it lies on a cycle).
bool Walk::ask_again(calque_frame& frame, Ref& copy) noexcept {
    if (mutants::is(mutants::Mutant::first_copy_forgotten_on_cycle)) {
        return true;
    }
    if (ctx_.memo->native() && (frame.walker & kAsked) == 0) {
        return true;
    }
    if (!hash_in_slices()) {
        return false;
    }
    Ref known;
    Found found;
    {
        PythonIfMapping scope(ctx_);
        found = ctx_.memo->find_again(frame.original, known);
    }
    if (found == Found::error) {
        return false;
    }
    if (found == Found::hit) {
        std::swap(copy, known);
        return give_up(std::move(known));
    }
    return true;
}

bool Walk::complete(Borrowed x, Borrowed copy, bool published, bool unique, bool python_ran) noexcept {
    PythonIfMapping scope(ctx_);
    if (!ctx_.memo->complete(x, copy, published, unique)) {
        return false;
    }
    if (python_ran) {
        ctx_.memo->own_all();
    }
    return true;
}

// -- frames

bool Walk::give_up(Ref object) noexcept {
    if (!object || Py_REFCNT(object.get()) != 1) {
        return true;
    }
    if (!ctx_.before_python()) {
        end_after_error(std::move(object));
        return false;
    }
    object = {};
    ctx_.after_python();
    return true;
}

void Walk::end_after_error(Ref object) noexcept {
    const SavedError in_flight;
    ctx_.leave();
    object = {};
    ctx_.enter();
}

// Before an error releases anything.
void Walk::make_frames_safe() noexcept {
    const SavedError in_flight;
    if (!prepare_frames(ctx_.stack)) {
        PyErr_Clear();
    }
}

// An item may be in the tuple more than once: two references that go together are as good as one.
bool Walk::ends_silently(PyObject* tuple) noexcept {
    constexpr Py_ssize_t kCounted = 8;  // in a longer tuple no item is counted: each may be all of them
    const Py_ssize_t size = PyTuple_CheckExact(tuple) ? PyTuple_GET_SIZE(tuple) : -1;
    Py_ssize_t i = size;
    while (i > 0) {
        PyObject* const item = PyTuple_GET_ITEM(tuple, i - 1);
        Py_ssize_t held = size <= kCounted ? 0 : size;
        for (Py_ssize_t other = 0; other < size && size <= kCounted; ++other) {
            held += PyTuple_GET_ITEM(tuple, other) == item;
        }
        if (Py_REFCNT(item) <= held) {
            return false;
        }
        --i;
    }
    return i == 0;
}

Walk::Move Walk::no_memory() noexcept {
    PyErr_NoMemory();
    return Move::failed;
}

Walk::Move Walk::give_up_top() noexcept {
    make_frames_safe();
    ctx_.memo->discard_raw();
    const calque_frame& frame = ctx_.stack.top();
    error_path::hand_up(ctx_, frame.original, frame.handler);
    error_path::gather(ctx_, base_, frame.original, true);
    child_ = {};
    discard_top_after_error();
    return Move::failed;
}

// Takes the frame off; its data hold nothing any more.
bool Walk::discard_top() noexcept {
    calque_frame& frame = ctx_.stack.top();
    Ref original = (frame.walker & kOwned) != 0 ? Ref::steal(frame.original) : Ref();
    Ref copy = Ref::steal(frame.copy);
    ctx_.stack.pop();
    if (!give_up(std::move(copy))) {
        end_after_error(std::move(original));
        return false;
    }
    return give_up(std::move(original));
}

// The same when an exception is set: what the log names must not be trusted from here on. The exception is put aside: the end
// of an object may lose it (a deque that finds no memory for an empty block: Modules/_collectionsmodule.c, deque_clear).
void Walk::discard_top_after_error() noexcept {
    make_frames_safe();
    const SavedError in_flight;
    ctx_.memo->discard_raw();
    ctx_.leave();
    calque_frame& frame = ctx_.stack.top();
    const bool owned =
        (frame.walker & kOwned) != 0 && !mutants::is(mutants::Mutant::frame_not_released_on_abort);
    Ref original = owned ? Ref::steal(frame.original) : Ref();
    Ref copy = Ref::steal(frame.copy);
    ctx_.stack.pop();
    copy = {};
    original = {};
    ctx_.enter();
}

void Walk::unwind() noexcept {
    make_frames_safe();
    ctx_.memo->discard_raw();
    if (child_) {
        error_path::gather(ctx_, base_, child_.get(), false);
    }
    ctx_.leave();
    {
        const SavedError in_flight;
        value_ = {};
        held_child_ = {};
        unfinished_ = {};
        rejected_ = {};
    }
    ctx_.enter();
    while (ctx_.stack.mark() != base_) {
        calque_frame& frame = ctx_.stack.top();
        ctx_.leave();
        if (poll_.due()) {
            poll_.give_way();
        }
        frame.handler->drop(frame.handler, &frame);
        ctx_.enter();
        discard_top_after_error();
    }
    ctx_.python_has_run();
}

bool publish(Context& context, calque_frame& frame) noexcept {
    if ((frame.walker & kPublished) != 0) {
        return true;
    }
    if (mutants::is(mutants::Mutant::list_published_after_children)
        && std::string_view(frame.handler->name) == "list") {
        return true;
    }
    frame.walker |= kPublished;
    const bool runs_python = context.memo->mapping_runs_python();
    const bool stored = context.publish(frame.original, frame.copy, (frame.walker & kUnique) != 0,
                                        (frame.handler->flags & CALQUE_PURE) != 0);
    if (runs_python && context.python_depth == 0) {
        context.python_has_run();
    }
    return stored;
}

}  // namespace calque::walker
