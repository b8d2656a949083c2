// runtime/shallow_plan.hpp: what copy.copy comes to for a class, known in advance.
//
// copy.copy asks its table, the class for __copy__, copyreg, then x for __reduce_ex__, and takes the answer
// apart again. For nearly every class the outcome is the same each time: list.copy, x itself, or a bare
// instance that is given the attributes and slots of x. Which one is decided once per class; the
// checklist is in shallow_plan.cpp. It is not that of deepcopy (type_plan.hpp): __copy__ counts instead of
// __deepcopy__, and __setattr__ only where there are slots, so that frozen dataclasses have a plan.
//
// A decision holds as long as a plan for deepcopy does, and for the same reasons: the version tags of class and
// metaclass, the generation of the tables of copy and copyreg, the names in cls.__slotnames__. There is no
// stretch without Python code to remember it for, so all of this is compared at each call. Twin: by_protocol.
#pragma once

#include "cpython/type_version.hpp"
#include "pod_vector.hpp"
#include "primitives/hashed_place.hpp"
#include "primitives/mutants.hpp"
#include "primitives/type_plan.hpp"
#include "stdlib_tables.hpp"

#include <calque/abi.h>
#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>

namespace calque::shallow_plan {

enum class Way : std::uint8_t {
    itself,
    list,
    dict,
    set,
    handler,  // calque's own, for exactly this type
    // The ways above follow from tables alone, which keep the type; those below from the class as well.
    by_protocol,
    instance,  // object.__new__(cls), attributes, slots
    known,     // Known::shallow
};

struct Plan {
    PyTypeObject* type = nullptr;  // an address; says nothing about a living class until `version` agrees
    TypeVersion version;
    TypeVersion metaclass_version;
    std::uint64_t generation = 0;
    Way way = Way::by_protocol;
    bool has_dict = false;                    // instance
    mutable unsigned names_looked_at = 0;     // instance: of the class's shared keys
    const calque_handler* handler = nullptr;  // handler
    PyObject* slot_names = nullptr;           // instance: cls.__slotnames__, alive as long as `version` holds
    PodVector<type_plan::Slot> slots;         // instance; their names are owned

    bool holds(PyTypeObject* asked) const noexcept {
        if (mutants::is(mutants::Mutant::plan_kept_after_class_changed) && type == asked
            && way != Way::by_protocol) {
            return true;
        }
        return type == asked && generation == stdlib_tables::generation()
            && (way < Way::by_protocol
                || (version == TypeVersion::of(asked)
                    && metaclass_version == TypeVersion::of(Py_TYPE(asked))));
    }
};

constexpr int kPlaceBits = 9;
alignas(Plan) inline unsigned char places[sizeof(Plan) << kPlaceBits];  // zeros are an empty Plan

/// Decides anew. Runs no Python code.
const Plan& make(PyTypeObject* type, Plan& place) noexcept;

/// True to the class until Python code runs, which an allocation may do up to 3.11.
inline const Plan& of(PyTypeObject* type) noexcept {
    Plan& plan = reinterpret_cast<Plan*>(places)[primitives::hashed_place(type, kPlaceBits)];
    return plan.holds(type) ? plan : make(type, plan);
}

/// By a plan of this way. Empty without an exception: by the protocol, nothing has happened yet.
Ref copy_instance(Borrowed x, const Plan& plan) noexcept;

}  // namespace calque::shallow_plan
