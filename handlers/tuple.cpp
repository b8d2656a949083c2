// handlers/tuple.cpp: see tuple.hpp.
#include "tuple.hpp"

#include "handlers.hpp"

namespace calque {

const HandlerSpec tuple_handler = primitives::native<CopyTuple>(mirroring(
    "_deepcopy_tuple", frame_handler<CopyTuple>("tuple", &PyTuple_Type, CALQUE_PURE | CALQUE_ASK_AGAIN)));

}  // namespace calque
