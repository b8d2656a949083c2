// runtime/primitives/reconstruct.hpp: the steps of the reduce protocol, shared by deepcopy and copy.
//
// Source of the semantics: Lib/copy.py, functions deepcopy, copy and _reconstruct (3.10 to 3.14). All
// of these may run Python code.
#pragma once

#include <calque/ref.hpp>

namespace calque::reconstruct {

/// What copyreg.dispatch_table[type(x)](x), x.__reduce_ex__(4) or x.__reduce__() returns, looked up in
/// this order. copy.Error if there is none of them. `deep`: deepcopy wants an entry of the table to be
/// true, copy only not to be None; and the words of the error differ.
Ref reduce(Borrowed x, bool deep) noexcept;

/// `isinstance(value, str)`: x is its own copy. 1, 0, or -1 with an exception set.
int means_itself(Borrowed value) noexcept;

/// Gives `y` its state: __setstate__, or __dict__.update and setattr per slot. False with an exception.
[[nodiscard]] bool set_state(Borrowed y, Borrowed state) noexcept;

/// `y.append(item)`. False with an exception set.
[[nodiscard]] bool append(Borrowed y, Borrowed item) noexcept;

/// copy.py iterates the arguments in a generator, which lets no StopIteration of its body out (PEP 479):
/// turns one that is set into the RuntimeError it becomes. For unwind() while arguments are copied.
void leave_generator() noexcept;

}  // namespace calque::reconstruct
