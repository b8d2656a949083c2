// handlers/reduce.cpp: everything else. Semantics: Lib/copy.py, deepcopy and _reconstruct (3.10-3.14):
//
//   1. value = reducer(x); a str means x is its own copy; otherwise (func, args, state, items, pairs)
//   2. args, if true, are copied one by one, then y = func(*args); y is memoized
//   3. state, if not None, is copied whole, then given to y
//   4. each of items is copied, then y.append(item)
//   5. of each of pairs the KEY is copied before the value, then y[key] = value
//
// y is bare while its state is being copied: whoever looks at it through the memo sees it so. The
// value that the reducer returned is only read. Every step may run Python code.
#include "handlers.hpp"
#include "primitives.hpp"

#include "interpreter_forms.hpp"
#include "reconstruct.hpp"

#include <new>

namespace calque {

namespace {

class Reconstruct {
public:
    ReducedPart asked_for() const noexcept { return phase_; }

    Step begin(CopyContext& context, Frame& frame) noexcept {
        Ref value = reconstruct::reduce(frame.original(), true);
        if (!value) {
            return Step::error();
        }
        const int itself = reconstruct::means_itself(value);
        if (itself != 0) {
            return itself < 0 ? Step::error() : Step::done(Ref::share(frame.original()));
        }
        parts_ = forms::reconstruct_arguments(value);
        if (!parts_) {
            return Step::error();
        }
        const int any = PyObject_IsTrue(part(kArgs).get());
        if (any < 0) {
            return Step::error();
        }
        if (any == 0) {
            return make(context, frame, forms::call_star(part(kFunc), part(kArgs)));
        }
        iterator_ = Ref::steal(PyObject_GetIter(part(kArgs).get()));
        copies_ = Ref::steal(PyList_New(0));
        if (!iterator_ || !copies_) {
            return Step::error();
        }
        phase_ = Phase::args;
        return next_arg(context, frame);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        switch (phase_) {
        case Phase::args:
            current_ = {};
            return PyList_Append(copies_.get(), child.get()) == 0 ? next_arg(context, frame) : Step::error();
        case Phase::state:
            return reconstruct::set_state(frame.copy(), child) ? start_items(frame) : Step::error();
        case Phase::items:
            current_ = {};
            return reconstruct::append(frame.copy(), child) ? next_item(frame) : Step::error();
        case Phase::keys:
            copies_ = std::move(child);
            phase_ = Phase::values;
            return Step::child(PyTuple_GET_ITEM(current_.get(), 1));
        case Phase::values: {
            Ref key = std::move(copies_);
            current_ = {};
            return PyObject_SetItem(frame.copy().get(), key.get(), child.get()) == 0 ? next_pair()
                                                                                     : Step::error();
        }
        }
        Py_UNREACHABLE();
    }

    void unwind(Frame&) noexcept {
        if (phase_ == Phase::args) {
            reconstruct::leave_generator();
        }
    }

private:
    enum Part : Py_ssize_t { kFunc, kArgs, kState, kItems, kPairs };
    using Phase = ReducedPart;

    Borrowed part(Part index) const noexcept { return PyTuple_GET_ITEM(parts_.get(), index); }
    bool has(Part index) const noexcept { return part(index).get() != Py_None; }

    Step next_arg(CopyContext& context, Frame& frame) noexcept {
        current_ = Ref::steal(PyIter_Next(iterator_.get()));
        if (current_) {
            return Step::child(current_);
        }
        if (PyErr_Occurred() != nullptr) {
            return Step::error();
        }
        iterator_ = {};
        Ref args = Ref::steal(PyList_AsTuple(copies_.get()));
        copies_ = {};
        return args ? make(context, frame, forms::call_star(part(kFunc), args)) : Step::error();
    }

    Step make(CopyContext& context, Frame& frame, Ref y) noexcept {
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        if (!frame.publish(context)) {
            return Step::error();
        }
        if (has(kState)) {
            phase_ = Phase::state;
            return Step::child(part(kState));
        }
        return start_items(frame);
    }

    Step start_items(Frame& frame) noexcept {
        if (!has(kItems)) {
            return start_pairs();
        }
        phase_ = Phase::items;
        iterator_ = Ref::steal(PyObject_GetIter(part(kItems).get()));
        return iterator_ ? next_item(frame) : Step::error();
    }

    Step next_item(Frame&) noexcept {
        current_ = Ref::steal(PyIter_Next(iterator_.get()));
        if (current_) {
            return Step::child(current_);
        }
        return PyErr_Occurred() != nullptr ? Step::error() : start_pairs();
    }

    Step start_pairs() noexcept {
        if (!has(kPairs)) {
            return Step::done();
        }
        iterator_ = Ref::steal(PyObject_GetIter(part(kPairs).get()));
        return iterator_ ? next_pair() : Step::error();
    }

    Step next_pair() noexcept {
        Ref next = Ref::steal(PyIter_Next(iterator_.get()));
        if (!next) {
            return PyErr_Occurred() != nullptr ? Step::error() : Step::done();
        }
        current_ = forms::unpack_pair(next);
        if (!current_) {
            return Step::error();
        }
        phase_ = Phase::keys;
        return Step::child(PyTuple_GET_ITEM(current_.get(), 0));
    }

    Ref parts_;     // (func, args, state, items, pairs), absent ones None
    Ref iterator_;  // over args, items or pairs
    Ref copies_;    // args: a list of the copies so far; values: the copy of the key
    Ref current_;   // what the iterator gave last: the child being copied, or the tuple (key, value)
    Phase phase_ = Phase::state;
};

}  // namespace

ReducedPart part_asked_for(const calque_frame& frame) noexcept {
    return std::launder(reinterpret_cast<const Reconstruct*>(frame.data))->asked_for();
}

const HandlerSpec reduce_handler = frame_handler<Reconstruct>("__reduce_ex__", nullptr);

}  // namespace calque
