// handlers/native_walk.cpp: the one place that sees the walker's loop and the native handlers together.
// Built apart from the other handlers, which see the SDK and the primitives only (CMakeLists.txt).
#include "native_walk.hpp"
#include "ast.hpp"
#include "dict.hpp"
#include "instance.hpp"
#include "list.hpp"
#include "saved_error.hpp"
#include "set.hpp"
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

using All = Natives<CopyList, CopyDict, CopyTuple, CopyInstance, CopyMutableSet, CopyFrozenSet, CopyNode>;

}  // namespace

namespace walker {

namespace {

void install() noexcept {
    static const bool installed = All::install();
    static_cast<void>(installed);
}

}  // namespace

Ref walk(Context& context, Borrowed x, Borrowed nil) noexcept {
    install();
    const registry::InUse in_use;
    context.enter();
    Ref copy = All::Walk(context, context.stack.mark()).run(x, nil);
    context.leave();
    return copy;
}

bool begin_root(Borrowed x, Root& root) noexcept {
    install();
    GcHold gc;
    gc.hold();
    const bool begun = All::Walk::begin_root(x, root);
    gc.release();
    if (begun && root.failed()) [[unlikely]] {
        Ref unfinished = Ref::steal(root.frame.copy);
    }
    return begun;
}

Ref walk_root(Context& context, Root& root) noexcept {
    const registry::InUse in_use;
    context.enter();
    Ref copy = All::Walk(context, context.stack.mark()).run(root);
    context.leave();
    return copy;
}

void give_up_root(Root& root) noexcept {
    const SavedError in_flight;
    root.frame.handler->drop(root.frame.handler, &root.frame);
    Ref unfinished = Ref::steal(root.frame.copy);
}

}  // namespace walker

}  // namespace calque
