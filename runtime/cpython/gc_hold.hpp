// runtime/cpython/gc_hold.hpp: no collection inside native stretches, where one could happen at all.
//
// Up to 3.11 any allocation of a container may start the collector, and the collector runs
// finalizers and weak reference callbacks: Python code at a moment when the memo counts on none
// having run. So the collector is switched off for the stretch, and is the caller's again at every
// entry into Python code; what that code sets (gc.disable(), gc.enable()) is read at the next stretch
// and so kept. Since 3.12 collections start only at the eval breaker, which native code does not
// reach, and both functions do nothing.
#pragma once

#include "primitives/mutants.hpp"

#include <calque/compat.hpp>

namespace calque {

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
