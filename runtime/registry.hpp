// runtime/registry.hpp: storage of the registry, and what follows from it for each type.
//
//   builtin_    calque's own handlers, by type
//   user_       handlers of others, by type: they win
//   protocols_  handlers without a type, in order; closed after import
//   effective_  what deepcopy uses for exactly this type: derived from the above and from copy's
//               tables, again whenever one of them changes. One look-up per container copied.
//   behind_     where a claim (shared_classes.hpp) stands before what effective_ would hold: that
//   shallow_    the same as effective_ for copy.copy
//   retired_    removed handlers. A walk under way may have frames of theirs, so they are freed when
//               no walk is.
//
// Everything is guarded by the GIL: changes happen in Python code or at its borders, and a walk
// re-reads the maps after Python code has run.
#pragma once

#include <calque/abi.h>
#include <calque/ref.hpp>

#include <cstddef>

namespace calque::registry {

/// C ABI; see abi.h.
int add(const calque_handler* handler) noexcept;
int remove(PyTypeObject* type) noexcept;
/// calque's own; `add` is theirs too, this only tells whose they are.
void close_builtins() noexcept;

/// Derives effective_ and shallow_ again. False with MemoryError set; then nothing changed.
bool derive() noexcept;

const calque_handler* effective(PyTypeObject* type) noexcept;
/// After a guest has declined: who serves exactly `type` without it.
const calque_handler* behind_guest(PyTypeObject* type) noexcept;
/// Does calque's own handler serve exactly `type`, whoever could have changed that?
bool served_by_builtin(PyTypeObject* type) noexcept;

/// How copy.copy treats exactly this type.
struct Shallow {
    bool itself = false;                      // returns x
    const calque_handler* handler = nullptr;  // handler->shallow(x)
    bool own = false;                         // the handler is calque's: it stays, and runs no Python code
    Borrowed function;                        // function(x), if it is true

    bool applies() const noexcept { return itself || handler != nullptr || function; }
};
const Shallow* shallow(PyTypeObject* type) noexcept;
/// The same with CALQUE_SUBCLASSES, unless a class nearer than the one with the handler defines __copy__.
const Shallow* shallow_for_subclass(PyTypeObject* type) noexcept;

/// Some handler has CALQUE_SUBCLASSES. Then the next three look up names in the dicts of classes, which runs Python code where
/// those have names that are no plain strings (class_facts.hpp).
bool any_for_subclasses() noexcept;
/// Of a claim on a base of `type`, or with CALQUE_SUBCLASSES; or null.
const calque_handler* for_subclass(PyTypeObject* type) noexcept;
/// The second of these.
const calque_handler* registered_for_subclass(PyTypeObject* type) noexcept;

std::size_t protocol_count() noexcept;
const calque_handler* protocol(std::size_t index) noexcept;

/// Who brought a handler.
enum class Source { builtin, registered, dispatch_table };
/// Calls `visit` for every handler with a type, calque's own that are not in use included. False as soon as `visit` is.
using Visit = bool (*)(void* data, const calque_handler& handler, Source source);
bool each(Visit visit, void* data) noexcept;

/// Something that a walk may still use was replaced: handlers here, plans in type_plan.cpp.
inline bool anything_retired = false;

/// A walk holds this: what is replaced meanwhile stays valid.
class InUse {
public:
    InUse() noexcept { ++walks_; }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;
    ~InUse() {
        --walks_;
        if (anything_retired) [[unlikely]] {
            free_retired();
        }
    }

    /// Unless a walk is under way.
    static void free_retired() noexcept;

private:
    static inline std::size_t walks_ = 0;
};

}  // namespace calque::registry
