"""State, Reader and Writer."""

import pytest


def test_the_session_of_the_plan(fx):
    @fx.do
    def program():
        n = yield fx.Get("n")
        yield fx.Put("n", n + 1)
        yield fx.Tell(f"saw {n}")
        return (yield fx.Ask("name")), n

    state, reader, writer = fx.State({"n": 1}), fx.Reader({"name": "x"}), fx.Writer()
    assert fx.run(fx.WithHandler(state, fx.WithHandler(reader, fx.WithHandler(writer, program())))) == ("x", 1)
    assert (state.items(), reader.env(), writer.logs()) == ({"n": 2}, {"name": "x"}, ["saw 1"])


def test_get_of_a_missing_key_is_none(fx):
    assert fx.run(fx.WithHandler(fx.State(), fx.Get("x"))) is None


def test_strict_state_raises_key_error(fx):
    @fx.do
    def program():
        try:
            yield fx.Get(("a", "b"))
        except KeyError as error:
            return error.args

    assert fx.run(fx.WithHandler(fx.State(strict=True), program())) == (("a", "b"),)


def test_put_is_none_and_modify_is_the_old_value(fx):
    state = fx.State({"x": 10})

    @fx.do
    def program():
        return [(yield fx.Put("y", 1)), (yield fx.Modify("x", lambda old: old * 2)), (yield fx.Get("x")),
                (yield fx.Modify("new", lambda old: [old]))]

    assert fx.run(fx.WithHandler(state, program())) == [None, 10, 20, None]
    assert state.items() == {"x": 20, "y": 1, "new": [None]}


def test_what_modify_calls_may_raise_and_nothing_has_changed(fx):
    state = fx.State({"x": 10})

    def fail(old):
        raise ValueError(old)

    @fx.do
    def program():
        try:
            yield fx.Modify("x", fail)
        except ValueError as error:
            return error.args[0], (yield fx.Get("x"))

    assert fx.run(fx.WithHandler(state, program())) == (10, 10)


def test_what_modify_calls_may_use_the_same_state(fx):
    state = fx.State({"x": 1})
    inner = fx.WithHandler(state, fx.Put("x", 50))
    assert fx.run(fx.WithHandler(state, fx.Modify("x", lambda old: fx.run(inner) or old + 1))) == 1
    assert state.items() == {"x": 2}


def test_ask_for_a_missing_key_raises_where_it_asked(fx):
    @fx.do
    def program():
        try:
            yield fx.Ask("nobody")
        except KeyError as error:
            return error.args

    assert fx.run(fx.WithHandler(fx.Reader(), program())) == ("nobody",)


def test_keys_may_be_anything_hashable_and_nothing_else(fx):
    class Odd:
        def __hash__(self):
            raise ZeroDivisionError

    @fx.do
    def program():
        yield fx.Put((1, None), "tuple")
        caught = []
        for key in ([], Odd()):
            for effect in (fx.Get(key), fx.Put(key, 1), fx.Modify(key, repr), fx.Ask(key)):
                try:
                    yield effect
                except (TypeError, ZeroDivisionError) as error:
                    caught.append(type(error))
        return (yield fx.Get((1, None))), caught

    value, caught = fx.run(fx.WithHandler(fx.State(), fx.WithHandler(fx.Reader(), program())))
    assert value == "tuple" and caught == [TypeError] * 4 + [ZeroDivisionError] * 4


def test_state_log_and_modify_interleave(fx):
    state, writer = fx.State({"total": 0}), fx.Writer()

    @fx.do
    def program():
        for i in range(4):
            yield fx.Tell(f"step {i}")
            old = yield fx.Modify("total", lambda total, i=i: total + i * 10)
            yield fx.Tell(old)
            yield fx.Put("total", (yield fx.Get("total")) + 85)
        return (yield fx.Get("total"))

    assert fx.run(fx.WithHandler(state, fx.WithHandler(writer, program()))) == 400
    assert writer.logs() == ["step 0", 0, "step 1", 85, "step 2", 180, "step 3", 285]


def test_the_innermost_state_answers(fx):
    outer, inner = fx.State({"x": "outer"}), fx.State({"x": "inner"})

    @fx.do
    def body():
        value = yield fx.Get("x")
        yield fx.Put("y", 1)
        return value

    @fx.do
    def program():
        return (yield fx.WithHandler(inner, body())), (yield fx.Get("x"))

    assert fx.run(fx.WithHandler(outer, program())) == ("inner", "outer")
    assert outer.items() == {"x": "outer"} and inner.items() == {"x": "inner", "y": 1}


def test_stores_belong_to_the_handlers(fx):
    given = {"x": [1]}
    state, reader, writer = fx.State(given), fx.Reader(given), fx.Writer()
    fx.run(fx.WithHandler(state, fx.Put("x", 2)))
    assert given == {"x": [1]} and reader.env() == given and reader.env()["x"] is given["x"]
    state.items()["x"] = 3
    writer.logs().append(1)
    assert state.items() == {"x": 2} and writer.logs() == []


def test_a_state_goes_on_in_the_next_run_and_another_begins_anew(fx):
    @fx.do
    def program():
        return (yield fx.Modify("n", lambda old: (old or 0) + 1))

    state = fx.State()
    assert [fx.run(fx.WithHandler(state, program())) for _ in range(3)] == [None, 1, 2]
    assert [fx.run(fx.WithHandler(fx.State(), program())) for _ in range(2)] == [None, None]


def test_handlers_are_no_longer_installed_after_a_run(fx):
    @fx.do
    def program(fail):
        yield fx.Put("x", 1)
        if fail:
            raise ValueError

    for fail in (False, True):
        try:
            fx.run(fx.WithHandler(fx.State(), program(fail)))
        except ValueError:
            assert fail
        with pytest.raises(fx.UnhandledEffect):
            fx.run(fx.Get("x"))


def test_a_users_handler_sees_native_effects_first(fx):
    seen = []

    @fx.do
    def spy(effect, k):
        seen.append(type(effect).__name__)
        if isinstance(effect, fx.Get) and effect.key == "secret":
            return (yield fx.Resume(k, "mine"))
        if isinstance(effect, fx.Put):
            effect = fx.Put(effect.key, effect.value * 10)
        yield fx.Pass(effect, k)

    @fx.do
    def program():
        yield fx.Put("x", 4)
        return (yield fx.Get("x")), (yield fx.Get("secret"))

    assert fx.run(fx.WithHandler(fx.State(), fx.WithHandler(spy, program()))) == (40, "mine")
    assert seen == ["Put", "Get", "Get"]


def test_handlers_of_vm_stdlib(effects):
    vm = effects.VM()
    s = vm.stdlib({"n": 1}, {"name": "x"})

    @effects.do
    def body():
        yield effects.Put("n", (yield effects.Get("n")) + 1)
        yield effects.Tell((yield effects.Ask("name")))

    vm.run(effects.WithHandler(s.state, effects.WithHandler(s.reader, effects.WithHandler(s.writer, body()))))
    assert (s.state.items(), s.reader.env(), s.writer.logs()) == ({"n": 2}, {"name": "x"}, ["x"])
    assert vm.py_store == {}


def test_wrong_arguments_of_handlers(effects):
    for wrong in (lambda: effects.State(1), lambda: effects.State({}, True), lambda: effects.Reader({}, {}), lambda: effects.Writer(1)):
        with pytest.raises(TypeError):
            wrong()
    assert "State({'a': 1})" == repr(effects.State({"a": 1}))


def test_the_same_effect_is_answered_by_who_is_nearest_now(fx):
    """The same fiber asks again, after handlers came and went between it and the one that answered."""
    outer, middle = fx.State({"x": "outer"}), fx.State({"x": "middle"})
    kept = []

    class Move(fx.Effect):
        pass

    @fx.handles(Move)
    @fx.do
    def keeping(effect, k):
        kept.append(k)
        return "kept"
        yield

    @fx.do
    def body():
        seen = [(yield fx.Get("x")), (yield fx.Get("x"))]
        yield Move()
        seen += [(yield fx.Get("x")), (yield fx.Get("x")), (yield fx.WithHandler(fx.State({"x": "own"}), fx.Get("x"))), (yield fx.Get("x"))]
        yield fx.Put("x", "changed")
        return seen

    @fx.do
    def main():
        # Nothing is asked in between: the body's fiber is the last that was answered.
        yield fx.WithHandler(keeping, body())
        return (yield fx.WithHandler(middle, fx.Resume(kept.pop()))), (yield fx.Get("x"))

    assert fx.run(fx.WithHandler(outer, main())) == (
        ["outer", "outer", "middle", "middle", "own", "middle"], "outer")
    assert middle.items() == {"x": "changed"} and outer.items() == {"x": "outer"}


def test_a_handler_in_between_is_asked_for_what_it_wants(fx):
    puts = []

    @fx.handles(fx.Put)
    def inner(effect, k):
        puts.append(effect.value)
        return fx.Transfer(k)

    @fx.do
    def body():
        seen = [(yield fx.Get("x")), (yield fx.Put("x", 2)), (yield fx.Get("x"))]
        return seen

    assert fx.run(fx.WithHandler(fx.State({"x": 1}), fx.WithHandler(inner, body()))) == [1, None, 1]
    assert puts == [2]
