"""Subclasses of list, dict, tuple, set and frozenset, which calque copies natively if they leave copying to their base.

As in test_value_containers.py both implementations play one scenario, and what they did is compared. calque goes by the protocol for the first
instance of each class, so classes are copied before it counts.
"""

import collections
import copy
import copyreg
import gc
import typing

import pytest

from support.topology import topology
from test_value_containers import assert_alike, by_names


class TupleSub(tuple):
    pass


class SetSub(set):
    pass


class FrozenSub(frozenset):
    pass


class ListSub(list):
    pass


class DictSub(dict):
    pass


Point = collections.namedtuple("Point", "x y z")
Defaults = collections.namedtuple("Defaults", "x y z", defaults=(1, [2]))


class PointSub(Point):
    pass


class Typed(typing.NamedTuple):
    x: object
    y: object
    z: object = None


def holding(x, **values):
    vars(x).update(values)
    return x


TUPLES = {
    "tuple subclass": TupleSub,
    "with attributes": lambda items: holding(TupleSub(items), a=1, b=[2]),
    "with an attribute": lambda items: holding(TupleSub(items), a=1),
    "named tuple": lambda items: Point(*items),
    "with defaults": lambda items: Defaults(*items),
    "subclass of a named tuple": lambda items: holding(PointSub(*items), a=[1]),
    "typing.NamedTuple": lambda items: Typed(*items),
}
SETS = {
    "set subclass": SetSub,
    "frozenset subclass": FrozenSub,
    "set with attributes": lambda items: holding(SetSub(items), a=1, b=[2]),
    "frozenset with attributes": lambda items: holding(FrozenSub(items), a=1, b=[2]),
    "set with an attribute": lambda items: holding(SetSub(items), a=1),
}
for cls in (TupleSub, SetSub, FrozenSub, ListSub, DictSub):
    copy.deepcopy(cls())
for cls in (Point, Defaults, PointSub, Typed):
    copy.deepcopy(cls(1, 2, 3))

every_tuple = pytest.mark.parametrize("make", TUPLES.values(), ids=TUPLES)
every_set = pytest.mark.parametrize("make", SETS.values(), ids=SETS)
every_fixed = pytest.mark.parametrize("make", [*TUPLES.values(), *SETS.values()], ids=[*TUPLES, *SETS])


@every_fixed
def test_atoms(make):
    def scenario(play):
        x = make([1, "a", None])
        y = play.copy(x)
        assert y == x and y is not x
        assert isinstance(x, (set, list)) or hash(y) == hash(x)
        play.copy([x, x, make([4, 5, 6])])
        gc.collect()
        assert gc.is_tracked(y)

    assert_alike(scenario)


@every_tuple
def test_items_of_tuples(make):
    def scenario(play):
        a = [1]
        x = make([a, (a, 2), {"k": a}])
        play.copy([x, a, x])
        play.copy(make([x, x, a]))

    assert_alike(scenario)


@every_tuple
def test_cycles_through_tuples(make):
    def scenario(play):
        inner = []
        x = make([inner, 1, inner])
        inner.append(x)
        play.copy(x)
        play.copy([x, x])
        play.copy(inner)
        if hasattr(x, "__dict__"):
            x = make([1, [2], 3])
            x.me = x
            x.more = [x]
            play.copy([x, x])

    assert_alike(scenario)


@every_fixed
@pytest.mark.parametrize("error", [ValueError, StopIteration])
def test_errors_of_items_and_attributes(make, error):
    def scenario(play):
        def act(self, memo):
            raise error("no")

        x = make([1, play.hook("sees"), play.hook("raises", act)])
        play.watched = [x]
        play.copy([[1], x])
        x = make([1, 2, 3])
        if hasattr(x, "__dict__"):
            x.last = play.hook("raises", act)
            play.copy([[1], x])

    def scenario_of_one_member(play):
        def act(self, memo):
            raise error("no")

        play.copy([make([play.hook("raises", act)])])

    # The order of members that are hashed by address is not the same in two plays.
    assert_alike(scenario_of_one_member if make in SETS.values() else scenario)


@every_tuple
def test_what_hooks_see_of_tuples(make):
    def scenario(play):
        x = make([play.hook("a"), [1], play.hook("b")])
        if hasattr(x, "__dict__"):
            x.c, x.d = play.hook("c"), play.hook("d")
        play.watched = [x]
        play.copy([x, x])

    assert_alike(scenario)


@every_set
def test_what_hooks_see_of_sets(make):
    def scenario(play):
        def act(self, memo):
            if hasattr(x, "__dict__"):
                x.late = [3]
            return "copied"

        x = make([play.hook("a", act), 5])
        play.watched = [x]
        y = play.deepcopy([x, x])
        play.log.append([sorted(map(str, y[0])), vars(y[0]), y[0] is y[1]])

    assert_alike(scenario)


@pytest.mark.parametrize("cls", [SetSub, FrozenSub, TupleSub])
def test_attributes_that_appear_and_vanish_while_items_are_copied(cls):
    def scenario(play):
        for before, after in [({}, {"late": [1]}), ({"early": 1}, {}), ({"early": [1]}, {"late": 2}), ({"early": 1}, {"early": [1], "late": 2})]:
            def act(self, memo):
                vars(x).clear()
                vars(x).update(after)
                return 0

            x = holding(cls([play.hook("acts", act)]), **before)
            y = play.deepcopy(x)
            play.log.append((list(y), vars(y)))

            def replace(self, memo):
                x.__dict__ = dict(after)
                return 0

            x = holding(cls([play.hook("replaces", replace)]), **before)
            y = play.deepcopy(x)
            play.log.append((list(y), vars(y)))

    assert_alike(scenario)


@every_set
def test_members_of_sets(make):
    def scenario(play):
        shared = (1, 2)
        x = make([shared, frozenset([3]), Point(1, 2, 3), "text"])
        y = play.deepcopy([x, shared, x])
        play.log.append(by_names(topology([x, shared, x], y)))

    assert_alike(scenario)


def test_a_set_that_contains_itself_through_a_member():
    class Member:
        pass

    def scenario(play):
        member = Member()
        member.set = SetSub([member])
        y = play.deepcopy(member.set)
        (inner,) = y
        play.log.append([inner.set is y, len(inner.set), inner in inner.set])

    assert_alike(scenario)


def test_named_tuples_of_the_wrong_length():
    def scenario(play):
        for cls in (Point, Defaults):
            for count in (1, 4):
                play.copy(tuple.__new__(cls, range(count)))
                play.copy([tuple.__new__(cls, ([i] for i in range(count)))])

    assert_alike(scenario)


@pytest.mark.parametrize("cls", [Point, TupleSub])
def test_a_constructor_that_changes_while_items_are_copied(cls):
    def scenario(play):
        def act(self, memo):
            def new(cls, *args):
                play.log.append(("new", len(args)))
                return "from new"

            Sub.__new__ = new
            return 0

        class Sub(cls):
            pass

        items = (play.hook("acts", act), [1], 2)
        x = Sub(*items) if cls is Point else Sub(items)
        copy.deepcopy(cls.__new__(Sub, *([1, 2, 3] if cls is Point else [[1]])))
        play.log.append(play.deepcopy([x]))

    assert_alike(scenario)


def test_a_named_tuple_whose_functions_are_not_the_original_ones():
    def scenario(play):
        class Local(Point):
            def __new__(cls, x, y, z):
                play.log.append("new")
                return super().__new__(cls, x, y, z)

        class Args(Point):
            def __getnewargs__(self):
                play.log.append("getnewargs")
                return (1, 2, 3)

        class Iter(Point):
            def __iter__(self):
                play.log.append("iter")
                return iter([7, 8, 9])

        class Len(Point):
            def __len__(self):
                play.log.append("len")
                return 3

        for cls in (Local, Args, Iter, Len):
            for _ in range(3):
                y = play.deepcopy([tuple.__new__(cls, ([4], 5, 6))])
                play.log.append([*map(str, tuple.__iter__(y[0]))])

    assert_alike(scenario)


def test_code_of_a_named_tuple_replaced_in_place(copier):
    Own = collections.namedtuple("Own", "x y")
    x = Own([1], 2)
    for _ in range(3):
        assert copier.deepcopy(x) == x

    def other(_cls, x, y):
        return "other"

    before = Own.__new__.__code__
    Own.__new__.__code__ = other.__code__
    assert copier.deepcopy([x]) == ["other"]
    Own.__new__.__code__ = before
    assert copier.deepcopy([x]) == [x]
    Own.__new__.__globals__["_tuple_new"] = lambda cls, items: "by the globals"
    assert copier.deepcopy([x]) == ["by the globals"]


# One thing overridden at a time -----------------------------------------------------------------------------------------------------------------------

BASES = {"list": (list, [[1], 2]), "dict": (dict, {"a": [1], "b": 2}), "tuple": (tuple, ([1], 2)), "set": (set, {1, 2}), "frozenset": (frozenset, {1})}
NAMES = ["__deepcopy__", "__reduce_ex__", "__reduce__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__", "__new__", "__init__",
         "__getattribute__", "__getattr__", "__setattr__", "__iter__", "__len__", "__setitem__", "__getitem__", "__contains__", "__bool__", "append",
         "extend", "items", "keys", "add", "update", "__copy__", "copy", "__eq__", "__hash__", "__length_hint__", "__del__", "__missing__"]


def overriding(base, name, log):
    """A method that writes down that it was called and then does what would have been done."""
    original = getattr(base, name, None)
    stand_ins = {
        "__deepcopy__": lambda self, memo: "by hook",
        "__setstate__": lambda self, state: self.__dict__.update(state),
        "__getstate__": lambda self: {"state": 1},
        "__getnewargs__": lambda self: ([7],) if base is tuple else (),
        "__getnewargs_ex__": lambda self: (([7],), {}) if base is tuple else ((), {}),
        "__bool__": lambda self: False,
    }

    def method(self, *args, **keywords):
        log.append((name, args[0] if name in ("__getattr__", "__getattribute__") else len(args)))
        if name == "__getattr__":
            raise AttributeError(args[0])
        if original is None or (name == "__init__" and original is object.__init__):
            return stand_ins[name](self, *args) if name in stand_ins else None
        return original(self, *args, **keywords)

    if name == "__new__":
        return staticmethod(lambda cls, *args: (log.append((name, len(args))), base.__new__(cls, *args))[1])
    return method


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("late", [False, True], ids=["from the start", "after a copy"])
def test_an_override_is_honoured(base, name, late):
    base, value = BASES[base]

    def scenario(play):
        def build():
            x = base.__new__(cls, value) if base in (tuple, frozenset) else base.__new__(cls)
            if base not in (tuple, frozenset):
                base.__init__(x, value)
            object.__getattribute__(x, "__dict__").update(a=1, b=[2])
            return x

        body = overriding(base, name, play.log)
        cls = type("Sub", (base,), {} if late else {name: body})
        inherited = type("Inherited", (cls,), {})
        for _ in range(2 if late else 0):
            play.deepcopy(build())
        if late:
            setattr(cls, name, body)
        for _ in range(3):
            show(play, play.deepcopy([build()]))
        if late:
            delattr(cls, name)
            show(play, play.deepcopy([build()]))
            setattr(cls, name, body)
        cls = inherited
        for _ in range(3):
            show(play, play.deepcopy([build()]))
        gc.collect()

    def show(play, y):
        y = y[0]
        mark = len(play.log)
        if isinstance(y, (list, tuple)):
            shown = [*(list if isinstance(y, list) else tuple).__iter__(y)]
        elif isinstance(y, dict):
            shown = [*dict.items(y)]
        else:
            shown = y if isinstance(y, str) else sorted((set if isinstance(y, set) else frozenset).__iter__(y))
        attributes = None if isinstance(y, str) else dict(object.__getattribute__(y, "__dict__"))
        del y, play.log[mark:]
        play.log.append((str(shown), str(attributes)))

    assert_alike(scenario)


@pytest.mark.parametrize("name", ["__deepcopy__", "__reduce_ex__", "__reduce__", "__getstate__", "__setstate__", "__getnewargs__", "append", "items",
                                  "__iter__", "add", "__init__", "__class__x"])
@pytest.mark.parametrize("base", BASES)
def test_attributes_of_an_instance_that_hide_methods(base, name):
    base, value = BASES[base]
    cls = {list: ListSub, dict: DictSub, tuple: TupleSub, set: SetSub, frozenset: FrozenSub}[base]

    def scenario(play):
        def hiding(*args):
            play.log.append((name, len(args)))
            return (list, ()) if name.startswith("__reduce") else {"k": 1} if name == "__getstate__" else {"k": 1}.items() if name == "items" else "by hook"

        for spelling in (name, "".join(list(name))):
            x = cls(value)
            vars(x)[spelling] = hiding
            y = play.deepcopy([x])[0]
            play.log.append((type(y).__name__, str(y)[:30]))

    assert_alike(scenario)


@pytest.mark.parametrize("base", BASES)
def test_slots_and_slotnames(base):
    base, value = BASES[base]

    def scenario(play):
        if base in (list, dict, set, frozenset):
            class Slotted(base):
                __slots__ = ("one", "two")

            x = Slotted(value)
            x.one = [1]
            for _ in range(3):
                y = play.deepcopy(x)
                play.log.append((getattr(y, "one", "unset"), hasattr(y, "two"), "__slotnames__" in vars(Slotted)))

        class Plain(base):
            pass

        x = holding(Plain(value), a=1)
        for _ in range(3):
            play.deepcopy(x)
            play.log.append(vars(Plain).get("__slotnames__"))
        if "__slotnames__" in vars(Plain):
            Plain.__slotnames__.append("a")
            y = play.deepcopy([x])
            play.log.append(vars(y[0]))

    assert_alike(scenario)


@pytest.mark.parametrize("base", BASES)
def test_a_metaclass_that_is_asked_for_the_constructor(base):
    base, value = BASES[base]

    def scenario(play):
        class Meta(type):
            def __call__(cls, *args):
                play.log.append("call")
                return super().__call__(*args)

            def __getattribute__(cls, name):
                if name == "__new__":
                    play.log.append("new")
                return super().__getattribute__(name)

        class Sub(base, metaclass=Meta):
            pass

        x = Sub(value)
        play.log.clear()
        for _ in range(3):
            play.deepcopy(x)

    assert_alike(scenario)


@pytest.mark.parametrize("base", BASES)
def test_the_dict_of_an_instance_met_beside_it(base):
    base, value = BASES[base]
    cls = {list: ListSub, dict: DictSub, tuple: TupleSub, set: SetSub, frozenset: FrozenSub}[base]

    def scenario(play):
        x = holding(cls(value), a=[1], b=2)
        play.copy([x, vars(x)])
        play.copy([vars(x), x])
        x.own = vars(x)
        play.copy(x)
        x = holding(cls(value), a=1)
        play.copy([x, vars(x), x])
        x.__dict__ = DictSub(a=1)
        play.copy([x])

    assert_alike(scenario)


def test_a_hook_that_reads_the_copy_of_the_dict_in_its_memo():
    def scenario(play):
        def act(self, memo):
            found = memo.get(id(vars(x)))
            play.log.append((found, found is vars(memo[id(x)])))
            return play.deepcopy(vars(x), memo) is found

        x = holding(ListSub([play.hook("reads", act)]), a=[1])
        play.log.append(list(play.deepcopy(x)))

    assert_alike(scenario)


@pytest.mark.parametrize("base", BASES)
def test_a_reducer_registered_later(base, copier):
    base, value = BASES[base]
    cls = {list: ListSub, dict: DictSub, tuple: TupleSub, set: SetSub, frozenset: FrozenSub}[base]
    x = cls(value)
    copier.deepcopy([x])
    copyreg.pickle(cls, lambda x: (str, ("registered",)))
    try:
        assert copier.deepcopy([x, x]) == ["registered", "registered"]
    finally:
        del copyreg.dispatch_table[cls]
    assert copier.deepcopy([x]) == [x]


def test_tuple_inside_a_subclass_of_tuple_that_is_met_again_below_it(copier):
    """The inner tuple gets its copy while its own items are copied; that copy is the one in both outer ones."""

    class Outer(tuple):
        pass

    class Node:
        pass

    def make():
        node = Node()
        node.outer = Outer([(node,)])  # nothing but Outer holds the inner tuple
        return [node.outer]

    copier.deepcopy(make())  # the first of a class goes by the protocol
    copied = copier.deepcopy(make())[0]
    node = copied[0][0]
    assert node.outer is not copied
    assert node.outer[0] is copied[0]


@pytest.mark.parametrize("make", [lambda: ListSub([1]), lambda: DictSub(a=1), lambda: SetSub([1]), lambda: FrozenSub([1])],
                         ids=("list", "dict", "set", "frozenset"))
def test_a_dict_of_attributes_that_others_hold_is_in_the_memo(copier, make):
    """Its copy is an entry of its own, and another object than the dict of the new instance."""
    class Looks:
        def __deepcopy__(self, memo):
            seen.append(memo.get(id(attributes)))
            return self

    for _ in range(2):
        x, seen = holding(make(), name="n"), []
        attributes = vars(x)
        y = copier.deepcopy([x, Looks()])[0]
        assert seen == [{"name": "n"}] and seen[0] is not vars(y) and seen[0] is not attributes


@pytest.mark.parametrize("times", [2, 3, 8, 9, 30])
@pytest.mark.parametrize("presence", [True, False])
def test_a_tuple_rejected_on_a_cycle_may_hold_a_copy_more_than_once(copier, times, presence):
    """The second copy of the tuple is thrown away; it alone held a copy that the memo still names, in each of its places."""
    def graph():
        own = ListSub()
        pair = Point(own, own, own)
        many = (pair,) * times
        own.append((many, pair, pair) if presence else (many,))
        return [own[0]]

    for _ in range(10):
        assert topology(copier.deepcopy(graph())) == topology(copy.deepcopy(graph()))
