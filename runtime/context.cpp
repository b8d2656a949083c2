// runtime/context.cpp: see context.hpp.
#include "context.hpp"

#include "stdlib_tables.hpp"
#include "walk.hpp"

#include <new>

namespace calque {

struct IdleContext::Body : Context {
    std::unique_ptr<Memo> own_memo;
    bool nested = false;
};

// Per thread; contexts in it hold no Python objects, so a thread may end at any time.
struct IdleContext::Pool {
    static constexpr int kKept = 4;
    std::unique_ptr<Body> idle[kKept];
    int count = 0;

    static Pool& of_this_thread() noexcept {
        static thread_local Pool pool;
        return pool;
    }
};

namespace {

std::uint64_t stretches = 0;  // of all copies, by all threads: guarded by the GIL

}  // namespace

void Context::python_has_run() noexcept {
    python_runs = ++stretches;
    memo->notice_writes();
    enter();
    stdlib_tables::refresh_if_changed();
}

bool Context::before_python() noexcept {
    if (!walker::prepare_frames(stack)) {
        return false;
    }
    if (python_depth > 0) {
        memo->notice_writes();
    }
    if (!memo->secure()) {
        return false;
    }
    ++python_depth;
    gc.release();
    return true;
}

bool Context::publish(Borrowed x, Borrowed copy, bool unique, bool repeatable) noexcept {
    if (python_depth == 0) {
        return memo->publish(x, copy, unique, repeatable);
    }
    memo->notice_writes();
    return memo->publish(x, copy, unique) && memo->secure();
}

Ref Context::memo_object() noexcept {
    if (python_depth > 0) {
        memo->notice_writes();
    }
    return memo->object();
}

IdleContext::IdleContext(std::unique_ptr<Body> context) noexcept : context_(std::move(context)) {}
IdleContext::IdleContext(IdleContext&&) noexcept = default;
IdleContext& IdleContext::operator=(IdleContext&&) noexcept = default;
IdleContext::~IdleContext() = default;

IdleContext IdleContext::take() noexcept {
    Pool& pool = Pool::of_this_thread();
    if (pool.count > 0) {
        return IdleContext(std::move(pool.idle[--pool.count]));
    }
    std::unique_ptr<Body> body(new (std::nothrow) Body);
    if (body) {
        body->own_memo.reset(new (std::nothrow) Memo);
    }
    if (!body || !body->own_memo) {
        PyErr_NoMemory();
        body.reset();
    }
    return IdleContext(std::move(body));
}

void IdleContext::give_back(IdleContext idle) noexcept {
    Pool& pool = Pool::of_this_thread();
    if (pool.count < Pool::kKept && idle.context_->own_memo) {
        pool.idle[pool.count++] = std::move(idle.context_);
    }
}

ActiveContext IdleContext::activate() && noexcept {
    context_->nested = false;
    context_->memo = context_->own_memo.get();
    context_->python_runs = context_->first_run = ++stretches;
    return ActiveContext(std::move(context_));
}

ActiveContext IdleContext::activate_on(Memo& memo) && noexcept {
    context_->nested = true;
    context_->memo = &memo;
    context_->python_runs = ++stretches;
    context_->first_run = 0;
    ++memo.users;
    return ActiveContext(std::move(context_));
}

ActiveContext::ActiveContext(std::unique_ptr<IdleContext::Body> context) noexcept
    : context_(std::move(context)) {}
ActiveContext::ActiveContext(ActiveContext&&) noexcept = default;
ActiveContext::~ActiveContext() = default;

Context& ActiveContext::operator*() noexcept { return *context_; }

IdleContext ActiveContext::finish() && noexcept {
    IdleContext::Body& body = *context_;
    Memo* memo = std::exchange(body.memo, nullptr);
    if (body.nested) {
        if (--memo->users == 0) {
            delete memo;  // its owner has gone
        }
    } else if (memo->users > 1) {
        // A walk of another greenlet or thread is suspended on this memo: it is theirs now.
        memo->leave_to_nested();
        --memo->users;
        static_cast<void>(body.own_memo.release());
    } else {
        memo->reset();
    }
    return IdleContext(std::move(context_));
}

}  // namespace calque
