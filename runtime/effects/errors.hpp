// runtime/effects/errors.hpp: the exceptions of the machine's own. All are raised at the yield that caused them.
#pragma once

#include "fiber.hpp"

namespace calque::effects {

/// RuntimeError: a continuation was resumed twice.
inline PyObject* one_shot_error = nullptr;
/// RuntimeError with `effect` and `handlers`: nobody accepts the effect.
inline PyObject* unhandled_effect = nullptr;

[[nodiscard]] bool create_errors() noexcept;
/// Sets UnhandledEffect; `from` is where the search began.
void raise_unhandled(Borrowed effect, const Fiber* from) noexcept;
/// The handlers from a fiber on, innermost first, as a list; empty with an exception.
Ref handlers_from(const Fiber* from) noexcept;

}  // namespace calque::effects
