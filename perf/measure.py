# perf/measure.py: one case in this process: check that the copies are alike, then time them in turn.
#
# Run by bench_deepcopy.py, in a process of its own per case; prints one JSON object.
from __future__ import annotations

import argparse
import copy
import gc
import importlib
import itertools
import json
import math
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import sameness
import workloads

STDLIB = "stdlib"
SUBJECT = "calque"
STDLIB_MODULE = copy
# Modules with a `deepcopy` and a `copy`. Those not installed are left out, and the tables say so.
PEERS = ("copium",)

BLOCK_NS = 1_500_000  # what a round of one implementation should take
ENOUGH_NS = 2_500_000_000  # a case that took this long makes no more than FEWEST rounds
FEWEST = 5

Timer = Callable[[Any, Any, int], int]


def implementations() -> tuple[dict[str, types.ModuleType], list[str]]:
    """Modules by name, the standard library first, and the names that are not installed."""
    found, absent = {STDLIB: copy}, []
    for name in (SUBJECT, *PEERS):
        try:
            found[name] = importlib.import_module(name)
        except ImportError:
            absent.append(name)
    return found, absent


def patch_of(name: str) -> Any:
    """What makes an implementation stand in for copy.deepcopy: something with enable() and disable(), or None."""
    try:
        return importlib.import_module(f"{name}.patch")
    except ImportError:
        return None


def function_of(case: workloads.Case, module: types.ModuleType) -> Any:
    return module.copy if case.shallow else module.deepcopy


def _timer(function: Any, x: Any, repeats: int) -> int:
    loop = itertools.repeat(None, repeats)
    clock = time.perf_counter_ns
    start = clock()
    for _ in loop:
        function(x)
    return clock() - start


def new_timer() -> Timer:
    """A timer with bytecode of its own: since 3.11 a call site specialises itself to what it calls, and one that is
    shared by a Python function and a builtin would suit neither."""
    return types.FunctionType(_timer.__code__.replace(), globals())


def calibrate(timer: Timer, function: Any, x: Any) -> int:
    """How often to call per round."""
    repeats = 1
    while True:
        took = min(timer(function, x, repeats) for _ in range(2))
        if took * 4 >= BLOCK_NS:
            return max(1, round(repeats * BLOCK_NS / took))
        repeats *= 2 if took * 16 >= BLOCK_NS else 8


def rounds_of(functions: dict[str, Any], x: Any, rounds: int) -> dict[str, list[float]]:
    """ns per call by implementation, one per round. Every round goes through all of them, each time beginning with
    another, so that a slow moment of the machine meets all alike."""
    timers = {name: new_timer() for name in functions}
    repeats = {name: calibrate(timers[name], function, x) for name, function in functions.items()}
    results: dict[str, list[float]] = {name: [] for name in functions}
    names = list(functions)
    begin = time.perf_counter_ns()
    for number in range(rounds):
        if number >= FEWEST and time.perf_counter_ns() - begin > ENOUGH_NS:
            break
        for i in range(len(names)):
            name = names[(number + i) % len(names)]
            results[name].append(timers[name](functions[name], x, repeats[name]) / repeats[name])
    return results


def check(case: workloads.Case, x: Any, functions: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the copies, by implementation. The references are stdlib's copy and the original itself, as
    it was before anybody copied it."""
    known = sameness.objects_of(x)
    before = sameness.trace(x, {})
    expected = sameness.trace(functions[STDLIB](x), known)
    wrong = {}
    for name, function in functions.items():
        try:
            if sameness.trace(function(x), known) != expected:
                wrong[name] = "the copy differs from stdlib's"
            elif sameness.trace(x, {}) != before:
                wrong[name] = "the original was changed"
        except Exception as error:  # noqa: BLE001
            wrong[name] = f"{type(error).__name__}: {error}"
    return wrong


def result_of(wrong: dict[str, str], results: dict[str, list[float]]) -> dict[str, Any]:
    return {
        "wrong": wrong,
        "best": {name: min(times) for name, times in results.items()},
        "median": {name: sorted(times)[len(times) // 2] for name, times in results.items()},
        "rounds": min(map(len, results.values()), default=0),
    }


def run_case(case: workloads.Case, rounds: int) -> dict[str, Any]:
    modules, _ = implementations()
    functions = {name: function_of(case, module) for name, module in modules.items()}
    wrong = check(case, case.build(), functions)
    for name in wrong:
        del functions[name]
    gc.collect()
    # Built anew: the check has looked at every attribute of the first one, which can change how instances are stored.
    return result_of(wrong, rounds_of(functions, case.build(), rounds))


def run_patched(case: workloads.Case, rounds: int, name: str) -> dict[str, Any]:
    """One implementation, standing in for copy.deepcopy. It has a process of its own: the call sites of the __deepcopy__
    methods specialise themselves to what they call, and would carry the traces of another implementation."""
    if name == STDLIB:
        return result_of({}, rounds_of({name: copy.deepcopy}, case.build(), rounds))
    patch = patch_of(name)
    if patch is None:
        return result_of({name: "cannot stand in for copy.deepcopy"}, {})
    x = case.build()
    known = sameness.objects_of(x)
    expected = sameness.trace(copy.deepcopy(x), known)
    patch.enable()
    if sameness.trace(copy.deepcopy(x), known) != expected:
        return result_of({name: "the copy differs from stdlib's"}, {})
    del x, known, expected
    gc.collect()
    return result_of({}, rounds_of({name: copy.deepcopy}, case.build(), rounds))


def yardstick(rounds: int = 200) -> dict[str, float]:
    """What a call itself costs here: math.gcd() takes its arguments by METH_FASTCALL and, given none, returns the
    constant 0. The same loop without a call is taken off."""

    def empty(repeats: int) -> int:
        loop = itertools.repeat(None, repeats)
        clock = time.perf_counter_ns
        start = clock()
        for _ in loop:
            pass
        return clock() - start

    def calling(repeats: int) -> int:
        function = math.gcd
        loop = itertools.repeat(None, repeats)
        clock = time.perf_counter_ns
        start = clock()
        for _ in loop:
            function()
        return clock() - start

    repeats = 20_000
    bare = min(empty(repeats) for _ in range(rounds)) / repeats
    with_call = min(calling(repeats) for _ in range(rounds)) / repeats
    return {"call_ns": with_call - bare, "loop_ns": bare}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures one case; bench_deepcopy.py is what you want.")
    parser.add_argument("case", help="the name of a case, or 'yardstick'")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--patched", metavar="NAME", help="with this implementation in the place of copy.deepcopy")
    options = parser.parse_args()
    if options.case == "yardstick":
        result: dict[str, Any] = yardstick()
    elif options.patched:
        result = run_patched(workloads.CASES[options.case], options.rounds, options.patched)
    else:
        result = run_case(workloads.CASES[options.case], options.rounds)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
