"""Are two object graphs the same? Values, exact types, order, and the identity topology.

`difference(a, b, source)` walks two graphs in parallel and pairs their objects off. They are the same when

* the roots are paired, and the parts of two paired objects (items, keys, attributes, slots) are paired in order;
* every object has one partner: what is one object here is one object there, and what is two objects here is two there;
* two paired objects have the same exact type, and equal values if they have no parts;
* an object that belongs to `source`, the graph both were copied from, is paired with itself.

Set members have no order. Those already paired elsewhere keep their partner; the others are matched by what they look
like, after everything else is paired. Two members that look alike are matched arbitrarily: this may report a difference
where a cleverer matching finds none, never the reverse.

What is read: the contents of the built-in containers through the base type's own methods, `__dict__`, slots and members
in C, and for types that keep their state in C (`datetime`, `Decimal`...) what `__reduce_ex__(4)` says. Objects that
show nothing at all (a lock) are compared by type and identity only.

Nothing here recurses, and every object met is held until the walk ends, so that an `id` keeps its meaning.
"""

from __future__ import annotations

import copyreg
import reprlib
import struct
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple, TypeAlias
from xml.etree.ElementTree import Element

Step: TypeAlias = "str | int"
"""How a part is reached: an attribute as text (".name"), an item as a number; a dict counts key, value, key, value."""
Part = tuple[Step, Any]
Path: TypeAlias = "tuple[Any, Any, Step] | None"
"""From the root: None, or (path of the owner, the owner, step); rendered only when there is something to report."""

LEAVES = frozenset({type(None), bool, int, float, complex, str, bytes, range, CodeType, type(...), type(NotImplemented)})
"""Exact types without parts: equal values are the same."""
BOUNDARIES = (type, FunctionType, BuiltinFunctionType, ModuleType)
"""Objects that belong to the program rather than to the data: a walk over one graph does not go into them."""
POINTER = struct.calcsize("P")


def difference(expected: object, actual: object, source: object = None) -> str | None:
    """Say in one line where `actual` differs from `expected`, or return None if they are the same.

    `source` is the graph both were copied from; without it nothing is known about sharing with the original.
    Raises nothing of its own; exceptions of user-defined `__reduce_ex__` methods count as "shows nothing".
    """
    owned = {} if source is None else reachable(source)
    owned.update([(id(type(each)), type(each)) for each in owned.values()])
    partner: dict[int, tuple[Any, Any]] = {}
    reverse: dict[int, tuple[Any, Any]] = {}
    todo: list[tuple[Path, Any, Any]] = [(None, expected, actual)]
    sets: list[tuple[Path, Any, Any]] = []
    while todo or sets:
        if not todo:
            path, left, right = sets.pop()
            matched = _match_members(left, right, partner, reverse)
            if isinstance(matched, str):
                return f"{render(path)}: {matched}"
            todo.extend(((path, left, "{member}"), one, other) for one, other in matched)
            continue
        path, left, right = todo.pop()
        kind = type(left)
        if kind is not type(right) and (kind.__qualname__ != type(right).__qualname__ or id(kind) in owned):
            return f"{render(path)}: type {_name(type(right))} instead of {_name(kind)}"
        leaves = kind in LEAVES and type(right) in LEAVES
        if leaves and left is not right and not _equal_leaves(left, right):
            return f"{render(path)}: {_show(right)} instead of {_show(left)}"
        if left is not right and (id(left) in owned or id(right) in owned):
            return f"{render(path)}: {_ownership(left, right, owned)}"
        if leaves:
            continue
        if id(left) in partner or id(right) in reverse:
            if id(left) in partner and partner[id(left)][1] is right:
                continue
            return f"{render(path)}: {_sharing(left, right, partner, reverse)}"
        partner[id(left)] = (left, right)
        reverse[id(right)] = (left, right)
        if left is right:
            continue
        if kind is not type(right):  # classes made on the fly while copying, as email does for headers: compared as objects
            todo.append(((path, left, ".__class__"), kind, type(right)))
        ours, theirs = parts(left), parts(right)
        if [step for step, _ in ours] != [step for step, _ in theirs]:
            return f"{render(path)}: {_uneven(ours, theirs)}"
        todo.extend(((path, left, step), one, other) for (step, one), (_, other) in zip(reversed(ours), reversed(theirs), strict=False))
        if isinstance(left, (set, frozenset)):
            sets.append((path, left, right))
    return None


def reachable(root: object) -> dict[int, Any]:
    """Map `id` to object for all objects of a graph, the root included. Classes and functions are not entered."""
    found: dict[int, Any] = {}
    todo = [root]
    while todo:
        each = todo.pop()
        if id(each) in found:
            continue
        found[id(each)] = each
        if type(each) not in LEAVES and not isinstance(each, BOUNDARIES):
            todo.extend(part for _, part in parts(each))
            todo.extend(_members(each))
    return found


def shared_mutable(source: object, copied: object) -> str | None:
    """Say in one line which changeable object of `source` is also part of `copied`, or return None.

    Sharing is rightful for immutable objects and for types that arrange their own copying (a logger stays itself).
    """
    owned = reachable(source)
    seen: dict[int, Any] = {}
    todo: list[tuple[Path, Any]] = [(None, copied)]
    while todo:
        path, each = todo.pop()
        if id(each) in seen or type(each) in LEAVES or isinstance(each, BOUNDARIES):
            continue
        seen[id(each)] = each
        if id(each) in owned:
            if _arranges_its_own_copy(type(each)):
                continue
            if not isinstance(each, (tuple, frozenset)):
                return f"{render(path)}: this {_name(type(each))} is the original's"
        todo.extend(((path, each, step), part) for step, part in parts(each))
        todo.extend(((path, each, "{member}"), part) for part in _members(each))
    return None


def parts(each: Any) -> list[Part]:
    """List what an object is made of, in order, each part with its step. Set members are not among them."""
    kind: Any = type(each)
    layout = _layout(kind)
    found = layout.contents(each) if layout.contents else []
    for name, slot in layout.slots:
        try:
            found.append((name, slot.__get__(each)))
        except AttributeError:  # an empty slot
            pass
    if layout.has_dict:
        try:
            found.append((".__dict__", object.__getattribute__(each, "__dict__")))
        except AttributeError:
            pass
    if layout.hidden:
        found.extend(_reduced(each))
    return found


class Layout(NamedTuple):
    """Where the instances of one class keep their parts."""

    contents: Callable[[Any], list[Part]] | None
    """Reads the contents of the built-in type that the class is or derives from."""
    slots: tuple[tuple[str, Any], ...]
    """Steps and descriptors of slots, and of members that types in C show."""
    has_dict: bool
    hidden: bool
    """Some class in the MRO has instance memory that none of the above explains: ask `__reduce_ex__`."""


@lru_cache(maxsize=4096)
def _layout(kind: type) -> Layout:
    reader = next((READERS[base] for base in kind.__mro__ if base in READERS), None)
    if issubclass(kind, (type, FunctionType)):
        return Layout(reader, (), False, False)
    slots = {
        f".{name}": member
        for base in reversed(kind.__mro__)
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType) and name != "__dict__"
    }
    hidden = any(_has_hidden_state(base) for base in kind.__mro__ if base not in READERS and base.__base__)
    return Layout(reader, tuple(slots.items()), kind.__dictoffset__ != 0, hidden)


def _has_hidden_state(kind: type) -> bool:
    """Tell whether a class adds instance memory beyond one pointer per slot, for `__dict__` and for weak references."""
    assert kind.__base__ is not None
    explained = sum(isinstance(each, MemberDescriptorType) for each in vars(kind).values())
    explained += ("__dict__" in vars(kind)) + ("__weakref__" in vars(kind))
    return kind.__basicsize__ - kind.__base__.__basicsize__ > explained * POINTER


def _reduced(each: Any) -> list[Part]:
    """List what the pickle protocol says about an object; nothing if it refuses (a lock, a generator)."""
    try:
        reduce = copyreg.dispatch_table.get(type(each))
        value = reduce(each) if reduce else each.__reduce_ex__(4)
        if isinstance(value, str):
            return [(".__reduce_ex__(4)", value)]
        found: list[Part] = []
        for position, part in enumerate(value):
            several = position in (1, 3, 4) and part is not None  # arguments, list items, dict items
            found.extend((f".__reduce_ex__(4)[{position}]", item) for item in (part if several else [part]))
        return found
    except Exception:
        return []


def _numbered(items: Any) -> list[Part]:
    return list(enumerate(items))


def _alternating(items: Any) -> list[Part]:
    return list(enumerate(part for item in items for part in item))


def _of_element(each: Element) -> list[Part]:
    # A C element makes its attribute dict on the first look at `attrib`: do not look where there is none.
    found: list[Part] = [(".tag", each.tag), (".text", each.text), (".tail", each.tail)]
    if each.keys():
        found.append((".attrib", each.attrib))
    return found + _numbered(each)


def _of_function(each: FunctionType) -> list[Part]:
    return [(f".{name}", getattr(each, name)) for name in ("__code__", "__defaults__", "__kwdefaults__", "__closure__", "__dict__")]


def _of_cell(each: CellType) -> list[Part]:
    try:
        return [(".cell_contents", each.cell_contents)]
    except ValueError:  # an empty cell
        return []


def _of_class(each: type) -> list[Part]:
    found: list[Part] = [
        (".__module__", each.__module__),
        (".__qualname__", each.__qualname__),
        (".__bases__", each.__bases__),
    ]
    bookkeeping = ("__dict__", "__weakref__", "__slotnames__", "__module__", "__qualname__")
    return found + [(f".{name}", value) for name, value in vars(each).items() if name not in bookkeeping]


READERS: dict[type, Callable[[Any], list[Part]]] = {
    list: lambda each: _numbered(list.__iter__(each)),
    tuple: lambda each: _numbered(tuple.__iter__(each)),
    dict: lambda each: _alternating(dict.items(each)),
    OrderedDict: lambda each: _alternating(OrderedDict.items(each)),
    deque: lambda each: [(".maxlen", each.maxlen), *_numbered(deque.__iter__(each))],
    set: lambda each: [(".__len__()", set.__len__(each))],
    frozenset: lambda each: [(".__len__()", frozenset.__len__(each))],
    bytearray: lambda each: [(".value", bytes(each))],
    bytes: lambda each: _numbered(bytes.__getnewargs__(each)),
    str: lambda each: _numbered(str.__getnewargs__(each)),
    int: lambda each: _numbered(int.__getnewargs__(each)),
    float: lambda each: _numbered(float.__getnewargs__(each)),
    complex: lambda each: [(".real", complex.real.__get__(each)), (".imag", complex.imag.__get__(each))],
    Element: _of_element,
    CellType: _of_cell,
    FunctionType: _of_function,
    type: _of_class,
}


def _members(each: Any) -> Iterator[Any]:
    if isinstance(each, set):
        return set.__iter__(each)
    return frozenset.__iter__(each) if isinstance(each, frozenset) else iter(())


def _match_members(
    left: Any, right: Any, partner: dict[int, tuple[Any, Any]], reverse: dict[int, tuple[Any, Any]]
) -> list[tuple[Any, Any]] | str:
    """Pair the members of two sets of equal size, or say which member of `left` has no partner in `right`."""
    free = {id(each): each for each in _members(right)}
    pairs: list[tuple[Any, Any]] = []
    strangers: list[Any] = []
    for each in _members(left):
        mate = partner[id(each)][1] if id(each) in partner else each
        if id(mate) in free:
            pairs.append((each, free.pop(id(mate))))
        elif id(each) in partner:
            return f"the member {_show(each)} is not in the set"
        else:
            strangers.append(each)
    if not strangers:
        return pairs
    looks: dict[Any, list[Any]] = {}
    anchors = {key: id(pair[0]) for key, pair in reverse.items()}
    for other in free.values():
        looks.setdefault(_look(other, anchors), []).append(other)
    anchors = {key: key for key in partner}
    for each in strangers:
        alike = looks.get(_look(each, anchors))
        if not alike:
            return f"the member {_show(each)} is not in the set"
        pairs.append((each, alike.pop(0)))
    return pairs


def _look(root: Any, anchors: dict[int, int], limit: int = 200) -> tuple[Any, ...]:
    """Describe the first `limit` objects from `root` on, breadth first; a paired object is named by its pair alone."""
    words: list[Any] = []
    number: dict[int, int] = {}
    todo: deque[Any] = deque([root])
    held = []
    while todo and len(words) < limit:
        each = todo.popleft()
        held.append(each)
        words.append(type(each).__qualname__)
        if id(each) in anchors:
            words.append(anchors[id(each)])
        elif type(each) in LEAVES:
            words.append(each)
        elif isinstance(each, BOUNDARIES):
            words.append(each.__name__)
        elif id(each) in number:
            words.append(number[id(each)])
        else:
            number[id(each)] = len(number)
            inside = parts(each)
            words.append(len(inside))
            todo.extend(part for _, part in inside)
    return tuple(words)


def _equal_leaves(left: Any, right: Any) -> bool:
    if isinstance(left, (float, complex)):
        return repr(left) == repr(right)  # tells -0.0 from 0.0, and takes nan for nan
    return bool(left == right)


def _arranges_its_own_copy(kind: type) -> bool:
    return (
        hasattr(kind, "__deepcopy__")
        or kind in copyreg.dispatch_table
        or kind not in READERS
        and any(getattr(kind, name) is not getattr(object, name) for name in ("__reduce_ex__", "__reduce__"))
    )


def _ownership(left: Any, right: Any, owned: dict[int, Any]) -> str:
    if id(left) not in owned:
        return f"{_show(right)} is the original's, a new object is expected"
    if id(right) not in owned:
        return f"{_show(right)} is a new object, the original's is expected"
    return f"{_show(right)} is another object of the original than expected"


def _sharing(left: Any, right: Any, partner: dict[int, tuple[Any, Any]], reverse: dict[int, tuple[Any, Any]]) -> str:
    if id(left) in partner and id(right) in reverse:
        return f"{_show(right)} is shared with the wrong place"
    if id(left) in partner:
        return f"{_show(right)} is an object of its own, and should be the same as elsewhere"
    return f"{_show(right)} is the same as elsewhere, and should be an object of its own"


def _uneven(ours: list[Part], theirs: list[Part]) -> str:
    expected, actual = [step for step, _ in ours], [step for step, _ in theirs]
    for step in expected:
        if step not in actual:
            return f"has no {step}" if isinstance(step, str) else f"{len(actual)} parts instead of {len(expected)}"
    for step in actual:
        if step not in expected:
            return f"has {step} in excess" if isinstance(step, str) else f"{len(actual)} parts instead of {len(expected)}"
    return "its parts come in another order"


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _show(each: Any) -> str:
    """Show a value if that runs no user code, else its type."""
    return reprlib.repr(each) if type(each) in LEAVES else f"this {_name(type(each))}"


def render(path: Path, limit: int = 12) -> str:
    """Write a path as an expression on the root "$"; of a long one the last `limit` steps."""
    steps: list[str] = []
    while path is not None and len(steps) < limit:
        path, owner, step = path
        if isinstance(step, int) and isinstance(owner, dict):
            items = OrderedDict.items(owner) if isinstance(owner, OrderedDict) else dict.items(owner)
            key = next(key for index, (key, _) in enumerate(items) if index == step // 2)
            steps.append(f"[{_show(key)}]" if step % 2 else f" key {step // 2}")
        else:
            steps.append(f"[{step}]" if isinstance(step, int) else step)
    return ("$" if path is None else "$...") + "".join(reversed(steps))
