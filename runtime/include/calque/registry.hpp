// calque/registry.hpp: making handlers known, for calque's own and for everyone else's.
//
// Who serves an object of type T that is not in the memo, first match wins:
//   0. T or a base of it is shared (calque.atomic, share= of the call): the copy is the object itself;
//   1. a handler registered for exactly T (yours, then calque's own: one that `mirrors` a function of
//      Lib/copy.py, or stands for the reduce protocol, gives way when the program has put something
//      else for T into copy._deepcopy_dispatch or copyreg.dispatch_table);
//   2. whatever copy._deepcopy_dispatch holds for T;
//   3. T is a metaclass, so the object is a class: it is its own copy;
//   4. a handler with CALQUE_SUBCLASSES for a base of T, unless a class nearer in T's MRO defines
//      __deepcopy__;
//   5. __deepcopy__, copyreg.dispatch_table, __reduce_ex__, __reduce__: Lib/copy.py, function deepcopy.
//
// 3 and 5 are PROTOCOLS: handlers with type == NULL, asked in the order of their registration about
// every object that 1 and 2 left. calque registers them at import and closes that list; adding one
// later is a ValueError, because the last of them takes everything.
//
// Registering and removing take effect at once, in copies under way as well.
#pragma once

#include <calque/handler.hpp>

#pragma GCC visibility push(hidden)
namespace calque {

/// Copies `spec` into the registry. False with an exception set: ValueError says which rule of
/// abi.h the structure breaks, or that the type is taken; MemoryError.
[[nodiscard]] inline bool add_handler(const HandlerSpec& spec) noexcept { return api().add(&spec) == 0; }

/// False with LookupError set if no handler was registered for exactly `type`.
[[nodiscard]] inline bool remove_handler(PyTypeObject* type) noexcept { return api().remove(type) == 0; }

}  // namespace calque
#pragma GCC visibility pop
