// Whether a PyObject* is owned must be said: Ref::steal or Ref::share.
// as: tests/cpp/abi_layout.cpp
// message: could not convert|no viable conversion|private
#include <calque/ref.hpp>

calque::Ref make() noexcept {
    PyObject* list = PyList_New(0);
#ifdef OFFENDING
    return list;
#else
    return calque::Ref::steal(list);
#endif
}
