// handlers/pairs.hpp: `for key, value in x.items(): y[deepcopy(key)] = deepcopy(value)`, for kinds of dict.
// Semantics: Lib/copy.py, _reconstruct, dictiter.
//
// Unlike in a plain dict the KEY is copied before the value. y is in the memo, so a hook sees the pairs so
// far, and may change y or x: x is iterated live, as dict.items() does it (dict_walk.hpp).
// Inserting a pair runs Python code if the key, or one that is there already, is not of a kind that
// hashes natively. How pairs are found in x and put into y is said by the kind: an OrderedDict has an order of
// its own (ordered_dict.cpp).
#pragma once

#include "dict_slots.hpp"
#include "dict_walk.hpp"
#include "primitives.hpp"

#include <calque/handler.hpp>

namespace calque {

/// All keys and values are their own copies, and putting them into another dict runs no Python code.
inline bool pairs_are_flat(const CopyContext& context, Borrowed dict) noexcept {
    return dict_slots::each(dict, [&](PyObject* key, PyObject* value) noexcept {
        return primitives::is_atomic(context, value) && primitives::is_atomic(context, key)
            && primitives::hashes_natively(key);
    });
}

/// Neither walking through the dict nor inserting its keys into another runs Python code.
inline bool keys_hash_natively(Borrowed dict) noexcept {
    return dict_slots::each(
        dict, [](PyObject* key, PyObject*) noexcept { return primitives::hashes_natively(key); });
}

/// Of a dict, or of a subclass that iterates and inserts like it.
class DictPairs {
public:
    void start(Borrowed x) noexcept { walk_.start(x); }

    /// The next pair. False at the end, or with an exception set.
    bool take(CopyContext& context, Frame& frame, Ref& key, Borrowed& value) noexcept {
        PyObject *found_key = nullptr, *found_value = nullptr;
        const DictWalk::Result result = walk_.next(frame.original(), found_key, found_value);
        if (result == DictWalk::pair) {
            key = Ref::share(found_key);
            value = found_value;
            return true;
        }
        if (result != DictWalk::end) {
            static_cast<void>(DictWalk::raise(context, result));
        }
        return false;
    }

    /// `y[key] = value`, while no Python code has run: `__setitem__` is known to be dict's.
    static int put(Borrowed y, Borrowed key, Borrowed value) noexcept {
        return PyDict_SetItem(y.get(), key.get(), value.get());
    }

private:
    DictWalk walk_;
};

template <class Kind>
class CopyPairsOf {
public:
    /// When stdlib would make the iterator.
    auto start(Borrowed x) noexcept { return kind_.start(x); }

    /// The next child, or Step::done() when all pairs are in frame.copy().
    Step next(CopyContext& context, Frame& frame) noexcept {
        for (;;) {
            Ref key;
            Borrowed value;
            if (!kind_.take(context, frame, key, value)) {
                return PyErr_Occurred() != nullptr ? Step::error() : Step::done();
            }
            if (!primitives::is_atomic(context, key)) {
                value_ = Ref::share(value);  // if the key's hook deletes the pair
                return Step::child(key);
            }
            key_ = std::move(key);
            if (!primitives::is_atomic(context, value)) {
                return Step::child(value);
            }
            if (!insert(context, frame, value)) {
                return Step::error();
            }
        }
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (!key_) {
            key_ = std::move(child);
            if (!primitives::is_atomic(context, value_)) {
                return Step::child(value_);
            }
            child = Ref::share(value_);
        }
        return insert(context, frame, child) ? next(context, frame) : Step::error();
    }

private:
    // y[key_] = value; afterwards key_ and value_ are empty.
    bool insert(CopyContext& context, Frame& frame, Borrowed value) noexcept {
        odd_keys_ = odd_keys_ || !primitives::hashes_natively(key_);
        bool inserted = false;
        if (odd_keys_ || primitives::python_ran_since_visit(context, frame)) {
            // What the pair replaces, and what only we hold by now, may die here.
            PythonScope scope(context);
            inserted = scope && PyObject_SetItem(frame.copy().get(), key_.get(), value.get()) == 0;
            value_ = {};
            key_ = {};
        } else {
            inserted = Kind::put(frame.copy(), key_, value) == 0;
            value_ = {};
            key_ = {};
        }
        return inserted;
    }

    Ref key_;    // the copy of the key, while its value is copied
    Ref value_;  // the value, from when its key is copied
    Kind kind_;
    bool odd_keys_ = false;
};

using CopyPairs = CopyPairsOf<DictPairs>;

}  // namespace calque
