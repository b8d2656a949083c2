"""Choose, and running a program for each way through it: run_all, first, sample.

A generator cannot be copied, so a program is not forked where it chooses: it is run again from its beginning, and told what it
chose the time before. That is exact for programs that are *deterministic*: performed again, with the same answers, they perform the same
effects. Whether they do is checked, effect by effect; the first one that differs is named.

Each run has handlers of its own: State, Reader and Writer of the program are deep-copied, so each branch begins with the State the program was
given, and what it does to it stays in it. That costs what the way to the fork costs, for each branch; nothing less is honest
where values are changed in place.

What is compared, in a run and in the log of another: the class of the effect, and its fields by `==`. Objects whose class has no `__eq__` are
equal if their classes are; so are functions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import calque

from .._effects import Continuation, Effect, NativeHandler, Pass, Transfer, TypedHandler, WithHandler, run


class Choose(Effect):
    """Effect: one of the options; which one is for the handler to say: run_all, first or sample.

    options: a sequence. An empty one ends the branch.
    """

    options: Sequence[Any]


class DivergenceError(RuntimeError):
    """A program that was run again did something else than the time before.

    Attributes:
        index: the number of the first effect that differs, from 0.
        expected: what was performed the time before, or None if that run had ended.
        got: what is performed now, or None if this run has ended.
    """

    def __init__(self, index: int, expected: Effect | None, got: Effect | None) -> None:
        before = "the program had ended" if expected is None else repr(expected)
        now = "the program has ended" if got is None else repr(got)
        super().__init__(f"the program is not deterministic: effect {index} was {before}, and is {now}")
        self.index = index
        self.expected = expected
        self.got = got


def same_effect(a: Any, b: Any) -> bool:
    """Of one class, with equal fields."""
    if type(a) is not type(b):
        return False
    for name in type(a).__match_args__:  # a loop, not all(...): this runs for each effect of each branch
        x, y = getattr(a, name, None), getattr(b, name, None)
        if x is not y and not _same(x, y):
            return False
    return True


def _same(a: Any, b: Any) -> bool:
    compares: Any = type(a).__eq__
    if type(a) is type(b) and compares is object.__eq__:
        return True
    try:
        return bool(a == b)
    except Exception:
        return False


def copy_if_possible(x: Any) -> Any:
    """A deep copy; the object itself if it cannot be copied."""
    try:
        return calque.deepcopy(x)
    except Exception:
        return x


def copies_of_native(handlers: Iterable[Any]) -> list[Any]:
    """The handlers, State, Reader and Writer deep-copied: what two of them share, the copies share."""
    handlers = list(handlers)
    copies = iter(calque.deepcopy([handler for handler in handlers if isinstance(handler, NativeHandler)]))
    return [next(copies) if isinstance(handler, NativeHandler) else handler for handler in handlers]


def around(program: Any) -> tuple[list[Any], Any]:
    """The handlers that a program is wrapped in, outermost first, and what is in the innermost one. Native handlers are deep-copied."""
    handlers = []
    while type(program) is WithHandler:
        handlers.append(program.handler)
        program = program.body
    return copies_of_native(handlers), program


class _Step(NamedTuple):
    """A choice on the way to where a run is."""

    number: int
    options: Sequence[Any]
    performed: int  # effects before it


class _Way:
    """What one run does: the handlers that choose, and that compare with the run before."""

    def __init__(self, known: list[Any], steps: list[_Step], pick: Callable[[Sequence[Any]], int]) -> None:
        self.known = known  # effects in their order, those of the runs before first
        self.steps = steps
        self.pick = pick
        self.position = 0
        self.chosen = 0
        self.dead = False
        self.failure: DivergenceError | None = None

    def run(self, program: Any) -> Any:
        handlers, body = around(program)
        known = len(self.known)
        body = WithHandler(self.compare, body)
        for handler in reversed(handlers):
            body = WithHandler(handler, body)
        try:
            result = run(WithHandler(TypedHandler((Choose,), self.choose), body))
        except Exception:
            if self.failure is None:
                raise
        if self.failure is None and self.position < known:
            self.failure = DivergenceError(self.position, self.known[self.position], None)
        if self.failure is not None:
            raise self.failure
        return result

    def compare(self, effect: Any, k: Continuation) -> Pass | None:
        if self.position == len(self.known):
            self.known.append(copy_if_possible(effect))
        elif not same_effect(self.known[self.position], effect):
            self.failure = DivergenceError(self.position, self.known[self.position], effect)
            return None  # gives the program up: it could catch an exception
        self.position += 1
        return Pass(effect, k)

    def choose(self, effect: Any, k: Continuation) -> Transfer | None:
        options = effect.options
        if len(options) == 0:
            self.dead = True
            return None
        if self.chosen == len(self.steps):
            self.steps.append(_Step(self.pick(options), copy_if_possible(options), self.position))
        step = self.steps[self.chosen]
        self.chosen += 1
        return Transfer(k, options[step.number])


def _branches(program: Any) -> Iterator[Any]:
    """What the branches come to, depth first, in the order of the options."""
    known: list[Any] = []
    steps: list[_Step] = []
    while True:
        way = _Way(known, steps, lambda options: 0)
        result = way.run(program)
        if not way.dead:
            yield result
        while steps and steps[-1].number + 1 == len(steps[-1].options):
            steps.pop()
        if not steps:
            return
        steps[-1] = steps[-1]._replace(number=steps[-1].number + 1)
        del known[steps[-1].performed:]


def run_all(program: Any) -> list[Any]:
    """Run a program that performs Choose once for each way through it.

    Args:
        program: as for `run`; deterministic. State, Reader and Writer that it is wrapped in are deep-copied for each branch; handlers
            in Python are shared by all.

    Returns:
        What the branches return, depth first, in the order of the options. One that chose from nothing is left out.

    Raises:
        DivergenceError: the program is not deterministic.
        What a branch raises; the others are not run then.
    """
    return list(_branches(program))


def first(program: Any) -> Any:
    """What the first branch of `run_all` returns. No other one is run.

    Raises:
        LookupError: each branch chose from nothing.
        As `run_all`.
    """
    for result in _branches(program):
        return result
    raise LookupError("no branch came to an end: each chose from nothing")


def sample(program: Any, rng: random.Random | None = None) -> Any:
    """What one branch returns, each option chosen with the same probability.

    Args:
        program: as for `run_all`.
        rng: what to choose with; `random` itself if it is None.

    Raises:
        LookupError: the branch chose from nothing.
        What the branch raises.
    """
    choose = random.randrange if rng is None else rng.randrange
    way = _Way([], [], lambda options: choose(len(options)))
    result = way.run(program)
    if way.dead:
        raise LookupError("the branch came to no end: it chose from nothing")
    return result
