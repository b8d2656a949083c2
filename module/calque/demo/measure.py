"""Time two deepcopy functions on one graph, and judge whether they copy it the same."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

from calque.demo.compare import difference, reachable, shared_mutable

Build = Callable[[], object]
DeepCopy = Callable[[Any], Any]

SHORTEST_RUN_NS = 5_000_000
"""A run repeats the copy until it lasts at least this long."""
SHORTEST_SAMPLE_NS = 40_000_000
"""A sample repeats the run until it lasts at least this long, and keeps the best run."""
LONGEST_GRAPH_NS = 20_000_000_000
"""No further round of a graph begins after this time."""


@dataclass
class Contender:
    """One implementation on one graph."""

    deepcopy: DeepCopy
    source: object
    repeat: int = 1

    def sample(self) -> float:
        """Return nanoseconds per copy, each copy freed before the next."""
        gc.collect()  # so that no sample pays for the garbage of another
        best, begin = math.inf, perf_counter_ns()
        while True:
            best = min(best, self.run())
            if perf_counter_ns() - begin >= SHORTEST_SAMPLE_NS:
                return best

    def run(self) -> float:
        """Make `repeat` copies in one stretch; return nanoseconds per copy. Raises what the copy raises."""
        deepcopy, source, copies = self.deepcopy, self.source, range(self.repeat)
        start = perf_counter_ns()
        for _ in copies:
            deepcopy(source)
        return (perf_counter_ns() - start) / self.repeat


def best_times(build: Build, functions: list[DeepCopy], rounds: int) -> list[float | str]:
    """Return the best time of each function for one copy, in nanoseconds, or the name of the exception that it raises.

    Each function copies a source of its own, built anew, so that what another leaves in it neither helps nor harms.
    The rounds are interleaved: every round takes one sample of each function, the odd rounds in reverse order. Before
    the first, one copy tells how many of them a run needs.
    """
    return interleaved([Contender(function, build()) for function in functions], rounds)


def interleaved(contenders: list[Contender], rounds: int, step: Callable[[int], None] = lambda number: None) -> list[float | str]:
    """The same for contenders that are there already; `step` is called with the number of each round before it begins."""
    found: list[float | str] = []
    begin = perf_counter_ns()
    for each in contenders:
        try:
            once = each.run()
        except Exception as error:
            found.append(type(error).__name__)
        else:
            found.append(once)
            each.repeat = max(1, round(SHORTEST_RUN_NS / max(once, 1)))
    for number in range(rounds):
        if perf_counter_ns() - begin > LONGEST_GRAPH_NS:
            break
        step(number)
        order = range(len(contenders))
        for index in reversed(order) if number % 2 else order:
            best = found[index]
            if not isinstance(best, str):
                found[index] = min(best, contenders[index].sample())
    return found


@dataclass(frozen=True)
class Verdict:
    """Whether one graph was copied exactly, and why that is said."""

    exact: bool
    objects: int
    """How many different objects the source has, immutable ones included."""
    note: str = ""
    """A sentence where there is more to say than yes; without a final stop."""
    by_source: bool = False
    """The stdlib has no copy to compare with, so calque's copy was compared with the source."""


@dataclass(frozen=True)
class Failure:
    """What came instead of a copy: an exception, or a signal that ended the process."""

    name: str
    text: str = ""
    too_deep: bool = False
    """Only for want of stack: an implementation that needs less of it may succeed."""

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.text else self.name


def judge(build: Build, stdlib: DeepCopy | Failure, calque: DeepCopy) -> Verdict:
    """Copy a fresh graph with both functions and compare the copies.

    `stdlib` is a Failure where the standard library's copy is known to end the process. Raises what `build` raises.
    """
    # Nothing looks at a source before all copies are made: a look may change what the next copy finds. (An XML element
    # joins its text when it is first read; an object gets its `__dict__` when it is first asked for.)
    source, other = build(), build()
    ours = _attempt(calque, source)
    theirs = stdlib if isinstance(stdlib, Failure) else _attempt(stdlib, source)
    if not isinstance(stdlib, Failure):
        for _ in range(2):
            _attempt(stdlib, other)
    exact, note = _compare(build, source, theirs, ours)
    # A copy may run methods that leave something in the source, such as a cache: calque must leave the same.
    change = difference(other, source)
    if change is not None and difference(build(), build()) is not None:
        note = "; ".join(filter(None, [note, "two readings differ, so the source could not be checked for changes"]))
    elif change is not None:
        exact, note = False, f"the source was changed: {change}"
    by_source = isinstance(theirs, Failure) and not isinstance(ours, Failure)
    return Verdict(exact, len(reachable(source)), note, by_source)


def _compare(build: Build, source: object, theirs: Any, ours: Any) -> tuple[bool, str]:
    """Return whether two outcomes, copies or failures, are the same, and a note."""
    if isinstance(ours, Failure):
        if not isinstance(theirs, Failure):
            return False, f"calque ends in {ours}, stdlib does not"
        same = (theirs.name, theirs.text) == (ours.name, ours.text)
        return same, f"both end in {ours}" if same else f"stdlib ends in {theirs}, calque in {ours}"
    if not isinstance(theirs, Failure):
        wrong = difference(theirs, ours, source)
        return wrong is None, f"calque's copy differs: {wrong}" if wrong else ""
    if not theirs.too_deep:
        return False, f"stdlib ends in {theirs}, calque does not"
    wrong = difference(build(), ours) or shared_mutable(source, ours)
    if wrong:
        return False, f"stdlib ends in {theirs}; calque's copy differs from the source: {wrong}"
    return True, f"stdlib ends in {theirs}; calque's copy was checked against the source instead"


def _attempt(deepcopy: DeepCopy, source: object) -> Any:
    try:
        return deepcopy(source)
    except Exception as error:
        kind = type(error)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        return Failure(name, str(error), isinstance(error, RecursionError))
