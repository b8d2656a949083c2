"""Handlers in Python: resuming, ending, passing on, and what they see."""

import pytest

from effects.bodies import plus


def test_resume_comes_back_to_the_handler(fx, A):
    @fx.do
    def handler(effect, k):
        r = yield fx.Resume(k, effect.v)
        return r * 3

    assert fx.run(fx.WithHandler(handler, plus(fx, A(10), 5))) == 45


def test_the_value_of_resume_may_be_left_out(fx, A):
    assert fx.run(fx.WithHandler(lambda effect, k: fx.Resume(k), fx.Pure(1))) == 1
    assert fx.run(fx.WithHandler(lambda effect, k: fx.Resume(k), A(1))) is None


def test_transfer_drops_the_handler(fx, A):
    after = []

    @fx.do
    def handler(effect, k):
        try:
            yield fx.Transfer(k, 70)
            after.append("ran")
        finally:
            after.append("closed")

    assert fx.run(fx.WithHandler(handler, plus(fx, A(0), 1))) == 71
    assert after == ["closed"]


def test_after_transfer_the_callers_go_on(fx, A):
    """A transfer ends the handler, not the program."""
    @fx.do
    def handler(effect, k):
        yield fx.Transfer(k, 1)

    @fx.do
    def main():
        return "main", (yield fx.WithHandler(handler, plus(fx, A(0), 1)))

    assert fx.run(main()) == ("main", 2)


def test_a_handler_that_does_not_resume_ends_the_body(fx, A):
    log = []

    @fx.do
    def inner():
        try:
            yield A(7)
        finally:
            log.append("inner")

    @fx.do
    def body():
        try:
            yield inner()
            log.append("went on")
        finally:
            log.append("outer")

    @fx.do
    def handler(effect, k):
        yield fx.Pure(None)
        log.append("handler")
        return effect.v * 10

    @fx.do
    def main():
        v = yield fx.WithHandler(handler, body())
        log.append("main")
        return v

    assert fx.run(main()) == 70
    assert log == ["handler", "inner", "outer", "main"]


def test_handlers_are_deep(fx, A):
    calls = []

    @fx.do
    def handler(effect, k):
        calls.append(effect.v)
        return (yield fx.Resume(k, effect.v * 10))

    @fx.do
    def leaf(n):
        return (yield A(n))

    @fx.do
    def body():
        return (yield A(1)) + (yield leaf(2)) + (yield leaf(3))

    assert fx.run(fx.WithHandler(handler, body())) == 60 and calls == [1, 2, 3]


@pytest.mark.parametrize("times", [1, 3])
def test_transfer_keeps_the_handler_installed(fx, A, times):
    calls = []

    @fx.do
    def handler(effect, k):
        calls.append(effect.v)
        yield fx.Transfer(k, effect.v)

    @fx.do
    def body():
        total = 0
        for i in range(times):
            total += yield A(i)
        return total

    assert fx.run(fx.WithHandler(handler, body())) == sum(range(times)) and calls == list(range(times))


def test_each_resume_wraps_the_rest(fx, A):
    @fx.do
    def handler(effect, k):
        r = yield fx.Resume(k, effect.v)
        return [effect.v, *r]

    @fx.do
    def body():
        for i in (10, 30, 60):
            yield A(i)
        return []

    assert fx.run(fx.WithHandler(handler, body())) == [10, 30, 60]


def test_nested_handlers_each_see_their_own(fx, A, B):
    @fx.do
    def by_a(effect, k):
        if isinstance(effect, A):
            return (yield fx.Resume(k, effect.v + 100))
        yield fx.Pass(effect, k)

    @fx.do
    def by_b(effect, k):
        if isinstance(effect, B):
            return (yield fx.Resume(k, effect.v * 2))
        yield fx.Pass(effect, k)

    @fx.do
    def body():
        return (yield B((yield A(5))))

    for handlers in ([by_a, by_b], [by_b, by_a]):
        assert fx.run(fx.WithHandler(handlers[0], fx.WithHandler(handlers[1], body()))) == 210


def test_an_outer_handler_takes_the_whole_of_the_inner_body_with_it(fx, A):
    """What is done after the inner WithHandler is not skipped."""
    @fx.do
    def inner_handler(effect, k):
        yield fx.Pass(effect, k)

    @fx.do
    def inner():
        return (yield A(2)), "i"

    @fx.do
    def outer_body():
        v = yield fx.WithHandler(fx.State(), inner())
        w = yield fx.WithHandler(inner_handler, inner())
        return v, w, (yield A(6))

    @fx.do
    def outer_handler(effect, k):
        return (yield fx.Resume(k, effect.v))

    assert fx.run(fx.WithHandler(outer_handler, outer_body())) == ((2, "i"), (2, "i"), 6)


def test_pass_hands_the_same_k_to_the_next(fx, A):
    seen = []

    @fx.do
    def inner(effect, k):
        seen.append(("inner", k))
        yield fx.Pass(effect, k)
        seen.append("never")

    @fx.do
    def outer(effect, k):
        seen.append(("outer", k))
        return "outer:", (yield fx.Resume(k, effect.v))

    result = fx.run(fx.WithHandler(outer, fx.WithHandler(inner, A("x"))))
    assert result == ("outer:", "x") and [name for name, _ in seen] == ["inner", "outer"] and seen[0][1] is seen[1][1]


def test_after_pass_the_inner_handler_is_still_there(fx, A, B):
    log = []

    @fx.do
    def inner(effect, k):
        log.append(("inner", type(effect).__name__))
        if isinstance(effect, B):
            return (yield fx.Resume(k, "b"))
        yield fx.Pass(effect, k)

    @fx.do
    def outer(effect, k):
        log.append(("outer", type(effect).__name__))
        yield fx.Transfer(k, "a")

    @fx.do
    def body():
        return (yield A(1)), (yield B(1)), (yield A(1))

    assert fx.run(fx.WithHandler(outer, fx.WithHandler(inner, body()))) == ("a", "b", "a")
    assert log == [("inner", "A"), ("outer", "A"), ("inner", "B"), ("inner", "A"), ("outer", "A")]


def test_delegate_is_pass_of_what_the_handler_was_called_with(fx, A):
    @fx.do
    def inner(effect, k):
        yield fx.Delegate()

    @fx.do
    def outer(effect, k):
        return "outer", effect.v, (yield fx.Resume(k, 1))

    assert fx.run(fx.WithHandler(outer, fx.WithHandler(inner, plus(fx, A("e"), 1)))) == ("outer", "e", 2)


def test_a_native_handler_answers_what_is_passed(fx):
    @fx.do
    def inner(effect, k):
        yield fx.Pass(fx.Get("other"), k)

    state = fx.State({"x": 1, "other": 2})
    assert fx.run(fx.WithHandler(state, fx.WithHandler(inner, plus(fx, fx.Get("x"), 10)))) == 12


def test_an_effect_performed_in_a_handler_goes_outwards_only(fx, A):
    """Re-perform: inner doubles, then outer adds one; the answer comes back to the inner handler."""
    @fx.do
    def inner(effect, k):
        v = yield A(effect.v * 2)
        return (yield fx.Resume(k, v))

    @fx.do
    def outer(effect, k):
        return (yield fx.Resume(k, effect.v + 1))

    assert fx.run(fx.WithHandler(outer, fx.WithHandler(inner, plus(fx, A(10), 5)))) == 26


def test_handlers_installed_inside_a_handler_are_visible_to_it(fx, A, B):
    @fx.do
    def helper(effect, k):
        return (yield fx.Resume(k, effect.v + 1))

    @fx.do
    def asks():
        return (yield B(40))

    @fx.do
    def handler(effect, k):
        v = yield fx.WithHandler(helper, asks())
        return (yield fx.Resume(k, v + effect.v))

    assert fx.run(fx.WithHandler(handler, A(1))) == 42


def test_programs_called_in_a_handler_belong_to_it(fx, A):
    @fx.do
    def deeper(k, v):
        yield fx.Transfer(k, v)

    @fx.do
    def helper(k, v):
        try:
            yield deeper(k, v + 1)
        finally:
            closed.append("helper")

    @fx.do
    def handler(effect, k):
        try:
            yield helper(k, effect.v)
        finally:
            closed.append("handler")

    closed = []
    assert fx.run(fx.WithHandler(handler, plus(fx, A(1), 10))) == 12
    assert closed == ["helper", "handler"]


def test_a_body_begun_in_a_handler_is_no_handler(fx, A):
    @fx.do
    def body(k):
        try:
            yield fx.Transfer(k, 1)
        except RuntimeError:
            return (yield fx.Resume(k, 2))

    @fx.do
    def handler(effect, k):
        return "handler", (yield fx.WithHandler(fx.State(), body(k)))

    assert fx.run(fx.WithHandler(handler, plus(fx, A(0), 1))) == ("handler", 3)


def test_plain_functions_are_handlers(fx, A):
    class Callable:
        def __call__(self, effect, k):
            return fx.Resume(k, "object")

        def method(self, effect, k):
            return fx.Resume(k, "method")

        @fx.do
        def program(self, effect, k):
            return (yield fx.Resume(k, "program"))

    @fx.do
    def resumed(effect, k):
        return "program", (yield fx.Resume(k, effect.v))

    def raw(effect, k):
        return (yield fx.Resume(k, "raw"))

    run = [fx.run(fx.WithHandler(handler, A(1))) for handler in (
        lambda effect, k: fx.Resume(k, "resumed"), lambda effect, k: fx.Transfer(k, "transferred"), lambda effect, k: "ended",
        resumed, lambda effect, k: resumed(effect, k), Callable(), Callable().method, Callable().program, raw)]
    assert run == ["resumed", "transferred", "ended", ("program", 1), ("program", 1), "object", "method", "program", "raw"]


def test_a_plain_function_may_return_an_effect_or_with_handler(fx, A, B):
    assert fx.run(fx.WithHandler(fx.State({"x": 1}), fx.WithHandler(lambda effect, k: fx.Get("x"), A(1)))) == 1
    assert fx.run(fx.WithHandler(lambda effect, k: fx.WithHandler(fx.State({"x": 2}), fx.Get("x")), A(1))) == 2


def test_a_do_handler_returns_what_it_returns(fx, A):
    """A value that could be executed is a value there: it has a yield to execute things with."""
    effect = A(1)
    assert fx.run(fx.WithHandler(fx.do(lambda e, k: e), effect)) is effect


def test_the_handler_is_no_longer_in_force_after_with_handler(fx, A):
    @fx.do
    def main():
        first = yield fx.WithHandler(lambda effect, k: fx.Resume(k, 1), A(0))
        try:
            yield A(0)
        except fx.UnhandledEffect:
            return first

    assert fx.run(main()) == 1


def test_get_continuation_is_k(fx, A):
    @fx.do
    def handler(effect, k):
        assert (yield fx.GetContinuation()) is k
        return (yield fx.Resume((yield fx.GetContinuation()), 3))

    assert fx.run(fx.WithHandler(handler, A(0))) == 3


def test_get_handlers(fx, A):
    inner = fx.State()

    @fx.do
    def outer(effect, k):
        of_k = yield fx.GetHandlers(k)
        mine = yield fx.GetHandlers()
        return (yield fx.Resume(k, (of_k, mine)))

    outermost = fx.Writer()

    @fx.do
    def body():
        return (yield fx.GetHandlers()), (yield A(0))

    here, (of_k, mine) = fx.run(fx.WithHandler(outermost, fx.WithHandler(outer, fx.WithHandler(inner, body()))))
    assert here == [inner, outer, outermost] and of_k == [inner, outer] and mine == [outermost]
    assert fx.run(fx.GetHandlers()) == []


@pytest.mark.parametrize("depth", [3, 29])
def test_an_effect_travels_a_chain_of_handlers(fx, A, B, depth):
    """The handler in the middle answers with an effect that one further out answers."""
    middle, outer = depth // 3, depth * 2 // 3

    def passing():
        @fx.do
        def handler(effect, k):
            yield fx.Pass(effect, k)

        return handler

    @fx.do
    def by_b(effect, k):
        if not isinstance(effect, B):
            yield fx.Pass(effect, k)
        yield fx.Transfer(k, f"{effect.v}(B)")

    @fx.do
    def by_a(effect, k):
        if not isinstance(effect, A):
            yield fx.Pass(effect, k)
        yield fx.Transfer(k, (yield B(effect.v)))

    program = A("A")
    for i in range(depth):
        program = fx.WithHandler(by_a if i == middle else by_b if i == outer else passing(), program)
    assert fx.run(program) == "A(B)"


def test_k_can_be_stored_and_resumed_later(fx, A):
    kept = []

    @fx.do
    def handler(effect, k):
        kept.append(k)
        return "ended"
        yield

    @fx.do
    def body():
        v = yield A(0)
        return v, (yield A(1))

    @fx.do
    def main():
        first = yield fx.WithHandler(handler, body())
        second = yield fx.Resume(kept.pop(), "later")
        third = yield fx.Resume(kept.pop(), "last")
        return first, second, third

    assert fx.run(main()) == ("ended", "ended", ("later", "last"))


def test_k_can_be_resumed_in_a_later_run_of_the_thread(fx, A):
    kept = []
    assert fx.run(fx.WithHandler(lambda effect, k: kept.append(k), plus(fx, A(0), 1))) is None
    assert fx.run(fx.Resume(kept[0], 5)) == 6
    with pytest.raises(fx.OneShotError):
        fx.run(fx.Resume(kept[0], 5))


def test_k_can_be_transferred_to_from_another_handler(fx, A, B):
    """Two tasks and a queue: a scheduler in a dozen lines."""
    queue, log = [], []

    @fx.do
    def task(name):
        for i in range(2):
            log.append((name, i))
            yield A(None)
        return name

    @fx.do
    def handler(effect, k):
        queue.append(k)
        yield fx.Transfer(queue.pop(0))

    @fx.do
    def start(name):
        return (yield fx.WithHandler(handler, task(name)))

    @fx.do
    def parked(effect, k):
        queue.append(k)
        return "parked"
        yield

    @fx.do
    def main():
        yield fx.WithHandler(parked, task("first"))
        return (yield start("second"))

    assert fx.run(main()) == "parked"
    assert log == [("first", 0), ("second", 0), ("first", 1)]


def test_with_handlers(effects):
    made = []

    def named(name):
        def handler(effect, k):
            made.append(name)
            return effects.Pass(effect, k)

        return handler

    body = effects.Get("x")
    assert effects.with_handlers([], body) is body
    program = effects.with_handlers([effects.State({"x": 1}), named("outer"), named("inner")], body)
    assert effects.run(program) == 1 and made == ["inner", "outer"]


@pytest.mark.parametrize("way", ["finally", "with", "yield from", "generator", "except", "for"])
def test_a_handler_that_is_dropped_is_closed(fx, A, way):
    """As any generator is: what it has open is closed, and what it delegates to is told."""
    log = []

    class Open:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            log.append(kind)

        def __iter__(self):
            return self

        def __next__(self):
            return self.transfer

        def close(self):
            log.append("close")

    # A function has one code, and what is in it counts: the ways without `try` get functions of their own.
    def with_try(effect, k):
        try:
            yield fx.Transfer(k, 1)
        except GeneratorExit:
            log.append("except")
            raise

    def with_finally(effect, k):
        try:
            yield fx.Transfer(k, 1)
        finally:
            log.append("finally")

    def with_with(effect, k):
        with Open():
            yield fx.Transfer(k, 1)

    def delegating_to_an_iterator(effect, k):
        Open.transfer = fx.Transfer(k, 1)
        yield from Open()

    def delegating_to_a_generator(effect, k):
        yield from with_finally(effect, k)

    def holding_a_generator(effect, k):
        for each in with_finally(effect, k):
            yield each

    handler, expected = {
        "except": (with_try, ["except"]), "finally": (with_finally, ["finally"]), "with": (with_with, [GeneratorExit]),
        "yield from": (delegating_to_an_iterator, ["close"]), "generator": (delegating_to_a_generator, ["finally"]),
        "for": (holding_a_generator, ["finally"])}[way]
    assert fx.run(fx.WithHandler(fx.do(handler), plus(fx, A(0), 1))) == 2
    assert log == expected


def test_a_generator_that_others_hold_is_left_to_them(fx, A):
    kept, log = [], []

    def generator(k):
        yield fx.Transfer(k, 1)
        log.append("went on")

    def handler(effect, k):
        kept.append(generator(k))
        return kept[0]

    assert fx.run(fx.WithHandler(handler, plus(fx, A(0), 1))) == 2
    assert log == [] and next(kept[0], "end") == "end" and log == ["went on"]
