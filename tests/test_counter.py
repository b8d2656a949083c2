"""collections.Counter, which calque copies without calling its methods as long as they are what they were."""

import _collections_abc
import abc
import builtins
import collections
import copy
import copyreg
import types

import pytest

from support.probes import Hook, Then, outcome

Counter = collections.Counter


class Sub(Counter):
    pass


class Slotted(Counter):
    __slots__ = ("name",)


KINDS = pytest.mark.parametrize("cls", (Counter, Sub, Slotted), ids=lambda cls: cls.__name__)
NAN = float("nan")
CONTENTS = {
    "letters": "hello", "empty": "", "numbers": [3, 1.5, True, None, NAN, NAN, 2j], "many": list(range(2000)), "bytes": [b"a", b"b", b"a"],
    "pairs": [(1, "a"), ("b", None), (), (1, "a")], "deep pairs": [((1,), 2), ("x",)], "objects": [object, len, print, object],
}


@KINDS
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("function", ("deepcopy", "copy"))
def test_the_same_pairs_in_the_same_order(copier, cls, content, function):
    x = cls(content)
    x["gone"] = 1
    del x["gone"]
    x["last"] = -1
    copy_of = getattr(copier, function)
    for y in (copy_of(x), copy_of(x)):
        assert type(y) is cls and y is not x and vars(y) == {}
        assert [id(key) for key in y] == [id(key) for key in getattr(copy, function)(x)]
        assert list(y.values()) == list(x.values())
        y["new"] += 1
        assert "new" not in x


def test_counters_in_a_graph(copier):
    x = Counter("hello")
    y = copier.deepcopy([x, x, {"k": x}, Counter("hello")])
    assert y[0] is y[1] is y[2]["k"] and y[0] == y[3] and y[0] is not y[3]
    cell = []
    x = Counter({"a": cell})
    cell.append(x)
    y = copier.deepcopy(x)
    assert y["a"][0] is not x and type(y["a"][0]) is Counter
    log = []
    x = Counter()
    dict.update(x, {"atom": 1, Hook("key", log): [Hook("value", log)]})
    copier.deepcopy([x])
    assert log == ["value", "key"]


@KINDS
def test_counts_that_are_copied(copier, cls):
    x, counts = cls(a=1), [1]
    x["b"] = counts
    y = copier.deepcopy([x])[0]
    assert y["a"] == 1 and y["b"] is not counts and copier.copy(x)["b"] is counts


@KINDS
def test_attributes_are_lost(copier, cls):
    x = cls("ab")
    x.note = [1]
    assert vars(copier.deepcopy([x])[0]) == vars(copier.deepcopy(x)) == vars(copier.copy(x)) == {}
    x = Slotted("ab")
    x.name = "n"
    assert not hasattr(copier.deepcopy(x), "name")


@KINDS
@pytest.mark.parametrize("name, hook", [
    ("__deepcopy__", lambda memo: "hook"), ("__reduce_ex__", lambda protocol: (str, ("hook",))), ("__reduce__", lambda: (str, ("hook",))),
    ("__class__", dict), ("__init__", None), ("update", None), ("keys", None), ("items", None), ("__copy__", None)])
def test_hooks_of_the_instance(copier, cls, name, hook):
    x = cls("ab")
    copier.deepcopy([x])
    vars(x)[name] = hook
    vars(x)["plain"] = 1
    for function in ("deepcopy", "copy"):
        assert outcome(getattr(copier, function), x) == outcome(getattr(copy, function), x)
    assert outcome(copier.deepcopy, [x]) == outcome(copy.deepcopy, [x])


def test_a_dict_of_attributes_of_another_class(copier):
    class Attributes(dict):
        asked = []

        def __getitem__(self, name):
            self.asked.append(name)
            return super().__getitem__(name)

    x = Counter("ab")
    x.__dict__ = Attributes(__reduce__=lambda: "hook")
    assert outcome(copier.deepcopy, [x]) == outcome(copy.deepcopy, [x])


log = []


def recording(name, function):
    def record(self, *args, **keywords):
        log.append((name, [dict(arg) if isinstance(arg, dict) else arg for arg in args]))
        return function(self, *args, **keywords)

    return record


class Between(dict):
    __init__ = recording("between", dict.__init__)
    update = recording("update between", dict.update)


OVERRIDES = {
    "init": {"__init__": recording("init", Counter.__init__)}, "update": {"update": recording("update", Counter.update)},
    "reduce": {"__reduce__": lambda self: (type(self), ({"other": 1},))}, "reduce_ex": {"__reduce_ex__": lambda self, protocol: (list, ())},
    "deepcopy": {"__deepcopy__": lambda self, memo: "deep"}, "copy": {"__copy__": lambda self: "shallow"},
    "bool": {"__bool__": recording("bool", lambda self: False)}, "lies": {"__bool__": lambda self: True}, "len": {"__len__": recording("len", dict.__len__)},
    "iter": {"__iter__": recording("iter", lambda self: iter(["only"]))},
    "keys": {"__iter__": lambda self: iter(()), "keys": recording("keys", lambda self: ["e"]), "__getitem__": lambda self, key: 5},
    "keys alone": {"keys": property(lambda self: log.append("keys"))},
    "new": {"__new__": recording("new", dict.__new__)}, "setitem": {"__setitem__": recording("set", dict.__setitem__)},
    "class": {"__class__": property(lambda self: dict)}, "getattribute": {"__getattribute__": recording("get", object.__getattribute__)},
    "getattr": {"__getattr__": recording("getattr", lambda self, name: None)}, "setstate": {"__setstate__": recording("setstate", None)},
    "getstate": {"__getstate__": recording("getstate", lambda self: {"a": 1})}, "missing": {"__missing__": lambda self, key: 7},
    "newargs": {"__getnewargs__": lambda self: ("abc",)},
}


@pytest.mark.parametrize("namespace", OVERRIDES.values(), ids=OVERRIDES)
@pytest.mark.parametrize("bases", [(Counter,), (Sub,), (Counter, Between), (Counter, collections.OrderedDict)],
                         ids=("Counter", "Sub", "with a class between", "OrderedCounter"))
def test_a_subclass_that_overrides(copier, namespace, bases):
    cls = type("Special", bases, dict(namespace))
    for function in ("deepcopy", "copy"):
        results = []
        for module in (copier, copy, copier):
            x = dict.__new__(cls)
            dict.update(x, {"e": 3, "f": 1})
            log.clear()
            y = outcome(getattr(module, function), x)
            results.append((repr(y), list(log), type(y)))
        assert results[0] == results[1] == results[2]


def test_a_metaclass(copier):
    class Meta(type):
        def __call__(cls, *args):
            return ("called", *args)

    cls = Meta("WithMeta", (Counter,), {})
    x = dict.__new__(cls)
    assert copier.deepcopy([x]) == [("called", {})] == [copier.copy(x)]


class NoMapping(abc.ABC):
    pass


class Other:
    def __init__(self, *args):
        log.append(("other", __class__))

    def update(self, *args):
        log.append(("other update", __class__))


PATCHES = {
    "init": (Counter, "__init__", recording("init", Counter.__init__)), "update": (Counter, "update", recording("update", Counter.update)),
    "reduce": (Counter, "__reduce__", lambda self: (dict, ())), "reduce_ex": (Counter, "__reduce_ex__", lambda self, protocol: (dict, ())),
    "deepcopy": (Counter, "__deepcopy__", lambda self, memo: "deep"), "copy": (Counter, "__copy__", lambda self: "shallow"),
    "len": (Counter, "__len__", lambda self: 1), "bool": (Counter, "__bool__", lambda self: True),
    "code of init": (Counter.__init__, "__code__", Other.__init__.__code__),
    "code of update": (Counter.update, "__code__", Other.update.__code__),
    "code of reduce": (Counter.__reduce__, "__code__", (lambda self: (list, ())).__code__),
    "dict": (collections, "dict", lambda x: {"other": 5}), "super": (collections, "super", lambda *args: {}),
    "isinstance": (collections, "isinstance", lambda x, cls: False),
    "builtin dict": (builtins, "dict", type("dict", (dict,), {})),
    "module of Mapping": (collections, "_collections_abc", types.SimpleNamespace(Mapping=int)),
    "Mapping": (_collections_abc, "Mapping", NoMapping), "plain Mapping": (_collections_abc, "Mapping", list),
    "instancecheck": (abc.ABCMeta, "__instancecheck__", lambda cls, x: False),
    "code of instancecheck": (abc.ABCMeta.__instancecheck__, "__code__", (lambda cls, x: False).__code__),
    "global of instancecheck": (abc, "_abc_instancecheck", lambda cls, x: False),
}


@pytest.mark.parametrize("patch", PATCHES.values(), ids=PATCHES)
def test_a_patch_counts(copier, monkeypatch, patch):
    """Before calque has met the class, and after; and no longer when it is taken back."""
    def patched(function):
        log.clear()
        monkeypatch.setattr(*patch, raising=False)
        try:
            return repr(outcome(function, x)), repr(log)
        finally:
            monkeypatch.undo()

    for met_before in (True, False):
        cls = type("Fresh", (Counter,), {})
        for name in ("deepcopy", "copy"):
            x, function = cls("aab"), getattr(copier, name)
            if met_before:
                assert function(x) == x
            expected = patched(getattr(copy, name))
            assert patched(function) == expected
            assert function(x) == x
            assert patched(function) == expected
            assert copier.deepcopy([x])[0] == x


def test_the_isinstance_of_the_builtins_is_called(copier, monkeypatch):
    x, asked = Counter("ab"), []
    real = isinstance
    copier.deepcopy([x])
    monkeypatch.setattr(builtins, "isinstance", lambda *args: asked.append(args[1]) or real(*args))
    copier.deepcopy([x])
    monkeypatch.undo()
    assert _collections_abc.Mapping in asked


def test_reducers_and_tables(copier, monkeypatch):
    x = Counter("ab")
    assert copier.deepcopy([x]) == [x]
    monkeypatch.setitem(copyreg.dispatch_table, Counter, lambda x: (str, ("copyreg",)))
    assert copier.deepcopy([x]) == ["copyreg"] and copier.copy(x) == "copyreg"
    monkeypatch.undo()
    monkeypatch.setitem(copy._deepcopy_dispatch, dict, lambda x, memo: {"table": 1})
    assert copier.deepcopy([x]) == [Counter({"table": 1})]
    monkeypatch.undo()
    monkeypatch.setitem(copy._deepcopy_dispatch, Counter, lambda x, memo: "table")
    assert copier.deepcopy([x]) == ["table"]
    monkeypatch.undo()
    assert copier.deepcopy([x]) == [x]


def test_what_it_leaves_in_a_memo(copier):
    for x in (Counter("aab"), Counter()):
        mine, theirs = {}, {}
        copier.deepcopy([x, x], mine)
        copy.deepcopy([x, x], theirs)
        assert [type(value) for value in mine.values()] == [type(value) for value in theirs.values()]
    assert copier.deepcopy([x, x], {id(x): "preset"}) == ["preset", "preset"]


def test_an_element_with_an_entry_in_the_memo(copier):
    pair = (1, 2)
    x = Counter([pair])
    assert list(copier.deepcopy([x], {id(pair): "preset"})[0]) == ["preset"]
    y = copier.deepcopy([x, Then(lambda memo: memo.update({id(pair): "written"})), Counter(x)])
    assert list(y[0]) == [pair] and list(y[2]) == ["written"]


def test_an_element_of_a_patched_type(copier, monkeypatch):
    x = Counter([(1, 2), (1, 2)])
    assert copier.deepcopy([x]) == [x]
    monkeypatch.setitem(copy._deepcopy_dispatch, tuple, lambda x, memo: "tuple")
    assert copier.deepcopy([x]) == [Counter({"tuple": 2})]
    monkeypatch.undo()
    assert copier.deepcopy([x]) == [x]


def test_changed_in_the_middle_of_a_copy(copier, monkeypatch):
    x = Counter("ab")
    change = Then(lambda memo: monkeypatch.setattr(Counter, "__reduce__", lambda self: (str, ("changed",))))
    restore = Then(lambda memo: monkeypatch.undo())
    assert copier.deepcopy([x, change, Counter(x), restore, Counter("c")])[::2] == [x, "changed", Counter("c")]
