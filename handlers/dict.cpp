// handlers/dict.cpp: see dict.hpp.
#include "dict.hpp"

#include "handlers.hpp"

namespace calque {

namespace {

Ref shallow(Borrowed original) noexcept { return Ref::steal(PyDict_Copy(original.get())); }

}  // namespace

const HandlerSpec dict_handler = primitives::native<CopyDict>(mirroring(
    "_deepcopy_dict", with_shallow<shallow>(frame_handler<CopyDict>("dict", &PyDict_Type, CALQUE_PURE))));

}  // namespace calque
