// runtime/own_hook.hpp: classes whose first protocol is sure to be __deepcopy__, and that function.
//
// Nothing is registered for such a class, the look-up is object's own, and no recogniser vouches for it
// (known_class.hpp, whose decision this is: an index over its entries, with the grounds that these have).
// Its instances are not asked about the protocols before __deepcopy__: five frames for one call.
#pragma once

#include "cpython/type_version.hpp"
#include "primitives/hashed_place.hpp"
#include "primitives/mutants.hpp"
#include "stdlib_tables.hpp"

#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>

namespace calque::known_class {

struct Hooked {
    PyTypeObject* type = nullptr;
    PyObject* hook = nullptr;  // of the class, and alive as long as its version holds
    TypeVersion version, metaclass_version;
    std::uint64_t generation = 0;
    unsigned plain_names = 0;  // the first names of its instances' attributes, none of which hides the hook

    bool holds() const noexcept {
        return (version == TypeVersion::of(type) && metaclass_version == TypeVersion::of(Py_TYPE(type))
                && generation == stdlib_tables::generation())
            || mutants::is(mutants::Mutant::plan_kept_after_class_changed);
    }
};

constexpr int kHookBits = 8;
inline Hooked hooked[1u << kHookBits];
inline Hooked& hooked_place(PyTypeObject* type) noexcept {
    return hooked[primitives::hashed_place(type, kHookBits)];
}

/// The slow half of own_hook(): the function, or empty; its place tells the same.
Borrowed examine_hook(PyTypeObject* type) noexcept;

/// `type`, with the function that copies its instances, unless the instance hides it (comes_to()); or null: ask the
/// protocols. The function is borrowed from the class.
inline Hooked* own_hook(PyTypeObject* type) noexcept {
    Hooked& place = hooked_place(type);
    return place.type == type && (place.holds() || examine_hook(type)) ? &place : nullptr;
}

}  // namespace calque::known_class
