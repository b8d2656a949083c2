// A stranger's handler sees the SDK only.
// as: tests/cpp/abi_layout.cpp
// message: primitives\.hpp.*(No such file|file not found)
#include <calque/registry.hpp>
#ifdef OFFENDING
# include "primitives.hpp"
#endif

bool add(const calque::HandlerSpec& spec) noexcept { return calque::add_handler(spec); }
