// runtime/primitives/type_plan.hpp: what the reduce protocol would do for instances of a class, known in advance.
//
// For most classes object.__reduce_ex__ and copy._reconstruct come to the same few steps every time:
// object.__new__(cls), copy the instance's dict, copy its slots, put both into the new object. A PLAN
// says that this is so for a class, and where its slots lie. It exists only if nothing that the protocol
// would look up is overridden (the checklist is in type_plan.cpp, source: Lib/copy.py, Lib/copyreg.py,
// Objects/typeobject.c, 3.10 to 3.14).
//
// What a plan depends on, and how a change is seen
//   the class and its bases  tp_version_tag: every change of an attribute gives the class a new one
//   its metaclass            its version tag
//   copyreg, copy's tables   the generation that stdlib_tables counts up
//   cls.__slotnames__        a list anybody may edit in place: compared name by name
// All this is examined once per class and stretch without Python code (ContextHead::python_runs): in between
// nobody can change it. A plan that does not hold any more is made again; a class without one is asked again when one of these
// has changed. Twin: no plans; the protocol itself (handlers/reduce.cpp).
#pragma once

#include "hashed_place.hpp"
#include "primitives.hpp"

#include <calque/compat.hpp>
#include <calque/context.hpp>
#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>

namespace calque::type_plan {

struct Slot {
    PyObject* name;  // interned, owned by the plan
    Py_ssize_t offset;
};

struct Plan {
    primitives::Native kind = primitives::Native::instance;  // who goes by it
    bool has_dict = false;
    Py_ssize_t slot_count = 0;
    const Slot* slots = nullptr;
    mutable unsigned names_looked_at = 0;  // handlers/instance.hpp: of the class's shared keys
    PyObject* fields = nullptr;            // handlers/ast.hpp: cls._fields and cls._attributes, alive as long
    PyObject* attributes = nullptr;        // as the class is the same
};

/// For classes that are reduced by a function in C of their own: fills in `plan` if it can vouch for `type`, for
/// which nobody has registered anything, and whose attributes and metaclass are looked up in the ordinary way.
/// Runs no Python code. One, at import.
using Recogniser = bool (*)(PyTypeObject* type, Plan& plan) noexcept;
void set_recogniser(Recogniser recogniser) noexcept;

/// What find() or recall() found last at each place of the cache. A class has two: with one, two classes of a graph that fall on
/// the same place would be examined again for each instance (of thirty classes of syntax nodes some do, in every
/// third process).
struct Found {
    PyTypeObject* type = nullptr;
    std::uint64_t stretch = 0;  // the one in which it was found: ContextHead::python_runs
    const Plan* plan = nullptr;
    bool settled = false;  // false: nobody has asked find() yet, which may make a plan
};
constexpr int kPlaceBits = 10;
inline Found found[1u << kPlaceBits];

inline std::size_t place(const PyTypeObject* type) noexcept {
    return primitives::hashed_place(type, kPlaceBits);
}

/// The plan made for `type` in an earlier stretch, if it still holds. Makes none, and runs no Python code.
const Plan* recall(PyTypeObject* type, std::uint64_t stretch) noexcept;

inline std::size_t other(std::size_t place) noexcept { return place ^ 1; }

/// What was found in this stretch without Python code, or null.
inline const Found* found_now(const PyTypeObject* type, std::uint64_t stretch) noexcept {
    const std::size_t first = place(type);
    for (const Found* here : {&found[first], &found[other(first)]}) {
        if (here->type == type && here->stretch == stretch) {
            return here;
        }
    }
    return nullptr;
}

/// The plan as find() would give it, or null, also where find() would have to make one. So for a class that had
/// none when it was met last (it has a hook of its own) nothing is examined.
inline const Plan* known(PyTypeObject* type, std::uint64_t stretch) noexcept {
    if (const Found* here = found_now(type, stretch)) {
        return here->plan;
    }
    const Found& last = found[place(type)];
    return last.type == type && last.plan == nullptr ? nullptr : recall(type, stretch);
}

/// The plan of `type`, or null: go by the protocol. Making one may run Python code (copyreg._slotnames
/// of classes met for the first time, as in stdlib) and then is bracketed in `context`; `failed` tells of
/// an exception set there. True to the class until Python code runs; readable until the walk ends.
const Plan* look(CopyContext& context, PyTypeObject* type, bool& failed) noexcept;
inline const Plan* find(CopyContext& context, PyTypeObject* type, bool& failed) noexcept {
    const Found* here = found_now(type, primitives::head(context).python_runs);
    failed = false;
    return here != nullptr && here->settled ? here->plan : look(context, type, failed);
}

/// The plan by which an instance of `type` is being copied; no Python code has run since it was found.
const Plan& in_use(const PyTypeObject* type) noexcept;

/// Plans that lost their place while walks were under way; called when there are none.
void free_retired() noexcept;

/// `object.__new__(type)`, called.
Ref made_by_object_new(PyTypeObject* type) noexcept;

/// The same.
inline Ref bare_instance(PyTypeObject* type) noexcept {
    return CALQUE_OBJECT_NEW_ALLOCATES(type) && !PyType_HasFeature(type, Py_TPFLAGS_IS_ABSTRACT)
             ? Ref::steal(type->tp_alloc(type, 0))
             : made_by_object_new(type);
}

/// For an instance that is to get a dict of its own: without an array for its attributes, if that can be had.
inline Ref bare_instance_for_dict(PyTypeObject* type) noexcept {
    return PyType_HasFeature(type, Py_TPFLAGS_IS_ABSTRACT) ? made_by_object_new(type)
                                                           : Ref::steal(type->tp_alloc(type, 0));
}

/// The dict of an instance whose plan has_dict, as object.__reduce_ex__ finds it: empty if there is none
/// or it is empty. `usable` is false if it is not an exact dict.
Ref instance_dict(Borrowed instance, bool& usable) noexcept;

/// Makes `dict` the dict of a bare instance. False with an exception set.
[[nodiscard]] bool set_instance_dict(Borrowed instance, Borrowed dict) noexcept;

/// The value in a slot; empty if unset.
inline Borrowed slot_value(Borrowed instance, const Slot& slot) noexcept {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(instance.get()) + slot.offset);
}

/// Empties a slot.
inline Ref take_slot(Borrowed instance, const Slot& slot) noexcept {
    return Ref::steal(std::exchange(
        *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(instance.get()) + slot.offset), nullptr));
}

/// Fills an unset slot of a bare instance.
inline void fill_slot(Borrowed instance, const Slot& slot, Ref value) noexcept {
    *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(instance.get()) + slot.offset) = value.release();
}

}  // namespace calque::type_plan
