// runtime/cpython/gc_hold.hpp: no collection inside native stretches, where one could happen at all.
//
// Up to 3.11 any allocation of a container may start the collector, and the collector runs
// finalizers and weak reference callbacks: Python code at a moment when the memo counts on none
// having run. So the collector is switched off for the stretch, and is the caller's again at every
// entry into Python code; what that code sets (gc.disable(), gc.enable()) is read at the next stretch
// and so kept. Since 3.12 collections start only at the eval breaker, which native code does not
// reach, and both functions do nothing.
//
// A program that does nothing but copy cyclic graphs and drop them would never be collected: all its containers
// are allocated in such stretches. So after every so many objects offer_collection() makes a container outside: at
// the beginning of a copy, when the one before may have been dropped, not at its end, when every copy of a
// thousand containers would be looked through (a third more time for a list of 1000 lists).
#pragma once

#include "primitives/mutants.hpp"

#include <calque/compat.hpp>
#include <calque/ref.hpp>

#include <cstddef>

namespace calque {

#if CALQUE_ALLOCATION_COLLECTS
inline std::size_t copied_since_offer = 0;  // of all threads: guarded by the GIL
#endif

/// A copy of so many objects has ended.
inline void count_copied(std::size_t objects) noexcept {
#if CALQUE_ALLOCATION_COLLECTS
    copied_since_offer += objects;
#else
    static_cast<void>(objects);
#endif
}

/// Before a copy. May start the collector, which runs Python code; leaves no exception.
[[gnu::always_inline]] inline void offer_collection() noexcept {
#if CALQUE_ALLOCATION_COLLECTS
    constexpr std::size_t kOften = 700;  // the collector's own threshold, unless somebody set another
    if (copied_since_offer >= kOften) [[unlikely]] {
        copied_since_offer = 0;
        // A set comes from no free list. Without memory for one there is nothing to offer.
        const Ref container = Ref::steal(PySet_New(nullptr));
        PyErr_Clear();
    }
#endif
}

/// Both functions may be called again without effect.
class GcHold {
public:
    void hold() noexcept {
#if CALQUE_ALLOCATION_COLLECTS
        if (!held_) {
            held_ = true;
            caller_has_it_on_ = PyGC_Disable() != 0;
        }
#endif
    }
    void release() noexcept {
#if CALQUE_ALLOCATION_COLLECTS
        if (held_) {
            held_ = false;
            if (caller_has_it_on_ && !mutants::is(mutants::Mutant::collector_not_given_back)) {
                PyGC_Enable();
            }
        }
#endif
    }

#if CALQUE_ALLOCATION_COLLECTS
private:
    bool held_ = false;
    bool caller_has_it_on_ = false;
#endif
};

}  // namespace calque
