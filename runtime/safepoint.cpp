// runtime/safepoint.cpp: see safepoint.hpp.
#include "safepoint.hpp"

#include "cpython/eval_breaker.hpp"
#include "primitives/interpreter_forms.hpp"

#include <utility>

namespace calque::safepoint {

namespace {

// The waiting thread has said so: then PyEval_SaveThread() does not come back before it has had the GIL (FORCE_SWITCHING).
void let_go_of_gil() noexcept { PyEval_RestoreThread(PyEval_SaveThread()); }

}  // namespace

[[gnu::noinline]] bool Poll::look() noexcept {
    wanted_ |= eval_breaker::reasons() & ~ignored_;
    if ((wanted_ == 0 && !mutants::polls_are_answered()) || mutants::is(mutants::Mutant::nobody_has_a_turn))
        [[likely]] {
        countdown_ = mutants::polls_every();
        return false;
    }
    countdown_ = 1;  // whoever asks next is told as well, until it is served
    return true;
}

bool Poll::serve() noexcept {
    const unsigned wanted = std::exchange(wanted_, 0);
    countdown_ = mutants::polls_every();
    if ((wanted & eval_breaker::gil_wanted) != 0 || mutants::polls_are_answered()) {
        let_go_of_gil();
    }
    if (mutants::polls_are_answered() && collected_ < mutants::kCollections) {
        ++collected_;
        static_cast<void>(PyGC_Collect());
    }
    constexpr unsigned calls = eval_breaker::signals_pending | eval_breaker::calls_pending;
    // Does nothing in other threads than the main one.
    if ((wanted & calls) != 0 && Py_MakePendingCalls() != 0) {
        return false;
    }
    if ((wanted & eval_breaker::exception_sent) != 0 && !forms::take_turn()) {
        return false;
    }
    ignored_ = eval_breaker::reasons() & wanted & eval_breaker::calls_pending;
    return true;
}

void Poll::give_way() noexcept {
    countdown_ = mutants::polls_every();
    if ((wanted_ & eval_breaker::gil_wanted) != 0) {
        wanted_ &= ~unsigned{eval_breaker::gil_wanted};
        let_go_of_gil();
    }
}

}  // namespace calque::safepoint
