// runtime/cpython/eval_breaker.hpp: does anybody want this thread to stop for a moment? Another thread the GIL, a signal
// its handler, an extension a pending call (Python/ceval_gil.c; up to 3.11 Python/ceval.c, eval_frame_handle_pending).
//
// The interpreter asks its "eval breaker" at function entries and backward jumps. Native code never gets there, so it
// reads the same words itself. Twin, for interpreters whose words are not known: nobody can tell, so everybody is
// offered a turn every ten milliseconds, by the clock.
#pragma once

#include "cpython/eval_breaker.h"
#include "cpython/strategies.hpp"

#include <calque/compat.hpp>

#include <chrono>

namespace calque::eval_breaker {

enum Reason : unsigned {
    gil_wanted = CALQUE_GIL_IS_WANTED,
    signals_pending = CALQUE_SIGNALS_ARE_PENDING,
    calls_pending = CALQUE_CALLS_ARE_PENDING,
    exception_sent = CALQUE_EXCEPTION_WAS_SENT,
    any = 15,
};

/// Reasons, or 0: none for ten milliseconds. By all threads: guarded by the GIL.
inline unsigned by_the_clock() noexcept {
    using Clock = std::chrono::steady_clock;
    static constinit Clock::time_point last{};
    const Clock::time_point now = Clock::now();
    if (now - last < std::chrono::milliseconds(10)) {
        return 0;
    }
    last = now;
    return any;
}

#if CALQUE_USE_EVAL_BREAKER && PY_VERSION_HEX < 0x030D0000

inline bool known = false;
/// At import: looks whether the fields are where the headers say.
inline void look() noexcept { known = calque_eval_breaker_is_known() != 0; }
inline unsigned reasons() noexcept { return known ? calque_read_eval_breaker() : by_the_clock(); }

#elif CALQUE_USE_EVAL_BREAKER

inline void look() noexcept {}
/// PyThreadState.eval_breaker stands in a public header (Include/cpython/pystate.h); what its bits mean does not.
inline unsigned reasons() noexcept {
    return static_cast<unsigned>(__atomic_load_n(&PyThreadState_Get()->eval_breaker, __ATOMIC_RELAXED)) & any;
}

#else

inline void look() noexcept {}
inline unsigned reasons() noexcept { return by_the_clock(); }

#endif

}  // namespace calque::eval_breaker
