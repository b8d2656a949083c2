// runtime/walker.cpp: see walker.hpp.
#include "walker.hpp"

#include "primitives/known_class.hpp"
#include "primitives/mutants.hpp"
#include "registry.hpp"
#include "stdlib_tables.hpp"

#include <calque/handler.hpp>

#include <string_view>

namespace calque::walker {

namespace {

using Found = mapping_memo::Found;
using primitives::atomic_types;
using primitives::kRunsShift;

// calque_frame::walker
enum : std::uintptr_t {
    kOwned = 1,      // the frame holds a reference to its original
    kPublished = 2,  // frame.copy is in the memo
    kUnique = 4,     // memo.hpp, "Lazy"
    kNoted = 8,      // noted in the memo as in progress
    kAsked = 16,     // has asked for a child
    // The bits from primitives::kRunsShift on: how often Python code had run at the visit.
};

enum class Move { value, child, declined, failed };

class Walk {
public:
    Walk(Context& context, std::size_t base) noexcept : ctx_(context), base_(base) {}

    Ref run(Borrowed x, Borrowed nil) noexcept {
        child_ = x;
        counted_ = false;
        Move move = visit(nil);
        for (;;) {
            while (move == Move::child) {
                move = visit({});
            }
            if (move == Move::failed) {
                unwind();
                return {};
            }
            if (ctx_.stack.depth() == base_) {
                return std::move(value_);
            }
            move = deliver();
        }
    }

private:
    static bool is_pure(const calque_handler& handler) noexcept { return (handler.flags & CALQUE_PURE) != 0; }

    // -- visit: child_ -> value_, or a new frame that asks for a child

    Move visit(Borrowed nil) noexcept {
        PyObject* x = child_.get();
        PyTypeObject* type = Py_TYPE(x);
        if (ctx_.passes_atomics && atomic_types.contains(type)) {
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
                if (found == Found::error) {
                    return Move::failed;
                }
                if (found == Found::hit) {
                    if (!nil || Borrowed(value_) != nil) {
                        return Move::value;
                    }
                    value_ = {};
                }
                if (!memo.native()) {
                    ctx_.enter();  // x is the memo itself
                }
            }
            if (const calque_handler* handler = registry::effective(type)) {
                const Move move = start(*handler, x, unique);
                if (move != Move::declined) {
                    return move;
                }
            }
            return ask_protocols(x, type, unique);
        }
        // Somebody sees the memo: any of its methods may be Python code, and may drop x.
        Ref held = Ref::share(x);
        const Found found = look_in_mapping(x, nil);
        if (found != Found::miss) {
            return found == Found::hit ? Move::value : Move::failed;
        }
        const calque_handler* handler = registry::effective(type);
        if (handler != nullptr && (handler->flags & CALQUE_STANDS_FOR_REDUCE) == 0) {
            const Move move = start(*handler, x, false);
            if (move != Move::declined) {
                return move;
            }
        }
        return ask_protocols(x, type, false);
    }

    Found look_in_mapping(Borrowed x, Borrowed nil) noexcept {
        PythonIfMapping scope(ctx_);
        return ctx_.memo->find(x, nil, value_);
    }

    Move ask_protocols(PyObject* x, PyTypeObject* type, bool unique) noexcept {
        Ref held = Ref::share(x);
        const std::size_t count = registry::protocol_count();
        const bool watched = !ctx_.memo->native();
        for (std::size_t i = 0; i < count; ++i) {
            if (i == kProtocolsBeforeSubclasses) {
                if (const calque_handler* handler = registry::for_subclass(type)) {
                    const Move move = start(*handler, x, unique);
                    if (move != Move::declined) {
                        return move;
                    }
                }
            }
            const calque_handler& protocol = *registry::protocol(i);
            if (watched && (protocol.flags & CALQUE_STANDS_FOR_REDUCE) != 0) {
                continue;
            }
            const Move move = start(protocol, x, unique);
            if (move != Move::declined) {
                return move;
            }
        }
        PyErr_Format(PyExc_SystemError, "no handler took an object of type %s", type->tp_name);
        return Move::failed;
    }

    Move start(const calque_handler& handler, PyObject* x, bool unique) noexcept {
        if ((handler.flags & CALQUE_ATOMIC) != 0) {
            value_ = Ref::share(x);
            return Move::value;
        }
        return handler.copy != nullptr ? start_simple(handler, x, unique) : start_frame(handler, x, unique);
    }

    Move start_simple(const calque_handler& handler, PyObject* x, bool unique) noexcept {
        Ref held = Ref::share(x);
        const bool pure = is_pure(handler);
        const std::uint64_t runs = ctx_.python_runs;
        if (!pure && !ctx_.before_python()) {
            return Move::failed;
        }
        value_ = Ref::steal(handler.copy(&handler, ctx_.raw(), x));
        if (!pure) {
            ctx_.after_python();
        }
        if (!value_) {
            if (PyErr_Occurred() == nullptr) {
                PyErr_Format(PyExc_SystemError,
                             "calque handler %s returned NULL without setting an exception", handler.name);
            }
            return Move::failed;
        }
        if (value_.get() != x && !complete(x, value_, false, unique, ctx_.python_runs != runs)) {
            return Move::failed;
        }
        return give_up(std::move(held)) ? Move::value : Move::failed;
    }

    Move start_frame(const calque_handler& handler, PyObject* x, bool unique) noexcept {
        calque_frame* frame = ctx_.stack.push();
        if (frame == nullptr) {
            PyErr_NoMemory();
            return Move::failed;
        }
        frame->original = x;
        frame->copy = nullptr;
        frame->handler = &handler;
        frame->walker = (ctx_.python_runs << kRunsShift) | (unique ? std::uintptr_t{kUnique} : 0);
        if (is_pure(handler)) {
            return settle(*frame, handler.begin(&handler, ctx_.raw(), frame));
        }
        own_original(*frame);
        if (!ctx_.before_python()) {
            discard_top();
            return Move::failed;
        }
        const calque_step step = handler.begin(&handler, ctx_.raw(), frame);
        ctx_.after_python();
        return settle(*frame, step);
    }

    // -- deliver: value_ -> the frame on top

    Move deliver() noexcept {
        calque_frame& frame = ctx_.stack.top();
        const calque_handler& handler = *frame.handler;
        if (is_pure(handler)) {
            return settle(frame, handler.resume(&handler, ctx_.raw(), &frame, value_.release()));
        }
        if (!ctx_.before_python()) {
            return Move::failed;
        }
        const calque_step step = handler.resume(&handler, ctx_.raw(), &frame, value_.release());
        ctx_.after_python();
        return settle(frame, step);
    }

    // -- what a handler said

    Move settle(calque_frame& frame, const calque_step& step) noexcept {
        switch (step.outcome) {
        case CALQUE_CHILD: return settle_child(frame, step.object);
        case CALQUE_DONE: return settle_done(frame, Ref::steal(step.object));
        case CALQUE_DECLINE:
            if ((frame.walker & kAsked) == 0) {
                return discard_top() ? Move::declined : Move::failed;
            }
            PyErr_Format(PyExc_SystemError, "calque handler %s declined after it had begun",
                         frame.handler->name);
            discard_top_after_error();
            return Move::failed;
        default:
            if (PyErr_Occurred() == nullptr) {
                PyErr_Format(PyExc_SystemError,
                             "calque handler %s reported an error without setting an exception",
                             frame.handler->name);
            }
            discard_top_after_error();
            return Move::failed;
        }
    }

    Move settle_child(calque_frame& frame, Borrowed next) noexcept {
        if ((frame.walker & kAsked) == 0) {
            own_original(frame);
            frame.walker |= kAsked;
        }
        if (frame.copy != nullptr) {
            if ((frame.walker & kPublished) == 0) {
                // A mapping's methods may drop the child before it is visited.
                held_child_ = Ref::share(next);
                if (!publish(ctx_, frame)) {
                    return Move::failed;
                }
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

    Move settle_done(calque_frame& frame, Ref copy) noexcept {
        if (!copy) {
            copy = Ref::share(frame.copy);
        }
        if (!copy) {
            PyErr_Format(PyExc_SystemError, "calque handler %s was done, but gave no copy",
                         frame.handler->name);
            discard_top_after_error();
            return Move::failed;
        }
        if (!enter_in_memo(frame, copy)) {
            // The handler is through with its data: the frame goes without drop().
            discard_top_after_error();
            return Move::failed;
        }
        value_ = std::move(copy);
        return discard_top() ? Move::value : Move::failed;
    }

    // The finished copy of frame.original; an earlier one may take its place.
    bool enter_in_memo(calque_frame& frame, Ref& copy) noexcept {
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
    bool ask_again(calque_frame& frame, Ref& copy) noexcept {
        if (mutants::is(mutants::Mutant::first_copy_forgotten_on_cycle)) {
            return true;
        }
        if (ctx_.memo->native() && (frame.walker & kAsked) == 0) {
            return true;
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

    bool complete(Borrowed x, Borrowed copy, bool published, bool unique, bool python_ran) noexcept {
        PythonIfMapping scope(ctx_);
        if (!ctx_.memo->complete(x, copy, published, unique)) {
            return false;
        }
        if (python_ran) {
            ctx_.memo->own_all();
        }
        return true;
    }

    bool python_ran_since_visit(const calque_frame& frame) const noexcept {
        return (ctx_.python_runs << kRunsShift) != (frame.walker & ~((std::uintptr_t{1} << kRunsShift) - 1));
    }

    // -- frames

    static void own_original(calque_frame& frame) noexcept {
        if ((frame.walker & kOwned) == 0) {
            frame.walker |= kOwned;
            static_cast<void>(Ref::share(frame.original).release());
        }
    }

    // Gives up a reference that may be the last: then finalizers run.
    bool give_up(Ref object) noexcept {
        if (!object || Py_REFCNT(object.get()) != 1) {
            return true;
        }
        if (!ctx_.before_python()) {
            return false;
        }
        object = {};
        ctx_.after_python();
        return true;
    }

    // Takes the frame off; its data hold nothing any more.
    bool discard_top() noexcept {
        calque_frame& frame = ctx_.stack.top();
        Ref original = (frame.walker & kOwned) != 0 ? Ref::steal(frame.original) : Ref();
        Ref copy = Ref::steal(frame.copy);
        ctx_.stack.pop();
        return give_up(std::move(copy)) && give_up(std::move(original));
    }

    // The same when an exception is set: what the log names must not be trusted from here on.
    void discard_top_after_error() noexcept {
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

    void unwind() noexcept {
        ctx_.memo->discard_raw();
        ctx_.leave();
        value_ = {};
        held_child_ = {};
        ctx_.enter();
        while (ctx_.stack.depth() != base_) {
            calque_frame& frame = ctx_.stack.top();
            ctx_.leave();
            frame.handler->drop(frame.handler, &frame);
            ctx_.enter();
            discard_top_after_error();
        }
        ctx_.python_has_run();
    }

    // The methods of a mapping memo other than an exact dict count as Python code.
    class PythonIfMapping {
    public:
        explicit PythonIfMapping(Context& context) noexcept
            : context_(context), open_(context.memo->mapping_runs_python()) {}
        PythonIfMapping(const PythonIfMapping&) = delete;
        PythonIfMapping& operator=(const PythonIfMapping&) = delete;
        ~PythonIfMapping() {
            if (open_) {
                context_.python_has_run();
            }
        }

    private:
        Context& context_;
        bool open_;
    };

    // The catalog (handlers/catalog.cpp) puts two protocols before the handlers for subclasses.
    static constexpr std::size_t kProtocolsBeforeSubclasses = 2;

    Context& ctx_;
    const std::size_t base_;
    Borrowed child_;
    bool counted_ = false;  // child_: its parent holds a counted reference (CALQUE_PURE)
    Ref held_child_;
    Ref value_;
};

}  // namespace

Ref walk(Context& context, Borrowed x, Borrowed nil) noexcept {
    const registry::InUse in_use;
    context.enter();
    Ref copy = Walk(context, context.stack.depth()).run(x, nil);
    context.leave();
    return copy;
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
