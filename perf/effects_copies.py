#!/usr/bin/env python3
# perf/effects_copies.py: what calque.effects does with copies (transactions, copies at the border, branches, logs, tasks, other processes), beside
# the straightforward Python way to the same end: a loop or a `with`, `copy.deepcopy`, asyncio, distributed's own `submit`.
#
# The other way is what one would write without effects, with the same guarantees: a checkout works on a deep copy of the store and
# swaps it in, a planner runs each branch on a deep copy of the state. Both have the same results, which is asserted before they are timed.
# Rounds are interleaved, the best of each counts. A ratio above 1 says that calque.effects is so many times as fast.
from __future__ import annotations

import argparse
import asyncio
import copy
import gc
import importlib.util
import itertools
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import measure
import setting


class Case(NamedTuple):
    title: str
    runs: int  # of what the figure is for, in one call
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    other_way: str


def store_of(keys: int) -> dict[str, Any]:
    return {f"key{i}": {"n": i, "items": [[i], [i, i]]} for i in range(keys)}


def transactions(fx: Any, keys: int, fails: bool) -> Case:
    """A body that touches two keys."""

    @fx.do
    def body() -> Any:
        (yield fx.Get("key0"))["n"] += 1
        (yield fx.Get("key1"))["items"].append(1)
        if fails:
            yield fx.Abort()
        (yield fx.Get("key1"))["items"].pop()
        (yield fx.Get("key0"))["n"] -= 1

    state = fx.State(store_of(keys))
    program = fx.WithHandler(state, fx.Transaction(body()))
    shop = {"store": store_of(keys)}

    def theirs() -> Any:
        store = copy.deepcopy(shop["store"])
        store["key0"]["n"] += 1
        store["key1"]["items"].append(1)
        if fails:
            return
        store["key1"]["items"].pop()
        store["key0"]["n"] -= 1
        shop["store"] = store

    def ours() -> Any:
        fx.run(program)

    ours()
    theirs()
    assert state.items() == shop["store"] == store_of(keys)
    return Case(f"transaction on 2 of {keys:,} keys, {'given up' if fails else 'done'}", 1, ours, theirs, "copy.deepcopy of the store, swapped in")


def border(fx: Any, n: int) -> Case:
    @fx.do
    def body() -> Any:
        for _ in range(n):
            value = yield fx.Get("key0")
            value["n"] += 1
            yield fx.Put("key0", value)

    def ours() -> Any:
        state = fx.State(store_of(1), copy="both")
        fx.run(fx.WithHandler(state, body()))
        return state.items()

    def theirs() -> Any:
        store = store_of(1)
        for _ in range(n):
            value = copy.deepcopy(store["key0"])
            value["n"] += 1
            store["key0"] = copy.deepcopy(value)
        return store

    assert ours() == theirs()
    return Case("State(copy='both'): one Get and Put", n, ours, theirs, "copy.deepcopy at each get and put")


def branches(fx: Any, days: int, options: int, keys: int) -> Case:
    @fx.do
    def plan() -> Any:
        for day in range(days):
            hours = yield fx.Choose(range(options))
            (yield fx.Get("diary")).append((day, hours))
        return sum(hours for _, hours in (yield fx.Get("diary")))

    state = {"diary": [("eve", 1)], **store_of(keys)}
    program = fx.WithHandler(fx.State(state), plan())

    def ours() -> Any:
        return fx.run_all(program)

    def theirs() -> Any:
        found = []
        for chosen in itertools.product(range(options), repeat=days):
            mine = copy.deepcopy(state)
            for day, hours in enumerate(chosen):
                mine["diary"].append((day, hours))
            found.append(sum(hours for _, hours in mine["diary"]))
        return found

    assert ours() == theirs()
    return Case(f"run_all: a branch, of {options ** days:,} with a State of {keys + 1} keys", options ** days, ours, theirs, "a loop, copy.deepcopy for each branch")


def logs(fx: Any, n: int) -> Case:
    @fx.do
    def body() -> Any:
        for _ in range(n):
            value = yield fx.Get("key0")
            yield fx.Put("key0", {**value, "n": value["n"] + 1})
        return (yield fx.Get("key0"))["n"]

    def ours() -> Any:
        return len(fx.record(fx.WithHandler(fx.State(store_of(1)), body())).entries)

    def theirs() -> Any:
        store, entries = store_of(1), []
        for _ in range(n):
            value = store["key0"]
            entries.append(("get", "key0", copy.deepcopy(value)))
            value = {**value, "n": value["n"] + 1}
            entries.append(("put", "key0", copy.deepcopy(value)))
            store["key0"] = value
        entries.append(("get", "key0", copy.deepcopy(store["key0"])))
        return len(entries)

    assert ours() == theirs()
    return Case("record: one effect", 2 * n + 1, ours, theirs, "a list of copy.deepcopy of what is got and put")


def tasks(fx: Any, n: int, stored: bool) -> Case:
    @fx.do
    def one(i: int) -> Any:
        yield fx.Pause()
        yield fx.Pause()
        return i

    @fx.do
    def main() -> Any:
        spawned = []
        for i in range(n):
            spawned.append((yield fx.Spawn(one(i))))
        return sum((yield fx.Gather(*spawned)))

    store = store_of(1)
    program = fx.WithHandler(fx.State(store), main()) if stored else main()

    def ours() -> Any:
        return fx.run(fx.Tasks(program))

    async def each(i: int, _: Any) -> int:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return i

    async def all_of_them() -> int:
        return sum(await asyncio.gather(*[asyncio.ensure_future(each(i, copy.deepcopy(store) if stored else None)) for i in range(n)]))

    def theirs() -> Any:
        return asyncio.run(all_of_them())

    assert ours() == theirs() == n * (n - 1) // 2
    own = ", each with a State of its own" if stored else ""
    return Case(f"a task of {n:,} that pauses twice{own}", n, ours, theirs, "asyncio, copy.deepcopy for each task" if stored else "asyncio")


def remote(fx: Any, client: Any) -> Case:
    program = fx.Pure(5)

    def ours() -> Any:
        return fx.run(fx.WithHandler(fx.dask(client), fx.Remote(program)))

    def theirs() -> Any:
        return client.submit(abs, -5, pure=False).result()

    assert ours() == theirs() == 5
    return Case("Remote: a program on a local worker", 1, ours, theirs, "distributed's submit and result")


def best_of(case: Case, rounds: int) -> tuple[float, float]:
    """Nanoseconds per run: ours, theirs."""
    best, repeats = [float("inf")] * 2, [1] * 2
    functions = case.ours, case.theirs
    for which, function in enumerate(functions):
        while seconds(function, repeats[which]) < 0.02 and repeats[which] < 10_000:
            repeats[which] *= 4
    for _ in range(rounds):
        for which, function in enumerate(functions):
            gc.collect()
            best[which] = min(best[which], seconds(function, repeats[which]) / repeats[which] / case.runs * 1e9)
    return best[0], best[1]


def seconds(function: Callable[[], Any], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return time.perf_counter() - start


def shown(ns: float) -> str:
    return f"{ns:,.0f} ns" if ns < 10_000 else f"{ns / 1000:,.1f} us" if ns < 10_000_000 else f"{ns / 1e6:,.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description="calque.effects with copies, beside the straightforward Python way.")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    setting.enter()
    from calque import effects as fx

    makers: list[Callable[[], Case]] = [
        *[lambda keys=keys, fails=fails: transactions(fx, keys, fails) for keys in (2, 100, 10_000) for fails in (False, True)],  # type: ignore[misc]
        lambda: border(fx, 1000),
        *[lambda keys=keys: branches(fx, 3, 10, keys) for keys in (0, 20)],  # type: ignore[misc]
        lambda: logs(fx, 1000),
        *[lambda n=n: tasks(fx, n, False) for n in (1_000, 10_000, 100_000)],  # type: ignore[misc]
        lambda: tasks(fx, 10_000, True),
    ]
    print(f"Python {sys.version.split()[0]}, yardstick {measure.yardstick()['call_ns']:.1f} ns; best of {options.rounds} interleaved rounds\n")
    print("| case | calque.effects | the other way | times as fast | the other way is |\n|---|---|---|---|---|")

    def show(case: Case) -> None:
        ours, theirs = best_of(case, options.rounds)
        print(f"| {case.title} | {shown(ours)} | {shown(theirs)} | {theirs / ours:.2f} | {case.other_way} |", flush=True)

    for make in makers:
        show(make())
    if importlib.util.find_spec("distributed") is None:
        print("\nRemote: left out, distributed is not installed")
        return 0
    import distributed

    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        show(remote(fx, client))
    return 0


if __name__ == "__main__":
    sys.exit(main())
