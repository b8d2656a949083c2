"""Time deep copies of one object, and say whether they are the same."""

# mypy: no-warn-unused-ignores
# (Types are checked also where rich is not installed: hence the ignores on its imports, which else are not needed.)

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

import calque
from calque.demo.measure import Contender, Verdict, interleaved, judge
from calque.demo.report import about, progress


class CannotBeCopied(Exception):
    """calque refuses the object; the message is a sentence that says why."""


class Calls(Contender):
    """A prepared copy: called without an argument, so that no wrapper is timed."""

    def run(self) -> float:
        prepared: Any = self.deepcopy
        copies = range(self.repeat)
        start = perf_counter_ns()
        for _ in copies:
            prepared()
        return (perf_counter_ns() - start) / self.repeat


@dataclass(frozen=True)
class Result:
    """The table of one object."""

    title: str
    rounds: int
    #: Name of the copier, and nanoseconds per copy, or in one word what came instead.
    times: dict[str, float | str]
    #: Nanoseconds that `calque.prepare` took, once.
    preparation: float
    verdict: Verdict

    def ratio(self, name: str) -> float | None:
        """How many times as fast as copy.deepcopy; None without both times."""
        stdlib, time = self.times["copy.deepcopy"], self.times[name]
        return None if isinstance(stdlib, str) or isinstance(time, str) else stdlib / time


@contextmanager
def _own_copy() -> Iterator[None]:
    """copy.deepcopy is the standard library's, even if this process was started with CALQUE_PATCH=1."""
    was_on = calque.patch.disable()
    try:
        yield
    finally:
        if was_on:
            calque.patch.enable()


def measure(title: str, x: Any, rounds: int, *, quiet: bool) -> Result:
    """Copy `x` with all three, in turn; progress goes to a terminal's stderr unless `quiet`.

    Raises:
        CannotBeCopied: calque raises an exception, as the standard library does or would.
    """
    shown: AbstractContextManager[Callable[[str], None]] = nullcontext(_nothing) if quiet else progress(rounds + 2)
    with _own_copy(), shown as step:
        step("one copy")
        begin = perf_counter_ns()
        try:
            prepared = calque.prepare(x)
            calque.deepcopy(x)
        except Exception as error:
            path = calque.error_path(error)
            at = f" at {path}" if path else ""
            text = " ".join(str(error).split())
            raise CannotBeCopied(f"{title} cannot be copied: {type(error).__name__}{at}: {text}") from None
        preparation = perf_counter_ns() - begin
        step("exact?")
        verdict = judge(lambda: x, copy.deepcopy, calque.deepcopy)
        contenders = [Contender(copy.deepcopy, x), Contender(calque.deepcopy, x), Calls(prepared, x)]  # type: ignore[arg-type]
        times = interleaved(contenders, rounds, lambda number: step(f"round {number + 1}"))
    names = ("copy.deepcopy", "calque.deepcopy", "calque.prepare")
    return Result(title, rounds, dict(zip(names, times)), preparation, verdict)


def _nothing(text: str) -> None:
    pass


def as_json(result: Result) -> dict[str, Any]:
    """The result in JSON types, times in seconds."""
    return {
        "python": about(),
        "object": result.title,
        "objects": result.verdict.objects,
        "rounds": result.rounds,
        "exact": result.verdict.exact,
        "note": result.verdict.note,
        "preparation_seconds": result.preparation / 1e9,
        "copiers": {name: {"seconds": None if isinstance(time, str) else time / 1e9, "instead": time if isinstance(time, str) else None,
                           "ratio": result.ratio(name)}
                    for name, time in result.times.items()},
    }


def print_table(result: Result) -> None:
    """Print the table and its sentences on stdout."""
    from rich import box  # type: ignore[import]
    from rich.console import Console  # type: ignore[import]
    from rich.table import Table  # type: ignore[import]
    from rich.text import Text  # type: ignore[import]

    console = Console(highlight=False)
    console.print(Text(f"{result.title}: {result.verdict.objects:,} objects; {about()}", "italic"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("copied by", no_wrap=True)
    for heading in ("time", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, time in result.times.items():
        ratio = result.ratio(name)
        table.add_row(name, Text(time if isinstance(time, str) else duration(time)), "" if ratio is None else f"{ratio:.2f}x")
    console.print(table)
    console.print()
    how = f"the best of {result.rounds} rounds, in turn" if result.rounds > 1 else "one round"
    console.print(Text(f"Time of one copy, made and freed, {how}. calque.prepare took {duration(result.preparation)} once, a first "
                       "copy included."))
    if result.verdict.note:
        console.print(Text(f"{result.verdict.note}.", "" if result.verdict.exact else "bold red"))
    elif result.verdict.exact:
        console.print(Text("calque's copy is the same as copy.deepcopy's.", "green"))


def duration(nanoseconds: float) -> str:
    """In the unit that gives one to three digits before the point."""
    for unit in ("ns", "us", "ms"):
        if nanoseconds < 999.5:
            return f"{nanoseconds:.{0 if nanoseconds >= 100 else 1 if nanoseconds >= 10 else 2}f} {unit}"
        nanoseconds /= 1000
    return f"{nanoseconds:.2f} s"
