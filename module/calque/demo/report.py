"""What the demonstration says: a progress line, one table and a few sentences, or JSON.

The only file that imports `rich`.
"""

# mypy: no-warn-unused-ignores
# (Types are checked also where rich is not installed: hence the ignores on its imports, which else are not needed.)

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from calque.demo.measure import Verdict
from calque.demo.memory import METHOD, Memory

ADVICE = "The table is printed with the library rich: install Debian's python3-rich, or `pip install rich`."


@dataclass(frozen=True)
class Result:
    """One row. The lists hold the stdlib's figure, then calque's."""

    title: str
    times: list[float | str]
    """Nanoseconds, or in one word what came instead of a copy."""
    memory: list[Memory]
    verdict: Verdict

    @property
    def ratio(self) -> float | None:
        """How many times faster calque is; None without both times."""
        stdlib, calque = self.times
        return None if isinstance(stdlib, str) or isinstance(calque, str) else stdlib / calque


@dataclass
class Report:
    """All rows and what was left out."""

    rounds: int
    results: list[Result] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """Title of a graph that this Python has not got, and why, as a sentence."""

    @property
    def exact(self) -> bool:
        """Every row is."""
        return all(result.verdict.exact for result in self.results)

    @property
    def timed(self) -> list[Result]:
        """The rows that both implementations copied."""
        return [result for result in self.results if result.ratio is not None]

    @property
    def total_ns(self) -> list[float]:
        """Sums over the rows that both implementations copied."""
        return [math.fsum(result.times[which] for result in self.timed) for which in (0, 1)]  # type: ignore[misc]

    @property
    def geometric_mean(self) -> float | None:
        """Of the ratios; None without any."""
        ratios = [result.ratio for result in self.timed if result.ratio]
        return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def about() -> str:
    """Name the interpreter and the machine."""
    return f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"


def method(rounds: int) -> str:
    """Say in one sentence what the figures mean and how they were taken."""
    how = f"the best of {rounds} rounds that alternate between the two" if rounds > 1 else "one run of each"
    return (
        f"Measured: the time of one deep copy, made and freed, {how}, garbage collection as the interpreter has it; "
        f"memory: {METHOD}; exact: values, types, order and shared objects of calque's copy are those of "
        "copy.deepcopy's, and the source is left as copy.deepcopy leaves it."
    )


def as_json(report: Report) -> dict[str, Any]:
    """Return the report in JSON types; times in seconds, memory in bytes."""
    return {
        "python": about(),
        "method": method(report.rounds),
        "exact": report.exact,
        "geometric_mean_ratio": report.geometric_mean,
        "total_seconds": dict(zip(("stdlib", "calque"), (spent / 1e9 for spent in report.total_ns), strict=False)),
        "graphs": [
            {
                "graph": result.title,
                "objects": result.verdict.objects,
                "seconds": dict(
                    zip(
                        ("stdlib", "calque"),
                        (None if isinstance(t, str) else t / 1e9 for t in result.times),
                        strict=False,
                    )
                ),
                "ratio": result.ratio,
                "peak_memory": {name: each.growth for name, each in zip(("stdlib", "calque"), result.memory, strict=False)},
                "exact": result.verdict.exact,
                "checked_against": "the source" if result.verdict.by_source else "copy.deepcopy",
                "note": result.verdict.note,
            }
            for result in report.results
        ],
        "skipped": report.skipped,
    }


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is going on, on a terminal's stderr; call it once per step, `total` times.

    It draws only when called: no thread of its own runs beside what is measured.
    """
    from rich.console import Console  # type: ignore[import]
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # type: ignore[import]

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as bar:
        task = bar.add_task("", total=total)

        def step(text: str) -> None:
            bar.update(task, advance=1, description=text)
            bar.refresh()

        yield step


def print_table(report: Report) -> None:
    """Print the table and its sentences on stdout."""
    from rich import box  # type: ignore[import]
    from rich.console import Console  # type: ignore[import]
    from rich.table import Table  # type: ignore[import]
    from rich.text import Text  # type: ignore[import]

    console = Console(highlight=False)
    console.print(Text(f"copy.deepcopy and calque.deepcopy, {about()}", "italic"))
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1) if console.width >= 100 else 0,
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("graph", overflow="fold")
    for heading in ("objects", "stdlib\nms", "calque\nms", "ratio", "stdlib\nMiB", "calque\nMiB"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("exact", no_wrap=True)
    for result in report.results:
        exact = Text("yes", "green") if result.verdict.exact else Text("NO", "bold red")
        if result.verdict.by_source:
            exact.append("*")  # the note below the table explains
        table.add_row(
            Text(result.title),
            f"{result.verdict.objects:,}",
            *map(_milliseconds, result.times),
            _ratio(result.ratio),
            *map(_mebibytes, result.memory),
            exact,
        )
    if len(report.timed) > 1:
        table.add_section()
        mean, total = report.geometric_mean, report.total_ns
        table.add_row("total", "", _milliseconds(total[0]), _milliseconds(total[1]), _ratio(total[0] / total[1]))
        table.add_row("geometric mean of ratios", "", "", "", _ratio(mean))
    console.print(table)
    console.print()
    for result in report.results:
        if result.verdict.note:
            star = "* " if result.verdict.by_source else ""
            style = "" if result.verdict.exact else "bold red"
            console.print(Text(f"{star}{result.title}: {result.verdict.note}.", style))
    for title, reason in report.skipped.items():
        console.print(Text(f"{title}: skipped, {reason}."))
    console.print(Text(method(report.rounds)))
    different = sum(not result.verdict.exact for result in report.results)
    if different:
        console.print(Text(f"NOT exact: {different} of {len(report.results)} graphs.", "bold red"))
    else:
        console.print(Text("calque did what copy.deepcopy does, on every graph.", "green"))
    sys.stdout.flush()


def _milliseconds(nanoseconds: float | str) -> str:
    if isinstance(nanoseconds, str):
        return nanoseconds
    value = nanoseconds / 1e6
    return f"{value:,.0f}" if value >= 1000 else f"{value:.{2 if value >= 1 else 3}f}"


def _mebibytes(memory: Memory) -> str:
    return "-" if memory.growth is None else f"{memory.growth / 2**20:.1f}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}x" if value >= 10 else f"{value:.2f}x"
