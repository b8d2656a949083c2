"""Choose: run_all, first, sample; and programs that are not deterministic."""

import itertools
import random

import pytest

from calque import effects as fx


@fx.do
def pair():
    a = yield fx.Choose([1, 2, 3])
    b = yield fx.Choose("xy")
    return a, b


def test_each_way_through_in_the_order_of_the_options():
    assert fx.run_all(pair()) == list(itertools.product([1, 2, 3], "xy"))


def test_a_program_that_chooses_nothing_has_one_branch():
    assert fx.run_all(fx.Pure(1)) == [1] and fx.first(fx.Pure(1)) == 1 and fx.sample(fx.Pure(1)) == 1


def test_options_may_depend_on_choices_and_end_a_branch():
    @fx.do
    def triple(most):
        a = yield fx.Choose(range(1, most))
        b = yield fx.Choose(range(a, most))
        c = yield fx.Choose([c for c in range(b, most) if a * a + b * b == c * c])
        return a, b, c

    assert fx.run_all(triple(14)) == [(3, 4, 5), (5, 12, 13), (6, 8, 10)]
    assert fx.first(triple(14)) == (3, 4, 5)
    with pytest.raises(LookupError, match="each chose from nothing"):
        fx.first(triple(3))


def test_first_runs_no_more_than_it_needs():
    runs = []

    @fx.do
    def body():
        n = yield fx.Choose(range(10))
        runs.append(n)
        if n < 2:
            yield fx.Choose([])
        return n

    assert fx.first(body()) == 2 and runs == [0, 1, 2]


def test_each_branch_has_a_state_of_its_own():
    state, log = fx.State({"seen": [], "n": 0}), fx.Writer()

    @fx.do
    def body():
        for _ in range(2):
            n = yield fx.Choose([1, 2])
            (yield fx.Get("seen")).append(n)
            yield fx.Modify("n", lambda old, n=n: old + n)
            yield fx.Tell(n)
        return list((yield fx.Get("seen"))), (yield fx.Get("n"))

    program = fx.WithHandler(state, fx.WithHandler(log, body()))
    assert fx.run_all(program) == [([1, 1], 2), ([1, 2], 3), ([2, 1], 3), ([2, 2], 4)]
    assert state.items() == {"seen": [], "n": 0} and log.logs() == []


def test_values_that_handlers_share_are_shared_in_each_branch():
    shared = []

    @fx.do
    def body():
        (yield fx.Ask("shared")).append((yield fx.Choose([1, 2])))
        return list((yield fx.Get("shared")))

    program = fx.WithHandler(fx.State({"shared": shared}), fx.WithHandler(fx.Reader({"shared": shared}), body()))
    assert fx.run_all(program) == [[1], [2]] and shared == []


def test_handlers_in_python_are_run_for_each_branch():
    class Double(fx.Effect):
        n: int

    @fx.handles(Double)
    @fx.do
    def doubling(effect, k):
        return [(yield fx.Resume(k, effect.n * 2))]

    @fx.do
    def body():
        return (yield Double((yield fx.Choose([1, 2]))))

    assert fx.run_all(fx.WithHandler(doubling, body())) == [[2], [4]]


def test_a_handler_of_the_programs_may_choose():
    @fx.do
    def body():
        return (yield fx.WithHandler(fx.handles(fx.Choose)(lambda effect, k: fx.Resume(k, effect.options[-1])), pair())), (yield fx.Choose("ab"))

    assert fx.run_all(body()) == [((3, "y"), "a"), ((3, "y"), "b")]


def test_what_a_branch_raises_ends_it_all():
    runs = []

    @fx.do
    def body():
        n = yield fx.Choose([1, 2, 3])
        runs.append(n)
        if n == 2:
            raise ValueError("two")

    with pytest.raises(ValueError, match="two"):
        fx.run_all(body())
    assert runs == [1, 2]


def test_samples_follow_the_generator():
    @fx.do
    def body():
        return (yield fx.Choose(range(100))), (yield fx.Choose(range(100)))

    assert fx.sample(body(), random.Random(5)) == fx.sample(body(), random.Random(5))
    assert len({fx.sample(body(), random.Random(seed)) for seed in range(20)}) > 15
    with pytest.raises(LookupError):
        fx.sample(fx.Choose([]))


def test_a_program_that_does_something_else_the_next_time_is_named():
    turns = itertools.count()

    @fx.do
    def body():
        yield fx.Get("x")
        yield fx.Tell(f"turn {next(turns)}")
        return (yield fx.Choose([1, 2]))

    with pytest.raises(fx.DivergenceError, match=r"effect 1 was Tell\('turn 0'\), and is Tell\('turn 1'\)") as caught:
        fx.run_all(fx.with_handlers([fx.State(), fx.Writer()], body()))
    assert caught.value.index == 1 and caught.value.expected.message == "turn 0" and caught.value.got.message == "turn 1"


def test_a_program_cannot_catch_that_it_diverges():
    turns, went_on = itertools.count(), []

    @fx.do
    def body():
        try:
            yield fx.Tell(next(turns))
        except Exception:
            pass
        went_on.append(1)
        return (yield fx.Choose([1, 2]))

    with pytest.raises(fx.DivergenceError):
        fx.run_all(fx.WithHandler(fx.Writer(), body()))
    assert went_on == [1]


def test_what_is_compared_is_the_effect_as_it_was_performed():
    @fx.do
    def body():
        mine = []
        yield fx.Tell(mine)
        mine.append("later")
        return (yield fx.Choose([1, 2]))

    assert fx.run_all(fx.WithHandler(fx.Writer(), body())) == [1, 2]


def test_a_program_that_ends_too_early_is_named():
    turns = itertools.count()

    @fx.do
    def body():
        if next(turns) == 0:
            yield fx.Choose([1, 2])
            yield fx.Choose([3, 4])

    with pytest.raises(fx.DivergenceError, match="effect 0 was Choose.* the program has ended"):
        fx.run_all(body())


def test_effects_are_compared_by_value():
    class Unhashable:
        """No __eq__ of its own: one is as good as another."""

    class Odd:
        def __eq__(self, other):
            raise RuntimeError("compared")

        __hash__ = None

    @fx.do
    def body(make):
        yield fx.Tell(make())
        return (yield fx.Choose([1, 2]))

    for make in (Unhashable, list, lambda: (lambda: 1)):
        assert fx.run_all(fx.WithHandler(fx.Writer(), body(make))) == [1, 2]
    with pytest.raises(fx.DivergenceError):
        fx.run_all(fx.WithHandler(fx.Writer(), body(Odd)))


def test_a_thousand_branches():
    @fx.do
    def body():
        total = 0
        for _ in range(3):
            total = total * 10 + (yield fx.Choose(range(10)))
        return total

    assert fx.run_all(body()) == list(range(1000))
