"""Describe an object graph so that two graphs can be compared: types, values, and who is who.

`topology(a, b)` numbers every object reachable from its arguments, in the order of a breadth-first walk, each
object once. Two calls give equal results exactly if the graphs have the same types, the same values, and the same
identities: what is one object in the first is one object in the second. Passing the original and its copy together,
`topology(x, copy_of_x)`, therefore also says which objects the copy shares with the original.

Members of sets have no order that a copy must keep, so they are walked in the order of their own descriptions.
"""

import collections
import functools
import types

_LEAVES = (
    type(None), bool, int, float, complex, str, bytes, range, type(Ellipsis), type(NotImplemented),
    types.FunctionType, types.BuiltinFunctionType, types.CodeType, types.ModuleType, type)


def instance_state(x):
    """(name, value) for the instance dictionary and all slots that are set, found without running the class's code."""
    pairs = []
    try:
        own = object.__getattribute__(x, "__dict__")
    except AttributeError:
        own = {}
    if isinstance(own, dict):
        pairs.extend(own.items())
    for cls in type(x).__mro__:
        for name, value in list(cls.__dict__.items()):
            if isinstance(value, types.MemberDescriptorType) and cls.__flags__ & (1 << 9):
                try:
                    pairs.append((f"{cls.__name__}.{name}", value.__get__(x, type(x))))
                except AttributeError:
                    pass
    return pairs


def children_of(x):
    """(label, child) for everything x refers to, in a fixed order; labels say where the child sits."""
    if isinstance(x, _LEAVES):
        # A subclass of int or str may still carry attributes.
        return [] if type(x) in _LEAVES or isinstance(x, type) else instance_state(x)
    found = []
    if isinstance(x, dict):
        for position, (key, value) in enumerate(dict.items(x)):
            found.append((f"key {position}", key))
            found.append((f"value {position}", value))
        if isinstance(x, collections.defaultdict):
            found.append(("default_factory", x.default_factory))
    elif isinstance(x, (list, tuple)):
        base = list if isinstance(x, list) else tuple
        found.extend((f"[{i}]", item) for i, item in enumerate(base.__iter__(x)))
    elif isinstance(x, collections.deque):
        found.extend((f"[{i}]", item) for i, item in enumerate(collections.deque.__iter__(x)))
    elif isinstance(x, (set, frozenset)):
        base = set if isinstance(x, set) else frozenset
        found.extend((f"member {i}", item) for i, item in enumerate(sorted(base.__iter__(x), key=_set_order)))
    elif isinstance(x, types.MethodType):
        found.extend([("__func__", x.__func__), ("__self__", x.__self__)])
    elif isinstance(x, slice):
        found.extend([("start", x.start), ("stop", x.stop), ("step", x.step)])
    elif isinstance(x, functools.partial):
        found.extend([("func", x.func), ("args", x.args), ("keywords", x.keywords)])
    elif isinstance(x, BaseException):
        found.append(("args", x.args))
    return found + instance_state(x)


def value_of(x):
    """The part of x that is not made of other objects, as something comparable."""
    kind = type(x)
    if isinstance(x, type):
        return x
    if kind in _LEAVES:
        return repr(x) if kind in (float, complex) else x
    for base in (bool, int, float, complex, str, bytes, bytearray):
        if isinstance(x, base):
            return base.__repr__(x)
    if isinstance(x, collections.deque):
        return x.maxlen
    if kind.__module__ in ("datetime", "uuid", "decimal", "fractions", "zoneinfo", "pathlib", "array", "re"):
        return repr(x)
    return None


def _set_order(x):
    """A key that sorts members of a set by what they are, whatever their addresses.

    Sets further down are not entered: a set may be reachable from its own member.
    """
    return repr([
        (kind.__qualname__, len(value) if isinstance(value, (set, frozenset)) else repr(value), labels)
        for kind, value, labels in _walk((x,), 3, sets_are_leaves=True)[1:]])


def topology(*roots, depth=None):
    """A list with one (type, value, ((label, number of child), ...)) per object reachable from the roots.

    With `depth`, objects further away than that are numbered but not entered.
    """
    return _walk(roots, depth)


def _walk(roots, depth, sets_are_leaves=False):
    numbers = {}
    alive = []  # keeps every temporary (a tuple made by an attribute) alive, so that no id is met twice
    queue = collections.deque()

    def number(x, level):
        if id(x) not in numbers:
            numbers[id(x)] = len(numbers)
            alive.append(x)
            queue.append((x, level))
        return numbers[id(x)]

    result = [("roots", None, tuple((f"root {i}", number(root, 0)) for i, root in enumerate(roots)))]
    while queue:
        x, level = queue.popleft()
        value = value_of(x)
        if depth is not None and level >= depth:
            children = []
        elif sets_are_leaves and isinstance(x, (set, frozenset)):
            children, value = [], x
        else:
            children = children_of(x)
        result.append((type(x), value, tuple((label, number(child, level + 1)) for label, child in children)))
    return result


def paths(x):
    """id -> (path of the first place where a breadth-first walk meets the object, the object)."""
    found = {id(x): ("x", x)}
    queue = collections.deque([("x", x)])
    while queue:
        path, node = queue.popleft()
        for label, child in children_of(node):
            if id(child) not in found:
                where = f"{path}{label}" if label.startswith("[") else f"{path}.{label}"
                found[id(child)] = (where, child)
                queue.append((where, child))
    return found


def shared(original, copied):
    """Sorted paths, in the copy, of the objects that the copy has in common with the original, leaves left out."""
    of_original = paths(original)
    return sorted(
        path for key, (path, node) in paths(copied).items()
        if key in of_original and not isinstance(node, _LEAVES))


def assert_same_topology(left, right):
    """Assert that two graphs are alike in types, values and identities; the first difference is named."""
    a, b = topology(left), topology(right)
    for i, (one, other) in enumerate(zip(a, b)):
        assert one == other, f"object number {i - 1} of the walk differs"
    assert len(a) == len(b)


def assert_copies_alike(original, first, second):
    """Assert that two copies of one original are alike, also in what each of them shares with the original."""
    assert_same_topology((original, first), (original, second))


def assert_independent_copy(original, copied):
    """Assert a copy of the same shape that shares nothing but leaves with the original."""
    assert_same_topology(original, copied)
    assert shared(original, copied) == []
