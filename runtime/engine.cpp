// runtime/engine.cpp: deepcopy, and the C ABI. copy and replace are in shallow.cpp.
#include "engine.hpp"

#include "context.hpp"
#include "cpython/dict_layout.hpp"
#include "cpython/eval_breaker.hpp"
#include "explain/trace.hpp"
#include "graph_step.hpp"
#include "primitives/interpreter_forms.hpp"
#include "primitives/known_class.hpp"
#include "primitives/mutants.hpp"
#include "registry.hpp"
#include "saved_error.hpp"
#include "shared_classes.hpp"
#include "stack_guard.hpp"
#include "stdlib_tables.hpp"
#include "walker.hpp"

#include <calque/context.hpp>

#include <optional>

namespace calque::engine {

namespace {

// Finishes a walk: the memo of a dict somebody kept is made complete, after errors as well.
Ref end(ActiveContext active, Ref copy) noexcept {
    if (copy && active->memo->native() && !active->memo->has_dict()) [[likely]] {
        // Nothing to conclude. What the memo still owns may run finalizers, and they would see no error.
        count_copied(active->memo->logged());
        IdleContext::give_back(std::move(active).finish());
        return copy;
    }
    SavedError in_flight;
    if ((active->memo->has_much_to_write() && !active->write_in_slices(false)) || !active->memo->conclude()) {
        if (in_flight.any()) {
            PyErr_Clear();
        } else {
            in_flight.replace();
        }
    }
    const bool failed = in_flight.any();
    IdleContext::give_back(std::move(active).finish());
    return failed ? Ref() : std::move(copy);
}

// A nested walk: `walk` is given the context, which must not be empty.
template <class Walk>
Ref walk_on(Memo& memo, IdleContext idle, Walk walk) noexcept {
    ActiveContext active = std::move(idle).activate_on(memo);
    Ref copy = walk(*active);
    // Back into Python code: the outer copy's log may hold what this walk logged.
    const bool written = !memo.has_much_to_write() || active->write_in_slices(bool(copy));
    if (!(written && memo.secure()) && copy) {
        copy = {};
    }
    IdleContext::give_back(std::move(active).finish());
    return copy;
}

[[gnu::noinline]] Ref walk_nested(Memo& memo, Borrowed x, Borrowed nil) noexcept {
    if (!stack_guard::has_room()) {
        return {};
    }
    IdleContext idle = IdleContext::take();
    if (!idle) {
        return {};
    }
    return walk_on(memo, std::move(idle),
                   [&](Context& context) noexcept { return walker::walk(context, x, nil); });
}

// x is not in the memo, which is native, and no Python code runs: most children of hooks that are containers hold
// nothing but atoms. Not inlined: see copy_from_root().
[[gnu::noinline]] Ref copy_nested_root(Memo& memo, Borrowed x) noexcept {
    if (!stack_guard::has_room()) {
        return {};
    }
    walker::Root root;
    if (!walker::begin_root(x, root)) {
        return walk_nested(memo, x, {});
    }
    if (!root.done() && !root.failed()) {
        IdleContext idle = IdleContext::take();
        if (!idle) {
            walker::give_up_root(root);
            return {};
        }
        return walk_on(memo, std::move(idle),
                       [&](Context& context) noexcept { return walker::walk_root(context, root); });
    }
    Ref copy = root.copy();
    if (copy && !(copy == x) && !memo.enter_finished(x, copy)) {
        return {};
    }
    return copy;
}

// Most children of a hook need no walk: they are atomic, or have their copy.
Ref copy_nested(Memo& memo, Borrowed x, Borrowed nil) noexcept {
    offer_collection();
    memo.notice_writes();
    if (memo.passes_atomics() && primitives::known_types.atomic(x.type())) {
        return Ref::share(x);
    }
    if (memo.answers_at_once()) {
        Ref copy;
        const mapping_memo::Found found = memo.find(x, nil, copy);
        if (found == mapping_memo::Found::error
            || (found == mapping_memo::Found::hit && !(Borrowed(copy) == nil))) {
            return copy;
        }
        if (found == mapping_memo::Found::miss && memo.native()) {
            return copy_nested_root(memo, x);
        }
    }
    return walk_nested(memo, x, nil);
}

// An atomic object with a dict for a memo: up to 3.13 one look-up, and no walk.
Ref look_up_atomic(Borrowed memo, Borrowed x, Borrowed nil) noexcept {
    if (CALQUE_ATOMICS_BEFORE_MEMO || mutants::is(mutants::Mutant::atomics_not_looked_up)) {
        return Ref::share(x);
    }
    Ref copy;
    switch (mapping_memo::get(memo, x, nil, copy)) {
    case mapping_memo::Found::hit: return copy;
    case mapping_memo::Found::miss: return Ref::share(x);
    default: return {};
    }
}

// `memo` and `shared`, a tuple of classes, may be empty.
Ref copy_with(Borrowed memo, Borrowed x, Borrowed nil, Borrowed shared = {}) noexcept {
    if (!stack_guard::has_room()) {
        return {};
    }
    IdleContext idle = IdleContext::take();
    if (!idle) {
        return {};
    }
    ActiveContext active = std::move(idle).activate();
    if (memo) {
        active->memo->use_mapping(memo);
    }
    std::optional<shared_classes::Sharing> sharing;
    if (shared) {
        sharing.emplace(*active->memo, shared);
    }
    Ref copy = sharing && !*sharing ? Ref() : walker::walk(*active, x, nil);
    sharing.reset();  // before the memo goes: it will be another copy's
    return end(std::move(active), std::move(copy));
}

Ref copy_begun(walker::Root& root) noexcept {
    if (stack_guard::has_room()) {
        if (IdleContext idle = IdleContext::take()) {
            ActiveContext active = std::move(idle).activate();
            Ref copy = walker::walk_root(*active, root);
            return end(std::move(active), std::move(copy));
        }
    }
    walker::give_up_root(root);
    return {};
}

// Not inlined: room for a frame is more than most copies of one object need.
[[gnu::noinline]] Ref copy_from_root(Borrowed x) noexcept {
    offer_collection();
    walker::Root root;
    if (!walker::begin_root(x, root)) {
        return copy_with({}, x, {});
    }
    return root.done() || root.failed() ? root.copy() : copy_begun(root);
}

Ref copy_leaf(Borrowed x) noexcept {
    Ref copy = Ref::steal(primitives::known_types.leaf(x.type())(x.get()));
    return copy || PyErr_Occurred() != nullptr ? std::move(copy) : copy_with({}, x, {});
}

Ref copy_into(Borrowed memo, Borrowed x, Borrowed nil) noexcept {
    if (PyDict_CheckExact(memo.get())) {
        if (Memo* living = Memo::living(memo)) {
            return copy_nested(*living, x, nil);
        }
        if (primitives::known_types.atomic(x.type())) {
            return look_up_atomic(memo, x, nil);
        }
    }
    return copy_with(memo, x, nil);
}

// With a memo of our own. The tables have been looked at.
Ref copy_fresh(Borrowed x, Borrowed nil) noexcept {
    if (mutants::is(mutants::Mutant::memo_shared_with_nested_call) && mutants::outer_memo != nullptr) {
        return copy_nested(*mutants::outer_memo, x, nil);
    }
    switch (primitives::known_types.kind(x.type())) {
    case primitives::Native::atomic: return Ref::share(x);
    case primitives::Native::none:
        return known_class::is_its_own_copy_alone(x) ? Ref::share(x) : copy_with({}, x, {});
    case primitives::Native::leaf: return copy_leaf(x);
    default: return copy_from_root(x);
    }
}

// -- C ABI

PyObject* abi_copy(calque_context* raw, PyObject* child) noexcept {
    Context& context = Context::of(raw);
    if (!stack_guard::has_room()) {
        return nullptr;
    }
    NestedStretch stretch(context);
    Ref copy = walker::walk(context, child, {});
    if (!stretch.close()) {
        return nullptr;
    }
    return copy.release();
}

int abi_publish(calque_context* raw, calque_frame* frame) noexcept {
    return walker::publish(Context::of(raw), *frame) ? 0 : -1;
}

int abi_remember(calque_context* raw, PyObject* original, PyObject* copy) noexcept {
    return Context::of(raw).publish(original, copy, false) ? 0 : -1;
}

int abi_keep_alive(calque_context* raw, PyObject* object) noexcept {
    return Context::of(raw).memo->keep_alive(object) ? 0 : -1;
}

int abi_is_atomic(calque_context* raw, PyObject* child) noexcept {
    return Context::of(raw).passes_atomics && primitives::known_types.atomic(Py_TYPE(child));
}

int abi_before_python(calque_context* raw) noexcept { return Context::of(raw).before_python() ? 0 : -1; }

void abi_after_python(calque_context* raw) noexcept { Context::of(raw).after_python(); }

PyObject* abi_memo(calque_context* raw) noexcept { return Context::of(raw).memo_object().release(); }

PyObject* abi_deepcopy(PyObject* object, PyObject* memo) noexcept {
    return deepcopy(object, memo, {}).release();
}

PyObject* abi_shallow_copy(PyObject* object) noexcept { return copy(object).release(); }

}  // namespace

extern const calque_api c_api = {
    sizeof(calque_api), CALQUE_ABI_MAJOR, CALQUE_ABI_MINOR, registry::add,  registry::remove,
    abi_copy,           abi_publish,      abi_remember,     abi_keep_alive, abi_is_atomic,
    abi_before_python,  abi_after_python, abi_memo,         abi_deepcopy,   abi_shallow_copy,
};

bool create() noexcept {
    detail::api_in_use = &c_api;
    dict_layout::look();
    eval_breaker::look();
    return mutants::choose() && interned::create() && graph_step::create() && mapping_memo::create()
        && forms::create() && stdlib_tables::create() && registry::add(&stdlib_tables::odd_metaclass) == 0;
}

bool open_for_use() noexcept {
    registry::close_builtins();
    return registry::derive();
}

Ref deepcopy_alone(Borrowed x) noexcept {
    stdlib_tables::refresh_if_changed();
    return copy_fresh(x, {});
}

Ref deepcopy(Borrowed x, Borrowed memo, Borrowed nil) noexcept {
    if (is_atom(x) && (!memo || has_no_atoms(memo))) {
        return Ref::share(x);
    }
    stdlib_tables::refresh_if_changed();
    return !memo || memo.get() == Py_None ? copy_fresh(x, nil) : copy_into(memo, x, nil);
}

Ref deepcopy_sharing(Borrowed x, Borrowed memo, Borrowed nil, Borrowed classes) noexcept {
    using shared_classes::Wish;
    if (!shared_classes::claim(classes, Wish::in_a_call)) {
        return {};
    }
    stdlib_tables::refresh_if_changed();
    const bool given = memo && memo.get() != Py_None;
    Memo* const living = given && PyDict_CheckExact(memo.get()) ? Memo::living(memo) : nullptr;
    Ref copy;
    if (living != nullptr) {
        const shared_classes::Sharing sharing(*living, classes);
        if (sharing) {
            copy = copy_nested(*living, x, nil);
        }
    } else {
        copy = copy_with(given ? memo : Borrowed(), x, nil, classes);
    }
    // Nothing is wrong with the copy if there is no memory for this: what stays declines.
    const SavedError in_flight;
    if (!shared_classes::disclaim(classes, Wish::in_a_call)) {
        PyErr_Clear();
    }
    return copy;
}

namespace {

bool enter_as_themselves(Memo& memo, Borrowed objects) noexcept {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(objects.get()); ++i) {
        const Borrowed one = PyTuple_GET_ITEM(objects.get(), i);
        if (!memo.publish(one, one, false)) {
            return false;
        }
    }
    return memo.secure();
}

}  // namespace

Ref explain(Borrowed x, Borrowed themselves, explain::Trace& trace) noexcept {
    stdlib_tables::refresh_if_changed();
    if (!stack_guard::has_room()) {
        return {};
    }
    IdleContext idle = IdleContext::take();
    if (!idle) {
        return {};
    }
    ActiveContext active = std::move(idle).activate();
    if (themselves && !enter_as_themselves(*active->memo, themselves)) {
        return end(std::move(active), {});
    }
    ++explain::Trace::in_use;
    walker::choose_mode();
    active->memo->tell(&trace);
    Ref copy = walker::walk(*active, x, {});
    trace.memo_taken_over = !active->memo->native();
    active->memo->tell(nullptr);
    --explain::Trace::in_use;
    walker::choose_mode();
    return end(std::move(active), std::move(copy));
}

Ref deepcopy_on(Memo& memo, Borrowed x) noexcept {
    stdlib_tables::refresh_if_changed();
    return copy_nested(memo, x, {});
}

}  // namespace calque::engine
