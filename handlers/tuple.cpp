// handlers/tuple.cpp: tuple. Semantics: Lib/copy.py, _deepcopy_tuple.
//
// The copy can only be made after its items. If every item came out as itself, the tuple is its own
// copy and leaves no entry in the memo. A tuple on a cycle is met again before it has a copy and gets
// one then: the memo is asked once more at the end (CALQUE_ASK_AGAIN), and that copy wins.
// The result tuple is allocated at the first item that differs, and hidden from the collector until
// it is complete, so that no Python code meets a tuple with holes.
#include "handlers.hpp"
#include "primitives.hpp"

namespace calque {

namespace {

class CopyTuple {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept { return next(context, frame); }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        const Py_ssize_t i = index_ - 1;
        if (!copy_ && child.get() == PyTuple_GET_ITEM(frame.original().get(), i)) {
            return next(context, frame);
        }
        if (!copy_ && !start_copy(frame.original(), i)) {
            return Step::error();
        }
        PyTuple_SET_ITEM(copy_.get(), i, child.release());
        return next(context, frame);
    }

private:
    Step next(CopyContext& context, Frame& frame) noexcept {
        PyObject* original = frame.original().get();
        while (index_ < PyTuple_GET_SIZE(original)) {
            const Borrowed item = PyTuple_GET_ITEM(original, index_++);
            if (!primitives::is_atomic(context, item)) {
                return Step::child(item);
            }
            if (copy_) {
                PyTuple_SET_ITEM(copy_.get(), index_ - 1, Ref::share(item).release());
            }
        }
        if (!copy_) {
            return Step::done(Ref::share(original));
        }
        PyObject_GC_Track(copy_.get());
        return Step::done(std::move(copy_));
    }

    bool start_copy(Borrowed original, Py_ssize_t done) noexcept {
        copy_ = Ref::steal(PyTuple_New(PyTuple_GET_SIZE(original.get())));
        if (!copy_) {
            return false;
        }
        PyObject_GC_UnTrack(copy_.get());
        for (Py_ssize_t i = 0; i < done; ++i) {
            PyTuple_SET_ITEM(copy_.get(), i, Ref::share(PyTuple_GET_ITEM(original.get(), i)).release());
        }
        return true;
    }

    Ref copy_;
    Py_ssize_t index_ = 0;  // of the next item
};

}  // namespace

const HandlerSpec tuple_handler = mirroring(
    "_deepcopy_tuple", frame_handler<CopyTuple>("tuple", &PyTuple_Type, CALQUE_PURE | CALQUE_ASK_AGAIN));

}  // namespace calque
