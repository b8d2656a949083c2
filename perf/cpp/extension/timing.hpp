// perf/cpp/extension/timing.hpp: the clock.
#pragma once

#include <chrono>

namespace perf {

// Nanoseconds that `work` takes, called `repeats` times; work() is false with an exception set, which ends it with -1.
template <class Work>
double nanoseconds(long repeats, Work&& work) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    for (long i = 0; i < repeats; ++i) {
        if (!work()) {
            return -1;
        }
    }
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

}  // namespace perf
