"""Where a hostile object is while its hooks run: below each kind of container, on cycles, met twice, at the root.

A position is a function of the object that returns the root of a graph and the way from the root to the object: functions of a container that
give the next one. Everywhere `v` was visited before the object, and `n` will be after it.
"""

import ast
import collections
import functools
import types

from .world import bag, world

POSITIONS = {}  # name -> function
HASHED = set()  # names of the positions that hash the object


def position(name, *, hashed=False):
    def register(function):
        POSITIONS[name] = function
        if hashed:
            HASHED.add(name)
        return function
    return register


class ListSub(list):
    pass


class DictSub(dict):
    pass


Point = collections.namedtuple("Point", "v x n")


class Method:
    def __init__(self, x):
        self.v, self.x, self.n = bag(1), x, bag(2)

    def method(self):
        pass


@position("root")
def _(x):
    return x, []


@position("list")
def _(x):
    return [bag(1), x, bag(2)], []


@position("long list")
def _(x):
    return [*([i] for i in range(20)), bag(1), x, bag(2), *range(20)], []


@position("tuple")
def _(x):
    return (bag(1), x, bag(2)), []


@position("tuple in tuple")
def _(x):
    return (bag(1), (bag(3), x, bag(4)), bag(2)), [lambda c: c[1]]


@position("dict value")
def _(x):
    return {"v": bag(1), "x": x, "n": bag(2)}, []


@position("dict key", hashed=True)
def _(x):
    return {"v": bag(1), x: [0], "n": bag(2)}, []


@position("dict key and value", hashed=True)
def _(x):
    return {"v": bag(1), x: x, "n": bag(2)}, []


@position("key in tuple", hashed=True)
def _(x):
    return {"v": bag(1), (x, 1): [0], "n": bag(2)}, []


@position("set", hashed=True)
def _(x):
    return [bag(1), {1, x, (2, 3)}, bag(2)], []


@position("frozenset", hashed=True)
def _(x):
    return [bag(1), frozenset([1, x, (2, 3)]), bag(2)], []


@position("attribute")
def _(x):
    return world.plain(bag(1), x, bag(2)), []


@position("attribute of one of many")
def _(x):
    return [world.plain([i], i, None) for i in range(5)] + [world.plain(bag(1), x, bag(2)), world.plain([6], 6, None)], [lambda c: c[5]]


@position("slot")
def _(x):
    return world.slots(bag(1), x, bag(2)), []


@position("attribute of a namespace")
def _(x):
    return types.SimpleNamespace(v=bag(1), x=x, n=bag(2)), []


@position("deque")
def _(x):
    return collections.deque([bag(1), x, bag(2)]), []


@position("list subclass")
def _(x):
    return ListSub([bag(1), x, bag(2)]), []


@position("dict subclass")
def _(x):
    return DictSub(v=bag(1), x=x, n=bag(2)), []


@position("named tuple")
def _(x):
    return Point(bag(1), x, bag(2)), []


@position("ordered dict")
def _(x):
    return collections.OrderedDict(v=bag(1), x=x, n=bag(2)), []


@position("default dict")
def _(x):
    return collections.defaultdict(list, v=bag(1), x=x, n=bag(2)), []


@position("counter", hashed=True)
def _(x):
    return [bag(1), collections.Counter([x, 1, 1]), bag(2)], []


@position("chain map")
def _(x):
    return collections.ChainMap({"v": bag(1), "x": x, "n": bag(2)}), [lambda c: c.maps[0]]


@position("partial")
def _(x):
    return [bag(1), functools.partial(dict, x, k=[1]), bag(2)], []


@position("method")
def _(x):
    return [bag(1), Method(x).method, bag(2)], [lambda c: c[1].__self__]


@position("slice")
def _(x):
    return [bag(1), slice([1], x, None), bag(2)], []


@position("exception")
def _(x):
    return [bag(1), ValueError(bag(3), x, bag(4)), bag(2)], []


@position("syntax node")
def _(x):
    return ast.List(v=bag(1), elts=[bag(3), x, bag(4)], n=bag(2)), [lambda c: c.elts]


@position("cycle")
def _(x):
    root = [bag(1)]
    root += [x, root, bag(2)]
    return root, []


@position("cycle through the object")
def _(x):
    root = [bag(1), x]
    root.append(bag(2))
    attach(x, root)
    return root, []


@position("cycle of tuples")
def _(x):
    inner = [bag(1)]
    root = (inner, x, bag(2))
    inner.append(root)
    return root, [lambda c: c[0]]


@position("cycle of a tuple and the object")
def _(x):
    root = (bag(1), x, bag(2))
    attach(x, root)
    return root, []


@position("cycle of a dict and instances")
def _(x):
    root = world.plain(bag(1), None, bag(2))
    root.x = {"v": root, "x": world.slots(bag(3), x, root), "n": bag(4)}
    return root, [lambda c: c.x, lambda c: c["x"]]


@position("twice")
def _(x):
    return [bag(1), x, [x], {"k": x}, bag(2)], []


@position("twice in a tuple and a set", hashed=True)
def _(x):
    return (bag(1), (x, [x]), {x}, bag(2)), []


@position("below everything")
def _(x):
    inner = [bag(9), x, bag(9)]
    inner = world.slots(bag(8), inner, bag(8))
    inner = {"v": bag(7), "x": inner, "n": bag(7)}
    inner = world.plain(bag(6), inner, bag(6))
    inner = (bag(5), inner, bag(5))
    inner = collections.deque([bag(4), inner, bag(4)])
    inner = ListSub([bag(3), inner, bag(3)])
    inner = types.SimpleNamespace(v=bag(2), x=inner, n=bag(2))
    return [bag(1), inner, bag(1)], [
        lambda c: c[1], lambda c: c.x, lambda c: c[1], lambda c: c[1], lambda c: c[1], lambda c: c.x, lambda c: c["x"], lambda c: c.x]


@position("far below lists and tuples")
def _(x):
    inner = [bag(1), x, bag(2)]
    for i in range(70):  # deeper than calls go
        inner = [(i, inner)]
    return inner, [lambda c: c[0][1]] * 70


@position("far below dicts and instances")
def _(x):
    inner = {"v": bag(1), "x": x, "n": bag(2)}
    for i in range(70):
        inner = {"v": [i], "x": world.plain(i, inner, [i])}
    return inner, [lambda c: c["x"].x] * 70


def attach(x, obj):
    """obj hangs below x."""
    try:
        x.a = obj
    except Exception:
        if isinstance(x, list):
            list.append(x, obj)


def chain(root, way):
    """The containers that are being copied when the hook runs, outermost first; as far as they still are where they were."""
    found = [root]
    for step in way:
        try:
            root = step(root)
        except (LookupError, AttributeError, TypeError):
            break
        found.append(root)
    return found
