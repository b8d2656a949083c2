// handlers/list.cpp: list. Semantics: Lib/copy.py, _deepcopy_list.
//
// The copy is in the memo, and empty, before the first element is copied; elements are appended one
// by one, so Python code run by an element sees the copy grow, and may itself append to it. The
// original is read live: growing it meanwhile is followed, shrinking it ends the copy early.
// Elements that are their own copies go straight across.
#include "handlers.hpp"
#include "primitives.hpp"

namespace calque {

namespace {

class CopyList {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        Ref copy = list_slots::with_room(PyList_GET_SIZE(frame.original().get()));
        if (!copy) {
            return Step::error();
        }
        frame.set_copy(std::move(copy));
        if (!primitives::head(context).native_memo) {
            // The caller's memo may run Python code here, which may change the list.
            published_ = true;
            if (!frame.publish(context)) {
                return Step::error();
            }
        }
        return next(context, frame);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (!list_slots::append(frame.copy(), std::move(child))) {
            return Step::error();
        }
        return next(context, frame);
    }

private:
    Step next(CopyContext& context, Frame& frame) noexcept {
        PyObject* original = frame.original().get();
        for (; index_ < PyList_GET_SIZE(original); ++index_) {
            const Borrowed item = PyList_GET_ITEM(original, index_);
            if (!primitives::is_atomic(context, item)) {
                return ask_for(context, frame, item);
            }
            if (!list_slots::append(frame.copy(), Ref::share(item))) {
                return Step::error();
            }
        }
        return Step::done();
    }

    Step ask_for(CopyContext& context, Frame& frame, Borrowed item) noexcept {
        if (!published_) {
            published_ = true;
            if (!frame.publish(context)) {
                return Step::error();
            }
        }
        ++index_;
        return Step::child(item);
    }

    Py_ssize_t index_ = 0;
    bool published_ = false;
};

Ref shallow(Borrowed original) noexcept {
    return Ref::steal(PyList_GetSlice(original.get(), 0, PyList_GET_SIZE(original.get())));
}

}  // namespace

const HandlerSpec list_handler = mirroring(
    "_deepcopy_list", with_shallow<shallow>(frame_handler<CopyList>("list", &PyList_Type, CALQUE_PURE)));

}  // namespace calque
