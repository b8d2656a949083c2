// handlers/list.cpp: see list.hpp.
#include "list.hpp"

#include "handlers.hpp"

namespace calque {

namespace {

Ref shallow(Borrowed original) noexcept {
    return Ref::steal(PyList_GetSlice(original.get(), 0, PyList_GET_SIZE(original.get())));
}

}  // namespace

const HandlerSpec list_handler = primitives::native<CopyList>(mirroring(
    "_deepcopy_list", with_shallow<shallow>(frame_handler<CopyList>("list", &PyList_Type, CALQUE_PURE))));

}  // namespace calque
