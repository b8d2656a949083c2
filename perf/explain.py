#!/usr/bin/env python3
# perf/explain.py: what calque.explain costs beside calque.deepcopy.
#
#     perf/explain.py                  every case
#     perf/explain.py --rounds 100     the best of more rounds
#
# In each round all three are run in turn on the same object, and the best round of each counts:
#   deepcopy    calque.deepcopy(x)
#   explained   the copy with its trace (calque._calque._explain), without the report that is made of it
#   explain     calque.explain(x): the report as well
# "told" is what the report says of the copy (copy_ns), of the round of the best "explain": the times that handlers took, one by
# one. It is more than deepcopy takes where deepcopy calls handlers from within each other.
from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from typing import Any

import setting


class Row:
    def __init__(self, number: int) -> None:
        self.number, self.tags, self.owner = number, ["a", "b"], {"name": f"owner {number}"}


class Hooked:
    def __init__(self, number: int) -> None:
        self.tags = [number]

    def __deepcopy__(self, memo: Any) -> Hooked:
        made = Hooked.__new__(Hooked)
        made.tags = self.tags[:]
        return made


class Stateful(Row):
    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)


def response() -> Any:
    return json.loads(json.dumps({"items": [{"id": i, "name": f"n{i}", "tags": ["x", "y"], "position": {"x": i, "y": -i}} for i in range(1000)]}))


CASES: dict[str, Callable[[], Any]] = {
    "1000 records of JSON": response,
    "1000 instances, a list and a dict each": lambda: [Row(i) for i in range(1000)],
    "1000 with __deepcopy__": lambda: [Hooked(i) for i in range(1000)],
    "1000 with __getstate__": lambda: [Stateful(i) for i in range(1000)],
    "100,000 lists of one int": lambda: [[i] for i in range(100_000)],
    "a list of 100,000 ints": lambda: list(range(100_000)),
}


def taken(function: Callable[[Any], Any], x: Any) -> tuple[int, Any]:
    before = time.perf_counter_ns()
    result = function(x)
    return time.perf_counter_ns() - before, result


def main() -> None:
    parser = argparse.ArgumentParser(description="calque.explain beside calque.deepcopy.")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    build = setting.enter()
    import calque

    warning = setting.plain_release(build) if build else None
    print(f"Python {platform.python_version()}; best of {options.rounds} rounds{f'; {warning}' if warning else ''}\n")
    head = ["case", "deepcopy ms", "explained ms", "x deepcopy", "explain ms", "told ms", "clock ns"]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for name, make in CASES.items():
        x = make()
        best = dict.fromkeys(("deepcopy", "explained", "explain"), float("inf"))
        report: Any = None
        for _ in range(options.rounds):
            best["deepcopy"] = min(best["deepcopy"], taken(calque.deepcopy, x)[0])
            explained = taken(lambda x: calque._calque._explain(x)[3], x)[0]
            best["explained"] = min(best["explained"], explained)
            whole, told = taken(calque.explain, x)
            if whole < best["explain"]:
                best["explain"], report = whole, told
        columns = [best["deepcopy"] / 1e6, best["explained"] / 1e6, best["explained"] / best["deepcopy"], best["explain"] / 1e6, report.copy_ns / 1e6]
        print(f"| {name} | " + " | ".join(f"{value:.3g}" for value in columns) + f" | {report.clock_ns} |", flush=True)
    advice(options.rounds)


class Unit:
    def __init__(self, name: str) -> None:
        self.name = name

    def __deepcopy__(self, memo: Any) -> Unit:
        return self


class Reading:
    def __init__(self, unit: Unit, values: list[int]) -> None:
        self.unit, self.values = unit, values


def advice(rounds: int) -> None:
    """The README's example, and what its advice gains."""
    import calque

    readings = {"volts": [Reading(Unit("V"), [i, i + 1]) for i in range(1000)]}
    before = after = float("inf")
    for _ in range(rounds):
        before = min(before, taken(calque.deepcopy, readings)[0])
        with calque.atomic(Unit):
            calque.deepcopy(readings)
            after = min(after, taken(calque.deepcopy, readings)[0])
    print(f"\nThe README's readings: {before / 1000:.0f} us, with calque.atomic(Unit) {after / 1000:.0f} us")


if __name__ == "__main__":
    main()
