// handlers/dict_clone.hpp: a clone of a dict, made a copy by replacing values in place (dict_slots.hpp).
//
// While this goes on, the clone holds originals: nobody may see it. truncate() leaves in it what copy.py would have
// put there by then.
#pragma once

#include "dict_slots.hpp"
#include "primitives.hpp"

#include <calque/handler.hpp>

#include <cstdint>
#include <utility>

namespace calque::dict_clone {

/// From `place` on. Where this does not end in Step::done(), `place` is that of the child, and empty.
template <class Visit>
[[gnu::always_inline]] inline Step copy_values(const dict_slots::Entries& clone, std::uint32_t& place,
                                               Visit visit) noexcept {
    for (std::uint32_t i = place; i < clone.count; ++i) {
        PyObject*& here = clone.value(i);
        const Borrowed value = here;
        if (!value || primitives::known_types.atomic(value.type())) {
            continue;
        }
        // The original alone holds its value again, which may so be met as what it is: unique.
        Ref given_back = Ref::steal(std::exchange(here, nullptr));
        given_back = {};
        const calque_step visited = visit(value);
        if (visited.outcome != primitives::kValue) {
            place = i;
            return Step::of(visited);
        }
        here = visited.object;
    }
    place = clone.count;
    return Step::done();
}

/// How many pairs there are, with the one at `place`, whose value is a child being copied.
inline std::uint32_t pairs_up_to(const dict_slots::Entries& clone, std::uint32_t place) noexcept {
    std::uint32_t pairs = 1;
    for (std::uint32_t i = 0; i < place; ++i) {
        pairs += clone.value(i) != nullptr;
    }
    return pairs;
}

/// The pair at `place` and all after it go. False with an exception set.
[[nodiscard]] inline bool truncate(Borrowed dict, const dict_slots::Entries& clone,
                                   std::uint32_t place) noexcept {
    clone.value(place) = Ref::share(Py_None).release();
    bool good = true;
    for (std::uint32_t i = clone.count; i-- > place;) {
        if (clone.value(i) != nullptr) {
            const Ref key = Ref::share(clone.key(i));
            good = PyDict_DelItem(dict.get(), key.get()) == 0 && good;
        }
    }
    return good;
}

}  // namespace calque::dict_clone
