// runtime/primitives/interned.hpp: the attribute names calque looks up, interned once. Sorted, one per line.
#pragma once

#include <Python.h>

#define CALQUE_INTERNED_NAMES(X) \
 X(Fraction)                     \
 X(Mapping)                      \
 X(SafeUUID)                     \
 X(__call__)                     \
 X(__class__)                    \
 X(__copy__)                     \
 X(__deepcopy__)                 \
 X(__del__)                      \
 X(__dict__)                     \
 X(__get__)                      \
 X(__getattr__)                  \
 X(__getattribute__)             \
 X(__getinitargs__)              \
 X(__getnewargs__)               \
 X(__getnewargs_ex__)            \
 X(__getstate__)                 \
 X(__init__)                     \
 X(__instancecheck__)            \
 X(__iter__)                     \
 X(__len__)                      \
 X(__mro__)                      \
 X(__name__)                     \
 X(__new__)                      \
 X(__newobj__)                   \
 X(__newobj_ex__)                \
 X(__notes__)                    \
 X(__reduce__)                   \
 X(__reduce_ex__)                \
 X(__replace__)                  \
 X(__setstate__)                 \
 X(__slotnames__)                \
 X(__slots__)                    \
 X(_abc_instancecheck)           \
 X(_atomic_types)                \
 X(_collections_abc)             \
 X(_attributes)                  \
 X(_copy_atomic_types)           \
 X(_copy_builtin_containers)     \
 X(_copy_dispatch)               \
 X(_deepcopy_dispatch)           \
 X(_fields)                      \
 X(_member_map_)                 \
 X(_name_)                       \
 X(_slotnames)                   \
 X(_tuple_new)                   \
 X(_value2member_map_)           \
 X(_value_)                      \
 X(add_note)                     \
 X(append)                       \
 X(copy)                         \
 X(copyreg)                      \
 X(dict)                         \
 X(dispatch_table)               \
 X(get)                          \
 X(getattr)                      \
 X(is_safe)                      \
 X(isinstance)                   \
 X(items)                        \
 X(keys)                         \
 X(memo)                         \
 X(object)                       \
 X(share)                        \
 X(super)                        \
 X(type)                         \
 X(unknown)                      \
 X(update)

namespace calque::interned {

#define CALQUE_DECLARE(name) inline PyObject* name = nullptr;
CALQUE_INTERNED_NAMES(CALQUE_DECLARE)
#undef CALQUE_DECLARE

// The name of a type in C++ as well.
inline PyObject* int_ = nullptr;

/// At import. False with an exception set.
[[nodiscard]] inline bool create() noexcept {
#define CALQUE_CREATE(name) \
 if (name == nullptr && (name = PyUnicode_InternFromString(#name)) == nullptr) return false;
    CALQUE_INTERNED_NAMES(CALQUE_CREATE)
#undef CALQUE_CREATE
    return int_ != nullptr || (int_ = PyUnicode_InternFromString("int")) != nullptr;
}

}  // namespace calque::interned
