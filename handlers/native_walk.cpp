// handlers/native_walk.cpp: the one place that sees the walker's loop and the native handlers together.
// Built apart from the other handlers, which see the SDK and the primitives only (CMakeLists.txt).
#include "native_walk.hpp"
#include "explain/trace.hpp"
#include "native_kinds.hpp"
#include "saved_error.hpp"
#include "walker.hpp"

namespace calque {

namespace {

template <class... Handlers>
struct Natives {
    using Walk = walker::NativeWalk<false, Handlers...>;

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

using All = OfNativeKinds<Natives>;

}  // namespace

namespace walker {

namespace {

// One byte says all that a walk has to ask before it begins.
enum class Mode : unsigned char { nothing_installed, ordinary, explaining };
Mode mode = Mode::nothing_installed;

// The trace that a walk of `context` is to be told to, if there is one.
[[gnu::noinline, gnu::cold]] explain::Trace* look_further(Context& context) noexcept {
    if (mode == Mode::nothing_installed) {
        choose_mode();
    }
    return context.memo->trace();
}

}  // namespace

void choose_mode() noexcept {
    static const bool installed = All::install();
    mode = explain::Trace::in_use != 0 ? Mode::explaining : Mode::ordinary;
    static_cast<void>(installed);
}

Ref walk(Context& context, Borrowed x, Borrowed nil) noexcept {
    if (mode != Mode::ordinary) [[unlikely]] {
        if (explain::Trace* const trace = look_further(context)) {
            return explain_walk(context, x, nil, *trace);
        }
    }
    const registry::InUse in_use;
    context.enter();
    Ref copy = All::Walk(context, context.stack.mark()).run(x, nil);
    context.leave();
    return copy;
}

bool begin_root(Borrowed x, Root& root) noexcept {
    if (mode != Mode::ordinary) [[unlikely]] {
        return false;  // by way of walk()
    }
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
