// runtime/cpython/strategies.hpp: which internals of the interpreter are used. The one place that decides.
//
// A strategy is a question with two ways to the answer: one that reads what CPython does not promise, and
// its twin, of public API only, which may be slower or answer "I do not know" but is never wrong. The file
// of a strategy holds both ways and asks CALQUE_USE_<STRATEGY> here, 1 or 0, which to compile. So this file
// alone says on which Pythons each of the internals was looked at and found to be what its reader expects.
//
// An interpreter that nobody has looked at gets the twins, all of them: a version younger than the last one
// below, or a build without the GIL, where the same fields mean other things. What it can show is a missing
// public function, when calque is compiled or imported for it, and no wrong reading of its memory.
// CALQUE_PUBLIC_API forces the twins on every interpreter; that build is tested as well.
//
// To add one: its line below, one in CALQUE_STRATEGY_LIST, one in the table of tests/test_strategies.py.
#pragma once

#include <calque/compat.hpp>

#if defined(CALQUE_PUBLIC_API) || PY_VERSION_HEX >= 0x030F0000 || defined(Py_GIL_DISABLED)
# define CALQUE_INTERNALS 0
#else
# define CALQUE_INTERNALS 1
#endif

// PyMethodDescrObject.d_method and PyGetSetDescrObject.d_getset: the functions of C types. primitives/c_method.hpp
#define CALQUE_USE_C_METHODS CALQUE_INTERNALS

// PyDictObject.ma_version_tag (PEP 509). dict_version.hpp
#define CALQUE_USE_DICT_VERSION (CALQUE_INTERNALS && PY_VERSION_HEX < 0x030E0000)

// PyBaseExceptionObject.notes, which nothing uses. exception_slot.hpp
#define CALQUE_USE_EXCEPTION_SLOT (CALQUE_INTERNALS && PY_VERSION_HEX >= 0x030B0000)

// PyFunctionObject.vectorcall, .func_version. Call sites of 3.11 do not look at the slot. function_patch.hpp
#define CALQUE_USE_FUNCTION_SLOT \
 (CALQUE_INTERNALS && (PY_VERSION_HEX < 0x030B0000 || PY_VERSION_HEX >= 0x030C0000))

// PyDictObject.ma_keys: where keys and values lie. dict_layout.cpp, primitives/dict_slots.hpp
#define CALQUE_USE_DICT_SLOTS CALQUE_INTERNALS

// The array in which an instance keeps its attributes. instance_layout.cpp, primitives/instance_values.hpp
#define CALQUE_USE_INSTANCE_VALUES CALQUE_INTERNALS
#define CALQUE_SHARED_KEYS_STAY (PY_VERSION_HEX >= 0x030B0000)

// What asks the eval loop to stop: interp.ceval up to 3.12, tstate.eval_breaker since. eval_breaker.hpp
#define CALQUE_USE_EVAL_BREAKER CALQUE_INTERNALS

// _PyObject_GetMethod: a look-up that makes no bound method. method_lookup.hpp
#define CALQUE_USE_GET_METHOD CALQUE_INTERNALS

// PyGenObject.gi_code, .gi_frame_state; later ones need no help. generator_state.hpp
#define CALQUE_USE_GENERATOR_STATE \
 (CALQUE_INTERNALS && PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000)

// PyListObject.ob_item and .allocated: a list shown at its filled size. primitives/list_slots.hpp
#define CALQUE_USE_LIST_SLOTS CALQUE_INTERNALS

// PySetObject.table, .mask, .fill and .used. set_stamp.hpp, primitives/set_slots.hpp
#define CALQUE_USE_SET_COUNTERS CALQUE_INTERNALS

// How a set lies in its table: slots for so many members, order of the probes, PyMem's memory. primitives/set_slots.hpp
#define CALQUE_USE_SET_TABLES CALQUE_INTERNALS

// PyTypeObject.tp_version_tag. type_version.hpp
#define CALQUE_USE_TYPE_VERSION CALQUE_INTERNALS

// X(name, 1 for the internals or 0 for the twin): what `calque._calque._strategies` reports.
#define CALQUE_STRATEGY_LIST(X)                   \
 X("c_methods", CALQUE_USE_C_METHODS)             \
 X("dict_slots", CALQUE_USE_DICT_SLOTS)           \
 X("dict_version", CALQUE_USE_DICT_VERSION)       \
 X("eval_breaker", CALQUE_USE_EVAL_BREAKER)       \
 X("exception_slot", CALQUE_USE_EXCEPTION_SLOT)   \
 X("function_slot", CALQUE_USE_FUNCTION_SLOT)     \
 X("generator_state", CALQUE_USE_GENERATOR_STATE) \
 X("get_method", CALQUE_USE_GET_METHOD)           \
 X("instance_values", CALQUE_USE_INSTANCE_VALUES) \
 X("list_slots", CALQUE_USE_LIST_SLOTS)           \
 X("set_counters", CALQUE_USE_SET_COUNTERS)       \
 X("set_tables", CALQUE_USE_SET_TABLES)           \
 X("type_version", CALQUE_USE_TYPE_VERSION)
