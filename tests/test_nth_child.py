"""The n-th child of a graph raises an exception, for every n, and every kind of container is under way.

After each: the exception is the very object that was raised; the memo (none, the one a hook was given and kept, a dict, one with an
entry, a dict subclass, a UserDict, any mapping) holds what stdlib's holds, in its order, with the same unfinished copies; the source is
what it was; of the copies nothing lives longer than the memo; the next copy is right. That nothing else stays behind (blocks, bytes, and
references on a debug interpreter) is asked of whole sweeps.
"""

import ast
import collections
import copy
import functools
import gc
import types
import weakref

import pytest

from support import leaks
from support.memos import CallDict, CallMemo, Data, DictSub, ListSub, Plain, Point, Slotted, SlottedWithDict, TupleSub
from support.shapes import CounterSub, FrozenSub, SetSub, with_attributes
from tests.fuzz.fingerprint import fingerprint

pytestmark = pytest.mark.no_leak_check(reason="each test repeats its own sweep for that")


class Turns:
    """Whose turn it is to raise: the one that makes `left` zero."""

    left = 0
    error = None
    keep = False
    kept = []  # memos
    made = []  # weak references to the copies of children
    deepcopy = None

    @classmethod
    def prepare(cls, left, error):
        cls.left, cls.error = left, error
        cls.kept.clear()
        cls.made.clear()

    @classmethod
    def step(cls):
        cls.left -= 1
        if cls.left == 0:
            raise cls.error


class Child:
    """Raises in its hook."""

    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return self.n  # the same order in sets, always

    def __deepcopy__(self, memo):
        if Turns.keep and not Turns.kept:
            Turns.kept.append(memo)
        Turns.step()
        return made_for_copy(type(self), self.n)


def made_for_copy(cls, n):
    made = cls(n)
    Turns.made.append(weakref.ref(made))
    return made


class ReducingChild:
    """Raises when it is reduced."""

    def __init__(self, n):
        self.n = n

    __hash__ = Child.__hash__

    def __reduce_ex__(self, protocol):
        Turns.step()
        return made_for_copy, (ReducingChild, self.n)


class StatefulChild:
    """Raises when its copy is given its state; by then the copy is in the memo, without."""

    def __init__(self, n):
        self.n = n

    __hash__ = Child.__hash__

    def __getstate__(self):
        return {"n": self.n, "more": [self.n]}

    def __setstate__(self, state):
        Turns.made.append(weakref.ref(self))
        Turns.step()
        vars(self).update(state)


class SlottedChild:
    """Has a finalizer, which copies, and no dict."""

    __slots__ = ("n", "__weakref__")

    def __init__(self, n):
        self.n = n

    __hash__ = Child.__hash__

    def __deepcopy__(self, memo):
        Turns.step()
        return made_for_copy(SlottedChild, self.n)

    def __del__(self):
        copy.copy([])


class ByHandler:
    """Copied by a handler in Python, where there is one; else by its hook, which does the same."""

    def __init__(self, *below):
        self.below = below

    def __deepcopy__(self, memo):
        made = memo[id(self)] = ByHandler()
        made.below = [Turns.deepcopy(child, memo) for child in self.below]
        return made


def handler(x, memo):
    made = memo[id(x)] = ByHandler()
    made.below = [memo.copy(child) for child in x.below]
    return made


# ---- containers in progress: made by functions of the function that makes a child ------------------------------------------------------

def filled(**values):
    return with_attributes(Plain(), **values)


def mixed(child):
    """Children with all kinds of copies between them, which an error must free."""
    return [child(), [0], child(), ([1], 2), child(), {"k": [2], "l": 3}, child(), filled(a=[3], b=4), {5, 6}, child()]


def hashable(child):
    return [child(), (child(), 1), frozenset([2, (3, 4)]), child(), 5]


def attributes(child):
    return {f"name{i}": item for i, item in enumerate(mixed(child))}


def with_dict_of_its_own(child):
    x = Plain()
    x.__dict__ = {**attributes(child), "last": [7]}
    return x


def with_shared_dict(child):
    x = filled(**attributes(child))
    return [x.__dict__, child(), x]


def wide(child):
    x = Plain()
    for i in range(45):
        setattr(x, f"name{i}", child() if i % 9 == 4 else [i] if i % 5 == 0 else i)
    return x


def slotted(cls, child):
    x = cls()
    x.a, x.b = [child(), [1]], child()
    return x


def with_holes(child):
    x = {i: item for i, item in enumerate([0, 1, *mixed(child), 2, *mixed(child)])}
    for i in (0, 1, 12):
        del x[i]
    return x


def tuple_on_a_cycle(child):
    below = [child()]
    x = (child(), below, [1], child())
    below += [x, child()]
    return x


def list_in_itself(child):
    x = mixed(child)
    x[3:3] = [x, [x, child()]]
    return x


class ReducesTo:
    """Gives what a function of its parts makes, each time anew."""

    def __init__(self, function, *parts):
        self.function = function
        self.parts = parts

    def __reduce_ex__(self, protocol):
        return self.function(*self.parts)


def all_of_reduce(child):
    return ReducesTo(lambda args, state, items, keys, values: (Everything, args, state, iter(items), zip(keys, values)), (child(), [1]),
                     ({"a": child(), "b": [2]}, {"c": child()}), mixed(child), hashable(child), mixed(child))


class Everything(list):
    def __init__(self, *args):
        self.args = args
        self.pairs = []

    def __setitem__(self, key, value):
        self.pairs.append((key, value))


class Setstate:
    def __setstate__(self, state):
        self.state = state


def exception(child):
    x = ValueError(*mixed(child))
    x.extra = [child()]
    return x


def syntax_node(child):
    return ast.Call(func=child(), args=mixed(child), keywords=[ast.keyword("k", child())])


def deep(child):
    x = [child(), [1]]
    for i in range(4):
        x = {"k": ([0], child(), filled(a=[i], b=(x, child()))), "l": child()}
    return x


def chain(child):
    """Deeper than calls go: further down there are frames."""
    x = [child()]
    for i in range(140):
        x = [child(), [i], x] if i % 35 == 0 else [x]
    return x


class OrderedSub(collections.OrderedDict):
    pass


def yielding(items):
    """An iterator that may raise itself."""
    for item in items:
        Turns.step()
        yield item


CONTAINERS = {
    "child alone": lambda child: child(),
    "list": mixed,
    "list long": lambda child: [child() if i % 12 == 5 else [i] for i in range(60)],
    "list of lists": lambda child: [[child(), [i]] for i in range(6)],
    "list in itself": list_in_itself,
    "tuple": lambda child: tuple(mixed(child)),
    "tuple of tuples": lambda child: tuple((i, (child(), [i])) for i in range(4)),
    "tuple on a cycle": tuple_on_a_cycle,
    "namedtuple": lambda child: Point([child(), [1]], child()),
    "dict": lambda child: dict(enumerate(mixed(child))),
    "dict of names": attributes,
    "dict with children for keys": lambda child: {key: [i] for i, key in enumerate(hashable(child))},
    "dict with children everywhere": lambda child: {key: value for key, value in zip(hashable(child), mixed(child))},
    "wide dict": lambda child: {i: child() if i % 12 == 5 else [i] for i in range(60)},
    "wide dict of atoms": lambda child: {str(i): child() if i % 20 == 5 else i for i in range(60)},
    "dict with holes": with_holes,
    "dict of dicts": lambda child: {i: {"a": [i], "b": {"c": child()}} for i in range(4)},
    "set": lambda child: set(hashable(child)),
    "set of many": lambda child: {child() if i % 12 == 5 else i + 1000 for i in range(60)},
    "frozenset": lambda child: frozenset(hashable(child)),
    "instance": lambda child: filled(**attributes(child)),
    "instances": lambda child: [filled(a=[i], b=child(), c=(i, [child()])) for i in range(3)],
    "instance with a dict of its own": with_dict_of_its_own,
    "instance and its dict": with_shared_dict,
    "instance with a wide dict": wide,
    "dataclass": lambda child: Data([child(), [1]], Data(child(), [2])),
    "slots": lambda child: [slotted(Slotted, child) for _ in range(3)],
    "slots and dict": lambda child: with_attributes(slotted(SlottedWithDict, child), c=child(), d=[1], e=child()),
    "list subclass": lambda child: with_attributes(ListSub(mixed(child)), a=child(), b=[1]),
    "dict subclass": lambda child: with_attributes(DictSub(zip(hashable(child), mixed(child))), a=child(), b=[1]),
    "tuple subclass": lambda child: with_attributes(TupleSub(mixed(child)), a=child(), b=[1]),
    "set subclass": lambda child: with_attributes(SetSub(hashable(child)), a=child(), b=[1]),
    "frozenset subclass": lambda child: with_attributes(FrozenSub(hashable(child)), a=child(), b=[1]),
    "OrderedDict": lambda child: collections.OrderedDict(zip(hashable(child), mixed(child))),
    "OrderedDict subclass": lambda child: with_attributes(OrderedSub(zip(hashable(child), mixed(child))), a=child(), b=[1]),
    "defaultdict": lambda child: collections.defaultdict(list, zip(hashable(child), mixed(child))),
    "deque": lambda child: collections.deque(mixed(child), 20),
    "Counter": lambda child: collections.Counter(hashable(child)),
    "Counter subclass": lambda child: with_attributes(CounterSub(hashable(child)), a=child(), b=[1]),
    "ChainMap": lambda child: collections.ChainMap(attributes(child), {"k": child()}),
    "UserList": lambda child: collections.UserList(mixed(child)),
    "UserDict": lambda child: collections.UserDict(attributes(child)),
    "namespace": lambda child: types.SimpleNamespace(**attributes(child)),
    "syntax node": syntax_node,
    "exception": exception,
    "method": lambda child: [types.MethodType(mixed, filled(**attributes(child))), child()],
    "partial": lambda child: functools.partial(mixed, *mixed(child), **attributes(child)),
    "slice": lambda child: [slice(child(), [1], child()), child()],
    "reduce, arguments": lambda child: ReducesTo(lambda *args: (Everything, args), *mixed(child)),
    "reduce, state": lambda child: ReducesTo(lambda state: (Plain, (), state), attributes(child)),
    "reduce, new state": lambda child: ReducesTo(lambda state: (Plain, (), dict(state)), attributes(child)),
    "reduce, state with slots":
        lambda child: ReducesTo(lambda *both: (SlottedWithDict, (), both), attributes(child), {"a": child(), "b": child()}),
    "reduce, state for __setstate__": lambda child: ReducesTo(lambda state: (Setstate, (), state), mixed(child)),
    "reduce, list items": lambda child: ReducesTo(lambda items: (list, (), None, iter(items)), mixed(child)),
    "reduce, dict items":
        lambda child: ReducesTo(lambda keys, values: (dict, (), None, None, zip(keys, values)), hashable(child), mixed(child)),
    "reduce, items that end with an error": lambda child: ReducesTo(lambda items: (list, (), None, yielding(items)), mixed(child)),
    "reduce, pairs that end with an error":
        lambda child: ReducesTo(lambda keys, values: (dict, (), None, None, yielding(zip(keys, values))), hashable(child), mixed(child)),
    "reduce, arguments that end with an error": lambda child: ReducesTo(lambda items: (Everything, yielding(items)), mixed(child)),
    "reduce, everything": all_of_reduce,
    "handler in Python": lambda child: [ByHandler(*mixed(child)), child(), ByHandler([child()])],
    "deep": deep,
    "chain": chain,
}

MEMOS = {
    "none": lambda names: None,
    "kept": lambda names: None,
    "dict": lambda names: {},
    "dict with an entry": lambda names: {1: "one"},
    "dict subclass": CallDict,
    "mapping": CallMemo,
    "UserDict": lambda names: collections.UserDict(),
}


def graph(container, cls):
    """The graph, and the names of its children, by id: no list of them, so that each has the references that the graph gives it."""
    names = {}

    def child():
        made = cls(len(names))
        names[id(made)] = f"child {len(names)}"
        return made

    x = CONTAINERS[container](child)
    names[id(x)] = "x"
    if isinstance(x, (list, tuple)):
        for i, item in enumerate(x):
            if isinstance(item, (list, tuple, dict, set, Plain)):
                names.setdefault(id(item), f"item {i}")
    return x, names


def contents(memo, names):
    """What a memo holds of named objects: names and copies in order, and the names of originals kept alive."""
    entries = memo if isinstance(memo, dict) else getattr(memo, "entries", getattr(memo, "data", None))
    kept = dict.get(entries, id(memo), ())
    found = [key for key in entries if key in names]
    copies = [dict.__getitem__(entries, key) for key in found]
    return [names[key] for key in found], fingerprint(*copies), [names[id(obj)] for obj in kept if id(obj) in names]


def attempt(deepcopy, x, memo, n, error):
    """The copy, or None if the n-th child raised."""
    Turns.deepcopy = deepcopy
    Turns.prepare(n, error)
    try:
        return deepcopy(x) if memo is None else deepcopy(x, memo)
    except type(error) as caught:
        assert caught is error
        error.__traceback__ = None
        return None


def sweep(deepcopy, container, cls, memo_kind, kind):
    """For every n what is the same under stdlib; checks what needs no comparison."""
    found = []
    source = fingerprint(graph(container, cls)[0])
    for n in range(1, 1000):
        x, names = graph(container, cls)
        memo = MEMOS[memo_kind](names)
        error = kind("the one")
        Turns.keep = memo_kind == "kept"
        copied = attempt(deepcopy, x, memo, n, error)
        assert error.__context__ is None and error.__cause__ is None and vars(error) == {}
        done, Turns.left = Turns.left > 0, 0
        held = Turns.kept.pop() if Turns.kept else memo
        in_memo = None if held is None else contents(held, names)
        assert fingerprint(x) == source, "the source is not what it was"
        found.append((n, done, None if copied is None else fingerprint(x, copied), in_memo, len(Turns.made)))
        refs = Turns.made[:]
        del memo, held, copied
        gc.collect()
        assert [ref() for ref in refs if ref() is not None] == [], "a copy lives longer than the memo"
        found.append(fingerprint(x, deepcopy(x)))
        if done:
            Turns.kept.clear()
            return found
    raise AssertionError("no end")


def bare_sweep(deepcopy, container, cls, memo_kind, kind):
    """The same copies and nothing else."""
    for n in range(1, 1000):
        x, names = graph(container, cls)
        Turns.keep = memo_kind == "kept"
        attempt(deepcopy, x, MEMOS[memo_kind](names), n, kind("the one"))
        Turns.kept.clear()
        Turns.made.clear()
        if Turns.left > 0:
            return


@functools.cache
def of_stdlib(*arguments):
    return sweep(copy.deepcopy, *arguments)


CASES = [(Child, memo, ValueError) for memo in MEMOS]
CASES += [(cls, memo, ValueError) for cls in (ReducingChild, StatefulChild, SlottedChild) for memo in ("none", "dict")]
CASES += [(Child, "none", KeyboardInterrupt)]


@pytest.fixture
def handled(copier, calque):
    """ByHandler has a handler, where there are handlers."""
    if copier.name == "calque":
        calque.register(ByHandler)(handler)
    yield
    if copier.name == "calque":
        calque.unregister(ByHandler)


@pytest.mark.parametrize("container", CONTAINERS)
def test_nth_child_raises(copier, handled, container):
    for case in CASES:
        expected = of_stdlib(container, *case)
        if copier.name == "stdlib":
            continue
        for ours, theirs in zip(sweep(copier.deepcopy, container, *case), expected, strict=True):
            assert ours == theirs, case
        growth = leaks.growth_that_never_stops(lambda case=case: bare_sweep(copier.deepcopy, container, *case))
        assert growth is None, case
