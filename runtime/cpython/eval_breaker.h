/* runtime/cpython/eval_breaker.h: what calque takes from the interpreter's internal headers, which are not C++ up to
 * 3.12. See eval_breaker.hpp. */
#ifndef CALQUE_EVAL_BREAKER_H
#define CALQUE_EVAL_BREAKER_H

/* Reasons for a thread to stop between two instructions: _PY_GIL_DROP_REQUEST_BIT and its neighbours
 * (Include/internal/pycore_ceval.h, 3.13), which say the same in the same order. */
enum {
    CALQUE_GIL_IS_WANTED = 1,
    CALQUE_SIGNALS_ARE_PENDING = 2,
    CALQUE_CALLS_ARE_PENDING = 4,
    CALQUE_EXCEPTION_WAS_SENT = 8, /* PyThreadState_SetAsyncExc */
};

#ifdef __cplusplus
extern "C" {
#endif

/* 3.10 to 3.12. With the GIL; reads four words of the interpreter's state. Signals and calls are for the main thread. */
unsigned calque_read_eval_breaker(void);
/* Are the fields where the headers say, in the interpreter that runs? */
int calque_eval_breaker_is_known(void);

#ifdef __cplusplus
}
#endif

#endif
