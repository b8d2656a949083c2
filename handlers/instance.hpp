// handlers/instance.hpp: instances of classes whose copy has a plan (type_plan.hpp). Semantics:
// object.__reduce_ex__ (Objects/typeobject.c), then Lib/copy.py, _reconstruct, for
// (copyreg.__newobj__, (cls,), state): state is the instance dict, or (dict or None, {slot: value}).
//
// The new object is bare, and in the memo, while its state is copied; dict values come first, in live
// iteration of the dict, then slots, whose values were all read at the start. Everything is collected in
// the frame and put into the object at the end. If Python code ran meanwhile, the end is the protocol's
// own (__setstate__, __dict__ and __setattr__ are looked up then): the class may have changed.
//
// While nobody can look (native.hpp) the copies go straight from the attributes and slots of one instance to
// those of the other. Attributes that lie in a dict of their own (as `self.__dict__.update(...)` leaves them, or
// copy.deepcopy itself) are cloned with it, as in dict.hpp, and the new object gets the clone at the end.
// deoptimize() takes out what is there and goes over to collecting.
//
// Left to the protocol: an instance with a __deepcopy__, __reduce_ex__ or __getstate__ of its own; a dict
// that somebody else refers to (it is an object of the graph, to be found in the memo) or that has other
// keys than plain strings; any copy whose memo somebody watches.
#pragma once

#include "primitives.hpp"

#include "dict_clone.hpp"
#include "dict_slots.hpp"
#include "dict_walk.hpp"
#include "instance_values.hpp"
#include "mutants.hpp"
#include "reconstruct.hpp"
#include "type_plan.hpp"

namespace calque {

inline bool is_hook_name(PyObject* key) noexcept {
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
    static constexpr primitives::Native kKind = primitives::Native::instance;
    static constexpr bool kMayPublish = true;

    template <class Visit>
    [[gnu::always_inline]] Step begin_natively(CopyContext& context, Frame& frame, Visit visit) noexcept {
        const Borrowed x = frame.original();
        const type_plan::Plan* const plan = primitives::head(context).plan;
        instance_values::View from, to;
        if (mutants::is(mutants::Mutant::instance_filled_early)) {
            return Step::decline();
        }
        if (plan->has_dict) {
            if (!instance_values::read(x, from)) {
                return begin_with_clone(context, frame, *plan, visit);
            }
            if (!names_are_plain(x.type(), *plan)) {
                return Step::decline();
            }
        }
        Ref y = type_plan::bare_instance(x.type());
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        if (from.size > 0 && !instance_values::open(frame.copy(), from, to)) {
            bool usable = false;
            source_ = type_plan::instance_dict(x, usable);
            return usable ? collect(context, frame, *plan) : Step::error();
        }
        mode_ = Mode::array;
        return next_natively(context, frame, *plan, from, to, visit);
    }

    template <class Visit>
    [[gnu::always_inline]] Step resume(CopyContext& context, Frame& frame, Ref child, Visit visit) noexcept {
        if (mode_ == Mode::collecting) {
            return resume(context, frame, std::move(child));
        }
        const type_plan::Plan& plan = type_plan::in_use(frame.original().type());
        if (mode_ == Mode::clone) {
            return resume_with_clone(context, frame, std::move(child), plan, visit);
        }
        instance_values::View from, to;
        read_both(*frame.raw(), from, to);
        if (attribute_ < from.size) {
            to.values[from.index(attribute_++)] = child.release();
        } else {
            type_plan::fill_slot(frame.copy(), plan.slots[slot_++], std::move(child));
        }
        return next_natively(context, frame, plan, from, to, visit);
    }

    /// What was filled goes out of the instance and is collected like the rest.
    bool deoptimize(calque_frame& frame) noexcept {
        const Mode mode = std::exchange(mode_, Mode::collecting);
        if (mode == Mode::collecting) {
            return true;
        }
        const type_plan::Plan& plan = type_plan::in_use(Py_TYPE(frame.original));
        if (mode == Mode::clone) {
            return take_out_of_clone(frame, plan);
        }
        instance_values::View from, to;
        read_both(frame, from, to);
        const std::int16_t slots_done = std::exchange(slot_, 0);
        const bool in_slots = attribute_ == from.size;
        return take_out_slots(frame, plan, slots_done, in_slots) && take_out_attributes(frame, from, to)
            && (in_slots || start_source(frame, attribute_ + 1U));
    }

    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        bool failed = false;
        const type_plan::Plan* plan = type_plan::find(context, x.type(), failed);
        if (plan == nullptr || plan->kind != kKind) {
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
        return collect(context, frame, *plan);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (source_) {
            return take_value(context, frame, child) ? next_value(context, frame) : Step::error();
        }
        return take_slot(context, frame, std::move(child)) ? next_slot(context, frame) : Step::error();
    }

private:
    enum class Mode : std::uint8_t {
        collecting,
        array,  // natively, from the values of the one into those of the other
        clone,  // natively, in a clone of the dict
    };
    static constexpr std::uint32_t kMostCloned = 255;  // entries: attribute_ counts them

    // Step by step: source_ is known, the bare instance made.
    Step collect(CopyContext& context, Frame& frame, const type_plan::Plan& plan) noexcept {
        if (!list_slots(frame.original(), plan) || !frame.publish(context)) {
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

    static void read_both(const calque_frame& frame, instance_values::View& from,
                          instance_values::View& to) noexcept {
        // False where the class keeps nothing in values: then there is nothing to see in them.
        static_cast<void>(instance_values::read(frame.original, from));
        static_cast<void>(instance_values::read(frame.copy, to));
    }

    // None of the names an instance of this class could have in its values is that of a hook.
    static bool names_are_plain(PyTypeObject* type, const type_plan::Plan& plan) noexcept {
        if (!instance_values::kNamesStay) {
            plan.names_looked_at = 0;
        }
        const unsigned count = instance_values::name_count(type);
        while (plan.names_looked_at < count) {
            if (is_hook_name(instance_values::name(type, plan.names_looked_at).get())) {
                return false;
            }
            ++plan.names_looked_at;
        }
        return true;
    }

    template <class Visit>
    [[gnu::always_inline]] Step next_natively(CopyContext& context, Frame& frame, const type_plan::Plan& plan,
                                              const instance_values::View& from,
                                              const instance_values::View& to, Visit visit) noexcept {
        for (unsigned done = attribute_; done < from.size; ++done) {
            const std::uint8_t i = from.index(done);
            const Borrowed value = from.values[i];
            const auto look = primitives::known_types.look(value.type());
            if (look.atomic()) {
                to.values[i] = Ref::share(value).release();
                continue;
            }
            const calque_step visited = visit(value, look);
            if (visited.outcome != primitives::kValue) {
                attribute_ = static_cast<std::uint8_t>(done);
                return Step::of(visited);
            }
            to.values[i] = visited.object;
        }
        attribute_ = from.size;
        const Step step = next_slot_natively(context, frame, plan, visit);
        if (step.raw().outcome == CALQUE_DONE && from.size > 0) {
            instance_values::close(frame.copy(), to, from);
        }
        return step;
    }

    template <class Visit>
    [[gnu::always_inline]] Step next_slot_natively(CopyContext&, Frame& frame, const type_plan::Plan& plan,
                                                   Visit visit) noexcept {
        const auto end = static_cast<std::int16_t>(plan.slot_count);
        for (std::int16_t i = slot_; i < end; ++i) {
            const type_plan::Slot& slot = plan.slots[i];
            const Borrowed value = type_plan::slot_value(frame.original(), slot);
            if (!value) {
                continue;
            }
            const auto look = primitives::known_types.look(value.type());
            if (look.atomic()) {
                type_plan::fill_slot(frame.copy(), slot, Ref::share(value));
                continue;
            }
            const calque_step visited = visit(value, look);
            if (visited.outcome != primitives::kValue) {
                slot_ = i;
                return Step::of(visited);
            }
            type_plan::fill_slot(frame.copy(), slot, Ref::steal(visited.object));
        }
        slot_ = end;
        return Step::done();
    }

    // -- attributes in a dict of the instance's own

    template <class Visit>
    [[gnu::always_inline]] Step begin_with_clone(CopyContext& context, Frame& frame,
                                                 const type_plan::Plan& plan, Visit visit) noexcept {
        const Borrowed dict = instance_values::dict_of(frame.original());
        dict_slots::Entries from, to;
        if (!dict || Py_REFCNT(dict.get()) != 1 || !PyDict_CheckExact(dict.get())
            || !dict_slots::find(dict, from) || from.count > kMostCloned
            || !dict_clone::can_be_built(dict, from) || !keys_are_plain(from)) {
            return Step::decline();
        }
        Ref y = type_plan::bare_instance_for_dict(frame.original().type());
        Ref clone = y ? dict_slots::new_like(dict, from, to) : Ref();
        if (!clone) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        copied_ = std::move(clone);
        mode_ = Mode::clone;
        std::uint32_t place = 0;
        const Step step = dict_clone::build<dict_clone::Rest::cloned>(copied_, dict, from, to, place, visit);
        attribute_ = static_cast<std::uint8_t>(place);
        return step.raw().outcome == CALQUE_DONE ? finish_clone(context, frame, plan, visit) : step;
    }

    template <class Visit>
    Step resume_with_clone(CopyContext& context, Frame& frame, Ref child, const type_plan::Plan& plan,
                           Visit visit) noexcept {
        const dict_slots::Entries entries = clone();
        if (attribute_ < entries.count) {
            entries.value(attribute_++) = child.release();
            primitives::track_if_needed(copied_);
        } else {
            type_plan::fill_slot(frame.copy(), plan.slots[slot_++], std::move(child));
        }
        return next_in_clone(context, frame, plan, entries, visit);
    }

    dict_slots::Entries clone() const noexcept {
        dict_slots::Entries entries;
        static_cast<void>(dict_slots::find(copied_, entries));  // it was found when it was made
        return entries;
    }

    static bool keys_are_plain(const dict_slots::Entries& entries) noexcept {
        for (std::uint32_t i = 0; i < entries.count; ++i) {
            if (entries.value(i) != nullptr
                && (!PyUnicode_CheckExact(entries.key(i)) || is_hook_name(entries.key(i)))) {
                return false;
            }
        }
        return true;
    }

    template <class Visit>
    Step next_in_clone(CopyContext& context, Frame& frame, const type_plan::Plan& plan,
                       const dict_slots::Entries& entries, Visit visit) noexcept {
        std::uint32_t place = attribute_;
        const Step step = dict_clone::copy_values(entries, place, visit);
        attribute_ = static_cast<std::uint8_t>(place);
        return step.raw().outcome == CALQUE_DONE ? finish_clone(context, frame, plan, visit) : step;
    }

    template <class Visit>
    Step finish_clone(CopyContext& context, Frame& frame, const type_plan::Plan& plan, Visit visit) noexcept {
        const Step step = next_slot_natively(context, frame, plan, visit);
        if (step.raw().outcome != CALQUE_DONE) {
            return step;
        }
        Ref dict = std::move(copied_);
        return instance_values::put_dict(frame.copy(), dict)
                    || type_plan::set_instance_dict(frame.copy(), dict)
                 ? step
                 : Step::error();
    }

    // The clone without what has not been copied yet; key_, if an attribute is being copied.
    bool take_out_of_clone(calque_frame& frame, const type_plan::Plan& plan) noexcept {
        const dict_slots::Entries entries = clone();
        const std::int16_t slots_done = std::exchange(slot_, 0);
        const bool in_slots = attribute_ == entries.count;
        bool good = take_out_slots(frame, plan, slots_done, in_slots);
        if (in_slots || entries.first == nullptr) {
            return good;
        }
        key_ = Ref::share(entries.key(attribute_));
        const std::uint32_t pairs = dict_clone::pairs_up_to(entries, attribute_);
        good = dict_clone::truncate(copied_, entries, attribute_) && good;
        return start_source(frame, pairs) && good;
    }

    // -- deoptimize()

    // slots_ as it would be by now: the copies of the first `done` slots, the originals of the others.
    bool take_out_slots(calque_frame& frame, const type_plan::Plan& plan, std::int16_t done,
                        bool one_begun) noexcept {
        if (!list_slots(frame.original, plan)) {
            return false;
        }
        Py_ssize_t place = 1;
        for (std::int16_t i = 0; i < done; ++i) {
            if (Ref copy = type_plan::take_slot(frame.copy, plan.slots[i])) {
                if (PyList_SetItem(slots_.get(), place, copy.release()) != 0) {
                    return false;
                }
                place += 2;
                ++slot_;
            }
        }
        slot_ = static_cast<std::int16_t>(slot_ + (one_begun ? 1 : 0));
        return true;
    }

    // copied_ as it would be by now; key_, if an attribute is being copied.
    bool take_out_attributes(calque_frame& frame, const instance_values::View& from,
                             const instance_values::View& to) noexcept {
        if (from.size == 0) {
            return true;
        }
        PyTypeObject* const type = Py_TYPE(frame.original);
        copied_ = Ref::steal(PyDict_New());
        for (unsigned i = 0; i < attribute_; ++i) {
            const Ref value = Ref::steal(std::exchange(to.values[from.index(i)], nullptr));
            if (!copied_
                || PyDict_SetItem(copied_.get(), instance_values::name(type, from.index(i)).get(),
                                  value.get())
                       != 0) {
                return false;
            }
        }
        if (attribute_ < from.size) {
            key_ = Ref::share(instance_values::name(type, from.index(attribute_)));
        }
        return bool(copied_);
    }

    // source_, with so many pairs behind us.
    bool start_source(calque_frame& frame, unsigned pairs) noexcept {
        bool usable = false;
        source_ = type_plan::instance_dict(frame.original, usable);
        if (!usable) {
            PyErr_NoMemory();
            return false;
        }
        walk_.start(source_);
        walk_.skip(source_, pairs);
        return true;
    }

    // -- step by step

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
            Ref dict = dict_slots::compact_copy(source_);
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

    Ref source_;                  // the instance dict while it is being walked
    Ref copied_;                  // the copy of it, or its clone; nobody else's yet
    Ref key_;                     // of the value being copied
    Ref slots_;                   // see list_slots
    DictWalk walk_;               // of source_
    std::int16_t slot_ = 0;       // slots done natively; when collecting: slots begun that are set
    std::uint8_t attribute_ = 0;  // natively: attributes done; in a clone: entries
    Mode mode_ = Mode::collecting;
};

}  // namespace calque
