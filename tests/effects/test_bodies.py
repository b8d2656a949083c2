"""Try, Listen, Local, WithObserve: what is made of a handler in Python. There is nothing of them in the oracle."""

import pytest

from calque import effects as fx


class Ping(fx.Effect):
    n: int


def in_test(body, *handlers):
    return fx.run(fx.with_handlers(handlers, body))


@fx.do
def telling(*messages):
    for message in messages:
        yield fx.Tell(message)
    return len(messages)


@fx.do
def asking(*keys):
    found = []
    for key in keys:
        found.append((yield fx.Ask(key)))
    return found


def test_try_is_ok_or_err():
    error = ValueError("no")

    @fx.do
    def raising():
        yield fx.Pure(1)
        raise error

    @fx.do
    def main():
        return (yield fx.Try(fx.Pure(7))), (yield fx.Try(raising())), (yield fx.Try(Ping(1)))

    good, bad, unhandled = fx.run(main())
    assert good == fx.Ok(7) and bad.error is error and isinstance(unhandled.error, fx.UnhandledEffect)


def test_try_lets_pass_what_is_no_exception():
    @fx.do
    def interrupted():
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        fx.run(fx.Try(interrupted()))


def test_try_leaves_state_as_the_body_left_it():
    @fx.do
    def body():
        yield fx.Put("x", 2)
        raise ValueError

    state = fx.State({"x": 1})
    assert isinstance(in_test(fx.Try(body()), state), fx.Err) and state.items() == {"x": 2}


def test_listen_hears_and_the_writer_hears_too():
    log = fx.Writer()

    @fx.do
    def main():
        yield fx.Tell("before")
        heard = yield fx.Listen(telling("a", "b"))
        yield fx.Tell("after")
        return heard

    assert in_test(main(), log) == (2, ["a", "b"])
    assert log.logs() == ["before", "a", "b", "after"]


def test_listen_inside_listen():
    @fx.do
    def main():
        inner = yield fx.Listen(telling("x"))
        yield fx.Tell("y")
        return inner

    assert in_test(fx.Listen(main()), fx.Writer()) == (((1, ["x"])), ["x", "y"])


def test_local_answers_first_and_others_answer_the_rest():
    env = {"a": "inner"}
    body = fx.Local(env, asking("a", "b"))
    env["a"] = "changed later"
    reader = fx.Reader({"a": "outer", "b": "outer"})
    assert in_test(body, reader) == ["inner", "outer"]
    assert in_test(asking("a"), reader) == ["outer"]
    with pytest.raises(KeyError):
        in_test(fx.Local({}, asking("missing")), reader)
    with pytest.raises(TypeError, match="unhashable"):
        in_test(fx.Local({}, asking([])), reader)


def test_local_wants_a_mapping():
    with pytest.raises(TypeError, match="expected a mapping .* got list"):
        fx.Local([], asking("a"))


def test_observe_sees_what_leaves_the_body():
    seen = []

    @fx.do
    def body():
        yield fx.WithHandler(fx.Writer(), telling("inside"))
        n = yield fx.Get("n")
        yield fx.Put("n", n + 1)
        return n

    state = fx.State({"n": 1})
    assert in_test(fx.WithObserve(seen.append, body()), state) == 1
    assert [type(effect) for effect in seen] == [fx.Get, fx.Put] and seen[1].value == 2 and state.items() == {"n": 2}


def test_observe_cannot_answer():
    assert in_test(fx.WithObserve(lambda effect: "ignored", asking("a")), fx.Reader({"a": 1})) == [1]
    with pytest.raises(fx.UnhandledEffect):
        fx.run(fx.WithObserve(lambda effect: "ignored", Ping(1)))


def test_what_an_observer_raises_ends_the_body_which_cannot_catch_it():
    log = []
    error = BaseException("stop")

    def observer(effect):
        raise error

    @fx.do
    def body():
        try:
            yield fx.Get("n")
        except BaseException as caught:
            log.append(type(caught))
            raise
        finally:
            log.append("closed")

    @fx.do
    def main():
        try:
            yield fx.WithObserve(observer, body())
        except BaseException as caught:
            return caught

    assert in_test(main(), fx.State()) is error
    assert log == [GeneratorExit, "closed"]


def test_observe_wants_a_callback():
    with pytest.raises(TypeError, match="callback must be callable, and int is not"):
        fx.WithObserve(1, fx.Pure(1))
