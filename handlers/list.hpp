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

    template <class Visit>
    [[gnu::always_inline]] Step begin_natively(CopyContext& context, Frame& frame, Visit visit) noexcept {
        Ref copy = list_slots::with_room(PyList_GET_SIZE(frame.original().get()));
        if (!copy) {
            return Step::error();
        }
        frame.set_copy(std::move(copy));
        list_slots::Filling filling;
        if (!list_slots::fill_new(frame.copy(), frame.original(), filling)) {
            return append(context, frame);
        }
        // Most lists have no children: a loop that needs nothing but registers.
        Py_ssize_t i = 0;
        while (i < filling.end && primitives::known_types.atomic(Py_TYPE(filling.from[i]))) {
            filling.to[i] = Ref::share(filling.from[i]).release();
            ++i;
        }
        return fill(frame, filling, i, visit);
    }

    template <class Visit>
    [[gnu::always_inline]] Step go_on_natively(CopyContext& context, Frame& frame, Visit visit) noexcept {
        --index_;
        return next(context, frame, visit);
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
        list_slots::Filling filling;
        return primitives::head(context).native_memo
                    && list_slots::fill(frame.copy(), frame.original(), index_, filling)
                 ? fill(frame, filling, index_, visit)
                 : append(context, frame);
    }

    // While nobody looks, and nobody has looked.
    template <class Visit>
    [[gnu::always_inline]] Step fill(Frame& frame, const list_slots::Filling& filling, Py_ssize_t begin,
                                     Visit visit) noexcept {
        Borrowed last, copy_of_last;  // an element that comes twice running has one copy
        for (Py_ssize_t i = begin; i < filling.end; ++i) {
            const Borrowed item = filling.from[i];
            const auto look = primitives::known_types.look(item.type());
            if (look.atomic()) {
                filling.to[i] = Ref::share(item).release();
            } else if (item == last) {
                filling.to[i] = Ref::share(copy_of_last).release();
            } else {
                const calque_step visited = visit(item, look);
                if (visited.outcome != primitives::kValue) {
                    list_slots::show(frame.copy(), i);
                    index_ = i + 1;
                    return Step::of(visited);
                }
                filling.to[i] = visited.object;
                last = item;
                copy_of_last = visited.object;
            }
        }
        list_slots::show(frame.copy(), filling.end);
        return Step::done();
    }

    Step append(CopyContext& context, Frame& frame) noexcept {
        PyObject* original = frame.original().get();
        while (index_ < PyList_GET_SIZE(original)) {
            const Borrowed item = PyList_GET_ITEM(original, index_++);
            if (!primitives::is_atomic(context, item)) {
                return Step::child(item);
            }
            if (!list_slots::append(frame.copy(), Ref::share(item))) {
                return Step::error();
            }
        }
        return Step::done();
    }

    Py_ssize_t index_ = 0;  // of the next element
};

}  // namespace calque
