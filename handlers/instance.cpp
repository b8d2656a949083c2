// handlers/instance.cpp: see instance.hpp.
#include "instance.hpp"

#include "handlers.hpp"

namespace calque {

const HandlerSpec instance_handler = primitives::native<CopyInstance>(
    frame_handler<CopyInstance>("instances", nullptr, CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE));

}  // namespace calque
