"""Fails each allocation of a run of effects (sweeps.py). After each failure: a MemoryError, no fiber left in use, the next run right."""

import gc
import sys

from calque import effects as fx
from sweeps import sweep


class Fetch(fx.Effect):
    url: str
    tries: int = 3


# Functions are made before: 3.13 ends the process where it finds no memory for one.
def wrapped(old):
    return [old]


@fx.do
def session(n):
    for i in range(n):
        yield fx.Put("n", ((yield fx.Get("n")) or 0) + (yield fx.Ask("step")))
        yield fx.Tell(("saw", i))
        yield fx.Modify(("key", i), wrapped)
    return (yield fx.Get("n"))


@fx.do
def leaf(i, *, more=0):
    return (yield Fetch(f"url {i}", tries=i + more)), (yield Fetch(str(i)))


@fx.do
def calls(n):
    found = []
    for i in range(n):
        found.append((yield leaf(i, more=1)))
    return found


@fx.do
def deep(n):
    return 1 + (yield deep(n - 1)) if n else (yield Fetch("bottom"))[0]


@fx.do
def transferring(effect, k):
    yield fx.Transfer(k, (effect.tries, effect.url))


@fx.do
def waiting(effect, k):
    return [(yield fx.Resume(k, (effect.tries, effect.url)))]


@fx.do
def passing(effect, k):
    yield fx.Pass(effect, k)


@fx.do
def asking(effect, k):
    inner = yield fx.GetHandlers(k)
    answer = yield effect
    return (yield fx.Resume(k, answer + (len(inner),)))


@fx.do
def looking(effect, k):
    waits = yield fx.GetTraceback(k)
    yield fx.Transfer(k, [function for function, _, _ in waits])


def failing(effect, k):
    raise LookupError(effect.url)


@fx.do
def uncertain():
    found = []
    for i in range(3):
        try:
            found.append((yield Fetch(str(i))))
        except (LookupError, fx.UnhandledEffect) as error:
            found.append((type(error).__name__, str(error)))
    return found


@fx.do
def given_up():
    try:
        yield Fetch("never answered")
    finally:
        closed.append(1)


closed = []


class Keep:
    def __init__(self):
        self.kept = []

    def __call__(self, effect, k):
        self.kept.append(k)


@fx.do
def keeping(n):
    handler = Keep()
    for _ in range(n):
        yield fx.WithHandler(handler, given_up())
    first = yield fx.Resume(handler.kept[0], 1)
    return first, len(handler.kept)


RUNS = {
    "native": lambda: fx.with_handlers([fx.State({"n": 1}), fx.Reader({"step": 2}), fx.Writer()], session(6)),
    "transfer": lambda: fx.WithHandler(fx.handles(Fetch)(transferring), calls(4)),
    "resume": lambda: fx.WithHandler(waiting, calls(3)),
    "pass": lambda: fx.with_handlers([transferring, *[passing] * 8], calls(2)),
    "recursion": lambda: fx.WithHandler(transferring, deep(50)),
    "asking": lambda: fx.with_handlers([transferring, asking, fx.State()], calls(2)),
    "looking": lambda: fx.WithHandler(looking, calls(2)),
    "unhandled": lambda: fx.with_handlers([fx.State(), fx.Writer()], uncertain()),
    "raising": lambda: fx.WithHandler(failing, uncertain()),
    "given up": lambda: keeping(4),
}


def main():
    gc.disable()
    # 3.10 has no memory to close a generator with, says so, and keeps names of what it looked up to say it.
    sys.unraisablehook = lambda unraisable: None
    tries = 0
    for name, make in RUNS.items():
        expected = fx.run(make())
        gc.collect()
        idle = fx.stats()["live_fibers"]

        def check(result, where, in_first_round, make=make, expected=expected, idle=idle):
            assert result is None or result == expected, f"{where}: a result that is wrong: {result}"
            result = None
            closed.clear()
            if fx.stats()["live_fibers"] != idle:
                gc.collect()  # k in its handler
            assert fx.stats()["live_fibers"] == idle, f"{where}: fibers in use: {fx.stats()}"
            if in_first_round:
                assert fx.run(make()) == expected, f"{where}: the next run is wrong"
                closed.clear()

        tries += sweep(name, fx.run, lambda make=make: (make(),), check)
    print(f"done: {tries} tries")


main()
