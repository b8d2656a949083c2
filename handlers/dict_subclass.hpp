// handlers/dict_subclass.hpp: subclasses of dict. Semantics: Lib/copy.py, _reconstruct, for
// (copyreg.__newobj__, (cls,), state, None, iter(x.items())): the iterator is made, the new dict is in the
// memo, then gets its state, then its pairs one by one (pairs.hpp).
#pragma once

#include "pairs.hpp"
#include "subclass_state.hpp"

namespace calque {

class CopyDictSubclass {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        pairs_.start(frame.original());
        Step step = state_.begin(
            context, frame,
            {interned::__deepcopy__, interned::__reduce_ex__, interned::__getstate__, interned::items});
        return step.raw().outcome == CALQUE_DONE ? start(context, frame) : step;
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (state_.waiting(frame)) {
            return state_.resume(context, frame, std::move(child)) ? start(context, frame) : Step::error();
        }
        return pairs_.resume(context, frame, std::move(child));
    }

private:
    Step start(CopyContext& context, Frame& frame) noexcept {
        if (primitives::python_ran_since_visit(context, frame)
            || !pairs_are_flat(context, frame.original())) {
            return pairs_.next(context, frame);
        }
        return dict_slots::fill_compactly(frame.copy(), frame.original()) ? Step::done() : Step::error();
    }

    SubclassState state_;
    CopyPairs pairs_;
};

}  // namespace calque
