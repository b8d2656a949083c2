// runtime/primitives/interpreter_forms.hpp: statements of Lib/copy.py whose errors belong to the interpreter.
//
// `_reconstruct(x, memo, *rv)`, `func(*args)`, `key, value = pair`, a call with wrong arguments: what
// these raise differs from version to version, so calque lets the interpreter itself execute them,
// from a few lines of Python compiled at import, whenever the plain case does not hold. They are
// never on a fast path.
#pragma once

#include <calque/ref.hpp>

namespace calque::forms {

/// At import. False with an exception set.
[[nodiscard]] bool create() noexcept;

/// `_reconstruct(x, memo, *value)`: the tuple (func, args, state, listiter, dictiter), absent ones None.
Ref reconstruct_arguments(Borrowed value) noexcept;
/// `func(*args)`.
Ref call_star(Borrowed func, Borrowed args) noexcept;
/// `key, value = pair`: the tuple (key, value).
Ref unpack_pair(Borrowed pair) noexcept;

/// A moment in the interpreter's own loop, which raises what PyThreadState_SetAsyncExc() sent to this thread. False with that
/// exception set.
[[nodiscard]] bool take_turn() noexcept;

/// Binds the arguments of a vectorcall to the signature of one of the three functions, raising the
/// interpreter's own TypeError: a tuple of the values in order of the parameters.
enum class Signature { deepcopy, copy, replace };
Ref bind(Signature signature, PyObject* const* args, Py_ssize_t nargs, Borrowed keywords) noexcept;

}  // namespace calque::forms
