#!/usr/bin/env python3
# perf/waiting.py: how long others wait while 10^6 objects are copied: a thread for the GIL, a signal for its handler.
#
#     perf/waiting.py                    every graph, beside copy.deepcopy, and copium where it is installed
#     perf/waiting.py --rounds 5 lists   some of the graphs; the best of more rounds
#
# A round is a process of its own. The worst wait of a round is noted, and the best round is reported: what else the
# machine does makes waits longer, never shorter. The collector is off; the column with it on says what it adds. "of the
# processor" is how much time the copying thread had of a processor during the longest wait, which other work on the machine
# does not change much. Exit status 1 if a wait of calque's is longer than the limit.
from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import extras
import measure
import setting

MILLION = 1_000_000
THREAD_LIMIT, SIGNAL_LIMIT = 25.0, 50.0  # ms


class Hook:
    def __deepcopy__(self, memo: Any) -> Hook:
        return self


class CopiesOn:
    deepcopy: Any = None  # of whom is measured

    def __init__(self, x: Any) -> None:
        self.x = x

    def __deepcopy__(self, memo: Any) -> CopiesOn:
        return CopiesOn(CopiesOn.deepcopy(self.x, memo))


def chain(wrap: Callable[[Any], Any]) -> Any:
    x: Any = []
    for _ in range(MILLION):
        x = wrap(x)
    return x


SHARED = [[i] for i in range(1000)]
GRAPHS: dict[str, Callable[[], Any]] = {
    "lists": extras.HUGE["lists"],
    "instances": extras.HUGE["instances"],
    "dicts": extras.HUGE["dicts"],
    "one dict": lambda: {i: [i] for i in range(MILLION)},
    "tuples": lambda: [([i],) for i in range(MILLION // 2)],
    "sets": lambda: [{i, -i} for i in range(MILLION)],
    "records": extras.a_million_objects,
    "shared": lambda: [[SHARED[i % 1000], i] for i in range(MILLION)],
    "chain of lists": lambda: chain(lambda x: [x]),
    "chain of dicts": lambda: chain(lambda x: {"k": x}),
    "chain of tuples": lambda: chain(lambda x: (x,)),
    "a hook at the end": lambda: [[[i] for i in range(MILLION)], Hook()],
    "all below a hook": lambda: [CopiesOn([[i] for i in range(MILLION)])],
}
kept: list[Any] = []  # copies: what freeing them takes is not asked
ONLY_CALQUE = {"chain of lists", "chain of dicts", "chain of tuples"}  # the others raise RecursionError


# --- in the child: prints one JSON value ----------------------------------------------------------------------------


def thread_waits(deepcopy: Any, x: Any) -> list[float]:
    """ms: the longest wait of a thread that offers the GIL twice a millisecond, and of that what the copying thread had of a processor."""
    clock = time.pthread_getcpuclockid(threading.get_ident())
    waits: list[tuple[float, float]] = []
    ended = False

    def other() -> None:
        while not ended:
            begin, used = time.perf_counter(), time.clock_gettime(clock)
            time.sleep(0)
            waits.append((time.perf_counter() - begin, time.clock_gettime(clock) - used))
            until = time.perf_counter() + 0.0005
            while time.perf_counter() < until:
                pass

    thread = threading.Thread(target=other)
    thread.start()
    time.sleep(0.05)
    waits.clear()
    kept.append(deepcopy(x))
    time.sleep(0.01)
    ended = True
    thread.join()
    return [max(wait for wait, _ in waits) * 1e3, max(used for _, used in waits) * 1e3]


def signal_waits(deepcopy: Any, x: Any) -> list[float]:
    """ms: the longest time from a timer's signal, every 30 ms, to its handler."""
    # One that waits for longer than a period is one with the next: the gap between two handlers tells.
    period = 0.03
    seen: list[float] = []
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append(time.perf_counter()))
    begin = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, period, period)
    kept.append(deepcopy(x))
    for _ in range(1000):
        pass
    moments = [begin, *seen, time.perf_counter()]
    signal.setitimer(signal.ITIMER_REAL, 0)
    longest = max(after - before for before, after in zip(moments, moments[1:]))
    return [max(0.0, longest - period) * 1e3]


def child(name: str, graph: str, what: str, collector: str) -> None:
    x = GRAPHS[graph]()
    gc.collect()
    if collector == "off":
        gc.disable()
    deepcopy = CopiesOn.deepcopy = extras.deepcopy_of(name)
    print(json.dumps((thread_waits if what == "thread" else signal_waits)(deepcopy, x)), flush=True)
    os._exit(0)  # the interpreter cannot free every chain


# --- in the parent --------------------------------------------------------------------------------------------------


def measured(name: str, graph: str, what: str, collector: str, rounds: int) -> list[float]:
    """The best round."""
    command = [sys.executable, __file__, "--child", name, graph, what, collector]
    best: list[float] = []
    for _ in range(rounds):
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        best = [min(pair) for pair in zip(best, said)] if best else said
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description="How long threads and signals wait while 10^6 objects are copied.")
    parser.add_argument("graphs", nargs="*", metavar="GRAPH", help=f"of {', '.join(GRAPHS)}; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="processes per figure, of which the best counts (default 3)")
    options = parser.parse_args()
    unknown = [graph for graph in options.graphs if graph not in GRAPHS]
    if unknown:
        parser.error(f"no such graph: {', '.join(unknown)}; expected one of {', '.join(GRAPHS)}")
    setting.enter()
    names = [measure.STDLIB, "calque", *(["copium"] if importlib.util.find_spec("copium") else [])]
    print(f"Python {sys.version.split()[0]}; ms, best of {options.rounds}; limits: thread {THREAD_LIMIT:.0f}, signal {SIGNAL_LIMIT:.0f}\n")
    print("| graph | copied by | a thread waits | of the processor | with the collector on | a signal waits |")
    print("|---|---|---|---|---|---|")
    missed = []
    for graph in options.graphs or GRAPHS:
        for name in names:
            if name != "calque" and graph in ONLY_CALQUE:
                continue
            wall, processor = measured(name, graph, "thread", "off", options.rounds)
            collected = measured(name, graph, "thread", "on", options.rounds)[0]
            (late,) = measured(name, graph, "signal", "off", options.rounds)
            print(f"| {graph} | {name} | {wall:.1f} | {processor:.1f} | {collected:.1f} | {late:.1f} |", flush=True)
            if name == "calque" and (wall > THREAD_LIMIT or late > SIGNAL_LIMIT):
                missed.append(graph)
    if missed:
        print(f"\nabove the limits: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        setting.enter()
        child(*sys.argv[2:])
    else:
        sys.exit(main())
