// The engine speaks the C API.
// as: runtime/walker.cpp
// message: only module/ may include Boost\.Python
#include "walker.hpp"
#ifdef OFFENDING
# include <boost/python.hpp>
#endif

calque::IdleContext end(calque::ActiveContext active) noexcept { return std::move(active).finish(); }
