// Registering may fail: a rule broken, a type taken.
// as: tests/cpp/abi_layout.cpp
// message: nodiscard|unused-result
#include <calque/registry.hpp>

bool add(const calque::HandlerSpec& spec) noexcept {
#ifdef OFFENDING
    calque::add_handler(spec);
#endif
    return calque::add_handler(spec);
}
