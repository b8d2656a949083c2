// runtime/stdlib_tables.hpp: the tables of copy and copyreg that a program may edit, and whether it did.
//
// copy._deepcopy_dispatch, copy._copy_dispatch (sets of types in 3.14) and copyreg.dispatch_table decide
// in stdlib who copies a type. Programs patch them, at any time. calque reads them when they change:
// their versions are compared when a call starts and whenever Python code has run inside one, and
// what the registry derived from them (registry.hpp, "effective") is derived again.
// The names are looked up in copy's namespace, as copy.py does: rebinding copy._deepcopy_dispatch
// counts, rebinding copyreg.dispatch_table does not (copy imported the object).
#pragma once

#include "cpython/dict_version.hpp"
#include "cpython/set_stamp.hpp"

#include <calque/abi.h>
#include <calque/ref.hpp>

#include <cstdint>

namespace calque::stdlib_tables {

/// At import: finds the modules. False with an exception set.
[[nodiscard]] bool create() noexcept;

/// What refresh_if_changed() compares: the stamps of all tables, side by side.
struct Seen {
    static constexpr int kDicts = 6, kSets = 3;
    DictStamps<kDicts> dicts;
    PyObject* sets[kSets] = {};
    SetStamp set_stamps[kSets];
    int set_count = 0;

    bool unchanged() const noexcept { return sets_unchanged() && dicts.unchanged(); }
    /// What decides about atomic types: copy's names, its dispatch table, its sets.
    bool atomics_unchanged() const noexcept { return sets_unchanged() && dicts.first_unchanged(2); }

private:
    bool sets_unchanged() const noexcept {
        for (int i = 0; i < set_count; ++i) {
            if (!(SetStamp::of(sets[i]) == set_stamps[i])) {
                return false;
            }
        }
        return true;
    }
};
inline Seen seen;
void look_again() noexcept;

/// Cheap when nothing changed: a comparison per table.
inline void refresh_if_changed() noexcept {
    if (!seen.unchanged()) [[unlikely]] {
        look_again();
    }
}

/// Counts up with every change that could matter to a cached decision.
inline std::uint64_t changes = 0;
inline std::uint64_t generation() noexcept { return changes; }
void count_change() noexcept;
/// copyreg.dispatch_table has an entry for `type`.
bool has_reducer(PyTypeObject* type) noexcept;
/// sys.modules['copyreg'] and the functions that object.__reduce_ex__ takes from it are the original ones.
bool copyreg_is_untouched() noexcept;

/// copy.Error
Borrowed error() noexcept;
/// copy.dispatch_table, as it is now.
Borrowed copyreg_table() noexcept;

/// May the built-in handler `spec` serve deepcopy for its type?
bool leaves_to(const calque_handler& spec) noexcept;
/// May the built-in handler `spec` serve copy.copy for its type?
bool leaves_shallow_to(const calque_handler& spec) noexcept;

/// Calls `each(type, function)` for every entry of _deepcopy_dispatch (or _copy_dispatch).
/// `itself`: the entry is copy's own "return x".
using Visit = bool (*)(void* data, PyTypeObject* type, Borrowed function, bool itself);
bool each_deep(Visit each, void* data) noexcept;
bool each_shallow(Visit each, void* data) noexcept;

/// What copy's tables hold for `type` where looking that up runs code of its metaclass; `none` for all
/// other types, and for an entry that is not true. `function`: to be called with x.
enum class ShallowEntry { none, itself, function, error };
ShallowEntry shallow_entry_by_metaclass(PyTypeObject* type, Ref& function) noexcept;

/// A protocol: types whose metaclass has a hash or comparison of its own are looked up in
/// _deepcopy_dispatch the way Python does it.
extern const calque_handler odd_metaclass;
/// SIMPLE: calls handler.user(x, memo), as copy.py calls an entry of _deepcopy_dispatch.
PyObject* call_entry(const calque_handler* self, calque_context* context, PyObject* original) noexcept;

}  // namespace calque::stdlib_tables
