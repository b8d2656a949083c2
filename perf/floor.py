#!/usr/bin/env python3
# perf/floor.py: how near the floor a copy is.
#
#     perf/floor.py                    the 26 cases, and their mean
#     perf/floor.py 'dict*' tabular    some (any case whose types the floor knows)
#
# The floor of a case is a straight-line program that allocates and fills the same objects as a copy of it: no memo, no
# type checks, no reference count tested, the same allocators (perf/cpp/extension/floor_program.hpp). Floor and copiers
# are called from loops in C, in turn, each block of calls about a millisecond and a half, freeing included; the minimum
# of all rounds counts. The program and the copier have a graph each, built alike.
from __future__ import annotations

import argparse
import fnmatch
import gc
import json
import math
import pathlib
import subprocess
import sys
from typing import Any

import measure
import sameness
import setting
import workloads

# Chosen once, for every kind of object the floor knows, without cycles: those are not freed by the release of the copy.
CASES = (
    "shared_mut-1000",
    "dense_refs-1000",
    "unique_mut-100",
    "tuple_alldiff-100",
    "records_sharing-100",
    "dict-10",
    "dict-100",
    "set-100",
    "frozenset-100",
    "wide_dict-100",
    "wide_dict-1000",
    "mixed_list-100",
    "list-d-100",
    "dict-d-100",
    "tuple_mut-d-100",
    "int-10000",
    "none-10000",
    "dataclass_atomic-50",
    "dataclass_mutable-200",
    "dataclass_nested-50",
    "slots-50",
    "datetime-50",
    "json_api_response",
    "openapi_spec",
    "tabular",
    "orm_rows",
)
# A list of atoms against a loop that increfs and stores: the floor of such a list is nothing else.
ATOMS = tuple(f"{kind}-10000" for kind in workloads.ATOMS)

Results = dict[str, Any]


def wrong_floor(case: workloads.Case, floor: Any, x: Any) -> bool:
    """Does the floor build what copy.deepcopy builds?"""
    known = sameness.objects_of(x)
    expected = sameness.trace(measure.STDLIB_MODULE.deepcopy(x), known)
    return any(sameness.trace(floor.build(), known) != expected for _ in range(2))


def measure_here(case: workloads.Case, rounds: int) -> Results:
    """In the child: nanoseconds by implementation, and of the floor."""
    import calque_perf

    checked = case.build()
    if wrong_floor(case, calque_perf.Floor(checked), checked):
        sys.exit(f"{case.name}: the floor builds something else than copy.deepcopy")
    del checked
    gc.collect()
    modules, _ = measure.implementations()
    x = case.build()
    floor = calque_perf.Floor(case.build())
    timers: Results = {"floor": floor.timed}
    for name, module in modules.items():
        if name != measure.STDLIB:
            timers[name] = lambda n, function=module.deepcopy: calque_perf.timed(function, x, n)
    repeats = {name: measure.calibrate(lambda _, __, n, timer=timer: int(timer(n)) + 1, None, None) for name, timer in timers.items()}
    best = dict.fromkeys(timers, math.inf)
    names = list(timers)
    for number in range(rounds):
        for i in range(len(names)):
            name = names[(number + i) % len(names)]
            best[name] = min(best[name], timers[name](repeats[name]) / repeats[name])
    return best


def available(native: Any) -> bool:
    return hasattr(native, "Floor")


def child(case: str, rounds: int) -> Results:
    command = [sys.executable, "-S", "-s", str(pathlib.Path(__file__).resolve()), case, "--child", "--rounds", str(rounds)]
    done = subprocess.run(command, env=setting.environment(), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{case} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    found: Results = json.loads(done.stdout)
    return found


def merge(old: Results, new: Results) -> Results:
    return {name: min(ns, old.get(name, math.inf)) for name, ns in new.items()}


def ratio(entry: Results, name: str = measure.SUBJECT) -> float:
    found: float = entry[name] / entry["floor"]
    return found


def geomean(numbers: list[float]) -> float:
    return math.exp(sum(map(math.log, numbers)) / len(numbers))


def main() -> int:
    parser = argparse.ArgumentParser(description="A copy's time over that of a straight-line program that builds the same objects.")
    parser.add_argument("patterns", nargs="*", metavar="CASE", help="cases, e.g. 'dict*'; without any: the 26, and lists of atoms")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="keeps nanoseconds by case and implementation")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        json.dump(measure_here(workloads.CASES[options.patterns[0]], options.rounds), sys.stdout)
        return 0
    if not available(setting.native(setting.enter())):
        print(f"no floor: it is written for Python 3.11 and 3.13, and this is {sys.version.split()[0]}")
        return 0
    wanted = options.patterns or [*CASES, *ATOMS]
    cases = [name for name in workloads.CASES if any(fnmatch.fnmatch(name, pattern) for pattern in wanted)]
    results: dict[str, Results] = {}
    print(f"{'case':24}{'floor':>12}{'calque':>12}{'ratio':>8}{'copium':>12}{'ratio':>8}")
    for number in range(options.passes):
        for name in cases:
            results[name] = merge(results.get(name, {}), child(name, options.rounds))
            if number == options.passes - 1:
                entry = results[name]
                cells = [f"{entry['floor']:12,.0f}"]
                cells += [f"{entry[who]:12,.0f}{ratio(entry, who):8.2f}" for who in (measure.SUBJECT, *measure.PEERS) if who in entry]
                print(f"{name:24}{''.join(cells)}", flush=True)
    for title, names in (("the 26 cases", CASES), ("lists of atoms", ATOMS)):
        found = [ratio(results[name]) for name in names if name in results]
        if len(found) == len(names):
            print(f"{title}: calque / floor {geomean(found):.3f}, at worst {max(found):.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
