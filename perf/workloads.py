# perf/workloads.py: the objects that the benchmarks copy; those of whole programs are in programs.py.
#
# A case is a name, a group, one line saying what it is, and a function that builds its object. Building is
# deterministic: the same object in every process, on every Python.
#
# CASES ARE ONLY EVER ADDED. A case is never changed, renamed, resized or removed, for every number measured
# earlier would lose its meaning; a better variant is a new case beside the old one. New cases go to the end of
# their group, and a group's mean is compared only between runs that have the same cases (bench_deepcopy.py
# --compare takes the ones both have).
#
# The number after the last "-" is a size: elements, pairs, levels, rows or bytes.
from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import random
import types
import uuid
from collections.abc import Callable
from typing import Any

from cases import CASES, CORE, GROUPS, Case, add, family

__all__ = ["CASES", "CORE", "GROUPS", "Case"]

# --- memo -----------------------------------------------------------------------------------------------------------


def shared_mut(n: int) -> Any:
    return [[1, 2, 3]] * n


def shared_tuple(n: int) -> Any:
    return [([1], 2)] * n


def dense_refs(n: int) -> Any:
    """n references to n/10 lists, in no order."""
    chance = random.Random(n)
    pool = [[i] for i in range(max(1, n // 10))]
    return [chance.choice(pool) for _ in range(n)]


def unique_mut(n: int) -> Any:
    return [[i] for i in range(n)]


def tuple_alldiff(n: int) -> Any:
    return [(i, [i]) for i in range(n)]


def records_sharing(n: int) -> Any:
    """Records that share a few sub-objects, like rows that point to the same few owners."""
    owners = [{"name": f"owner {i}", "groups": ["a", "b"]} for i in range(5)]
    return [{"id": i, "owner": owners[i % 5], "tags": []} for i in range(n)]


def graph(n: int) -> Any:
    """Nodes that list three neighbours each, within clusters of 20: stdlib recurses along the edges and could not
    follow a path of 1000."""
    chance = random.Random(n)
    nodes: list[dict[str, Any]] = [{"id": i, "next": []} for i in range(n)]
    for node in nodes:
        first = node["id"] // 20 * 20
        node["next"] += chance.sample(nodes[first : first + 20], 3)
    return nodes


SMALL = (10, 100, 1000)
family("shared_mut", "memo", SMALL, "{n} references to one list", shared_mut)
family("shared_tuple", "memo", SMALL, "{n} references to one tuple with a list in it", shared_tuple)
family("dense_refs", "memo", SMALL, "{n} references to a tenth as many lists, in random order", dense_refs)
family("unique_mut", "memo", SMALL, "{n} lists of one int", unique_mut)
family("tuple_alldiff", "memo", SMALL, "{n} tuples of an int and a list", tuple_alldiff)
family("records_sharing", "memo", SMALL, "{n} dicts that share five sub-dicts", records_sharing)
family("graph", "memo", SMALL, "{n} nodes in clusters of 20, three edges each: dicts and lists in cycles", graph)

# --- container ------------------------------------------------------------------------------------------------------


def wide_dict(n: int) -> Any:
    return {f"key {i}": [i] for i in range(n)}


def mixed_list(n: int) -> Any:
    """Every fourth element is a container."""
    return [(i, f"s{i}", i / 2, {"k": i})[i % 4] for i in range(n)]


family("dict", "container", SMALL, "{n} pairs str: int", lambda n: {f"key {i}": i for i in range(n)})
family("tuple", "container", SMALL, "{n} ints in a tuple: its own copy", lambda n: tuple(range(n)))
family("set", "container", SMALL, "{n} ints", lambda n: set(range(n)))
family("frozenset", "container", SMALL, "{n} strings", lambda n: frozenset(f"s{i}" for i in range(n)))
family("wide_dict", "container", (100, 1000, 5000), "{n} pairs str: list of one int", wide_dict)
family("mixed_list", "container", SMALL, "{n} elements: int, str, float, and every fourth a dict", mixed_list)

# --- depth ----------------------------------------------------------------------------------------------------------


def nested(n: int, wrap: Callable[[Any, int], Any]) -> Any:
    inner: Any = [0]
    for level in range(n):
        inner = wrap(inner, level)
    return inner


DEPTHS = (10, 50, 100)
family("list-d", "depth", DEPTHS, "{n} lists, each in the next", lambda n: nested(n, lambda x, _: [x]))
family("dict-d", "depth", DEPTHS, "{n} dicts, each in the next", lambda n: nested(n, lambda x, _: {"next": x}))
family("tuple_mut-d", "depth", DEPTHS, "{n} tuples, each in the next, a list innermost", lambda n: nested(n, lambda x, _: (x,)))
family(
    "mixed-d",
    "depth",
    DEPTHS,
    "{n} levels of list, dict, tuple in turn",
    lambda n: nested(n, lambda x, level: ([level, x], {"level": level, "next": x}, (level, x))[level % 3]),
)

# --- atomic ---------------------------------------------------------------------------------------------------------

ATOMS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "int": ("ints", lambda i: i * 1000),
    "none": ("None", lambda i: None),
    "str": ("strings", lambda i: f"string {i}"),
    "float": ("floats", lambda i: i / 7),
    "bool": ("bools", lambda i: i % 3 == 0),
    "atoms": ("int, str, float, None, bytes, bool in turn", lambda i: (i, f"s{i}", i / 2, None, b"%d" % i, True)[i % 6]),
}


def atoms(kind: str, n: int) -> Any:
    make = ATOMS[kind][1]
    return [make(i) for i in range(n)]


for _kind, (_what, _) in ATOMS.items():
    family(_kind, "atomic", (10, 100, 10000), "a list of {n}: " + _what, lambda n, kind=_kind: atoms(kind, n))

# --- dataclass, slots, datetime, own --------------------------------------------------------------------------------


@dataclasses.dataclass
class Reading:
    sensor: int
    name: str
    value: float


@dataclasses.dataclass
class Article:
    number: int
    title: str
    tags: list[str]


@dataclasses.dataclass
class Order:
    number: int
    first: Reading
    articles: list[Article]
    extra: dict[str, Any]


class Point:
    __slots__ = ("x", "y", "z")

    def __init__(self, x: Any, y: Any, z: Any) -> None:
        self.x, self.y, self.z = x, y, z


class Money:
    """Has a __deepcopy__ of the usual kind."""

    def __init__(self, amount: int) -> None:
        self.amount = amount

    def __deepcopy__(self, memo: Any) -> Money:
        return Money(copy.deepcopy(self.amount, memo))


def order(i: int) -> Order:
    articles = [Article(i, f"article {k}", ["new"]) for k in range(2)]
    return Order(i, Reading(i, "scale", i / 2), articles, {"paid": i % 2 == 0})


def moment(i: int) -> datetime.datetime:
    return datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=i, microseconds=i)


def objects(name: str, group: str, note: str, make: Callable[[int], Any]) -> None:
    family(name, group, (10, 50, 200), note, lambda n: [make(i) for i in range(n)])


objects("dataclass_atomic", "dataclass", "{n} instances: int, str, float", lambda i: Reading(i, f"n{i}", i / 2))
objects("dataclass_mutable", "dataclass", "{n} instances: int, str, list", lambda i: Article(i, f"n{i}", ["a"]))
objects("dataclass_nested", "dataclass", "{n} instances, each with three more, a list and a dict", order)
objects("slots", "slots", "{n} instances with three slots: int, str, float", lambda i: Point(i, f"n{i}", i / 2))
objects("datetime", "datetime", "{n} naive datetimes", moment)
objects("custom_deepcopy", "own", "{n} instances whose __deepcopy__ copies one int", Money)

# --- edge -----------------------------------------------------------------------------------------------------------


def cyclic_list() -> Any:
    x: list[Any] = [1, 2]
    x.append(x)
    return x


def cyclic_dict() -> Any:
    x: dict[str, Any] = {"number": 1}
    x["self"] = x
    return x


def cyclic_tuple() -> Any:
    x: list[Any] = [1]
    x.append((x, 2))
    return x[1]


add("empty_list", "edge", "[]", list)
add("empty_dict", "edge", "{}", dict)
add("empty_tuple", "edge", "()", tuple)
add("empty_set", "edge", "set()", set)
add("int_alone", "edge", "an int", lambda: 12345)
add("str_alone", "edge", "a string", lambda: "a string")
add("cyclic_list", "edge", "a list that contains itself", cyclic_list)
add("cyclic_dict", "edge", "a dict that contains itself", cyclic_dict)
add("cyclic_tuple", "edge", "a tuple that contains itself, by way of a list", cyclic_tuple)
add("bytearray-1e4", "edge", "a bytearray of 10,000 bytes", lambda: bytearray(10_000))
add("bytearray-1e6", "edge", "a bytearray of 1,000,000 bytes", lambda: bytearray(1_000_000))

# --- sample ---------------------------------------------------------------------------------------------------------


class Row:
    """What an object-relational mapper makes of a row: an instance with a dict, a state object, relations."""

    def __init__(self, **columns: Any) -> None:
        self.__dict__.update(columns)


def json_api_response() -> Any:
    def item(i: int) -> Any:
        return {
            "id": f"item-{i}",
            "type": "article",
            "attributes": {"title": f"Title {i}", "price": 9.99 + i, "stock": i, "active": i % 2 == 0, "note": None},
            "tags": ["new", "sale", f"tag {i}"],
            "author": {"id": i % 7, "name": f"Author {i % 7}", "roles": ["writer"]},
            "links": {"self": f"/items/{i}", "related": [f"/items/{i + 1}", f"/items/{i + 2}"]},
        }

    return {"data": [item(i) for i in range(20)], "meta": {"page": 1, "pages": 5, "total": 100}, "errors": []}


def openapi_spec() -> Any:
    def schema(name: str) -> Any:
        fields = {f"{name}_{k}": {"type": kind, "description": f"{name} {k}"} for k, kind in enumerate(("string", "integer", "boolean"))}
        return {"type": "object", "required": [f"{name}_0"], "properties": fields}

    def operation(name: str) -> Any:
        return {
            "operationId": name,
            "parameters": [{"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "minimum": 1}}],
            "responses": {
                "200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}},
                "404": {"description": "none"},
            },
        }

    names = [f"thing{i}" for i in range(15)]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1.0"},
        "paths": {f"/{name}": {"get": operation(name), "post": operation(name)} for name in names},
        "components": {"schemas": {name: schema(name) for name in names}},
    }


def tabular() -> Any:
    return [{"id": i, "name": f"row {i}", "value": i * 0.5, "flag": i % 2 == 0, "note": None} for i in range(500)]


def orm_rows() -> Any:
    owners = [Row(id=i, name=f"owner {i}", emails=[f"o{i}@example.org"]) for i in range(5)]

    def row(i: int) -> Any:
        lines = [Row(id=k, count=i) for k in range(3)]
        return Row(id=i, title=f"title {i}", price=i / 4, owner=owners[i % 5], changed={}, lines=lines)

    return [row(i) for i in range(50)]


def config_tree() -> Any:
    def service(i: int) -> Any:
        return {
            "host": f"10.0.0.{i}",
            "ports": (8000 + i, 9000 + i),
            "env": {f"VAR_{k}": str(k) for k in range(8)},
            "limits": {"cpu": 0.5, "memory": "512M"},
            "features": {"alpha", "beta"},
            "depends": [f"service{k}" for k in range(i % 4)],
        }

    services = {f"service{i}": service(i) for i in range(12)}
    return {"version": 3, "services": services, "logging": {"level": "info", "handlers": [{"kind": "file"}]}}


def image() -> Any:
    chance = random.Random(0)
    row = chance.choices(range(256), k=1024)
    return [row[i:] + row[:i] for i in range(1024)]


def chat_messages() -> Any:
    def message(i: int) -> Any:
        return {
            "role": ("user", "assistant")[i % 2],
            "content": [{"type": "text", "text": f"message {i} " * 10}],
            "metadata": {"tokens": i * 3, "model": "m", "stop": None},
        }

    return [message(i) for i in range(20)]


def json_schema() -> Any:
    def field(i: int) -> Any:
        return {"type": "string", "title": f"Field {i}", "maxLength": 10 + i, "enum": ["a", "b"], "default": None}

    required = [f"field{i}" for i in range(0, 60, 2)]
    return {"type": "object", "properties": {f"field{i}": field(i) for i in range(60)}, "required": required, "additionalProperties": False}


add("json_api_response", "sample", "a page of 20 items of an HTTP API, six levels", json_api_response)
add("openapi_spec", "sample", "an OpenAPI document of 15 paths and schemas", openapi_spec)
add("tabular", "sample", "500 rows, each a dict of five atoms", tabular)
add("orm_rows", "sample", "50 instances with shared owners and three lines each", orm_rows)
add("config_tree", "sample", "a configuration of 12 services, with tuples and sets", config_tree)
add("image_1024x1024", "sample", "1024 lists of 1024 small ints", image)
add("chat_messages", "sample", "20 messages of a conversation", chat_messages)
add("json_schema", "sample", "a JSON schema of 60 properties", json_schema)

# --- values ---------------------------------------------------------------------------------------------------------

Pair = collections.namedtuple("Pair", ("key", "value"))


class Colour(enum.Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class ListWithName(list):  # type: ignore[type-arg]
    name: str


class DictWithName(dict):  # type: ignore[type-arg]
    name: str


class SetWithName(set):  # type: ignore[type-arg]
    name: str


def with_name(x: Any, i: int) -> Any:
    x.name = f"name {i}"
    return x


SUMMER = datetime.timezone(datetime.timedelta(hours=2))

VALUES: dict[str, tuple[str, Callable[[int], Any]]] = {
    "OrderedDict": ("three pairs", lambda i: collections.OrderedDict(a=i, b=2, c=3)),
    "deque": ("three ints", lambda i: collections.deque([i, 2, 3])),
    "defaultdict": ("two pairs str: list", lambda i: collections.defaultdict(list, a=[i], b=[])),
    "Counter": ("of five letters", lambda i: collections.Counter("hello")),
    "namedtuple": ("an int and a list", lambda i: Pair(i, [i])),
    "Enum": ("members of an enumeration", lambda i: list(Colour)[i % 3]),
    "UUID": ("", lambda i: uuid.UUID(int=(i + 1) << 64)),
    "Decimal": ("", lambda i: decimal.Decimal(i) / 8),
    "Fraction": ("", lambda i: fractions.Fraction(i + 1, 7)),
    "date": ("", lambda i: datetime.date(2024, 1, 1) + datetime.timedelta(days=i)),
    "datetime_aware": ("with one shared timezone", lambda i: moment(i).replace(tzinfo=SUMMER)),
    "SimpleNamespace": ("three attributes, one a list", lambda i: types.SimpleNamespace(a=i, b="b", c=[])),
    "list_subclass": ("three ints and an attribute", lambda i: with_name(ListWithName([i, 2, 3]), i)),
    "dict_subclass": ("two pairs and an attribute", lambda i: with_name(DictWithName(a=i, b=2), i)),
    "set_subclass": ("three ints and an attribute", lambda i: with_name(SetWithName([i, 1000, 2000]), i)),
}

for _kind, (_what, _make) in VALUES.items():
    _note = f"{_kind}, {_what}" if _what else _kind
    add(f"{_kind}-50", "values-50", f"50 of: {_note}", lambda make=_make: [make(i) for i in range(50)])
    add(f"{_kind}-alone", "values-alone", f"one: {_note}", lambda make=_make: make(5))

# --- shallow --------------------------------------------------------------------------------------------------------

add("copy_list", "shallow", "a list of ten ints", lambda: list(range(10)), shallow=True)
add("copy_dict", "shallow", "a dict of ten pairs", lambda: {f"k{i}": i for i in range(10)}, shallow=True)
add("copy_set", "shallow", "a set of ten ints", lambda: set(range(10)), shallow=True)
add("copy_dataclass", "shallow", "a dataclass instance: int, str, list", lambda: Article(1, "title", ["a"]), shallow=True)
add("copy_slots", "shallow", "an instance with three slots", lambda: Point(1, 2, 3), shallow=True)
add("copy_namedtuple", "shallow", "a named tuple of two", lambda: Pair(1, []), shallow=True)

import programs  # noqa: E402, F401  adds its cases behind these
