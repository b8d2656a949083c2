// runtime/effects/continuation.hpp: what a handler is given as `k`: the rest of the program that performed the effect.
//
// A continuation owns the fibers it consists of, and nobody else has them. Resuming takes them out (`take`), so a second resume
// finds it empty: that is all there is to "one-shot". It may be stored, resumed later, from another handler, or after the
// WithHandler it came from has ended; dropped, it closes its generators. Passing it to an outer handler makes it longer: the
// object stays the same.
//
// Whose it is. The fibers of a continuation are part of one run. While that goes on, only it may resume them (a nested run is
// isolated: it cannot take away the frames its caller waits on); afterwards any run of the same thread may. `Run` is that fact, held by
// the run and by every continuation taken in it.
//
// The collector. A continuation is the only holder of its fibers that lives in Python's heap, so it visits their frames and handlers:
// a cycle from a generator's local through k back to the generator is collected.
#pragma once

#include "fiber.hpp"

namespace calque::effects {

/// A run of a program, as its continuations know it. Counted by hand under the GIL: it is no Python object.
class Run {
public:
    /// Null when memory is exhausted; no exception is set. The caller holds it.
    static Run* begin() noexcept;
    void end() noexcept { going_on_ = false; }
    Run* hold() noexcept {
        ++holders_;
        return this;
    }
    void let_go() noexcept;
    /// Null, or why `asking` may not resume what belongs to this.
    const char* refusal(const Run& asking) const noexcept;

private:
    std::size_t holders_ = 1;
    unsigned long thread_ = 0;
    bool going_on_ = true;
};

struct Continuation {
    PyObject_HEAD
    Chain chain;       // empty once it was resumed
    PyObject* effect;  // what it waits for; owned, null once it was resumed
    Run* run;          // held
    PyObject* weakrefs;
};

extern PyTypeObject continuation_type;

inline bool is_continuation(Borrowed object) noexcept { return object.type() == &continuation_type; }
inline Continuation& as_continuation(Borrowed object) noexcept {
    return *reinterpret_cast<Continuation*>(object.get());
}

/// A new one, empty; or an empty Ref with MemoryError.
Ref new_continuation(Run& run) noexcept;
/// Gives the fibers and the effect to a continuation that has none.
void fill(Continuation& k, Chain chain, Ref effect) noexcept;
/// What it held. Check that it is not empty before.
Chain take(Continuation& k) noexcept;

[[nodiscard]] bool create_continuation_type() noexcept;

}  // namespace calque::effects
