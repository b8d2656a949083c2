// runtime/primitives/mutants.hpp: deliberate bugs, to prove that the tests would notice them.
//
// In a build with CALQUE_MUTANTS the environment variable CALQUE_MUTANT names one of the list below, and
// that one thing is broken; `python -m tests.mutants` runs the suite against each and says which test
// caught it. In any other build every question below is the constant `false`.
#pragma once

#include <cstddef>

// X(name, what is broken)
#define CALQUE_MUTANT_LIST(X)                                                              \
 X(atomics_not_looked_up, "a memo that is watched is not asked for atomics (before 3.14)") \
 X(child_not_kept_at_safepoint, "what a thread takes out of a list dies before its visit") \
 X(collector_not_given_back, "garbage collection stays off in hooks (before 3.12)")        \
 X(dict_clone_not_undone, "a clone still holds what is not copied yet when Python runs")   \
 X(first_copy_forgotten_on_cycle, "a tuple on a cycle does not ask the memo again")        \
 X(flush_without_keepalive, "originals are not kept alive when Python code runs")          \
 X(frame_not_released_on_abort, "an aborted copy keeps what its frames hold")              \
 X(hostile_names_looked_up, "a class with names that compare by Python code gets a plan")  \
 X(in_progress_not_noted, "a tuple met inside itself is not recognised")                   \
 X(instance_array_not_undone, "an instance shows its first attributes when Python runs")   \
 X(instance_filled_early, "an instance shows its state before it is complete")             \
 X(instance_hook_ignored, "hooks in the dict of an instance do not count")                 \
 X(key_before_value, "the key of a dict is copied before the value")                       \
 X(list_published_after_children, "a list enters the memo when it is complete")            \
 X(memo_shared_with_nested_call, "deepcopy(x) called in a hook continues the outer copy")  \
 X(moved_object_not_owned, "what a hook moved on passes for never met")                    \
 X(nobody_has_a_turn, "threads and signals wait for the end of a native copy")             \
 X(other_writes_of_hook_missed, "a hook's entry for itself hides what else it wrote")      \
 X(plan_kept_after_class_changed, "a class that changed is copied as before")              \
 X(shared_tuple_not_memoized, "a copied tuple does not enter the memo")                    \
 X(tables_read_once, "changes of copy's and copyreg's tables do not count")                \
 X(tuple_not_untracked, "the collector shows a half-filled tuple when Python runs")        \
 X(write_of_user_not_noticed, "what a hook writes to its memo does not count")

namespace calque {
class Memo;
}  // namespace calque

namespace calque::mutants {

enum class Mutant {
    none,
#define CALQUE_NAME(name, what) name,
    CALQUE_MUTANT_LIST(CALQUE_NAME)
#undef CALQUE_NAME
};

constexpr unsigned kPollsEvery = 32;  // visits: safepoint.hpp
constexpr std::size_t kSlice = 1024;  // entries

#ifdef CALQUE_MUTANTS
inline Mutant chosen = Mutant::none;
/// At import: reads CALQUE_MUTANT. False with ImportError set if it names none of the list.
[[nodiscard]] bool choose() noexcept;
inline bool is(Mutant mutant) noexcept { return chosen == mutant; }

constexpr int kCollections = 32;  // of one walk: a collection for each object of a large one would take hours
// No bug, but what a copy must not be changed by: with CALQUE_SAFEPOINTS=all in the environment every poll of every walk is
// answered, by a switch of threads and a collection, and slices are as small as can be (safepoint.hpp).
inline bool all_safepoints = false;
inline bool polls_are_answered() noexcept { return all_safepoints; }
inline unsigned polls_every() noexcept { return all_safepoints ? 1 : kPollsEvery; }
inline std::size_t slice() noexcept { return all_safepoints ? 1 : kSlice; }
#else
inline bool choose() noexcept { return true; }
constexpr bool is(Mutant) noexcept { return false; }
constexpr int kCollections = 0;
constexpr bool polls_are_answered() noexcept { return false; }
constexpr unsigned polls_every() noexcept { return kPollsEvery; }
constexpr std::size_t slice() noexcept { return kSlice; }
#endif

inline Memo* outer_memo = nullptr;  // memo_shared_with_nested_call

}  // namespace calque::mutants
