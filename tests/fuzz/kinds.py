"""The classes of the nodes.  Most of them run code while they are copied: they trace it, look at the copy made so far and change the graph."""

import array
import ast
import collections
import copy
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import gc
import re
import types
import uuid
import weakref
from xml.etree import ElementTree

from .fingerprint import fingerprint
from .world import CONTAINERS, forget_labels_of_freed, label, put, take, walk, walk_to_container, world


class Boom(Exception):
    pass


class Colour(enum.Enum):
    RED = 1
    MIXED = (1, ("nested",))


# What a hook does when it runs -------------------------------------------------------------------------------------------------------------------

def seen(obj):
    """A copy as a hook can see it in the middle: how far it is."""
    if obj is None:
        return "None"
    kind = type(obj).__name__
    if isinstance(obj, (list, dict, set, frozenset, tuple, collections.deque)):
        return f"{kind}({len(obj)})"
    if hasattr(obj, "__dict__") and not isinstance(obj, type):
        return f"{kind}{sorted(map(str, vars(obj)))}"
    return kind if not isinstance(obj, (int, str)) else repr(obj)


def memo_get(memo, obj):
    # Never memo[...]: a defaultdict would make an entry for an object that nobody keeps alive, and its id may come back.
    return memo.get(id(obj), None)


def perform(number, memo):
    """The actions of the node `number`, at most a few times per run: else a list that grows while it is copied would never end."""
    for code, p, q, i in world.actions.get(number, ()):
        if world.budget <= 0:
            return
        world.budget -= 1
        act(number, code, p, q, i, memo)


def act(number, code, p, q, i, memo):
    deepcopy = world.implementation.deepcopy
    trace = world.trace.append
    if code == "move":
        put(walk_to_container(q), i, take(walk_to_container(p, (list,)), i))
        forget_labels_of_freed()
    elif code == "move_value":
        put(walk_to_container(q), i, take(walk_to_container(p, (dict,)), i))
        forget_labels_of_freed()
    elif code == "drop":
        take(walk_to_container(p), i)
        forget_labels_of_freed()
    elif code == "replace":
        put(walk_to_container(p), i, ["fresh", [number]])
        forget_labels_of_freed()
    elif code == "swap":
        found = walk_to_container(p, (list,))
        if type(found) is list and found:
            found.append(found.pop(i % len(found)))
    elif code == "alias":
        put(walk_to_container(q), i, walk(p))
        forget_labels_of_freed()
    elif code == "hide":
        world.limbo.append(take(walk_to_container(p), i))
    elif code == "show":
        if world.limbo:
            put(walk_to_container(q), i, world.limbo.pop())
            forget_labels_of_freed()
    elif code == "clear":
        found = walk_to_container(p, (list,))
        if type(found) is list:
            found.clear()
            forget_labels_of_freed()
    elif code == "collect":
        gc.collect()
    elif code == "temporaries":
        for size in range(i % 5 + 3):
            [[size], {"size": size}, (size, [size])]
    elif code == "shallow":
        found = walk(p)
        shallow = world.implementation.copy(found) if type(found) in (*CONTAINERS, tuple, Plain) else None
        trace(f"{number} shallow {label(found)} {seen(shallow)}")
    elif code == "nested":
        if world.depth < 2:
            world.depth += 1
            try:
                found = walk(p)
                lines = fingerprint(found, deepcopy(found))
                trace(f"{number} nested {label(found)} {lines}")
            finally:
                world.depth -= 1
    elif code == "attribute":
        found = walk(p)
        if type(found) is Plain:
            found.late = [number]
    elif memo is None:
        trace(f"{number} {code} without memo")
    elif code == "nested_memo":
        found = walk(p)
        trace(f"{number} nested with memo {label(found)} {seen(deepcopy(found, memo))}")
    elif code == "peek":
        found = walk(p)
        trace(f"{number} peek {label(found)} {seen(memo_get(memo, found))}")
    elif code == "keys":
        if isinstance(memo, dict):
            kept = dict.get(memo, id(memo), [])  # without a memo of the caller temporaries may be missing, and with them the list
            labels = [world.labels[key] for key in memo if key in world.labels]
            trace(f"{number} keys {labels} kept {[label(obj) for obj in kept if id(obj) in world.labels] if isinstance(kept, list) else kept}")
    elif code == "preset":
        found = walk(p)
        if found is not world.root and not isinstance(found, (int, str)) and found is not None:
            world.held.append(found)
            memo[id(found)] = ("preset", number) if i % 2 else found
    elif code == "preset_atomic":
        found = walk(p)
        if type(found) in (float, str):
            world.held.append(found)
            memo[id(found)] = ["instead of", found]
    elif code == "forget":
        found = walk(p)
        # A memo made for the call may lack the entry of an instance's dict, which would be found when the instance is copied again.
        if hasattr(memo, "pop") and (memo is world.memo_given or type(found) in (list, dict, tuple)):
            memo.pop(id(found), None)
    elif code == "forget_all":
        if hasattr(memo, "clear"):
            memo.clear()
    elif code == "keep":
        # Without a memo of the caller temporaries may be missing, and with them the list.
        try:
            originals = memo[id(memo)]
        except KeyError:
            originals = memo[id(memo)] = []
        if isinstance(originals, list):
            originals.append(walk(p))
    elif code == "steal":
        world.kept_memos.append(memo)
    elif code == "raise":
        raise Boom(number)
    else:
        raise AssertionError(code)


ACTIONS = (["move"] * 6 + ["move_value"] * 2 + ["drop"] * 2 + ["replace"] * 2 + ["swap"] * 2 + ["alias"] * 2 + ["hide"] * 2 + ["show"] * 2 +
           ["collect", "temporaries", "temporaries", "shallow"] + ["nested"] * 3 + ["nested_memo"] * 2 + ["peek"] * 4 + ["keys"] * 3 +
           ["preset"] * 2 + ["preset_atomic"] + ["forget"] + ["keep", "steal", "attribute"])
RARE_ACTIONS = ("raise", "clear", "forget_all")


def enter(what, self, memo=None):
    """Called by every hook: traces it, then acts."""
    if not world.active:
        return
    number = self.__dict__.get("n") if hasattr(self, "__dict__") else getattr(self, "n", None)
    kind = "" if memo is None else f" memo={type(memo).__name__}"
    world.trace.append(f"{what} {number}{kind} gc={gc.isenabled()}")
    if number is not None and world.calls.get(number, 0) < 3:
        world.calls[number] = world.calls.get(number, 0) + 1
        perform(number, memo)


# Classes without hooks ---------------------------------------------------------------------------------------------------------------------------

class Plain:
    pass


class Slots:
    __slots__ = ("n", "a", "b")


class SlotsAndDict(Slots):
    pass


class WeakSlots:
    __slots__ = ("n", "a", "__weakref__")


@dataclasses.dataclass
class Data:
    n: int
    a: object = None
    b: object = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    n: int
    a: object = None


if hasattr(dataclasses, "KW_ONLY"):
    @dataclasses.dataclass(slots=True)
    class SlotsData:
        n: int
        a: object = None

    @dataclasses.dataclass(slots=True, frozen=True)
    class FrozenSlotsData:
        n: int
        a: object = None

Point = collections.namedtuple("Point", "n a b")


class ListSub(list):
    pass


class DictSub(dict):
    pass


class TupleSub(tuple):
    pass


class SetSub(set):
    pass


class FrozenSub(frozenset):
    pass


class DequeSub(collections.deque):
    pass


class OrderedSub(collections.OrderedDict):
    pass


class IntSub(int):
    pass


class StrSub(str):
    pass


class Problem(Exception):
    def __init__(self, n, a):
        super().__init__(n, a)


class Space(types.SimpleNamespace):
    pass


class GetAttr:
    def __getattr__(self, name):
        if world.active and name != "n":
            world.trace.append(f"getattr {name}")
        raise AttributeError(name)


class NoHook:
    __deepcopy__ = None


class Key:
    """Equal and hashed by number."""

    def __hash__(self):
        return hash(self.__dict__.get("n", 0))

    def __eq__(self, other):
        return type(other) is type(self) and self.__dict__.get("n") == other.__dict__.get("n")


class IdentityKey:
    """Equal to itself alone, but hashed by number, so that sets have one order in every run."""

    def __hash__(self):
        return hash(self.__dict__.get("n", 0))


class NestingKey(Key):
    def __hash__(self):
        enter("hash", self)
        return Key.__hash__(self)

    def __eq__(self, other):
        enter("eq", self)
        return Key.__eq__(self, other)


# Classes with hooks ------------------------------------------------------------------------------------------------------------------------------

class Hook:
    """`__deepcopy__` in the ways people write it; `mode` says which."""

    def __deepcopy__(self, memo):
        enter("deepcopy", self, memo)
        deepcopy = world.implementation.deepcopy
        mode = self.mode
        if mode == "published":
            made = type(self)()
            memo[id(self)] = made
            made.__dict__.update({key: deepcopy(value, memo) for key, value in self.__dict__.items()})
            return made
        if mode == "child":
            made = type(self)()
            made.n, made.mode, made.a = self.n, self.mode, deepcopy(self.a, memo)
            enter("deepcopy end", self, memo)
            return made
        if mode == "keyword":
            return [deepcopy(x=self.a, memo=memo), deepcopy(self.a, memo=memo)]
        if mode == "stdlib":
            return ("stdlib", copy.deepcopy(self.a, memo))
        if mode == "fresh":
            if world.depth >= 2:
                return "deep enough"
            world.depth += 1
            try:
                return ["fresh", deepcopy(self.a), deepcopy(self.a)]
            finally:
                world.depth -= 1
        if mode == "none":
            return None
        if mode == "atomic":
            return self.n
        if mode == "itself":
            return self
        if mode == "other":
            return walk(self.n)
        if mode == "type_error":
            raise TypeError(f"hook of {self.n}")
        if mode == "stop":
            raise StopIteration(self.n)
        if mode == "dict_of_self":
            made = type(self)()
            made.__dict__ = deepcopy(self.__dict__, memo)
            return made
        raise AssertionError(mode)


HOOK_MODES = ["published"] * 3 + ["child"] * 4 + ["keyword", "stdlib", "fresh", "fresh", "none", "atomic", "itself", "other", "dict_of_self"]
RARE_HOOK_MODES = ("type_error", "stop")


class HashHook(Key):
    """A hook that can be a member of a set or a key of a dict."""

    a = None

    def __deepcopy__(self, memo):
        enter("deepcopy", self, memo)
        made = HashHook()
        made.n, made.a = self.n, world.implementation.deepcopy(self.a, memo)
        return made


def hook_in_instance(number, memo):
    if world.active:
        world.trace.append(f"instance hook {number} memo={type(memo).__name__}")
        perform(number, memo)
    return ["instance hook", number]


class State:
    """Hands out a fresh state each time: its objects die unless something keeps them."""

    a = None

    def __getstate__(self):
        enter("getstate", self)
        return {"n": self.n, "a": self.a, "twice": [[self.a], [self.n]], "temporary": [[1], (2, [3])]}


class FalsyState:
    def __getstate__(self):
        enter("getstate", self)
        return {} if self.n % 2 else []

    def __setstate__(self, state):
        self.got = state


class SetState:
    def __setstate__(self, state):
        self.__dict__.update(state)
        enter("setstate", self)
        self.seen = seen(state)


class LateSetState:
    """`__setstate__` appears only when it is looked up after the state was copied."""

    def __getattr__(self, name):
        if name == "__setstate__" and world.active:
            world.trace.append(f"lookup of __setstate__ with budget {world.budget}")
        raise AttributeError(name)


class NewArgs:
    a = None

    def __new__(cls, n=None, a=None):
        self = super().__new__(cls)
        if world.active:
            world.trace.append(f"new {n} {seen(a)}")
            perform(n, None)
        return self

    def __getnewargs__(self):
        enter("getnewargs", self)
        return (self.n, self.a)


class NewArgsEx:
    a = None

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        if world.active:
            world.trace.append(f"new {seen(args)} {sorted(kwargs)}")
        return self

    def __getnewargs_ex__(self):
        enter("getnewargs_ex", self)
        return (self.n, self.a), {"again": self.a, "fresh": [self.n]}


class Target:
    """What reduce values build."""

    def __init__(self, *args):
        self.args = args
        if world.active:
            world.trace.append(f"target {[seen(arg) for arg in args]}")

    def append(self, item):
        self.__dict__.setdefault("items", []).append(item)
        if world.active:
            world.trace.append(f"append {seen(item)}")

    def __setitem__(self, key, value):
        self.__dict__.setdefault("pairs", []).append((key, value))
        if world.active:
            world.trace.append(f"setitem {seen(key)} {seen(value)}")


class SlotTarget:
    __slots__ = ("n", "x", "y", "__dict__")

    def __init__(self, n=None):
        self.n = n

    def __setattr__(self, name, value):
        if world.active:
            world.trace.append(f"setattr {name} {seen(value)}")
        object.__setattr__(self, name, value)


class Reduce:
    """`__reduce_ex__` with every optional element; `mode` says which."""

    def __reduce_ex__(self, protocol):
        enter("reduce_ex", self)
        n, a, b = self.n, self.a, self.b
        return {
            "two": lambda: (Target, (n, a)),
            "no_args": lambda: (Target, ()),
            "list": lambda: [Target, [n, a]],
            "temporaries": lambda: (Target, ([a], [a], ([n],))),
            "state": lambda: (Target, (n,), {"a": a, "b": b}),
            "pairs": lambda: (Target, (n,), [("a", a), ("b", [b])]),
            "slots": lambda: (SlotTarget, (n,), (None, {"x": a, "y": b})),
            "both": lambda: (SlotTarget, (n,), ({"a": a}, {"x": a, "y": b})),
            "setstate": lambda: (SetState, (), {"n": n, "a": a, "self": self}),
            "items": lambda: (Target, (n,), None, iter([a, b, a])),
            "pair_items": lambda: (Target, (n,), None, None, iter([(a, b), ("k", a)])),
            "all": lambda: (Target, (n, b), {"a": a}, iter([a, [b]]), iter({"x": b, "y": a}.items())),
            "into_list": lambda: (ListSub, (), {"n": n}, (item for item in [a, b, self])),
            "into_dict": lambda: (DictSub, (), {"n": n}, None, {"a": a, "self": self}.items()),
            "text": lambda: "Reduce",
            "itself": lambda: (walk, (0,), None),
            "class": lambda: (copyreg.__newobj__, (Plain,), {"n": n, "a": a}),
            "partial": lambda: (functools.partial(Target, n), (a,)),
            "wrong": lambda: (Target, (), 5),
            "short": lambda: (Target,),
        }[self.mode]()


REDUCE_MODES = ("two", "no_args", "list", "temporaries", "temporaries", "state", "pairs", "slots", "both", "setstate", "items", "pair_items", "all",
                "all", "into_list", "into_dict", "text", "class", "partial")
RARE_REDUCE_MODES = ("wrong", "short", "itself")


class PlainReduce:
    a = None

    def __reduce__(self):
        enter("reduce", self)
        return Target, (self.n, self.a), {"more": [self.a]}


class Registered:
    a = None


def reduce_registered(obj):
    enter("copyreg", obj)
    return rebuild_registered, (obj.n, obj.a)


def rebuild_registered(n, a):
    made = Registered()
    made.n, made.a = n, a
    return made


copyreg.pickle(Registered, reduce_registered)


class Appender(list):
    def append(self, item):
        if world.active:
            world.trace.append(f"append {seen(item)} to {len(self)}")
        super().append(item)


class Setter(dict):
    def __setitem__(self, key, value):
        if world.active:
            world.trace.append(f"setitem {seen(key)} {seen(value)} to {len(self)}")
        super().__setitem__(key, value)


class Iterated(list):
    """Its iterator makes fresh items, which die unless they are kept."""

    def __iter__(self):
        for index in range(len(self)):
            yield [self[index], index]


class Reporting:
    """Says when it is freed."""

    def __del__(self):
        if world.active:
            world.freed.append(f"freed {self.__dict__.get('n')}")


class Methods(Plain):
    def method(self):
        pass


# Builders: name -> function of (number, children, parameter) ------------------------------------------------------------------------------------

def _fill(obj, n, kids, names=("a", "b")):
    obj.n = n
    for name, kid in zip(names, kids):
        setattr(obj, name, kid)
    return obj


def _instance(cls, names=("a", "b")):
    return lambda n, kids, parameter: _fill(cls(), n, kids, names)


def _moded(cls):
    def build(n, kids, parameter):
        obj = cls()
        obj.n, obj.mode, obj.a, obj.b = n, parameter, kids[0] if kids else [n], kids[1] if len(kids) > 1 else None
        return obj
    return build


def _with_attributes(cls, make):
    def build(n, kids, parameter):
        obj = make(cls, n, kids)
        obj.n = n
        if len(kids) > 1:
            obj.extra = kids[1]
        return obj
    return build


def _instance_hook(n, kids, parameter):
    obj = _fill(Plain(), n, kids)
    obj.__deepcopy__ = functools.partial(hook_in_instance, n)
    return obj


def _pairs_with_hooks(n, kids):
    """Keys from the graph, each with a value that runs a hook, refers to the key, or does neither."""
    for index, key in enumerate(kids):
        if (n + index) % 3:
            value = HashHook()
            value.n, value.a = 100 * (n + 1) + index, [key] if n % 2 else None
        else:
            value = [n, key]
        yield key, value


def _dict_of_keys(n, kids, parameter):
    return dict(_pairs_with_hooks(n, kids))


def _element(n, kids, parameter):
    element = ElementTree.Element("tag%d" % n, {"n": str(n)})
    element.text = "text %d" % n
    shared = ElementTree.SubElement(element, "child")
    ElementTree.SubElement(shared, "leaf").tail = "tail"
    if n % 2:
        element.append(shared)
    return element


def _weakref(n, kids, parameter):
    return [weakref.ref(kid) if type(kid) in (Plain, Key, IdentityKey, Data) else kid for kid in kids] + list(kids)


def _exception(n, kids, parameter):
    problem = Problem(n, kids[0] if kids else None)
    if len(kids) > 1:
        problem.note = kids[1]
    return problem


def _node(n, kids, parameter):
    """Mostly as parsers make them; every third one has an attribute of the program's, or its fields in another order, or one less."""
    node = ast.Attribute(None, "name", ast.Load())
    values = {"value": kids[:1], "attr": "name", "ctx": kids[1] if len(kids) > 1 else None, "lineno": n}
    vars(node).clear()
    vars(node).update(values if n % 4 else reversed(values.items()))
    if n % 3 == 0:
        node.extra = kids[2:]
    if n % 5 == 0:
        del node.ctx
    return node


BUILDERS = {
    # name: (how many children, what the children may be, builder).  "late" kinds are in the memo before their children: edges may be added to them
    # afterwards, cycles through them end.  "early" kinds copy children first.  "keys": children must be hashable.
    "list": ((0, 5), "late", lambda n, kids, p: list(kids)),
    "dict": ((0, 4), "late", lambda n, kids, p: {"k%d" % i: kid for i, kid in enumerate(kids)}),
    "dict_of_keys": ((1, 3), "keys", _dict_of_keys),
    "dict_int_keys": ((0, 3), "late", lambda n, kids, p: {i: kid for i, kid in enumerate(kids)}),
    "tuple": ((0, 4), "early", lambda n, kids, p: tuple(kids)),
    "set": ((0, 3), "keys", lambda n, kids, p: set(kids)),
    "frozenset": ((0, 3), "keys", lambda n, kids, p: frozenset(kids)),
    "set_of_ints": ((0, 0), "leaf", lambda n, kids, p: {n % 5, (n + 1) % 5, (n + 3) % 5}),
    "bytearray": ((0, 0), "leaf", lambda n, kids, p: bytearray(b"%d" % n)),
    "plain": ((0, 2), "late", _instance(Plain)),
    "slots": ((0, 2), "late", _instance(Slots)),
    "slots_and_dict": ((0, 2), "late", lambda n, kids, p: _fill(_fill(SlotsAndDict(), n, kids), n, kids, ("c", "d"))),
    "weak_slots": ((0, 1), "late", _instance(WeakSlots, ("a",))),
    "data": ((0, 2), "late", lambda n, kids, p: Data(n, *kids)),
    "frozen": ((0, 1), "early", lambda n, kids, p: Frozen(n, *kids)),
    "slots_data": ((0, 1), "early", lambda n, kids, p: SlotsData(n, *kids)),
    "frozen_slots_data": ((0, 1), "early", lambda n, kids, p: FrozenSlotsData(n, *kids)),
    "namedtuple": ((2, 2), "early", lambda n, kids, p: Point(n, *kids, *[None] * (2 - len(kids)))),
    "list_sub": ((0, 3), "late", _with_attributes(ListSub, lambda cls, n, kids: cls(kids))),
    "dict_sub": ((0, 3), "late", _with_attributes(DictSub, lambda cls, n, kids: cls({"k%d" % i: kid for i, kid in enumerate(kids)}))),
    "tuple_sub": ((0, 2), "early", _with_attributes(TupleSub, lambda cls, n, kids: cls(kids))),
    "set_sub": ((0, 2), "keys", _with_attributes(SetSub, lambda cls, n, kids: cls(kids))),
    "frozen_sub": ((0, 2), "keys", _with_attributes(FrozenSub, lambda cls, n, kids: cls(kids))),
    "int_sub": ((0, 2), "early", _with_attributes(IntSub, lambda cls, n, kids: cls(n))),
    "str_sub": ((0, 2), "early", _with_attributes(StrSub, lambda cls, n, kids: cls("s%d" % n))),
    "deque": ((0, 3), "early", lambda n, kids, p: collections.deque(kids, n % 3 + 3 if n % 2 else None)),
    "deque_sub": ((0, 3), "early", _with_attributes(DequeSub, lambda cls, n, kids: cls(kids))),
    "ordered": ((0, 3), "early", lambda n, kids, p: collections.OrderedDict((str(i), kid) for i, kid in enumerate(kids))),
    "ordered_sub": ((0, 3), "early", _with_attributes(OrderedSub, lambda cls, n, kids: cls((str(i), kid) for i, kid in enumerate(kids)))),
    "ordered_keys": ((1, 3), "keys", lambda n, kids, p: collections.OrderedDict(_pairs_with_hooks(n, kids))),
    "defaultdict": ((0, 3), "early", lambda n, kids, p: collections.defaultdict(list, {i: kid for i, kid in enumerate(kids)})),
    "counter": ((0, 2), "keys", lambda n, kids, p: collections.Counter({kid: i for i, kid in enumerate(kids)})),
    "chain_map": ((0, 2), "early", lambda n, kids, p: collections.ChainMap({"a": kids[:1]}, {"b": kids[1:]})),
    "user_dict": ((0, 2), "early", lambda n, kids, p: collections.UserDict({"k%d" % i: kid for i, kid in enumerate(kids)})),
    "user_list": ((0, 2), "early", lambda n, kids, p: collections.UserList(kids)),
    "partial": ((0, 3), "early", lambda n, kids, p: functools.partial(Target, n, *kids[:1], **{"k%d" % i: kid for i, kid in enumerate(kids[1:])})),
    "method": ((0, 2), "early", lambda n, kids, p: _fill(Methods(), n, kids).method),
    "builtin_method": ((0, 1), "early", lambda n, kids, p: list(kids).append),
    "exception": ((0, 2), "early", _exception),
    "space": ((0, 2), "late", lambda n, kids, p: types.SimpleNamespace(n=n, **dict(zip("ab", kids)))),
    "space_sub": ((0, 2), "late", lambda n, kids, p: Space(n=n, **dict(zip("ab", kids)))),
    "node": ((0, 3), "early", _node),
    "enum": ((0, 0), "leaf", lambda n, kids, p: (Colour.RED, Colour.MIXED)[n % 2]),
    "float": ((0, 0), "leaf", lambda n, kids, p: n + 0.25),
    "text": ((0, 0), "leaf", lambda n, kids, p: "text %d" % n),
    "big_int": ((0, 0), "leaf", lambda n, kids, p: 10**20 + n),
    "bytes": ((0, 0), "leaf", lambda n, kids, p: b"bytes %d" % n),
    "object": ((0, 0), "leaf", lambda n, kids, p: object()),
    "datetime": ((0, 0), "leaf", lambda n, kids, p: datetime.datetime(2000, 1, 1 + n % 28, tzinfo=datetime.timezone(datetime.timedelta(hours=n % 12)))),
    "date": ((0, 0), "leaf", lambda n, kids, p: datetime.date(2000, 1, 1 + n % 28)),
    "timedelta": ((0, 0), "leaf", lambda n, kids, p: datetime.timedelta(n % 3)),
    "fraction": ((0, 0), "leaf", lambda n, kids, p: fractions.Fraction(n, 7)),
    "decimal": ((0, 0), "leaf", lambda n, kids, p: decimal.Decimal(n)),
    "uuid": ((0, 0), "leaf", lambda n, kids, p: uuid.UUID(int=n)),
    "array": ((0, 0), "leaf", lambda n, kids, p: array.array("i", range(n % 5))),
    "range": ((0, 0), "leaf", lambda n, kids, p: range(n)),
    "slice": ((0, 2), "early", lambda n, kids, p: slice(n, *kids)),
    "generic": ((0, 0), "leaf", lambda n, kids, p: list[int]),
    "pattern": ((0, 0), "leaf", lambda n, kids, p: re.compile("x%d" % (n % 3))),
    "class": ((0, 0), "leaf", lambda n, kids, p: (int, Plain, Colour, collections.UserList)[n % 4]),
    "function": ((0, 0), "leaf", lambda n, kids, p: (walk, len, property(walk))[n % 3]),
    "weakref": ((1, 2), "early", _weakref),
    "element": ((0, 0), "leaf", _element),
    "getattr": ((0, 2), "late", _instance(GetAttr)),
    "no_hook": ((0, 2), "late", _instance(NoHook)),
    "key": ((0, 1), "late", _instance(Key)),
    "identity_key": ((0, 1), "late", _instance(IdentityKey)),
    "nesting_key": ((0, 1), "late", _instance(NestingKey)),
    "hook": ((0, 2), "early", _moded(Hook)),
    "hash_hook": ((1, 1), "early", _instance(HashHook)),
    "instance_hook": ((0, 2), "early", _instance_hook),
    "state": ((1, 1), "late", _instance(State)),
    "falsy_state": ((0, 1), "late", _instance(FalsyState)),
    "set_state": ((0, 2), "late", _instance(SetState)),
    "late_set_state": ((0, 2), "late", _instance(LateSetState)),
    "new_args": ((1, 1), "early", _instance(NewArgs)),
    "new_args_ex": ((1, 1), "early", _instance(NewArgsEx)),
    "reduce": ((1, 2), "early", _moded(Reduce)),
    "plain_reduce": ((1, 1), "early", _instance(PlainReduce)),
    "registered": ((1, 1), "early", _instance(Registered)),
    "appender": ((0, 3), "late", _with_attributes(Appender, lambda cls, n, kids: cls(kids))),
    "setter": ((0, 3), "late", _with_attributes(Setter, lambda cls, n, kids: cls({"k%d" % i: kid for i, kid in enumerate(kids)}))),
    "iterated": ((0, 3), "early", _with_attributes(Iterated, lambda cls, n, kids: cls(kids))),
    "reporting": ((0, 2), "late", _instance(Reporting)),
    "unsupported": ((0, 0), "rare", lambda n, kids, p: (memoryview(b"x"), types.MappingProxyType({}), (i for i in ()))[n % 3]),
}
if not hasattr(dataclasses, "KW_ONLY"):
    del BUILDERS["slots_data"], BUILDERS["frozen_slots_data"]

HASHABLE_LEAVES = {"float", "text", "big_int", "bytes", "enum", "fraction", "decimal", "uuid", "date", "key", "identity_key", "nesting_key", "hash_hook"}
HASHABLE_IF_CHILDREN_ARE = {"tuple", "frozenset", "namedtuple", "tuple_sub"}
# Chosen more often than the others.
FREQUENT = ["list"] * 10 + ["dict"] * 6 + ["tuple"] * 6 + ["plain"] * 4 + ["hook"] * 9 + ["reduce"] * 4 + ["state"] * 2 + ["slots", "data", "hash_hook", "hash_hook", "key", "dict_of_keys", "dict_of_keys", "ordered_keys"]
