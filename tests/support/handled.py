"""For each file of handlers/ the objects that it copies."""

import array
import ast
import collections
import datetime
import decimal
import fractions
import functools
import gc
import re
import types
import uuid
import weakref

from support.memos import Colour, Data, DictSub, ListSub, Plain, Point, Slotted, TupleSub
from support.probes import Hook, Reduces
from support.shapes import SetSub, Strength, with_attributes

ATOMS = [None, 5, 10**30, 1.5, 2j, "text", b"bytes", ..., NotImplemented, True, int, len, lambda: 0, range(3), property(), gc]


def holding(**values):
    return with_attributes(Plain(), **values)


@functools.lru_cache
def cached(x):
    return x


ZONE = datetime.timezone(datetime.timedelta(hours=1))

# For each file of handlers/ the objects that it copies.
HANDLED = {
    "ast": lambda: [ast.parse("a = [b, 1]"), ast.Name("a", ast.Load(), lineno=[1])],
    "atomic": lambda: [*ATOMS, weakref.ref(Plain), (lambda: 0).__code__],
    "bytearray": lambda: [bytearray(b"text"), bytearray(1000)],
    "class_object": lambda: [Plain, Data, Strength],
    "container_subclass": lambda: [
        Point([1], 2), *(with_attributes(x, a=[1]) for x in (ListSub([[1]]), DictSub(k=[1]), TupleSub(([1],)), SetSub([1, (2, 3)])))],
    "counter": lambda: [collections.Counter("abca"), collections.Counter([Point(1, 2)])],
    "datetime": lambda: [
        datetime.date(2000, 1, 2), datetime.datetime(2000, 1, 2, tzinfo=ZONE), datetime.time(1, tzinfo=ZONE), datetime.timedelta(3)],
    "defaultdict": lambda: [collections.defaultdict(list, k=[1]), collections.defaultdict(None)],
    "deque": lambda: [collections.deque([[1], 2], 5), collections.deque(range(200))],
    "dict": lambda: [{}, {"k": [1]}, {(1, (2,)): [1]}, {i: [i] for i in range(40)}, {k: [k] for k in range(20) if k % 7}],
    "dunder_deepcopy": lambda: [Hook("h", []), Hook("h", [], lambda self, memo: [1])],
    "enum_member": lambda: [Colour.RED, Strength.WEAK, Strength.WEAK | Strength.STRONG],
    "instance": lambda: [holding(a=[1], b=2), Data([1]), Slotted(), holding(**{f"name{i}": [i] for i in range(40)})],
    "known_class": lambda: [fractions.Fraction(1, 3), decimal.Decimal(1)],
    "list": lambda: [[], [[1], 2], list(range(100))],
    "method": lambda: [holding(a=[1]).__init__, types.MethodType(len, [1])],
    "namespace": lambda: [types.SimpleNamespace(), types.SimpleNamespace(a=[1], b=2)],
    "ordered_dict": lambda: [collections.OrderedDict(k=[1]), collections.OrderedDict([((1, (2,)), 3)])],
    "own_copy": lambda: [decimal.Decimal(1), fractions.Fraction(1, 3), re.compile("a"), re.match("a", "a"), cached],
    "reduce": lambda: [
        functools.partial(len, [1]), ValueError([1]), slice([1], 2), Reduces((Plain, (), {"a": [1]})), array.array("i", [1])],
    "set": lambda: [set(), {1, (2, 3)}, set(range(100)), frozenset([(1, 2)]), frozenset([Plain()]), {Plain()}],
    "timezone": lambda: [ZONE, datetime.timezone(datetime.timedelta(hours=2), "name"), datetime.timezone.utc],
    "tuple": lambda: [(), (1, 2), ([1], 2), (1, (2, [3]))],
    "uuid": lambda: [uuid.UUID(int=5), uuid.UUID(int=6)],
}
