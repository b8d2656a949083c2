// handlers/explain_walk.cpp: the walker's loop compiled once more, for copies that are being explained. Beside
// native_walk.cpp the only place that sees both.
#include "explain/explain_walk.hpp"
#include "handlers.hpp"
#include "native_kinds.hpp"
#include "walker.hpp"

namespace calque::walker {

StepKind part_of_reduced(const calque_frame& frame) noexcept {
    switch (part_asked_for(frame)) {
    case ReducedPart::args: return StepKind::argument;
    case ReducedPart::state: return StepKind::state;
    case ReducedPart::items: return StepKind::index;
    case ReducedPart::keys: return StepKind::key_itself;
    default: return StepKind::key;
    }
}

const calque_handler& known_classes() noexcept { return known_class_handler; }

Ref explain_walk(Context& context, Borrowed x, Borrowed nil, explain::Trace& trace) noexcept {
    explain::Level* const level = explain::Level::begin(trace);
    if (level == nullptr) {
        PyErr_NoMemory();
        return {};
    }
    const registry::InUse in_use;
    context.enter();
    Ref copy = OfNativeKinds<ExplainWalk>(context, context.stack.mark(), *level).run(x, nil);
    context.leave();
    level->end();
    return copy;
}

}  // namespace calque::walker
