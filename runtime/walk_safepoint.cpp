// runtime/walk_safepoint.cpp: the moves of a walk that let others have their turn. See safepoint.hpp.
#include "primitives/mutants.hpp"
#include "walk.hpp"

namespace calque::walker {

bool Walk::pass_safepoint() noexcept {
    if (!ctx_.before_python()) {
        return false;
    }
    const bool good = poll_.serve();
    ctx_.after_python();
    return good;
}

bool Walk::hash_in_slices() noexcept {
    while (ctx_.memo->unhashed() > safepoint::slice()) {
        if (!ctx_.memo->hash_slice() || (poll_.due_now() && !pass_safepoint())) {
            return false;
        }
    }
    return true;
}

Walk::Stopped Walk::stop_before_visit() noexcept {
    PyObject* const x = child_.get();
    Memo& memo = *ctx_.memo;
    // Unique up to now, and nobody else can enter anything: it will not be in the memo afterwards.
    const bool alone = counted_ && Py_REFCNT(x) == 1 && memo.is_private() && !memo.always_looks_up();
    // Its parent may lose it meanwhile. A memo that others see has its own ways of holding what is visited.
    held_child_ = Ref::share(x);
    if (mutants::is(mutants::Mutant::child_not_kept_at_safepoint)) {
        held_child_ = {};
    } else if (memo.native() && !memo.keep_alive(x)) {
        return Stopped::failed;
    }
    if (poll_.due_now() && !pass_safepoint()) {
        return Stopped::failed;
    }
    const bool absent = alone && memo.is_private() && !memo.always_looks_up();
    if (!absent && !hash_in_slices()) {
        return Stopped::failed;
    }
    if (!memo.native()) {
        return Stopped::before_mapping;
    }
    held_child_ = {};  // not the last reference
    return absent ? Stopped::before_new : Stopped::before_look_up;
}

// Perhaps nobody but held_child_ holds it.
Walk::Move Walk::visit_held() noexcept {
    Ref held = std::move(held_child_);
    const Move move = visit({});
    if (move == Move::failed) {
        held_child_ = std::move(held);
        return move;
    }
    return give_up(std::move(held)) ? move : Move::failed;
}

}  // namespace calque::walker
