// handlers/pairs.hpp: `for key, value in x.items(): y[deepcopy(key)] = deepcopy(value)`, for kinds of dict.
// Semantics: Lib/copy.py, _reconstruct, dictiter.
//
// Unlike in a plain dict the KEY is copied before the value. y is in the memo, so a hook sees the pairs so
// far, and may change y or x: x is iterated live, as dict.items() does it (dict_walk.hpp).
// Inserting a pair runs Python code if the key, or one that is there already, is not of a kind that
// hashes natively.
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

class CopyPairs {
public:
    /// When stdlib would make the iterator.
    void start(Borrowed x) noexcept { walk_.start(x); }

    /// The next child, or Step::done() when all pairs are in frame.copy().
    Step next(CopyContext& context, Frame& frame) noexcept {
        for (;;) {
            PyObject *key = nullptr, *value = nullptr;
            const DictWalk::Result result = walk_.next(frame.original(), key, value);
            if (result != DictWalk::pair) {
                return result == DictWalk::end ? Step::done() : DictWalk::raise(context, result);
            }
            if (!primitives::is_atomic(context, key)) {
                value_ = Ref::share(value);  // if the key's hook deletes the pair
                return Step::child(key);
            }
            key_ = Ref::share(key);
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
            inserted = PyDict_SetItem(frame.copy().get(), key_.get(), value.get()) == 0;
            value_ = {};
            key_ = {};
        }
        return inserted;
    }

    Ref key_;    // the copy of the key, while its value is copied
    Ref value_;  // the value, from when its key is copied
    DictWalk walk_;
    bool odd_keys_ = false;
};

}  // namespace calque
