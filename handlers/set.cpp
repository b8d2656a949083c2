// handlers/set.cpp: see set.hpp.
#include "set.hpp"

#include "handlers.hpp"

namespace calque {

namespace {

Ref shallow(Borrowed original) noexcept { return set_slots::copy<PySet_New>(original); }

}  // namespace

const HandlerSpec set_handler = primitives::native<CopyMutableSet>(with_shallow<shallow>(
    frame_handler<CopyMutableSet>("set", &PySet_Type, CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE)));

const HandlerSpec frozenset_handler = primitives::native<CopyFrozenSet>(
    frame_handler<CopyFrozenSet>("frozenset", &PyFrozenSet_Type, CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE));

}  // namespace calque
