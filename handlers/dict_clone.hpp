// handlers/dict_clone.hpp: a copy of a dict made in a table like the original's (dict_slots.hpp).
//
// build() writes the table from the first place to the last, each value as its copy. If it has to stop at a child, it leaves the
// dict OPEN: nothing behind the child's place, where build() goes on; or, for the few entries of attributes, with the
// originals behind it: a CLONE but for the child's value, whose values copy_values() replaces in place. A
// dict that has no table to build like is cloned first. What is half built, or a clone, nobody may see. end_at() and
// truncate() leave in it what copy.py would have put there by then.
//   Open, because a dict may have a million entries: writing the originals, and taking them out again before Python code runs,
// took 60 ms in which no other thread had a turn (safepoint.hpp); forgetting their indices takes one.
#pragma once

#include "dict_slots.hpp"
#include "primitives.hpp"

#include <calque/handler.hpp>

#include <cstdint>
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

/// What build() leaves where it has to stop.
enum class Rest : std::uint8_t { open, cloned };

/// `dict` is open at `i`: with the child's key, whose value is to come, or, where the child will be asked for again, without.
[[gnu::always_inline]] inline void leave_open(Borrowed dict, const dict_slots::Entries& to, std::uint32_t i,
                                              bool with_key) noexcept {
    to.value(i) = nullptr;
    if (!with_key) {
        const Ref key = Ref::steal(to.key(i));
    }
    dict_slots::show_nothing_behind(dict, with_key ? i + 1 : i);
}

/// Fills `dict`, made by dict_slots::new_like(), from `place` on. Where this does not end in Step::done(), `place` is that of
/// the child, and empty; and `dict` is what `rest` says, or open without its key if the first child was asked for
/// without a walk.
template <Rest rest, class Visit>
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
            constexpr bool asked_for_again = std::is_same_v<Visit, primitives::AskForEach>;
            if constexpr (asked_for_again || rest == Rest::open) {
                leave_open(dict, to, i, !asked_for_again);
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
    if (PyDict_GET_SIZE(dict.get()) == Py_ssize_t{clone.count}) {
        // No holes, and nothing was ever deleted: the table can go back to what it was.
        for (std::uint32_t i = place; i < clone.count; ++i) {
            const Ref key = Ref::steal(clone.key(i));
            const Ref value = Ref::steal(clone.value(i));
        }
        dict_slots::end_at(dict, place, clone.count);
        return true;
    }
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
