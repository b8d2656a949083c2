"""Objects as comparable data: values, types, order, and which object is which."""

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import types
import uuid
import weakref
from xml.etree import ElementTree

_INLINE = (type(None), bool, type(Ellipsis), type(NotImplemented))
_BY_REPR = (int, float, complex, str, bytes, range, bytearray, array.array, decimal.Decimal, fractions.Fraction, datetime.date, datetime.time,
            datetime.timedelta, datetime.tzinfo, uuid.UUID)
_BY_NAME = (type, types.FunctionType, types.ModuleType, types.GenericAlias)
_NOT_ATTRIBUTES = ("__dict__", "__weakref__")
# Most objects are of these very types, and a walk of some lines is made a hundred thousand times a minute.
_OF_BUILTINS = {
    list: lambda obj: ("", [("[]", item) for item in obj]),
    tuple: lambda obj: ("", [("()", item) for item in obj]),
    dict: lambda obj: ("", [part for key, value in obj.items() for part in (("key", key), ("value", value))]),
    **dict.fromkeys((int, float, str, bytes, range, bytearray), lambda obj: (repr(obj), [])),
}


def sort_key(obj):
    """An order of set members that depends on neither their ids nor the order of insertion."""
    if isinstance(obj, (tuple, list)):
        return (type(obj).__name__, _all_of(sort_key(item) for item in obj))
    if isinstance(obj, (set, frozenset)):
        return (type(obj).__name__, _all_of(sorted(sort_key(item) for item in obj)))
    if isinstance(obj, (int, str, float, bytes)):
        return (type(obj).__name__, repr(obj))
    return (type(obj).__name__, str(vars(obj).get("n")) if hasattr(obj, "__dict__") else "")


def _all_of(keys):
    # Not repr(): a quote within a quote is escaped, at each level once more.
    return "(" + ",".join(f"{name} {text}" for name, text in keys) + ")"


def _slots(cls):
    """(name, descriptor) of the slots of a class, those of the most derived class first."""
    for base in cls.__mro__:
        names = vars(base).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in _NOT_ATTRIBUTES and isinstance(vars(base).get(name), types.MemberDescriptorType):
                yield name, vars(base)[name]


def _attributes(obj, slots):
    """Instance attributes in order, then slots in order of their classes. `slots` remembers them, by class."""
    found = []
    if not isinstance(obj, type):
        found += [("." + str(key), value) for key, value in getattr(obj, "__dict__", {}).items()]
    cls = type(obj)
    if cls not in slots:
        slots[cls] = tuple(_slots(cls))
    for name, descriptor in slots[cls]:
        try:
            found.append((":" + name, descriptor.__get__(obj)))
        except AttributeError:
            pass
    return found


def _parts(obj, slots):
    """What an object says itself, and the objects below it."""
    if type(obj) in _OF_BUILTINS:
        return _OF_BUILTINS[type(obj)](obj)
    if isinstance(obj, _BY_REPR) and not type(obj).__module__.endswith("fuzz.kinds"):
        try:
            return repr(obj), []
        except AttributeError:  # a copy that was given up half way
            return "unfinished", _attributes(obj, slots)
    says, below = "", []
    if isinstance(obj, (list, tuple, collections.deque)):
        below = [("[]", item) for item in obj] if not isinstance(obj, tuple) else [("()", item) for item in tuple.__iter__(obj)]
        says = str(getattr(obj, "maxlen", ""))
    elif isinstance(obj, dict):
        try:
            items = list(obj.items() if isinstance(obj, collections.OrderedDict) else dict.items(obj))
        except KeyError:  # the hash of a key has changed since it was inserted: an OrderedDict does not find it
            items = list(dict.items(obj))
        for key, value in items:
            below += [("key", key), ("value", value)]
        if isinstance(obj, collections.defaultdict):
            below.append(("factory", obj.default_factory))
    elif isinstance(obj, (set, frozenset)):
        below = [("member", item) for item in sorted(obj, key=sort_key)]
    elif isinstance(obj, (int, float, str, bytes, bytearray)):
        says = type(obj).__mro__[-2].__repr__(obj)
    elif isinstance(obj, slice):
        below = [("slice", obj.start), ("slice", obj.stop), ("slice", obj.step)]
    elif isinstance(obj, types.MethodType):
        below = [("func", obj.__func__), ("self", obj.__self__)]
    elif isinstance(obj, types.BuiltinFunctionType):
        says = obj.__name__
        below = [("self", obj.__self__)]
    elif isinstance(obj, functools.partial):
        below = [("func", obj.func), ("args", obj.args), ("keywords", obj.keywords)]
    elif isinstance(obj, weakref.ref):
        below = [("referent", obj())]
    elif isinstance(obj, BaseException):
        below = [("arg", arg) for arg in obj.args]
    elif isinstance(obj, enum.Enum):
        return obj.name, []
    elif isinstance(obj, property):
        return "property", []
    elif ElementTree.iselement(obj):
        below = [("tag", obj.tag), ("text", obj.text), ("tail", obj.tail), ("attrib", dict(obj.attrib))] + [("child", item) for item in obj]
        return "", below
    return says, below + _attributes(obj, slots)


def fingerprint(*roots, names=()):
    """Lists every object once, in the order of a walk, with the numbers of the objects below it.

    Roots that come first give their numbers first: with the source before the copy, an object shared by both shows the number it has in the source.
    """
    numbers = {}
    kept = []  # keeps ids unique while the walk lasts
    lines = []
    slots = {}

    def number(obj):
        found = numbers.get(id(obj))
        if found is not None:
            return found
        if isinstance(obj, _INLINE) or type(obj) is int and -5 <= obj <= 256:
            return repr(obj)
        if isinstance(obj, _BY_NAME):
            return getattr(obj, "__qualname__", None) or repr(obj)
        found = numbers[id(obj)] = len(kept)
        kept.append(obj)
        return found

    done = 0
    for position, root in enumerate(roots):
        name = names[position] if position < len(names) else position
        lines.append(f"root {name}: {number(root)}")
        while done < len(kept):
            obj = kept[done]
            says, below = _parts(obj, slots)
            lines.append(f"{done} {type(obj).__name__} {says}" + "".join(f" {role}={number(item)}" for role, item in below))
            done += 1
    return lines
