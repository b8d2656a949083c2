"""calque.handlers and calque.handler_for: who copies what. What is said is compared with what happens."""

import collections
import copy
import copyreg
import fractions
import re
import threading
import types

import pytest

from support.copiers import since
from support.probes import raised


class Plain:
    pass


class Hooked:
    def __deepcopy__(self, memo):
        return "hooked"


class Heir(Hooked):
    pass


class ReducesEx:
    def __reduce_ex__(self, protocol):
        return str, ("reduced ex",)


class Reduces:
    def __reduce__(self):
        return str, ("reduced",)


class Refuses:
    __reduce_ex__ = None
    __reduce__ = None


class Meta(type):
    pass


class OfMeta(metaclass=Meta):
    pass


@pytest.mark.parametrize("cls, source, name", [
    (list, "builtin", "list"), (dict, "builtin", "dict"), (collections.deque, "builtin", None), (int, "builtin", "the object itself"),
    (types.FunctionType, "builtin", "the object itself"), (type, "builtin", "the object itself"), (Meta, "class", "the object itself"),
    (Hooked, "__deepcopy__", f"{__name__}.Hooked.__deepcopy__"), (Heir, "__deepcopy__", f"{__name__}.Hooked.__deepcopy__"),
    (fractions.Fraction, "__deepcopy__", "fractions.Fraction.__deepcopy__"),
    (ReducesEx, "__reduce_ex__", f"{__name__}.ReducesEx.__reduce_ex__"), (Reduces, "__reduce__", f"{__name__}.Reduces.__reduce__"),
    (Plain, "__reduce_ex__", None), (OfMeta, "__reduce_ex__", None), (Refuses, "nothing", "calque.Error"),
])
def test_the_choice_without_registrations(calque, cls, source, name):
    choice = calque.handler_for(cls)
    assert choice.cls is cls
    assert choice.source == source
    assert name is None or choice.name == name
    assert choice.reason


def test_copyreg(calque, monkeypatch):
    monkeypatch.setitem(copyreg.dispatch_table, Plain, lambda x: (str, ("by copyreg",)))
    choice = calque.handler_for(Plain)
    assert choice.source == "copyreg" and "<lambda>" in choice.name
    assert calque.deepcopy(Plain()) == "by copyreg"
    assert Plain in [row.cls for row in calque.handlers() if row.source == "copyreg"]


def test_a_hook_comes_before_copyreg(calque, monkeypatch):
    monkeypatch.setitem(copyreg.dispatch_table, Hooked, lambda x: (str, ("by copyreg",)))
    assert calque.handler_for(Hooked).source == "__deepcopy__"
    assert calque.deepcopy(Hooked()) == "hooked"


@pytest.mark.skipif(since(3, 14), reason="copy.deepcopy has no table of functions for other types any more")
def test_the_dispatch_table_of_copy(calque, monkeypatch):
    def own(x, memo):
        return "by the table"

    for cls in (Hooked, list):
        monkeypatch.setitem(copy._deepcopy_dispatch, cls, own)
        assert calque.deepcopy(cls()) == "by the table"
        choice = calque.handler_for(cls)
        assert choice.source == "copy._deepcopy_dispatch" and "own" in choice.name
        assert (cls, "copy._deepcopy_dispatch") in [(row.cls, row.source) for row in calque.handlers()]


def test_a_registered_handler(calque):
    @calque.register(Hooked, subclasses=True, shallow=lambda x: "shallow")
    def own(x, memo):
        return "registered"

    try:
        assert calque.deepcopy([Hooked(), Heir()]) == ["registered"] * 2
        choice = calque.handler_for(Hooked)
        assert choice.source == "Python" and choice.name.endswith("own") and "exactly" in choice.reason
        choice = calque.handler_for(Heir)
        assert choice.source == "Python" and "Hooked" in choice.reason
        row, = [row for row in calque.handlers() if row.cls is Hooked]
        assert (row.source, row.subclasses, row.shallow, row.function) == ("Python", True, True, own)
    finally:
        calque.unregister(Hooked)
    assert not [row for row in calque.handlers() if row.cls is Hooked]


def test_a_class_that_is_nearer(calque):
    class Nearer(Hooked):
        def __deepcopy__(self, memo):
            return "nearer"

    calque.register(Hooked, subclasses=True)(lambda x, memo: "registered")
    try:
        assert calque.deepcopy([Nearer()]) == ["nearer"]
        assert calque.handler_for(Nearer).source == "__deepcopy__"
    finally:
        calque.unregister(Hooked)


def test_atomic(calque):
    with calque.atomic(Hooked, list):
        for cls in (Hooked, Heir, list):
            x = cls()
            assert calque.deepcopy(x) is x
            assert calque.handler_for(cls).source == "calque.atomic"
        assert "base" in calque.handler_for(Heir).reason
        assert {row.cls for row in calque.handlers() if row.source == "calque.atomic"} == {Hooked, list}
        assert [row.cls for row in calque.handlers() if row.cls is list and row.source == "builtin"]
    assert calque.handler_for(list).source == "builtin"


def test_a_call_that_shares_changes_nothing_for_others(calque):
    class Asks:
        def __deepcopy__(self, memo):
            return calque.handler_for(list), calque.handler_for(Plain), len(calque.handlers())

    before = calque.handler_for(list), calque.handler_for(Plain), len(calque.handlers())
    assert calque.deepcopy([Plain(), Asks()], share=(list, Plain)) is not None
    assert calque.deepcopy((Plain(), Asks()), share=(list, Plain))[1] == before


def test_handlers_lists_all_of_calques_own(calque):
    rows = calque.handlers()
    own = {row.cls for row in rows if row.source == "builtin"}
    assert {list, dict, tuple, set, frozenset, bytearray, int, str, type(None), types.MethodType, collections.deque} <= own
    assert {re.Pattern, property} & own
    for row in rows:
        assert isinstance(row.cls, type) and isinstance(row.name, str) and row.name


@pytest.mark.parametrize("wrong", [5, "list", None, [list]])
def test_only_classes_can_be_asked_for(calque, wrong):
    kind, text = raised(calque.handler_for, wrong)
    assert kind is TypeError and text == f"expected a class, got {type(wrong).__name__}: {wrong!r}"


def test_registrations_while_handlers_are_listed(calque, quick_switches):
    """The list is made while others register: each row is whole."""
    stop = threading.Event()
    failed = []

    def register():
        while not stop.is_set():
            cls = type("Passing", (), {})
            calque.register(cls)(lambda x, memo: x)
            calque.unregister(cls)

    thread = threading.Thread(target=register)
    thread.start()
    try:
        for _ in range(20):
            for row in calque.handlers():
                if not isinstance(row.cls, type) or not row.name:
                    failed.append(row)
    finally:
        stop.set()
        thread.join()
    assert not failed
