"""Zero drift of reference counts, for every kind of scenario: on a debug interpreter, which counts all references there are.

The leak check around every test forgives a body that was flat once, and cannot see a reference too many to an object that stays anyway (None,
a class, an interned name) where only blocks are counted. Here the total of all references has to be the same after many repetitions.
"""

import array
import collections
import copy
import ctypes
import dataclasses
import gc
import sys

import pytest

from support import shapes
from support.handled import ATOMS, HANDLED, holding
from support.memos import GRAPHS, CallDict, CallMemo, Data, ListSub, Plain, Point
from support.probes import Hook, Reduces, outcome, raised

if not hasattr(sys, "gettotalrefcount"):
    pytest.skip("only a debug interpreter counts all references", allow_module_level=True)

pytestmark = pytest.mark.no_leak_check(reason="these tests repeat their scenarios themselves")

WARM_UP = 12  # the interpreter specializes code and fills caches on the first runs
REPETITIONS = 50
ROUNDS = 30  # a table of fixed size may still fill, place by place; a leak is there in every round

_clear_type_cache = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache
# The counts live in an array made beforehand: an int that keeps one would be a reference more.
_counts = array.array("q", [0, 0])


def _measure(i):
    gc.collect()
    _clear_type_cache()
    _counts[i] = sys.gettotalrefcount()


def drift(scenario):
    """By how much the total of all references grew in REPETITIONS runs: 0 if it did not in one of the ROUNDS, else that of the last."""
    for _ in range(WARM_UP):
        scenario()
    for _ in range(ROUNDS):
        _measure(0)
        for _ in range(REPETITIONS):
            scenario()
        _measure(1)
        if _counts[1] == _counts[0]:
            return 0
    return _counts[1] - _counts[0]


def test_one_reference_too_many_in_each_run_is_seen():
    increment, decrement = ctypes.pythonapi.Py_IncRef, ctypes.pythonapi.Py_DecRef
    increment.argtypes = decrement.argtypes = [ctypes.py_object]
    runs = WARM_UP + ROUNDS * REPETITIONS
    subject = []
    assert drift(lambda: increment(subject)) == REPETITIONS
    for _ in range(runs):
        decrement(subject)


# ---- every graph with every kind of memo ---------------------------------------------------------------------------------------

MEMOS = {
    "none": lambda names: None,
    "dict": lambda names: {},
    "dict with an entry": lambda names: {1: "one"},
    "mapping": CallMemo,
    "dict subclass": CallDict,
    "UserDict": lambda names: collections.UserDict(),
    "defaultdict": lambda names: collections.defaultdict(list),
}


@pytest.mark.parametrize("memo", MEMOS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_graphs(copier, graph, memo):
    def scenario():
        x, names = GRAPHS[graph](copier.deepcopy)
        outcome(copier.deepcopy, x, MEMOS[memo](names))  # what a defaultdict makes for a tuple is an error in stdlib too

    assert drift(scenario) == 0


# What makes classes fills caches; a Finalized ends in more copies.
MORE_GRAPHS = [name for name in shapes.GRAPHS if name not in GRAPHS and name not in ("new classes", "class and instance", "finalizers")]


@pytest.mark.parametrize("memo", ["none", "dict", "mapping"])
@pytest.mark.parametrize("graph", MORE_GRAPHS)
def test_more_graphs(copier, calque, graph, memo):
    if (graph, memo) == ("element", "mapping"):
        pytest.skip("Element.__deepcopy__ takes dicts only")

    def scenario():
        x, names = shapes.GRAPHS[graph](copier.deepcopy)
        copier.deepcopy(x, MEMOS[memo](names))
        copier.deepcopy([x, (x, {"k": x})], MEMOS[memo](names))
        raised(copier.deepcopy, [x, hook_that_raises()], MEMOS[memo](names))
        copier.copy(x)
        shapes.KEPT.clear()

    if copier.name == "calque":
        shapes.register(calque)
    try:
        assert drift(scenario) == 0
    finally:
        if copier.name == "calque":
            calque.unregister(shapes.ByHandler)


@pytest.mark.parametrize("graph", GRAPHS)
def test_graphs_copied_twice_with_one_memo(copier, graph):
    def scenario():
        x, names = GRAPHS[graph](copier.deepcopy)
        memo = {}
        copier.deepcopy([copier.deepcopy(x, memo), x], memo)

    assert drift(scenario) == 0


@pytest.mark.parametrize("graph", GRAPHS)
def test_shallow_copies(copier, graph):
    def scenario():
        x, names = GRAPHS[graph](copier.deepcopy)
        copier.copy(x)
        if isinstance(x, (list, tuple)):
            for child in x:
                copier.copy(child)

    assert drift(scenario) == 0


@pytest.mark.parametrize("memo", MEMOS)
@pytest.mark.parametrize("atom", ATOMS, ids=lambda atom: type(atom).__name__)
def test_atoms(copier, atom, memo):
    def scenario():
        for x in (atom, [atom], (atom,), {"k": atom}):
            try:
                copier.deepcopy(x, MEMOS[memo]({}))
            except TypeError:  # a module
                pass
        if atom is not gc:
            copier.copy(atom)

    assert drift(scenario) == 0


@pytest.mark.parametrize("memo", MEMOS)
@pytest.mark.parametrize("handler", HANDLED)
def test_handlers(copier, handler, memo):
    def scenario():
        for x in HANDLED[handler]():
            for around in (x, [x], [x, x], (x, [1]), {"k": x}, holding(a=x), [x, hook_that_raises()]):
                outcome(copier.deepcopy, around, MEMOS[memo]({}))
            outcome(copier.copy, x)

    assert drift(scenario) == 0


# ---- errors --------------------------------------------------------------------------------------------------------------------

class UnhashableOnceCopied:
    def __init__(self, original=True):
        self.original = original

    def __hash__(self):
        if not self.original:
            raise ValueError("a copy has no hash")
        return 1

    def __deepcopy__(self, memo):
        return UnhashableOnceCopied(False)


class Setstate:
    def __setstate__(self, state):
        raise ValueError("no state, please")


PLACES = {
    "alone": lambda inner: inner,
    "list": lambda inner: [[], inner, []],
    "tuple": lambda inner: ([], inner, []),
    "value": lambda inner: {"a": [], "k": inner, "z": 1},
    "key": lambda inner: {"a": [], inner: [], "z": 1},
    "set": lambda inner: {inner},
    "frozenset": lambda inner: frozenset([inner]),
    "instance": lambda inner: holding(a=[], b=inner),
    "dataclass": lambda inner: Data([], inner),
    "namedtuple": lambda inner: Point([], inner),
    "list subclass": lambda inner: ListSub([[], inner]),
    "OrderedDict": lambda inner: collections.OrderedDict([("a", []), ("k", inner)]),
    "deque": lambda inner: collections.deque([[], inner]),
    "method": lambda inner: holding(a=inner).__init__,
    "slice": lambda inner: slice([], inner),
    "arguments": lambda inner: Reduces((list, ((inner,),))),
    "state": lambda inner: Reduces((Plain, (), {"a": [], "b": inner})),
    "slot state": lambda inner: Reduces((Plain, (), ({"a": []}, {"b": inner}))),
    "state given to __setstate__": lambda inner: Reduces((Setstate, (), [inner])),
    "list items": lambda inner: Reduces((list, (), None, iter([[], inner]))),
    "dict items": lambda inner: Reduces((dict, (), None, None, iter([("a", []), ("k", inner)]))),
    "deep": lambda inner: [{"a": ([holding(b=([], inner))],)}],
}


def hook_that_raises():
    error = ValueError("text")

    def action(self, memo):
        raise error

    return Hook("raises", [], action)


def ends_with_an_error(*items):
    yield from items
    raise ValueError("no more")


class NoArguments:
    def __deepcopy__(self):
        raise AssertionError


class ReduceRaises:
    def __reduce_ex__(self, protocol):
        raise ValueError("no reduce, please")


class DeepcopyRaises:
    @property
    def __deepcopy__(self):
        raise ValueError("no hook, please")


# What fails when it is copied.
FAILING = {
    "a hook that raises": hook_that_raises,
    "a hook called wrongly": NoArguments,
    "a hook that cannot be looked up": DeepcopyRaises,
    "a reduce that raises": ReduceRaises,
    "a reduce without sense": lambda: Reduces(5),
    "a reduce of one": lambda: Reduces((Plain,)),
    "a reduce of seven": lambda: Reduces((Plain, (), None, None, None, None, None)),
    "a function that raises": lambda: Reduces((int, ("no number",))),
    "arguments that are no tuple": lambda: Reduces((Plain, 5)),
    "a state that cannot be set": lambda: Reduces((Setstate, (), {"a": []})),
    "a state of the wrong kind": lambda: Reduces((Plain, (), 5)),
    "items of the wrong kind": lambda: Reduces((list, (), None, 5)),
    "pairs of the wrong kind": lambda: Reduces((dict, (), None, None, iter([5]))),
    "arguments that end with an error": lambda: Reduces((list, ends_with_an_error([]))),
    "items that end with an error": lambda: Reduces((list, (), None, ends_with_an_error([]))),
    "pairs that end with an error": lambda: Reduces((dict, (), None, None, ends_with_an_error(("k", [])))),
    "pairs that are none": lambda: Reduces((dict, (), None, None, 5)),
    "nothing to put pairs into": lambda: Reduces((Plain, (), None, None, iter([("k", [])]))),
    "slots that cannot be set": lambda: Reduces((object, (), (None, {"a": []}))),
    "a function that cannot be called": lambda: Reduces((5, ([],))),
    "nothing to append to": lambda: Reduces((Plain, (), None, iter([[]]))),
    "a copy without a hash": lambda: {UnhashableOnceCopied(): []},
    "a member without a hash": lambda: {UnhashableOnceCopied()},
    "a module": lambda: gc,
    "a generator": lambda: (x for x in ()),
}


@pytest.mark.parametrize("memo", ["none", "dict", "mapping"])
@pytest.mark.parametrize("failing", FAILING)
def test_errors_in_every_place(copier, failing, memo):
    def scenario():
        for place in PLACES.values():
            try:
                x = place(FAILING[failing]())
            except TypeError:
                continue  # an unhashable one in a set
            raised(copier.deepcopy, x, MEMOS[memo]({}))

    assert drift(scenario) == 0


@pytest.mark.parametrize("failing", FAILING)
def test_errors_of_shallow_copies(copier, failing):
    def scenario():
        for place in ("alone", "arguments", "state given to __setstate__", "list items", "dict items"):
            try:
                copier.copy(PLACES[place](FAILING[failing]()))
            except Exception:
                pass

    assert drift(scenario) == 0


class FailingMemo:
    def __init__(self, method, after):
        self.method = method
        self.after = after
        self.entries = {}

    def called(self, method):
        if method == self.method:
            if self.after == 0:
                raise LookupError("no memo, please")
            self.after -= 1

    def get(self, key, default):
        self.called("get")
        return self.entries.get(key, default)

    def __getitem__(self, key):
        self.called("getitem")
        return self.entries[key]

    def __setitem__(self, key, value):
        self.called("setitem")
        self.entries[key] = value


@pytest.mark.parametrize("method", ["get", "getitem", "setitem"])
@pytest.mark.parametrize("graph", ["list", "dict", "tuples", "set", "instance", "reduce_with_all_elements", "hook"])
def test_errors_of_a_memo(copier, graph, method):
    def scenario():
        for after in range(12):
            x, names = GRAPHS[graph](copier.deepcopy)
            try:
                copier.deepcopy(x, FailingMemo(method, after))
            except LookupError:
                pass

    assert drift(scenario) == 0


def test_calls_with_wrong_arguments(copier):
    def scenario():
        raised(copier.deepcopy)
        raised(copier.deepcopy, 1, 2, 3, 4)
        raised(copier.deepcopy, [], nothing=[])
        raised(copier.deepcopy, [], {}, memo={})
        raised(copier.deepcopy, [], 5)
        raised(copier.copy)
        raised(copier.copy, [], [])
        raised(copier.replace)
        raised(copier.replace, [], [])

    assert drift(scenario) == 0


def test_a_copy_too_deep_for_its_hooks(copier):
    class Nested:
        def __init__(self, below):
            self.below = below

        def __deepcopy__(self, memo):
            return Nested(copier.deepcopy(self.below, memo))

    def scenario():
        x = None
        for _ in range(400):
            x = Nested([x])
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(300)
        try:
            raised(copier.deepcopy, x)
        finally:
            sys.setrecursionlimit(limit)

    assert drift(scenario) == 0


# ---- hooks that do something with the memo or the source ------------------------------------------------------------------------

KEPT = []


def keep_memo(copier, source):
    def action(self, memo):
        KEPT.append(memo)
        return []
    return [source, Hook("h", [], action), source]


def write_memo(copier, source):
    def action(self, memo):
        memo[id(source)] = "written"
        return []
    return [Hook("h", [], action), source]


def clear_memo(copier, source):
    def action(self, memo):
        memo.clear()
        return []
    return [source, Hook("h", [], action), source]


def copy_with_memo(copier, source):
    return [source, Hook("h", [], lambda self, memo: copier.deepcopy([source, [self]], {**memo, id(self): self})), source]


def copy_without_memo(copier, source):
    return [source, Hook("h", [], lambda self, memo: copier.deepcopy([source])), source]


def change_the_list(copier, source):
    x = [source]
    x += [Hook("h", [], lambda self, memo: x.clear()), [source]]
    return x


def change_the_dict(copier, source):
    x = {"a": source}
    x["h"] = Hook("h", [], lambda self, memo: x.clear())
    x["z"] = [source]
    return x


def change_the_instance(copier, source):
    x = holding(a=source)
    x.h = Hook("h", [], lambda self, memo: vars(x).clear())
    x.z = [source]
    return x


def change_the_set(copier, source):
    x = {Plain()}
    x.add(Hook("h", [], lambda self, memo: x.clear()))
    return x


def raise_and_catch(copier, source):
    def action(self, memo):
        raised(copier.deepcopy, [source, hook_that_raises()], memo)
        return copier.deepcopy(source, memo)
    return [source, Hook("h", [], action), source]


HOOKS = [keep_memo, write_memo, clear_memo, copy_with_memo, copy_without_memo, change_the_list, change_the_dict, change_the_instance,
         change_the_set, raise_and_catch]


@pytest.mark.parametrize("memo", ["none", "dict", "UserDict"])
@pytest.mark.parametrize("make", HOOKS, ids=lambda make: make.__name__)
def test_hooks(copier, make, memo):
    def scenario():
        try:
            copier.deepcopy(make(copier, [1, ["two"], {"k": [3]}]), MEMOS[memo]({}))
        except RuntimeError:  # a dict that changed
            pass
        KEPT.clear()

    assert drift(scenario) == 0


# ---- replace, tables, handlers in Python ------------------------------------------------------------------------------------------

class Replaceable:
    def __replace__(self, /, **changes):
        return Replaceable(), changes


class ReplaceRaises:
    def __replace__(self, /, **changes):
        raise ValueError("no replace, please")


def test_replace(copier):
    @dataclasses.dataclass
    class Record:
        a: object = None

    def scenario():
        copier.replace(Replaceable(), a=[], b=5)
        raised(copier.replace, ReplaceRaises(), a=[])
        raised(copier.replace, [], a=[])
        if hasattr(copy, "replace"):
            copier.replace(Record(), a=[])
            copier.replace(Point(1, 2), a=[])

    assert drift(scenario) == 0


def test_tables_that_change(copier):
    def scenario():
        copy._deepcopy_dispatch[Plain] = lambda x, memo: [x.a]
        copy._copy_dispatch[Plain] = lambda x: [x.a]
        try:
            x = holding(a=[1])
            copier.deepcopy([x, x])
            copier.copy(x)
        finally:
            del copy._deepcopy_dispatch[Plain], copy._copy_dispatch[Plain]
        copier.deepcopy([x, x])

    assert drift(scenario) == 0


def test_classes_that_come_and_go(copier):
    def scenario():
        class Fresh:
            pass

        class Slotted:
            __slots__ = ("a",)

        x, y = Fresh(), Slotted()
        x.a = y.a = [1]
        copier.deepcopy([x, y, x])
        Fresh.__deepcopy__ = lambda self, memo: self
        copier.deepcopy([x, y, x])

    assert drift(scenario) == 0


def test_handlers_in_python(calque):
    def scenario():
        @calque.register(Plain)
        def handler(x, memo):
            made = Plain()
            memo[id(x)] = made
            made.a = memo.copy(x.a)
            memo.keep_alive([])
            memo.get(5), memo.get(id(x)), len(memo), list(memo), list(memo.items()), memo.setdefault(1, [2]), memo.pop(1)
            KEPT.append(memo)
            return made

        x = holding(a=[1])
        x.a.append(x)
        try:
            calque.deepcopy([x, x.a])
            calque.deepcopy([x, x.a], {})
            raised(calque.deepcopy, [holding(), hook_that_raises()])
            raised(KEPT[0].copy, [])
            raised(calque.register(Plain), handler)
        finally:
            calque.unregister(Plain)
            KEPT.clear()
        raised(calque.unregister, Plain)
        raised(calque.register, 5)

    assert drift(scenario) == 0
