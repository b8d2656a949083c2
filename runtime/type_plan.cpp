// runtime/type_plan.cpp: the checklist, and the cache. See primitives/type_plan.hpp.
#include "primitives/type_plan.hpp"

#include "class_facts.hpp"
#include "cpython/type_version.hpp"
#include "pod_vector.hpp"
#include "primitives/instance_values.hpp"
#include "primitives/interned.hpp"
#include "primitives/mutants.hpp"
#include "registry.hpp"
#include "stdlib_tables.hpp"

#include <calque/compat.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <structmember.h>
#include <utility>

namespace calque::type_plan {

namespace {

using class_facts::dict_is_plain;
using class_facts::layout_is_known;
using class_facts::metaclass_is_plain;
using class_facts::names_are_plain;
using class_facts::same_as_object;

// A plan and what it owns.
struct Body {
    PyTypeObject* type = nullptr;
    Plan plan;
    PodVector<Slot> slots;

    Body() noexcept = default;
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    ~Body() {
        for (const Slot& slot : slots) {
            Ref name = Ref::steal(slot.name);
        }
    }
};

struct Cached {
    PyTypeObject* type = nullptr;    // an address; says nothing about a living class until `version` agrees
    std::unique_ptr<Body> body;      // null: the class was looked at, and has no plan
    PyObject* slot_names = nullptr;  // cls.__slotnames__, the list: alive as long as `version` holds
    TypeVersion version;
    TypeVersion metaclass_version;
    std::uint64_t generation = 0;
};

PodVector<Body*> retired;  // owned

// What a frame of handlers/instance.hpp can count.
constexpr Py_ssize_t kMostSlots = 30'000;

// A table of fixed size, two places per class, by its address: a class that finds both taken by others
// takes one. Nothing is held of a class, so a class that dies leaves nothing to clean up, and one that comes
// to lie at its address cannot match, because version tags are never given twice.
Cached& at(std::size_t place) noexcept {
    alignas(Cached) static unsigned char places[sizeof(Cached) << kPlaceBits];  // zeros are an empty Cached
    return reinterpret_cast<Cached*>(places)[place];
}

// The one that `type` has, or may have.
Cached& place_of(const PyTypeObject* type) noexcept {
    Cached& first = at(place(type));
    Cached& second = at(other(place(type)));
    return first.type == type                                                       ? first
         : second.type == type || (first.type != nullptr && second.type == nullptr) ? second
                                                                                    : first;
}

// The one where find() will look, and which is of no use now, if there is such.
Found& place_of_find(const PyTypeObject* type, std::uint64_t stretch) noexcept {
    Found& first = found[place(type)];
    Found& second = found[other(place(type))];
    return first.type == type || first.stretch != stretch || second.stretch == stretch ? first : second;
}

bool protocol_is_default(PyTypeObject* type) noexcept {
    PyObject* const absent[] = {interned::__deepcopy__, interned::__setstate__, interned::__getnewargs__,
                                interned::__getnewargs_ex__};
    for (PyObject* name : absent) {
        if (raw_lookup(type, name)) {
            return false;
        }
    }
    return type->tp_getattro == PyObject_GenericGetAttr && type->tp_setattro == PyObject_GenericSetAttr
        && same_as_object(type, interned::__reduce_ex__) && same_as_object(type, interned::__reduce__)
        && same_as_object(type, interned::__getstate__) && same_as_object(type, interned::__new__)
        && type->tp_new == PyBaseObject_Type.tp_new && type->tp_itemsize == 0
        && !PyType_HasFeature(type, Py_TPFLAGS_IS_ABSTRACT)
        && !PyType_HasFeature(type, Py_TPFLAGS_TYPE_SUBCLASS) && PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE);
}

// The protocol copies the class, the attribute names and the dict like any other object; with slots the pair of
// both, where None may stand for the dict.
bool parts_are_copied_natively(bool slots) noexcept {
    return registry::served_by_builtin(&PyType_Type) && registry::served_by_builtin(&PyUnicode_Type)
        && registry::served_by_builtin(&PyDict_Type)
        && (!slots
            || (registry::served_by_builtin(&PyTuple_Type) && registry::served_by_builtin(Py_TYPE(Py_None))));
}

bool add_slot(PyTypeObject* type, PyObject* name, PodVector<Slot>& slots) noexcept {
    if (!PyUnicode_CheckExact(name)) {
        return false;
    }
    for (const Slot& known : slots) {
        if (known.name == name) {
            return false;
        }
    }
    const Borrowed descriptor = raw_lookup(type, name);
    if (!descriptor || descriptor.type() != &PyMemberDescr_Type) {
        return false;
    }
    const PyMemberDef* member = reinterpret_cast<PyMemberDescrObject*>(descriptor.get())->d_member;
    if (member->type != T_OBJECT_EX || member->flags != 0) {
        return false;
    }
    Ref owned = Ref::share(name);
    if (!slots.push_back({name, member->offset})) {
        return false;
    }
    static_cast<void>(owned.release());
    return true;
}

// cls.__dict__['__slotnames__'], made by copyreg if this is the first time: Python code, which
// object.__reduce_ex__ would run as well. Empty with or without an exception: no plan.
Ref own_slot_names(CopyContext& context, PyTypeObject* type, bool& failed) noexcept {
    Ref dict = Ref::steal(PyType_GetDict(type));
    Ref names = dict ? Ref::share(PyDict_GetItemWithError(dict.get(), interned::__slotnames__)) : Ref();
    if (names) {
        return names;
    }
    PythonScope scope(context);
    failed = !scope;
    if (!failed) {
        Ref copyreg = Ref::steal(PyImport_GetModule(interned::copyreg));
        Ref made = copyreg ? Ref::steal(PyObject_CallMethodOneArg(copyreg.get(), interned::_slotnames,
                                                                  reinterpret_cast<PyObject*>(type)))
                           : Ref();
        if (!made) {
            PyErr_Clear();  // the protocol will meet the same error in its own words
        }
    }
    dict = Ref::steal(PyType_GetDict(type));
    return dict ? Ref::share(PyDict_GetItemWithError(dict.get(), interned::__slotnames__)) : Ref();
}

bool still_names(const Cached& cached) noexcept {
    PyObject* list = cached.slot_names;
    const Plan& plan = cached.body->plan;
    if (PyList_GET_SIZE(list) != plan.slot_count) {
        return false;
    }
    for (Py_ssize_t i = 0; i < plan.slot_count; ++i) {
        if (PyList_GET_ITEM(list, i) != plan.slots[i].name) {
            return false;
        }
    }
    return true;
}

Recogniser recogniser = nullptr;

// Null without memory: the protocol needs no plan.
std::unique_ptr<Body> new_body() noexcept { return std::unique_ptr<Body>(new (std::nothrow) Body); }

void recognise(PyTypeObject* type, Cached& cached) noexcept {
    auto body = new_body();
    if (body && recogniser != nullptr && recogniser(type, body->plan)) {
        body->type = type;
        cached.body = std::move(body);
    }
}

void check(CopyContext& context, PyTypeObject* type, Cached& cached, bool& failed) noexcept {
    if (!metaclass_is_plain(type) || stdlib_tables::has_reducer(type)
        || !stdlib_tables::copyreg_is_untouched() || !parts_are_copied_natively(false)
        || registry::effective(type) != nullptr || registry::for_subclass(type) != nullptr) {
        return;
    }
    bool has_dict = false;
    if (!protocol_is_default(type) || !dict_is_plain(type, has_dict)) {
        recognise(type, cached);
        return;
    }
    const Ref names = own_slot_names(context, type, failed);
    if (failed || !names || !PyList_CheckExact(names.get())) {
        return;
    }
    const Py_ssize_t count = PyList_GET_SIZE(names.get());
    if (count > kMostSlots) {
        return;
    }
    auto body = new_body();
    for (Py_ssize_t i = 0; body && i < count; ++i) {
        if (!add_slot(type, PyList_GET_ITEM(names.get(), i), body->slots)) {
            return;
        }
    }
    // copyreg may have run Python code: what was found before must still be so.
    bool has_dict_now = false;
    if (!body || !protocol_is_default(type) || !metaclass_is_plain(type) || !dict_is_plain(type, has_dict_now)
        || has_dict_now != has_dict || !layout_is_known(type, count)
        || !parts_are_copied_natively(count > 0)) {
        return;
    }
    cached.slot_names = names.get();
    body->type = type;
    body->plan.has_dict = has_dict;
    body->plan.slot_count = count;
    body->plan.slots = body->slots.begin();
    cached.body = std::move(body);
}

bool holds(const Cached& cached, PyTypeObject* type) noexcept {
    if (mutants::is(mutants::Mutant::plan_kept_after_class_changed)) {
        return true;
    }
    return cached.generation == stdlib_tables::generation() && cached.version == TypeVersion::of(type)
        && cached.metaclass_version == TypeVersion::of(Py_TYPE(type))
        && (cached.slot_names == nullptr || still_names(cached));
}

const Plan* make(CopyContext& context, PyTypeObject* type, bool& failed) noexcept {
    Cached fresh;
    const bool plain = names_are_plain(type);
    if (plain) {
        check(context, type, fresh, failed);
    }
    if (failed) {
        return nullptr;
    }
    fresh.type = type;
    if (plain) {  // else looked at again each time: to give the class a number is to look a name up
        fresh.version = TypeVersion::assigned_to(type);
        fresh.metaclass_version = TypeVersion::assigned_to(Py_TYPE(type));
    }
    fresh.generation = stdlib_tables::generation();
    Cached& place = place_of(type);
    if (place.body) {
        if (!retired.push_back(place.body.get())) {  // a frame of this walk may be in the middle of it
            return nullptr;
        }
        static_cast<void>(place.body.release());
        registry::anything_retired = true;
    }
    place = std::move(fresh);
    return place.body ? &place.body->plan : nullptr;
}

}  // namespace

void set_recogniser(Recogniser only) noexcept { recogniser = only; }

const Plan* recall(PyTypeObject* type, std::uint64_t stretch) noexcept {
    const Cached& cached = place_of(type);
    const bool settled = TypeVersion::kAvailable && cached.type == type && holds(cached, type);
    const Plan* plan = settled && cached.body ? &cached.body->plan : nullptr;
    place_of_find(type, stretch) = {type, stretch, plan, settled};
    return plan;
}

const Plan* look(CopyContext& context, PyTypeObject* type, bool& failed) noexcept {
    const Plan* plan = nullptr;
    if (TypeVersion::kAvailable) {  // otherwise a plan could not be trusted
        const Cached& cached = place_of(type);
        if (cached.type == type && holds(cached, type)) {
            plan = cached.body ? &cached.body->plan : nullptr;
        } else {
            plan = make(context, type, failed);
            if (failed) {
                return nullptr;
            }
        }
    }
    const std::uint64_t stretch = primitives::head(context).python_runs;
    place_of_find(type, stretch) = {type, stretch, plan, true};
    return plan;
}

const Plan& in_use(const PyTypeObject* type) noexcept {
    const Cached& cached = place_of(type);
    if (cached.type == type && cached.body) {
        return cached.body->plan;
    }
    // Another class has taken the place since.
    for (std::size_t i = retired.size(); i-- > 0;) {
        if (retired[i]->type == type) {
            return retired[i]->plan;
        }
    }
    std::fputs("calque: the plan of an instance being copied is lost\n", stderr);
    std::abort();
}

void free_retired() noexcept {
    PodVector<Body*> gone;
    gone.swap(retired);
    for (Body* body : gone) {
        delete body;
    }
}

Ref made_by_object_new(PyTypeObject* type) noexcept {
    static PyObject* const no_arguments = PyTuple_New(0);
    return Ref::steal(PyBaseObject_Type.tp_new(type, no_arguments, nullptr));
}

Ref instance_dict(Borrowed instance, bool& usable) noexcept {
    Ref dict = Ref::steal(PyObject_GenericGetDict(instance.get(), nullptr));
    usable = dict && PyDict_CheckExact(dict.get());
    if (!dict) {
        PyErr_Clear();
    }
    if (usable && PyDict_GET_SIZE(dict.get()) == 0) {
        return {};
    }
    return dict;
}

bool set_instance_dict(Borrowed instance, Borrowed dict) noexcept {
    Ref owned = Ref::share(dict);
    if (instance_values::put_dict(instance, owned)) {
        return true;
    }
    // By the descriptor of the class: in 3.13.0 PyObject_GenericSetDict leaves the inline values in force.
    return PyObject_SetAttr(instance.get(), interned::__dict__, dict.get()) == 0;
}

}  // namespace calque::type_plan
