"""The same few changes for each kind of container, done without the code of the classes themselves."""

import collections
import types

LISTS = (list, collections.deque)
DICTS = (dict, collections.OrderedDict)
LAYOUTS = (types.GetSetDescriptorType, types.MemberDescriptorType)


def attributes(obj):
    """The dict of an instance, past its class's own properties, or None."""
    for cls in type.__dict__["__mro__"].__get__(type(obj)):
        found = type.__dict__["__dict__"].__get__(cls).get("__dict__")
        if type(found) is types.GetSetDescriptorType:
            return found.__get__(obj)
    return None


def slots(obj):
    """The descriptors of the slots of Python classes."""
    found = {}
    for cls in type.__dict__["__mro__"].__get__(type(obj)):
        if not cls.__flags__ & (1 << 9):
            continue
        for name, value in list(type.__dict__["__dict__"].__get__(cls).items()):
            if type(value) is types.MemberDescriptorType:
                found.setdefault(str(name), value)
    return found


def base(obj):
    """The exact type whose methods work on the object, or None."""
    for kind in (list, collections.deque, collections.OrderedDict, dict, set):
        if kind in type.__dict__["__mro__"].__get__(type(obj)):
            return kind
    return None


def put(obj, first, value):
    """Another first, or last, child."""
    kind = base(obj)
    if kind in LISTS:
        if kind.__len__(obj):
            kind.__setitem__(obj, 0 if first else -1, value)
    elif kind in DICTS:
        keys = list(kind.keys(obj))
        if keys:
            kind.__setitem__(obj, keys[0 if first else -1], value)
    elif kind is set:
        set.add(obj, (first, 77))
    elif kind is None:
        names = attributes(obj)
        found = slots(obj)
        if names:
            names[list(names)[0 if first else -1]] = value
        elif found:
            found[list(found)[0 if first else -1]].__set__(obj, value)


def get(obj, first):
    """The first, or last, child; None where there is none."""
    kind = base(obj)
    if kind in LISTS:
        return kind.__getitem__(obj, 0 if first else -1) if kind.__len__(obj) else None
    if kind in DICTS:
        values = list(kind.values(obj))
        return values[0 if first else -1] if values else None
    if isinstance(obj, tuple):
        return tuple.__getitem__(obj, 0 if first else -1) if tuple.__len__(obj) else None
    if kind is None:
        names = attributes(obj)
        if names:
            return names[list(names)[0 if first else -1]]
        for descriptor in list(slots(obj).values())[::1 if first else -1]:
            try:
                return descriptor.__get__(obj)
            except AttributeError:
                pass
    return None


def add(obj, value):
    kind = base(obj)
    if kind in LISTS:
        kind.append(obj, value)
    elif kind in DICTS:
        kind.__setitem__(obj, "added", value)
    elif kind is set:
        set.add(obj, 78)
    elif kind is None:
        names = attributes(obj)
        if names is not None:
            names["added"] = value


def clear(obj):
    kind = base(obj)
    if kind is not None:
        kind.clear(obj)
        return
    names = attributes(obj)
    if names is not None:
        names.clear()
    for descriptor in slots(obj).values():
        try:
            descriptor.__delete__(obj)
        except AttributeError:
            pass


def pop(obj):
    """Takes the first child out."""
    kind = base(obj)
    if kind is list:
        return list.pop(obj, 0) if list.__len__(obj) else None
    if kind is collections.deque:
        return kind.popleft(obj) if kind.__len__(obj) else None
    if kind in DICTS:
        keys = list(kind.keys(obj))
        return kind.pop(obj, keys[0]) if keys else None
    if kind is set:
        return None
    names = attributes(obj)
    return names.pop(list(names)[0]) if names else None


def turn(obj):
    """Other order, the same number of children."""
    kind = base(obj)
    if kind in LISTS:
        kind.reverse(obj)
    elif kind in DICTS:
        pairs = list(kind.items(obj))
        kind.clear(obj)
        for key, value in reversed(pairs):
            kind.__setitem__(obj, key, value)
    elif kind is None:
        names = attributes(obj)
        if names:
            pairs = list(names.items())
            names.clear()
            names.update(reversed(pairs))


def children(obj):
    """For descriptions: (role, child), past the classes' own code."""
    kind = type(obj)
    if kind is list or kind is tuple:
        return [("[]", item) for item in obj]
    if kind is dict:
        return [pair for key, value in obj.items() for pair in (("key", key), ("value", value))]
    mro = type.__dict__["__mro__"].__get__(type(obj))
    found = []
    if list in mro or collections.deque in mro or tuple in mro:
        kind = list if list in mro else tuple if tuple in mro else collections.deque
        found = [("[]", item) for item in kind.__iter__(obj)]
    elif dict in mro:
        for key, value in dict.items(obj):
            found += [("key", key), ("value", value)]
        if collections.defaultdict in mro:
            found.append(("factory", collections.defaultdict.default_factory.__get__(obj)))
    elif BaseException in mro:
        found = [("args", BaseException.args.__get__(obj))]
    elif slice in mro:
        found = [("start", obj.start), ("stop", obj.stop), ("step", obj.step)]
    elif types.MethodType in mro:
        found = [("func", obj.__func__), ("self", obj.__self__)]
    elif type(obj).__name__ == "partial":
        found = [("func", obj.func), ("args", obj.args), ("keywords", obj.keywords)]
    names = attributes(obj)
    if names is not None:
        if type(names) is dict:
            found += [(f".{name if type(name) is str else type(name).__name__}", value) for name, value in names.items()]
        else:
            found.append(("__dict__", names))
    for name, descriptor in slots(obj).items():
        try:
            found.append((f":{name}", descriptor.__get__(obj)))
        except AttributeError:
            pass
    return found
