"""Memos that say when they are called, and the graphs they are tried on.

A graph is made by a function that returns its root and the names of its objects, by id: no list of the objects, so that each has the references
the graph itself gives it.
"""

import array
import ast
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import types
import uuid


class CallMemo:
    """Three methods and nothing else: all that deepcopy may ask of a memo."""

    def __init__(self, names):
        self.names = names
        self.calls = []
        self.entries = {}

    def role(self, key):
        return "MEMO" if key == id(self) else self.names.get(key, "?")

    def get(self, *args):
        self.calls.append(f"get:{self.role(args[0])}" if len(args) == 2 else f"get with {len(args)} arguments")
        return self.entries.get(*args)

    def __getitem__(self, key):
        self.calls.append(f"[]:{self.role(key)}")
        return self.entries[key]

    def __setitem__(self, key, value):
        self.calls.append(f"=:{self.role(key)}:{type(value).__name__}")
        self.entries[key] = value


class CallDict(dict):
    """The same as a dict subclass; `names` is set by the test."""

    def __init__(self, names):
        super().__init__()
        self.names = names
        self.calls = []

    role = CallMemo.role

    def get(self, *args):
        self.calls.append(f"get:{self.role(args[0])}" if len(args) == 2 else f"get with {len(args)} arguments")
        return super().get(*args)

    def __getitem__(self, key):
        self.calls.append(f"[]:{self.role(key)}")
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        self.calls.append(f"=:{self.role(key)}:{type(value).__name__}")
        super().__setitem__(key, value)


def described(entries, memo, names, copies=None):
    """The entries of a memo in order: name of the key, type of the value; for the keepalive list the names of its objects."""
    lines = []
    for key, value in entries.items():
        if key == id(memo):
            lines.append(("MEMO", [names.get(id(obj), type(obj).__name__) for obj in value]))
        else:
            lines.append((names.get(key, "?"), type(value).__name__))
    return lines


class Plain:
    pass


class Slotted:
    __slots__ = ("a", "b")


class SlottedWithDict(Slotted):
    pass


class Meta(type):
    pass


class OfMeta(metaclass=Meta):
    pass


@dataclasses.dataclass
class Data:
    a: object
    b: object = None


Point = collections.namedtuple("Point", "a b")


class ListSub(list):
    pass


class DictSub(dict):
    pass


class TupleSub(tuple):
    pass


class Colour(enum.Enum):
    RED = 1


class ReducesToEverything:
    def __init__(self, a=None):
        self.a = a
        self.items = []

    def __reduce_ex__(self, protocol):
        return ReducesToEverything, (self.a,), {"state": self.a, "more": [1]}, iter([self.a, [2]]), iter([("k", self.a), ((1, 2), [3])])

    def append(self, item):
        self.items.append(item)

    def __setitem__(self, key, value):
        self.items.append((key, value))


class ReducesToList:
    def __reduce_ex__(self, protocol):
        return [Plain, []]


class ReducesToText:
    def __reduce_ex__(self, protocol):
        return "ReducesToText"


class FreshState:
    def __getstate__(self):
        return {"a": [1, [2]], "b": (3, [4])}


class NewArgsEx:
    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return ([1],), {"k": [2]}


class Hook:
    """Copies its child with the implementation that the graph was last built for: graphs are built right before they are copied."""

    deepcopy = None

    def __init__(self, below):
        self.below = below

    def __deepcopy__(self, memo):
        return Hook(Hook.deepcopy(self.below, memo))


def hook(below, deepcopy):
    Hook.deepcopy = deepcopy
    return Hook(below)


class HookOfItself:
    def __deepcopy__(self, memo):
        return self


class HookOfNone:
    def __deepcopy__(self, memo):
        return None


class Registered:
    pass


def make_registered():
    return Registered()


copyreg.pickle(Registered, lambda obj: (make_registered, (), {"a": [1]}))


def graph_list(deepcopy):
    i, b = 12345, []
    x = [i, b]
    return x, {id(x): "x", id(i): "i", id(b): "b"}


def graph_shared_list(deepcopy):
    a = [1]
    x = [a, a, [a]]
    return x, {id(x): "x", id(a): "a", id(x[2]): "c"}


def graph_list_in_itself(deepcopy):
    x = []
    x += [x, [x]]
    return x, {id(x): "x", id(x[1]): "b"}


def graph_empty_containers(deepcopy):
    x = [[], {}, (), set(), frozenset(), bytearray()]
    return x, {id(x): "x", **{id(obj): type(obj).__name__ for obj in x}}


def graph_dict(deepcopy):
    key, value = (1, "key"), ["value"]
    x = {"a": value, key: {}, "b": value}
    return x, {id(x): "x", id(key): "key", id(value): "value", id("a"): "a", id(x[key]): "inner"}


def graph_dict_with_copied_key(deepcopy):
    key = Plain()
    x = {key: [key]}
    return x, {id(x): "x", id(key): "key", id(x[key]): "value"}


def graph_tuples(deepcopy):
    flat, deep = (1, 2), ([1], 2)
    x = (flat, deep, deep, flat)
    return x, {id(x): "x", id(flat): "flat", id(deep): "deep", id(deep[0]): "below"}


def graph_tuple_in_itself(deepcopy):
    a = []
    x = (a, 1)
    a.append(x)
    return x, {id(x): "x", id(a): "a"}


def graph_set(deepcopy):
    a = Plain()
    x = {a}
    return x, {id(x): "x", id(a): "a", id(Plain): "cls"}


def graph_frozensets(deepcopy):
    inner = frozenset([(1, 2)])
    x = frozenset([inner])
    return x, {id(x): "x", id(inner): "inner"}


def graph_bytearray(deepcopy):
    x = [bytearray(b"ab")] * 2
    return x, {id(x): "x", id(x[0]): "b"}


def graph_instance(deepcopy):
    x = Plain()
    x.a, x.b = [1], "text"
    x.c = x.a
    return x, {id(x): "x", id(Plain): "cls", id(x.__dict__): "dict", id(x.a): "a", id(x.b): "b", id("a"): "'a'"}


def graph_instances_with_one_child(deepcopy):
    one, two = Plain(), Plain()
    one.child = two.child = [1]
    one.other = two
    x = [one, two]
    return x, {id(x): "x", id(one): "one", id(two): "two", id(one.child): "child", id(Plain): "cls"}


def graph_instance_and_its_dict(deepcopy):
    obj = Plain()
    obj.a = [1]
    x = [obj, obj.__dict__, obj.a]
    return x, {id(x): "x", id(obj): "obj", id(obj.__dict__): "dict", id(obj.a): "a"}


def graph_empty_instance(deepcopy):
    x = Plain()
    return x, {id(x): "x", id(Plain): "cls"}


def graph_slots(deepcopy):
    x = Slotted()
    x.a, x.b = [1], "text"
    return x, {id(x): "x", id(Slotted): "cls", id(x.a): "a", id(x.b): "b"}


def graph_slots_and_dict(deepcopy):
    x = SlottedWithDict()
    x.a = x.c = [1]
    return x, {id(x): "x", id(SlottedWithDict): "cls", id(x.a): "a"}


def graph_dataclass(deepcopy):
    x = Data([1], Data("inner"))
    return x, {id(x): "x", id(x.a): "a", id(x.b): "b", id(Data): "cls"}


def graph_class_with_metaclass(deepcopy):
    x = [OfMeta, OfMeta, Plain]
    return x, {id(x): "x", id(OfMeta): "cls", id(Plain): "plain"}


def graph_reduce_with_all_elements(deepcopy):
    x = ReducesToEverything([1])
    return x, {id(x): "x", id(x.a): "a", id("k"): "'k'"}


def graph_reduce_to_list(deepcopy):
    x = [ReducesToList()] * 2
    return x, {id(x): "x", id(x[0]): "r"}


def graph_reduce_to_text(deepcopy):
    x = [ReducesToText()] * 2
    return x, {id(x): "x", id(x[0]): "r"}


def graph_fresh_state(deepcopy):
    x = [FreshState()] * 2
    return x, {id(x): "x", id(x[0]): "f", id(FreshState): "cls"}


def graph_newargs_ex(deepcopy):
    x = NewArgsEx()
    return x, {id(x): "x", id(NewArgsEx): "cls"}


def graph_bound_method(deepcopy):
    obj = hook([1], deepcopy)
    x = [obj.__deepcopy__, obj]
    return x, {id(x): "x", id(obj): "obj", id(obj.below): "below", id(x[0]): "method"}


def graph_hook(deepcopy):
    x = [hook([1], deepcopy), 5]
    x.append(x[0].below)
    return x, {id(x): "x", id(x[0]): "hook", id(x[2]): "below"}


def graph_hooks_that_give_nothing(deepcopy):
    itself, none = HookOfItself(), HookOfNone()
    x = [itself, none, itself, none]
    return x, {id(x): "x", id(itself): "itself", id(none): "none"}


def graph_counter(deepcopy):
    x = collections.Counter("abca")
    return x, {id(x): "x"}


def graph_counter_with_copied_keys(deepcopy):
    a = Plain()
    x = collections.Counter([a, a])
    return x, {id(x): "x", id(a): "a"}


def graph_namedtuple(deepcopy):
    x = [Point([1], 2), Point(3, 4)]
    return x, {id(x): "x", id(x[0]): "p", id(x[1]): "q", id(x[0].a): "a", id(Point): "cls"}


def graph_subclasses(deepcopy):
    a, b, c = ListSub([[1]]), DictSub(k=[2]), TupleSub(([3],))
    a.b = b.c = c.a = [4]
    x = [a, b, c]
    return x, {id(x): "x", id(a): "a", id(b): "b", id(c): "c", id(a.b): "shared", id(a[0]): "item", id(b["k"]): "value"}


def graph_defaultdict(deepcopy):
    x = collections.defaultdict(list, k=[1])
    x[(1, 2)] = x["k"]
    return x, {id(x): "x", id(x["k"]): "value", id(list): "list"}


def graph_ordered_dict(deepcopy):
    key = Plain()
    x = collections.OrderedDict([("k", [1]), (key, [key])])
    return x, {id(x): "x", id(key): "key", id(x["k"]): "k", id(x[key]): "value"}


def graph_deque(deepcopy):
    x = collections.deque([[1], 2], 5)
    x.append(x)
    return x, {id(x): "x", id(x[0]): "a"}


def graph_chain_map_and_user_list(deepcopy):
    x = [collections.ChainMap({"a": [1]}), collections.UserList([[2]])]
    return x, {id(x): "x", id(x[0]): "chain", id(x[1]): "user"}


def graph_partial(deepcopy):
    x = functools.partial(Plain, [1], k=[2])
    return x, {id(x): "x", id(x.args): "args", id(x.keywords): "keywords", id(x.args[0]): "a"}


def graph_exception(deepcopy):
    x = ValueError([1], "text")
    x.extra = x.args[0]
    return x, {id(x): "x", id(x.args[0]): "a", id(x.__dict__): "dict"}


def graph_namespace(deepcopy):
    x = types.SimpleNamespace(a=[1], b=types.SimpleNamespace())
    return x, {id(x): "x", id(x.a): "a", id(x.b): "b"}


def graph_library_values(deepcopy):
    names = ("decimal", "fraction", "date", "utc", "zone", "aware", "uuid", "enum", "array", "alias", "slice", "range")
    x = [decimal.Decimal(1), fractions.Fraction(1, 3), datetime.date(2000, 1, 2), datetime.timezone.utc,
         datetime.timezone(datetime.timedelta(hours=1)), datetime.datetime(2000, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(2 / 24))),
         uuid.UUID(int=5), Colour.RED, array.array("i", [1]), list[int], slice(1, [2], None), range(3)]
    return x, {id(x): "x", **{id(obj): name for name, obj in zip(names, x)}}


def graph_copyreg(deepcopy):
    x = [Registered()] * 2
    return x, {id(x): "x", id(x[0]): "r"}


def graph_syntax_tree(deepcopy):
    x = ast.parse("a = [b, 1]")
    return x, {id(x): "x", id(x.body): "body", id(x.body[0]): "assign"}


GRAPHS = {name[len("graph_"):]: function for name, function in sorted(globals().items()) if name.startswith("graph_")}
