"""How a place in an object graph is written: `$.users[3].lock`. As `calque.error_path` does (runtime/graph_path.hpp).

A path begins with `$`, the object that is copied, and has a step for each object on the way. A step is a pair of what kind it
is and which one it is; `...` stands for "any", which makes a path a pattern.

    ("attribute", name)     .name        of the instance dict, a slot, a member of a type in C
    ("index", 3)            [3]          of a list, tuple or deque; [*] any
    ("key", key)            ['key']      the value of a dict at this key; [*] any
    ("key itself", key)     .keys()['key']   a key of a dict, which is an object of the graph as well
    ("member", member)      {'member'}   of a set; {*} any
    ("argument", 0)         .__reduce__()[1][0]   of the constructor that a reducer named
    ("state", ...)          .__reduce__()[2]      that a reducer gave
    ("made", ...)           .__deepcopy__()       a part that the hook of the object has made
    ("deeper", ...)         **           below the depth that is told apart
    (None, 7)               ...7...      seven steps that are left out

`runtime/graph_path.cpp` writes them, there and here, and runs no code of a key's for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from . import _calque

Step: TypeAlias = "tuple[str | None, Any]"


def told(cls: type, name: str) -> Any:
    """An attribute of a class as `type` has it, whatever its metaclass says."""
    return vars(type)[name].__get__(cls)


def name_of_class(cls: type) -> str:
    """Its `__name__`, whatever its metaclass says."""
    return str(told(cls, "__name__"))


def format_step(kind: str | None, which: Any) -> str:
    """One step of a path."""
    return f"...{which}..." if kind is None else _calque._format_step(kind, which)


def format_path(steps: Iterable[Step]) -> str:
    """A whole path, from its steps below `$`. What lies in an instance's `__dict__` is written as its attribute."""
    parts = ["$"]
    before: Step = ("root", ...)
    for kind, which in steps:
        if kind == "key" and before == ("attribute", "__dict__") and type(which) is str:
            parts[-1] = format_step("attribute", which)
        else:
            parts.append(format_step(kind, which))
        before = (kind, which)
    return "".join(parts)
