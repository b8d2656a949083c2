"""Objects that came about in different ways: what a container was before decides how much room it has to spare."""

import collections
import types


def numbers(n):
    return [1000 + i for i in range(n)]


def names(n):
    return [f"name_{i}" for i in range(n)]


def lists_of(n):
    return [[i] for i in range(n)]


# --- lists


def appended(n):
    x = []
    for i in range(n):
        x.append(i)
    return x


def shrunk(n):
    x = list(range(3 * n + 9))
    del x[n:]
    return x


def popped(n):
    x = list(range(n + 7))
    for _ in range(7):
        x.pop()
    return x


LISTS = {
    "literal": lambda n: eval(repr(numbers(n))),
    "appended": appended,
    "extended": lambda n: [*[], *numbers(n)],
    "shrunk": shrunk,
    "popped": popped,
    "with lists": lists_of,
    "the last a list": lambda n: [*numbers(n), []],
    "one list twice": lambda n: [[1]] * n,
}


# --- dicts: from names and what belongs to them, two lists


def one_by_one(keys, values):
    x = {}
    for key, value in zip(keys, values):
        x[key] = value
    return x


def first_deleted(keys, values):
    x = dict(zip(["a", "b", "c", *keys], [1, 2, 3, *values]))
    for key in "abc":
        del x[key]
    return x


def many_deleted(keys, values):
    x = dict(zip([*keys, *range(3 * len(keys) + 8)], [*values, *range(3 * len(keys) + 8)]))
    for key in range(3 * len(keys) + 8):
        del x[key]
    return x


def last_popped(keys, values):
    x = dict(zip([*keys, *range(2 * len(keys) + 8)], [*values, *range(2 * len(keys) + 8)]))
    for _ in range(2 * len(keys) + 8):
        x.popitem()
    return x


def other_key_before(keys, values):
    x = {0: 0}
    del x[0]
    x.update(zip(keys, values))
    return x


def updated_with_itself(keys, values):
    x = dict(zip(keys, values))
    x.update({key: value for key, value in x.items()})
    return x


def cleared(keys, values):
    x = dict.fromkeys(range(50))
    x.clear()
    x.update(zip(keys, values))
    return x


DICTS = {
    "literal": lambda keys, values: {key: value for key, value in zip(keys, values)},
    "one by one": one_by_one,
    "dict()": lambda keys, values: dict(zip(keys, values)),
    "dict.copy": lambda keys, values: dict(zip(keys, values)).copy(),
    "first deleted": first_deleted,
    "many deleted": many_deleted,
    "last popped": last_popped,
    "another key before": other_key_before,
    "updated with itself": updated_with_itself,
    "cleared": cleared,
}


# --- sets


def added(n):
    x = set()
    for i in numbers(n):
        x.add(i)
    return x


def discarded(n):
    x = set(range(4 * n + 20))
    for i in range(n, 4 * n + 20):
        x.discard(i)
    return x


SETS = {
    "set()": lambda n: set(numbers(n)),
    "added": added,
    "discarded": discarded,
    "copied": lambda n: added(n).copy(),
    "united": lambda n: set(numbers(n)[: n // 2]) | set(numbers(n)),
    "updated with itself": lambda n: added(n) | added(n),
    "of names": lambda n: set(names(n)),
    "of tuples": lambda n: {(i, frozenset([i])) for i in range(n)},
}


# --- instances and their attributes


def with_attributes(new, keys, values):
    x = new()
    for key, value in zip(keys, values):
        setattr(x, key, value)
    return x


def with_dict_looked_at(new, keys, values):
    x = with_attributes(new, keys, values)
    x.__dict__
    return x


def with_update(new, keys, values):
    x = new()
    x.__dict__.update(zip(keys, values))
    return x


def with_other_dict(new, keys, values):
    x = new()
    x.__dict__ = dict(zip(keys, values))
    return x


def with_deletion(new, keys, values):
    x = with_attributes(new, ["gone", *keys], [1, *values])
    del x.gone
    return x


def with_last_deleted(new, keys, values):
    x = with_attributes(new, [*keys, "gone"], [*values, 1])
    del x.gone
    return x


def backwards(new, keys, values):
    with_attributes(new, keys, values)
    return with_attributes(new, keys[::-1], values)


def after_many(new, keys, values):
    for _ in range(40):
        with_attributes(new, keys, values)
    return with_attributes(new, keys, values)


ATTRIBUTES = {
    "set": with_attributes,
    "set, the dict looked at": with_dict_looked_at,
    "updated": with_update,
    "another dict": with_other_dict,
    "one deleted": with_deletion,
    "the last deleted": with_last_deleted,
    "backwards": backwards,
    "after many": after_many,
}


def class_of(base, **extra):
    """A class nobody has made an instance of yet."""
    return type("Class", (base,), extra)


BASES = {
    "object": lambda: class_of(object),
    "object with slots": lambda: class_of(object, __slots__=("first", "__dict__")),
    "list": lambda: class_of(list),
    "dict": lambda: class_of(dict),
    "set": lambda: class_of(set),
    "tuple": lambda: class_of(tuple),
    "OrderedDict": lambda: class_of(collections.OrderedDict),
    "deque": lambda: class_of(collections.deque),
    "namespace": lambda: types.SimpleNamespace,
    "exception": lambda: class_of(Exception),
}


# --- subclasses and relatives of containers, with what is in them


class Names(dict):
    pass


class Items(list):
    pass


class Members(set):
    pass


class FrozenMembers(frozenset):
    pass


def inserted(new, keys, values):
    x = new()
    for key, value in zip(keys, values):
        x[key] = value
    return x


def updated_at_once(new, keys, values):
    x = new()
    x.update(dict(zip(keys, values)))
    return x


def updated_twice(new, keys, values):
    x = updated_at_once(new, keys, values)
    x.update(dict(zip(keys, values)))
    return x


def refilled(new, keys, values):
    others = range(-2 * len(keys) - 3, 0)
    x = inserted(new, [*others, *keys], [*others, *values])
    for key in others:
        del x[key]
    return x


def emptied_from_the_end(new, keys, values):
    others = range(-2 * len(keys) - 3, 0)
    x = inserted(new, [*keys, *others], [*values, *others])
    for _ in others:
        x.popitem()
    return x


MAPPING_HISTORIES = {
    "inserted": inserted,
    "updated at once": updated_at_once,
    "updated twice": updated_twice,
    "refilled": refilled,
    "emptied from the end": emptied_from_the_end,
}
MAPPINGS = {
    "dict subclass": Names,
    "defaultdict": lambda: collections.defaultdict(list),
    "Counter": collections.Counter,
    "OrderedDict": collections.OrderedDict,
}
SEQUENCES = {"list subclass": Items, "set subclass": Members, "frozenset subclass": FrozenMembers, "deque": collections.deque,
             "bytearray": lambda x: bytearray(i % 256 for i in x)}
