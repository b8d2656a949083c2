// handlers/dict.cpp: dict. Semantics: Lib/copy.py, _deepcopy_dict, and the iteration in
// dict_walk.hpp.
//
// The copy is in the memo, and empty, before anything in it is copied. For each pair the VALUE is
// copied before the KEY: the order in `y[deepcopy(key, memo)] = deepcopy(value, memo)`. The original
// is iterated live.
// A copied key is hashed and compared again. For keys other than plain str, int, float, bytes, bool
// and None that may run Python code, and so may, once such a key is in the copy, inserting any key.
#include "handlers.hpp"
#include "primitives.hpp"

#include "dict_walk.hpp"
#include "mutants.hpp"

namespace calque {

namespace {

class CopyDict {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        PyObject* original = frame.original().get();
        const bool at_once = primitives::head(context).native_memo && all_atomic(context, original);
        Ref copy = Ref::steal(at_once ? PyDict_Copy(original) : PyDict_New());
        if (!copy) {
            return Step::error();
        }
        frame.set_copy(std::move(copy));
        if (at_once) {
            return Step::done();
        }
        if (!frame.publish(context)) {
            return Step::error();
        }
        walk_.start(original);
        return next(context, frame);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (!value_) {
            value_ = std::move(child);
            if (!primitives::is_atomic(context, key_)) {
                return Step::child(key_);
            }
            child = Ref::share(key_);
        }
        return insert(context, frame, child) ? next(context, frame) : Step::error();
    }

private:
    static bool all_atomic(CopyContext& context, PyObject* original) noexcept {
        PyObject *key = nullptr, *value = nullptr;
        Py_ssize_t position = 0;
        while (PyDict_Next(original, &position, &key, &value)) {
            if (!primitives::is_atomic(context, value) || !primitives::is_atomic(context, key)) {
                return false;
            }
        }
        return true;
    }

    Step next(CopyContext& context, Frame& frame) noexcept {
        for (;;) {
            PyObject *key = nullptr, *value = nullptr;
            const DictWalk::Result result = walk_.next(frame.original(), key, value);
            if (result == DictWalk::end) {
                return Step::done();
            }
            if (result != DictWalk::pair) {
                return DictWalk::raise(context, result);
            }
            key_ = Ref::share(key);
            if (mutants::is(mutants::Mutant::key_before_value) && !primitives::is_atomic(context, key)) {
                const Borrowed original_value(value);
                key_ = context.copy(key_);
                if (!key_) {
                    return Step::error();
                }
                return Step::child(original_value);
            }
            if (!primitives::is_atomic(context, value)) {
                return Step::child(value);
            }
            value_ = Ref::share(value);
            if (!primitives::is_atomic(context, key)) {
                return Step::child(key);
            }
            if (!insert(context, frame, key)) {
                return Step::error();
            }
        }
    }

    // copy[key] = value_; afterwards key_ and value_ are empty.
    bool insert(CopyContext& context, Frame& frame, Borrowed key) noexcept {
        odd_keys_ = odd_keys_ || !primitives::hashes_natively(key);
        bool inserted = false;
        if (odd_keys_ || primitives::python_ran_since_visit(context, frame)) {
            // An old value of this key, of Python code's making, may die here.
            PythonScope scope(context);
            inserted = scope && PyDict_SetItem(frame.copy().get(), key.get(), value_.get()) == 0;
            value_ = {};
            key_ = {};
        } else {
            inserted = PyDict_SetItem(frame.copy().get(), key.get(), value_.get()) == 0;
            value_ = {};
            key_ = {};
        }
        return inserted;
    }

    Ref key_;
    Ref value_;
    DictWalk walk_;
    bool odd_keys_ = false;
};

Ref shallow(Borrowed original) noexcept { return Ref::steal(PyDict_Copy(original.get())); }

}  // namespace

const HandlerSpec dict_handler = mirroring(
    "_deepcopy_dict", with_shallow<shallow>(frame_handler<CopyDict>("dict", &PyDict_Type, CALQUE_PURE)));

}  // namespace calque
