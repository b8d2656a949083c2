// handlers/deque.cpp: collections.deque. Semantics: deque.__reduce__ (Modules/_collectionsmodule.c), then
// Lib/copy.py, _reconstruct: `deque()` or `deque((), maxlen)`, then `y.append` for each item of an iterator
// that was made before.
//
// The copy is in the memo, and empty, before the first item is copied: a hook may look at it, and append to
// it, which in a full deque throws out what is there. The iterator refuses to go on in a deque that
// was changed, so it is the real one, made before the first item whose copy could change it.
#include "handlers.hpp"
#include "primitives.hpp"

#include "c_method.hpp"

#include <calque/registry.hpp>

namespace calque {

namespace {

PyTypeObject* deque_type = nullptr;
PyObject* no_arguments = nullptr;
CMethod append_to;
CAttribute maxlen_of;

Ref empty_like(Borrowed x) noexcept {
    Ref maxlen = maxlen_of(x);
    if (!maxlen || maxlen.get() != Py_None) {
        return maxlen ? Ref::steal(PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(deque_type),
                                                                no_arguments, maxlen.get(), nullptr))
                      : Ref();
    }
    return Ref::steal(deque_type->tp_new(deque_type, no_arguments, nullptr));
}

class CopyDeque {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        Ref y = empty_like(x);
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        // Atoms at the beginning, which are all there is in most, need no iterator: nobody changes the deque yet.
        const Py_ssize_t size = deque_type->tp_as_sequence->sq_length(x.get());
        Py_ssize_t i = 0;
        for (; i < size && i < kNearItems; ++i) {
            const Ref item = Ref::steal(deque_type->tp_as_sequence->sq_item(x.get(), i));
            if (!item) {
                return Step::error();
            }
            if (!primitives::is_atomic(context, item)) {
                break;
            }
            if (!append(context, frame, item)) {
                return Step::error();
            }
        }
        return i == size ? Step::done() : go_on_from(i, context, frame);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        return append(context, frame, child) ? next(context, frame) : Step::error();
    }

private:
    // An item further from the ends is found block by block.
    static constexpr Py_ssize_t kNearItems = 64;

    Step go_on_from(Py_ssize_t copied, CopyContext& context, Frame& frame) noexcept {
        iterator_ = Ref::steal(PyObject_GetIter(frame.original().get()));
        if (!iterator_) {
            return Step::error();
        }
        for (; copied > 0; --copied) {
            const Ref passed = take(context, frame);
        }
        return next(context, frame);
    }

    Step next(CopyContext& context, Frame& frame) noexcept {
        while (Ref item = take(context, frame)) {
            if (!primitives::is_atomic(context, item)) {
                return Step::child(item);  // the deque holds it
            }
            if (!append(context, frame, item)) {
                return Step::error();
            }
        }
        return PyErr_Occurred() != nullptr ? Step::error() : Step::done();
    }

    // Empty at the end, and with an exception set if the deque was changed.
    Ref take(CopyContext& context, Frame& frame) noexcept {
        const iternextfunc next_of = Py_TYPE(iterator_.get())->tp_iternext;
        if (!primitives::python_ran_since_visit(context, frame)) {
            return Ref::steal(next_of(iterator_.get()));
        }
        // In a scope: what was copied so far is in the memo when the error arrives.
        PythonScope scope(context);
        return scope ? Ref::steal(next_of(iterator_.get())) : Ref();
    }

    static bool append(CopyContext& context, Frame& frame, Borrowed item) noexcept {
        if (!primitives::python_ran_since_visit(context, frame)) {
            return bool(append_to(frame.copy(), item));
        }
        // By now the copy may be full: then its first item goes, and may be the last of its kind.
        PythonScope scope(context);
        return scope && append_to(frame.copy(), item);
    }

    Ref iterator_;
};

}  // namespace

bool register_deque() noexcept {
    Ref module = Ref::steal(PyImport_ImportModule("_collections"));
    Ref type = module ? Ref::steal(PyObject_GetAttrString(module.get(), "deque")) : Ref();
    if (!type || (no_arguments = PyTuple_New(0)) == nullptr) {
        return false;
    }
    deque_type = reinterpret_cast<PyTypeObject*>(type.release());
    return append_to.find(deque_type, "append") && maxlen_of.find(deque_type, "maxlen")
        && add_handler(frame_handler<CopyDeque>("deque", deque_type, CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE));
}

}  // namespace calque
