"""Errors pass through a copy untouched, and what a failed copy leaves behind is what stdlib leaves."""

import gc
import sys
import traceback
import weakref

import pytest

from support.probes import Hook, Reduces, raised


class Plain:
    pass


def holding(**values):
    x = Plain()
    vars(x).update(values)
    return x


def raising(error):
    def action(self, memo):
        raise error
    return Hook("raises", [], action)


def nests(inner):
    """The same thing in every kind of place that a copy passes on its way."""
    return [
        [inner], (inner,), {"k": inner}, {inner: "v"}, {inner}, frozenset({inner}), holding(a=inner), slice(inner),
        Reduces((list, ((inner,),))), Reduces((Plain, (), {"a": inner})), Reduces((Plain, (), (None, {"a": inner}))),
        Reduces((list, (), None, [inner])), Reduces((dict, (), None, None, [(inner, 1)])),
        Reduces((dict, (), None, None, [(1, inner)])), [[[(inner,)]]], [0] * 50 + [inner]]


def test_the_very_error_object_arrives(copier):
    for error in (ValueError("text"), KeyError(), KeyboardInterrupt(), SystemExit(3), MemoryError("mine")):
        for x in nests(raising(error)):
            with pytest.raises(type(error)) as caught:
                copier.deepcopy(x)
            assert caught.value is error
        error.__traceback__ = None


def test_context_cause_and_notes_of_an_error_are_untouched(copier):
    error = ValueError("text")
    for x in nests(raising(error)):
        with pytest.raises(ValueError) as caught:
            copier.deepcopy(x)
        assert caught.value.__context__ is None and caught.value.__cause__ is None
        assert not hasattr(error, "__notes__") and vars(error) == {}
    error.__traceback__ = None


def test_an_error_being_handled_becomes_the_context(copier):
    outer = LookupError("outer")
    error = ValueError("inner")
    try:
        raise outer
    except LookupError:
        with pytest.raises(ValueError):
            copier.deepcopy([raising(error)])
        assert error.__context__ is outer
        kind, _ = raised(copier.deepcopy, [sys])
        assert kind is TypeError
    error.__context__ = error.__traceback__ = outer.__traceback__ = None


def test_a_context_that_a_hook_made_is_kept(copier):
    def action(self, memo):
        try:
            {}["missing"]
        except KeyError:
            raise ValueError("second") from None

    with pytest.raises(ValueError) as caught:
        copier.deepcopy([Hook("raises", [], action)])
    assert type(caught.value.__context__) is KeyError and caught.value.__suppress_context__
    caught.value.__context__ = None


def test_the_error_of_the_first_write_to_the_memo_s_keepalive_list_has_the_key_error_as_context(copier):
    """The list is looked up first; that it is missing is known by a KeyError."""
    class Memo(dict):
        def __setitem__(self, key, value):
            if key == id(self):
                raise LookupError("no keepalive")
            dict.__setitem__(self, key, value)

    with pytest.raises(LookupError) as caught:
        copier.deepcopy([], Memo())
    assert str(caught.value) == "no keepalive" and type(caught.value.__context__) is KeyError


def test_a_foreign_value_in_place_of_the_keepalive_list(copier):
    memo = {}
    memo[id(memo)] = ("tuple",)
    assert raised(copier.deepcopy, [], memo) == (AttributeError, "'tuple' object has no attribute 'append'")


def test_the_traceback_ends_in_the_hook_that_raised(copier):
    def recognisable(self, memo):
        raise ValueError("here")

    with pytest.raises(ValueError) as caught:
        copier.deepcopy([{"k": Hook("raises", [], recognisable)}])
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "recognisable" and "__deepcopy__" in names
    assert names[0] == "test_the_traceback_ends_in_the_hook_that_raised"


def test_no_error_is_left_set_after_a_copy(copier):
    """Look-ups that fail on the way, of hooks, of the keepalive list, are nobody's business."""
    x = [holding(a=1), {1: (2, [3])}, {4}, Reduces((Plain, (), {"a": 1}))]
    copier.deepcopy(x)
    copier.copy(x[0])
    assert sys.exc_info() == (None, None, None)
    try:
        raise ValueError("current")
    except ValueError as current:
        copier.deepcopy(x)
        assert sys.exc_info()[1] is current


def test_an_error_handled_inside_a_hook_does_not_disturb_the_copy(copier):
    def action(self, memo):
        try:
            copier.deepcopy(raising(ValueError("inside")))
        except ValueError:
            return "recovered"

    assert copier.deepcopy([1, Hook("recovers", [], action), [2]]) == [1, "recovered", [2]]


def test_a_copy_can_be_repeated_after_an_error(copier):
    failing = [True]

    def action(self, memo):
        if failing:
            raise LookupError("once")
        return "copied"

    hook = Hook("hook", [], action)
    for x in nests(hook):
        failing[:] = [True]
        assert raised(copier.deepcopy, x) == (LookupError, "once")
        failing.clear()
        copier.deepcopy(x)


def test_nothing_of_a_failed_copy_stays_alive(copier):
    alive = []

    class Tracked:
        def __deepcopy__(self, memo):
            copied = Tracked()
            alive.append(weakref.ref(copied))
            return copied

    class Slotted:
        __slots__ = ("a", "b", "c")

    for place in range(15):
        failing = raising(LookupError("out"))
        slotted = Slotted()
        slotted.a, slotted.b, slotted.c = Tracked(), failing, Tracked()
        x = [Tracked(), (Tracked(), nests(failing)[place]), slotted]
        assert raised(copier.deepcopy, x) == (LookupError, "out")
        del x, slotted, failing
    gc.collect()
    assert len(alive) >= 30 and all(ref() is None for ref in alive)


def test_originals_are_released_after_a_failed_copy(copier):
    class Original:
        pass

    for x in nests(raising(LookupError)):
        original = Original()
        ref = weakref.ref(original)
        graph = [original, x]
        assert raised(copier.deepcopy, graph)[0] is LookupError
        del graph, original
        gc.collect()
        assert ref() is None


def test_originals_and_copies_are_released_after_a_copy(copier):
    class Original:
        pass

    x = [Original(), (Original(),), {Original(): Original()}, {Original()}]
    y = copier.deepcopy(x)
    refs = [weakref.ref(item) for graph in (x, y) for item in (graph[0], graph[1][0], *graph[2].items().__iter__().__next__(),
                                                               *graph[3])]
    del x, y
    gc.collect()
    assert len(refs) == 10 and all(ref() is None for ref in refs)


def test_reference_counts_after_a_copy(copier):
    text = "".join(["some ", "text"])
    marker = Plain()
    x = [marker, {"k": marker, text: text}, (marker, [text]), {marker}]
    before = sys.getrefcount(marker), sys.getrefcount(text), sys.getrefcount(x), sys.getrefcount(Plain)
    y = copier.deepcopy(x)
    held = sys.getrefcount(text)
    del y
    gc.collect()
    assert (sys.getrefcount(marker), sys.getrefcount(text), sys.getrefcount(x), sys.getrefcount(Plain)) == before
    assert held == before[1] + 3


def test_reference_counts_after_a_failed_copy(copier):
    for x in nests(raising(LookupError)):
        marker = Plain()
        graph = [marker, (marker, [marker]), x]
        before = sys.getrefcount(marker), sys.getrefcount(x), sys.getrefcount(graph)
        assert raised(copier.deepcopy, graph)[0] is LookupError
        gc.collect()
        assert (sys.getrefcount(marker), sys.getrefcount(x), sys.getrefcount(graph)) == before


def test_the_memo_after_an_error_keeps_what_was_done(copier):
    done, x = [1], None
    x = [done, raising(LookupError("out")), [2]]
    memo = {}
    assert raised(copier.deepcopy, x, memo)[0] is LookupError
    assert memo[id(x)] == [[1]] and memo[id(x)][0] is memo[id(done)]
    assert id(x[2]) not in memo
    kept = memo[id(memo)]
    assert any(item is done for item in kept) and not any(item is x for item in kept)


def test_a_memo_that_fails(copier):
    class Memo(dict):
        def __init__(self, method, after):
            super().__init__()
            self.method, self.left = method, after

        def check(self, method):
            if method == self.method:
                self.left -= 1
                if self.left < 0:
                    raise LookupError(method)

        def get(self, *args):
            self.check("get")
            return super().get(*args)

        def __getitem__(self, key):
            self.check("getitem")
            return super().__getitem__(key)

        def __setitem__(self, key, value):
            self.check("setitem")
            super().__setitem__(key, value)

    x = [[1], (2, [3]), {4: [5]}, {6}, holding(a=[7]), bytearray(b"8")]
    for method in ("get", "getitem", "setitem"):
        for after in range(1000):
            memo = Memo(method, after)
            try:
                copier.deepcopy(x, memo)
            except LookupError as error:
                assert error.args in ((method,), ) or isinstance(error, KeyError)
            else:
                break
        assert after > 5, method


def test_recursion_errors_of_user_code_propagate(copier):
    def forever():
        return forever()

    assert raised(copier.deepcopy, [Hook("forever", [], lambda self, memo: forever())])[0] is RecursionError


def test_lookup_errors_that_are_attribute_errors_inside_a_property_mean_absent(copier):
    """A hook that is a property whose body fails with AttributeError is as absent; stdlib cannot tell either."""
    class Plain:
        @property
        def __deepcopy__(self):
            return self.missing

    x = Plain()
    x.a = [1]
    assert copier.deepcopy(x).a == [1]


def test_error_texts_name_the_type_of_the_object(copier):
    class Outer:
        class Uncopyable:
            __reduce_ex__ = __reduce__ = None

    kind, text = raised(copier.deepcopy, Outer.Uncopyable())
    assert kind is copier.Error and text == f"un(deep)copyable object of type {Outer.Uncopyable}"


def test_the_repr_of_the_type_in_the_error_may_come_from_a_metaclass(copier):
    class Meta(type):
        def __repr__(cls):
            return "<repr of the metaclass>"

        def __str__(cls):
            return "str of the metaclass"

    class Uncopyable(metaclass=Meta):
        __reduce_ex__ = __reduce__ = None

    assert raised(copier.deepcopy, Uncopyable()) == (
        copier.Error, "un(deep)copyable object of type str of the metaclass")
    assert raised(copier.copy, Uncopyable()) == (
        copier.Error, "un(shallow)copyable object of type str of the metaclass")


def test_signature_errors_of_the_hook_itself(copier):
    class TakesNothing:
        def __deepcopy__(self):
            return self

        def __copy__(self, extra):
            return self

    kind, text = raised(copier.deepcopy, [TakesNothing()])
    assert kind is TypeError and text.endswith("__deepcopy__() takes 1 positional argument but 2 were given")
    kind, text = raised(copier.copy, TakesNothing())
    assert kind is TypeError and text.endswith("__copy__() missing 1 required positional argument: 'extra'")


@pytest.mark.parametrize("value", [5, "text", []], ids=repr)
def test_a_hook_that_cannot_be_called(copier, value):
    cls = type("Made", (), {"__deepcopy__": value, "__copy__": value})
    text = f"'{type(value).__name__}' object is not callable"
    assert raised(copier.deepcopy, cls()) == raised(copier.copy, cls()) == (TypeError, text)


@pytest.mark.parametrize("value", [5, "text", []], ids=repr)
def test_a_reduce_that_cannot_be_called(copier, value):
    text = f"'{type(value).__name__}' object is not callable"
    cls = type("Made", (), {"__reduce_ex__": value})
    assert raised(copier.deepcopy, cls()) == raised(copier.copy, cls()) == (TypeError, text)
    if value:
        cls = type("Made", (), {"__reduce_ex__": None, "__reduce__": value})
        assert raised(copier.deepcopy, cls()) == raised(copier.copy, cls()) == (TypeError, text)
