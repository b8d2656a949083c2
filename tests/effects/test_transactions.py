"""Transaction, and State that copies what crosses its boundary."""

import copy
import pickle
import threading

import pytest

from calque import effects as fx


def nested():
    return {"users": {"ada": {"visits": [1]}}, "log": ["begun"], "n": 1}


@fx.do
def change_everything():
    users = yield fx.Get("users")
    users["ada"]["visits"].append(2)
    (yield fx.Get("log")).append("changed")
    yield fx.Modify("n", lambda n: n + 1)
    yield fx.Put("new", 1)
    return "changed"


def under(state, body):
    return fx.run(fx.WithHandler(state, body))


def test_what_a_body_did_is_there_when_it_returns():
    state = fx.State(nested())
    assert under(state, fx.Transaction(change_everything())) == "changed"
    assert state.items() == {"users": {"ada": {"visits": [1, 2]}}, "log": ["begun", "changed"], "n": 2, "new": 1}


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_state_as_it_was_inside_of_its_values(kind):
    end = kind("no")
    before = nested()
    state = fx.State(before)

    @fx.do
    def body():
        yield change_everything()
        raise end

    with pytest.raises(kind) as caught:
        under(state, fx.Transaction(body()))
    assert caught.value is end
    assert state.items() == nested() and before == nested()
    assert all(state.items()[key] is before[key] for key in before)


def test_abort_ends_the_body_and_gives_its_value():
    state, closed = fx.State(nested()), []

    @fx.do
    def body():
        try:
            yield change_everything()
            yield fx.Abort("enough")
            closed.append("went on")
        finally:
            closed.append("closed")

    @fx.do
    def main():
        return (yield fx.Transaction(body())), closed[:], (yield fx.Transaction(fx.Abort()))

    assert under(state, main()) == ("enough", ["closed"], None) and state.items() == nested()


def test_abort_without_a_transaction_is_unhandled():
    with pytest.raises(fx.UnhandledEffect, match="Abort"):
        under(fx.State(), fx.Abort())


def test_a_body_sees_what_it_did():
    @fx.do
    def body():
        (yield fx.Get("log")).append("seen")
        again = yield fx.Get("log")
        yield fx.Put("n", 5)
        old = yield fx.Modify("n", lambda n: n * 2)
        return again, old, (yield fx.Get("n")), (yield fx.Get("missing"))

    assert under(fx.State(nested()), fx.Transaction(body())) == (["begun", "seen"], 5, 10, None)


def test_keys_that_share_a_value_share_its_copy():
    shared = [1]
    state = fx.State({"a": {"shared": shared}, "b": [shared], "untouched": shared})

    @fx.do
    def body():
        (yield fx.Get("a"))["shared"].append(2)
        return (yield fx.Get("b"))

    assert under(state, fx.Transaction(body())) == [[1, 2]]
    items = state.items()
    assert items["a"]["shared"] is items["b"][0] and items["untouched"] is shared and shared == [1]


def test_only_keys_touched_are_copied():
    copied = []

    class Value:
        def __deepcopy__(self, memo):
            copied.append(self)
            return Value()

    values = {i: Value() for i in range(100)}

    @fx.do
    def body():
        yield fx.Get(3)
        yield fx.Get(3)
        yield fx.Put(4, "new")

    state = fx.State(values)
    under(state, fx.Transaction(body()))
    assert copied == [values[3]]
    assert state.items()[3] is not values[3] and state.items()[4] == "new" and state.items()[5] is values[5]


def test_what_was_only_read_and_cannot_change_is_not_put():
    put = []

    def watching(effect):
        if isinstance(effect, fx.Put):
            put.append(effect.key)

    @fx.do
    def body():
        for key in ("n", "log", "missing"):
            yield fx.Get(key)

    under(fx.State(nested()), fx.WithObserve(watching, fx.Transaction(body())))
    assert put == ["log"]


def test_transactions_nest():
    state = fx.State({"x": [0]})

    @fx.do
    def add(n, fails=False):
        (yield fx.Get("x")).append(n)
        if fails:
            raise ValueError

    @fx.do
    def outer(fails):
        yield add(1)
        yield fx.Transaction(add(2))
        yield fx.Try(fx.Transaction(add(3, True)))
        seen = list((yield fx.Get("x")))
        if fails:
            yield fx.Abort(seen)
        return seen

    assert under(state, fx.Transaction(outer(True))) == [0, 1, 2] and state.items() == {"x": [0]}
    assert under(state, fx.Transaction(outer(False))) == [0, 1, 2] and state.items() == {"x": [0, 1, 2]}


def test_what_modify_calls_may_raise():
    def fail(value):
        raise ZeroDivisionError

    @fx.do
    def body():
        results = []
        for key in ("n", "n", "log"):
            try:
                yield fx.Modify(key, fail)
            except ZeroDivisionError:
                results.append((yield fx.Get(key)))
        return results

    assert under(fx.State(nested()), fx.Transaction(body())) == [1, 1, ["begun"]]


def test_a_missing_key_of_a_strict_state():
    @fx.do
    def body():
        yield fx.Put("new", 1)
        try:
            yield fx.Get("missing")
        except KeyError as error:
            return error.args

    state = fx.State(strict=True)
    assert under(state, fx.Transaction(body())) == ("missing",) and state.items() == {"new": 1}


def test_a_put_that_fails_takes_those_before_it_back():
    state = fx.State({"a": [1], "b": [2]})

    def guard(effect, k):
        if isinstance(effect, fx.Put) and effect.key == "b" and effect.value == "forbidden":
            raise PermissionError(effect.key)
        return fx.Pass(effect, k)

    @fx.do
    def body():
        yield fx.Modify("a", lambda a: [*a, 0])
        yield fx.Put("b", "forbidden")

    with pytest.raises(PermissionError):
        fx.run(fx.with_handlers([state, guard], fx.Transaction(body())))
    assert state.items() == {"a": [1], "b": [2]}


def test_a_value_that_cannot_be_copied_names_key_and_path():
    state = fx.State({"db": {"lock": threading.Lock()}})

    @fx.do
    def body():
        try:
            yield fx.Get("db")
        except fx.UncopyableValue as error:
            return error

    error = under(state, fx.Transaction(body()))
    assert error.key == "db" and error.path == "$['lock']" and isinstance(error.__cause__, TypeError)
    assert str(error).startswith("the value of 'db' cannot be copied at $['lock']: TypeError: cannot pickle")


# ---- State(copy=...) ------------------------------------------------------------------------------------------------------

@fx.do
def use_and_change(mine):
    yield fx.Put("put", mine)
    mine.append("changed after Put")
    for key in ("put", "initial"):
        (yield fx.Get(key)).append("changed after Get")
    old = yield fx.Modify("initial", lambda value: mine)
    old.append("changed after Modify")
    mine.append("changed last")


@pytest.mark.parametrize("policy, put, initial", [
    (None, ["mine", "changed after Put", "changed after Get", "changed last"], ["mine", "changed after Put", "changed after Get", "changed last"]),
    ("in", ["mine", "changed after Get"], ["mine", "changed after Put"]),
    ("out", ["mine", "changed after Put", "changed last"], ["mine", "changed after Put", "changed last"]),
    ("both", ["mine"], ["mine", "changed after Put"]),
])
def test_values_cross_as_copies(policy, put, initial):
    mine, first = ["mine"], {"initial": ["first"]}
    state = fx.State(first, copy=policy)
    under(state, use_and_change(mine))
    assert state.items() == {"put": put, "initial": initial}
    assert (first["initial"] == ["first"]) is (policy in ("in", "out", "both"))


def test_items_are_copies_where_what_is_got_is():
    for policy in ("out", "both"):
        state = fx.State({"x": [1]}, copy=policy)
        state.items()["x"].append(2)
        assert state.items() == {"x": [1]}


def test_values_of_initial_that_share_something_share_it_still():
    shared = []
    items = fx.State({"a": [shared], "b": [shared]}, copy="in").items()
    assert items["a"][0] is items["b"][0] and items["a"][0] is not shared


@pytest.mark.parametrize("effect", [fx.Put("key", {"lock": threading.Lock()}), fx.Modify("key", lambda old: {"lock": threading.Lock()})])
def test_a_value_that_cannot_go_in_is_an_error_there(effect):
    state = fx.State({"key": 1}, copy="in")

    @fx.do
    def body():
        try:
            yield effect
        except fx.UncopyableValue as error:
            return error.key, error.path

    assert under(state, body()) == ("key", "$['lock']") and state.items() == {"key": 1}


def test_wrong_policies():
    for wrong in ("inn", "", 1, b"in", True):
        with pytest.raises(ValueError, match='expected "in", "out", "both" or None for copy'):
            fx.State(copy=wrong)


# ---- handlers are values ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_handlers_are_copied_with_what_they_hold(way):
    state = fx.State({"x": [1]}, strict=True, copy="both")
    again = way(state)
    under(again, fx.Modify("x", lambda x: [*x, 2]))
    assert state.items() == {"x": [1]} and again.items() == {"x": [1, 2]}
    with pytest.raises(KeyError):
        under(again, fx.Get("missing"))
    reader = way(fx.Reader({"a": [1]}))
    assert reader.env() == {"a": [1]}
    log = fx.Writer()
    under(log, fx.Tell("one"))
    later = way(log)
    under(later, fx.Tell("two"))
    assert log.logs() == ["one"] and later.logs() == ["one", "two"]


def test_a_state_that_holds_itself_is_copied_once():
    state = fx.State()
    under(state, fx.Put("self", state))
    again = copy.deepcopy(state)
    assert again.items()["self"] is again


def test_what_a_handler_is_made_of_is_checked():
    for handler in (fx.State(), fx.Reader(), fx.Writer()):
        with pytest.raises(TypeError, match="expected what a handler holds, a (dict|list), got int"):
            handler.__setstate__(1)
