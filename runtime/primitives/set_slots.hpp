// runtime/primitives/set_slots.hpp: the members of a set as they lie in memory.
//
// Reads PySetObject (table, mask: public structure, unchanged from 3.10 to 3.14). A slot that was emptied keeps
// the mark that CPython calls dummy, whose hash is -1, which is no hash of an object. Twin: says nothing of any
// set but the empty one.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

namespace calque::set_slots {

/// Whether `is_so` holds for every member; false also where members cannot be looked at. Runs no Python code.
template <class Question>
bool each(Borrowed set, Question is_so) noexcept {
    if (PySet_GET_SIZE(set.get()) == 0) {
        return true;
    }
#if CALQUE_USE_SET_COUNTERS
    const auto* raw = reinterpret_cast<PySetObject*>(set.get());
    for (Py_ssize_t i = 0; i <= raw->mask; ++i) {
        const setentry& entry = raw->table[i];
        if (entry.key != nullptr && entry.hash != -1 && !is_so(entry.key)) {
            return false;
        }
    }
    return true;
#else
    static_cast<void>(is_so);
    return false;
#endif
}

}  // namespace calque::set_slots
