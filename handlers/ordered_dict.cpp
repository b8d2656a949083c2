// handlers/ordered_dict.cpp: collections.OrderedDict. Semantics: OrderedDict.__reduce__
// (Objects/odictobject.c), then Lib/copy.py, _reconstruct: `OrderedDict()`, then for each item of an iterator
// that was made before the KEY is copied, then the value, then `y[key] = value`.
//
// The iterator refuses to go on in a dict that was changed, so it is the real one; its order is the order of
// the keys, which move_to_end() changes and PyDict_Next() does not know. We take the keys and look
// the values up, which is what the iterator over items() does inside, without its tuples. The rest is as for any
// dict (pairs.hpp).
// Left to the protocol: an OrderedDict with attributes, among them hooks.
#include "handlers.hpp"
#include "primitives.hpp"

#include "attributes.hpp"
#include "c_method.hpp"
#include "pairs.hpp"

#include <calque/registry.hpp>

namespace calque {

namespace {

CMethod copy_of;
PyObject* no_arguments = nullptr;

bool has_attributes(Borrowed x) noexcept {
    const Borrowed attributes = attributes_of(x);
    return attributes && (!PyDict_CheckExact(attributes.get()) || PyDict_GET_SIZE(attributes.get()) > 0);
}

class OrderedPairs {
public:
    /// False with an exception set.
    bool start(Borrowed x) noexcept {
        odd_keys_ = !keys_hash_natively(x);
        iterator_ = Ref::steal(PyObject_GetIter(x.get()));
        return bool(iterator_);
    }

    // The iterator looks up its key, which runs Python code if keys do not hash natively.
    bool take(CopyContext& context, Frame& frame, Ref& key, Borrowed& value) noexcept {
        if (!odd_keys_ && !primitives::python_ran_since_visit(context, frame)) {
            return take(frame.original(), key, value);
        }
        PythonScope scope(context);
        return scope && take(frame.original(), key, value);
    }

    static int put(Borrowed y, Borrowed key, Borrowed value) noexcept {
        return PyODict_SetItem(y.get(), key.get(), value.get());
    }

private:
    bool take(Borrowed x, Ref& key, Borrowed& value) noexcept {
        // A StopIteration out of the hash of a key is an end like any other.
        key = Ref::steal(PyIter_Next(iterator_.get()));
        if (!key) {
            return false;
        }
        value = PyDict_GetItem(x.get(), key.get());
        if (!value) {
            PyErr_SetObject(PyExc_KeyError, key.get());
        }
        return bool(value);
    }

    Ref iterator_;
    bool odd_keys_ = false;
};

class CopyOrderedDict {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        if (has_attributes(x)) {
            return Step::decline();
        }
        if (pairs_are_flat(context, x)) {
            Ref y = copy_of(x);
            return y ? Step::done(std::move(y)) : Step::error();
        }
        Ref y =
            pairs_.start(x) ? Ref::steal(PyODict_Type.tp_new(&PyODict_Type, no_arguments, nullptr)) : Ref();
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        // In the memo before there is a child: the look-up of the first key may run Python code.
        return frame.publish(context) ? pairs_.next(context, frame) : Step::error();
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        return pairs_.resume(context, frame, std::move(child));
    }

private:
    CopyPairsOf<OrderedPairs> pairs_;
};

}  // namespace

bool register_ordered_dict() noexcept {
    no_arguments = PyTuple_New(0);
    return no_arguments != nullptr && copy_of.find(&PyODict_Type, "copy")
        && add_handler(frame_handler<CopyOrderedDict>("OrderedDict", &PyODict_Type,
                                                      CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE));
}

}  // namespace calque
