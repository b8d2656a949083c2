// handlers/dict.hpp: dict. Semantics: Lib/copy.py, _deepcopy_dict, and the iteration in
// dict_walk.hpp.
//
// The copy is in the memo, and empty, before anything in it is copied. For each pair the VALUE is
// copied before the KEY: the order in `y[deepcopy(key, memo)] = deepcopy(value, memo)`. The original
// is iterated live.
// While nobody can look (native.hpp) it is quicker to build a table like the original's with the copies in it
// (dict_clone.hpp). It is of the future; deoptimize() makes it the copy that stdlib would have by then. So made
// are dicts whose keys are their own copies and are hashed and compared without Python code.
// A copied key is hashed and compared again. For keys other than plain str, int, float, bytes, bool
// and None that may run Python code, and so may, once such a key is in the copy, inserting any key.
#pragma once

#include "dict_slots.hpp"
#include "primitives.hpp"

#include "dict_clone.hpp"
#include "dict_walk.hpp"
#include "mutants.hpp"

namespace calque {

class CopyDict {
public:
    static constexpr primitives::Native kKind = primitives::Native::dict;

    template <class Visit>
    [[gnu::always_inline]] Step begin_natively(CopyContext& context, Frame& frame, Visit visit) noexcept {
        dict_slots::Entries entries;
        if (!dict_slots::find(frame.original(), entries) || !keys_are_plain(context, entries)) {
            return Step::decline();
        }
        dict_slots::Entries to;
        if (!dict_clone::can_be_built(frame.original(), entries)) [[unlikely]] {
            Ref copy = clone_of(frame.original(), to);
            return copy ? hold(frame, std::move(copy), to), next_in_clone(visit) : Step::error();
        }
        Ref copy = dict_slots::new_like(frame.original(), entries, to);
        if (!copy) {
            return Step::error();
        }
        hold(frame, std::move(copy), to);
        open_ = true;
        return build_on(frame, entries, visit);
    }

    template <class Visit>
    [[gnu::always_inline]] Step go_on_natively(CopyContext&, Frame& frame, Visit visit) noexcept {
        return go_on(frame, visit);
    }

    Step begin(CopyContext& context, Frame& frame) noexcept {
        PyObject* original = frame.original().get();
        bool hash_natively = true;
        const bool at_once =
            primitives::head(context).native_memo && all_atomic(context, original, hash_natively);
        Ref copy = !at_once       ? Ref::steal(PyDict_New())
                 : !hash_natively ? Ref::steal(PyDict_Copy(original))
                                  : dict_slots::compact_copy(original);
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

    template <class Visit>
    [[gnu::always_inline]] Step resume(CopyContext& context, Frame& frame, Ref child, Visit visit) noexcept {
        if (cloned_ == nullptr) {
            return resume(context, frame, std::move(child));
        }
        clone().value(place_++) = child.release();
        if (!open_) {
            primitives::track_if_needed(frame.copy());
        }
        return go_on(frame, visit);
    }

    /// What has not been copied yet goes out of the clone; from here on pairs are inserted one by one.
    bool deoptimize(calque_frame& frame) noexcept {
        if (cloned_ == nullptr) {
            return true;
        }
        const dict_slots::Entries entries = clone();
        cloned_ = nullptr;
        key_ = Ref::share(entries.key(place_));
        const std::uint32_t pairs = open_ ? place_ + 1 : dict_clone::pairs_up_to(entries, place_);
        bool good = true;
        if (open_) {
            const Ref key = Ref::steal(entries.key(place_));
            dict_slots::end_at(frame.copy, place_, entries.count);
            dict_slots::track_like(frame.copy, frame.original);
        } else {
            good = dict_clone::truncate(frame.copy, entries, place_);
        }
        walk_.start(frame.original);
        walk_.skip(frame.original, pairs);
        return good;
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
    dict_slots::Entries clone() const noexcept { return {cloned_, count_, stride_, false}; }

    // A dict with holes or with room to spare: the clone is compact.
    [[gnu::noinline, gnu::cold]] static Ref clone_of(Borrowed dict, dict_slots::Entries& to) noexcept {
        Ref clone = dict_slots::compact_copy(dict);
        if (clone && PyDict_GET_SIZE(clone.get()) != 0 && !dict_slots::find(clone, to)) {
            clone = {};  // cannot be: only instances have dicts of other kinds
            PyErr_SetString(PyExc_SystemError, "the clone of a dict is laid out otherwise than the dict");
        }
        return clone;
    }

    [[gnu::always_inline]] void hold(Frame& frame, Ref copy, const dict_slots::Entries& to) noexcept {
        frame.set_copy(std::move(copy));
        cloned_ = to.first;
        count_ = to.count;
        stride_ = to.stride;
    }

    static bool keys_are_plain(CopyContext& context, const dict_slots::Entries& entries) noexcept {
        if (entries.only_strings) {
            return primitives::known_types.atomic(&PyUnicode_Type);
        }
        const PyTypeObject* plain = nullptr;  // the answer depends on the type alone
        for (std::uint32_t i = 0; i < entries.count; ++i) {
            PyObject* const key = entries.key(i);
            if (entries.value(i) == nullptr || Py_TYPE(key) == plain) {
                continue;
            }
            if (!primitives::is_atomic(context, key) || !primitives::hashes_natively(key)) {
                return false;
            }
            plain = Py_TYPE(key);
        }
        return true;
    }

    template <class Visit>
    [[gnu::always_inline]] Step build_on(Frame& frame, const dict_slots::Entries& from,
                                         Visit visit) noexcept {
        return dict_clone::build<dict_clone::Rest::open>(frame.copy(), frame.original(), from, clone(),
                                                         place_, visit);
    }

    // Nobody has written to the original since.
    template <class Visit>
    [[gnu::always_inline]] Step go_on(Frame& frame, Visit visit) noexcept {
        dict_slots::Entries from;
        return open_ && dict_slots::find(frame.original(), from) ? build_on(frame, from, visit)
                                                                 : next_in_clone(visit);
    }

    template <class Visit>
    [[gnu::always_inline]] Step next_in_clone(Visit visit) noexcept {
        return dict_clone::copy_values(clone(), place_, visit);
    }

    static bool all_atomic(CopyContext& context, PyObject* original, bool& hash_natively) noexcept {
        PyObject *key = nullptr, *value = nullptr;
        Py_ssize_t position = 0;
        while (PyDict_Next(original, &position, &key, &value)) {
            if (!primitives::is_atomic(context, value) || !primitives::is_atomic(context, key)) {
                return false;
            }
            hash_natively = hash_natively && primitives::hashes_natively(key);
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
    // Of a clone (dict_slots::Entries): the first entry, null if there is no clone; and the place of the
    // value being copied.
    char* cloned_ = nullptr;
    DictWalk walk_;
    std::uint32_t count_ = 0;
    std::uint32_t place_ = 0;
    std::uint8_t stride_ = 0;
    bool open_ = false;  // the clone is being built (dict_clone.hpp)
    bool odd_keys_ = false;
};

}  // namespace calque
