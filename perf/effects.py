#!/usr/bin/env python3
# perf/effects.py: what an effect costs under calque.effects, beside a pure-Python oracle of the same semantics (tests/effects/oracle.py) and the
# libraries that are installed: doeff (a VM in Rust), stateless and effect (both Python).
#
# The floor is what the program's own generators and effects cost when a loop in C answers them (perf/cpp/extension/trampoline.cpp).
# Where handlers are in Python, theirs are in it, closed as the interpreter closes them: a machine that need not do that can be below it.
# Each implementation writes the same loop in its own words; one that has no such thing is left out of the row. The rounds of all are
# interleaved, the best of each counts, in nanoseconds per effect. Targets are for a machine whose yardstick (perf/measure.py) is 10 ns.
from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import pathlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import measure
import setting

ROUND_NS = 30_000_000  # what a round of one implementation should take
SUBJECT = "calque"


class Own:
    """The cases in the words of calque.effects, which are the oracle's too."""

    def __init__(self, fx: Any) -> None:
        self.fx = fx

        class Count(fx.Effect):
            n: int

        class Never(fx.Effect):
            n: int

        @fx.do
        def counter(n):
            for _ in range(n // 2):
                yield fx.Put("n", (yield fx.Get("n")) + 1)

        @fx.do
        def counts(n):
            for i in range(n):
                yield Count(i)

        @fx.do
        def transferring(effect, k):
            yield fx.Transfer(k, effect.n)

        @fx.do
        def returning(effect, k):
            return (yield fx.Resume(k, effect.n))

        @fx.do
        def waiting(effect, k):
            value = yield fx.Resume(k, effect.n)
            return value or None

        @fx.do
        def passing(effect, k):
            yield fx.Pass(effect, k)

        @fx.do
        def leaf():
            return None
            yield

        @fx.do
        def calls(n):
            for _ in range(n):
                yield leaf()

        @fx.do
        def deep(n):
            return 0 if n == 0 else 1 + (yield deep(n - 1))

        never = fx.handles(Never)(transferring)
        self.counter, self.counts, self.calls, self.deep, self.leaf = counter, counts, calls, deep, leaf
        self.transferring, self.returning, self.waiting, self.passing, self.never = transferring, returning, waiting, passing, never

    def under(self, handlers: list[Any], body: Any) -> Callable[[], Any]:
        for handler in handlers:
            body = self.fx.WithHandler(handler, body)
        return lambda: self.fx.run(body)

    def state(self, n: int) -> Callable[[], Any]:
        return self.under([self.fx.State({"n": 0})], self.counter(n))

    def state_behind_64(self, n: int) -> Callable[[], Any]:
        return self.under([*[self.never] * 64, self.fx.State({"n": 0})], self.counter(n))

    def transfer(self, n: int) -> Callable[[], Any]:
        return self.under([self.transferring], self.counts(n))

    def transfer_behind_64(self, n: int) -> Callable[[], Any]:
        return self.under([*[self.never] * 64, self.transferring], self.counts(n))

    def tail_resume(self, n: int) -> Callable[[], Any]:
        return self.under([self.returning], self.counts(n))

    def resume(self, n: int) -> Callable[[], Any]:
        return self.under([self.waiting], self.counts(n))

    def pass_63(self, n: int) -> Callable[[], Any]:
        return self.under([*[self.passing] * 63, self.transferring], self.counts(n))

    def call(self, n: int) -> Callable[[], Any]:
        return lambda: self.fx.run(self.calls(n))

    def recursion(self, n: int) -> Callable[[], Any]:
        return lambda: self.fx.run(self.deep(n))

    def install(self, n: int) -> Callable[[], Any]:
        one = self.under([self.transferring], self.counts(1))
        return lambda: [one() for _ in range(n)]


class Floor:
    """The generators and effects of the same programs, under no machine at all."""

    def __init__(self, own: Own, native: Any) -> None:
        def answering(effect, k):
            yield own.fx.Pure(effect.n)

        self.own, self.native, self.answering = own, native, answering

    def bare(self, program: Any, n: int, handler: Any = None, callee: Any = None) -> Callable[[], Any]:
        generator = program.__wrapped__(n)
        return lambda: self.native.trampoline(generator, 0, handler, callee)

    def state(self, n: int) -> Callable[[], Any]:
        return self.bare(self.own.counter, n)

    def transfer(self, n: int) -> Callable[[], Any]:
        return self.bare(self.own.counts, n, handler=self.answering)

    def call(self, n: int) -> Callable[[], Any]:
        return self.bare(self.own.calls, n, callee=self.own.leaf.__wrapped__)

    state_behind_64 = state
    transfer_behind_64 = tail_resume = transfer


class Doeff:
    def __init__(self) -> None:
        fx: Any = importlib.import_module("doeff")
        self.fx = fx
        self.make_state = importlib.import_module("doeff_core_effects.handlers").state

        class Count(fx.EffectBase):
            def __init__(self, n):
                self.n = n

        @fx.do
        def counter(n):
            for _ in range(n // 2):
                yield fx.Put("n", (yield fx.Get("n")) + 1)

        @fx.do
        def counts(n):
            for i in range(n):
                yield Count(i)

        @fx.do
        def transferring(effect, k):
            yield fx.Transfer(k, effect.n)

        @fx.do
        def returning(effect, k):
            return (yield fx.Resume(k, effect.n))

        @fx.do
        def passing(effect, k):
            yield fx.Pass(effect, k)

        @fx.do
        def leaf():
            return None
            yield

        @fx.do
        def calls(n):
            for _ in range(n):
                yield leaf()

        @fx.do
        def deep(n):
            return 0 if n == 0 else 1 + (yield deep(n - 1))

        self.counter, self.counts, self.calls, self.deep = counter, counts, calls, deep
        self.transferring, self.returning, self.passing = transferring, returning, passing

    def under(self, handlers: list[Any], body: Any) -> Callable[[], Any]:
        for each in handlers:
            body = self.fx.handler(each)(body)
        return lambda: self.fx.run(body)

    def state(self, n: int) -> Callable[[], Any]:
        return lambda: self.fx.run(self.make_state(initial={"n": 0})(self.counter(n)))

    def transfer(self, n: int) -> Callable[[], Any]:
        return self.under([self.transferring], self.counts(n))

    def tail_resume(self, n: int) -> Callable[[], Any]:
        return self.under([self.returning], self.counts(n))

    def pass_63(self, n: int) -> Callable[[], Any]:
        return self.under([*[self.passing] * 63, self.transferring], self.counts(n))

    def call(self, n: int) -> Callable[[], Any]:
        return lambda: self.fx.run(self.calls(n))

    def recursion(self, n: int) -> Callable[[], Any]:
        return lambda: self.fx.run(self.deep(n))


class Stateless:
    """Handlers are functions without a continuation, around generators: each handler in between yields on what is not its own."""

    def __init__(self) -> None:
        self.lib: Any = importlib.import_module("stateless")
        ability: Any = importlib.import_module("stateless.ability").Ability

        class Get(ability):
            pass

        class Put(ability):
            def __init__(self, n):
                self.n = n

        class Never(ability):
            pass

        unhandled = importlib.import_module("stateless.errors").UnhandledAbilityError

        def counter(n):
            for _ in range(n // 2):
                yield from Put((yield from Get()) + 1)

        store = {"n": 0}

        def state(effect):
            if isinstance(effect, Get):
                return store["n"]
            store["n"] = effect.n
            return None

        def never(effect):
            if not isinstance(effect, Never):
                raise unhandled
            return None

        self.counter, self.store, self.state_handler, self.never = counter, store, state, never

    def under(self, handlers: list[Any], n: int) -> Callable[[], Any]:
        handler = importlib.import_module("stateless.handler").Handler
        function = self.counter
        for each in handlers:
            function = handler(each)(function)
        return lambda: self.lib.run(function(n))

    def state(self, n: int) -> Callable[[], Any]:
        return self.under([self.state_handler], n)

    def state_behind_64(self, n: int) -> Callable[[], Any]:
        return self.under([*[self.never] * 64, self.state_handler], n)


class EffectLibrary:
    """Intents and callbacks, with a generator front: no scoped handlers, so one dispatcher is all there is."""

    def __init__(self) -> None:
        lib: Any = importlib.import_module("effect")
        do: Any = importlib.import_module("effect.do")

        class Get:
            pass

        class Put:
            def __init__(self, n):
                self.n = n

        store = {"n": 0}

        @lib.sync_performer
        def get(dispatcher, intent):
            return store["n"]

        @lib.sync_performer
        def put(dispatcher, intent):
            store["n"] = intent.n

        @do.do
        def counter(n):
            for _ in range(n // 2):
                value = yield lib.Effect(Get())
                yield lib.Effect(Put(value + 1))

        self.dispatcher = lib.ComposedDispatcher([lib.TypeDispatcher({Get: get, Put: put}), lib.base_dispatcher])
        self.lib, self.counter = lib, counter

    def state(self, n: int) -> Callable[[], Any]:
        return lambda: self.lib.sync_perform(self.dispatcher, self.counter(n))


# title, method, most per round, target in ns on 3.11 and on 3.13 (or None)
CASES: list[tuple[str, str, int, tuple[float, float] | None]] = [
    ("State: Get and Put", "state", 100_000, (100, 120)),
    ("the same behind 64 typed handlers", "state_behind_64", 100_000, (200, 200)),
    ("handler in Python, Transfer", "transfer", 50_000, (450, 350)),
    ("the same behind 64 typed handlers", "transfer_behind_64", 50_000, None),
    ("handler in Python, return (yield Resume)", "tail_resume", 50_000, None),
    ("handler in Python that waits", "resume", 20_000, None),
    ("Pass through 63 handlers in Python", "pass_63", 2_000, (22_000, 13_000)),
    ("call of a program", "call", 100_000, (150, 150)),
    ("recursion, per call", "recursion", 100_000, None),
    ("run with one handler and one effect", "install", 10_000, None),
]


def oracle() -> Any:
    """By its path: this file has the name of its package."""
    spec: Any = importlib.util.spec_from_file_location("effects_oracle", setting.ROOT / "tests" / "effects" / "oracle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def implementations(native: Any) -> tuple[dict[str, Any], list[str]]:
    own = Own(importlib.import_module("calque.effects"))
    found: dict[str, Any] = {SUBJECT: own, "floor": Floor(own, native), "oracle": Own(oracle())}
    absent = []
    for name, make in {"doeff": Doeff, "stateless": Stateless, "effect": EffectLibrary}.items():
        try:
            found[name] = make()
        except ImportError:
            absent.append(name)
    return found, absent


def timed(function: Callable[[], Any]) -> int:
    start = time.perf_counter_ns()
    function()
    return time.perf_counter_ns() - start


def best_of(makers: dict[str, Callable[[int], Callable[[], Any]]], most: int, rounds: int) -> dict[str, float | str]:
    """Nanoseconds per effect, or why there are none, by implementation."""
    sizes, best = {}, {}
    for name, make in makers.items():
        n = 64
        try:
            while n < most and timed(make(n)) < ROUND_NS / 4:
                n *= 4
        except RecursionError:
            best[name] = "RecursionError"
            continue
        sizes[name] = min(n, most)
        best[name] = float("inf")
    for _ in range(rounds):
        for name, n in sizes.items():
            function = makers[name](n)
            gc.collect()
            best[name] = min(best[name], timed(function) / n)  # type: ignore[type-var]
    return best


def memory(fx: Own, style: str, n: int) -> float:
    """Growth of the peak in MB while n effects run."""
    function = getattr(fx, style)(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    function()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--only", help="cases whose method has this in its name")
    options = parser.parse_args()
    found, absent = implementations(setting.native(setting.enter()))
    which = 0 if sys.version_info < (3, 13) else 1
    call_ns = measure.yardstick()["call_ns"]
    scale = call_ns / 10
    print(f"Python {sys.version.split()[0]}, yardstick {call_ns:.1f} ns; not installed: {', '.join(absent) or 'none'}; "
          f"best of {options.rounds} interleaved rounds, ns per effect\n")
    print("| " + " | ".join(["case", *found, "target, scaled", "met"]) + " |")
    print("|---" * (len(found) + 3) + "|")
    report: dict[str, Any] = {"python": sys.version, "yardstick_ns": call_ns, "cases": {}}
    for title, method, most, target in CASES:
        if options.only and options.only not in method:
            continue
        makers = {name: getattr(each, method) for name, each in found.items() if hasattr(each, method)}
        ns = best_of(makers, most, options.rounds)
        report["cases"][method] = ns
        cells = [f"{ns[name]:,.0f}" if isinstance(ns.get(name), float) else ns.get(name, "-") for name in found]
        goal = "" if target is None else f"{target[which] * scale:,.0f}"
        met = "" if target is None else "yes" if ns[SUBJECT] <= target[which] * scale else "no"  # type: ignore[operator]
        print("| " + " | ".join([title, *map(str, cells), goal, met]) + " |", flush=True)
    if not options.only:
        for style in ("state", "transfer", "tail_resume"):
            grown = memory(found[SUBJECT], style, 1_000_000)
            report["cases"][f"memory_{style}"] = grown
            print(f"10^6 effects, {style}: peak +{grown:.1f} MB")
        started = time.perf_counter()
        found[SUBJECT].recursion(1_000_000)()
        print(f"recursion 10^6 deep: {time.perf_counter() - started:.2f} s")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
