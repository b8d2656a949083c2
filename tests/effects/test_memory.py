"""What programs leave behind: nothing. Cycles, chains, loops and abandoned bodies."""

import gc
import os
import subprocess
import sys
import textwrap
import weakref

import pytest


class Payload:
    pass


@pytest.fixture
def A(effects):
    class A(effects.Effect):
        v: object = None

    return A


def transferring(effects):
    @effects.do
    def handler(effect, k):
        yield effects.Transfer(k, effect.v)

    return handler


def returning(effects):
    @effects.do
    def handler(effect, k):
        return (yield effects.Resume(k, effect.v))

    return handler


def returning_by_name(effects):
    @effects.do
    def handler(effect, k):
        value = yield effects.Resume(k, effect.v)
        return value

    return handler


def returning_from_a_program(effects):
    @effects.do
    def helper(k, v):
        return (yield effects.Resume(k, v))

    @effects.do
    def handler(effect, k):
        return (yield helper(k, effect.v))

    return handler


def plain(effects):
    return lambda effect, k: effects.Resume(k, effect.v)


def passing(effects):
    return lambda effect, k: effects.Pass(effect, k)


def loop(effects, A, n):
    @effects.do
    def program():
        for i in range(n):
            value = yield A(i)
        return value

    return program()


@pytest.mark.parametrize("style", [transferring, returning, returning_by_name, returning_from_a_program, plain])
def test_a_loop_of_effects_takes_constant_memory(effects, A, style):
    before = sys.getallocatedblocks()
    grown = []

    @effects.do
    def watched():
        for i in range(2000):
            value = yield A(i)
            if i in (500, 1999):
                grown.append(sys.getallocatedblocks())
        return value

    assert effects.run(effects.WithHandler(style(effects), watched())) == 1999
    assert grown[1] - grown[0] < 200 and grown[1] - before < 2000


@pytest.mark.parametrize("style", ["no tail", "in try", "in with", "in except"])
def test_handlers_that_have_more_to_do_wait(effects, A, style):
    """The other side of the test above: what is not a tail stays, and does its work at the end."""
    import contextlib

    done = []

    @effects.do
    def handler(effect, k):
        if style == "no tail":
            value = yield effects.Resume(k, effect.v)
            done.append(effect.v)
            return value
        if style == "in try":
            try:
                return (yield effects.Resume(k, effect.v))
            finally:
                done.append(effect.v)
        if style == "in except":
            try:
                return (yield effects.Resume(k, effect.v))
            except ZeroDivisionError:
                done.append(effect.v)
                raise
        with contextlib.ExitStack() as stack:
            stack.callback(done.append, effect.v)
            return (yield effects.Resume(k, effect.v))

    @effects.do
    def program():
        value = yield loop(effects, A, 3)
        if style == "in except":
            raise ZeroDivisionError
        return value

    try:
        assert effects.run(effects.WithHandler(handler, program())) == 2
    except ZeroDivisionError:
        assert style == "in except"
    assert done == [2, 1, 0]


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer's allocator is preloaded, and keeps what was freed")
@pytest.mark.no_leak_check(reason="it runs a million effects and measures memory itself")
def test_a_million_effects_run_in_constant_memory_under_native_handlers(effects):
    import resource

    @effects.do
    def program():
        for _ in range(500_000):
            yield effects.Put("n", (yield effects.Get("n")) + 1)

    state = effects.State({"n": 0})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    effects.run(effects.WithHandler(state, program()))
    assert state.items() == {"n": 500_000}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096



def test_fibers_come_back(effects, A):
    live = effects.stats()["live_fibers"]

    @effects.do
    def abandoning(effect, k):
        return "ended"
        yield

    for _ in range(200):
        assert effects.run(effects.WithHandler(abandoning, effects.WithHandler(effects.State(), loop(effects, A, 2)))) == "ended"
    assert effects.stats()["live_fibers"] == live
    assert effects.stats()["idle_fibers"] <= 64
    kept = []
    effects.run(effects.WithHandler(lambda effect, k: kept.append(k), A()))
    assert effects.stats()["live_fibers"] == live + 1
    kept.clear()
    assert effects.stats()["live_fibers"] == live


def test_a_body_given_up_lets_go_at_once(effects, A):
    payload = Payload()
    watch = weakref.ref(payload)
    kept = []

    @effects.do
    def body(payload):
        yield A(payload)

    @effects.do
    def main():
        yield effects.WithHandler(lambda effect, k: kept.append(k), body(made.pop()))
        assert watch() is not None
        kept.clear()
        return watch()

    made = [payload]
    del payload
    assert effects.run(main()) is None


def test_what_an_effect_is_answered_with_is_not_kept(effects, A):
    watches = []

    @effects.do
    def body():
        for _ in range(3):
            value = yield A()
            watches.append(weakref.ref(value))
            del value
            yield effects.Get("x")
            assert watches[-1]() is None

    effects.run(effects.WithHandler(effects.State(), effects.WithHandler(
        lambda effect, k: effects.Transfer(k, Payload()) if isinstance(effect, A) else effects.Pass(effect, k), body())))
    assert len(watches) == 3


CYCLES = {
    "k in a local of its own body": """
        def handler(effect, k): box.append(k)
        @e.do
        def body(box):
            p = payload()
            yield E()
        box = []
        e.run(e.WithHandler(handler, body(box)))
        """,
    "k in the effect it waits for": """
        def handler(effect, k): effect.k = k; effect.p = payload()
        e.run(e.WithHandler(handler, E()))
        """,
    "k in its own handler": """
        class Handler:
            def __call__(self, effect, k): self.k = k; self.p = payload()
        e.run(e.WithHandler(Handler(), E()))
        """,
    "k in a handler's frame in another k": """
        box = []
        @e.do
        def inner(effect, k):
            p = payload()
            yield Other(k)
        e.run(e.WithHandler(lambda effect, k: box.append((box, k)), e.WithHandler(inner, E())))
        """,
    "Get": "box = [payload()]; box.append(e.Get(box))",
    "Put": "box = [payload()]; box.append(e.Put(1, box))",
    "Modify": "box = [payload()]; box.append(e.Modify(1, box.append))",
    "Ask": "box = [payload()]; box.append(e.Ask(box))",
    "Tell": "box = [payload()]; box.append(e.Tell(box))",
    "Pure": "box = [payload()]; box.append(e.Pure(box))",
    "WithHandler": "box = [payload()]; box.append(e.WithHandler(box.append, e.Pure(1)))",
    "WithHandler's body": "box = [payload()]; box.append(e.WithHandler(print, e.Pure(box)))",
    "Resume": "box = [payload()]; e.run(e.WithHandler(lambda effect, k: box.append(e.Resume(k, box)), E()))",
    "ResumeThrow": "x = ValueError(); x.p = payload(); e.run(e.WithHandler(lambda effect, k: setattr(x, 'x', e.ResumeThrow(k, x)), E()))",
    "Transfer": "box = [payload()]; e.run(e.WithHandler(lambda effect, k: box.append(e.Transfer(k, box)), E()))",
    "TransferThrow": "x = ValueError(); x.p = payload(); e.run(e.WithHandler(lambda effect, k: setattr(x, 'x', e.TransferThrow(k, x)), E()))",
    "Pass": "box = E(); box.p = payload(); e.run(e.WithHandler(lambda effect, k: setattr(box, 'x', e.Pass(box, k)), E()))",
    "GetTraceback": "box = E(); box.p = payload(); e.run(e.WithHandler(lambda effect, k: setattr(effect, 'x', e.GetTraceback(k)), box))",
    "GetHandlers": "box = E(); box.p = payload(); e.run(e.WithHandler(lambda effect, k: setattr(effect, 'x', e.GetHandlers(k)), box))",
    "a program's arguments": "box = [payload()]; box.append(e.do(print)(box, 1, 2, 3, 4, 5, key=box))",
    "a program's function": """
        @e.do
        def program(): return box
        box = [payload()]
        box.append(program())
        program = None
        """,
    "a do function": """
        @e.do
        def program(): return program, p
        p = payload()
        """,
    "a do function's attributes": "f = e.do(lambda: 1); f.f = f; f.p = payload()",
    "a typed handler": """
        @e.handles(E)
        def handler(effect, k): return handler, p
        p = payload()
        """,
    "State": "s = e.State(); e.run(e.WithHandler(s, e.Put('s', (s, payload()))))",
    "Reader": "box = [payload()]; box.append(e.Reader({'box': box}))",
    "Writer": "w = e.Writer(); e.run(e.WithHandler(w, e.Tell((w, payload()))))",
    "a class of effects": """
        class Own(e.Effect): pass
        h = e.handles(Own)(lambda effect, k: e.Resume(k, 1))
        e.run(e.WithHandler(h, Own()))
        Own.h = h; Own.p = payload()
        """,
}


@pytest.mark.parametrize("name", CYCLES)
def test_cycles_are_collected(effects, A, name):
    watches = []

    def payload():
        made = Payload()
        watches.append(weakref.ref(made))
        return made

    class E(effects.Effect):
        pass

    class Other(effects.Effect):
        k: object

    source = textwrap.indent(textwrap.dedent(CYCLES[name]).strip(), "    ")
    names = {"e": effects, "payload": payload, "E": E, "Other": Other}
    gc.collect()
    gc.disable()
    try:
        exec(f"def case():\n{source}", names)
        names["case"]()
        assert len(watches) == 1 and watches[0]() is not None, "a cycle, and alive"
        gc.collect()
        assert watches[0]() is None
    finally:
        gc.enable()


@pytest.mark.no_leak_check(reason="each chain is 100,000 long, and what it leaves is counted here")
@pytest.mark.parametrize("shape", ["generators", "fibers", "nodes", "programs", "continuations", "frames holding continuations"])
def test_deep_chains_are_dropped_without_recursion(effects, A, shape):
    n = 1_000_000 if shape in ("nodes", "programs") else 100_000
    kept = []

    def keep(effect, k):
        kept.append(k)

    if shape == "generators":
        @effects.do
        def deep(n):
            yield deep(n - 1) if n else A()

        effects.run(effects.WithHandler(keep, deep(n)))
    elif shape == "fibers":
        @effects.do
        def deep(n):
            yield effects.WithHandler(state, deep(n - 1)) if n else A()

        state = effects.State()
        effects.run(effects.WithHandler(keep, deep(n)))
    elif shape == "nodes":
        program = A()
        for _ in range(n):
            program = effects.WithHandler(keep, program)
        kept.append(program)
        del program
    elif shape == "programs":
        function = effects.do(print)
        program = A()
        for _ in range(n):
            program = function(program)
        kept.append(program)
        del program
    elif shape == "continuations":
        # Each handler is asked on top of the one before: an activation in a chain in an activation ...
        @effects.do
        def again(effect, k):
            yield A()

        program = A()
        for _ in range(n):
            program = effects.WithHandler(again, program)
        effects.run(effects.WithHandler(keep, program))
    else:
        @effects.do
        def holding(k):
            yield A(k)

        previous = None
        for _ in range(n):
            effects.run(effects.WithHandler(keep, holding(previous)))
            previous = kept.pop()
        kept.append(previous)
        del previous
    assert len(kept) == 1
    live = effects.stats()["live_fibers"]
    kept.clear()
    if shape not in ("nodes", "programs"):
        assert effects.stats()["live_fibers"] < live


def test_finally_blocks_of_a_dropped_k_run_from_the_inside(effects, A):
    log = []

    @effects.do
    def deep(n):
        try:
            yield effects.WithHandler(effects.State(), deep(n - 1)) if n else A()
        finally:
            log.append(n)

    kept = []
    effects.run(effects.WithHandler(lambda effect, k: kept.append(k), deep(3)))
    assert log == []
    kept.clear()
    assert log == [0, 1, 2, 3]


def test_a_finally_block_may_run_programs(effects, A):
    log = []

    @effects.do
    def body():
        try:
            yield A()
        finally:
            log.append(effects.run(effects.WithHandler(lambda effect, k: effects.Resume(k, "inside"), A())))

    assert effects.run(effects.WithHandler(lambda effect, k: "ended", body())) == "ended"
    assert log == ["inside"]


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer's allocator is preloaded, and keeps what was freed")
@pytest.mark.no_leak_check(reason="it measures another process")
def test_payloads_do_not_pile_up():
    """In a process of its own: 200 runs with 800 KB each, given up or kept until the next."""
    source = """
import resource
from calque.effects import Effect, Resume, WithHandler, do, run

class A(Effect):
    payload: object

@do
def body():
    payload = bytearray(800_000)
    yield A(payload)
    return payload

last = None
def rounds(n):
    global last
    for i in range(n):
        run(WithHandler(lambda effect, k: None, body()))
        last = run(WithHandler(lambda effect, k: Resume(k), body()))

rounds(5)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rounds(200)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10_000

