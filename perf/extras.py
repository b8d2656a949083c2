#!/usr/bin/env python3
# perf/extras.py: what a table of times does not say: large copies, what comes after them, memory, threads.
#
#     perf/extras.py                    everything, some minutes
#     perf/extras.py --quick            fewer repetitions, memory of one case in eight
#     perf/extras.py huge threads       some of: aftermath huge graph resident cases threads
#
# Every figure comes from processes of its own, one per implementation.
from __future__ import annotations

import argparse
import copy
import gc
import importlib
import json
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import measure
import setting
import workloads

MILLION = 1_000_000
Results = dict[str, Any]


class Thing:
    def __init__(self, value: int) -> None:
        self.value = value


def a_million_objects() -> Any:
    """The graph of the memory rows: dicts, lists and tuples, four to a record."""
    return [{"id": i, "tags": [i, "a"], "place": (i, [i])} for i in range(MILLION // 4)]


HUGE: dict[str, Callable[[], Any]] = {
    "lists": lambda: [[i] for i in range(MILLION)],
    "instances": lambda: [Thing(i) for i in range(MILLION)],
    "dicts": lambda: [{"a": i} for i in range(MILLION)],
}


def deepcopy_of(name: str) -> Any:
    return copy.deepcopy if name == measure.STDLIB else importlib.import_module(name).deepcopy


# --- in the child: each prints one JSON value -----------------------------------------------------------------------


def small_copy(deepcopy: Any, copied_before: bool) -> float:
    """ns of a copy of four containers; `copied_before`: after one of 10^6 objects."""
    big = HUGE["lists"]()
    small = {"a": [1], "b": [2], "c": []}
    for _ in range(100):
        deepcopy(small)
    if copied_before:
        deepcopy(big)
    best = float("inf")
    for _ in range(200):
        begin = time.perf_counter_ns()
        for _ in range(500):
            deepcopy(small)
        best = min(best, (time.perf_counter_ns() - begin) / 500)
    return best


def huge_copy(deepcopy: Any, kind: str) -> float:
    """ns per object; freeing the copy is not timed, and the collector is as the interpreter has it."""
    x = HUGE[kind]()
    gc.collect()
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter_ns()
        made = deepcopy(x)
        best = min(best, time.perf_counter_ns() - begin)
        del made
    return best / MILLION


def memory_of(function: Any, x: Any, warm: bool) -> Results:
    """Bytes: the peak during a copy, what the copy keeps once it is made, and what is left once it is freed."""
    import calque_perf

    gc.disable()
    if warm:
        for _ in range(3):
            function(x)
    found: Results = calque_perf.heap(function, x)
    return found


def memory_of_graph(deepcopy: Any) -> Results:
    deepcopy([[1]])
    return memory_of(deepcopy, a_million_objects(), warm=False)


def status(field: str) -> int:
    """Bytes, of /proc/self/status."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def resident_of_graph(deepcopy: Any) -> Results:
    """Bytes of resident memory over what the graph itself takes: the peak, and with the copy made. What the system sees:
    memory that was given back to the heap but not by the heap is in it."""
    deepcopy([[1]])
    x = a_million_objects()
    gc.collect()
    before = status("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # restarts VmHWM
    made = deepcopy(x)
    found = {"peak": status("VmHWM") - before, "copy": status("VmRSS") - before}
    del made
    return found


def memory_of_case(name: str, case_name: str) -> Results:
    case = workloads.CASES[case_name]
    return memory_of(measure.function_of(case, copy if name == measure.STDLIB else importlib.import_module(name)), case.build(), warm=True)


def short_threads(deepcopy: Any) -> int:
    """Bytes of resident memory that 1,000 threads leave, each of which copies 3,000 lists, one thread after another."""
    x = [[i] for i in range(3000)]

    def once() -> None:
        thread = threading.Thread(target=deepcopy, args=(x,))
        thread.start()
        thread.join()

    for _ in range(5):
        once()
    before = status("VmRSS")
    for _ in range(1000):
        once()
    return status("VmRSS") - before


CHILDREN: dict[str, Callable[..., Any]] = {
    "fresh": lambda name: small_copy(deepcopy_of(name), False),
    "after": lambda name: small_copy(deepcopy_of(name), True),
    "huge": lambda name, kind: huge_copy(deepcopy_of(name), kind),
    "graph": lambda name: memory_of_graph(deepcopy_of(name)),
    "resident": lambda name: resident_of_graph(deepcopy_of(name)),
    "case": memory_of_case,
    "threads": lambda name: short_threads(deepcopy_of(name)),
}

# --- the parent -----------------------------------------------------------------------------------------------------


class Extras:
    def __init__(self, build: pathlib.Path | None, quick: bool, tick: Callable[[str], None]) -> None:
        setting.native(build)
        assert build is not None
        self.preload = str(build / "perf" / "libperf_memory.so")
        self.quick, self.tick = quick, tick
        self.names = list(measure.implementations()[0])

    def child(self, what: str, *arguments: str, counted: bool = False) -> Any:
        self.tick(" ".join((what, *arguments)))
        environment = setting.environment()
        if counted:
            environment |= {"LD_PRELOAD": self.preload, "PYTHONMALLOC": "malloc"}
        command = [sys.executable, "-S", "-s", str(pathlib.Path(__file__).resolve()), "--child", what, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{what} {arguments} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def aftermath(self) -> Results:
        """x: a small copy after one of 10^6 objects over the same copy without."""
        names = [name for name in self.names if name != measure.STDLIB]
        found: Results = {name: {"fresh": float("inf"), "after": float("inf")} for name in names}
        for _ in range(1 if self.quick else 3):
            for name in names:
                for when in found[name]:
                    found[name][when] = min(found[name][when], self.child(when, name))
        return found

    def huge(self) -> Results:
        """ns per object by kind and implementation."""
        found: Results = {kind: {} for kind in HUGE}
        for name, kind in self.huge_runs():
            found[kind][name] = min(found[kind].get(name, float("inf")), self.child("huge", name, kind))
        return found

    def huge_runs(self) -> list[tuple[str, str]]:
        """Thrice for calque; a peer is not judged by this, and may be slow."""
        times = {name: 3 if name == measure.SUBJECT and not self.quick else 1 for name in self.names if name != measure.STDLIB}
        return [(name, kind) for name, n in times.items() for kind in HUGE for _ in range(n)]

    def graph(self) -> Results:
        return {name: self.child("graph", name, counted=True) for name in self.names}

    def resident(self) -> Results:
        return {name: self.child("resident", name) for name in self.names}

    def memory_cases(self) -> list[str]:
        """All but the patched ones: those copy as much as stdlib does, in Python."""
        names = [case.name for case in workloads.CASES.values() if not case.patched]
        return names[::8] if self.quick else names

    def cases(self) -> Results:
        names = [measure.STDLIB, measure.SUBJECT]
        return {case: {name: self.child("case", name, case, counted=True) for name in names} for case in self.memory_cases()}

    def threads(self) -> Results:
        return {name: self.child("threads", name) for name in self.names}

    def steps(self) -> int:
        """How many processes everything() starts."""
        others = len(self.names) - 1
        small = others * 2 * (1 if self.quick else 3)
        return small + len(self.huge_runs()) + 3 * len(self.names) + 2 * len(self.memory_cases())

    def everything(self) -> Results:
        return {part: getattr(self, part)() for part in PARTS}


PARTS = ("aftermath", "huge", "graph", "resident", "cases", "threads")


def memory_ratio(entry: Results, which: str) -> float:
    """Over stdlib; a copy that needs nothing is as good as stdlib's."""
    ours, theirs = entry[measure.SUBJECT][which], entry[measure.STDLIB][which]
    return float(ours / theirs) if theirs > 0 else float(ours > 0) * 9 + 1


def show(results: Results) -> None:
    def line(title: str, cells: Results) -> None:
        print(f"{title:44}" + "".join(f"{name} {text:14}" for name, text in cells.items()))

    for name, ns in results.get("aftermath", {}).items():
        line("small copy fresh, after 10^6 objects, ns", {name: f"{ns['fresh']:.0f} {ns['after']:.0f} x{ns['after'] / ns['fresh']:.2f}"})
    for kind, by_name in results.get("huge", {}).items():
        line(f"10^6 {kind}, ns per object", {name: f"{ns:.1f}" for name, ns in by_name.items()})
    for which in ("peak", "copy", "left"):
        if graph := results.get("graph"):
            line(f"10^6 objects, {which}, MB", {name: f"{entry[which] / 1e6:.2f}" for name, entry in graph.items()})
    for which in ("peak", "copy"):
        if graph := results.get("resident"):
            line(f"10^6 objects, resident {which}, MB", {name: f"{entry[which] / 1e6:.2f}" for name, entry in graph.items()})
    if cases := results.get("cases"):
        for which in ("peak", "copy"):
            above = {name: r for name, entry in cases.items() if (r := memory_ratio(entry, which)) > 1}
            listed = ", ".join(f"{name} {r:.2f}" for name, r in sorted(above.items(), key=lambda pair: -pair[1]))
            print(f"{which} above stdlib's in {len(above)} of {len(cases)}: {listed or 'none'}")
    if threads := results.get("threads"):
        line("RSS growth by 1,000 threads, MB", {name: f"{n / 1e6:.2f}" for name, n in threads.items()})


def main() -> int:
    parser = argparse.ArgumentParser(description="Large copies, what comes after them, memory, threads.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {' '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, *arguments = options.child
        json.dump(CHILDREN[what](*arguments), sys.stdout)
        return 0
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown: {' '.join(unknown)}")
    extras = Extras(setting.enter(), options.quick, lambda text: None)
    results = {part: getattr(extras, part)() for part in options.parts or PARTS}
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
