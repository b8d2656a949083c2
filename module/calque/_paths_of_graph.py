"""How a place in an object graph is written: `$.users[3].lock`. As `calque.error_path` does (runtime/graph_path.hpp).

A path begins with `$`, the object that is copied, and has a step for each object on the way. A step is a pair of what kind it
is and which one it is; `...` stands for "any", which makes a path a pattern.

    ("attribute", name)     .name        of the instance dict, a slot, a member of a type in C
    ("index", 3)            [3]          of a list or tuple; [*] any
    ("key", key)            ['key']      the value of a dict at this key; [*] any
    ("key itself", key)     .keys()['key']   a key of a dict, which is an object of the graph as well
    ("member", member)      {'member'}   of a set; {*} any
    ("element", ...)        [*]          of another container, at a place that is not known
    ("argument", 0)         .__reduce__()[1][0]   of the constructor that a reducer named
    ("state", ...)          .__reduce__()[2]      that a reducer gave
    ("made", ...)           .__deepcopy__()       a part that the hook of the object has made
    ("deeper", ...)         **           below the depth that is told apart
    (None, 7)               ...7...      seven steps that are left out

Keys and members are shown by repr if they are a str, int, float, bytes, bool or None, cut to 40 characters; classes by their
name, others by that of their class: `[<Point>]`. So no code of theirs runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

Step: TypeAlias = "tuple[str | None, Any]"

LONGEST = 40
_SHOWN = (str, int, float, bytes, bool, type(None))


def told(cls: type, name: str) -> Any:
    """An attribute of a class as `type` has it, whatever its metaclass says."""
    return vars(type)[name].__get__(cls)


def name_of_class(cls: type) -> str:
    """Its `__name__`, whatever its metaclass says."""
    return str(told(cls, "__name__"))


def shown(key: object) -> str:
    """A key as it stands in a path."""
    if key is ...:
        return "*"
    if isinstance(key, type):
        return f"<{name_of_class(key)}>"
    if type(key) not in _SHOWN:
        return f"<{name_of_class(type(key))}>"
    try:
        # A long one is cut before it is written out.
        text = repr(key[:LONGEST + 1] if type(key) in (str, bytes) else key)  # type: ignore[index]
    except ValueError:  # an int with more digits than the interpreter writes
        return f"<{name_of_class(type(key))}>"
    return text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"


def format_step(kind: str | None, which: Any) -> str:
    """One step of a path."""
    if kind is None:
        return f"...{which}..."
    if kind == "attribute":
        return ".*" if which is ... else f".{which}" if type(which) is str and which.isidentifier() else f".{shown(which)}"
    if kind in ("index", "key", "element"):
        return f"[{shown(which)}]"
    if kind == "key itself":
        return f".keys()[{shown(which)}]"
    if kind == "member":
        return f"{{{shown(which)}}}"
    if kind == "argument":
        return f".__reduce__()[1][{shown(which)}]"
    return {"root": "$", "state": ".__reduce__()[2]", "made": ".__deepcopy__()", "deeper": ".**"}[kind]


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
