# perf/sameness.py: is one copy like another? Checked before anything is timed.
#
# A copy is written down as a flat trace of what a walk through it meets, in order: an object of the original
# (which one), an object met before (which one), or a new object, its type and what is in it. Two copies of one
# original with equal traces have the same types, values, identity topology and sharing with the original. The
# walk needs no recursion, so depth is no limit.
from __future__ import annotations

import collections
import copyreg
import datetime
import types
from collections.abc import Iterable
from typing import Any

# New objects of these types are compared by their value.
PLAIN = (int, float, complex, str, bytes, bytearray, datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo)
OPAQUE = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)


def attributes(x: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(getattr(x, "__dict__", None), dict):
        yield from vars(x).items()
    for name in copyreg._slotnames(type(x)):  # type: ignore[attr-defined]
        if hasattr(x, name):
            yield name, getattr(x, name)


def content(x: Any, member_key: Any) -> tuple[Any, list[Any]]:
    """What is compared at once, and the objects to visit."""
    if isinstance(x, OPAQUE):
        return None, []
    value: Any = None
    children: list[Any] = []
    if isinstance(x, (list, tuple, collections.deque)):
        children += x
        value = len(x), getattr(x, "maxlen", None)
    elif isinstance(x, dict):
        for pair in x.items():
            children += pair
        value = len(x)
        if isinstance(x, collections.defaultdict):
            children.append(x.default_factory)
    elif isinstance(x, (set, frozenset)):
        # The order of a set is nobody's promise.
        children += sorted(x, key=member_key)
        value = len(x)
    elif type(x).__name__ == "Element" and type(x).__module__ == "xml.etree.ElementTree":
        children += [x.tag, x.text, x.tail, x.attrib, *x]
    elif isinstance(x, PLAIN):
        value = x if not isinstance(x, bytearray) else bytes(x)
    names = []
    for name, attribute in attributes(x):
        names.append(name)
        children.append(attribute)
    return (value, tuple(names)), children


def objects_of(original: Any) -> dict[int, tuple[int, Any]]:
    """id -> (number, object) of everything reachable; holding the objects keeps the ids true."""
    numbers: dict[int, tuple[int, Any]] = {}
    stack = [original]
    while stack:
        x = stack.pop()
        if id(x) not in numbers:
            numbers[id(x)] = len(numbers), x
            stack += reversed(content(x, repr)[1])
    return numbers


def trace(x: Any, known: dict[int, tuple[int, Any]]) -> list[Any]:
    """`known` are the objects of the original; for the trace of the original itself it is empty."""

    def member_key(member: Any) -> tuple[bool, Any]:
        return (True, known[id(member)][0]) if id(member) in known else (False, repr(member))

    met: dict[int, tuple[int, Any]] = {}
    out: list[Any] = []
    stack = [x]
    while stack:
        x = stack.pop()
        if id(x) in known:
            out.append(("original", known[id(x)][0]))
        elif id(x) in met:
            out.append(("again", met[id(x)][0]))
        else:
            met[id(x)] = len(met), x
            value, children = content(x, member_key)
            out.append((type(x), value))
            stack += reversed(children)
    return out
