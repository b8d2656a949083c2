// runtime/explain/copy_size.hpp: how many bytes an object takes, asked without running Python code.
#pragma once

#include <calque/ref.hpp>

#include <cstddef>

namespace calque::explain {

/// The object itself, the table or array of a builtin container, and where its attributes are kept; the buffer of a type in C that
/// exports one. What other types in C keep elsewhere is not counted. About what sys.getsizeof says, which would call `__sizeof__`.
std::size_t copy_size(Borrowed x) noexcept;

}  // namespace calque::explain
