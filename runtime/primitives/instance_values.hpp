// runtime/primitives/instance_values.hpp: the attributes of an instance whose names are its class's.
//
// Most instances of a class have the same attributes. So the class keeps the names (the SHARED KEYS), and an
// instance an array of values: its dict does in 3.10, itself since 3.11, where it makes a dict of them only
// when asked for one. Copying array to array hashes nothing, keeps the names shared, and since 3.11 makes no
// dict on either side, neither of the copy nor, as asking for `__dict__` would, of the original.
//   values  the array, indexed as the shared keys are
//   order   the indices in order of insertion, a byte each
// Which bytes are meant is known to runtime/cpython/instance_layout.hpp alone. Twin: the instance's dict.
//
//   View view                     values, order, how many; index(i): where the i-th attribute lies
//   read(instance, view)          the attributes of an instance whose class keeps them in its own dict or in values.
//                                 False: they are kept in another way, or the layout is not known, or someone else
//                                 refers to the instance's dict
//   open(bare, like, view)        the array of a bare instance of the same class, for filling. False: it has none, or
//                                 one too small. Where an array is part of a dict, this makes the dict: an allocation
//   close(filled, view, like)     the values were stored: now they are attributes, in the order of `like`
//   dict_of(instance)             the dict of an instance that has one already; empty also when that cannot be seen
//   name(type, index)             the name of the attribute at an index
//   name_count(type)              the number of names in the shared keys
#pragma once

#include "instance_layout.hpp"
#include "strategies.hpp"

#include <calque/ref.hpp>

#include <cstdint>

namespace calque::instance_values {

/// An instance with no attributes and no dict, or an empty one. False also when that cannot be seen.
[[nodiscard]] bool is_empty(Borrowed instance) noexcept;

/// Makes `dict` the dict of a bare instance, whose array, if it has one, is empty. False: nothing has been done.
[[nodiscard]] bool put_dict(Borrowed bare, Ref& dict) noexcept;

/// Whether the shared keys only ever grow, so that a name looked at need not be looked at again. Up to 3.10 a
/// class may come to share the keys of another instance, which has other names in the same places.
constexpr bool kNamesStay = CALQUE_SHARED_KEYS_STAY;

}  // namespace calque::instance_values
