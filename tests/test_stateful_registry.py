"""Hypothesis walks through handlers, tables and classes that change between copies, and compares each copy with a model of README's order.

Where the standard library has the feature (all but `calque.register`) its own copy is compared too. CALQUE_TEST_EXAMPLES: how many walks.
"""

import copy
import copyreg
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import calque

EXAMPLES = int(os.environ.get("CALQUE_TEST_EXAMPLES", "0"))
CLASSES = 4  # A, B(A), C(B), and D, which is none of them


def made_by(how):
    """A copy that says what made it; a list, which every walk copies by itself."""
    return ["made by", how]


def classes():
    class A:
        pass

    class B(A):
        pass

    class C(B):
        pass

    class D:
        pass

    return A, B, C, D


numbers = st.integers(0, CLASSES - 1)


class Registry(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.classes = classes()
        self.handlers = {}  # class -> (mark, subclasses)
        self.dispatch = {}  # copy._deepcopy_dispatch
        self.copyreg = {}
        self.hooks = {}  # class -> mark of its own __deepcopy__, None for __deepcopy__ = None
        self.reducers = {}  # class -> mark of its own __reduce_ex__
        self.count = 0

    def mark(self):
        self.count += 1
        return self.count

    @rule(n=numbers, subclasses=st.booleans())
    def register(self, n, subclasses):
        cls, mark = self.classes[n], self.mark()
        if cls in self.handlers:
            with pytest.raises(ValueError):
                calque.register(cls, subclasses=subclasses)(lambda obj, memo: made_by("nobody"))
        else:
            calque.register(cls, subclasses=subclasses)(lambda obj, memo: made_by(mark))
            self.handlers[cls] = mark, subclasses

    @rule(n=numbers)
    def unregister(self, n):
        cls = self.classes[n]
        if self.handlers.pop(cls, None) is None:
            with pytest.raises(LookupError):
                calque.unregister(cls)
        else:
            calque.unregister(cls)

    @rule(n=numbers)
    def enter_in_dispatch(self, n):
        mark = self.mark()
        copy._deepcopy_dispatch[self.classes[n]] = lambda obj, memo: made_by(mark)
        self.dispatch[self.classes[n]] = mark

    @precondition(lambda self: self.dispatch)
    @rule(n=numbers)
    def take_out_of_dispatch(self, n):
        if self.dispatch.pop(self.classes[n], None):
            del copy._deepcopy_dispatch[self.classes[n]]

    @rule(n=numbers)
    def enter_in_copyreg(self, n):
        mark = self.mark()
        copyreg.pickle(self.classes[n], lambda obj: (made_by, (mark,)))
        self.copyreg[self.classes[n]] = mark

    @precondition(lambda self: self.copyreg)
    @rule(n=numbers)
    def take_out_of_copyreg(self, n):
        if self.copyreg.pop(self.classes[n], None):
            del copyreg.dispatch_table[self.classes[n]]

    @rule(n=numbers, none=st.booleans())
    def give_hook(self, n, none):
        mark = None if none else self.mark()
        self.classes[n].__deepcopy__ = None if none else lambda obj, memo: made_by(mark)
        self.hooks[self.classes[n]] = mark

    @precondition(lambda self: self.hooks)
    @rule(n=numbers)
    def take_hook(self, n):
        if self.classes[n] in self.hooks:
            del self.hooks[self.classes[n]], self.classes[n].__deepcopy__

    @rule(n=numbers)
    def give_reducer(self, n):
        mark = self.mark()
        self.classes[n].__reduce_ex__ = lambda obj, protocol: (made_by, (mark,))
        self.reducers[self.classes[n]] = mark

    @precondition(lambda self: self.reducers)
    @rule(n=numbers)
    def take_reducer(self, n):
        if self.classes[n] in self.reducers:
            del self.reducers[self.classes[n]], self.classes[n].__reduce_ex__

    def expected(self, cls, handlers):
        """The mark of what copies an instance; None: bare, by the default protocol."""
        if handlers and cls in self.handlers:
            return self.handlers[cls][0]
        if cls in self.dispatch:
            return self.dispatch[cls]
        for base in cls.__mro__:
            if handlers and base in self.handlers and self.handlers[base][1]:
                return self.handlers[base][0]
            if base in self.hooks:  # None, too, hides the hooks of its bases
                if self.hooks[base] is not None:
                    return self.hooks[base]
                break
        if cls in self.copyreg:
            return self.copyreg[cls]
        return next((self.reducers[base] for base in cls.__mro__ if base in self.reducers), None)

    @invariant()
    def copies_are_as_the_model_says(self):
        if not hasattr(self, "classes"):
            return
        for deepcopy, handlers in ((calque.deepcopy, True), (copy.deepcopy, False)):
            objects = [cls() for cls in self.classes]
            for obj in objects:
                obj.value = objects[0].__dict__.setdefault("shared", [1])
            for obj, got in zip(objects, deepcopy(objects)):
                mark = self.expected(type(obj), handlers)
                if mark is None:
                    assert type(got) is type(obj) and got.value == [1] and got.value is not obj.value
                else:
                    assert got == made_by(mark), (type(obj).__name__, got, mark)

    def teardown(self):
        if hasattr(self, "classes"):
            for cls in self.handlers:
                calque.unregister(cls)
            for cls in self.dispatch:
                del copy._deepcopy_dispatch[cls]
            for cls in self.copyreg:
                del copyreg.dispatch_table[cls]


@pytest.mark.no_leak_check(reason="Hypothesis keeps what it has seen")
def test_whatever_changes_between_copies_counts_at_the_next():
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Registry, settings=settings(
        max_examples=EXAMPLES or 25, stateful_step_count=30, derandomize=not EXAMPLES, deadline=None, database=None,
        suppress_health_check=list(HealthCheck)))
