# perf/programs.py: objects as particular programs copy them, the ones users name when deepcopy is slow.
#
# As in workloads.py: deterministic, and CASES ARE ONLY EVER ADDED. Modules that few cases need are imported by those.
from __future__ import annotations

import copy
import dataclasses
import datetime
import decimal
import random
import uuid
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from cases import add

# --- workload -------------------------------------------------------------------------------------------------------

FUNCTION = '''
def function_{i}(first, second=None, *rest, flag=False, **options):
    """Says what it does."""
    total = first * {i} + len(rest)
    for index, item in enumerate(rest):
        if flag and item is not None:
            total += options.get("weight", {i}) * index
        elif isinstance(item, (int, float)):
            total -= item ** 2
        else:
            raise ValueError(f"{{item}} at {{index}}")
    values = [entry for entry in range(total) if entry % 3 == 0]
    return {{"total": total, "values": values, "second": second}}
'''


def syntax_tree() -> Any:
    import ast

    lines = FUNCTION.count("\n")
    return ast.parse("".join(FUNCTION.format(i=i) for i in range(5000 // lines)))


class Graph:
    """As networkx keeps one: a dict of dicts of edge data; both directions of an edge share its data."""

    def __init__(self) -> None:
        self.graph: dict[str, Any] = {"name": "graph"}
        self._node: dict[int, Any] = {}
        self._adj: dict[int, Any] = {}

    def add_edge(self, a: int, b: int, **data: Any) -> None:
        for node in (a, b):
            if node not in self._node:
                self._node[node] = {"label": f"node {node}"}
                self._adj[node] = {}
        self._adj[a][b] = self._adj[b][a] = data


def networkx_like() -> Any:
    chance = random.Random(0)
    graph = Graph()
    for number in range(800):
        a, b = chance.sample(range(200), 2)
        graph.add_edge(a, b, weight=number / 10, kind="road")
    return graph


def parser() -> Any:
    import argparse

    made = argparse.ArgumentParser(prog="program", description="does something", add_help=True)
    made.add_argument("input", nargs="+", help="files")
    for i in range(8):
        made.add_argument(f"--option-{i}", f"-{i}", default=i, type=int, help=f"option {i}")
    made.add_argument("--mode", choices=["fast", "slow"], default="fast")
    made.add_argument("--verbose", action="store_true")
    return made


def bank_rows() -> Any:
    def row(i: int) -> Any:
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=i)
        return {"id": i, "booked": day, "amount": decimal.Decimal(i) / 100, "fee": decimal.Decimal("0.25"), "text": f"booking {i}"}

    return [row(i) for i in range(500)]


@dataclasses.dataclass
class Event:
    key: uuid.UUID
    created: datetime.datetime
    updated: datetime.datetime
    kind: str
    tags: list[str]
    payload: dict[str, Any]


def events() -> Any:
    begin = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)

    def event(i: int) -> Event:
        created = begin + datetime.timedelta(minutes=i)
        return Event(uuid.UUID(int=(i + 1) << 64), created, created + datetime.timedelta(seconds=i), "sale", ["new"], {"count": i})

    return [event(i) for i in range(200)]


def element_tree() -> Any:
    import xml.etree.ElementTree as etree

    root = etree.Element("root")
    for i in range(100):
        item = etree.SubElement(root, "item", {"id": str(i)})
        for k in range(3):
            etree.SubElement(item, f"field{k}").text = f"text {i} {k}"
    return root


add("syntax_tree-5000", "workload", "the syntax tree of a module of 5,000 lines", syntax_tree)
add("networkx_like-800", "workload", "a graph of 200 nodes and 800 edges, dicts in dicts in dicts", networkx_like)
add("argparse_parser", "workload", "an argparse.ArgumentParser with eleven arguments", parser)
add("bank_rows-500", "workload", "500 rows, each a dict with two Decimals and a date", bank_rows)
add("events-200", "workload", "200 dataclass instances with a UUID, two aware datetimes, a list and a dict", events)
add("element_tree-401", "workload", "an xml.etree.ElementTree.Element of 401 elements, whose C code copies it", element_tree)

# --- patched --------------------------------------------------------------------------------------------------------


class Model:
    """Copies itself as pydantic's BaseModel does."""

    __slots__ = ("__dict__", "__fields_set__", "__extra__", "__private__")

    def __init__(self, **fields: Any) -> None:
        object.__setattr__(self, "__dict__", fields)
        object.__setattr__(self, "__fields_set__", set(fields))
        object.__setattr__(self, "__extra__", None)
        object.__setattr__(self, "__private__", None)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Model:
        cls = type(self)
        made = cls.__new__(cls)
        object.__setattr__(made, "__dict__", deepcopy(self.__dict__, memo=memo))
        object.__setattr__(made, "__extra__", deepcopy(self.__extra__, memo=memo))
        object.__setattr__(made, "__fields_set__", copy.copy(self.__fields_set__))
        if self.__private__ is None:
            object.__setattr__(made, "__private__", None)
        else:
            object.__setattr__(made, "__private__", deepcopy({k: v for k, v in self.__private__.items() if v}, memo=memo))
        return made


def models() -> Any:
    def model(i: int) -> Model:
        return Model(id=i, name=f"name {i}", tags=["a", "b"], address=Model(street=f"street {i}", number=i), settings={"k": i})

    return [model(i) for i in range(100)]


class Task:
    """Copies itself attribute by attribute, as operators of workflow systems do, and knows the graph it is in."""

    shared = ("callback", "log")

    def __init__(self, key: str, dag: Any) -> None:
        self.key, self.dag = key, dag
        self.params: dict[str, Any] = {"retries": 3, "env": {"A": "1", "B": "2"}}
        self.upstream: set[str] = set()
        self.downstream: set[str] = set()
        self.pool = "default"
        self.queue: list[str] = ["q"]
        self.callback = print
        self.log = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        for name, value in self.__dict__.items():
            if name in self.shared:
                setattr(made, name, copy.copy(value))
            else:
                setattr(made, name, copy.deepcopy(value, memo))
        return made


class Dag(Task):
    def __init__(self, count: int) -> None:
        super().__init__("dag", None)
        self.tasks = [Task(f"task {i}", self) for i in range(count)]
        for one, two in zip(self.tasks, self.tasks[1:]):
            one.downstream.add(two.key)
            two.upstream.add(one.key)


class Field:
    """Copies itself by calling its constructor again, as the fields of serializers do."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._args, self._options = args, options
        self.required = options.get("required", True)
        self.label = options.get("label")
        self.validators = list(options.get("validators", ()))

    def __deepcopy__(self, memo: dict[int, Any]) -> Field:
        args = [copy.deepcopy(value) for value in self._args]
        options = {key: copy.deepcopy(value, memo) if key != "validators" else value for key, value in self._options.items()}
        return type(self)(*args, **options)


class Amount:
    """Has a __deepcopy__ of the usual kind."""

    def __init__(self, amount: Any) -> None:
        self.amount = amount

    def __deepcopy__(self, memo: Any) -> Amount:
        return Amount(copy.deepcopy(self.amount, memo))


def patched(name: str, note: str, build: Callable[[], Any]) -> None:
    add(name, "patched", note, build)


patched("pydantic_like-100", "100 models, each with another, that copy themselves as pydantic's do", models)
patched("dag_own-50", "a graph of 50 tasks that copy themselves attribute by attribute", lambda: Dag(50))
patched("own_deepcopy-200", "200 instances whose __deepcopy__ copies one int", lambda: [Amount(i) for i in range(200)])
patched(
    "fields_own-30",
    "30 fields whose __deepcopy__ calls the constructor with copied arguments",
    lambda: {f"field {i}": Field(i, required=i % 2 == 0, label=f"label {i}", choices=["a", "b"], validators=[len]) for i in range(30)},
)
