"""Graphs for tests of memory, besides those of support.memos: together every handler meets one, and every way through the runtime.

A graph is made by a function of the copying function, which hooks use, and returns its root and the names of its objects, by id.
"""

import ast
import collections
import datetime
import enum
import fractions
import gc
import types
import uuid
import weakref
from xml.etree import ElementTree

from support import memos
from support.memos import DictSub, ListSub, Plain, Point, Slotted

KEPT = []  # memos that hooks have kept
collector_was_off = [0]  # how often a finalizer has found it so, which had been on before the copy


class SetSub(set):
    pass


class FrozenSub(frozenset):
    pass


class CounterSub(collections.Counter):
    pass


class Strength(enum.IntFlag):
    WEAK = 1
    STRONG = 2


class HookOnCopy:
    """Enters its copy in the memo before it copies what is below, as many programs do, and the memo is kept."""

    deepcopy = None

    def __init__(self, below):
        self.below = below

    def __deepcopy__(self, memo):
        made = memo[id(self)] = HookOnCopy(None)
        KEPT.append(memo)
        made.below = memos.Hook.deepcopy(self.below, memo)
        return made


class Rewriting:
    """Writes an entry that is not its own: from then on the dict is the memo."""

    def __init__(self, other, below):
        self.other, self.below = other, below

    def __deepcopy__(self, memo):
        memo[id(self.other)] = self.other
        return Rewriting(self.other, memos.Hook.deepcopy(self.below, memo))


class Alone:
    """Copies with a memo of its own, inside another copy."""

    def __init__(self, below):
        self.below = below

    def __deepcopy__(self, memo):
        return Alone(memos.Hook.deepcopy(self.below))


class Replaceable:
    def __init__(self, below):
        self.below = below

    def __replace__(self, /, **changes):
        return Replaceable(**{**vars(self), **changes})


class Wide:
    """An instance with more attributes than the keys that its class shares."""

    def __init__(self):
        for i in range(40):
            setattr(self, f"name{i}", [i] if i % 8 == 0 else i)


class Finalized:
    """The end of a copy is Python code, which copies."""

    def __init__(self, below):
        self.below = below

    def __deepcopy__(self, memo):
        return Finalized(memos.Hook.deepcopy(self.below, memo))

    def __del__(self):
        collector_was_off[0] += not gc.isenabled()
        memos.Hook.deepcopy([[1], self.below])


class Ending:
    """An instance without hooks whose end is Python code. With a dict, object.__new__ would end one that it cannot finish itself."""

    __slots__ = ("a",)

    def __del__(self, isenabled=gc.isenabled, was_off=collector_was_off):  # also when the interpreter ends
        was_off[0] += not isenabled()


def chained(depth, wrap):
    x = ["end"]
    for _ in range(depth):
        x = wrap(x)
    return x


def owner():
    x = Plain()
    x.own = [x]
    x.bound = types.MethodType(memos.make_registered, x)
    return x


def with_attributes(x, /, **values):
    for name, value in values.items():
        setattr(x, name, value)
    return x


def filled(**values):
    return with_attributes(Plain(), **values)


def tuple_on_cycle_through_instance():
    x = Plain()
    x.pair = ([1], x, [2])
    x.pair[0].append(x.pair)
    return x.pair


def tuple_met_again_below_new_objects():
    """The copy of the tuple that is rejected at its end holds objects that nothing else does."""
    a = []
    x = (filled(a=[1]), a, ({"k": [2]}, (3, [4])))
    a.append(x)
    return x


def tuples_rejected_in_turn():
    """One of them finds the memo's log full, whatever an entry more or less."""
    found = []
    for i in range(40):
        cycle = []
        cycle.append((with_attributes(Ending(), a=i), cycle, *([j] for j in range(i % 3))))
        found.append(cycle[0])
    return found


def hooks_in_lists(cls, count):
    shared = [1]
    return [[cls(shared), shared, (shared,)] for _ in range(count)]


def tables_of_a_class():
    class Local:
        value = [1]

    return [Local, Local()]


def new_classes():
    """Of which nothing is known yet. No named tuple: calque compiles a line for each, and compile() damages the heap when memory runs out."""
    class New:
        pass

    class NewList(list):
        pass

    class NewHook(Rewriting):
        pass

    return [with_attributes(New(), a=[1], b=2), with_attributes(NewList([[1]]), a=[1]), NewHook([1], [2])]


def nested_everything():
    return {"rows": [filled(a=(1, [2], {"k": {frozenset([(3, 4)])}}), when=datetime.datetime(2000, 1, 2), at=uuid.UUID(int=7))], (1, (2, 3)): Point([4], {})}


def element():
    x = ElementTree.Element("a", {"k": "v"})
    ElementTree.SubElement(x, "b").text = "text"
    return x


def both(a, b):
    return [a, b, a]


_MAKERS = {
    "list long": lambda: [[i] for i in range(40)],
    "list of many atoms": lambda: list(range(1000)),
    "dict long": lambda: {i: [i] for i in range(40)},
    "dict with holes": lambda: {k: v for k, v in [(i, [i]) for i in range(30)] if k % 7},
    "dict of tuples": lambda: {(i, (i,)): (i, [i]) for i in range(20)},
    "set of a few": lambda: set(range(3)),
    "set of many": lambda: set(range(100)),
    "set of tuples": lambda: {(i, (i, i)) for i in range(20)},
    "frozenset of many": lambda: frozenset(range(100)),
    "frozenset of instances": lambda: frozenset([Plain(), Plain()]),
    "set subclass": lambda: with_attributes(SetSub(range(20)), a=[1]),
    "frozenset subclass": lambda: with_attributes(FrozenSub([(1, 2), 3]), a=[1]),
    "set subclass of instances": lambda: SetSub([Plain(), (1, Plain())]),
    "counter subclass": lambda: with_attributes(CounterSub("abca"), a=[1]),
    "counter long": lambda: collections.Counter(range(50)),
    "ordered dict long": lambda: collections.OrderedDict((i, [i]) for i in range(30)),
    "defaultdict in itself": lambda: (lambda x: (x.update(x=x), x)[1])(collections.defaultdict(list)),
    "deque long": lambda: collections.deque([[i] for i in range(100)], 200),
    "bytearray long": lambda: bytearray(1000),
    "instances with one class": lambda: [filled(a=[i], b="text", c=(i, [i])) for i in range(20)],
    "instance with a wide dict": Wide,
    "instances with slots": lambda: [with_attributes(Slotted(), a=[i], b=i) for i in range(20)],
    "instance on a cycle": owner,
    "tuple on a cycle through an instance": tuple_on_cycle_through_instance,
    "tuple rejected": tuple_met_again_below_new_objects,
    "tuples rejected in turn": tuples_rejected_in_turn,
    "namespace in itself": lambda: (lambda x: with_attributes(x, x=x, a=[1]))(types.SimpleNamespace()),
    "enum members": lambda: both(memos.Colour.RED, Strength.WEAK | Strength.STRONG),
    "uuids": lambda: both(uuid.UUID(int=5), uuid.UUID(int=6)),
    "times": lambda: both(datetime.time(1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=1))), datetime.timedelta(3)),
    "datetimes": lambda: [datetime.datetime(2000, 1, 2, i) for i in range(20)],
    "known classes": lambda: both(fractions.Fraction(1, 3), weakref.ref(Plain)),
    "replaceable": lambda: Replaceable([1]),
    "element": element,
    "class and instance": tables_of_a_class,
    "new classes": new_classes,
    "syntax tree": lambda: ast.parse("def f(a, *b, c=1):\n    return {**a, 'k': [x async for x in b if x]}\n"),
    "everything": nested_everything,
    "hooks that enter themselves": lambda: hooks_in_lists(HookOnCopy, 6),
    "hooks that copy alone": lambda: hooks_in_lists(Alone, 4),
    "hooks that rewrite": lambda: (lambda shared: [[shared], Rewriting(shared, [shared, [2]]), shared])([1]),
    "hooks below a subclass": lambda: with_attributes(ListSub(hooks_in_lists(HookOnCopy, 2)), a=DictSub(k=HookOnCopy([3]))),
    "hook below a tuple on a cycle": lambda: (lambda a: (a.append((a, HookOnCopy(a), [1])), a)[1])([]),
    "finalizers": lambda: [Finalized([1]), (Finalized([2]), [3]), {"k": Finalized((4, [5]))}],
    "lists in a chain": lambda: chained(140, lambda x: [x]),
    "tuples in a chain": lambda: chained(140, lambda x: (x, 1)),
    "dicts in a chain": lambda: chained(140, lambda x: {"k": x}),
    "instances in a chain": lambda: chained(140, lambda x: filled(a=x)),
    "hooks in a chain": lambda: chained(20, lambda x: HookOnCopy([x])),
}


def _named(make):
    def graph(deepcopy):
        memos.Hook.deepcopy = deepcopy
        x = make()
        names = {id(x): "x"}
        for i, child in enumerate(x if isinstance(x, (list, tuple)) else vars(x).values() if hasattr(x, "__dict__") else ()):
            names.setdefault(id(child), f"child {i}")
        return x, names
    return graph


GRAPHS = {**memos.GRAPHS, **{name: _named(make) for name, make in _MAKERS.items()}}


# ---- what only calque has ----------------------------------------------------------------------------------------------------------

class ByHandler:
    """Copied by a handler in Python, where there is one; by a hook in stdlib."""

    def __init__(self, below):
        self.below = below

    def __deepcopy__(self, memo):
        return ByHandler(memos.Hook.deepcopy(self.below, memo))


def register(module):
    """For calque: the handler of ByHandler."""
    if hasattr(module, "register"):
        @module.register(ByHandler)
        def handler(x, memo):
            memo.keep_alive([1])
            made = memo[id(x)] = ByHandler(None)
            made.below = memo.copy(x.below)
            return made


GRAPHS["handlers in Python"] = _named(lambda: hooks_in_lists(ByHandler, 4))
