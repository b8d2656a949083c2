// release() without a taker is a leak.
// as: tests/cpp/abi_layout.cpp
// message: nodiscard|unused-result
#include <calque/ref.hpp>

PyObject* give(calque::Ref owner) noexcept {
#ifdef OFFENDING
    owner.release();
    return nullptr;
#else
    return owner.release();
#endif
}
