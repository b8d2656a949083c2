/* calque/abi.h: the contract between calque and a handler of copyable objects, in plain C, version 1.0.
 *
 * A HANDLER knows how one type is copied. calque's own handlers for list, dict, tuple ... are written
 * against this header and nothing else that a stranger could not have; C++ authors use handler.hpp,
 * which is a thin layer over it.
 *
 * What calque does for a handler
 *   The WALKER asks the memo first, so a handler only sees objects that have no copy yet. It enters
 *   the copy in the memo, keeps the original alive, holds the work stack (depth costs heap, not C
 *   stack), and unwinds it after an error. A handler never touches the memo.
 *
 * Two kinds
 *   SIMPLE  one function: original in, copy out. It may ask for copies of children with api->copy(),
 *           which runs the walker from there and costs C stack per nesting level (too deep is a
 *           RecursionError).
 *   FRAME   begin() and resume() return after each step and say what comes next: a child to be copied,
 *           the finished copy, or an error. Between the steps the handler's state lives in
 *           frame->data, 48 bytes that only it looks into. This is the kind for anything that can
 *           nest deeply. drop() frees what the data own when the copy is abandoned.
 *   A handler without functions and with CALQUE_ATOMIC says: the copy is the object itself.
 *
 * One step
 *   {child, CALQUE_CHILD}     `child` is borrowed: whoever lends it keeps it until the next resume()
 *                             (an element of the original, or a reference owned by frame->data).
 *   {copy, CALQUE_DONE}       `copy` is a new reference. NULL stands for frame->copy.
 *   {NULL, CALQUE_ERROR}      with a Python exception set.
 *   {NULL, CALQUE_DECLINE}    from begin() only: "not mine"; the next candidate is asked.
 *   After CALQUE_DONE, CALQUE_ERROR and CALQUE_DECLINE the data are the handler's own affair no more:
 *   they must hold nothing, and drop() is not called.
 *
 * When is the copy published, i.e. found by a second reference to the original (a cycle!)?
 *   Before the children: store the unfinished copy in frame->copy (the frame owns that reference)
 *   before asking for the first child. After the children: return it with CALQUE_DONE. Midway: store
 *   it when it exists; api->publish() does it at once, otherwise it happens when the next child is
 *   asked for. Never: return the original itself; then nothing enters the memo, as in copy.deepcopy.
 *   A container that can only be made after its children can meet itself on a cycle and be made
 *   twice; CALQUE_ASK_AGAIN makes the walker ask the memo once more when it is done, and the copy
 *   that came first wins (what copy.deepcopy does for tuples).
 *
 * Python code
 *   As long as none runs, calque needs no hashing: it only logs (original, copy). So it must know
 *   when some could run. By default every function of a handler counts as running Python code, and
 *   calque prepares for it before each call. CALQUE_PURE promises that the functions
 *     - run no Python code: no attribute look-up on foreign types, no hash or comparison but of exact
 *       str, int, float, bytes, no release of a last reference to anything that could have a finalizer,
 *     - do not discard the copy of a child they were given, except after an error,
 *     - ask only for children to which the original holds a counted reference each time it asks.
 *   A pure handler that must run Python code for once brackets it with before_python() and
 *   after_python().
 *
 * Threads: every function is called with the GIL held; handlers are shared by all threads.
 *
 * Versions: `major` changes when an old plugin would break. Structures only ever grow at the end, and
 * carry their size; who reads a field first looks whether the other side's size includes it.
 */
#pragma once

#include <Python.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CALQUE_ABI_MAJOR 1
#define CALQUE_ABI_MINOR 0
#define CALQUE_CAPSULE_NAME "calque._calque._C_API"

/* One copy in progress. Opaque; valid during the call that received it, and not beyond. */
typedef struct calque_context calque_context;
typedef struct calque_handler calque_handler;

enum {
    CALQUE_ERROR = 0,
    CALQUE_DONE = 1,
    CALQUE_CHILD = 2,
    CALQUE_DECLINE = 3,
};

typedef struct calque_step {
    PyObject* object;
    intptr_t outcome; /* CALQUE_ERROR, CALQUE_DONE, CALQUE_CHILD, CALQUE_DECLINE */
} calque_step;

#define CALQUE_FRAME_WORDS 6

typedef struct calque_frame {
    PyObject* original;                /* kept alive by the walker as long as the frame */
    PyObject* copy;                    /* NULL, or the unfinished copy; owned by the frame; set it once */
    const calque_handler* handler;     /* whose frame this is */
    uintptr_t walker;                  /* the walker's notes: not for handlers */
    uint64_t data[CALQUE_FRAME_WORDS]; /* the handler's; undefined when begin() is called */
} calque_frame;

enum {
    CALQUE_SUBCLASSES = 1u << 0,        /* also for subclasses of `type`, unless a class nearer in the MRO
                                    has a handler or a __deepcopy__ of its own */
    CALQUE_PURE = 1u << 1,              /* see "Python code" above */
    CALQUE_ASK_AGAIN = 1u << 2,         /* see "published" above */
    CALQUE_ATOMIC = 1u << 3,            /* no functions: a copy is the object itself */
    CALQUE_STANDS_FOR_REDUCE = 1u << 4, /* only a faster way of what __reduce_ex__ does for the type:
                                           gives way to copyreg and copy._deepcopy_dispatch, and to
                                           the protocol itself where a caller watches the memo */
};

struct calque_handler {
    size_t size;        /* sizeof(calque_handler) of who fills it in; in `self`, of who reads it */
    const char* name;   /* for people: calque.handlers(), error texts; static storage */
    PyTypeObject* type; /* the type served; NULL: a protocol, see registry.hpp */
    uint32_t flags;
    uint32_t reserved; /* 0 */

    /* SIMPLE: a new reference, or NULL with an exception set. */
    PyObject* (*copy)(const calque_handler* self, calque_context* context, PyObject* original);

    /* FRAME: all three or none. resume() owns `child_copy`. drop() runs with the exception set that
       ends the copy, which it may replace but not clear. */
    calque_step (*begin)(const calque_handler* self, calque_context* context, calque_frame* frame);
    calque_step (*resume)(const calque_handler* self, calque_context* context, calque_frame* frame,
                          PyObject* child_copy);
    void (*drop)(const calque_handler* self, calque_frame* frame);

    /* Optional: copy.copy for the type; a new reference or NULL with an exception set. Without it
       copy.copy follows the standard library's protocol (__copy__, copyreg, __reduce_ex__). */
    PyObject* (*shallow)(const calque_handler* self, PyObject* original);

    /* The author's own; release(user) is called once, when the handler is gone from the registry and
       from every copy that still used it. */
    void* user;
    void (*release)(void* user);

    /* calque's own handlers: the function of Lib/copy.py that this one stands for ("_deepcopy_list").
       It is used while copy._deepcopy_dispatch still maps the type to that function. Others: NULL. */
    const char* mirrors;
};

typedef struct calque_api {
    size_t size; /* sizeof(calque_api) of the calque that is running */
    uint32_t major;
    uint32_t minor;

    /* Registry. All return 0, or -1 with an exception set. */
    int (*add)(const calque_handler* handler); /* copies the structure; ValueError if it is not valid,
                                                  or if the type has a registered handler already */
    int (*remove)(PyTypeObject* type);         /* LookupError if nothing is registered for `type` */

    /* Inside a handler. */
    PyObject* (*copy)(calque_context* context, PyObject* child);  /* SIMPLE: a new reference or NULL */
    int (*publish)(calque_context* context, calque_frame* frame); /* FRAME: frame->copy, now; 0/-1 */
    int (*remember)(calque_context* context, PyObject* original, PyObject* copy); /* SIMPLE: publish
                                                  before the children are copied; 0/-1 */
    int (*keep_alive)(calque_context* context, PyObject* object); /* until the copy ends; 0/-1 */
    int (*is_atomic)(calque_context* context, PyObject* child);   /* 1: the copy of `child` is surely
                                                  itself and nobody would see us ask: skip it; else 0 */
    int (*before_python)(calque_context* context);                /* 0/-1; nothing to undo after -1 */
    void (*after_python)(calque_context* context); /* exactly once after each 0 of before_python */
    PyObject* (*memo)(calque_context* context);    /* new reference: the exact dict, or the caller's
                                                      own mapping, that __deepcopy__ would receive */

    /* Anywhere: calque.deepcopy(x, memo) (memo may be NULL) and calque.copy(x). */
    PyObject* (*deepcopy)(PyObject* object, PyObject* memo);
    PyObject* (*shallow_copy)(PyObject* object);
} calque_api;

#ifdef __cplusplus
}
#endif
