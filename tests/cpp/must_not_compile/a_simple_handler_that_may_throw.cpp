// No exception of C++ crosses the border of a handler.
// as: tests/cpp/abi_layout.cpp
// message: no matching function
#include <calque/handler.hpp>

#ifdef OFFENDING
# define NOEXCEPT
#else
# define NOEXCEPT noexcept
#endif

calque::Ref copy(calque::CopyContext&, calque::Borrowed original) NOEXCEPT {
    return calque::Ref::share(original);
}

calque::HandlerSpec handler() noexcept { return calque::simple_handler<copy>("simple", &PyList_Type); }
