#!/usr/bin/env python3
# perf/sdk.py: what a copy costs per object of an extension type, by the kind of its handler.
#
#     perf/sdk.py                  prints the table
#     perf/sdk.py --write          and keeps it in perf/results
#
# A list of 10,000 objects is copied, and in the same rounds built by a loop in C that allocates and fills the same objects and does
# nothing else ("bare"). Freeing is part of both. The best round counts. "scaled" is for a machine on which an empty
# METH_FASTCALL call costs 10 ns: the call is measured before and after, and the mean taken.
from __future__ import annotations

import argparse
import copy
import datetime
import pathlib
import platform
import sys
from collections.abc import Callable
from typing import Any

import setting

COUNT = 10_000
YARDSTICK_NS = 10.0
# Nanoseconds per object, scaled. By the name of a kind in perf/cpp/sdk/sdk.cpp. A handler that may run Python code is prepared for at
# each call (abi.h), which CALQUE_PURE spares.
MUST = {
    "C, SIMPLE": 45,
    "C, SIMPLE and pure": 45,
    "Boost.Python, two numbers": 110,
}


class Own:
    """A hook in Python."""

    __slots__ = ("x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y

    def __deepcopy__(self, memo: Any) -> Own:
        return Own(self.x, self.y)


def bare_own(objects: list[Own]) -> list[Own]:
    return [Own(one.x, one.y) for one in objects]


def best(functions: dict[str, Callable[[Any], Any]], x: Any, rounds: int) -> dict[str, float]:
    import measure
    return {name: min(times) / COUNT for name, times in measure.rounds_of(functions, x, rounds).items()}


def measure_all(native: Any, rounds: int) -> dict[str, dict[str, float]]:
    import calque
    rows = {}
    for name in native.names():
        objects = native.make(name, COUNT)
        native.serve(name)
        try:
            made = calque.deepcopy(objects)
            if [type(one) for one in made] != [type(one) for one in objects] or any(a is b for a, b in zip(made, objects)):
                sys.exit(f"{name}: the copy is not one")
            rows[name] = best({"bare": native.bare(name), "calque": calque.deepcopy}, objects, rounds)
        finally:
            native.dismiss(name)
    rows["Python, __deepcopy__"] = best(
        {"bare": bare_own, "calque": calque.deepcopy, "copy.deepcopy": copy.deepcopy}, [Own(1.0, 2.0) for _ in range(COUNT)], rounds)
    return rows


def table(rows: dict[str, dict[str, float]], call_ns: float) -> str:
    scale = YARDSTICK_NS / call_ns
    lines = ["| ns per object | bare | calque | above bare | calque, scaled | must | met | copy.deepcopy |", "|---|---|---|---|---|---|---|---|"]
    for name, row in rows.items():
        must = MUST.get(name)
        scaled = row["calque"] * scale
        stdlib = f"{row['copy.deepcopy']:.0f}" if "copy.deepcopy" in row else ""
        lines.append(f"| {name} | {row['bare']:.1f} | {row['calque']:.1f} | {row['calque'] - row['bare']:.1f} | {scaled:.1f} "
                     f"| {must or ''} | {'' if must is None else 'yes' if scaled <= must else 'NO'} | {stdlib} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="What a copy costs per object of an extension type.")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--write", action="store_true", help="keeps the table in perf/results")
    options = parser.parse_args()
    build = setting.enter()
    native = setting.native(build, "calque_perf_sdk")
    if build is not None and (wrong := setting.plain_release(build)):
        print(f"not the build that users get: {wrong}")
    import measure
    before = measure.yardstick()["call_ns"]
    rows = measure_all(native, options.rounds)
    call_ns = (before + measure.yardstick()["call_ns"]) / 2
    text = (f"# Objects of extension types, Python {platform.python_version()}\n\n"
            f"`perf/sdk.py`, {datetime.date.today()}: a list of {COUNT:,} objects; an empty METH_FASTCALL call costs {call_ns:.1f} ns here.\n\n"
            f"{table(rows, call_ns)}\n")
    print(text)
    if options.write:
        version = ".".join(platform.python_version_tuple()[:2])
        (pathlib.Path(__file__).parent / "results" / f"{datetime.date.today()}-sdk-python-{version}.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
