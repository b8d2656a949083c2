// handlers/set.hpp: set and frozenset. Semantics: set.__reduce__ (Objects/setobject.c), then
// Lib/copy.py, _reconstruct: the members are listed, copied in order, and a new set is made of them.
//
// So the copy exists only after its members: a set that contains itself through something hashable is
// copied twice, as under stdlib. An empty frozenset, too, is copied to a new object.
// When all members are their own copies they go from table to table, in the order of the original. stdlib adds them one
// by one, to a table that is never smaller; the iteration order may differ, and Python promises none.
#pragma once

#include "primitives.hpp"
#include "reconstruct.hpp"
#include "set_slots.hpp"

namespace calque {

template <set_slots::NewSet new_set, primitives::Native kind>
class CopySet {
public:
    static constexpr primitives::Native kKind = kind;

    /// Sets whose members are all their own copies, which is nearly all of them.
    template <class Visit>
    [[gnu::always_inline]] Step begin_natively(CopyContext& context, Frame& frame, Visit) noexcept {
        if (!primitives::head(context).passes_atomics) {
            return Step::decline();
        }
        Ref copy = set_slots::copy_if<new_set>(frame.original(), primitives::AtomicInARow());
        if (!copy) {
            return PyErr_Occurred() != nullptr ? Step::error() : Step::decline();
        }
        return Step::done(std::move(copy));
    }

    Step begin(CopyContext& context, Frame& frame) noexcept {
        members_ = Ref::steal(PySequence_List(frame.original().get()));
        if (!members_) {
            return Step::error();
        }
        for (; index_ < PyList_GET_SIZE(members_.get()); ++index_) {
            if (!primitives::is_atomic(context, PyList_GET_ITEM(members_.get(), index_))) {
                copies_ = Ref::steal(PyList_New(0));
                return copies_ && take(0, index_) ? next(context, frame) : Step::error();
            }
        }
        Ref copy = Ref::steal(new_set(nullptr));
        return copy && set_slots::put(copy, frame.original()) ? Step::done(std::move(copy)) : Step::error();
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (PyList_Append(copies_.get(), child.get()) != 0) {
            return Step::error();
        }
        return next(context, frame);
    }

    // The list of members is an argument to the set.
    void unwind(Frame&) noexcept { reconstruct::leave_generator(); }

private:
    bool take(Py_ssize_t from, Py_ssize_t to) noexcept {
        for (Py_ssize_t i = from; i < to; ++i) {
            if (PyList_Append(copies_.get(), PyList_GET_ITEM(members_.get(), i)) != 0) {
                return false;
            }
        }
        return true;
    }

    Step next(CopyContext& context, Frame&) noexcept {
        while (index_ < PyList_GET_SIZE(members_.get())) {
            const Borrowed member = PyList_GET_ITEM(members_.get(), index_++);
            if (!primitives::is_atomic(context, member)) {
                return Step::child(member);
            }
            if (PyList_Append(copies_.get(), member.get()) != 0) {
                return Step::error();
            }
        }
        // Hashing runs Python code; so may the end of a member that only the list kept alive.
        PythonScope scope(context);
        if (!scope) {
            return Step::error();
        }
        Ref copy = Ref::steal(new_set(copies_.get()));
        copies_ = {};
        members_ = {};
        return copy ? Step::done(std::move(copy)) : Step::error();
    }

    Ref members_;
    Ref copies_;
    Py_ssize_t index_ = 0;
};

using CopyMutableSet = CopySet<PySet_New, primitives::Native::set>;
using CopyFrozenSet = CopySet<PyFrozenSet_New, primitives::Native::frozenset>;

}  // namespace calque
