// runtime/shallow_plan.cpp: see shallow_plan.hpp.
#include "shallow_plan.hpp"

#include "class_facts.hpp"
#include "cpython/gc_hold.hpp"
#include "plugins.hpp"
#include "primitives/instance_values.hpp"
#include "primitives/interned.hpp"
#include "primitives/known_class.hpp"
#include "primitives/shallow_state.hpp"
#include "registry.hpp"

#include <calque/compat.hpp>

namespace calque::shallow_plan {

namespace {

void forget_slots(Plan& plan) noexcept {
    for (const type_plan::Slot& slot : plan.slots) {
        Ref name = Ref::steal(slot.name);
    }
    plan.slots.clear(0);
}

// Lib/copy.py, copy: `getattr(cls, "__copy__", None)`, which finds attributes of the metaclass too.
bool has_own_copy(PyTypeObject* type) noexcept {
    return raw_lookup(type, interned::__copy__) != nullptr
        || raw_lookup(Py_TYPE(type), interned::__copy__) != nullptr;
}

// object.__reduce_ex__ comes to (copyreg.__newobj__, (cls,), state).
bool reduces_to_bare_instance(PyTypeObject* type) noexcept {
    for (PyObject* absent : {interned::__setstate__, interned::__getnewargs__, interned::__getnewargs_ex__}) {
        if (raw_lookup(type, absent) != nullptr) {
            return false;
        }
    }
    for (PyObject* inherited :
         {interned::__reduce_ex__, interned::__reduce__, interned::__getstate__, interned::__new__}) {
        if (!class_facts::same_as_object(type, inherited)) {
            return false;
        }
    }
    // Up to 3.11 a bare instance may have to be given up, and its finalizer would run once more.
    return (!CALQUE_ALLOCATION_COLLECTS || type->tp_finalize == nullptr)
        && type->tp_getattro == PyObject_GenericGetAttr && type->tp_new == PyBaseObject_Type.tp_new
        && type->tp_itemsize == 0 && PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE);
}

// Where the slots lie that copyreg counts among the state. A class that copyreg has not looked at yet is left to
// the protocol: that is Python code, and leaves __slotnames__ on the class.
bool find_slots(PyTypeObject* type, Plan& plan) noexcept {
    const Borrowed names = known_class::slot_names(type);
    const Py_ssize_t count = names ? PyList_GET_SIZE(names.get()) : 0;
    if (!names || !class_facts::layout_is_known(type, count)
        || (count > 0 && type->tp_setattro != PyObject_GenericSetAttr)) {
        return false;
    }
    plan.slot_names = names.get();
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* const name = PyList_GET_ITEM(names.get(), i);
        const Py_ssize_t offset = PyUnicode_CheckExact(name) ? known_class::slot_offset(type, name) : -1;
        if (offset < 0) {
            return false;
        }
        for (const type_plan::Slot& other : plan.slots) {
            if (other.offset == offset) {
                return false;
            }
        }
        Ref owned = Ref::share(name);
        if (!plan.slots.push_back({name, offset})) {
            return false;
        }
        static_cast<void>(owned.release());
    }
    return true;
}

void decide(PyTypeObject* type, Plan& plan) noexcept {
    if (const registry::Shallow* how = registry::shallow(type)) {
        if (how->itself) {
            plan.way = Way::itself;
        } else if (how->own) {
            plan.handler = how->handler;
            plan.way = type == &PyList_Type ? Way::list : type == &PyDict_Type ? Way::dict : Way::handler;
        }
        return;
    }
    if (PyType_HasFeature(type, Py_TPFLAGS_TYPE_SUBCLASS) || !class_facts::metaclass_is_plain(type)
        || has_own_copy(type) || registry::shallow_for_subclass(type) != nullptr || plugins::may_serve(type)
        || stdlib_tables::has_reducer(type) || !stdlib_tables::copyreg_is_untouched()) {
        return;
    }
    if (const known_class::Known* known = known_class::find(type)) {
        plan.way = known->shallow != nullptr ? Way::known : Way::by_protocol;
        return;
    }
    if (reduces_to_bare_instance(type) && class_facts::dict_is_plain(type, plan.has_dict)
        && find_slots(type, plan)) {
        plan.way = Way::instance;
    }
}

bool is_plain_for_instances(PyObject* name) noexcept {
    return mutants::is(mutants::Mutant::instance_hook_ignored)
        || is_plain_name(name, {interned::__reduce_ex__, interned::__getstate__});
}

// None of the names an instance of this class could have in its values is that of a hook.
bool shared_names_are_plain(PyTypeObject* type, const Plan& plan) noexcept {
    const unsigned count = instance_values::name_count(type);
    if (!instance_values::kNamesStay) {
        plan.names_looked_at = 0;
    }
    while (plan.names_looked_at < count) {
        if (!is_plain_for_instances(instance_values::name(type, plan.names_looked_at).get())) {
            return false;
        }
        ++plan.names_looked_at;
    }
    return true;
}

bool slots_are_named(const Plan& plan) noexcept {
    const auto count = static_cast<Py_ssize_t>(plan.slots.size());
    bool same = PyList_GET_SIZE(plan.slot_names) == count;
    for (Py_ssize_t i = 0; same && i < count; ++i) {
        same = PyList_GET_ITEM(plan.slot_names, i) == plan.slots[static_cast<std::size_t>(i)].name;
    }
    return same;
}

// The attributes of x: in values, in a dict, or none.
struct Attributes {
    instance_values::View values;
    ShallowState state;
};

bool look(Borrowed x, const Plan& plan, Attributes& attributes) noexcept {
    if (!slots_are_named(plan)) {
        return false;
    }
    if (!plan.has_dict) {
        return true;
    }
    if (instance_values::read(x, attributes.values)) {
        return shared_names_are_plain(x.type(), plan);
    }
    attributes.values = {};
    if (mutants::is(mutants::Mutant::instance_hook_ignored)) {
        return attributes.state.look(x, {});
    }
    return attributes.state.look(x, {interned::__reduce_ex__, interned::__getstate__});
}

bool give(Borrowed x, Borrowed y, const Attributes& attributes) noexcept {
    const instance_values::View& from = attributes.values;
    instance_values::View to;
    if (from.size == 0) {
        return attributes.state.give(y);
    }
    GcHold gc;  // opening may allocate, and x is being looked at
    gc.hold();
    const bool opened = instance_values::open(y, from, to);
    gc.release();
    if (!opened) {
        ShallowState state;
        return state.look(x, {}) ? state.give(y) : PyErr_NoMemory() != nullptr;
    }
    for (unsigned i = 0; i < from.size; ++i) {
        const std::uint8_t place = from.index(i);
        to.values[place] = Ref::share(from.values[place]).release();
    }
    instance_values::close(y, to, from);
    return true;
}

}  // namespace

const Plan& make(PyTypeObject* type, Plan& place) noexcept {
    GcHold gc;  // what it allocates must not run finalizers
    gc.hold();
    forget_slots(place);
    place.type = type;
    place.way = Way::by_protocol;
    place.names_looked_at = 0;
    place.version = place.metaclass_version = {};
    if (class_facts::names_are_plain(type)) {  // else decided each time: by the protocol
        decide(type, place);
        place.version = TypeVersion::assigned_to(type);
        place.metaclass_version = TypeVersion::assigned_to(Py_TYPE(type));
    }
    place.generation = stdlib_tables::generation();
    gc.release();
    return place;
}

Ref copy_instance(Borrowed x, const Plan& plan) noexcept {
    Attributes attributes;
    if (!look(x, plan, attributes)) {
        return {};
    }
    Ref y = type_plan::bare_instance(x.type());
    if (!y) {
        return {};
    }
#if CALQUE_ALLOCATION_COLLECTS
    // Finalizers may have run, and changed x, its class, or the plan.
    attributes = {};
    if (!plan.holds(x.type()) || plan.way != Way::instance || Borrowed(y).type() != x.type()
        || !look(x, plan, attributes)) {
        return {};
    }
#endif
    for (const type_plan::Slot& slot : plan.slots) {
        if (const Borrowed value = type_plan::slot_value(x, slot)) {
            type_plan::fill_slot(y, slot, Ref::share(value));
        }
    }
    return give(x, y, attributes) ? std::move(y) : Ref();
}

}  // namespace calque::shallow_plan
