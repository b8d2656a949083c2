"""What a copy of each standard library type is: itself, something new, or an error."""

import argparse
import array
import ast
import collections
import contextvars
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import io
import itertools
import json
import logging
import operator
import pathlib
import pickle
import queue
import random
import re
import string
import struct
import threading
import time
import types
import typing
import uuid
import weakref
import xml.dom.minidom
import xml.etree.ElementTree
import zoneinfo

import pytest

from support.copiers import since
from support.probes import Hook, outcome, raised
from support.topology import assert_copies_alike, assert_same_topology, shared

Pair = collections.namedtuple("Pair", "one two")


class Plain:
    pass


def holding(**values):
    x = Plain()
    vars(x).update(values)
    return x


class Color(enum.Enum):
    RED = 1
    LISTED = [1]


class Perm(enum.Flag):
    R = 1
    W = 2


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Data:
    a: list
    b: object = dataclasses.field(default_factory=dict)


class UserTz(datetime.tzinfo):
    def __init__(self, name="user"):
        self.name = name

    def utcoffset(self, when):
        return datetime.timedelta(hours=1)

    def dst(self, when):
        return None

    def __repr__(self):
        return f"UserTz({self.name!r})"


def custom_lookup(key):
    return [key]


NEW, SELF = "new", "self"
ZERO = SELF if since(3, 13) else NEW

# (id, how to make one, what copy gives, what deepcopy gives)
TYPES = [
    ("deque", lambda: collections.deque([[1], 2], 5), NEW, NEW),
    ("deque unbounded", lambda: collections.deque([[1]]), NEW, NEW),
    ("OrderedDict", lambda: collections.OrderedDict(b=[1], a=2), NEW, NEW),
    ("defaultdict", lambda: collections.defaultdict(list, a=[1]), NEW, NEW),
    ("Counter", lambda: collections.Counter("abca"), NEW, NEW),
    ("ChainMap", lambda: collections.ChainMap({"a": [1]}, {"b": 2}), NEW, NEW),
    ("UserDict", lambda: collections.UserDict(a=[1]), NEW, NEW),
    ("UserList", lambda: collections.UserList([[1]]), NEW, NEW),
    ("UserString", lambda: collections.UserString("text"), NEW, NEW),
    ("namedtuple", lambda: Pair(1, [2]), NEW, NEW),
    ("namedtuple of atoms", lambda: Pair(1, 2), NEW, NEW),
    ("enum", lambda: Color.RED, SELF, SELF),
    ("enum with a list", lambda: Color.LISTED, SELF, SELF),
    ("flag", lambda: Perm.R | Perm.W, SELF, SELF),
    ("int enum", lambda: Number.ONE, SELF, SELF),
    ("uuid", lambda: uuid.UUID(int=5), NEW, NEW),
    ("Decimal", lambda: decimal.Decimal("1.5"), SELF, SELF),
    ("Decimal context", lambda: decimal.Context(prec=5), NEW, NEW),
    ("Fraction", lambda: fractions.Fraction(1, 3), SELF, SELF),
    ("date", lambda: datetime.date(2020, 1, 2), NEW, NEW),
    ("time", lambda: datetime.time(1, 2, 3, 4, fold=1), NEW, NEW),
    ("datetime", lambda: datetime.datetime(2020, 1, 2, 3, 4, 5, 6, fold=1), NEW, NEW),
    ("datetime utc", lambda: datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc), NEW, NEW),
    ("datetime tz", lambda: datetime.datetime(2020, 1, 2, tzinfo=UserTz()), NEW, NEW),
    ("time tz", lambda: datetime.time(1, tzinfo=datetime.timezone(datetime.timedelta(hours=2), "two")), NEW, NEW),
    ("timedelta", lambda: datetime.timedelta(1, 2, 3), NEW, NEW),
    ("timedelta 0", lambda: datetime.timedelta(0), ZERO, ZERO),
    ("utc", lambda: datetime.timezone.utc, SELF, SELF),
    ("timezone", lambda: datetime.timezone(datetime.timedelta(hours=2), "two"), NEW, NEW),
    ("timezone without a name", lambda: datetime.timezone(datetime.timedelta(hours=-3)), NEW, NEW),
    ("user tzinfo", lambda: UserTz("x"), NEW, NEW),
    ("SimpleNamespace", lambda: types.SimpleNamespace(a=[1], b=2), NEW, NEW),
    ("SimpleNamespace empty", lambda: types.SimpleNamespace(), NEW, NEW),
    ("partial", lambda: functools.partial(len, [1], key=[2]), NEW, NEW),
    ("partialmethod", lambda: functools.partialmethod(len, [1]), *(("error", "error") if since(3, 14) else (NEW, NEW))),
    ("dataclass", lambda: Data([1]), NEW, NEW),
    ("array", lambda: array.array("i", [1, 2]), NEW, NEW),
    ("pattern", lambda: re.compile("a+"), SELF, SELF),
    ("match", lambda: re.match("(a)", "a"), SELF, SELF),
    ("lru_cache", lambda: functools.lru_cache(len), SELF, SELF),
    ("logger", lambda: logging.getLogger("calque.tests"), SELF, SELF),
    ("TypeVar", lambda: typing.TypeVar("T"), SELF, SELF),
    ("generic alias", lambda: list[int], NEW, NEW),
    ("nested generic alias", lambda: dict[str, list[int]], NEW, NEW),
    ("typing alias", lambda: typing.List[int], SELF, SELF),
    ("typing Optional", lambda: typing.Optional[int], None, None),
    ("typing Any", lambda: typing.Any, SELF, SELF),
    ("union", lambda: int | str, None, None),
    ("path", lambda: pathlib.PurePosixPath("/a/b"), NEW, NEW),
    ("concrete path", lambda: pathlib.Path("a", "b"), NEW, NEW),
    ("relative path with dots", lambda: pathlib.PurePosixPath("a", "..", "b"), NEW, NEW),
    ("exception", lambda: ValueError("a", [1]), NEW, NEW),
    ("os error", lambda: FileNotFoundError(2, "text", "name"), NEW, NEW),
    ("unicode error", lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), NEW, NEW),
    ("ast", lambda: ast.parse("a = [1, x.y(2)]"), NEW, NEW),
    ("operator getters", lambda: operator.itemgetter(1, 2), NEW, NEW),
    ("attrgetter", lambda: operator.attrgetter("a.b"), NEW, NEW),
    ("range iterator", lambda: iter(range(5)), NEW, NEW),
    ("list iterator", lambda: iter([[1], 2]), NEW, NEW),
    ("BytesIO", lambda: io.BytesIO(b"abc"), NEW, NEW),
    ("StringIO", lambda: io.StringIO("abc"), NEW, NEW),
    ("Random", lambda: random.Random(5), NEW, NEW),
    ("Template", lambda: string.Template("$a"), NEW, NEW),
    ("element", lambda: xml.etree.ElementTree.fromstring("<a b='1'><c>t</c>u</a>"), NEW, NEW),
    ("argparse", lambda: parser(), NEW, NEW),
    ("json encoder", lambda: json.JSONEncoder(indent=2), NEW, NEW),
    ("minidom", lambda: xml.dom.minidom.parseString("<a b='1'><c/></a>"), NEW, NEW),
    ("struct_time", lambda: time.gmtime(0), NEW, NEW),
    ("weak key dict", lambda: weakref.WeakKeyDictionary(), NEW, NEW),
    ("weak value dict", lambda: weakref.WeakValueDictionary(), NEW, NEW),
    ("weak set", lambda: weakref.WeakSet(), NEW, NEW),
    ("contextvars", lambda: contextvars.ContextVar("v"), "error", "error"),
    ("lock", lambda: threading.Lock(), "error", "error"),
    ("queue", lambda: queue.Queue(), NEW, "error"),
    ("thread local", lambda: threading.local(), "error", "error"),
    ("struct", lambda: struct.Struct("i"), "error", "error"),
    ("module", lambda: json, "error", "error"),
    ("mapping proxy", lambda: types.MappingProxyType({}), "error", "error"),
    ("hash", lambda: hashlib.md5(), "error", "error"),
    ("zip iterator", lambda: zip([1], [2]), NEW, NEW),
    ("generator", lambda: (i for i in []), "error", "error"),
]


def parser():
    result = argparse.ArgumentParser(prog="p")
    result.add_argument("--a", type=int, default=[1], choices=range(3))
    group = result.add_mutually_exclusive_group()
    group.add_argument("-b", action="store_true")
    return result


T = typing.TypeVar("T")


class Generic(typing.Generic[T]):
    """At module level since typing remembers each class that it has parametrised."""


def ignoring_deprecations(function):
    """Some types warn when they are reduced in 3.12 and 3.13; that they do is the same for both modules."""
    return pytest.mark.filterwarnings("ignore::DeprecationWarning")(function)


@ignoring_deprecations
@pytest.mark.parametrize("name, make, shallow, deep", TYPES, ids=[row[0] for row in TYPES])
def test_what_a_copy_is(copier, name, make, shallow, deep):
    for function, reference, expected in ((copier.copy, copy.copy, shallow), (copier.deepcopy, copy.deepcopy, deep)):
        x = make()
        found = outcome(function, x)
        if expected == "error":
            assert found[0] == "raised"
            assert found == outcome(reference, make())
            continue
        assert found[0] == "result", found
        y = found[1]
        assert type(y) is type(x)
        if expected is not None:
            assert (y is x) == (expected == SELF)
        if not name.startswith("weak"):  # those make themselves a callback each
            assert_copies_alike(x, reference(x), y)
        again = function([x, x])
        assert again[0] is again[1]


@ignoring_deprecations
@pytest.mark.parametrize("name, make, shallow, deep", [row for row in TYPES if row[3] != "error"],
                         ids=[row[0] for row in TYPES if row[3] != "error"])
def test_a_copy_inside_containers_and_met_twice(copier, name, make, shallow, deep):
    x = make()
    original = [x, {"k": x}, (x, []), holding(a=x)]
    y = copier.deepcopy(original)
    assert y[0] is y[1]["k"] is y[2][0] is y[3].a
    assert (y[0] is x) == (copy.deepcopy(x) is x)
    if not name.startswith("weak"):
        assert_copies_alike(original, copy.deepcopy(original), y)


# ---- collections ---------------------------------------------------------------------------------------------------------

def test_deque_keeps_its_bound_and_is_memoized_before_its_items(copier):
    x = collections.deque([1], 3)
    x.append(x)
    y = copier.deepcopy(x)
    assert y[1] is y and y.maxlen == 3 and y is not x
    assert copier.copy(x)[1] is x and copier.copy(x).maxlen == 3


def test_deque_mutated_while_it_is_copied(copier):
    x = collections.deque()
    x.extend([Hook("grow", [], lambda self, memo: x.append(1) or "grown"), 2])
    assert raised(copier.deepcopy, x) == (RuntimeError, "deque mutated during iteration")


def test_deque_subclass_attributes(copier):
    class Deque(collections.deque):
        pass

    x = Deque([1], 2)
    x.attribute = [1]
    assert vars(copier.deepcopy(x)) == {"attribute": [1]} and copier.deepcopy(x).maxlen == 2
    assert vars(copier.copy(x)) == {} and type(copier.copy(x)) is Deque and copier.copy(x).maxlen == 2


def test_ordered_dict_keeps_an_order_changed_by_moves(copier):
    x = collections.OrderedDict((k, [k]) for k in "abc")
    x.move_to_end("a")
    assert list(copier.deepcopy(x)) == list(copier.copy(x)) == ["b", "c", "a"]


def test_ordered_dict_with_itself_and_attributes(copier):
    x = collections.OrderedDict(a=1)
    x["me"] = x
    x.attribute = x
    y = copier.deepcopy(x)
    assert y["me"] is y and y.attribute is y and type(y) is collections.OrderedDict


def test_ordered_dict_mutated_while_it_is_copied(copier):
    """Seen when the next pair is asked for: not at the last one."""
    x = collections.OrderedDict()
    x["hook"] = Hook("grow", [], lambda self, memo: x.__setitem__("late", 1) or "grown")
    x["last"] = 1
    assert raised(copier.deepcopy, x) == (RuntimeError, "OrderedDict mutated during iteration")


def test_defaultdict_copies_its_factory(copier):
    class Factory:
        def __init__(self):
            self.made = []

        def __call__(self):
            return self.made

    x = collections.defaultdict(Factory())
    x["a"] = x.default_factory.made
    y = copier.deepcopy(x)
    assert y.default_factory is not x.default_factory and y["a"] is y.default_factory.made
    assert copier.copy(x).default_factory is x.default_factory
    assert copier.deepcopy(collections.defaultdict(list, a=[1]))["new"] == []
    assert copier.deepcopy(collections.defaultdict(None, a=[1])).default_factory is None
    assert copier.deepcopy(collections.defaultdict(None)) == {}


def test_defaultdict_with_itself_and_subclass_attributes(copier):
    x = collections.defaultdict(list)
    x["me"] = x
    assert (lambda y: y["me"] is y)(copier.deepcopy(x))

    class Sub(collections.defaultdict):
        pass

    z = Sub(list, a=[1])
    z.attribute = 1
    assert vars(copier.deepcopy(z)) == vars(copier.copy(z)) == {} and type(copier.deepcopy(z)) is Sub


def test_counter_copies_value_before_key_and_runs_init(copier):
    log = []
    x = collections.Counter()
    dict.update(x, {Hook("k1", log): Hook("v1", log), Hook("k2", log): Hook("v2", log)})
    copier.deepcopy(x)
    assert log == ["v1", "k1", "v2", "k2"]
    runs = []

    class Sub(collections.Counter):
        def __init__(self, *args, **kwargs):
            runs.append(args)
            super().__init__(*args, **kwargs)

    y = Sub("aa")
    runs.clear()
    assert copier.deepcopy(y) == y and copier.copy(y) == y
    assert runs == [({"a": 2},)] * 2


def test_chain_map_copies_its_first_map_only_when_shallow(copier):
    x = collections.ChainMap({"a": [1]}, {"b": [2]})
    y = copier.copy(x)
    assert y.maps[0] is not x.maps[0] and y.maps[1] is x.maps[1] and y["a"] is x["a"]
    z = copier.deepcopy(x)
    assert shared(x, z) == []


def test_named_tuple_in_a_cycle_makes_two_copies(copier):
    cell = []
    x = Pair(1, cell)
    cell.append(x)
    y = copier.deepcopy(x)
    assert y.two[0] is not y and y.two[0].two is y.two
    z = copier.deepcopy(cell)
    assert z[0].two is z


def test_named_tuple_of_atoms_met_twice(copier):
    x = Pair(1, "two")
    y = copier.deepcopy([x, x])
    assert y[0] is y[1] is not x and y[0] == x
    assert copier.copy(x) is not x


def test_named_tuple_subclass_with_new(copier):
    class Checked(Pair):
        def __new__(cls, one, two):
            return super().__new__(cls, one, (two, "checked"))

    x = Checked(1, 2)
    assert copier.deepcopy(x).two == ((2, "checked"), "checked")


# ---- enum ------------------------------------------------------------------------------------------------------------------

def test_enum_members_are_singletons_also_as_keys_and_members(copier):
    x = {Color.RED: [Color.LISTED], "set": {Perm.R, Number.ONE}}
    y = copier.deepcopy(x)
    assert next(iter(y)) is Color.RED and y[Color.RED][0] is Color.LISTED
    assert {id(item) for item in y["set"]} == {id(Perm.R), id(Number.ONE)}
    assert copier.deepcopy(Color) is Color


def test_enum_with_its_own_hook(copier):
    class Hooked(enum.Enum):
        A = 1

        def __deepcopy__(self, memo):
            return "hook"

        def __copy__(self):
            return "shallow"

    assert copier.deepcopy(Hooked.A) == "hook" and copier.copy(Hooked.A) == "shallow"


# ---- numbers, dates, identifiers -----------------------------------------------------------------------------------------------

def test_decimal_and_fraction_subclasses(copier):
    class Money(decimal.Decimal):
        pass

    class Ratio(fractions.Fraction):
        pass

    x = Money("1.5")
    x.attribute = 1
    assert copier.deepcopy(x) is copier.copy(x) is x
    y = Ratio(1, 3)
    y.attribute = 1
    for function in (copier.deepcopy, copier.copy):
        z = function(y)
        assert z is not y and z == y and type(z) is Ratio and not hasattr(z, "attribute")


def test_datetime_time_zones_are_copied_and_shared(copier):
    zone = UserTz("shared")
    a, b = datetime.datetime(2020, 1, 2, tzinfo=zone), datetime.time(1, tzinfo=zone)
    y = copier.deepcopy([a, b, zone])
    assert y[0].tzinfo is y[1].tzinfo is y[2] is not zone and y[2].name == "shared"
    assert copier.copy(a).tzinfo is zone


def test_subclasses_of_dates_are_made_from_bytes(copier):
    calls = []

    class Date(datetime.date):
        def __new__(cls, *args):
            calls.append(args)
            return super().__new__(cls, *args)

    class Delta(datetime.timedelta):
        pass

    x = Date(2020, 1, 2)
    x.attribute = 1
    calls.clear()
    y = copier.deepcopy(x)
    assert y == x and type(y) is Date and not hasattr(y, "attribute")
    assert [tuple(map(type, args)) for args in calls] == [(bytes,)]
    z = Delta(1)
    assert copier.deepcopy(z) == z and type(copier.deepcopy(z)) is Delta


def test_utc_stays_the_one_utc(copier):
    x = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    assert copier.deepcopy(x).tzinfo is datetime.timezone.utc
    assert copier.deepcopy([datetime.timezone.utc] * 2) == [datetime.timezone.utc] * 2
    assert datetime.timezone.utc is copier.deepcopy(datetime.timezone(datetime.timedelta(0)))


def test_time_zone_subclass_without_getinitargs(copier):
    class Zone(datetime.tzinfo):
        def __init__(self, offset=0):
            self.offset = offset

        def __getinitargs__(self):
            return ([self.offset],)

    y = copier.deepcopy(Zone(5))
    assert type(y) is Zone and y.offset == 5


def test_zone_info(copier, tmp_path):
    try:
        zone = zoneinfo.ZoneInfo("UTC")
    except zoneinfo.ZoneInfoNotFoundError:
        zone = None
    if zone is not None:
        assert copier.deepcopy(zone) is copier.copy(zone) is zone
        uncached = zoneinfo.ZoneInfo.no_cache("UTC")
        for function in (copier.deepcopy, copier.copy):
            y = function(uncached)
            assert y is not uncached and y is not zone and y.key == "UTC"
    data = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    data += data[:44] + struct.pack(">lbb", 0, 0, 0) + b"UTC\0" + b"\nUTC0\n"
    from_file = zoneinfo.ZoneInfo.from_file(io.BytesIO(data))
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, from_file) == (
            pickle.PicklingError, "Cannot pickle a ZoneInfo file from a file stream.")


def test_uuid_keeps_everything(copier):
    x = uuid.UUID("12345678123456781234567812345678")
    for function in (copier.deepcopy, copier.copy):
        y = function(x)
        assert y == x and y is not x and hash(y) == hash(x) and y.is_safe is x.is_safe


def test_uuid_with_a_patched_getstate(copier, monkeypatch):
    x = uuid.UUID(int=5)
    assert copier.deepcopy(x) == x
    monkeypatch.setattr(uuid.UUID, "__getstate__", lambda self: {"int": 6})
    assert copier.deepcopy(x).int == 6


def test_paths(copier):
    x = pathlib.PurePosixPath("/a") / "b"
    hash(x), str(x)
    for function in (copier.deepcopy, copier.copy):
        y = function(x)
        assert y == x and y is not x and str(y) == "/a/b" and y.parts == ("/", "a", "b")

    class Path(pathlib.PurePosixPath):
        pass

    z = Path("a", "b")
    assert type(copier.deepcopy(z)) is Path and copier.deepcopy(z) == z


# ---- functions and wrappers -----------------------------------------------------------------------------------------------------

def test_partial_keeps_function_and_copies_the_rest(copier):
    item = [1]
    x = functools.partial(custom_lookup, item, key=item)
    x.attribute = item
    y = copier.deepcopy(x)
    assert y.func is custom_lookup
    assert y.args[0] is y.keywords["key"] is y.attribute is not item
    z = copier.copy(x)
    assert z.args[0] is z.keywords["key"] is z.attribute is item


def test_partial_of_a_bound_method(copier):
    class Button:
        def press(self, *args):
            return self

    x = Button()
    x.action = functools.partial(x.press, x)
    y = copier.deepcopy(x)
    assert y.action.args[0] is y
    assert y.action.func.__self__ is y


def test_simple_namespace_with_itself_and_a_subclass(copier):
    x = types.SimpleNamespace(a=[1])
    x.me = x
    y = copier.deepcopy(x)
    assert y.me is y and y.a is not x.a and list(vars(y)) == ["a", "me"]
    got = []

    class Sub(types.SimpleNamespace):
        def __init__(self, **kwargs):
            got.append(kwargs)
            super().__init__(**kwargs)

    z = copier.deepcopy(Sub(a=1))
    assert z == types.SimpleNamespace(a=1) and type(z) is Sub and got == [{"a": 1}, {}]


@pytest.mark.no_leak_check(reason="methodcaller objects of 3.13.0 leak by themselves, uncopied")
def test_method_callers(copier):
    x = operator.methodcaller("m", [1], k=2)
    y = copier.deepcopy(x)
    assert type(y) is operator.methodcaller and y is not x and repr(y) == repr(x)


def test_lru_caches_are_shared(copier):
    @functools.lru_cache
    def cached(x):
        return [x]

    y = copier.deepcopy([cached, cached])
    assert y[0] is y[1] is cached


def test_cached_property_values_are_data(copier):
    class Lazy:
        @functools.cached_property
        def value(self):
            return [1]

    x = Lazy()
    assert x.value is x.value
    y = copier.deepcopy(x)
    assert vars(y) == {"value": [1]} and y.value is not x.value


def test_weak_containers(copier):
    class Key:
        pass

    key, value = Key(), Key()
    x = weakref.WeakKeyDictionary({key: [value]})
    y = copier.deepcopy(x)
    assert list(y) == [key] and y[key] is not x[key] and y[key][0] is not value
    z = weakref.WeakValueDictionary({("k",): value})
    y = copier.deepcopy(z)
    assert dict(y) == {("k",): value}
    assert copier.copy(z)[("k",)] is value


def test_a_weak_proxy_copies_what_it_stands_for(copier):
    x = holding(a=[1])
    proxy = weakref.proxy(x)
    y = copier.deepcopy(proxy)
    assert type(y) is Plain and y.a == [1] and y.a is not x.a and y is not x
    z = copier.copy(proxy)
    assert type(z) is Plain and z.a is x.a
    both = copier.deepcopy([proxy, proxy])
    assert both[0] is both[1]


def test_super_objects(copier):
    class Base:
        pass

    class Derived(Base):
        def up(self):
            return super()

    x = Derived()
    x.a = [1]
    for function in (copier.deepcopy, copier.copy):
        y = function(x.up())
        if since(3, 14):
            assert type(y) is super
        else:
            assert type(y) is Derived and y is not x and y.a == [1]


def test_generic_aliases(copier):
    for x in (list[int], dict[str, list[T]], tuple[int, ...], Generic[int], typing.Callable[[int], str], list[int] | None):
        for function in (copier.deepcopy, copier.copy):
            y = function(x)
            assert y == x and type(y) is type(x)
    y = copier.deepcopy([list[Generic], T])
    assert y[1] is T and y[0].__args__ == (Generic,)
    instance = Generic[int]()
    assert type(copier.deepcopy(instance)) is Generic and copier.deepcopy(instance).__orig_class__ == Generic[int]


def test_array_subclass_becomes_a_plain_array(copier):
    class Array(array.array):
        pass

    x = Array("d", [1.5])
    x.attribute = 1
    for function in (copier.deepcopy, copier.copy):
        assert type(function(x)) is array.array and function(x) == x


@pytest.mark.skipif(since(3, 14), reason="iterators of itertools cannot be reduced from 3.14 on")
@ignoring_deprecations
def test_iterators_continue_where_they_were(copier):
    for make in (lambda: itertools.count(3), lambda: itertools.chain([1], [2]), lambda: itertools.islice([1, 2, 3], 1, 3),
                 lambda: itertools.repeat([1], 2), lambda: iter([1, 2]), lambda: iter((1, 2)), lambda: reversed([1, 2]),
                 lambda: map(abs, [1, 2]), lambda: filter(None, [0, 1]), lambda: enumerate("ab"), lambda: iter({1: 2})):
        x = make()
        y = copier.deepcopy(x)
        assert type(y) in (type(x), type(iter([])))
        assert next(x) == next(make())
        assert next(y) == next(make())


def test_iterators_of_a_shared_list(copier):
    items = [1, 2, 3]
    x = iter(items)
    next(x)
    y = copier.deepcopy([items, x])
    items.clear()
    assert list(y[1]) == [2, 3] and y[0] == [1, 2, 3]
    y[0].clear()
    z = copier.copy(iter([1, 2]))
    assert list(z) == [1, 2]


# ---- exceptions -----------------------------------------------------------------------------------------------------------------

def test_exceptions_keep_arguments_and_attributes_and_lose_the_rest(copier):
    try:
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise ValueError("text", [1]) from cause
    except ValueError as error:
        x = error
    x.attribute = [2]
    y = copier.deepcopy(x)
    assert y.args == ("text", [1]) and y.args[1] is not x.args[1]
    assert y.attribute == [2] and y.attribute is not x.attribute
    assert y.__cause__ is y.__context__ is y.__traceback__ is None and not y.__suppress_context__
    z = copier.copy(x)
    assert z.args == x.args and z.attribute is x.attribute and z.__cause__ is None and z.__traceback__ is None
    x.__traceback__ = x.__cause__ = x.__context__ = None


@pytest.mark.skipif(not since(3, 11), reason="exceptions have notes from 3.11 on")
def test_notes_of_exceptions_are_copied(copier):
    x = ValueError("text")
    x.add_note("a note")
    y = copier.deepcopy(x)
    assert y.__notes__ == ["a note"] and y.__notes__ is not x.__notes__
    assert copier.copy(x).__notes__ is x.__notes__


def test_names_of_exceptions(copier):
    error = NameError("text", name="n")
    assert copier.deepcopy(error).name is None
    error = ImportError("text", name="n", path="p")
    assert copier.deepcopy(error).name == "n" and copier.deepcopy(error).path == "p"
    error = AttributeError("text", name="n", obj=5)
    assert copier.deepcopy(error).name == ("n" if since(3, 12) else None)


def test_init_of_an_exception_runs_with_its_arguments(copier):
    class Wrong(Exception):
        def __init__(self, a, b):
            super().__init__(f"{a} {b}")

    class Right(Exception):
        def __init__(self, *args):
            super().__init__(*args)
            self.made = True

    kind, text = raised(copier.deepcopy, Wrong(1, 2))
    assert kind is TypeError and text.endswith("__init__() missing 1 required positional argument: 'b'")
    assert raised(copier.copy, Wrong(1, 2)) == (kind, text)
    y = copier.deepcopy(Right(1, 2))
    assert y.made is True and y.args == (1, 2)


def test_attributes_of_an_exception_are_set_one_by_one(copier):
    log = []

    class Sets(Exception):
        def __setattr__(self, name, value):
            log.append((name, value))
            Exception.__setattr__(self, name, value)

    x = Sets()
    x.a, x.b = 1, [2]
    log.clear()
    copier.deepcopy(x)
    assert log == [("a", 1), ("b", [2])]


@pytest.mark.skipif(not since(3, 11), reason="exception groups exist from 3.11 on")
def test_exception_groups(copier):
    group = ExceptionGroup("group", [ValueError([1]), TypeError("t")])
    y = copier.deepcopy(group)
    assert y.message == "group" and type(y.exceptions[0]) is ValueError and y.exceptions[0] is not group.exceptions[0]
    assert y.exceptions[0].args == ([1],)


# ---- ast, XML and the like ---------------------------------------------------------------------------------------------------------

def test_ast_nodes(copier):
    source = "def f(a, *b: int, c=1) -> str:\n    return [x async for x in a if x < 3] or {**b}\n"
    tree = ast.parse(source)
    y = copier.deepcopy(tree)
    assert ast.dump(y, include_attributes=True) == ast.dump(tree, include_attributes=True)
    assert_copies_alike(tree, copy.deepcopy(tree), y)
    load = ast.Load()
    assert copier.deepcopy(load) is not load and type(copier.deepcopy(load)) is ast.Load
    z = copier.copy(tree)
    assert z.body is tree.body and z is not tree


def test_ast_subclass_and_cycles(copier):
    class Node(ast.Name):
        pass

    x = Node(id="a", ctx=ast.Load())
    x.parent = x
    y = copier.deepcopy(x)
    assert type(y) is Node and y.parent is y and y.id == "a"


def test_elements_of_a_tree(copier):
    root = xml.etree.ElementTree.fromstring("<a x='1'>t<b><c/></b>u<b/></a>")
    root[0].set("y", "2")
    y = copier.deepcopy(root)
    assert xml.etree.ElementTree.tostring(y) == xml.etree.ElementTree.tostring(root)
    assert y is not root and y[0] is not root[0]
    b = root[0]
    both = copier.deepcopy([root, b])
    assert both[1] is both[0][0]
    z = copier.copy(root)
    assert z[0] is root[0]
    whole = xml.etree.ElementTree.ElementTree(root)
    assert copier.deepcopy(whole).getroot() is not root


def test_elements_with_hooks_inside(copier):
    log = []
    element = xml.etree.ElementTree.Element("a")
    element.append(xml.etree.ElementTree.Element("b"))
    element.text = Hook("text", log)
    element.tail = Hook("tail", log)
    element.attrib["k"] = Hook("attrib", log)
    element.tag = Hook("tag", log)
    copier.deepcopy([element])
    assert log == ["tag", "attrib", "text", "tail"]


def test_elements_take_no_memo_that_is_not_a_dict(copier):
    element = xml.etree.ElementTree.Element("a")
    memo = collections.UserDict()
    kind, text = raised(copier.deepcopy, element, memo)
    assert (kind, text) == raised(copy.deepcopy, element, collections.UserDict())
    assert kind is TypeError


def test_argument_parsers(copier):
    x = parser()
    y = copier.deepcopy(x)
    assert y.parse_args(["--a", "2"]).a == 2
    assert y._actions[1].container is not x._actions[1].container
    assert_same_topology(x, y)
    y.add_argument("--more")
    assert "--more" not in x.format_help()


def test_logging_configuration(copier):
    handler = logging.StreamHandler(io.StringIO())
    for function in (copier.deepcopy, copier.copy):
        found = outcome(function, handler)
        assert found[0] == outcome(getattr(copy, "deepcopy" if function == copier.deepcopy else "copy"), handler)[0]
    handler.close()
    record = logging.LogRecord("n", 10, "p", 5, "text %s", ("a",), None)
    y = copier.deepcopy(record)
    assert y.getMessage() == "text a" and y is not record


def test_a_configuration_as_json_gives_it(copier):
    x = json.loads('{"a": [1, 2.5, null, {"b": [true, "text", []]}], "c": {}, "d": "\\u00e9"}')
    y = copier.deepcopy(x)
    assert y == x and shared(x, y) == []


def test_data_classes(copier):
    x = Data([1], Data([2]))
    x.b.b = x
    y = copier.deepcopy(x)
    assert y.b.b is y and y.a is not x.a

    @dataclasses.dataclass(eq=True, order=True, unsafe_hash=True)
    class Keyed:
        a: int

    k = Keyed(1)
    z = copier.deepcopy({k: k})
    assert z[Keyed(1)] is next(iter(z)) is not k


def test_typed_dicts_and_protocols(copier):
    class Movie(typing.TypedDict):
        name: str

    assert copier.deepcopy(Movie(name="n")) == {"name": "n"}
    assert copier.deepcopy(Movie) is Movie

    class Typed(typing.NamedTuple):
        a: int
        b: list = []

    x = Typed(1, [2])
    assert copier.deepcopy(x) == x and type(copier.deepcopy(x)) is Typed and copier.deepcopy(x).b is not x.b


def test_random_generators_go_on_alike(copier):
    x = random.Random(5)
    x.random()
    y = copier.deepcopy(x)
    assert [y.random() for _ in range(3)] == [x.random() for _ in range(3)]


def test_streams(copier):
    x = io.BytesIO(b"abcdef")
    x.read(2)
    y = copier.deepcopy(x)
    assert y.read() == b"cdef" and x.tell() == 2
    s = io.StringIO("abcdef")
    s.read(2)
    assert copier.deepcopy(s).read() == "cdef"


@pytest.mark.no_leak_check(reason="a thread's own bookkeeping is not flat")
def test_threads_and_their_tools_fail_alike(copier):
    for make in (threading.Lock, threading.RLock, threading.Condition, threading.Event, threading.Thread):
        assert outcome(copier.deepcopy, make())[::2] == outcome(copy.deepcopy, make())[::2]
