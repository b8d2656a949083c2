// A SIMPLE handler returns a Ref.
// as: tests/cpp/abi_layout.cpp
// message: no matching function
#include <calque/handler.hpp>

#ifdef OFFENDING
PyObject* copy(calque::CopyContext&, calque::Borrowed original) noexcept { return original.get(); }
#else
calque::Ref copy(calque::CopyContext&, calque::Borrowed original) noexcept {
    return calque::Ref::share(original);
}
#endif

calque::HandlerSpec handler() noexcept { return calque::simple_handler<copy>("simple", &PyList_Type); }
