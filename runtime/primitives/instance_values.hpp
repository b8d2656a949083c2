// runtime/primitives/instance_values.hpp: the attributes of an instance whose names are its class's.
//
// Most instances of a class have the same attributes. So the class keeps the names (the SHARED KEYS), and an
// instance an array of values: its dict does in 3.10, itself since 3.11, where it makes a dict of them only
// when asked for one. Copying array to array hashes nothing, keeps the names shared, and since 3.11 makes no
// dict on either side, neither of the copy nor, as asking for `__dict__` would, of the original.
//   values  the array, indexed as the shared keys are
//   order   the indices in order of insertion, a byte each
// Which bytes are meant is known to runtime/cpython/instance_layout.cpp alone. Twin: the instance's dict.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

#include <cstdint>

namespace calque::instance_values {

struct View {
    PyObject** values = nullptr;
    std::uint8_t* order = nullptr;  // of the first; the next lies `step` bytes on
    std::int8_t step = 1;
    std::uint8_t size = 0;

    std::uint8_t index(unsigned i) const noexcept { return order[static_cast<int>(i) * step]; }
};

/// The attributes of an instance whose class keeps them in its own dict or in values. False: they are kept in
/// another way, or the layout is not known, or someone else refers to the instance's dict.
[[nodiscard]] bool read(Borrowed instance, View& view) noexcept;

/// An instance with no attributes and no dict, or an empty one. False also when that cannot be seen.
[[nodiscard]] bool is_empty(Borrowed instance) noexcept;

/// The dict of an instance that has one already; empty also when that cannot be seen.
Borrowed dict_of(Borrowed instance) noexcept;

/// Makes `dict` the dict of a bare instance, whose array, if it has one, is empty. False: nothing has been done.
[[nodiscard]] bool put_dict(Borrowed bare, Ref& dict) noexcept;

/// The array of a bare instance of the same class, for filling. False: it has none, or one too small. Where an
/// array is part of a dict, this makes the dict: an allocation.
[[nodiscard]] bool open(Borrowed bare, const View& like, View& view) noexcept;

/// The values were stored: now they are attributes, in the order of `like`.
void close(Borrowed filled, const View& view, const View& like) noexcept;

/// The name of the attribute at an index.
Borrowed name(PyTypeObject* type, unsigned index) noexcept;

/// The number of names in the shared keys.
unsigned name_count(PyTypeObject* type) noexcept;

/// Whether the shared keys only ever grow, so that a name looked at need not be looked at again. Up to 3.10 a
/// class may come to share the keys of another instance, which has other names in the same places.
constexpr bool kNamesStay = CALQUE_SHARED_KEYS_STAY;

}  // namespace calque::instance_values
