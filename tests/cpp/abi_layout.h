/* tests/cpp/abi_layout.h: the layout of ABI 1.0 on LP64, frozen. Static assertions only: to compile is to pass.
 *
 * A plugin that was compiled in the past reads these structures where they lay then. If an assertion here fails, the
 * change breaks every such plugin: add the field at the end instead, and its line below what is there.
 */
#pragma once

#include <calque/abi.h>

#include <assert.h>
#include <stddef.h>

static_assert(CALQUE_ABI_MAJOR == 1 && CALQUE_ABI_MINOR == 0, "a new version adds its own lines here");
static_assert(sizeof(void*) == 8 && sizeof(size_t) == 8 && sizeof(long) == 8, "these numbers are for LP64");

#define FIELD(structure, field, offset, bytes)                                              \
 static_assert(offsetof(structure, field) == (offset), #structure "." #field " has moved"); \
 static_assert(sizeof(((structure*)0)->field) == (bytes), #structure "." #field " has another size")

FIELD(calque_step, object, 0, 8);
FIELD(calque_step, outcome, 8, 8);
static_assert(sizeof(calque_step) == 16, "two registers");

FIELD(calque_frame, original, 0, 8);
FIELD(calque_frame, copy, 8, 8);
FIELD(calque_frame, handler, 16, 8);
FIELD(calque_frame, walker, 24, 8);
FIELD(calque_frame, data, 32, 48);
static_assert(sizeof(calque_frame) == 80, "a frame is 80 bytes");
static_assert(CALQUE_FRAME_WORDS == 6, "a handler has 48 bytes");

FIELD(calque_handler, size, 0, 8);
FIELD(calque_handler, name, 8, 8);
FIELD(calque_handler, type, 16, 8);
FIELD(calque_handler, flags, 24, 4);
FIELD(calque_handler, reserved, 28, 4);
FIELD(calque_handler, copy, 32, 8);
FIELD(calque_handler, begin, 40, 8);
FIELD(calque_handler, resume, 48, 8);
FIELD(calque_handler, drop, 56, 8);
FIELD(calque_handler, shallow, 64, 8);
FIELD(calque_handler, user, 72, 8);
FIELD(calque_handler, release, 80, 8);
FIELD(calque_handler, mirrors, 88, 8);
static_assert(sizeof(calque_handler) == 96, "a handler of ABI 1.0 is 96 bytes");

FIELD(calque_api, size, 0, 8);
FIELD(calque_api, major, 8, 4);
FIELD(calque_api, minor, 12, 4);
FIELD(calque_api, add, 16, 8);
FIELD(calque_api, remove, 24, 8);
FIELD(calque_api, copy, 32, 8);
FIELD(calque_api, publish, 40, 8);
FIELD(calque_api, remember, 48, 8);
FIELD(calque_api, keep_alive, 56, 8);
FIELD(calque_api, is_atomic, 64, 8);
FIELD(calque_api, before_python, 72, 8);
FIELD(calque_api, after_python, 80, 8);
FIELD(calque_api, memo, 88, 8);
FIELD(calque_api, deepcopy, 96, 8);
FIELD(calque_api, shallow_copy, 104, 8);
static_assert(sizeof(calque_api) == 112, "the functions of ABI 1.0 are 112 bytes");

/* Numbers are compiled into plugins as well. */
static_assert(CALQUE_ERROR == 0 && CALQUE_DONE == 1 && CALQUE_CHILD == 2 && CALQUE_DECLINE == 3, "outcomes");
static_assert(CALQUE_SUBCLASSES == 1, "flags");
static_assert(CALQUE_PURE == 2, "flags");
static_assert(CALQUE_ASK_AGAIN == 4, "flags");
static_assert(CALQUE_ATOMIC == 8, "flags");
static_assert(CALQUE_STANDS_FOR_REDUCE == 16, "flags");
