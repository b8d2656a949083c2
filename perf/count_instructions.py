#!/usr/bin/env python3
# perf/count_instructions.py: how many instructions a copy takes, counted by callgrind.
#
#     perf/count_instructions.py 'dict*' json_api_response    instructions per copy, freeing included
#     perf/count_instructions.py --peer copium 'dict*'        beside the peer (or stdlib)
#     perf/count_instructions.py --profile wide_dict-100      by function
#     perf/count_instructions.py --check                      the guard: against the baselines; exit status 1 above +3 %
#     perf/count_instructions.py --write                      makes what is measured now the baseline
#
# Instructions are not time, but they are the same on a busy machine, and small changes show: a case takes two seconds
# and repeats within 0.1 %. The collector is off, the hash seed is 0, every case runs in a process of its own.
from __future__ import annotations

import argparse
import fnmatch
import gc
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any

import measure
import setting
import workloads

LIMIT = 1.03
# A copy that fills the last place of one of the interpreter's memory pools, and gives it back, takes 17 instructions more than others: 4 % of
# the smallest case. Whether it does depends on all that was allocated before, even on the length of paths. So a case above the limit
# is counted again, with one block more held of each size; the lowest count is the one judged.
AGAIN = 3

# One of each kind of work; what a change to any part of the engine or of the built-in handlers makes slower shows in
# one of these.
GUARDED = (
    "empty_list",
    "shared_mut-100",
    "dense_refs-100",
    "unique_mut-100",
    "tuple_alldiff-100",
    "graph-100",
    "dict-100",
    "set-100",
    "wide_dict-100",
    "mixed-d-50",
    "atoms-100",
    "dataclass_mutable-50",
    "slots-50",
    "datetime-50",
    "Decimal-50",
    "json_api_response",
    "custom_deepcopy-50",
    "copy_list",
)

WARM_UP = 5  # plans, free lists, specialised bytecode
BUILDS = 8  # a graph's addresses decide where it falls in a hash table: several graphs, one mean
# What malloc does with large blocks depends on everything allocated before; from its cache it is always the same.
TUNABLES = "glibc.malloc.tcache_max=1048576"
CALLS = 4


def count_here(case: workloads.Case, names: list[str], held: int) -> None:
    """In the child, under callgrind: a dump per implementation."""
    import calque_perf

    blocks = [bytes(size) for size in range(1, 480, 16) for _ in range(held)]  # from each of the interpreter's memory pools
    modules, _ = measure.implementations()
    gc.disable()
    graphs = [case.build() for _ in range(BUILDS)]
    for name in names:
        function = measure.function_of(case, modules[name])
        patch = measure.patch_of(name) if case.patched else None
        if patch is not None:
            function = modules[measure.STDLIB].deepcopy
            patch.enable()
        for x in graphs:
            for _ in range(WARM_UP):
                function(x)
        for x in graphs:
            calque_perf.count(function, x, CALLS, name)
        if patch is not None:
            patch.disable()
    del blocks


def dumps_of(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    found: dict[str, list[pathlib.Path]] = {}
    for file in sorted(folder.glob("dump.*"), key=lambda file: int(file.suffix[1:])):
        label = re.search(r"^desc: Trigger: Client Request: (.*)$", file.read_text(), re.MULTILINE)
        if label:
            found.setdefault(label[1], []).append(file)
    return found


def total(file: pathlib.Path) -> int:
    lines = re.findall(r"^(?:summary|totals): (\d+)", file.read_text(), re.MULTILINE)
    return int(lines[-1])


def count(case: str, names: list[str], folder: pathlib.Path, held: int = 0) -> dict[str, float]:
    """Instructions per copy, by implementation. `held`: as many small blocks of each size are taken before."""
    for old in folder.glob("dump*"):
        old.unlink()
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder / 'dump'}", "-q"]
    command += [sys.executable, "-S", "-s", str(pathlib.Path(__file__).resolve()), case, "--held", str(held), "--child", *names]
    done = subprocess.run(command, env=setting.environment() | {"GLIBC_TUNABLES": TUNABLES}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{case} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return {name: sum(map(total, files)) / (BUILDS * CALLS) for name, files in dumps_of(folder).items()}


def profile(case: str, name: str, folder: pathlib.Path, lines: int) -> None:
    """By function: what it takes itself, per copy."""
    count(case, [name], folder)
    file = dumps_of(folder)[name][0]
    text = subprocess.run(["callgrind_annotate", "--threshold=100", str(file)], capture_output=True, text=True).stdout
    rows = re.findall(r"^ *([\d,]+) \( *([\d.]+)%\)  (.*)$", text, re.MULTILINE)
    for instructions, share, where in rows[: lines + 1]:
        place, _, library = where.partition(" [")
        per_copy = int(instructions.replace(",", "")) / CALLS
        function = place.partition(":")[2] or place
        print(f"{per_copy:12,.1f} {share:>6} %  {function[:110]}  [{os.path.basename(library.rstrip(']'))}" + "]" * bool(library))


# --- baselines ------------------------------------------------------------------------------------------------------


def baseline_file(native: Any) -> pathlib.Path:
    """What the count depends on, besides calque: compiler, interpreter, C library, processor family."""
    compiler = "-".join(native.compiler.split()[:2])
    library = "-".join(platform.libc_ver())
    return setting.HERE / "instructions" / f"{platform.machine()}-{library}-{compiler}-{setting.interpreter()}.json"


def read(file: pathlib.Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
    return found


def write(file: pathlib.Path, counts: dict[str, float]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
    print(f"baseline written: {file.relative_to(setting.ROOT)}")


def verdict(counts: dict[str, float], baseline: dict[str, float]) -> int:
    above = {name: counts[name] / baseline[name] for name in counts if name in baseline and counts[name] > LIMIT * baseline[name]}
    below = [name for name in counts if name in baseline and counts[name] < baseline[name] / LIMIT]
    missing = [name for name in counts if name not in baseline]
    if missing:
        print(f"no baseline yet, not judged: {', '.join(missing)}")
    if below:
        print(f"now lower by more than {LIMIT - 1:.0%}: {', '.join(below)}; perf/count_instructions.py --write keeps that")
    for name, ratio in above.items():
        print(f"more instructions than the baseline: {name} {ratio - 1:+.1%}, the limit is {LIMIT - 1:+.0%}")
    return 1 if above else 0


# --- the command ----------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description="Instructions per copy (freeing included), counted by callgrind.")
    parser.add_argument("patterns", nargs="*", metavar="CASE", help="cases, e.g. 'dict*'; without any: the guarded ones")
    parser.add_argument("--cases", action="append", default=[], metavar="GLOB", help="the same")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME", help="count this one too: copium, stdlib; may be repeated")
    parser.add_argument("--profile", action="store_true", help="by function")
    parser.add_argument("--lines", type=int, default=25, help="of a profile")
    parser.add_argument("--check", action="store_true", help="compare with the baseline: exit status 1 above the limit")
    parser.add_argument("--write", action="store_true", help="rewrite the baseline of this compiler and Python")
    parser.add_argument("--held", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        count_here(workloads.CASES[options.patterns[0]], options.child, options.held)
        return 0

    build = setting.enter()
    patterns = options.patterns + options.cases or list(GUARDED)
    cases = [name for name in workloads.CASES if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    if not cases:
        sys.exit("no case matches; perf/bench_deepcopy.py --list shows them all")
    names = [measure.SUBJECT, *options.peer]
    for name in options.peer:
        if name not in measure.implementations()[0]:
            sys.exit(f"{sys.executable} cannot import {name}; perf/README.md says how to install it")

    judging = options.check or options.write
    if not shutil.which("valgrind"):
        print("instruction counts: valgrind is not installed: skipped")
        return 0 if options.check else 2
    if judging and build is not None and (why := setting.plain_release(build)):
        sys.exit(f"this is not the build that users get, {why}: no baseline for it")
    native = setting.native(build)
    file = baseline_file(native)
    baseline = read(file)
    if options.check and not baseline:
        print(f"instruction counts: no baseline for {file.stem}: skipped")
        return 0

    with tempfile.TemporaryDirectory(prefix="calque-count-") as scratch:
        folder = pathlib.Path(scratch)
        if options.profile:
            for case in cases:
                print(f"{case}, instructions per copy by function")
                profile(case, names[-1], folder, options.lines)
            return 0
        counts = {}
        width = max(map(len, cases))
        heads = [*names, *(f"x {name}" for name in options.peer), *(["baseline"] if baseline else [])]
        print("instructions".ljust(width), *(head.rjust(12) for head in heads), flush=True)
        for case in cases:
            found = count(case, names, folder)
            for again in range(1, AGAIN + 1):
                if options.check and found[measure.SUBJECT] > LIMIT * baseline.get(case, float("inf")):
                    found = min(found, count(case, names, folder, again), key=lambda counts: counts[measure.SUBJECT])
            counts[case] = found[measure.SUBJECT]
            cells = [f"{found[name]:,.1f}" for name in names]
            cells += [f"{found[name] / found[measure.SUBJECT]:.2f}" for name in options.peer]
            if baseline:
                cells.append(f"{counts[case] / baseline[case] - 1:+.1%}" if case in baseline else "-")
            print(case.ljust(width), *(cell.rjust(12) for cell in cells), flush=True)
    if options.write:
        kept = {name: n for name, n in baseline.items() if name in workloads.CASES} if options.patterns or options.cases else {}
        write(file, kept | {name: round(n, 1) for name, n in counts.items()})
    return verdict(counts, baseline) if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
