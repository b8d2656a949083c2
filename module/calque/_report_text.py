"""calque.Report as text."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._explain import Report

_ROWS = 12
_WIDEST = 46


def duration(ns: float) -> str:
    """Nanoseconds for people: 12.3 ms."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 1000 * size else f"{ns / size:,.0f} {unit}"
    return f"{ns:.0f} ns"


def amount(size: float) -> str:
    """Bytes for people: 1.5 MiB."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _plain(text: str) -> str:
    """On one line, whatever a name holds."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _short(text: str, width: int = _WIDEST) -> str:
    text = _plain(text)
    return text if len(text) <= width else text[:width // 2] + "…" + text[len(text) - (width - width // 2 - 1):]


def _columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The last column and the first are flush left, those between flush right."""
    table = [head, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    return ["  ".join(cell.ljust(width) if i in (0, len(head) - 1) else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in table]


def _more(rows: Sequence[object], what: str) -> list[str]:
    return [f"... and {len(rows) - _ROWS:,} more {what}"] if len(rows) > _ROWS else []


def _head(report: Report) -> list[str]:
    own = max(0, report.wall_ns - report.copy_ns)
    made = f"{report.root}: {report.objects:,} objects, {amount(report.bytes)} made, {duration(report.copy_ns)} in handlers and hooks"
    cost = (f"Explaining took {duration(own)} more; {report.clock_ns} ns for reading the clock are taken off each of the times that were "
            f"added up ({report.visits:,} visits).")
    return [_plain(made), cost]


def table(report: Report) -> str:
    """What print(report) shows."""
    lines = _head(report)
    for failure in report.failures:
        error = failure.exception
        try:
            text = f"{type(error).__name__}: {error}"
        except Exception:
            text = type(error).__name__
        lines += ["", f"FAILS at {_plain(failure.path)}", f"  {_plain(text)}", f"  {_plain(failure.advice)}"]
    if report.types:
        lines += ["", *_columns(
            ("class", "objects", "time", "", "with parts", "bytes", "copied by"),
            ((_short(row.name), f"{row.objects:,}", duration(row.exclusive_ns), percent(row.exclusive_ns, report.copy_ns),
              duration(row.inclusive_ns), amount(row.bytes),
              ", ".join(dict.fromkeys(source for source, _, _ in row.served_by))) for row in report.types[:_ROWS])),
            *_more(report.types, "classes")]
    paths = sorted((row for row in report.paths if row.objects), key=lambda row: -row.exclusive_ns)
    if paths:
        lines += ["", *_columns(
            ("path", "objects", "time", "", "with parts", "bytes", "classes"),
            ((_short(row.path), f"{row.objects:,}", duration(row.exclusive_ns), percent(row.exclusive_ns, report.copy_ns),
              duration(row.inclusive_ns), amount(row.bytes), _short(", ".join(name for name, _ in row.types), 40))
             for row in paths[:_ROWS])), *_more(paths, "paths")]
    slow = [row for row in report.types if row.slow]
    if slow:
        lines += ["", "Not copied natively:"]
        for row in slow[:_ROWS]:
            lines.append(f"  {_plain(row.name)}, {row.objects:,} objects, {duration(row.exclusive_ns)}, first at {_plain(row.example)}")
            lines += itertools.chain.from_iterable((f"    {_plain(what)}", f"      -> {_plain(advice)}") for what, advice in row.slow)
        lines += _more(slow, "classes")
    if report.references:
        lines += ["", *_columns(
            ("met again at", "times", "first met at"),
            ((_short(row.path), f"{row.times:,}", _short(row.first) + (f" ({row.cyclic:,} on a cycle)" if row.cyclic else ""))
             for row in report.references[:_ROWS])), *_more(report.references, "of these")]
    lines += ["", *map(_plain, report.remarks)] if report.remarks else []
    return "\n".join(lines)
