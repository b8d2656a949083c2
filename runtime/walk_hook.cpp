// runtime/walk_hook.cpp: the move of a walk that calls a class's own __deepcopy__. See walk.hpp, and for the memo that
// it is given memo.hpp, "Writes of strangers".
#include "error_path.hpp"
#include "primitives/instance_values.hpp"
#include "primitives/interned.hpp"
#include "primitives/known_class.hpp"
#include "saved_error.hpp"
#include "walk.hpp"

namespace calque::walker {

namespace {

// No attribute of instances like `x` could hide the hook of their class.
bool has_plain_names(Borrowed x, known_class::Hooked& known) noexcept {
    instance_values::View view;
    if (!instance_values::read(x, view)) {
        return false;
    }
    for (const unsigned count = instance_values::name_count(x.type()); known.plain_names < count;) {
        const Borrowed name = instance_values::name(x.type(), known.plain_names);
        if (PyUnicode_CompareWithASCIIString(name.get(), "__deepcopy__") == 0) {
            return false;
        }
        ++known.plain_names;
    }
    return true;
}

// Context::before_hook(), at once if the hook before has left everything as the next one needs it.
[[gnu::always_inline]] inline Ref lend_memo(Context& context) noexcept {
    const bool prepared = context.stack.empty() || (context.stack.top().walker & kOwned) != 0;
    if (!prepared || !context.memo->is_complete()) {
        return context.before_hook();
    }
    ++context.python_depth;
    context.gc.release();
    return context.memo->dict();
}

}  // namespace

// `hooked.hook(x, memo)`: what handlers/dunder_deepcopy.cpp would come to, for a class of which that is known. There
// is no child to ask for, hence no frame: `held` owns the original.
Walk::Move Walk::call_hook(known_class::Hooked& hooked, PyObject* x, bool unique) noexcept {
    Ref held = Ref::share(x);
    Ref hook = Ref::share(hooked.hook);
    Memo& memo = *ctx_.memo;
    const Ref given = lend_memo(ctx_);
    if (!given) {
        return Move::failed;
    }
    const Memo::Moment handed_over = memo.moment();
    {
        const Memo::RunningHook running(memo, x);
        // Keys of the instance's dict may be compared by Python code.
        if (!has_plain_names(x, hooked) && !known_class::comes_to(x, interned::__deepcopy__, hook))
            [[unlikely]] {
            hook = {};
            memo.expect(x, {});
            ctx_.after_hook();
            return ask_protocols(x, Py_TYPE(x), false);
        }
        PyObject* const args[] = {x, given.get()};
        value_ = Ref::steal(PyObject_Vectorcall(hook.get(), args, 2, nullptr));
        hook = {};
        if (!value_ || value_.get() == x || !memo.is_as_of(handed_over)) {
            memo.expect(x, value_);
            return end_hook(std::move(held), unique);
        }
    }
    ctx_.after_hook();
    if (!memo.enter_in_dict(x, value_)) {
        return Move::failed;
    }
    return give_up(std::move(held)) ? Move::value : Move::failed;
}

// The hook of `held` has left value_, or raised, or something was written to the memo meanwhile.
Walk::Move Walk::end_hook(Ref held, bool unique) noexcept {
    PyObject* const x = held.get();
    Memo& memo = *ctx_.memo;
    ctx_.after_hook();
    if (!value_) {
        error_path::hand_up(ctx_, x, nullptr);
        const SavedError in_flight;
        if (!memo.entry_may_stay()) {
            PyErr_Clear();
        }
        ctx_.leave();
        held = {};
        ctx_.enter();
        return Move::failed;
    }
    if (value_.get() == x  ? !memo.entry_may_stay()
        : ctx_.native_memo ? !memo.complete_hook(x, value_, unique)
                           : !complete(x, value_, false, unique, true)) {
        return Move::failed;
    }
    return give_up(std::move(held)) ? Move::value : Move::failed;
}

}  // namespace calque::walker
