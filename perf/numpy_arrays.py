#!/usr/bin/env python3
# perf/numpy_arrays.py: arrays of numpy under calque.plugins.numpy, beside copy.deepcopy and beside calque without the plugin.
#
#     perf/numpy_arrays.py                 every case
#     perf/numpy_arrays.py 'list*'         some of them
#     perf/numpy_arrays.py --rounds 300    the best of more rounds
#
# Wants numpy, and a calque built where numpy is. All in one process: in each round every implementation copies for about
# 1.5 ms, beginning with another one each time, and the best round counts. "numpy" is the arrays of the case by
# ndarray.__copy__, and nothing around them: no list, no memo. Exit status 1 if a case that must be three times as fast as
# copy.deepcopy is not.
from __future__ import annotations

import argparse
import copy
import dataclasses
import fnmatch
import platform
import sys
from collections.abc import Callable
from typing import Any

import measure
import setting

MUST = 3.0


@dataclasses.dataclass
class Record:
    name: str
    position: Any
    weights: Any
    tags: list[str]


def cases(np: Any) -> dict[str, tuple[Callable[[], Any], bool]]:
    """By name: a function that makes the object, and whether it must be MUST times as fast."""

    def objects(*items: Any) -> Any:
        array = np.empty(len(items), object)
        for i, item in enumerate(items):
            array[i] = item
        return array

    found: dict[str, tuple[Callable[[], Any], bool]] = {}
    for size in (1, 3, 16, 100):
        found[f"list of 100, {size} float64"] = (lambda size=size: [np.arange(float(size)) for _ in range(100)]), True
        found[f"dict of 100, {size} float64"] = (lambda size=size: {f"k{i}": np.arange(float(size)) for i in range(100)}), True
    return {
        **found,
        "list of 100, (3, 3) float64": (lambda: [np.eye(3) for _ in range(100)], True),
        "dict of 100, (3, 3) float64": (lambda: {f"k{i}": np.eye(3) for i in range(100)}, True),
        "list of 100, (3, 3) float64, Fortran": (lambda: [np.asfortranarray(np.eye(3)) for _ in range(100)], True),
        "list of 100, 3 text": (lambda: [np.array(["a", "b", "ccc"]) for _ in range(100)], True),
        "list of 100, 1000 float64": (lambda: [np.arange(1000.0) for _ in range(100)], False),
        "list of 100, every second of 16": (lambda: [np.arange(16.0)[::2] for _ in range(100)], False),
        "list of 100, structures of two": (lambda: [np.zeros(3, [("a", "i4"), ("b", "f8")]) for _ in range(100)], False),
        "list of 100, the same array": (lambda: [np.arange(3.0)] * 100, False),
        "one, 3 float64": (lambda: np.arange(3.0), False),
        "50 records with two arrays": (lambda: [Record(f"n{i}", np.arange(3.0), np.eye(3), ["a", "b"]) for i in range(50)], False),
        "50 dicts with two arrays": (lambda: [{"id": i, "x": np.arange(3.0), "w": np.eye(3)} for i in range(50)], False),
        "one, 1e6 float64": (lambda: np.arange(1e6), False),
        "one, 10,000 float64": (lambda: np.arange(1e4), False),
        "list of 1000, float64 scalars": (lambda: list(np.arange(1000.0)), False),
        "objects: 1000 strings": (lambda: objects(*(f"text {i}" for i in range(1000))), False),
        "objects: 1000 lists": (lambda: objects(*([i] for i in range(1000))), False),
        "objects: 100 arrays of 3": (lambda: objects(*(np.arange(3.0) for _ in range(100))), False),
        "list of 100, 3 strings as objects": (lambda: [objects("a", "b", "c") for _ in range(100)], False),
        "structures with objects: 100": (lambda: np.array([(i, [i]) for i in range(100)], [("a", "i4"), ("b", "O")]), False),
    }


def arrays_in(x: Any, np: Any) -> list[Any]:
    """All the arrays that are copied, each once."""
    seen: dict[int, Any] = {}

    def walk(x: Any) -> None:
        if type(x) is np.ndarray:
            if id(x) not in seen:
                seen[id(x)] = x
                if x.dtype == object:
                    walk(x.tolist())
        elif isinstance(x, dict):
            walk(list(x.values()))
        elif isinstance(x, Record):
            walk([x.position, x.weights])
        elif isinstance(x, list):
            for item in x:
                walk(item)

    walk(x)
    return list(seen.values())


def alone(np: Any) -> Callable[[list[Any]], Any]:
    shallow = np.ndarray.__copy__
    return lambda arrays: [*map(shallow, arrays)]


def measured(x: Any, np: Any, calque: Any, plugin: Any, rounds: int) -> dict[str, float]:
    """ns of one copy, by implementation: the best of the rounds."""
    plain = arrays_in(x, np)
    functions: dict[str, tuple[Any, Any]] = {
        "stdlib": (copy.deepcopy, x), "without": (calque.deepcopy, x), "calque": (calque.deepcopy, x), "numpy": (alone(np), plain)}
    for peer in measure.PEERS:
        if peer in sys.modules:
            functions[peer] = (sys.modules[peer].deepcopy, x)
    timers = {name: measure.new_timer() for name in functions}

    def registered(name: str) -> None:
        (plugin.unregister if name == "without" else plugin.register)()

    repeats = {}
    for name, (function, argument) in functions.items():
        registered(name)
        repeats[name] = measure.calibrate(timers[name], function, argument)
    best = dict.fromkeys(functions, float("inf"))
    order = list(functions)
    for turn in range(rounds):
        for name in order[turn % len(order):] + order[:turn % len(order)]:
            registered(name)
            function, argument = functions[name]
            best[name] = min(best[name], timers[name](function, argument, repeats[name]) / repeats[name])
    registered("calque")
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description="numpy's arrays under calque.plugins.numpy.")
    parser.add_argument("cases", nargs="*", help="patterns of names; default: all")
    parser.add_argument("--rounds", type=int, default=150)
    options = parser.parse_args()
    build = setting.enter()
    try:
        import numpy as np

        import calque
        import calque.plugins.numpy as plugin
    except ImportError as error:
        sys.exit(f"{sys.executable}: {error}")
    for peer in measure.PEERS:
        try:
            __import__(peer)
        except ImportError:
            pass
    peers = [peer for peer in measure.PEERS if peer in sys.modules]
    warning = setting.plain_release(build) if build else None
    print(f"Python {platform.python_version()}, numpy {np.__version__}; best of {options.rounds} rounds{f'; {warning}' if warning else ''}\n")
    head = ["case", "stdlib us", "calque us", "x stdlib", *(f"x {peer}" for peer in peers), "x calque without the plugin", "x numpy's own copies alone"]
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    missed = []
    for name, (make, must) in cases(np).items():
        if options.cases and not any(fnmatch.fnmatch(name, pattern) for pattern in options.cases):
            continue
        x = make()
        if repr(calque.deepcopy(x)) != repr(copy.deepcopy(x)):
            sys.exit(f"{name}: the copies differ")
        best = measured(x, np, calque, plugin, options.rounds)
        own = best["calque"]
        row = [f"{best['stdlib'] / 1000:.2f}", f"{own / 1000:.2f}", f"{best['stdlib'] / own:.2f}", *(f"{best[peer] / own:.2f}" for peer in peers),
               f"{best['without'] / own:.2f}", f"{best['numpy'] / own:.2f}" if arrays_in(x, np) else ""]
        print(f"| {name}{' (must)' if must else ''} | " + " | ".join(row) + " |", flush=True)
        if must and best["stdlib"] / own < MUST:
            missed.append(name)
    print("\nbehind stdlib's time / 3: " + ", ".join(missed) if missed else f"\nall that must be {MUST:g} times as fast are")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
