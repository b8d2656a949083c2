// A handler cannot keep the context of one step for the next.
// as: tests/cpp/abi_layout.cpp
// message: deleted|constructor for .*Keeper.* must explicitly initialize|no matching function
#include <calque/handler.hpp>

class Keeper {
public:
#ifdef OFFENDING
    explicit Keeper(calque::CopyContext& lent) noexcept : context_(lent) {}
#else
    explicit Keeper(calque::CopyContext& lent) noexcept : context_(lent.raw()) {}
#endif

private:
#ifdef OFFENDING
    calque::CopyContext context_;
#else
    [[maybe_unused]] calque_context* context_;
#endif
};

Keeper keep(calque::CopyContext& lent) { return Keeper(lent); }
