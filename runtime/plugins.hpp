// runtime/plugins.hpp: when a plugin is loaded. What it is, and how it is found, is calque/_plugins.py's to know.
//
// A plugin declares the top-level module whose types it has handlers for ("numpy"). It is loaded when a copy first meets a type of
// that module for which no handler is registered: so programs that copy no such object pay nothing, and none has to import
// anything. Asking is cheap because it is done once per type (`asked`), without Python code: two look-ups of an exact string
// in dicts. Python code runs where plugins are looked for, at the first type that is neither the standard library's nor the
// program's main module's, and where one is loaded.
//   A class whose names are not all exact strings has no plugin: looking one up in it may run Python code (class_facts.hpp).
//   After that the copy in progress goes on as if it met the object for the first time: Python code may have moved it.
#pragma once

#include <calque/ref.hpp>

namespace calque::plugins {

/// From calque/_plugins.py. `ignored`: a frozenset of top-level modules that are not looked for; `find`: called without arguments,
/// returns a dict {top-level module: function to call, without arguments, to load what is declared for it}. False: TypeError.
[[nodiscard]] bool set_up(Borrowed ignored, Borrowed find) noexcept;

/// A handler for instances of `type` may be had by load(). Runs no Python code.
bool may_serve(PyTypeObject* type) noexcept;
/// Runs Python code. False with an exception set: KeyboardInterrupt, or a warning made an error.
[[nodiscard]] bool load(PyTypeObject* type) noexcept;

}  // namespace calque::plugins
