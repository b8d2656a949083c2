"""Hypothesis uses the memo of a copy in progress in every way it offers, and compares it with the dict that copy.deepcopy hands out.

One hook of the copy runs all steps: on stdlib's dict, on calque's dict, and on the calque.Memo of a handler registered for the same class. What is
compared after each step: length, keys by the objects they are the ids of, values by structure and by which object they are, and the errors.
CALQUE_TEST_EXAMPLES: how many walks.
"""

import copy
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import calque

EXAMPLES = int(os.environ.get("CALQUE_TEST_EXAMPLES", "0"))
OBJECTS = 6

objects = st.integers(0, OBJECTS - 1)
steps = st.lists(st.one_of(
    st.tuples(st.sampled_from(["get", "getitem", "contains", "pop", "pop_default", "delete", "copy", "keep_alive", "setdefault", "nested", "new"]), objects),
    st.tuples(st.sampled_from(["set", "set_itself", "set_none"]), objects),
    st.tuples(st.sampled_from(["len", "keys", "iterate", "originals", "clear", "unhashable", "missing", "again"]), st.just(0)),
), max_size=14)


def graph(hook):
    """Some objects before the hook, some behind it, some that hold it all together; [0] to [2] were copied when it runs."""
    a, b = [1], {"k": [2]}
    c = (a, [3])
    d, e = [4, [5]], {6: a}
    return [a, b, c, hook, d, [e, (d,), [hook, c]]], (a, b, c, d, e, e[6])


class Hook:
    """Runs the steps at its first call, and keeps the memo for later ones."""

    def __init__(self, steps, deepcopy):
        self.steps, self.deepcopy, self.seen, self.fresh = steps, deepcopy, [], []

    def run(self, memo, child):
        for step in self.steps:
            try:
                answer = self.take(memo, child, *step)
            except (KeyError, TypeError) as error:
                answer = type(error).__name__
            self.seen.append((step, answer, self.state(memo)))
        return ["hooked"]

    def role(self, key):
        return next((n for n, obj in enumerate(self.objects) if id(obj) == key), "other")

    def state(self, memo):
        # Which entries there are besides those of our objects (temporaries, the list of originals) is compared where "keys" asks.
        return [(n, repr(memo.get(id(obj))) if n not in (1, 4) else len(memo.get(id(obj)) or ()), memo.get(id(obj)) is obj)
                for n, obj in enumerate(self.objects)]

    def take(self, memo, child, what, n):
        obj = self.objects[n]
        if what == "get":
            return memo.get(id(obj), "absent")
        if what == "getitem":
            return memo[id(obj)]
        if what == "contains":
            return id(obj) in memo
        if what == "pop":
            return memo.pop(id(obj))
        if what == "pop_default":
            return memo.pop(id(obj), "absent")
        if what == "delete":
            del memo[id(obj)]
            return None
        if what == "copy":
            return child(obj)
        if what == "keep_alive":
            fresh = [len(self.fresh)]
            self.fresh.append(fresh)
            return child(fresh)
        if what == "setdefault":
            return memo.setdefault(id(obj), ["default", n])
        if what == "nested":
            return self.deepcopy([obj, obj], memo)
        if what == "new":
            return self.deepcopy([obj])
        if what == "set":
            memo[id(obj)] = ["set", n]
            return None
        if what == "set_itself":
            memo[id(obj)] = obj
            return None
        if what == "set_none":
            memo[id(obj)] = None
            return None
        if what == "len":
            return len(memo) - len(list(memo.keys()))
        if what == "keys":
            return [self.role(key) for key in memo.keys() if self.role(key) != "other"]
        if what == "iterate":
            return [self.role(key) for key in memo if self.role(key) != "other"] == [
                self.role(key) for key, _ in memo.items() if self.role(key) != "other"]
        if what == "originals":
            return len(list(memo.values())) == len(memo)
        if what == "clear":
            memo.clear()
            return None
        if what == "unhashable":
            return memo[[]]
        if what == "missing":
            return memo[-1]
        return child(self.objects[0]) is child(self.objects[0])


class ByHook(Hook):
    def __deepcopy__(self, memo):
        return self.run(memo, lambda child: self.deepcopy(child, memo))


class ByHandler(Hook):
    pass


def outcome(cls, deepcopy, steps):
    hook = cls(steps, deepcopy)
    x, hook.objects = graph(hook)
    try:
        copied = deepcopy(x)
        flat = [copied, copied[0], copied[2], copied[4], copied[5], copied[5][2]]
        shared = [[one is other for one in flat] for other in (*hook.objects, *flat)]
    except Exception as error:
        copied, shared = type(error).__name__, str(error)
    return repr(copied), shared, [repr(seen) for seen in hook.seen]


@pytest.mark.no_leak_check(reason="Hypothesis keeps what it has seen")
@pytest.mark.parametrize("cls", [ByHook, ByHandler])
@settings(max_examples=EXAMPLES or 150, derandomize=not EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_a_memo_in_use_is_the_dict_that_copy_hands_out(cls, steps):
    expected = outcome(ByHook, copy.deepcopy, steps)
    if cls is ByHandler:
        calque.register(ByHandler)(lambda hook, memo: hook.run(memo, memo.copy))
    try:
        assert outcome(cls, calque.deepcopy, steps) == expected
    finally:
        if cls is ByHandler:
            calque.unregister(ByHandler)
