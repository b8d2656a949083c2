#!/usr/bin/env python3
# perf/targets.py: what calque wants to reach, and whether it does.
#
#     perf/targets.py perf/results/<a run>.json ...      of several runs, the median of each figure
#
# A target has a "must" and a "goal" for Python 3.11 and for 3.13; other versions may stay 15 % behind the must of the
# nearer one. Nanoseconds are for a machine on which an empty METH_FASTCALL call costs 10 ns and are scaled by what it
# costs in the run (its yardstick).
from __future__ import annotations

import argparse
import dataclasses
import json
import math
import pathlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

import cases
import extras
import floor
import workloads
from measure import STDLIB, SUBJECT

PEER = "copium"
YARDSTICK_NS = 10.0
ALLOWANCE = 0.85  # for the Pythons that have no column

Report = dict[str, Any]
# What was measured, and a remark; None where the run has no such figure.
Figure = tuple[float, str] | None


@dataclasses.dataclass(frozen=True)
class Target:
    title: str
    figure: Callable[[Report], Figure]
    must: tuple[float, float]
    goal: tuple[float, float]
    low: bool = False  # low is good
    scaled: bool = False  # nanoseconds
    unit: str = "x"


@dataclasses.dataclass(frozen=True)
class Verdict:
    title: str
    must: str
    goal: str
    measured: str
    met: str
    remark: str


# --- figures --------------------------------------------------------------------------------------------------------


def geomean(numbers: Iterable[float]) -> float:
    logarithms = [math.log(number) for number in numbers]
    return math.exp(sum(logarithms) / len(logarithms))


def ratios(report: Report, groups: Iterable[str], other: str) -> dict[str, float]:
    wanted = set(groups)
    entries = ((name, entry["group"], entry["ns"]) for name, entry in report.get("cases", {}).items())
    return {name: ns[other] / ns[SUBJECT] for name, group, ns in entries if group in wanted and other in ns and SUBJECT in ns}


def complete(found: dict[str, float], groups: Iterable[str]) -> bool:
    """A run of some cases says nothing of a group."""
    wanted = set(groups)
    return bool(found) and all(case.name in found for case in workloads.CASES.values() if case.group in wanted)


def worst_of(found: dict[str, float], low: bool = False) -> tuple[str, float]:
    return (max if low else min)(found.items(), key=lambda pair: pair[1])


def floor_over_stdlib(report: Report, groups: Iterable[str]) -> float | None:
    """How many times faster than stdlib the floor is, over the cases of groups that have one: calque's own factor there,
    times how far it is above the floor."""
    factors = ratios(report, groups, STDLIB)
    found = [factors[name] * floor.ratio(entry) for name, entry in report.get("floor", {}).items() if name in factors]
    return geomean(found) if found else None


def mean(*groups: str, other: str = STDLIB) -> Callable[[Report], Figure]:
    """The geometric mean; the remark names the case that is worst, and what the floor would reach."""

    def figure(report: Report) -> Figure:
        found = ratios(report, groups, other)
        if not complete(found, groups):
            return None
        name, ratio = worst_of(found)
        height = floor_over_stdlib(report, groups) if other == STDLIB else None
        return geomean(found.values()), f"worst: {name} {ratio:.2f}" + (f"; the floor: {height:.0f} x" if height else "")

    return figure


def worst(groups: Iterable[str], other: str) -> Callable[[Report], Figure]:
    chosen = tuple(groups)

    def figure(report: Report) -> Figure:
        found = ratios(report, chosen, other)
        if not complete(found, chosen):
            return None
        name, ratio = worst_of(found)
        return ratio, f"{name}; mean {geomean(found.values()):.2f}"

    return figure


def one(name: str) -> Callable[[Report], Figure]:
    def figure(report: Report) -> Figure:
        ns = report.get("cases", {}).get(name, {}).get("ns", {})
        return (ns[STDLIB] / ns[SUBJECT], "") if SUBJECT in ns and STDLIB in ns else None

    return figure


def over_floor(names: Iterable[str]) -> Callable[[Report], Figure]:
    chosen = tuple(names)

    def figure(report: Report) -> Figure:
        found = {name: floor.ratio(entry) for name, entry in report.get("floor", {}).items() if name in chosen}
        if len(found) < len(chosen):
            return None
        name, ratio = worst_of(found, low=True)
        return geomean(found.values()), f"worst: {name} {ratio:.2f}"

    return figure


def part(name: str, figure: Callable[[Any], Figure]) -> Callable[[Report], Figure]:
    """Of the extras."""
    return lambda report: figure(report["extras"][name]) if name in report.get("extras", {}) else None


def aftermath(found: Any) -> Figure:
    ns = found[SUBJECT]
    return ns["after"] / ns["fresh"], f"{ns['fresh']:.0f} ns, then {ns['after']:.0f} ns"


def huge(*kinds: str) -> Callable[[Any], Figure]:
    def figure(found: Any) -> Figure:
        ns = {kind: found[kind][SUBJECT] for kind in kinds}
        return max(ns.values()), ", ".join(f"{kind} {value:.0f}" for kind, value in ns.items())

    return figure


def over_stdlib(which: str) -> Callable[[Any], Figure]:
    def figure(found: Any) -> Figure:
        ours, theirs = found[SUBJECT][which], found[STDLIB][which]
        return ours / theirs, f"{ours / 1e6:.0f} of {theirs / 1e6:.0f} MB"

    return figure


def worst_memory(found: Any) -> Figure:
    every = {f"{name} ({which})": extras.memory_ratio(entry, which) for name, entry in found.items() for which in ("peak", "copy")}
    name, ratio = worst_of(every, low=True)
    return ratio, f"{name}; above 1 in {sum(r > 1 for r in every.values())} of {len(every)}"


# --- the table ------------------------------------------------------------------------------------------------------

OWN = ("own", "patched")
OTHERS = tuple(group for group in cases.GROUPS if group not in OWN)

TARGETS = (
    Target("memo over stdlib", mean("memo"), (48, 46), (56, 54)),
    Target("container over stdlib", mean("container"), (47, 47), (56, 56)),
    Target("depth over stdlib", mean("depth"), (36, 30), (44, 38)),
    Target("atomic over stdlib", mean("atomic"), (80, 80), (98, 98)),
    Target("dataclass over stdlib", mean("dataclass"), (44, 44), (54, 54)),
    Target("slots over stdlib", mean("slots"), (105, 95), (130, 120)),
    Target("naive datetimes over stdlib", mean("datetime"), (72, 70), (90, 88)),
    Target("edge over stdlib", mean("edge"), (25, 21), (32, 27)),
    Target("sample over stdlib", mean("sample"), (31, 29), (38, 35)),
    Target("all of these over stdlib", mean(*cases.CORE), (42, 40), (52, 50)),
    Target(f"all of these over {PEER}", mean(*cases.CORE, other=PEER), (2.6, 2.6), (3.4, 3.4)),
    Target(f"the case furthest behind {PEER}", worst(OTHERS, PEER), (1 / 1.1, 1 / 1.1), (1, 1)),
    Target(f"the same, with a __deepcopy__ of its own, over {PEER}", worst(OWN, PEER), (1 / 1.2, 1 / 1.2), (1, 1)),
    Target("value types, 50 in a list, over stdlib", mean("values-50"), (20, 20), (30, 30)),
    Target("value types, alone, over stdlib", mean("values-alone"), (9, 9), (14, 14)),
    Target("copy.copy, the slowest case over stdlib", worst(("shallow",), STDLIB), (1.5, 1.5), (3, 3)),
    Target("floor ratio, 26 cases", over_floor(floor.CASES), (1.22, 1.22), (1.10, 1.10), low=True),
    Target("atoms in a list over incref and store", over_floor(floor.ATOMS), (1.4, 1.4), (1.15, 1.15), low=True),
    Target("small copy after 10^6 objects", part("aftermath", aftermath), (1.1, 1.1), (1.0, 1.0), low=True),
    Target("10^6 lists or instances", part("huge", huge("lists", "instances")), (80, 80), (60, 60), low=True, scaled=True, unit="ns"),
    Target("10^6 one-key dicts", part("huge", huge("dicts")), (150, 150), (125, 125), low=True, scaled=True, unit="ns"),
    Target("memory of 10^6 objects: peak over stdlib", part("resident", over_stdlib("peak")), (0.75, 0.75), (0.65, 0.65), low=True),
    Target("memory of 10^6 objects: kept over stdlib", part("resident", over_stdlib("copy")), (0.75, 0.75), (0.65, 0.65), low=True),
    Target("peak or copy of any case over stdlib", part("cases", worst_memory), (1.0, 1.0), (1.0, 1.0), low=True),
    Target(
        "kept per thread between copies", part("graph", lambda found: (found[SUBJECT]["left"] / 1e6, "")), (2, 2), (0.256, 0.256), low=True, unit="MB"
    ),
    Target("RSS growth by 1,000 threads", part("threads", lambda found: (found[SUBJECT] / 1e6, "")), (5, 5), (1, 1), low=True, unit="MB"),
    Target("syntax tree of 5,000 lines over stdlib", one("syntax_tree-5000"), (15, 15), (25, 25)),
    Target("networkx-like graph over stdlib", one("networkx_like-800"), (18, 18), (25, 25)),
    Target("20 chat messages over stdlib", one("chat_messages"), (20, 20), (27, 27)),
    Target("JSON schema over stdlib", one("json_schema"), (20, 20), (27, 27)),
    Target("argparse parser over stdlib", one("argparse_parser"), (10, 10), (18, 18)),
    Target("Decimal and date rows over stdlib", one("bank_rows-500"), (15, 15), (25, 25)),
    Target("dataclasses with uuid and datetime over stdlib", one("events-200"), (20, 20), (35, 35)),
    Target("ElementTree over stdlib", one("element_tree-401"), (0.95, 0.95), (1, 1)),
    Target("patched: pydantic-like models", one("pydantic_like-100"), (2.5, 2.5), (3.2, 3.2)),
    Target("patched: DAG with own __deepcopy__", one("dag_own-50"), (6, 6), (9, 9)),
    Target("patched: objects with own __deepcopy__", one("own_deepcopy-200"), (2.5, 2.5), (3, 3)),
)


def load(file: pathlib.Path) -> Report:
    """What perf/bench.py saved."""
    report: Report = json.loads(file.read_text())
    found = {key.removeprefix("extras "): report.pop(key) for key in list(report) if key.startswith("extras ")}
    return report | ({"extras": found} if found else {})


def column(python: str) -> tuple[int, float]:
    """Which column, and what the must is multiplied with."""
    minor = int(python.split(".")[1])
    return int(minor >= 12), 1.0 if minor in (11, 13) else ALLOWANCE


def middle(target: Target, reports: list[Report]) -> Figure:
    """The median of the runs that have the figure, with the remark of that run."""
    figures = sorted((figure for figure in map(target.figure, reports) if figure is not None), key=lambda figure: figure[0])
    return figures[len(figures) // 2] if figures else None


def judge(target: Target, reports: list[Report]) -> Verdict:
    which, allowance = column(reports[0]["meta"]["python"])
    calls = sorted(report["meta"]["yardstick"]["call_ns"] for report in reports)
    scale = calls[len(calls) // 2] / YARDSTICK_NS if target.scaled else 1.0
    must = target.must[which] * scale * (1 / allowance if target.low else allowance)
    goal = target.goal[which] * scale

    def text(number: float) -> str:
        return f"{number:.0f} {target.unit}" if number >= 100 else f"{number:.3g} {target.unit}"

    figure = middle(target, reports)
    if figure is None:
        return Verdict(target.title, text(must), text(goal), "-", "not measured", "")
    # As it is printed: 1.004 is no more than 1, and minus nothing is nothing.
    measured = round(figure[0], 2) + 0.0

    def reaches(limit: float) -> bool:
        return measured <= round(limit, 2) if target.low else measured >= round(limit, 2)

    met = "goal" if reaches(goal) else "must" if reaches(must) else "missed"
    return Verdict(target.title, text(must), text(goal), text(measured), met, figure[1])


def verdicts(*reports: Report) -> list[Verdict]:
    return [judge(target, list(reports)) for target in TARGETS]


def summary(found: list[Verdict]) -> str:
    counts = {met: sum(verdict.met == met for verdict in found) for met in ("goal", "must", "missed", "not measured")}
    return (
        f"of {len(found)} targets the goal is reached by {counts['goal']}, only the must by {counts['must']}; "
        f"missed by {counts['missed']}, not measured {counts['not measured']}"
    )


HEADER = ("target", "must", "goal", "measured", "met", "remark")


def markdown(found: list[Verdict]) -> list[str]:
    rows = [HEADER, ("---", "---:", "---:", "---:", "---", "---"), *map(dataclasses.astuple, found)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def plain(found: list[Verdict]) -> list[str]:
    rows = [HEADER, *map(dataclasses.astuple, found)]
    widths = [max(map(len, column)) for column in zip(*rows)]

    def line(row: tuple[str, ...]) -> str:
        cells = [cell.ljust(width) if i in (0, 4, 5) else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        return "  ".join(cells).rstrip()

    return [*map(line, rows), summary(found)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Must, goal, measured, met: a line per target.")
    parser.add_argument("runs", nargs="+", type=pathlib.Path, help="what make bench wrote as JSON; of several runs, the median counts")
    reports = [load(file) for file in parser.parse_args().runs]
    if len({report["meta"]["python"] for report in reports}) > 1:
        sys.exit("these runs are of several Pythons")
    print("\n".join(plain(verdicts(*reports))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
