// handlers/tuple_subclass.hpp: subclasses of tuple, named tuples among them. Semantics: Lib/copy.py,
// _reconstruct, for (copyreg.__newobj__, (cls, tuple(x)), state), or (cls, *x) for named tuples: the items are
// arguments, and so copied first; always a new object. A cycle through it is copied twice.
//
// The object is filled as the copies come, hidden from the collector until it is complete. If Python code
// ran, it is given up and the class called for another one: cls.__new__ may have changed.
#pragma once

#include "subclass_state.hpp"

#include <calque/compat.hpp>

namespace calque {

class CopyTupleSubclass {
public:
    /// `arity`: how many arguments the __new__ of a named tuple takes; negative: it takes a tuple.
    Step begin(CopyContext& context, Frame& frame, Py_ssize_t arity) noexcept {
        const Borrowed x = frame.original();
        const Py_ssize_t size = PyTuple_GET_SIZE(x.get());
        if ((arity >= 0 && arity != size)
            || !state_.look(context, x,
                            {interned::__deepcopy__, interned::__reduce_ex__, interned::__getstate__})) {
            return Step::decline();
        }
        is_named_ = arity >= 0;
        y_ = Ref::steal(x.type()->tp_alloc(x.type(), size));
        if (!y_) {
            return Step::error();
        }
#if CALQUE_TUPLES_KEEP_HASH
        reinterpret_cast<PyTupleObject*>(y_.get())->ob_hash = -1;
#endif
        PyObject_GC_UnTrack(y_.get());
        return next(context, frame);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (state_.waiting(frame)) {
            return state_.resume(context, frame, std::move(child)) ? Step::done() : Step::error();
        }
        PyTuple_SET_ITEM(y_.get(), index_ - 1, child.release());
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
            PyTuple_SET_ITEM(y_.get(), index_ - 1, Ref::share(item).release());
        }
        if (!primitives::python_ran_since_visit(context, frame)) {
            PyObject_GC_Track(y_.get());
            frame.set_copy(std::move(y_));
        } else if (!make_another(context, frame)) {
            return Step::error();
        }
        return frame.publish(context) ? state_.give(context, frame) : Step::error();
    }

    // `cls.__new__(cls, *args)`
    bool make_another(CopyContext& context, Frame& frame) noexcept {
        PythonScope scope(context);
        if (!scope) {
            return false;
        }
        PyObject* cls = reinterpret_cast<PyObject*>(frame.original().type());
        const Ref items = Ref::steal(PyTuple_GetSlice(y_.get(), 0, PyTuple_GET_SIZE(y_.get())));
        y_ = {};
        const Ref first = items ? Ref::steal(PyTuple_Pack(1, cls)) : Ref();
        const Ref rest = !first    ? Ref()
                       : is_named_ ? Ref::share(items)
                                   : Ref::steal(PyTuple_Pack(1, items.get()));
        const Ref args = rest ? Ref::steal(PySequence_Concat(first.get(), rest.get())) : Ref();
        const Ref constructor = args ? Ref::steal(PyObject_GetAttr(cls, interned::__new__)) : Ref();
        Ref y = constructor ? Ref::steal(PyObject_Call(constructor.get(), args.get(), nullptr)) : Ref();
        if (!y) {
            return false;
        }
        frame.set_copy(std::move(y));
        return true;
    }

    SubclassState state_;
    Ref y_;
    Py_ssize_t index_ = 0;  // of the next item
    bool is_named_ = false;
};

}  // namespace calque
