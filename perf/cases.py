# perf/cases.py: what a case is, and the list of all of them, which workloads.py and programs.py fill.
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

# The groups, in the order of the tables. CORE are those whose common mean stands for "typical plain data".
CORE = ("memo", "container", "depth", "atomic", "dataclass", "slots", "datetime", "edge", "sample")
GROUPS = {
    "memo": "containers that hold many containers, shared or not: the memo's work",
    "container": "one level of dict, set, frozenset, tuple, list, and dicts of lists",
    "depth": "chains of containers",
    "atomic": "lists of objects that are their own copies",
    "dataclass": "lists of dataclass instances",
    "slots": "lists of instances with __slots__",
    "datetime": "lists of naive datetimes",
    "edge": "empty objects, atoms alone, cycles, bytearrays",
    "sample": "objects as programs have them",
    "own": "objects with a __deepcopy__ in Python, which calls copy.deepcopy",
    "values-50": "a list of 50 instances of one type of the standard library, or of a subclass of a container",
    "values-alone": "one such instance",
    "shallow": "copy.copy of small objects",
    "workload": "what users of deepcopy name when it is slow",
    "patched": "objects with a __deepcopy__ that calls copy.deepcopy, which calque.patch.enable() has made calque's",
}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    group: str
    note: str
    build: Callable[[], Any]
    shallow: bool = False  # copy.copy instead of copy.deepcopy
    patched: bool = False  # copy.deepcopy while the implementation stands in for it


CASES: dict[str, Case] = {}


def add(name: str, group: str, note: str, build: Callable[[], Any], shallow: bool = False) -> None:
    assert name not in CASES and group in GROUPS, name
    CASES[name] = Case(name, group, note, build, shallow, group == "patched")


def family(name: str, group: str, sizes: Iterable[int], note: str, build: Callable[[int], Any]) -> None:
    """One case per size; `note` may say {n}."""
    for n in sizes:
        add(f"{name}-{n}", group, note.format(n=n), lambda n=n: build(n))
