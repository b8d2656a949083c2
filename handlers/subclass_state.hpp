// handlers/subclass_state.hpp: the attributes of a subclass of a container, its state in the reduce value.
//
// Which dict it is, and whether it is empty, is settled when the reduce value would be made; what is in it
// counts when it is copied. Plain attributes of a dict that nobody else refers to are cloned. Otherwise
// the dict is a child like any other: its copy is in the memo, and its contents are put into the new object,
// whose own dict is another one, as under copy.py.
#pragma once

#include "attributes.hpp"
#include "dict_slots.hpp"
#include "instance_values.hpp"
#include "primitives.hpp"
#include "reconstruct.hpp"
#include "shallow_state.hpp"
#include "type_plan.hpp"

#include <calque/handler.hpp>

#include <initializer_list>

namespace calque {

/// `cls.__new__(cls)` where the class has the __new__ of its base.
inline Ref bare(PyTypeObject* type) noexcept {
    static PyObject* const no_arguments = PyTuple_New(0);
    return Ref::steal(type->tp_new(type, no_arguments, nullptr));
}

/// Attributes that can go over to the copy without anybody's seeing a dict: that of x is known to nobody else, or
/// x has none but an array (instance_values.hpp); its names are no hooks, its values their own copies. To be
/// looked at and given in one go.
class FlatAttributes {
public:
    /// False: not so, or not to be seen.
    [[nodiscard]] bool look(const CopyContext& context, Borrowed x,
                            std::initializer_list<PyObject*> hooks) noexcept {
        if (instance_values::is_empty(x)) {
            return true;
        }
        bool flat = true;
        dict_ = instance_values::dict_of(x);
        if (dict_) {
            return Py_REFCNT(dict_.get()) == 1 && attributes_are_plain(context, dict_, hooks, flat) && flat;
        }
        if (!instance_values::read(x, from_)) {
            return false;
        }
        for (unsigned i = 0; i < from_.size; ++i) {
            PyObject* const name = instance_values::name(x.type(), from_.index(i)).get();
            if (!PyUnicode_CheckExact(name) || !is_plain_name(name, hooks)
                || !primitives::is_atomic(context, from_.values[from_.index(i)])) {
                return false;
            }
        }
        return true;
    }

    /// To y, the bare copy of that x. False with an exception set.
    [[nodiscard]] bool give(Borrowed x, Borrowed y) noexcept {
        if (dict_ ? PyDict_GET_SIZE(dict_.get()) == 0 : from_.size == 0) {
            return true;
        }
        if (!dict_ && fill(y)) {
            return true;
        }
        bool usable = true;
        const Ref source = dict_ ? Ref::share(dict_) : type_plan::instance_dict(x, usable);
        Ref copy = source ? dict_slots::compact_copy(source) : Ref();
        return copy && (instance_values::put_dict(y, copy) || type_plan::set_instance_dict(y, copy));
    }

private:
    bool fill(Borrowed y) const noexcept {
        instance_values::View to;
        if (!instance_values::open(y, from_, to)) {
            return false;
        }
        for (unsigned i = 0; i < from_.size; ++i) {
            to.values[from_.index(i)] = Ref::share(from_.values[from_.index(i)]).release();
        }
        instance_values::close(y, to, from_);
        return true;
    }

    Borrowed dict_;
    instance_values::View from_;
};

class SubclassState {
public:
    /// False: leave x to the protocol. `hooks`: names that mean something as attributes of an instance.
    bool look(const CopyContext& context, Borrowed x, std::initializer_list<PyObject*> hooks,
              bool even_if_empty = false) noexcept {
        if (x.type()->tp_dictoffset == 0) {
            return true;
        }
        if (!even_if_empty && instance_values::is_empty(x)) {
            return true;  // and x need not get a dict to have it looked at
        }
        bool usable = false, flat = true;
        dict_ = type_plan::instance_dict(x, usable);
        if (usable && !dict_ && even_if_empty) {
            dict_ = Ref::steal(PyObject_GenericGetDict(x.get(), nullptr));
        }
        return usable && (!dict_ || attributes_are_plain(context, dict_, hooks, flat));
    }

    /// The bare copy, with its state before anything else. Step::done(): it has it.
    Step begin(CopyContext& context, Frame& frame, std::initializer_list<PyObject*> hooks) noexcept {
        const Borrowed x = frame.original();
        FlatAttributes attributes;
        const bool flat = attributes.look(context, x, hooks);
        if (!flat && !look(context, x, hooks)) {
            return Step::decline();
        }
        Ref y = bare(x.type());
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        if (!flat) {
            return give(context, frame);
        }
        return attributes.give(x, frame.copy()) ? Step::done() : Step::error();
    }

    /// To be called when frame.copy() exists. Step::done(): it has its state.
    Step give(CopyContext& context, Frame& frame) noexcept {
        if (!dict_) {
            return Step::done();
        }
        bool flat = !primitives::python_ran_since_visit(context, frame) && Py_REFCNT(dict_.get()) == 2;
        if (!flat || !attributes_are_plain(context, dict_, {}, flat) || !flat) {
            return Step::child(dict_);
        }
        const Ref copy = dict_slots::compact_copy(std::exchange(dict_, {}));
        return copy && type_plan::set_instance_dict(frame.copy(), copy) ? Step::done() : Step::error();
    }

    /// The child that give() asked for is to be expected.
    bool waiting(const Frame& frame) const noexcept { return frame.copy() && dict_; }

    [[nodiscard]] bool resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (primitives::python_ran_since_visit(context, frame) || !PyDict_CheckExact(child.get())) {
            PythonScope scope(context);
            const bool set = scope && reconstruct::set_state(frame.copy(), child);
            child = {};
            dict_ = {};
            return set;
        }
        dict_ = {};
        const Ref copy = dict_slots::compact_copy(child);
        return copy && context.keep_alive(child) && type_plan::set_instance_dict(frame.copy(), copy);
    }

private:
    Ref dict_;  // until it has been copied
};

}  // namespace calque
