// handlers/set_subclass.hpp: subclasses of set and frozenset. Semantics: set.__reduce__
// (Objects/setobject.c), then Lib/copy.py, _reconstruct, for (cls, (list(x),), state): the members are copied
// first, then `cls(members)`, then the state. See set.cpp.
#pragma once

#include "set_slots.hpp"
#include "subclass_state.hpp"

#include <calque/compat.hpp>

namespace calque {

class CopySetSubclass {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        const auto hooks = {interned::__deepcopy__, interned::__reduce_ex__, interned::__reduce__,
                            interned::__getstate__};
        const bool plain = set_slots::each(
            x, [&](Borrowed member) noexcept { return primitives::is_atomic(context, member); });
        FlatAttributes attributes;
        if (plain && CALQUE_SETS_HAVE_GETSTATE && attributes.look(context, x, hooks)) {
            Ref y = clone(x);
            if (!y) {
                return Step::error();
            }
            frame.set_copy(std::move(y));
            return attributes.give(x, frame.copy()) ? Step::done() : Step::error();
        }
        if (!state_.look(context, x, hooks, !CALQUE_SETS_HAVE_GETSTATE)) {
            return Step::decline();
        }
        if (!plain) {
            members_ = Ref::steal(PySequence_List(x.get()));
            if (!members_) {
                return Step::error();
            }
            for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members_.get()); ++i) {
                if (!primitives::is_atomic(context, PyList_GET_ITEM(members_.get(), i))) {
                    copies_ = Ref::steal(PyList_New(0));
                    return copies_ ? next(context, frame) : Step::error();
                }
            }
            members_ = {};  // where set_slots.hpp tells nothing
        }
        Ref y = clone(x);
        return y ? finish(context, frame, std::move(y)) : Step::error();
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (state_.waiting(frame)) {
            return state_.resume(context, frame, std::move(child)) ? Step::done() : Step::error();
        }
        return PyList_Append(copies_.get(), child.get()) == 0 ? next(context, frame) : Step::error();
    }

private:
    // cls(x) where the class has the constructor of set or frozenset.
    static Ref clone(Borrowed x) noexcept {
        Ref y = bare(x.type());
        return y && set_slots::put(y, x) ? std::move(y) : Ref();
    }

    Step next(CopyContext& context, Frame& frame) noexcept {
        while (index_ < PyList_GET_SIZE(members_.get())) {
            const Borrowed member = PyList_GET_ITEM(members_.get(), index_++);
            if (!primitives::is_atomic(context, member)) {
                return Step::child(member);
            }
            if (PyList_Append(copies_.get(), member.get()) != 0) {
                return Step::error();
            }
        }
        Ref y;
        {
            // Hashing runs Python code; so may the end of a member that only the list kept alive.
            PythonScope scope(context);
            if (!scope) {
                return Step::error();
            }
            y = Ref::steal(
                PyObject_CallOneArg(reinterpret_cast<PyObject*>(frame.original().type()), copies_.get()));
            copies_ = {};
            members_ = {};
        }
        return y ? finish(context, frame, std::move(y)) : Step::error();
    }

    Step finish(CopyContext& context, Frame& frame, Ref y) noexcept {
        frame.set_copy(std::move(y));
        return state_.give(context, frame);
    }

    SubclassState state_;
    Ref members_;
    Ref copies_;
    Py_ssize_t index_ = 0;
};

}  // namespace calque
