"""The rest of hooks.py: keys, subclasses of containers, finalizers, tracers, memos."""

import collections
import copy
import datetime
import decimal
import enum
import fractions
import gc
import pickle
import sys
import uuid
import weakref

from .attribute_hooks import Name
from .hooks import answer, filled, hook, remake
from .world import GO_ON, bag, fire, world


# Hashes and comparisons -----------------------------------------------------------------------------------------------------------------------------

def key_class(hashing, comparing, equal=False):
    class Key:
        def __init__(self, n):
            self.n = n
            self.below = bag(n)

        def __hash__(self):
            if hashing:
                fire("hash", self)
            return 3

        def __eq__(self, other):
            if comparing:
                out = fire("eq", self)
                if out is not GO_ON:
                    return out
            return self is other or (equal and world.armed)
    return Key


for _title, _arguments in (("__hash__", (True, False)), ("__eq__", (False, True)), ("__eq__ that finds copies equal", (False, True, True))):
    for _kind, _make in (
            ("a dict", lambda keys: {key: [i] for i, key in enumerate(keys)}), ("a set", set), ("a frozenset", frozenset),
            ("an ordered dict", lambda keys: collections.OrderedDict((key, [i]) for i, key in enumerate(keys))),
            ("a counter", lambda keys: collections.Counter(keys)),
            ("a default dict", lambda keys: collections.defaultdict(list, ((key, [i]) for i, key in enumerate(keys)))),
            ("a dict of tuples", lambda keys: {(key, i): [i] for i, key in enumerate(keys)})):
        @hook(f"{_title} in {_kind}", unhashed=True)
        def _(base, arguments=_arguments, make=_make):
            Key = key_class(*arguments)
            return lambda: make([Key(i) for i in range(3)])


# Subclasses of containers and values ----------------------------------------------------------------------------------------------------------------

def subclass_hook(name, kind, method, arguments=()):
    """A method of a subclass fires before it does what the base's does."""
    @hook(name)
    def _(base):
        original = getattr(kind, method)

        def fires(self, *args, **kwargs):
            subject = None if isinstance(self, type) else self
            out = fire(method, subject)
            return original(self, *args, **kwargs) if out is GO_ON else out
        own = {method: fires}
        if base.__slots__ == () and method in ("__eq__", "__hash__"):
            own = {"__hash__": lambda self: 5, "__eq__": lambda self, other: self is other, **own}
        cls = type("Sub", (base, kind), own)

        def make():
            x = cls(*(argument() for argument in arguments))
            x.a = bag(106)
            return x
        return make


for _kind, _arguments, _methods in (
        (list, (lambda: [[1], bag(107), [2]],), ("append", "extend", "__iter__", "__len__", "__new__", "__reduce_ex__")),
        (dict, (lambda: {"k": [1], "l": bag(108), (1, 2): [2]},), ("__setitem__", "items", "__iter__", "keys", "update", "__new__", "__len__")),
        (tuple, (lambda: ([1], bag(109)),), ("__new__", "__iter__", "__len__")),
        (set, (lambda: {1, 2, (3, 4)},), ("__iter__", "__init__", "add", "__reduce__", "__len__")),
        (frozenset, (lambda: {1, 2, (3, 4)},), ("__iter__", "__new__", "__reduce__")),
        (collections.deque, (lambda: [[1], bag(110), [2]],), ("append", "__iter__", "__init__", "__len__", "extend", "__reduce__", "__new__")),
        (collections.OrderedDict, (lambda: {"k": [1], "l": bag(111)},), ("__setitem__", "items", "__iter__", "__init__", "update", "__reduce__", "keys")),
        (collections.defaultdict, (lambda: list, lambda: {"k": [1], "l": bag(112)}), ("__setitem__", "items", "__iter__", "__init__", "__missing__")),
        (collections.Counter, (lambda: {"k": 1, "l": 2},), ("__init__", "update", "__setitem__", "__iter__", "items")),
        (collections.ChainMap, (lambda: {"k": [1]}, lambda: {"l": bag(113)}), ("__init__", "__iter__", "__getitem__")),
        (collections.UserList, (lambda: [[1], bag(114)],), ("__init__", "__iter__", "append", "__len__")),
        (bytearray, (lambda: b"bytes",), ("__init__", "__new__", "__len__")),
        (int, (lambda: 5,), ("__new__", "__index__")), (str, (lambda: "s",), ("__new__", "__hash__", "__eq__")), (float, (lambda: 1.5,), ("__new__",)),
        (fractions.Fraction, (lambda: 1, lambda: 3), ("__new__", "__deepcopy__")),
        (datetime.date, (lambda: 2000, lambda: 1, lambda: 2), ("__new__", "__reduce__")),
        (datetime.timedelta, (lambda: 1,), ("__new__", "__reduce__")),
        (ValueError, (lambda: [1], lambda: bag(115)), ("__init__", "__new__", "__setstate__", "__reduce__"))):
    for _method in _methods:
        if hasattr(_kind, _method):
            subclass_hook(f"{_method} of a {_kind.__name__}", _kind, _method, _arguments)


for _kind, _arguments in (
        (list, ([[1]],)), (dict, ({"k": [1]},)), (tuple, ([1],)), (set, ({1},)), (frozenset, ({1},)), (collections.deque, ([[1]],)),
        (collections.OrderedDict, ({"k": [1]},)), (collections.Counter, ({"k": 1},)), (collections.UserList, ([[1]],)), (ValueError, ([1],)), (int, (5,)),
        (fractions.Fraction, (1, 3)), (decimal.Decimal, (1,)), (datetime.timedelta, (1,)), (uuid.UUID, ("0" * 32,)),
        (collections.namedtuple("Pair", "one two"), ([1], 2))):
    @hook(f"key in the dict of a {_kind.__name__}", unhashed=_kind in (list, dict, set))
    def _(base, kind=_kind, arguments=_arguments):
        cls = type("Sub", (base, kind), {})
        saved = pickle.dumps(arguments)  # what is done to one object's must not be found in the next one's

        def make():
            x = cls(*pickle.loads(saved))
            vars(x).update({Name("x__deepcopy__"): [1], Name("x__reduce_ex__"): [2], "a": [3]})
            return x
        return make


@hook("key in the dict of a member of an enumeration", unhashed=True)
def _(base):
    def make():
        cls = enum.Enum("Colour", "RED GREEN")
        vars(cls.RED)[Name("x__deepcopy__")] = [1]
        vars(cls.RED)[Name("x__reduce_ex__")] = [2]
        return [bag(121), cls.RED, cls.GREEN, cls.RED]
    return make


@hook("tzinfo of a datetime")
def _(base):
    class Zone(datetime.tzinfo):
        def __reduce__(self):
            return answer("reduce", self, lambda: (Zone, ()))

        def utcoffset(self, when):
            fire("utcoffset", self)
            return None
    return lambda: datetime.datetime(2000, 1, 2, tzinfo=Zone())


@hook("factory of a default dict", unhashed=True)
def _(base):
    class Factory(base):
        def __deepcopy__(self, memo):
            return answer("deepcopy", self, lambda: list, memo)

        def __call__(self):
            return []
    return lambda: collections.defaultdict(Factory(), k=bag(116))


# Finalizers and weak references ---------------------------------------------------------------------------------------------------------------------

class Finalized:
    """Copied as any instance; its copies say when they die, and so does it."""

    def __del__(self):
        fire("del", None)


class Watched(list):
    """The same by a callback of a weak reference."""


def watched():
    made = Watched([[1]])
    world.extra.append(weakref.ref(made, lambda reference: fire("callback", None)))
    return made


class WatchedCopy:
    """Its copy has a weak reference with a callback."""

    def __reduce__(self):
        return watched, ()


MORTALS = (("__del__", Finalized), ("callback", WatchedCopy))


class Same:
    """Its copies are equal to each other."""

    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return 4

    def __eq__(self, other):
        return world.armed or self is other


class Fails:
    def __deepcopy__(self, memo):
        raise ValueError("fails")


class Swallows:
    """Its children cannot be copied; it goes on all the same."""

    def __init__(self, below):
        self.below = below

    def __deepcopy__(self, memo):
        try:
            world.api.deepcopy(self.below, memo)
        except ValueError:
            pass
        try:
            world.api.deepcopy(self.below)
        except ValueError:
            pass
        return "swallowed"


for _title, _mortal in MORTALS:
    @hook(f"{_title} of a copy that is overwritten in a dict", unhashed=True)
    def _(base, mortal=_mortal):
        return lambda: {Same(1): mortal(), Same(2): mortal(), "k": [1]}

    @hook(f"{_title} of copies when an error ends the copy", unhashed=True)
    def _(base, mortal=_mortal):
        return lambda: [bag(117), mortal(), {"k": mortal()}, (mortal(), [mortal()], world.plain(mortal(), Fails(), [1]))]

    @hook(f"{_title} of copies when an error ends a nested copy")
    def _(base, mortal=_mortal):
        return lambda: Swallows([bag(118), mortal(), {"k": mortal()}, (mortal(), world.slots(mortal(), Fails(), [1]))])

    @hook(f"{_title} of a rejected tuple", unhashed=True)
    def _(base, mortal=_mortal):
        def make():
            inner = [[1]]
            x = (mortal(), inner, [2])
            inner.append(x)
            return x
        return make

    @hook(f"{_title} of a key's copy that is not needed", unhashed=True)
    def _(base, mortal=_mortal):
        def make():
            x = {Same(1): [1], Same(2): [2]}
            for key in x:
                key.mortal = mortal()
            return [x, set(x), bag(119)]
        return make

    @hook(f"{_title} of arguments of __reduce__")
    def _(base, mortal=_mortal):
        class X(base):
            def __reduce__(self):
                return remake, (type(self), mortal(), [mortal()]), {"a": self.a, "b": mortal()}
        return filled(X)

    @hook(f"{_title} of what a slot holds before")
    def _(base, mortal=_mortal):
        class X(base):
            __slots__ = ("a", "b")

            def __new__(cls):
                x = object.__new__(cls)
                if world.armed:
                    x.a = mortal() if mortal is Finalized else watched()
                    x.b = mortal() if mortal is Finalized else watched()
                return x

        def make():
            x = filled(X)()
            x.b = [1]
            return x
        return make

    @hook(f"{_title} of what an attribute holds before")
    def _(base, mortal=_mortal):
        class X(base):
            def __new__(cls):
                x = object.__new__(cls)
                if world.armed:
                    x.b = mortal() if mortal is Finalized else watched()
                    x.a = mortal() if mortal is Finalized else watched()
                return x

        def make():
            x = filled(X)()
            x.b = [1]
            return x
        return make

    @hook(f"{_title} of the iterator of __reduce__")
    def _(base, mortal=_mortal):
        class X(base):
            def __reduce__(self):
                def each():
                    held = mortal() if mortal is Finalized else watched()
                    yield self.a
                    yield [held is None]
                return list, (), None, each()
        return filled(X)

    @hook(f"{_title} of a source that a hook drops", unhashed=True)
    def _(base, mortal=_mortal):
        class Drops:
            def __reduce__(self):
                world.holder.clear()
                return list, ([1],)

        def make():
            world.holder = [mortal() if mortal is Finalized else watched()]
            return [world.holder, Drops(), bag(120)]
        return make

    @hook(f"{_title} of the originals that the memo keeps")
    def _(base, mortal=_mortal):
        class X(base):
            def __getstate__(self):
                return {"a": self.a, "b": mortal() if mortal is Finalized else watched()}
        return filled(X)


# The collector and tracers ----------------------------------------------------------------------------------------------------------------------------

for _phase in ("start", "stop"):
    @hook(f"callback of the collector at its {_phase}")
    def _(base, phase=_phase):
        class X(base):
            def __deepcopy__(self, memo):
                def callback(now, info):
                    if now == phase:
                        fire("collector", self, memo)
                gc.callbacks.append(callback)
                try:
                    gc.collect(0)
                finally:
                    gc.callbacks.remove(callback)
                return [1]
        return filled(X)


@hook("finalizer run by the collector")
def _(base):
    class X(base):
        def __getstate__(self):
            garbage = Finalized()
            garbage.cycle = garbage
            del garbage
            gc.collect(0)
            return {"a": self.a}
    return filled(X)


def traced_function():
    return [1]


def setting(function, tracer):
    class X:
        def __deepcopy__(self, memo):
            function(tracer)
            try:
                return traced_function()
            finally:
                function(None)
    return X


for _event in ("call", "return"):
    for _function in ("settrace", "setprofile"):
        @hook(f"sys.{_function}, {_event}")
        def _(base, event=_event, function=_function):
            def tracer(frame, now, argument):
                if frame.f_code is traced_function.__code__ and now == event:
                    fire("traced", None)
                return tracer
            return filled(type("X", (base, setting(getattr(sys, function), tracer)), {}))


@hook("sys.settrace over the whole copy")
def _(base):
    class X(base):
        def __reduce__(self):
            return traced_function(), 1
        __deepcopy__ = None

        def __reduce_ex__(self, protocol):
            traced_function()
            return remake, (type(self),), {"a": self.a}

    def tracer(frame, now, argument):
        if frame.f_code is traced_function.__code__:
            fire(f"traced {now}", None)
            return tracer
        return None

    def make():
        x = filled(X)()
        world.before = lambda: sys.settrace(tracer)
        world.undo.append(lambda: sys.settrace(None))
        return x
    return make


if hasattr(sys, "monitoring"):
    for _event in ("PY_START", "PY_RETURN"):
        @hook(f"sys.monitoring, {_event}")
        def _(base, event=_event):
            class X(base):
                def __deepcopy__(self, memo):
                    monitoring, number = sys.monitoring, getattr(sys.monitoring.events, event)
                    if monitoring.get_tool(4) is not None:  # a nested copy
                        return traced_function()
                    monitoring.use_tool_id(4, "hostile")
                    monitoring.register_callback(4, number, lambda *arguments: fire("monitored", self))
                    try:
                        monitoring.set_local_events(4, traced_function.__code__, number)
                        return traced_function()
                    finally:
                        monitoring.set_local_events(4, traced_function.__code__, 0)
                        monitoring.register_callback(4, number, None)
                        monitoring.free_tool_id(4)
            return filled(X)


# Memos --------------------------------------------------------------------------------------------------------------------------------------------------

class Watching:
    """A memo without a base: three methods, and what actions ask of a mapping."""

    def __init__(self):
        self.data = {}

    def __delitem__(self, key):
        del self.data[key]

    def __iter__(self):
        return iter(self.data)

    def clear(self):
        self.data.clear()

    def get(self, key, default=None):
        return self.data.get(key, default)

    def __getitem__(self, key):
        return self.data[key]

    def __setitem__(self, key, value):
        self.data[key] = value


def memo_hook(base, kind, method):
    original = getattr(kind, method)

    def fires(self, key, *rest):
        if key == world.target or key == id(self):
            out = fire(f"memo {method} {'list' if key == id(self) else 'object'} {len(rest)}", None, self)
            if out is not GO_ON:
                return out
        return original(self, key, *rest)
    cls = type("Memo", (kind,), {method: fires})

    class X(base):
        pass

    def make():
        x = filled(X)()
        world.target = id(x)
        world.memo_factory = cls
        return x
    return make


for _kind, _methods in (
        (Watching, ("get", "__getitem__", "__setitem__")), (dict, ("get", "__getitem__", "__setitem__", "__contains__", "setdefault")),
        (collections.UserDict, ("get", "__getitem__", "__setitem__", "__contains__")),
        (collections.OrderedDict, ("get", "__getitem__", "__setitem__"))):
    for _method in _methods:
        @hook(f"{_method} of a memo, a {_kind.__name__}")
        def _(base, kind=_kind, method=_method):
            return memo_hook(base, kind, method)


@hook("__missing__ of a memo")
def _(base):
    class Memo(dict):
        def __missing__(self, key):
            out = fire(f"memo missing {'list' if key == id(self) else 'object'}", None, self)
            if out is GO_ON:
                raise KeyError(key)
            return out

    class X(base):
        pass

    def make():
        world.memo_factory = Memo
        return filled(X)()
    return make


for _how in ("append", "__class__"):
    @hook(f"{_how} of the list of originals")
    def _(base, how=_how):
        class Originals(list):
            def append(self, item):
                if how == "append":
                    fire("kept", None)
                list.append(self, item)

        class X(base):
            pass

        def factory():
            memo = {}
            memo[id(memo)] = Originals()
            return memo

        def make():
            world.memo_factory = factory
            return filled(X)()
        return make


# copy.copy ----------------------------------------------------------------------------------------------------------------------------------------------

@hook("__copy__", alone=True)
def _(base):
    class X(base):
        def __copy__(self):
            return answer("copy", self, lambda: remake(type(self)))
    return filled(X)


@hook("__copy__ as a classmethod", alone=True)
def _(base):
    class X(base):
        @classmethod
        def __copy__(cls, x):
            return answer("copy", x, lambda: remake(cls))
    return filled(X)


@hook("entry of copy's dispatch table for copies", alone=True)
def _(base):
    class X(base):
        pass

    def copier(x):
        return answer("dispatched", x, lambda: [x])

    def make():
        table = getattr(copy, "_copy_dispatch", None)
        if table is not None:
            table[X] = copier
            world.undo.append(lambda: table.pop(X, None))
        return filled(X)()
    return make
