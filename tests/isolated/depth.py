"""Copies one chain of objects in a process of its own: python depth.py KIND DEPTH STACK ACTION

STACK is "main" or the size of a thread's stack in KiB.  ACTION is
  copy    copy the chain with calque and check the copy; ends by os._exit while both are alive, because CPython cannot free every such chain
  abort   the innermost object refuses to be copied: whatever was begun is freed
  late    an object behind the chain refuses to be copied: the finished copy of the chain is freed
  memory  the same, but allocations fail from the middle on; then free the chain: with tests/isolated/failing_malloc.c preloaded
  free    free the chain without having copied it: what the interpreter itself can do
  both    copy it, free the copy, then the chain
  after   as late, and the chain is freed as well
Prints one line that begins with OK, or raises.
"""

import ast
import collections
import dataclasses
import functools
import gc
import os
import sys
import threading
import types


class Refuses:
    """No copy is made of it."""

    def __deepcopy__(self, memo):
        raise ValueError("the innermost object refuses")


class Plain:
    pass


class Slots:
    __slots__ = ("below",)


class ListSub(list):
    pass


class DictSub(dict):
    pass


class TupleSub(tuple):
    pass


Point = collections.namedtuple("Point", "below other")


class Reduced:
    __slots__ = ("below",)

    def __init__(self, below):
        self.below = below

    def __reduce__(self):
        return Reduced, (self.below,)


class Bound:
    """The owner of a method; the next method is its only attribute."""

    __slots__ = ("below",)

    def method(self):
        pass


class Stateful:
    __slots__ = ("below",)

    def __reduce__(self):
        return Stateful, (), (None, {"below": self.below})


@dataclasses.dataclass
class Record:
    below: object
    name: str = "n"


class SlotsAndDict:
    __slots__ = ("below", "__dict__")


class Listed:
    """Copied with listitems: an iterator of what is appended."""

    def __init__(self):
        self.items = []

    def append(self, item):
        self.items.append(item)

    def __reduce__(self):
        return Listed, (), None, iter(self.items)


class Mapped:
    """Copied with dictitems."""

    def __init__(self):
        self.items = {}

    def __setitem__(self, key, value):
        self.items[key] = value

    def __reduce__(self):
        return Mapped, (), None, None, iter(self.items.items())


class HashedOnce:
    """A member of frozensets with a hash of its own: hashing must not walk the chain."""

    __slots__ = ("below",)

    def __init__(self, below=None):
        self.below = below

    def __hash__(self):
        return 1

    def __reduce__(self):
        return HashedOnce, (self.below,)


def filled(cls):
    def wrap(below):
        obj = cls()
        obj.below = below
        return obj
    return wrap


def with_a_dict_of_its_own(below):
    obj = Plain()
    obj.__dict__ = {"below": below}
    return obj


def list_with_attribute(below):
    obj = ListSub((1,))
    obj.below = below
    return obj


def slots_and_dict(below):
    obj = SlotsAndDict()
    obj.other = 1
    obj.below = below
    return obj


def listed(below):
    obj = Listed()
    obj.append(below)
    return obj


def mapped(below):
    obj = Mapped()
    obj["k"] = below
    return obj


class SetSub(set):
    pass


def method_of(below):
    owner = Bound()
    owner.below = below
    return owner.method


def deque_of(below):
    return collections.deque((below,))


def from_deque(obj):
    return obj[0]


def from_set(obj):
    (below,) = obj
    return below


def first(obj):
    return obj[0]


def attribute(obj):
    return obj.below


# kind: (one level around the level below, the level below it)
KINDS = {
    "list": (lambda below: [below], first),
    "tuple": (lambda below: (below,), first),
    "dict": (lambda below: {"k": below}, lambda obj: obj["k"]),
    "dict_key": (lambda below: {HashedOnce(below): 1}, lambda obj: next(iter(obj)).below),
    "frozenset": (lambda below: frozenset((below,)), from_set),
    "set": (lambda below: {HashedOnce(below)}, lambda obj: from_set(obj).below),
    "instance": (filled(Plain), attribute),
    "slots": (filled(Slots), attribute),
    "list_subclass": (lambda below: ListSub((below,)), first),
    "dict_subclass": (lambda below: DictSub(k=below), lambda obj: obj["k"]),
    "tuple_subclass": (lambda below: TupleSub((below,)), first),
    "namedtuple": (lambda below: Point(below, 1), first),
    "deque": (deque_of, from_deque),
    "ordered_dict": (lambda below: collections.OrderedDict(k=below), lambda obj: obj["k"]),
    "defaultdict": (lambda below: collections.defaultdict(list, k=below), lambda obj: obj["k"]),
    "reduce": (Reduced, attribute),
    "reduce_state": (filled(Stateful), attribute),
    "method": (method_of, lambda obj: obj.__self__.below),
    "partial": (lambda below: functools.partial(len, below), lambda obj: obj.args[0]),
    "partial_of_partial": (lambda below: functools.partial(len, k=below), lambda obj: obj.keywords["k"]),
    "exception": (ValueError, lambda obj: obj.args[0]),
    "syntax": (lambda below: ast.Expr(value=below), lambda obj: obj.value),
    "counter": (lambda below: collections.Counter({"k": below}), lambda obj: obj["k"]),
    "namespace": (lambda below: types.SimpleNamespace(below=below), attribute),
    "set_subclass": (lambda below: SetSub((HashedOnce(below),)), lambda obj: from_set(obj).below),
    "list_with_attribute": (list_with_attribute, attribute),
    "dataclass": (Record, attribute),
    "dict_of_its_own": (with_a_dict_of_its_own, attribute),
    "slots_and_dict": (slots_and_dict, attribute),
    "list_items": (listed, lambda obj: obj.items[0]),
    "dict_items": (mapped, lambda obj: obj.items["k"]),
    "mixed": (lambda below: [({"k": below},)], lambda obj: obj[0][0]["k"]),
}


def build(kind, depth, end):
    wrap = KINDS[kind][0]
    obj = end
    for _ in range(depth):
        obj = wrap(obj)
    return obj


def check(kind, depth, original, copied):
    """Walks both chains side by side, without recursion."""
    below = KINDS[kind][1]
    for level in range(depth):
        assert type(copied) is type(original), (level, type(copied))
        assert copied is not original, f"level {level} is shared"
        original, copied = below(original), below(copied)
    assert type(original) is type(copied) is list
    assert copied == ["end"]
    assert copied is not original


def fail_in_the_middle(deepcopy, kind, depth, obj):
    import failing_malloc

    asked = []
    for few in (200, 400):  # few enough to be freed on any stack
        small = build(kind, few, HashedOnce() if kind == "frozenset" else ["end"])
        for _ in range(2):  # the second with all plans made
            failing_malloc.call(deepcopy, (small,), 1 << 40, 1 << 40)
        asked.append(failing_malloc.numbered())
    middle = (asked[1] - asked[0]) * depth // 400
    assert middle > 0, "a level takes no allocation"
    try:
        failing_malloc.call(deepcopy, (obj,), middle, 1 << 40 if sys.version_info >= (3, 11) else middle + 20)
    except MemoryError as error:
        error.__traceback__ = None
    else:
        raise AssertionError("the copy did without memory")
    obj = None
    gc.collect()
    return "OK freed"


def main(kind, depth, action):
    gc.disable()  # a collection walks what is being built: time, not meaning
    import calque

    deepcopy = calque.deepcopy
    # frozensets hash their members: the end must have a hash, and a list has none.
    end = HashedOnce() if kind == "frozenset" else ["end"]
    if action == "abort":
        end = Refuses()
    obj = build(kind, depth, end)
    if action in ("late", "after"):
        obj = [obj, Refuses()]
    if action == "free":
        del obj
        gc.collect()
        return "OK freed"
    if action == "both":
        copied = deepcopy(obj)
        copied = None
        obj = None
        gc.collect()
        return "OK freed"
    if action == "memory":
        return fail_in_the_middle(deepcopy, kind, depth, obj)
    if action == "copy":
        copied = deepcopy(obj)
        if kind == "frozenset":
            walk, twin = obj, copied
            for _ in range(depth):
                assert walk is not twin
                walk, twin = from_set(walk), from_set(twin)
            assert type(twin) is HashedOnce
        else:
            check(kind, depth, obj, copied)
        return "OK copied", obj, copied
    try:
        deepcopy(obj)
    except ValueError as error:
        error.__traceback__ = None
        if action == "after":
            obj = None
            gc.collect()
            return "OK freed"
        return "OK aborted", obj
    raise AssertionError("the innermost object was copied")


if __name__ == "__main__":
    arguments = sys.argv[1], int(sys.argv[2]), sys.argv[4]
    alive = []

    def run():
        alive.append(main(*arguments))

    if sys.argv[3] == "main":
        run()
    else:
        threading.stack_size(int(sys.argv[3]) * 1024)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    said = alive[0] if alive else "failed"
    print(said if isinstance(said, str) else said[0], flush=True)
    os._exit(0 if alive else 1)
