"""Deliberately wrong deep copies: the fuzzer has to tell each of them from `copy`.

A mutant is the running interpreter's own `copy.py` with one place changed.  The change is written as (text, replacement) pairs, so that the
module follows the interpreter; a text that is not there any more is an error, not a mutant that happens to be right.
"""

import copy
import re
import sys
import types

_AFTER_COPY = "_keep_alive(x, memo) # Make sure x lives at least as long as d"
_DICT_STEP = "y[deepcopy(key, memo)] = deepcopy(value, memo)"
_LIST_BODY = """    append = y.append
    for a in x:
        append(deepcopy(a, memo))
    return y
"""
_LIST_PUBLISH = "    y = []\n    memo[id(x)] = y\n"
_CALL_HOOK = "y = copier(memo)"
_PAIR_STEP = """                key = deepcopy(key, memo)
                value = deepcopy(value, memo)
                y[key] = value
        else:
            for key, value in dictiter:
                y[key] = value
"""
_STATE_STEP = """            state = deepcopy(state, memo)
        if hasattr(y, '__setstate__'):"""
_PUBLISH_REDUCED = "    if deep:\n        memo[id(x)] = y\n"

# The end of the module: what a mutant defines after everything else.
_SHARED_MEMO = """
_right_deepcopy = deepcopy
_running = []
def deepcopy(x, memo=None, _nil=[]):
    if memo is not None:
        return _right_deepcopy(x, memo, _nil)
    memo = _running[-1] if _running else {}
    _running.append(memo)
    try:
        return _right_deepcopy(x, memo, _nil)
    finally:
        _running.pop()
        @AT_END@
"""

_EARLY_SET = """
def _deepcopy_set(x, memo, deepcopy=deepcopy):
    y = set()
    memo[id(x)] = y
    for item in x:
        y.add(deepcopy(item, memo))
    return y
_deepcopy_dispatch[set] = _deepcopy_set
"""

_LIST_WITH_UNIQUE_ITEMS = """
import sys as _sys
_PLAIN = (list, dict, tuple)
def _deepcopy_list(x, memo, deepcopy=deepcopy):
    y = []
    memo[id(x)] = y
    i = 0
    while i < len(x):
        a = x[i]
        i += 1
        # The list, the name `a` and the argument: nobody else can meet it again.
        unique = type(a) in _PLAIN and _sys.getrefcount(a) == 3
        y.append(deepcopy(a, memo))
        if unique:
            @FORGET@
        del a
    return y
_deepcopy_dispatch[list] = _deepcopy_list
"""

_DROP_FROM_KEPT = """kept = memo.get(id(memo))
            if type(kept) is list and kept and kept[-1] is a: kept.pop()"""

_IN_PLACE_INSTANCE = """
_right_reconstruct = _reconstruct
def _reconstruct(x, memo, func, args, state=None, listiter=None, dictiter=None, *, deepcopy=deepcopy):
    if memo is None or type(state) is not dict or hasattr(type(x), '__setstate__'):
        return _right_reconstruct(x, memo, func, args, state, listiter, dictiter)
    y = _right_reconstruct(x, memo, func, args)
    if type(y) is not type(x) or not hasattr(y, '__dict__'):
        return _right_reconstruct(x, memo, func, args, state, listiter, dictiter)
    for name, value in state.items():
        y.__dict__[deepcopy(name, memo)] = deepcopy(value, memo)
    return _right_reconstruct(x, memo, lambda: y, (), None, listiter, dictiter)
"""

_RETRYING_HOOK = """try:
                    y = copier(memo)
                except TypeError:
                    y = copier(memo)"""

_EARLY_ATOMIC = """
_right_deepcopy = deepcopy
_ATOMIC = frozenset((int, float, str, bytes, bool, type(None), complex))
def deepcopy(x, memo=None, _nil=[]):
    if memo is not None and type(x) in _ATOMIC:
        return x
    return _right_deepcopy(x, memo, _nil)
"""

# Until 3.12 the memo is looked up whether it was given or not.
_MEMO_OPTIONAL = sys.version_info >= (3, 13)

# name: (changes of the text, text appended).  An appended `deepcopy` also replaces the one that `_deepcopy_list` and friends took as a default.
MUTANTS = {
    "nothing_kept_alive": ([(_AFTER_COPY, "pass")], ""),
    "container_kept_before_children": (
        [(_AFTER_COPY, "pass"), ("    copier = _deepcopy_dispatch.get(cls)",
          "    if cls in (list, dict): _keep_alive(x, memo)\n    copier = _deepcopy_dispatch.get(cls)")], ""),
    "dict_key_before_value": ([(_DICT_STEP, "k = deepcopy(key, memo); y[k] = deepcopy(value, memo)")], ""),
    "dict_keys_published_first": ([("    y = {}\n    memo[id(x)] = y\n", "    y = dict(x)\n    memo[id(x)] = y\n    for k in x: y[k] = None\n")], ""),
    "dict_items_snapshot": ([("in x.items():\n        " + _DICT_STEP, "in list(x.items()):\n        " + _DICT_STEP)], ""),
    "reduced_value_before_key": ([(_PAIR_STEP, _PAIR_STEP.replace(
        "                key = deepcopy(key, memo)\n                value = deepcopy(value, memo)\n",
        "                value = deepcopy(value, memo)\n                key = deepcopy(key, memo)\n"))], ""),
    "nested_call_uses_outer_memo": ([], _SHARED_MEMO.replace("@AT_END@", "pass")),
    "nested_call_clears_outer_memo": ([], _SHARED_MEMO.replace("@AT_END@", "memo.clear()")),
    "shared_tuple_copied_again": ([("if y is not x:\n        memo[d] = y", "if y is not x and cls is not tuple:\n        memo[d] = y")], ""),
    "tuple_not_looked_up_again": ([("        return memo[id(x)]\n", "        raise KeyError\n")], ""),
    "list_published_after_children": ([(_LIST_PUBLISH, "    y = []\n"), (_LIST_BODY, _LIST_BODY.replace("    return y\n", "    memo[id(x)] = y\n    return y\n"))], ""),
    "list_published_full_of_none": ([(_LIST_PUBLISH, "    y = [None] * len(x)\n    memo[id(x)] = y\n"),
                                     (_LIST_BODY, "    for i, a in enumerate(x):\n        y[i] = deepcopy(a, memo)\n    return y\n")], ""),
    "list_snapshot": ([("    for a in x:\n        append(deepcopy", "    for a in list(x):\n        append(deepcopy")], ""),
    "hook_gets_copy_of_memo": ([(_CALL_HOOK, "y = copier(dict(memo)) if type(memo) is dict else copier(memo)")], ""),
    "hook_writes_undone": ([(_CALL_HOOK, "kept = dict(memo) if type(memo) is dict else None\n                y = copier(memo)\n"
                                         "                if kept is not None: memo.update(kept)")], ""),
    "hook_type_error_retried": ([(_CALL_HOOK, _RETRYING_HOOK)], ""),
    "hook_none_not_memoized": ([("if y is not x:\n        memo[d] = y", "if y is not x and y is not None:\n        memo[d] = y")], ""),
    "hook_self_memoized": ([("if y is not x:\n        memo[d] = y", "if y is not x or hasattr(cls, '__deepcopy__'):\n        memo[d] = y")], ""),
    "hook_looked_up_on_type": ([('copier = getattr(x, "__deepcopy__", None)', 'copier = getattr(cls, "__deepcopy__", None)\n'
                                 "            if copier is not None:\n                import functools\n                copier = functools.partial(copier, x)")], ""),
    "instance_filled_while_copied": ([], _IN_PLACE_INSTANCE),
    "instance_published_after_state": ([(_PUBLISH_REDUCED, "")], ""),
    "set_published_before_items": ([], _EARLY_SET),
    "atomics_not_looked_up": ([], _EARLY_ATOMIC),
    "unique_items_not_memoized": ([], _LIST_WITH_UNIQUE_ITEMS.replace("@FORGET@", "memo.pop(id(a), None) if hasattr(memo, 'pop') else None\n            " + _DROP_FROM_KEPT)),
    "unique_items_not_kept_alive": ([], _LIST_WITH_UNIQUE_ITEMS.replace("@FORGET@", _DROP_FROM_KEPT)),
    "falsy_state_skipped": ([("    if state is not None:\n        if deep:", "    if state:\n        if deep:")], ""),
    "state_not_copied": ([(_STATE_STEP, _STATE_STEP.replace("deepcopy(state, memo)", "dict(state) if type(state) is dict else deepcopy(state, memo)"))], ""),
    "slot_state_ignored": ([("            if slotstate is not None:\n", "            if False:\n")], ""),
    "setstate_looked_up_early": ([(_STATE_STEP, _STATE_STEP.replace("            state = deepcopy(state, memo)\n        if hasattr(y, '__setstate__'):",
                                  "            found = hasattr(y, '__setstate__')\n            state = deepcopy(state, memo)\n        if found if deep else hasattr(y, '__setstate__'):"))], ""),
    "list_items_collected_first": ([("            for item in listiter:\n                item = deepcopy(item, memo)\n                y.append(item)\n",
                                     "            for item in [deepcopy(i, memo) for i in listiter]:\n                y.append(item)\n")], ""),
    "method_keeps_self": ([("return type(x)(x.__func__, deepcopy(x.__self__, memo))", "return type(x)(x.__func__, x.__self__)")], ""),
    "callable_of_reduce_copied": ([("    y = func(*args)\n", "    y = (deepcopy(func, memo) if deep else func)(*args)\n")], ""),
    "list_from_reduce_refused": ([("                if isinstance(rv, str):\n", "                if type(rv) is list: raise TypeError('a tuple was expected')\n                if isinstance(rv, str):\n")], ""),
    "none_taken_for_a_miss": ([("        if y is not _nil:\n            return y\n" if _MEMO_OPTIONAL else "    if y is not _nil:\n        return y\n",
                               "        if y is not _nil and y is not None:\n            return y\n" if _MEMO_OPTIONAL else
                               "    if y is not _nil and y is not None:\n        return y\n")], ""),
    "memo_is_no_exact_dict": ([("        memo = {}\n", "        import collections\n        memo = collections.OrderedDict()\n")], ""),
    "entries_of_others_ignored": ([("memo.get(d, _nil)", "(memo.get(d, _nil) if any(k is x for k in memo[id(memo)]) or type(x) in (list, dict) else _nil)"
                                    " if type(memo) is dict and type(memo.get(id(memo))) is list else memo.get(d, _nil)")], ""),
    "enclosing_object_not_stored_again": ([("    if y is not x:\n        memo[d] = y\n", "    if y is not x:\n        if cls not in (list, dict): memo[d] = y\n")], ""),
    "entry_made_by_the_hook_stays": ([("    if y is not x:\n        memo[d] = y\n",
                                       "    if y is not x:\n        if not (hasattr(cls, '__deepcopy__') and type(memo) is dict and d in memo): memo[d] = y\n")], ""),
    "collector_switched_on_for_hooks": ([(_CALL_HOOK, "import gc; gc.enable(); y = copier(memo)")], ""),
    "memo_emptied_on_error": ([], """
_right_deepcopy = deepcopy
def deepcopy(x, memo=None, _nil=[]):
    try:
        return _right_deepcopy(x, memo, _nil)
    except Exception:
        if hasattr(memo, 'pop'): memo.pop(id(x), None)
        raise
"""),
}
if sys.version_info >= (3, 14):
    del MUTANTS["atomics_not_looked_up"]  # there it is what copy does

# The memo kinds that show a mutant, where the memo of the call alone does not.
SEEN_WITH = {
    "atomics_not_looked_up": ("mapping", "preset"),
    "callable_of_reduce_copied": ("mapping",),
}


def load(name):
    """Returns the mutant as a module that looks like `copy`."""
    changes, appended = MUTANTS[name]
    with open(copy.__file__, encoding="utf-8") as file:
        source = file.read()
    for text, replacement in changes:
        if text not in source:
            raise ValueError(f"mutant {name}: copy.py of this interpreter has no such text: {text!r}")
        source = source.replace(text, replacement)
    # Helpers took `deepcopy` as a default argument; a mutant that wraps it has to be found by them too.
    source = re.sub(r",\s*(\*,\s*)?deepcopy=deepcopy\)", ")", source + appended)
    source = re.sub(r"^del types, weakref.*$", "", source, flags=re.MULTILINE)
    module = types.ModuleType("mutant_" + name)
    exec(compile(source, f"<{module.__name__}>", "exec"), module.__dict__)
    return module
