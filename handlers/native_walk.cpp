// handlers/native_walk.cpp: the one place that sees the walker's loop and the native handlers together.
// Built apart from the other handlers, which see the SDK and the primitives only (CMakeLists.txt).
#include "native_walk.hpp"
#include "dict.hpp"
#include "instance.hpp"
#include "list.hpp"
#include "tuple.hpp"
#include "walker.hpp"

namespace calque {

namespace {

template <class... Handlers>
struct Natives {
    using Walk = walker::NativeWalk<Handlers...>;

    static bool install() noexcept {
        ((primitives::deoptimizers[static_cast<int>(Handlers::kKind)] = deoptimizer<Handlers>()), ...);
        return true;
    }

    template <class Handler>
    static constexpr primitives::Deoptimize deoptimizer() noexcept {
        if constexpr (requires(Handler & handler, calque_frame & frame) { handler.deoptimize(frame); }) {
            return [](calque_frame* frame) noexcept {
                return detail::Lend::state_in<Handler>(frame)->deoptimize(*frame);
            };
        } else {
            return nullptr;
        }
    }
};

using All = Natives<CopyList, CopyDict, CopyTuple, CopyInstance>;

}  // namespace

Ref walker::walk(Context& context, Borrowed x, Borrowed nil) noexcept {
    static const bool installed = All::install();
    static_cast<void>(installed);
    const registry::InUse in_use;
    context.enter();
    Ref copy = All::Walk(context, context.stack.mark()).run(x, nil);
    context.leave();
    return copy;
}

}  // namespace calque
