// handlers/dict_clone.hpp: a copy of a dict made in a table like the original's (dict_slots.hpp).
//
// build() writes the table from the first place to the last, each value as its copy. If it has to stop at a child, the
// places behind get the originals, and the dict is a CLONE but for the child's value: from then on
// copy_values() replaces values in place. So it is of a dict that has no table to build like, which is cloned first.
// What is half built, or a clone, nobody may see. truncate() leaves in a clone what copy.py would have put there by
// then.
#pragma once

#include "dict_slots.hpp"
#include "primitives.hpp"

#include <calque/handler.hpp>

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace calque::dict_clone {

/// The places behind `i`, whose own value stays away.
[[gnu::noinline, gnu::cold]] inline void finish_clone(Borrowed dict, Borrowed original,
                                                      const dict_slots::Entries& from,
                                                      const dict_slots::Entries& to,
                                                      std::uint32_t i) noexcept {
    to.value(i) = nullptr;
    while (++i < from.count) {
        to.share_key(i, from);
        to.value(i) = Ref::share(from.value(i)).release();
    }
    dict_slots::show_like(dict, original);
}

/// A dict that can be built like the original, table and all: no holes, no more room than its pairs need.
inline bool can_be_built(Borrowed original, const dict_slots::Entries& entries) noexcept {
    return entries.count > 0 && dict_slots::is_tight(original, entries);
}

/// Or, where build() is to go on: nothing in the places from `i` on.
inline void leave_open(const dict_slots::Entries& from, const dict_slots::Entries& to,
                       std::uint32_t i) noexcept {
    const Ref key = Ref::steal(to.key(i));
    std::memset(to.pair(i), 0, std::size_t{from.count - i - 1} * to.stride + 2 * sizeof(PyObject*));
}

/// Fills `dict`, made by dict_slots::new_like(), from `place` on. Where this does not end in Step::done(), `place` is that of
/// the child, and empty; and `dict` is a clone, unless the first child was asked for without a walk.
template <class Visit>
[[gnu::always_inline]] inline Step build(Borrowed dict, Borrowed original, const dict_slots::Entries& from,
                                         const dict_slots::Entries& to, std::uint32_t& place,
                                         Visit visit) noexcept {
    for (std::uint32_t i = place; i < from.count; ++i) {
        to.share_key(i, from);
        const Borrowed value = from.value(i);
        const auto look = primitives::known_types.look(value.type());
        if (look.atomic()) {
            to.value(i) = Ref::share(value).release();
            continue;
        }
        const calque_step visited = visit(value, look);
        if (visited.outcome != primitives::kValue) {
            place = i;
            if constexpr (std::is_same_v<Visit, primitives::AskForEach>) {
                leave_open(from, to, i);
            } else {
                finish_clone(dict, original, from, to, i);
            }
            return Step::of(visited);
        }
        to.value(i) = visited.object;
    }
    place = from.count;
    dict_slots::show_like(dict, original);
    return Step::done();
}

/// From `place` on. Where this does not end in Step::done(), `place` is that of the child, and empty.
template <class Visit>
[[gnu::always_inline]] inline Step copy_values(const dict_slots::Entries& clone, std::uint32_t& place,
                                               Visit visit) noexcept {
    for (std::uint32_t i = place; i < clone.count; ++i) {
        PyObject*& here = clone.value(i);
        const Borrowed value = here;
        if (!value) {
            continue;
        }
        const auto look = primitives::known_types.look(value.type());
        if (look.atomic()) {
            continue;
        }
        // The original alone holds its value again, which may so be met as what it is: unique.
        Ref given_back = Ref::steal(std::exchange(here, nullptr));
        given_back = {};
        const calque_step visited = visit(value, look);
        if (visited.outcome != primitives::kValue) {
            place = i;
            if constexpr (std::is_same_v<Visit, primitives::AskForEach>) {
                here = Ref::share(value).release();  // to be asked for again
            }
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
