// runtime/context.hpp: one deepcopy() call's state, and the life cycle in types.
//
//   IdleContext   --activate()-->  ActiveContext  --finish()-->  IdleContext
//                                       |
//                                    (nested walks lend its memo to contexts of their own)
//
// Each arrow consumes what it starts from: the functions are &&-qualified, so using a context after
// its end does not compile. Only an ActiveContext can be walked with, and only the walker can lend a
// CopyContext to a handler.
//
// Idle contexts wait in a list of their thread (at most four: a copy, and copies called from its
// hooks) and are freed with it. A context may be returned in any order: greenlets interleave copies,
// and nothing anywhere points at "the current context".
//
// A NESTED walk is deepcopy(child, memo) called from a hook with the dict that hook was given: it has
// a work stack of its own (another greenlet, or another thread, may be suspended inside a walk on the
// same memo) and borrows the memo. Whoever leaves last frees a memo whose owner has gone.
#pragma once

#include "cpython/gc_hold.hpp"
#include "memo.hpp"
#include "platform.hpp"
#include "work_stack.hpp"

#include "primitives/primitives.hpp"

#include <calque/abi.h>

#include <memory>
#include <utility>

namespace calque {

struct Context : primitives::ContextHead {
    WorkStack stack;
    Memo* memo = nullptr;
    GcHold gc;
    int python_depth = 0;          // brackets open around Python code
    std::uint64_t first_run = 0;   // python_runs when this copy began; 0 on another copy's memo
    std::uint64_t nested_run = 0;  // the same there

    static inline std::uint64_t stretches = 0;  // of all copies, by all threads: guarded by the GIL

    bool is_nested() const noexcept { return first_run == 0; }
    /// Context::stretches when this walk or copy began.
    std::uint64_t begun() const noexcept { return is_nested() ? nested_run : first_run; }

    static Context& of(calque_context* raw) noexcept { return *reinterpret_cast<Context*>(raw); }
    calque_context* raw() noexcept { return reinterpret_cast<calque_context*>(this); }

    /// A native stretch begins and ends.
    void enter() noexcept {
        passes_atomics = memo->passes_atomics();
        native_memo = memo->native();
        pristine = native_memo && python_runs == first_run;
        if (memo->native()) {
            gc.hold();
        }
    }
    void leave() noexcept { gc.release(); }

    /// Before Python code runs. False with an exception set, MemoryError or a signal handler's: then nothing may run.
    [[nodiscard]] bool before_python() noexcept;
    /// The same before a hook that receives the memo: which is returned, or empty with an exception set.
    Ref before_hook() noexcept;
    /// After Python code has run; once for each before_python() that returned true.
    void after_python() noexcept {
        if (--python_depth == 0) {
            python_has_run();
        }
    }
    /// The same after a hook; writes to the memo have been noticed.
    void after_hook() noexcept {
        --python_depth;
        begin_stretch();
    }
    void begin_stretch() noexcept;
    /// Takes in what Python code may have changed.
    void python_has_run() noexcept;

    /// Before that, when the frames are prepared: what the memo's dict has to hold by then is written in slices
    /// (safepoint.hpp), if it is much. `signals`: their handlers have their turn as well. False with an exception set.
    [[nodiscard]] bool write_in_slices(bool signals) noexcept;

    /// Logged inside a bracket: Python code goes on running, so what was logged is secured at once.
    [[nodiscard]] bool publish(Borrowed x, Borrowed copy, bool unique, bool repeatable = false) noexcept;
    /// The dict or mapping for a hook.
    Ref memo_object() noexcept;
};

/// Suspends the brackets of a handler that asks for a child's copy in the middle of its own code.
class NestedStretch {
public:
    explicit NestedStretch(Context& context) noexcept
        : context_(context), depth_(std::exchange(context.python_depth, 0)) {
        if (depth_ > 0) {
            context_.python_has_run();
        }
    }
    NestedStretch(const NestedStretch&) = delete;
    NestedStretch& operator=(const NestedStretch&) = delete;
    ~NestedStretch() { context_.python_depth = depth_; }

    /// Back to the handler. False with MemoryError set.
    [[nodiscard]] bool close() noexcept {
        if (depth_ == 0) {
            return true;
        }
        const bool secured = context_.memo->secure();
        context_.gc.release();
        return secured;
    }

private:
    Context& context_;
    const int depth_;
};

class ActiveContext;

class IdleContext {
public:
    /// From this thread's list, or new. Empty with MemoryError set.
    static IdleContext take() noexcept {
        Pool* const pool = Pool::of_this_thread();
        return pool != nullptr && pool->count > 0 ? IdleContext(std::move(pool->idle[--pool->count]))
                                                  : make();
    }
    /// Back to this thread's list.
    static void give_back(IdleContext idle) noexcept {
        Pool* const pool = Pool::of_this_thread();
        if (pool != nullptr && pool->count < Pool::kKept && idle.context_->own_memo) {
            pool->idle[pool->count++] = std::move(idle.context_);
        }
    }

    explicit operator bool() const noexcept { return context_ != nullptr; }

    /// For a call with memo=None, or with a memo that is nobody's living dict.
    ActiveContext activate() && noexcept;
    /// For a nested walk on `memo`.
    ActiveContext activate_on(Memo& memo) && noexcept;

private:
    friend class ActiveContext;
    friend struct Context;

    struct Body : Context, FromMalloc {
        std::unique_ptr<Memo> own_memo;
        bool nested = false;
    };

    // Per thread; contexts in it hold no Python objects, so a thread may end at any time. Freed by platform::AtThreadEnd: the
    // destructor of a C++ variable of a thread is registered at its first use, and without memory for that the C
    // library ends the process.
    struct Pool : FromMalloc {
        static constexpr int kKept = 4;
        std::unique_ptr<Body> idle[kKept];
        int count = 0;

        /// Null: memory is exhausted; contexts come and go without it.
        static Pool* of_this_thread() noexcept { return here != nullptr ? here : first_use(); }
        static Pool* first_use() noexcept;
        ~Pool() { here = nullptr; }

        // What a key stands for is reached through a function call or two; this pointer to it lies at a place known when the
        // module is loaded (room for it is what C libraries keep in reserve).
        CALQUE_AT_FIXED_PLACE static constinit inline thread_local Pool* here = nullptr;
    };

    static IdleContext make() noexcept;
    explicit IdleContext(std::unique_ptr<Body> context) noexcept : context_(std::move(context)) {}

    std::unique_ptr<Body> context_;
};

class ActiveContext {
public:
    ActiveContext(ActiveContext&&) noexcept = default;
    ActiveContext& operator=(ActiveContext&&) = delete;
    ~ActiveContext() = default;

    Context& operator*() noexcept { return *context_; }
    Context* operator->() noexcept { return &**this; }

    /// The call is over, with a copy or an error.
    IdleContext finish() && noexcept {
        IdleContext::Body& body = *context_;
        Memo* memo = std::exchange(body.memo, nullptr);
        if (!body.nested && memo->users == 1) [[likely]] {
            memo->reset();
        } else {
            leave(body, *memo);
        }
        return IdleContext(std::move(context_));
    }

private:
    friend class IdleContext;
    explicit ActiveContext(std::unique_ptr<IdleContext::Body> context) noexcept
        : context_(std::move(context)) {}
    static void leave(IdleContext::Body& body, Memo& memo) noexcept;

    std::unique_ptr<IdleContext::Body> context_;
};

inline ActiveContext IdleContext::activate() && noexcept {
    context_->nested = false;
    context_->memo = context_->own_memo.get();
    context_->python_runs = context_->first_run = ++Context::stretches;
    return ActiveContext(std::move(context_));
}

inline ActiveContext IdleContext::activate_on(Memo& memo) && noexcept {
    context_->nested = true;
    context_->memo = &memo;
    context_->python_runs = context_->nested_run = ++Context::stretches;
    context_->first_run = 0;
    ++memo.users;
    return ActiveContext(std::move(context_));
}

}  // namespace calque
