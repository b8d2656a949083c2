// runtime/context.cpp: see context.hpp.
#include "context.hpp"

#include "platform.hpp"
#include "stdlib_tables.hpp"
#include "walk.hpp"

#include <new>

namespace calque {

void Context::python_has_run() noexcept {
    memo->notice_writes();
    begin_stretch();
}

void Context::begin_stretch() noexcept {
    python_runs = ++stretches;
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
    if ((memo->has_much_to_write() && !write_in_slices(true)) || !memo->secure()) {
        return false;
    }
    ++python_depth;
    gc.release();
    return true;
}

Ref Context::before_hook() noexcept {
    Ref given;
    if (walker::prepare_frames(stack) && (memo->unwritten() <= safepoint::slice() || write_in_slices(true))) {
        given = memo->object();
    }
    if (!memo->secure()) {
        return {};
    }
    if (given) {
        ++python_depth;
        gc.release();
    }
    return given;
}

bool Context::write_in_slices(bool signals) noexcept {
    safepoint::Poll poll;
    while (memo->unwritten() > safepoint::slice()) {
        if (!memo->write_slice()) {
            return false;
        }
        if (!poll.due_now()) {
            continue;
        }
        gc.release();  // for good: Python code runs next
        bool good = true;
        if (signals) {
            good = poll.serve();
        } else {
            poll.give_way();
        }
        memo->notice_writes();  // which may make the dict the memo: then all is written
        if (!good) {
            return false;
        }
    }
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

IdleContext::Pool* IdleContext::Pool::first_use() noexcept {
    static const platform::AtThreadEnd at_thread_end([](void* pool) { delete static_cast<Pool*>(pool); });
    std::unique_ptr<Pool> pool(new (std::nothrow) Pool);
    if (!pool || !at_thread_end.set(pool.get())) {
        return nullptr;
    }
    here = pool.release();
    return here;
}

IdleContext IdleContext::make() noexcept {
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

void ActiveContext::leave(IdleContext::Body& body, Memo& memo) noexcept {
    if (body.nested) {
        if (--memo.users == 0) {
            delete &memo;  // its owner has gone
        }
        return;
    }
    // A walk of another greenlet or thread is suspended on this memo: it is theirs now.
    memo.leave_to_nested();
    --memo.users;
    static_cast<void>(body.own_memo.release());
}

}  // namespace calque
