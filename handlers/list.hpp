// handlers/list.hpp: list. Semantics: Lib/copy.py, _deepcopy_list.
//
// The copy is in the memo, and empty, before the first element is copied; elements are appended one
// by one, so Python code run by an element sees the copy grow, and may itself append to it. The
// original is read live: growing it meanwhile is followed, shrinking it ends the copy early.
// Elements that are their own copies go straight across.
#pragma once

#include "primitives.hpp"

namespace calque {

class CopyList {
public:
    static constexpr primitives::Native kKind = primitives::Native::list;

    Step begin(CopyContext& context, Frame& frame) noexcept {
        Ref copy = list_slots::with_room(PyList_GET_SIZE(frame.original().get()));
        if (!copy) {
            return Step::error();
        }
        frame.set_copy(std::move(copy));
        if (!primitives::head(context).native_memo && !frame.publish(context)) {
            // The caller's memo may have run Python code there, which may change the list.
            return Step::error();
        }
        return next(context, frame, primitives::AskForEach());
    }

    [[gnu::always_inline]] Step begin_natively(CopyContext& context, Frame& frame) noexcept {
        Ref copy = list_slots::with_room(PyList_GET_SIZE(frame.original().get()));
        if (!copy) {
            return Step::error();
        }
        frame.set_copy(std::move(copy));
        return next(context, frame, primitives::AskForEach());
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        return resume(context, frame, std::move(child), primitives::AskForEach());
    }

    template <class Visit>
    [[gnu::always_inline]] Step resume(CopyContext& context, Frame& frame, Ref child, Visit visit) noexcept {
        if (!list_slots::append(frame.copy(), std::move(child))) {
            return Step::error();
        }
        return next(context, frame, visit);
    }

private:
    template <class Visit>
    [[gnu::always_inline]] Step next(CopyContext& context, Frame& frame, Visit visit) noexcept {
        const Borrowed original = frame.original();
        for (;;) {
            index_ = list_slots::append_while(frame.copy(), original, index_, [&](Borrowed item) noexcept {
                return primitives::is_atomic(context, item);
            });
            if (index_ < 0) {
                return Step::error();
            }
            if (index_ >= PyList_GET_SIZE(original.get())) {
                return Step::done();
            }
            const calque_step visited = visit(PyList_GET_ITEM(original.get(), index_++));
            if (visited.outcome != primitives::kValue) {
                return Step::of(visited);
            }
            if (!list_slots::append(frame.copy(), Ref::steal(visited.object))) {
                return Step::error();
            }
        }
    }

    Py_ssize_t index_ = 0;  // of the next element
};

}  // namespace calque
