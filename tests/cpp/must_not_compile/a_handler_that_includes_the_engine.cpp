// calque's own handlers see the SDK and primitives, not the engine.
// as: handlers/list.cpp
// message: memo\.hpp.*(No such file|file not found)
#include "primitives.hpp"
#ifdef OFFENDING
# include "memo.hpp"
#endif

bool passes(const calque::CopyContext& context) noexcept {
    return calque::primitives::head(context).passes_atomics;
}
