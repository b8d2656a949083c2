// handlers/catalog.hpp: all of calque's own handlers.
#pragma once

namespace calque {

/// Registers them, through the same call as everyone's. False with an exception set.
[[nodiscard]] bool register_builtin_handlers() noexcept;

}  // namespace calque
