// runtime/engine.hpp: the three functions, as the module and the C ABI call them.
#pragma once

#include "memo.hpp"
#include "primitives/primitives.hpp"
#include "stdlib_tables.hpp"

#include <calque/abi.h>
#include <calque/ref.hpp>

namespace calque::engine {

/// At import, before handlers are registered. False with an exception set.
[[nodiscard]] bool create() noexcept;
/// At import, after the built-in handlers were registered.
[[nodiscard]] bool open_for_use() noexcept;

/// The structure behind the capsule.
extern const calque_api c_api;

/// `x` is an atom to copy.deepcopy(x), and nobody has changed that: the shortest of all copies.
[[gnu::always_inline]] inline bool is_atom(Borrowed x) noexcept {
    return primitives::known_types.atomic(x.type()) && stdlib_tables::seen.atomics_unchanged();
}
/// None, or the dict of a copy in progress as it was handed out: atomic objects are not in it.
[[gnu::always_inline]] inline bool has_no_atoms(Borrowed memo) noexcept {
    const Memo* living = Memo::living(memo);
    return living != nullptr ? living->untouched() : memo.get() == Py_None;
}
/// copy.deepcopy(x), for no atom.
Ref deepcopy_alone(Borrowed x) noexcept;
/// copy.deepcopy(x, memo, nil). Empty or None `memo`: a fresh one; empty `nil`: the default.
Ref deepcopy(Borrowed x, Borrowed memo, Borrowed nil) noexcept;
/// The same, and instances of `classes`, a tuple of classes, are shared (shared_classes.hpp).
Ref deepcopy_sharing(Borrowed x, Borrowed memo, Borrowed nil, Borrowed classes) noexcept;
/// copy.deepcopy(x, memo), which tells `trace` what it does: slower, and the same copy. In the memo each object of `themselves`, a tuple,
/// is its own copy; empty: a fresh one.
Ref explain(Borrowed x, Borrowed themselves, explain::Trace& trace) noexcept;
/// A copy within a copy in progress: calque.Memo.copy.
Ref deepcopy_on(Memo& memo, Borrowed x) noexcept;
/// copy.copy(x)
Ref copy(Borrowed x) noexcept;
/// copy.replace(obj, /, **changes): args[0] is obj, then one value per name in the tuple `names`.
Ref replace(PyObject* const* args, Borrowed names) noexcept;

}  // namespace calque::engine
