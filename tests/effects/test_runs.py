"""Runs beside and inside other runs: nested, in threads, in greenlets, interrupted, and under other options."""

import gc
import os
import signal
import sys
import threading
import time

import pytest

from effects import random_programs


def test_a_nested_run_does_not_reach_the_handlers_outside(fx, A):
    @fx.do
    def inner():
        try:
            yield fx.Get("x")
        except fx.UnhandledEffect:
            return (yield fx.GetHandlers())

    @fx.do
    def outer():
        return fx.run(inner()), (yield fx.Get("x"))

    assert fx.run(fx.WithHandler(fx.State({"x": 1}), outer())) == ([], 1)


def test_a_nested_run_cannot_take_a_continuation_away(fx, A):
    @fx.do
    def handler(effect, k):
        for wrong in (fx.Resume(k, 1), fx.ResumeThrow(k, ValueError())):
            try:
                fx.run(wrong)
            except RuntimeError as error:
                assert not isinstance(error, fx.OneShotError)
            else:
                raise AssertionError
        yield fx.Transfer(k, "still here")

    assert fx.run(fx.WithHandler(handler, A())) == "still here"


def test_a_nested_run_may_resume_what_it_has_itself(fx, A):
    def handler(effect, k):
        kept = []
        fx.run(fx.WithHandler(lambda effect, k: kept.append(k), A()))
        return fx.Resume(k, fx.run(fx.Resume(kept[0], 3)))

    assert fx.run(fx.WithHandler(handler, A())) == 3


def test_runs_in_runs_end_in_a_recursion_error(effects):
    def handler(effect, k):
        return effects.run(program)

    program = effects.WithHandler(handler, effects.Get("x"))
    with pytest.raises(RecursionError):
        effects.run(program)
    assert effects.run(effects.Pure(1)) == 1


def test_a_continuation_belongs_to_its_thread(fx, A):
    kept, outcomes = [], []

    def elsewhere():
        try:
            outcomes.append(fx.run(fx.Resume(kept[0], 1)))
        except RuntimeError as error:
            outcomes.append(type(error))

    fx.run(fx.WithHandler(lambda effect, k: kept.append(k), A()))
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert outcomes == [RuntimeError]
    assert fx.run(fx.Resume(kept[0], 2)) == 2


def test_threads_run_programs_beside_each_other(effects, quick_switches):
    class Add(effects.Effect):
        n: int

    @effects.handles(Add)
    @effects.do
    def adding(effect, k):
        yield effects.Transfer(k, effect.n + 1)

    @effects.do
    def body(n):
        for i in range(n):
            yield effects.Put("n", (yield effects.Get("n")) + (yield Add(i)) - i)
        return (yield effects.Get("n"))

    results = {}

    def work(name):
        program = effects.WithHandler(effects.State({"n": 0}), effects.WithHandler(adding, body(500)))
        results[name] = effects.run(program, gil="release" if name % 2 else "hold")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), 500)


def test_a_continuation_dropped_by_another_thread_is_closed_there(effects, A):
    kept, closed = [], []

    @effects.do
    def body():
        try:
            yield effects.Get("x")
        finally:
            closed.append(threading.get_ident())

    effects.run(effects.WithHandler(lambda effect, k: kept.append(k), body()))
    thread = threading.Thread(target=kept.clear)
    thread.start()
    identity = thread.ident
    thread.join()
    assert closed == [identity]


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="greenlets move stacks, which no sanitizer follows")
@pytest.mark.skipif(hasattr(sys, "gettotalrefcount"), reason="greenlet is built for the release interpreter")
def test_greenlets_interleave_runs(effects):
    greenlet = pytest.importorskip("greenlet")
    log = []

    @effects.do
    def body(name):
        for i in range(3):
            yield effects.Tell((name, i))
            main.switch()
        return (yield effects.Get("name"))

    def work(name):
        return effects.run(effects.WithHandler(effects.State({"name": name}), effects.WithHandler(
            lambda effect, k: log.append(effect.message) or effects.Resume(k) if isinstance(effect, effects.Tell) else effects.Pass(effect, k),
            body(name))))

    main = greenlet.getcurrent()
    workers = [greenlet.greenlet(work) for _ in range(2)]
    for name, worker in zip("ab", workers):
        worker.switch(name)
    for _ in range(2):
        for worker in workers:
            worker.switch()
    assert [worker.switch() for worker in workers] == ["a", "b"]
    assert log == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def endless(effects, style):
    class E(effects.Effect):
        pass

    @effects.do
    def loop():
        while True:
            yield leaf() if style == "call" else effects.Get("x") if style == "native" else E()

    @effects.do
    def leaf():
        return 1
        yield

    @effects.do
    def transferring(effect, k):
        yield effects.Transfer(k)

    @effects.do
    def endless_handler(effect, k):
        return (yield effects.Resume(k, (yield again())))

    @effects.do
    def again():
        yield effects.WithHandler(transferring, loop())

    handler = {"native": effects.State(), "call": effects.State(), "transfer": transferring, "plain": lambda effect, k: effects.Resume(k),
               "inside a handler": endless_handler}[style]
    return effects.WithHandler(handler, loop())


@pytest.mark.parametrize("style", ["native", "call", "transfer", "plain", "inside a handler"])
def test_an_endless_program_can_be_interrupted(effects, style):
    # Again after a while: one that comes while something is closed is reported, and lost, as in any program.
    def interrupt(*_):
        signal.setitimer(signal.ITIMER_REAL, 3)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            effects.run(endless(effects, style))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 60
    assert effects.run(effects.Pure(1)) == 1


def test_releasing_the_gil_changes_nothing(effects):
    class Released(random_programs.World):
        def __init__(self):
            super().__init__(type("Namespace", (), {**vars(effects), "run": staticmethod(lambda program: effects.run(program, gil="release"))}))

    for seed in range(40):
        tree = random_programs.tree_of(seed)
        assert Released().everything(tree) == random_programs.World(effects).everything(tree), f"seed {seed}"


@pytest.mark.no_leak_check(reason="it collects at every allocation, which takes its time")
def test_collections_at_any_time_change_nothing(effects):
    threshold = gc.get_threshold()
    for seed in range(40):
        tree = random_programs.tree_of(seed)
        expected = random_programs.World(effects).everything(tree)
        gc.set_threshold(1)
        try:
            found = random_programs.World(effects).everything(tree)
        finally:
            gc.set_threshold(*threshold)
        assert found == expected, f"seed {seed}"


def test_native_handlers_may_be_shared_by_runs(effects):
    """A key whose __eq__ runs a program on the same State, in the middle of an answer."""
    class Key:
        def __hash__(self):
            return hash("x")

        def __eq__(self, other):
            effects.run(effects.WithHandler(state, effects.Put("seen", True)))
            return other == "x"

    state = effects.State({"x": 1})
    assert effects.run(effects.WithHandler(state, effects.Get(Key()))) == 1
    assert state.items() == {"x": 1, "seen": True}
