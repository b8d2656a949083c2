// Handlers speak the C API.
// as: handlers/list.cpp
// message: only module/ may include Boost\.Python
#include "primitives.hpp"
#ifdef OFFENDING
# include <boost/python.hpp>
#endif

bool passes(const calque::CopyContext& context) noexcept {
    return calque::primitives::head(context).passes_atomics;
}
