// handlers/list_subclass.hpp: subclasses of list. Semantics: Lib/copy.py, _reconstruct, for
// (copyreg.__newobj__, (cls,), state, iter(x)): the new list is in the memo, then gets its state, then its
// items one by one, each by `y.append`, which is looked up anew once Python code has run.
#pragma once

#include "subclass_state.hpp"

namespace calque {

class CopyListSubclass {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        Step step = state_.begin(
            context, frame,
            {interned::__deepcopy__, interned::__reduce_ex__, interned::__getstate__, interned::append});
        return step.raw().outcome == CALQUE_DONE ? next(context, frame) : step;
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (state_.waiting(frame)) {
            return state_.resume(context, frame, std::move(child)) ? next(context, frame) : Step::error();
        }
        return append(context, frame, std::move(child)) ? next(context, frame) : Step::error();
    }

private:
    Step next(CopyContext& context, Frame& frame) noexcept {
        PyObject* original = frame.original().get();
        while (index_ < PyList_GET_SIZE(original)) {
            const Borrowed item = PyList_GET_ITEM(original, index_++);
            if (!primitives::is_atomic(context, item)) {
                return Step::child(item);
            }
            if (!append(context, frame, Ref::share(item))) {
                return Step::error();
            }
        }
        return Step::done();
    }

    static bool append(CopyContext& context, Frame& frame, Ref item) noexcept {
        if (!primitives::python_ran_since_visit(context, frame)) {
            return list_slots::append(frame.copy(), std::move(item));
        }
        PythonScope scope(context);
        const bool appended = scope && reconstruct::append(frame.copy(), item);
        item = {};
        return appended;
    }

    SubclassState state_;
    Py_ssize_t index_ = 0;
};

}  // namespace calque
