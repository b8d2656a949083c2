"""record, replay, Log."""

import functools
import itertools
import operator
import pickle

import pytest

from calque import effects as fx


class Fetch(fx.Effect):
    url: str


PAGES = {"/a": [1, 2], "/b": [3]}
fetched = set()  # does not grow: the leak check runs each test several times


@fx.handles(Fetch)
def over_http(effect, k):
    fetched.add(effect.url)
    if effect.url not in PAGES:
        raise LookupError(effect.url)
    return fx.Transfer(k, list(PAGES[effect.url]))


@fx.do
def total(*urls):
    for url in urls:
        page = yield Fetch(url)
        page.append("read")
        (yield fx.Get("pages"))[url] = page
        yield fx.Modify("n", functools.partial(operator.add, sum(page[:-1])))
        yield fx.Tell(f"read {url}")
    return (yield fx.Get("n"))


def whole(*urls):
    return fx.with_handlers([fx.State({"pages": {}, "n": 0}), fx.Writer(), over_http], total(*urls))


def test_a_log_says_what_was_performed_and_answered():
    log = fx.record(whole("/a"))
    assert log.result == 3 and log.error is None and len(log) == 5
    assert [type(entry.effect) for entry in log] == [Fetch, fx.Get, fx.Modify, fx.Tell, fx.Get]
    assert [entry.value for entry in log] == [[1, 2], {}, 0, None, 3]
    assert [entry.native for entry in log] == [False, True, True, True, True]
    assert str(log).splitlines()[0] == "0  Fetch(url='/a') -> [1, 2]" and str(log).splitlines()[-1] == "   returned 3"


def test_recording_changes_nothing_of_the_program():
    program = whole("/a")
    fx.record(program)
    assert fx.run(program) == 3


def test_a_replay_runs_no_handler_in_python():
    log = fx.record(whole("/a", "/b"))
    fetched.clear()
    assert fx.replay(whole("/a", "/b"), log) == 6
    assert fx.replay(fx.with_handlers([fx.State({"pages": {}, "n": 0}), fx.Writer()], total("/a", "/b")), log) == 6
    assert not fetched


def test_a_failing_run_is_recorded_and_fails_again():
    log = fx.record(whole("/a", "/missing"))
    assert isinstance(log.error, LookupError) and log.result is None
    assert log[-1].outcome == "raised" and str(log).endswith("raised LookupError('/missing')")
    fetched.clear()
    with pytest.raises(LookupError) as caught:
        fx.replay(whole("/a", "/missing"), log)
    assert caught.value.args == ("/missing",) and not fetched


def test_a_log_can_be_pickled():
    log = pickle.loads(pickle.dumps(fx.record(whole("/a", "/b"))))
    fetched.clear()
    assert fx.replay(whole("/a", "/b"), log) == 6 and not fetched
    with pytest.raises(ValueError, match="unpickled without its program"):
        log.at(0)
    assert log.at(2, whole("/a", "/b"))["n"] == 3


def test_the_state_after_each_effect():
    log = fx.record(whole("/a", "/b"))
    fetched.clear()
    states = [log.at(i) for i in range(len(log))]
    assert [state["n"] for state in states] == [0, 0, 3, 3, 3, 3, 6, 6, 6]
    # Values are changed in place after they were got: that, too, is in the State of the next effect.
    assert [sorted(state["pages"]) for state in states] == [[], [], ["/a"], ["/a"], ["/a"], ["/a"], ["/a", "/b"], ["/a", "/b"], ["/a", "/b"]]
    assert states[2]["pages"] == {"/a": [1, 2, "read"]} and not fetched
    assert log.at(-1) == states[-1]
    for wrong in (len(log), -len(log) - 1):
        with pytest.raises(IndexError, match="expected an effect from 0 to 8"):
            log.at(wrong)


def test_the_state_is_that_of_the_moment_whatever_a_finally_block_does():
    @fx.do
    def body():
        mine = yield fx.Get("mine")
        try:
            mine.append("changed")
            yield fx.Get("n")
            yield fx.Get("n")
        finally:
            mine.append("closed")

    log = fx.record(fx.WithHandler(fx.State({"mine": []}), body()))
    assert log.at(1) == {"mine": ["changed"]}


def test_at_an_effect_that_raised():
    log = fx.record(fx.with_handlers([fx.State({"n": 1}, strict=True), over_http], total("/a")))
    assert isinstance(log.error, KeyError) and log.at(1) == {"n": 1}


def test_a_handler_that_ends_the_program():
    class Stop(fx.Effect):
        pass

    @fx.do
    def body():
        yield Fetch("/a")
        yield Stop()

    handlers = [fx.handles(Stop)(lambda effect, k: "stopped"), over_http]
    log = fx.record(fx.with_handlers(handlers, body()))
    assert log.result == "stopped" and log[-1].outcome == "ended" and "ended the program" in str(log)
    assert fx.replay(body(), log) == "stopped"


def test_unhandled_effects_are_answers_too():
    @fx.do
    def body():
        try:
            yield fx.Ask("x")
        except fx.UnhandledEffect:
            return (yield Fetch("/b"))

    log = fx.record(fx.WithHandler(over_http, body()))
    assert log[0].outcome == "raised" and fx.replay(body(), log) == [3]


def test_what_is_written_down_does_not_change():
    @fx.do
    def body():
        mine = [1]
        yield fx.Tell(mine)
        mine.append(2)
        page = yield Fetch("/a")
        page.append(3)

    log = fx.record(fx.with_handlers([fx.Writer(), over_http], body()))
    assert log[0].effect.message == [1] and log[1].value == [1, 2]


def test_what_cannot_be_copied_is_written_down_itself():
    generator = (i for i in range(3))

    @fx.do
    def body():
        yield fx.Tell(generator)

    assert fx.record(fx.WithHandler(fx.Writer(), body()))[0].effect.message is generator


@pytest.mark.parametrize("urls, index, expected, got", [
    (["/b"], 0, Fetch("/a"), Fetch("/b")), (["/a"], 4, Fetch("/b"), fx.Get("n")), (["/a", "/b", "/a"], 8, fx.Get("n"), Fetch("/a"))])
def test_a_program_that_does_something_else(urls, index, expected, got):
    log = fx.record(whole("/a", "/b"))
    with pytest.raises(fx.DivergenceError) as caught:
        fx.replay(whole(*urls), log)
    error = caught.value
    assert (error.index, repr(error.expected), repr(error.got)) == (index, repr(expected), repr(got))


def test_a_program_that_ends_too_early_or_too_late():
    @fx.do
    def asking(times):
        for _ in range(times):
            yield Fetch("/a")

    log = fx.record(fx.WithHandler(over_http, asking(2)))
    for times, expected, got in ((1, "Fetch(url='/a')", "None"), (3, "None", "Fetch(url='/a')")):
        with pytest.raises(fx.DivergenceError) as caught:
            fx.replay(asking(times), log)
        assert (repr(caught.value.expected), repr(caught.value.got)) == (expected, got)


def test_it_cannot_catch_that():
    turns, went_on = itertools.count(), []

    @fx.do
    def body():
        try:
            yield fx.Tell(next(turns))
        except Exception:
            pass
        went_on.append(1)

    program = fx.WithHandler(fx.Writer(), body())
    log = fx.record(program)
    with pytest.raises(fx.DivergenceError, match=r"effect 0 was Tell\(0\), and is Tell\(1\)"):
        fx.replay(program, log)
    assert went_on == [1]


def test_what_a_handler_performs_is_not_the_programs():
    @fx.handles(Fetch)
    @fx.do
    def logging(effect, k):
        yield fx.Tell(f"asked for {effect.url}")
        return (yield fx.Resume(k, (yield effect)))

    log = fx.record(fx.with_handlers([fx.State({"pages": {}, "n": 0}), fx.Writer(), over_http, logging], total("/a")))
    assert [type(entry.effect) for entry in log] == [Fetch, fx.Get, fx.Modify, fx.Tell, fx.Get] and not log[0].native
