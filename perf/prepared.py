#!/usr/bin/env python3
# perf/prepared.py: calque.prepare(x)(), beside calque.deepcopy(x), copy.deepcopy(x) and pickle.loads(blob); and calque.extra.replicate.
#
#     perf/prepared.py                 every case
#     perf/prepared.py 'nested*'       some of them
#     perf/prepared.py --rounds 300    the best of more rounds
#
# All in one process: in each round every way copies for about 1.5 ms, beginning with another one each time, and the best round of
# each counts. "Nested defaults" are what a default_factory gives: 5 to 50 objects that are copied. The others are the cases of workloads.py
# of up to a few thousand objects. What must be reached: 0.95 of calque.deepcopy on every value, 1.1 on nested defaults, and there
# 3 times copy.deepcopy and pickle.loads. Exit status 1 if something is missed. The last column, of nested defaults: pickle.loads over the
# floor, a program that makes and frees the same objects and does nothing else (floor.py). Where that is below 3, no copier can be 3 times as fast.
from __future__ import annotations

import argparse
import copy
import dataclasses
import datetime
import fnmatch
import itertools
import math
import pickle
import platform
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import measure
import sameness
import setting
import workloads

MUST_ANY, MUST_NESTED, MUST_OTHERS = 0.95, 1.1, 3.0
SLOWEST_NS = 3_000_000  # of the cases of workloads.py, a copy by copy.deepcopy
OFTEN = 100  # copies per call of replicate


@dataclasses.dataclass
class Retry:
    codes: list[int]
    waits: list[float]
    name: str = "default"


@dataclasses.dataclass
class Service:
    host: str
    ports: list[int]
    retry: Retry
    labels: dict[str, str]


class Window:
    def __init__(self, title: str) -> None:
        self.title, self.size, self.children, self.style = title, [800, 600], [{"kind": "button"}, {"kind": "menu"}], {"font": {"size": 12}}


def chain(length: int, wrap: Callable[[Any], Any]) -> Any:
    x = wrap(1)
    for _ in range(length - 1):
        x = wrap(x)
    return x


def service(i: int) -> Service:
    return Service(f"host{i}", [80, 443], Retry([500, 503], [0.1, 1.0]), {"env": "test", "zone": "a"})


NESTED: dict[str, Callable[[], Any]] = {
    "lists of lists, 5": lambda: [[1, 2], [3, 4], [5], []],
    "lists of lists, 50": lambda: [[[i, j] for j in range(6)] for i in range(7)],
    "dict of lists, 6": lambda: {"retries": [1, 2, 5], "codes": [500, 503], "hosts": ["a", "b"], "ports": [80], "tags": []},
    "dict of dicts, 9": lambda: {f"s{i}": {"host": "h", "port": 80, "ssl": True} for i in range(8)},
    "settings, 12": lambda: {"log": {"level": "info", "to": ["stderr"], "format": {"time": True}}, "db": {"url": "sqlite://", "pool": {"size": 5, "args": []}},
                             "http": {"ports": [80, 443], "tls": {"versions": [12, 13]}}},
    "records, 31": lambda: {"rows": [{"id": i, "tags": ["a", "b"], "at": {"x": i}} for i in range(10)]},
    "records, 46": lambda: [{"id": i, "tags": ["a"], "sub": {"k": [i]}, "t": (i, [i])} for i in range(9)],
    "dicts in a chain, 5": lambda: chain(5, lambda x: {"a": x}),
    "dicts in a chain, 20": lambda: chain(20, lambda x: {"a": x}),
    "dicts in a chain, 50": lambda: chain(50, lambda x: {"a": x}),
    "dicts of 4 in a chain, 20": lambda: chain(20, lambda x: {"a": x, "b": 1, "c": "x", "d": None}),
    "lists in a chain, 20": lambda: chain(20, lambda x: [x]),
    "tuples with lists, 21": lambda: [(i, [i]) for i in range(10)],
    "dataclass, 5": lambda: service(1),
    "dataclasses, 31": lambda: [service(i) for i in range(5)],
    "instance, 8": lambda: Window("main"),
    "instances, 41": lambda: [Window(f"w{i}") for i in range(5)],
    "dates, 11": lambda: {f"d{i}": datetime.datetime(2020, 1, i + 1) for i in range(10)},
    "shared list, 11": lambda: (lambda shared: [{"to": shared} for _ in range(9)] + [shared])([1]),
    "sets, 9": lambda: {"a": {1, 2, 3}, "b": frozenset("xyz"), "c": [{1}, {2}, {"x", "y"}], "d": {"e": set(), "f": {4}}},
}


def _call(function: Any, x: Any, repeats: int) -> int:
    loop = itertools.repeat(None, repeats)
    clock = time.perf_counter_ns
    start = clock()
    for _ in loop:
        function()
    return clock() - start


def _own_copies(function: Any, x: Any, repeats: int) -> int:
    numbers = range(OFTEN)
    loop = itertools.repeat(None, repeats)
    clock = time.perf_counter_ns
    start = clock()
    for _ in loop:
        [function(x) for _ in numbers]
    return clock() - start


def _replicas(function: Any, x: Any, repeats: int) -> int:
    loop = itertools.repeat(None, repeats)
    clock = time.perf_counter_ns
    start = clock()
    for _ in loop:
        function(x, OFTEN)
    return clock() - start


def timer_like(code: Callable[..., int]) -> measure.Timer:
    """With bytecode of its own: see measure.new_timer."""
    return types.FunctionType(code.__code__.replace(), globals())


def best_of(ways: dict[str, tuple[measure.Timer, Any]], x: Any, rounds: int) -> dict[str, float]:
    repeats = {name: measure.calibrate(timer, function, x) for name, (timer, function) in ways.items()}
    best = dict.fromkeys(ways, math.inf)
    order = list(ways)
    begin = time.perf_counter_ns()
    for turn in range(rounds):
        if turn >= measure.FEWEST and time.perf_counter_ns() - begin > measure.ENOUGH_NS:
            break
        for name in order[turn % len(order):] + order[:turn % len(order)]:
            timer, function = ways[name]
            best[name] = min(best[name], timer(function, x, repeats[name]) / repeats[name])
    return best


def ways_of(x: Any, calque: Any) -> dict[str, tuple[measure.Timer, Any]]:
    calque.deepcopy(x)  # a class has its plan from its first copy on
    prepared = calque.prepare(x)
    ways: dict[str, tuple[measure.Timer, Any]] = {
        "prepare": (timer_like(_call), prepared), "deepcopy": (measure.new_timer(), calque.deepcopy), "copy": (measure.new_timer(), copy.deepcopy),
        "replicate": (timer_like(_replicas), calque.extra.replicate), "own copies": (timer_like(_own_copies), calque.deepcopy)}
    try:
        blob = pickle.dumps(x, pickle.HIGHEST_PROTOCOL)
        pickle.loads(blob)
    except Exception:  # noqa: BLE001
        return ways
    load = measure.new_timer()
    ways["pickle"] = (lambda function, x, repeats: load(function, blob, repeats), pickle.loads)
    return ways


def add_floor(ways: dict[str, tuple[measure.Timer, Any]], x: Any, native: Any) -> None:
    if hasattr(native, "Floor"):
        ways["floor"] = (lambda function, _, repeats: int(function(repeats)) + 1, native.Floor(x).timed)


def check(name: str, x: Any, calque: Any) -> None:
    known = sameness.objects_of(x)
    expected = sameness.trace(copy.deepcopy(x), known)
    for y in (calque.prepare(x)(), calque.extra.replicate(x, OFTEN)[-1]):
        if sameness.trace(y, known) != expected:
            sys.exit(f"{name}: the copies differ")


def quickly_copied(x: Any) -> bool:
    start = time.perf_counter_ns()
    copy.deepcopy(x)
    return time.perf_counter_ns() - start < SLOWEST_NS


def main() -> int:
    parser = argparse.ArgumentParser(description="calque.prepare and calque.extra.replicate.")
    parser.add_argument("cases", nargs="*", help="patterns of names; default: all")
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    build = setting.enter()
    import calque

    warning = setting.plain_release(build) if build else None
    native = setting.native(build) if build else None
    print(f"Python {platform.python_version()}; best of {options.rounds} rounds{f'; {warning}' if warning else ''}\n")
    print("| case | prepare ns | x deepcopy | x copy.deepcopy | x pickle.loads | replicate x own copies | objects | pickle.loads x floor |\n|---|---|---|---|---|---|---|---|")
    cases: list[tuple[str, Callable[[], Any], bool]] = [(f"nested: {name}", make, True) for name, make in NESTED.items()]
    cases += [(case.name, case.build, False) for case in workloads.CASES.values() if not case.shallow]
    missed: list[str] = []
    found: dict[str, list[float]] = {}
    for name, make, is_nested in cases:
        if options.cases and not any(fnmatch.fnmatch(name, pattern) for pattern in options.cases):
            continue
        x = make()
        if not quickly_copied(x):
            continue
        check(name, x, calque)
        ways = ways_of(x, calque)
        if is_nested:
            add_floor(ways, make(), native)
        ns = best_of(ways, x, options.rounds)
        own = ns["prepare"]
        ratios = {"deepcopy": ns["deepcopy"] / own, "copy.deepcopy": ns["copy"] / own, "pickle.loads": ns.get("pickle", math.nan) / own,
                  "replicate": ns["own copies"] / ns["replicate"]}
        must = {"deepcopy": MUST_NESTED if is_nested else MUST_ANY, "replicate": MUST_ANY}
        if is_nested:
            must |= {"copy.deepcopy": MUST_OTHERS, "pickle.loads": MUST_OTHERS}
        missed += [f"{name}: {ratios[way]:.2f} x {way}, must be {least:g}" for way, least in must.items() if ratios[way] < least]
        for way, ratio in ratios.items():
            if not math.isnan(ratio):
                found.setdefault(f"{'nested defaults' if is_nested else 'other values'}, x {way}", []).append(ratio)
        texts = ["" if math.isnan(ratio) else f"{ratio:.2f}" for ratio in ratios.values()]
        most = f"{ns['pickle'] / ns['floor']:.2f}" if "floor" in ns else ""
        print(f"| {name} | {own:,.0f} | {' | '.join(texts)} | {calque.prepare(x).objects or 'by deepcopy'} | {most} |", flush=True)
    print()
    for name, numbers in found.items():
        print(f"{name}: {math.exp(sum(map(math.log, numbers)) / len(numbers)):.2f} in the geometric mean of {len(numbers)}, "
              f"{min(numbers):.2f} at least, {max(numbers):.2f} at most")
    print("\nmissed:\n" + "\n".join(missed) if missed else "\nnothing missed")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
