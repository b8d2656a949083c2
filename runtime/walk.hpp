// runtime/walk.hpp: one walk; see walker.hpp. The moves that any handler needs; the loop itself, and what
// is compiled into it, is native_walk.hpp.
#pragma once

#include "context.hpp"

#include "own_hook.hpp"
#include "primitives/native.hpp"
#include "registry.hpp"
#include "safepoint.hpp"

#include <calque/handler.hpp>

namespace calque::walker {

// calque_frame::walker
enum : std::uintptr_t {
    kOwned = 1,          // the frame holds a reference to its original; so do all frames below it
    kPublished = 2,      // frame.copy is in the memo
    kUnique = 4,         // memo.hpp, "Lazy"
    kNoted = 8,          // noted in the memo as in progress
    kAsked = 16,         // has asked for a child
    kKindMask = 7 << 5,  // primitives::Native: begun in the loop by that native handler; 0: by any handler
    // The bits from primitives::kRunsShift on: how often Python code had run at the visit.
};
constexpr int kKindShift = 5;

/// Every frame begun since Python code ran last: what is unfinished is made fit to be seen (native.hpp), and
/// the original owned. Up to then nothing can take an original away from its parent (memo.hpp, "raw").
/// False with MemoryError set: then the copy cannot go on.
[[nodiscard]] bool prepare_new_frames(WorkStack& stack) noexcept;
[[nodiscard]] inline bool prepare_frames(WorkStack& stack) noexcept {
    return stack.empty() || (stack.top().walker & kOwned) != 0 || prepare_new_frames(stack);
}

inline bool is_pure(const calque_handler& handler) noexcept { return (handler.flags & CALQUE_PURE) != 0; }

class Walk {
public:
    Walk(Context& context, WorkStack::Mark base) noexcept : ctx_(context), base_(base) {}

protected:
    enum class Move { value, child, declined, failed };

    /// child_ -> value_, or a new frame that asks for a child. `nil`: see walker.hpp.
    Move visit(Borrowed nil) noexcept;
    /// The same once the memo was asked natively, for a type that is not native.
    Move start_visited(PyObject* x, PyTypeObject* type, bool unique) noexcept;
    /// value_ -> the frame on top.
    Move deliver() noexcept;
    /// What a handler said.
    Move settle(calque_frame& frame, const calque_step& step) noexcept;
    /// The memo's dict lies in the graph: from now on it is an object like others, that anybody may look at.
    bool memo_is_met() noexcept;
    void unwind() noexcept;
    Move no_memory() noexcept;
    /// The frame on top ends in an error; its data hold nothing any more.
    Move give_up_top() noexcept;
    bool discard_top() noexcept;
    /// Before an error releases anything.
    void make_frames_safe() noexcept;
    // walk_safepoint.cpp
    /// Somebody waits. No call is under way, and no child asked for that nobody holds. False with an exception set.
    [[nodiscard]] bool pass_safepoint() noexcept;
    /// What the next look-up needs, in slices. False with an exception set.
    [[nodiscard]] bool hash_in_slices() noexcept;
    enum class Stopped { failed, before_mapping, before_look_up, before_new };
    /// The same when child_ is to be visited next: with a mapping for a memo by visit_held(), or after a look-up, or knowing that it
    /// is not in the memo.
    Stopped stop_before_visit() noexcept;
    Move visit_held() noexcept;

    /// A tuple that is the last to hold none of its items.
    static bool ends_silently(PyObject* tuple) noexcept;

    /// Gives up a reference that may be the last: then finalizers run. False with an exception set.
    bool give_up(Ref object) noexcept;
    /// The same when an exception is set and the frames are safe.
    void end_after_error(Ref object) noexcept;

    static primitives::Native kind_of(const calque_frame& frame) noexcept {
        return static_cast<primitives::Native>((frame.walker & kKindMask) >> kKindShift);
    }

    static void prepare(calque_frame& frame, PyObject* x, primitives::Native kind) noexcept {
        frame.original = x;
        frame.copy = nullptr;
        frame.handler = primitives::native_handlers[static_cast<int>(kind)];
        frame.walker = static_cast<std::uintptr_t>(kind) << kKindShift;
    }

    std::uintptr_t notes(bool unique) const noexcept {
        return (ctx_.python_runs << primitives::kRunsShift) | (unique ? std::uintptr_t{kUnique} : 0);
    }

    /// An unfinished copy that nobody has seen goes with the rest.
    calque_step fail_with(PyObject* unfinished) noexcept {
        unfinished_ = Ref::steal(unfinished);
        return {nullptr, primitives::kFailed};
    }

    bool python_ran_since_visit(const calque_frame& frame) const noexcept {
        return (ctx_.python_runs << primitives::kRunsShift)
            != (frame.walker & ~((std::uintptr_t{1} << primitives::kRunsShift) - 1));
    }

    Context& ctx_;
    const WorkStack::Mark base_;
    Borrowed child_;        // may be gone when an error ends the walk; empty: its path is known already
    bool counted_ = false;  // child_: its parent holds a counted reference (CALQUE_PURE)
    Ref held_child_;
    Ref value_;
    Ref unfinished_;  // a copy without frame, when an error ends the walk
    Ref rejected_;  // of a tuple that has another copy: goes when its end, which may be Python code, can do no harm
    safepoint::Poll poll_;

private:
    class PythonIfMapping;
    using Found = mapping_memo::Found;

    Found look_in_mapping(Borrowed x, Borrowed nil) noexcept;
    Move ask_protocols(PyObject* x, PyTypeObject* type, bool unique) noexcept;
    Move start_changed(PyObject* x, PyTypeObject* type, bool unique) noexcept;
    Move start_without_hook(PyObject* x, PyTypeObject* type, bool unique) noexcept;
    Move call_hook(known_class::Hooked& hooked, PyObject* x, bool unique) noexcept;
    Move end_hook(Ref held, bool unique) noexcept;
    Move start_registered(PyObject* x, PyTypeObject* type, bool unique, bool watched) noexcept;
    Move load_plugin(PyObject* x, PyTypeObject* type, bool unique, bool watched) noexcept;
    Move start_for_subclass(PyObject* x, PyTypeObject* type, bool unique) noexcept;
    Move note_taker(PyTypeObject* type, const calque_handler& handler, std::uint64_t stretch,
                    Move move) noexcept;
    Move start(const calque_handler& handler, PyObject* x, bool unique) noexcept;
    Move start_simple(const calque_handler& handler, PyObject* x, bool unique) noexcept;
    Move start_frame(const calque_handler& handler, PyObject* x, bool unique) noexcept;
    bool ends_natively(const calque_frame& frame, const calque_step& step) const noexcept;
    Move end_natively(calque_frame& frame, const calque_step& step) noexcept;
    bool publish_before(calque_frame& frame, Borrowed child) noexcept;
    Move settle_child(calque_frame& frame, Borrowed next) noexcept;
    Move settle_done(calque_frame& frame, Ref copy) noexcept;
    bool enter_in_memo(calque_frame& frame, Ref& copy) noexcept;
    bool ask_again(calque_frame& frame, Ref& copy) noexcept;
    bool complete(Borrowed x, Borrowed copy, bool published, bool unique, bool python_ran) noexcept;
    void discard_top_after_error() noexcept;
};

}  // namespace calque::walker
