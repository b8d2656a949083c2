// handlers/instance.cpp: instances of classes whose copy has a plan (type_plan.hpp). Semantics:
// object.__reduce_ex__ (Objects/typeobject.c), then Lib/copy.py, _reconstruct, for
// (copyreg.__newobj__, (cls,), state): state is the instance dict, or (dict or None, {slot: value}).
//
// The new object is bare, and in the memo, while its state is copied; dict values come first, in live
// iteration of the dict, then slots, whose values were all read at the start. Everything is collected in
// the frame and put into the object at the end. If Python code ran meanwhile, the end is the protocol's
// own (__setstate__, __dict__ and __setattr__ are looked up then): the class may have changed.
//
// Left to the protocol: an instance with a __deepcopy__, __reduce_ex__ or __getstate__ of its own; a dict
// that somebody else refers to (it is an object of the graph, to be found in the memo) or that has other
// keys than plain strings; any copy whose memo somebody watches.
#include "handlers.hpp"
#include "primitives.hpp"

#include "dict_walk.hpp"
#include "mutants.hpp"
#include "reconstruct.hpp"
#include "type_plan.hpp"

namespace calque {

namespace {

bool is_hook_name(PyObject* key) noexcept {
    if (mutants::is(mutants::Mutant::instance_hook_ignored)) {
        return false;
    }
    if (PyUnicode_CHECK_INTERNED(key)) {
        return key == interned::__deepcopy__ || key == interned::__reduce_ex__
            || key == interned::__getstate__;
    }
    return PyUnicode_CompareWithASCIIString(key, "__deepcopy__") == 0
        || PyUnicode_CompareWithASCIIString(key, "__reduce_ex__") == 0
        || PyUnicode_CompareWithASCIIString(key, "__getstate__") == 0;
}

class CopyInstance {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        bool failed = false;
        const type_plan::Plan* plan = type_plan::find(context, x.type(), failed);
        if (plan == nullptr) {
            return failed ? Step::error() : Step::decline();
        }
        bool flat = true;
        if (plan->has_dict) {
            bool usable = false;
            source_ = type_plan::instance_dict(x, usable);
            if (!usable || (source_ && !dict_is_ours(context, flat))) {
                return Step::decline();
            }
        }
        for (Py_ssize_t i = 0; i < plan->slot_count && flat; ++i) {
            const Borrowed value = type_plan::slot_value(x, plan->slots[i]);
            flat = !value || primitives::is_atomic(context, value);
        }
        Ref y = type_plan::bare_instance(x.type());
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        if (flat) {
            return copy_flat(frame, *plan);
        }
        if (mutants::is(mutants::Mutant::instance_filled_early) && source_
            && !type_plan::set_instance_dict(frame.copy(), source_)) {
            return Step::error();
        }
        if (!list_slots(x, *plan) || !frame.publish(context)) {
            return Step::error();
        }
        if (source_) {
            copied_ = Ref::steal(PyDict_New());
            if (!copied_) {
                return Step::error();
            }
            walk_.start(source_);
            return next_value(context, frame);
        }
        return next_slot(context, frame);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (source_) {
            return take_value(context, frame, child) ? next_value(context, frame) : Step::error();
        }
        return take_slot(context, frame, std::move(child)) ? next_slot(context, frame) : Step::error();
    }

private:
    // Nobody else refers to the dict, and its keys are plain names. `flat`: so are its values.
    bool dict_is_ours(CopyContext& context, bool& flat) const noexcept {
        if (Py_REFCNT(source_.get()) > 2) {  // the instance's and ours
            return false;
        }
        PyObject *key = nullptr, *value = nullptr;
        Py_ssize_t position = 0;
        while (PyDict_Next(source_.get(), &position, &key, &value)) {
            if (!PyUnicode_CheckExact(key) || is_hook_name(key)) {
                return false;
            }
            flat = flat && primitives::is_atomic(context, value);
        }
        return true;
    }

    Step copy_flat(Frame& frame, const type_plan::Plan& plan) noexcept {
        if (source_) {
            Ref dict = Ref::steal(PyDict_Copy(source_.get()));
            if (!dict || !type_plan::set_instance_dict(frame.copy(), dict)) {
                return Step::error();
            }
        }
        for (Py_ssize_t i = 0; i < plan.slot_count; ++i) {
            if (const Borrowed value = type_plan::slot_value(frame.original(), plan.slots[i])) {
                type_plan::fill_slot(frame.copy(), plan.slots[i], Ref::share(value));
            }
        }
        return Step::done();
    }

    // slots_ = [name, value, name, value, ...] of the slots that are set.
    bool list_slots(Borrowed x, const type_plan::Plan& plan) noexcept {
        if (plan.slot_count == 0) {
            return true;
        }
        slots_ = Ref::steal(PyList_New(0));
        for (Py_ssize_t i = 0; slots_ && i < plan.slot_count; ++i) {
            const Borrowed value = type_plan::slot_value(x, plan.slots[i]);
            if (value
                && (PyList_Append(slots_.get(), plan.slots[i].name) != 0
                    || PyList_Append(slots_.get(), value.get()) != 0)) {
                return false;
            }
        }
        return bool(slots_);
    }

    Step next_value(CopyContext& context, Frame& frame) noexcept {
        for (;;) {
            PyObject *key = nullptr, *value = nullptr;
            const DictWalk::Result result = walk_.next(source_, key, value);
            if (result == DictWalk::end) {
                return let_go_of_source(context, frame) ? next_slot(context, frame) : Step::error();
            }
            if (result != DictWalk::pair) {
                return DictWalk::raise(context, result);
            }
            key_ = Ref::share(key);
            if (!primitives::is_atomic(context, value)) {
                return Step::child(value);
            }
            Ref same = Ref::share(value);
            if (!take_value(context, frame, same)) {
                return Step::error();
            }
        }
    }

    bool take_value(CopyContext& context, Frame& frame, Borrowed value) noexcept {
        if (!primitives::python_ran_since_visit(context, frame)) {
            const bool taken = PyDict_SetItem(copied_.get(), key_.get(), value.get()) == 0;
            key_ = {};
            return taken;
        }
        // By now the keys may be anything, and their owner somebody else.
        Ref key = primitives::is_atomic(context, key_) ? Ref::share(key_) : context.copy(key_);
        PythonScope scope(context);
        const bool taken = key && scope && PyDict_SetItem(copied_.get(), key.get(), value.get()) == 0;
        key_ = {};
        return taken;
    }

    // If Python code ran, the instance may have another dict by now, and ours may be the last reference
    // to things whose addresses are in the log.
    bool let_go_of_source(CopyContext& context, Frame& frame) noexcept {
        if (primitives::python_ran_since_visit(context, frame)) {
            PythonScope scope(context);
            source_ = {};
            return bool(scope);
        }
        source_ = {};
        return true;
    }

    bool take_slot(CopyContext& context, Frame& frame, Ref child) noexcept {
        const Py_ssize_t place = 2 * Py_ssize_t{slot_} - 1;
        if (primitives::python_ran_since_visit(context, frame)) {
            PythonScope scope(context);
            return scope && PyList_SetItem(slots_.get(), place, child.release()) == 0;
        }
        return PyList_SetItem(slots_.get(), place, child.release()) == 0;
    }

    Step next_slot(CopyContext& context, Frame& frame) noexcept {
        while (slots_ && 2 * Py_ssize_t{slot_} < PyList_GET_SIZE(slots_.get())) {
            const Borrowed value = PyList_GET_ITEM(slots_.get(), 2 * Py_ssize_t{slot_} + 1);
            ++slot_;
            if (!primitives::is_atomic(context, value)) {
                return Step::child(value);
            }
        }
        return primitives::python_ran_since_visit(context, frame) ? finish_by_protocol(context, frame)
                                                                  : finish(context, frame);
    }

    Step finish(CopyContext& context, Frame& frame) noexcept {
        if (copied_ && !type_plan::set_instance_dict(frame.copy(), copied_)) {
            return Step::error();
        }
        bool failed = false;
        const type_plan::Plan* plan =
            slots_ ? type_plan::find(context, frame.original().type(), failed) : nullptr;
        if (slots_ && plan == nullptr) {
            return failed ? Step::error() : finish_by_protocol(context, frame);
        }
        Py_ssize_t next = 0;
        for (Py_ssize_t i = 0; slots_ && i < plan->slot_count && next < PyList_GET_SIZE(slots_.get()); ++i) {
            if (plan->slots[i].name == PyList_GET_ITEM(slots_.get(), next)) {
                type_plan::fill_slot(frame.copy(), plan->slots[i],
                                     Ref::share(PyList_GET_ITEM(slots_.get(), next + 1)));
                next += 2;
            }
        }
        return Step::done();
    }

    Step finish_by_protocol(CopyContext& context, Frame& frame) noexcept {
        PythonScope scope(context);
        if (!scope) {
            return Step::error();
        }
        Ref state = std::move(copied_);
        if (slots_ && PyList_GET_SIZE(slots_.get()) > 0) {
            Ref values = Ref::steal(PyDict_New());
            for (Py_ssize_t i = 0; values && i < PyList_GET_SIZE(slots_.get()); i += 2) {
                if (PyDict_SetItem(values.get(), PyList_GET_ITEM(slots_.get(), i),
                                   PyList_GET_ITEM(slots_.get(), i + 1))
                    != 0) {
                    return Step::error();
                }
            }
            state = values ? Ref::steal(PyTuple_Pack(2, state ? state.get() : Py_None, values.get())) : Ref();
            if (!state) {
                return Step::error();
            }
        }
        slots_ = {};
        return reconstruct::set_state(frame.copy(), state) ? Step::done() : Step::error();
    }

    Ref source_;  // the instance dict while it is being walked
    Ref copied_;  // the copy of it, nobody else's yet
    Ref key_;     // of the value being copied
    Ref slots_;   // see list_slots
    DictWalk walk_;
    std::int32_t slot_ = 0;  // slots begun
};

}  // namespace

const HandlerSpec instance_handler =
    frame_handler<CopyInstance>("instances", nullptr, CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE);

}  // namespace calque
