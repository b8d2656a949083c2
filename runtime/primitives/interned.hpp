// runtime/primitives/interned.hpp: the attribute names calque looks up, interned once. Sorted, one per line.
#pragma once

#include <Python.h>

#define CALQUE_INTERNED_NAMES(X) \
 X(Fraction)                     \
 X(__class__)                    \
 X(__copy__)                     \
 X(__deepcopy__)                 \
 X(__dict__)                     \
 X(__getnewargs__)               \
 X(__getnewargs_ex__)            \
 X(__getstate__)                 \
 X(__mro__)                      \
 X(__name__)                     \
 X(__new__)                      \
 X(__newobj__)                   \
 X(__newobj_ex__)                \
 X(__reduce__)                   \
 X(__reduce_ex__)                \
 X(__replace__)                  \
 X(__setstate__)                 \
 X(__slotnames__)                \
 X(__slots__)                    \
 X(_atomic_types)                \
 X(_copy_atomic_types)           \
 X(_copy_builtin_containers)     \
 X(_copy_dispatch)               \
 X(_deepcopy_dispatch)           \
 X(_slotnames)                   \
 X(append)                       \
 X(copyreg)                      \
 X(dispatch_table)               \
 X(get)                          \
 X(items)                        \
 X(type)                         \
 X(update)

namespace calque::interned {

#define CALQUE_DECLARE(name) inline PyObject* name = nullptr;
CALQUE_INTERNED_NAMES(CALQUE_DECLARE)
#undef CALQUE_DECLARE

/// At import. False with an exception set.
[[nodiscard]] inline bool create() noexcept {
#define CALQUE_CREATE(name) \
 if (name == nullptr && (name = PyUnicode_InternFromString(#name)) == nullptr) return false;
    CALQUE_INTERNED_NAMES(CALQUE_CREATE)
#undef CALQUE_CREATE
    return true;
}

}  // namespace calque::interned
