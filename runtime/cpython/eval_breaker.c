/* runtime/cpython/eval_breaker.c: see eval_breaker.h. */
#include "eval_breaker.h"

#define Py_BUILD_CORE 1
#include <Python.h>

#if PY_VERSION_HEX < 0x030D0000 && !defined(PYPY_VERSION)

# include "internal/pycore_interp.h"
# include "internal/pycore_runtime.h"

static unsigned is_set(const _Py_atomic_int* flag, unsigned reason) {
    return _Py_atomic_load_relaxed(flag) ? reason : 0;
}

unsigned calque_read_eval_breaker(void) {
    const PyThreadState* thread = PyThreadState_Get();
    const struct _ceval_state* ceval = &thread->interp->ceval;
    unsigned reasons = is_set(&ceval->gil_drop_request, CALQUE_GIL_IS_WANTED)
                     | (thread->async_exc != NULL ? CALQUE_EXCEPTION_WAS_SENT : 0);
    if (PyThread_get_thread_ident() == _PyRuntime.main_thread) {
        reasons |= is_set(&_PyRuntime.ceval.signals_pending, CALQUE_SIGNALS_ARE_PENDING)
                 | is_set(&ceval->pending.calls_to_do, CALQUE_CALLS_ARE_PENDING);
# if PY_VERSION_HEX >= 0x030C0000
        reasons |= is_set(&_PyRuntime.ceval.pending_mainthread.calls_to_do, CALQUE_CALLS_ARE_PENDING);
# endif
    }
    return reasons;
}

int calque_eval_breaker_is_known(void) {
    const PyInterpreterState* interp = PyThreadState_Get()->interp;
    /* What stands before or behind the fields that are read can be asked for in public. */
    return interp->ceval.recursion_limit == Py_GetRecursionLimit()
        && _PyRuntime.interpreters.main == PyInterpreterState_Main()
        && (PyThread_get_thread_ident() != _PyRuntime.main_thread
            || _Py_atomic_load_relaxed(&interp->ceval.gil_drop_request) <= 1);
}

#else

unsigned calque_read_eval_breaker(void) { return 0; }

int calque_eval_breaker_is_known(void) { return 0; }

#endif
