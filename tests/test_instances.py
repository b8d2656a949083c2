"""Instances of Python classes: dict, slots, subclasses of built-ins, and changes to classes between and during copies."""

import _thread
import abc
import collections
import contextvars
import copy
import copyreg
import dataclasses
import gc
import struct
import sys
import types
import weakref

import pytest

from support.copiers import since
from support.probes import Hook, Reduces, raised
from support.topology import assert_independent_copy, assert_same_topology, shared


class Plain:
    pass


class Slotted:
    __slots__ = ("a", "b")


def holding(**values):
    x = Plain()
    vars(x).update(values)
    return x


# ---- dict and slots ----------------------------------------------------------------------------------------------------

def test_an_instance_is_copied_with_its_attributes_in_order(copier):
    x = Plain()
    x.b, x.a, x.c = [1], {"k": 2}, x
    y = copier.deepcopy(x)
    assert type(y) is Plain and list(vars(y)) == ["b", "a", "c"]
    assert y.c is y
    assert_independent_copy(x, y)


def test_a_shallow_copy_shares_all_attribute_values(copier):
    x = Plain()
    x.b, x.a, x.c = [1], {"k": 2}, x
    y = copier.copy(x)
    assert y is not x and list(vars(y).items()) == list(vars(x).items())
    assert y.b is x.b and y.c is x
    y.d = 1
    assert not hasattr(x, "d")


def by_assignment(x, values):
    for name, value in values.items():
        setattr(x, name, value)


def by_update(x, values):
    vars(x).update(values)


def in_another_order(x, values):
    by_assignment(x, dict(reversed(values.items())))


def with_one_deleted(x, values):
    by_assignment(x, {"gone": 0} | values)
    del x.gone


def after_a_look_at_the_dict(x, values):
    by_assignment(x, values)
    vars(x)


WAYS_TO_SET = [by_assignment, by_update, in_another_order, with_one_deleted, after_a_look_at_the_dict]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="these attributes stay in the instance")
@pytest.mark.parametrize("count", [1, 3, 5, 6, 10, 11, 21, 22, 40])
@pytest.mark.parametrize("deleted", [0, 1, 5])
def test_the_dict_of_a_copy_is_no_larger_than_that_of_stdlibs_copy(calque, deleted, count):
    cls = type("Own", (), {})
    x = cls()
    calque.deepcopy(x)  # from now on it is known how instances of the class are copied
    by_update(x, {f"gone{i}": i for i in range(deleted)} | {f"a{i}": i if i % 2 else [i] for i in range(count)})
    for i in range(deleted):
        delattr(x, f"gone{i}")
    ours, theirs = calque.deepcopy(x), copy.deepcopy(x)
    assert vars(ours) == vars(theirs) and list(vars(ours)) == list(vars(theirs)) == list(vars(x))
    assert sys.getsizeof(vars(ours)) <= sys.getsizeof(vars(theirs))


@pytest.mark.parametrize("values", [{"a": 1, "b": "text"}, {"a": 1, "b": []}, {"a": []}, {"a": 1, "b": Plain}], ids=repr)
@pytest.mark.parametrize("way", WAYS_TO_SET)
def test_the_collector_sees_the_dict_of_a_copy_as_it_sees_that_of_stdlibs_copy(calque, way, values):
    cls = type("Own", (), {})
    x = cls()
    calque.deepcopy(x)
    way(x, values)
    assert gc.is_tracked(vars(calque.deepcopy(x))) == gc.is_tracked(vars(copy.deepcopy(x)))


@pytest.mark.parametrize("way", WAYS_TO_SET)
@pytest.mark.parametrize("slot", [False, True])
def test_an_instance_is_bare_while_any_of_its_attributes_is_copied(copier, way, slot):
    cls = type("Own", (), {"__slots__": ("s", "__dict__")} if slot else {})
    x = cls()
    copier.deepcopy(x)
    seen = []

    def look(self, memo):
        y = memo[id(x)]
        seen.append((dict(vars(y)), hasattr(y, "s"), y is not x))
        return self.label

    way(x, {"a": [1], "b": Hook("b", [], look), "c": {"k": [2]}, "d": 4, "e": x})
    if slot:
        x.s = Hook("s", [], look)
    y = copier.deepcopy(x)
    assert seen == [({}, False, True)] * (2 if slot else 1)
    assert list(vars(y)) == list(vars(x)) and (y.a, y.b, y.c, y.d) == ([1], "b", {"k": [2]}, 4) and y.e is y
    assert not slot or y.s == "s"


@pytest.mark.parametrize("way", WAYS_TO_SET)
@pytest.mark.parametrize("slot", [False, True])
def test_attributes_are_complete_after_a_hook_ran_at_any_of_them(copier, way, slot):
    for place in range(5):
        cls = type("Own", (), {"__slots__": ("s", "__dict__")} if slot else {})
        x = cls()
        copier.deepcopy(x)
        values = {f"a{i}": [i] for i in range(4)} | {"atom": 1}
        values[list(values)[place]] = Hook("hook", [], lambda self, memo: "hooked")
        way(x, values)
        if slot:
            x.s = [x]
        y = copier.deepcopy(x)
        assert list(vars(y)) == list(vars(x)) and not shared(x, y)
        assert {name: value if value != "hooked" else values[name] for name, value in vars(y).items()} == values
        assert not slot or (y.s[0] is y)


def test_a_hook_counts_under_a_name_that_took_the_place_of_another_in_the_keys_of_its_class(copier):
    """3.10: the second instance does not fit the shared keys, nobody else has them any more, so its own take their place."""
    cls = type("Own", (), {})
    x = cls()
    copier.deepcopy(x)
    x.a, x.b, x.c = 1, [2], 3
    copier.deepcopy(x)
    del x
    x = cls()
    x.a, x.b = 1, [2]
    x.__reduce_ex__ = lambda protocol: "the global of that name"
    assert copier.deepcopy([x])[0] is x


def test_attribute_values_are_copied_in_order_and_values_before_names(copier):
    log = []
    x = Plain()
    x.b, x.a = Hook("b", log), Hook("a", log)
    vars(x)[Hook("key", log)] = Hook("value", log)
    copier.deepcopy(x)
    assert log == ["b", "a", "value", "key"]


def test_many_attributes_deleted_attributes_and_late_attributes(copier):
    x = Plain()
    for i in range(100):
        setattr(x, f"attr{i}", [i])
    for i in range(0, 100, 7):
        delattr(x, f"attr{i}")
    x.late = x
    assert_independent_copy(x, copier.deepcopy(x))
    assert vars(copier.copy(x)) == vars(x)


def test_slots_are_copied_and_unset_ones_stay_unset(copier):
    x = Slotted()
    x.b = [1]
    for function in (copier.deepcopy, copier.copy):
        y = function(x)
        assert y.b == [1] and not hasattr(y, "a")
    assert copier.deepcopy(x).b is not x.b and copier.copy(x).b is x.b
    empty = copier.deepcopy(Slotted())
    assert not hasattr(empty, "a") and not hasattr(empty, "b")


def test_slots_of_bases_private_slots_and_a_dict(copier):
    class Base:
        __slots__ = ("base", "__private")

        def __init__(self):
            self.base, self.__private = [1], [2]

        def private(self):
            return self.__private

    class Derived(Base):
        __slots__ = ("own", "__dict__", "__weakref__")

    x = Derived()
    x.own, x.other = x, [3]
    y = copier.deepcopy(x)
    assert y.own is y and y.other == [3] and y.base == [1] and y.private() == [2]
    assert y.private() is not x.private()
    assert_independent_copy(x, y)
    assert copier.copy(x).private() is x.private()


def test_slots_given_as_one_string(copier):
    class One:
        __slots__ = "only"

    x = One()
    x.only = [1]
    assert copier.deepcopy(x).only == [1] and copier.deepcopy(x).only is not x.only


def test_slots_that_hold_the_object_itself_and_share(copier):
    x = Slotted()
    x.a = x.b = [x]
    y = copier.deepcopy(x)
    assert y.a is y.b and y.a[0] is y


def test_slot_values_are_copied_in_the_order_of_slotnames(copier):
    log = []

    class Base:
        __slots__ = ("z",)

    class Derived(Base):
        __slots__ = ("y", "a")

    x = Derived()
    x.a, x.y, x.z = Hook("a", log), Hook("y", log), Hook("z", log)
    copier.deepcopy(x)
    names = copyreg._slotnames(Derived)
    assert log == names
    assert sorted(names) == ["a", "y", "z"]


def test_dict_values_are_copied_before_slot_values(copier):
    log = []

    class Both:
        __slots__ = ("s", "__dict__")

    x = Both()
    x.s, x.d = Hook("slot", log), Hook("dict", log)
    copier.deepcopy(x)
    assert log == ["dict", "slot"]


def test_slots_are_written_by_setattr(copier):
    log = []

    class Sets:
        __slots__ = ("a", "b")

        def __setattr__(self, name, value):
            log.append(name)
            object.__setattr__(self, name, value)

    x = Sets()
    x.b, x.a = 1, 2
    for function in (copier.deepcopy, copier.copy):
        log.clear()
        y = function(x)
        assert log == ["a", "b"] and (y.a, y.b) == (2, 1)


def test_a_frozen_slotted_class_cannot_be_written(copier):
    class Frozen:
        __slots__ = ("a",)

        def __setattr__(self, name, value):
            raise AttributeError(f"cannot assign {name}")

    x = Frozen()
    object.__setattr__(x, "a", 1)
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, x) == (AttributeError, "cannot assign a")


def test_frozen_dataclasses_with_a_dict_and_with_slots(copier):
    @dataclasses.dataclass(frozen=True)
    class Frozen:
        a: list
        b: object = None

    @dataclasses.dataclass(frozen=True, slots=True)
    class FrozenSlotted:
        a: list
        b: object = None

    @dataclasses.dataclass(slots=True)
    class DataSlotted:
        a: list
        b: object = None

    for cls in (Frozen, FrozenSlotted, DataSlotted):
        x = cls([1], {"k": (2, [3])})
        y = copier.deepcopy(x)
        assert y == x and type(y) is cls
        assert_independent_copy(x, y)
        assert copier.copy(x).a is x.a


def test_copying_leaves_slotnames_on_the_class(copier):
    class WithoutSlots:
        pass

    class WithSlots:
        __slots__ = ("a",)

    class Derived(WithSlots):
        __slots__ = ("b",)

    for function in (copier.deepcopy, copier.copy):
        for cls, names in ((WithoutSlots, []), (WithSlots, ["a"]), (Derived, None)):
            if "__slotnames__" in vars(cls):
                del cls.__slotnames__
            function(cls())
            assert "__slotnames__" in vars(cls)
            found = vars(cls)["__slotnames__"]
            assert found == names if names is not None else sorted(found) == ["a", "b"]


def test_an_empty_instance_gains_slotnames_too_but_a_hooked_one_does_not(copier):
    class Hooked:
        def __deepcopy__(self, memo):
            return self

    copier.deepcopy(Hooked())
    assert "__slotnames__" not in vars(Hooked)


def test_slotnames_of_the_class_decides_what_is_copied(copier):
    class Slots:
        __slots__ = ("a", "b")
        __slotnames__ = ["b", "b"]

    x = Slots()
    x.a, x.b = 1, 2
    y = copier.deepcopy(x)
    assert y.b == 2 and not hasattr(y, "a")
    Slots.__slotnames__[0] = "a"
    y = copier.deepcopy(x)
    assert (y.a, y.b) == (1, 2)


def test_slotnames_changed_in_place_after_a_copy(copier):
    """Changing the list is no change of the class: nothing but a look at the list itself can see it."""
    class Slots:
        __slots__ = ("a", "b")

    x = Slots()
    x.a, x.b = [1], [2]
    for function in (copier.deepcopy, copier.copy):
        Slots.__slotnames__ = ["a", "b"]
        assert function(x).a == [1]
        Slots.__slotnames__[0] = "b"
        y = function(x)
        assert y.b == [2] and not hasattr(y, "a")
        Slots.__slotnames__[0] = "a"
        assert function(x).a == [1]


def test_slotnames_that_are_fewer_than_the_slots_make_the_layout_unknown(copier):
    """object counts: a layout bigger than the dict, the weak references and these names is not its to reduce."""
    class Slots:
        __slots__ = ("a", "b")

    x = Slots()
    x.a = x.b = 1
    for function in (copier.deepcopy, copier.copy):
        for names in (["a"], [], None):
            Slots.__slotnames__ = ["a", "b"]
            assert function(x).a == 1
            Slots.__slotnames__ = names
            assert raised(function, x) == (TypeError, "cannot pickle 'Slots' object")
            Slots.__slotnames__ = ["a", "b"]
            del Slots.__slotnames__[1:]
            assert raised(function, x) == (TypeError, "cannot pickle 'Slots' object")


def test_slotnames_may_name_what_is_no_slot(copier):
    class Named:
        class_attribute = "of the class"
        __slotnames__ = ["class_attribute", "missing"]

    y = copier.deepcopy(Named())
    assert vars(y) == {"class_attribute": "of the class"}


@pytest.mark.parametrize("value, name", [(5, "int"), ((), "tuple"), ({}, "dict"), ("a", "str")])
def test_slotnames_of_the_wrong_type(copier, value, name):
    class Named:
        __slotnames__ = value

    for function in (copier.deepcopy, copier.copy):
        assert raised(function, Named()) == (TypeError, f"Named.__slotnames__ should be a list or None, not {name}")


def test_slotnames_none_is_kept_and_means_no_slots(copier):
    class Named:
        __slotnames__ = None

    x = Named()
    x.d = 2
    for function in (copier.deepcopy, copier.copy):
        assert vars(function(x)) == {"d": 2}
        assert Named.__slotnames__ is None


def test_slotnames_is_read_from_the_class_itself_not_from_its_bases(copier):
    class Base:
        __slots__ = ("a",)

    class Derived(Base):
        __slots__ = ("b",)

    x = Base()
    x.a = 1
    copier.deepcopy(x)
    y = Derived()
    y.a, y.b = 1, 2
    z = copier.deepcopy(y)
    assert (z.a, z.b) == (1, 2)


def test_setting_slotnames_runs_setattr_of_the_metaclass(copier):
    log = []

    class Meta(type):
        def __setattr__(cls, name, value):
            log.append((name, value))
            type.__setattr__(cls, name, value)

    class Made(metaclass=Meta):
        pass

    copier.deepcopy(Made())
    copier.deepcopy(Made())
    assert log == [("__slotnames__", [])]


def test_a_slot_shadowed_by_a_property_of_the_subclass(copier):
    class Base:
        __slots__ = ("a",)

    class Derived(Base):
        log = []

        @property
        def a(self):
            return Base.a.__get__(self)

        @a.setter
        def a(self, value):
            self.log.append("set")
            Base.a.__set__(self, value)

    x = Derived()
    x.a = [1]
    Derived.log.clear()
    y = copier.deepcopy(x)
    assert y.a == [1] and y.a is not x.a and Derived.log == ["set"]


def test_an_instance_dict_of_a_dict_subclass_is_copied_as_such(copier):
    class Namespace(dict):
        def __deepcopy__(self, memo):
            return {"replaced": True}

    x = Plain()
    x.__dict__ = Namespace(a=1)
    y = copier.deepcopy(x)
    assert vars(y) == {"replaced": True} and type(vars(y)) is dict
    assert vars(copier.copy(x)) == {"a": 1} and type(vars(copier.copy(x))) is dict


def test_a_dict_property_is_bypassed_when_reading(copier):
    class Hides:
        @property
        def __dict__(self):
            raise AttributeError("hidden")

    x = Hides()
    x.a = 1
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, x) == (AttributeError, "hidden")  # the write does ask
    assert type(copier.deepcopy(Hides())) is Hides


def test_two_instances_with_one_dict_get_two(copier):
    """The state is copied once, but each copy is updated from it: the dict itself is not kept."""
    x, y = Plain(), Plain()
    x.a = [1]
    y.__dict__ = x.__dict__
    p, q = copier.deepcopy([x, y])
    assert p.a is q.a and p.__dict__ is not q.__dict__


def test_the_dict_of_an_instance_met_beside_it(copier):
    """Its dict is copied as a dict, once; the copy of the instance has an equal dict of its own."""
    x = holding(a=[1])
    for original in ([x, x.__dict__], [x.__dict__, x]):
        result = copier.deepcopy(original)
        y, d = result if type(result[0]) is Plain else result[::-1]
        assert d == vars(y) and d is not vars(y) and d["a"] is y.a is not x.a


def test_an_instance_that_holds_its_own_dict(copier):
    x = Plain()
    x.me = x.__dict__
    y = copier.deepcopy(x)
    assert y.me is not y.__dict__ and y.me["me"] is y.me


def test_instances_of_the_same_class_are_independent(copier):
    x = [holding(i=[i]) for i in range(20)]
    y = copier.deepcopy(x)
    assert [item.i for item in y] == [[i] for i in range(20)]
    y[0].new = 1
    assert not hasattr(y[1], "new") and not hasattr(x[0], "new")


def test_object_itself(copier):
    x = object()
    y = copier.deepcopy(x)
    assert type(y) is object and y is not x
    assert copier.copy(x) is not x
    z = copier.deepcopy([x, x])
    assert z[0] is z[1] is not x


def test_a_copy_can_be_weakly_referenced_and_is_tracked_by_the_collector(copier):
    x = holding(a=[1])
    y = copier.deepcopy(x)
    assert weakref.ref(y)() is y
    assert gc.is_tracked(y) and gc.is_tracked(copier.deepcopy([[]]))
    cycle = copier.deepcopy(cyclic())
    alive = weakref.ref(cycle)
    del cycle
    gc.collect()
    assert alive() is None


def cyclic():
    x = Plain()
    x.me = [x, {"me": (x,)}]
    return x


def test_weak_references_to_the_original_are_not_carried_over(copier):
    calls = []
    x = holding(a=1)
    x.ref = weakref.ref(x, calls.append)
    y = copier.deepcopy(x)
    assert y.ref is x.ref
    assert weakref.getweakrefcount(y) == 0


# ---- partial copies -------------------------------------------------------------------------------------------------------

def test_the_copy_is_empty_until_its_state_is_complete(copier):
    seen = []

    def look(self, memo):
        seen.append(dict(vars(memo[id(x)])))
        return self

    x = Plain()
    x.a = [1]
    x.b = Hook("look", [], look)
    x.c = 3
    y = copier.deepcopy(x)
    assert seen == [{}] and list(vars(y)) == ["a", "b", "c"]


def test_slots_of_the_copy_are_unset_until_the_state_is_complete(copier):
    seen = []

    def look(self, memo):
        seen.append((hasattr(memo[id(x)], "a"), hasattr(memo[id(x)], "b")))
        return self

    x = Slotted()
    x.a, x.b = [1], Hook("look", [], look)
    copier.deepcopy(x)
    assert seen == [(False, False)]


def test_lists_and_dicts_are_seen_as_far_as_they_are_filled(copier):
    seen = []

    def look(self, memo):
        seen.append(repr(memo[id(x)]))
        return self.label

    x = ["before", Hook("hook", [], look), "after"]
    copier.deepcopy(x)
    x = {"before": 1, "at": Hook("hook", [], look), "after": 2}
    copier.deepcopy(x)
    x = {"before": 1, Hook("key", [], look): 3, "after": 2}
    copier.deepcopy(x)
    assert seen == ["['before']", "{'before': 1}", "{'before': 1}"]


def test_tuples_sets_and_arguments_are_not_seen_while_they_are_copied(copier):
    seen = []

    def look(self, memo):
        seen.append(memo.get(id(x)))
        return self

    Pair = collections.namedtuple("Pair", "one two")
    hook = Hook("hook", [], look)
    for x in ((1, hook), {hook}, frozenset({hook}), Pair(1, hook), ValueError(hook), Reduces((list, ((hook,),)))):
        copier.deepcopy(x)
    assert seen == [None] * 6


def test_a_dict_subclass_is_seen_with_its_state_and_its_items_so_far(copier):
    seen = []

    class Dicts(dict):
        pass

    def look(self, memo):
        y = memo[id(x)]
        seen.append((dict(y), dict(vars(y))))
        return self

    x = Dicts(a=1)
    x["hook"] = Hook("hook", [], look)
    x["z"] = 3
    x.attribute = [1]
    copier.deepcopy(x)
    assert seen == [({"a": 1}, {"attribute": [1]})]


def test_a_list_subclass_is_seen_with_its_state_and_its_items_so_far(copier):
    seen = []

    class Lists(list):
        pass

    def look(self, memo):
        y = memo[id(x)]
        seen.append((list(y), dict(vars(y))))
        return self

    x = Lists(["a", Hook("hook", [], look), "z"])
    x.attribute = [1]
    copier.deepcopy(x)
    assert seen == [(["a"], {"attribute": [1]})]


def test_the_ancestors_that_a_hook_sees_are_those_of_the_result(copier):
    seen = {}

    def look(self, memo):
        for name, original in originals.items():
            seen[name] = memo[id(original)]
        return self

    inner = holding(hook=Hook("hook", [], look))
    middle = {"inner": inner}
    outer = [middle]
    originals = {"outer": outer, "middle": middle, "inner": inner}
    y = copier.deepcopy(outer)
    assert seen["outer"] is y and seen["middle"] is y[0] and seen["inner"] is y[0]["inner"]


def test_what_a_hook_appends_to_a_partial_copy_stays(copier):
    x = []
    x.extend([1, Hook("hook", [], lambda self, memo: memo[id(x)].append("by hook") or "copied"), 3])
    assert copier.deepcopy(x) == [1, "by hook", "copied", 3]


def test_what_a_hook_sets_on_a_bare_instance_comes_before_the_state(copier):
    x = Plain()
    x.a = 1
    x.hook = Hook("hook", [], lambda self, memo: setattr(memo[id(x)], "by_hook", 1) or setattr(memo[id(x)], "a", 0) or 2)
    y = copier.deepcopy(x)
    assert list(vars(y).items()) == [("by_hook", 1), ("a", 1), ("hook", 2)]


def test_a_bare_copy_is_finalised_when_its_state_fails(copier):
    seen = []

    class Finalised:
        def __del__(self):
            seen.append(dict(vars(self)))

    x = Finalised()
    x.a = [1]
    x.fails = Hook("fails", [], lambda self, memo: 1 / 0)
    assert raised(copier.deepcopy, [x])[0] is ZeroDivisionError
    gc.collect()
    assert seen == [{}]
    del x.fails


# ---- subclasses of built-ins -----------------------------------------------------------------------------------------------

BUILTIN_BASES = [
    (list, ([1, [2]],)), (dict, ({"a": [1]},)), (tuple, ((1, [2]),)), (set, ({1, 2},)), (frozenset, ({1, 2},)),
    (int, (5,)), (float, (1.5,)), (complex, (2j,)), (str, ("text",)), (bytes, (b"bytes",)), (bytearray, (b"array",)),
    (collections.deque, ([1, [2]], 5)), (collections.OrderedDict, ({"b": [1], "a": 2},)),
    (collections.Counter, ("abca",)), (collections.defaultdict, (list, {"a": [1]}))]
LOSE_ATTRIBUTES = {collections.Counter, collections.defaultdict}


@pytest.mark.parametrize("base, args", BUILTIN_BASES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_subclass_of_a_builtin_keeps_type_value_and_attributes(copier, base, args):
    cls = type("Sub", (base,), {})
    x = cls(*args)
    x.attribute = [x]
    y = copier.deepcopy(x)
    assert type(y) is cls and y == x and y is not x
    if base in LOSE_ATTRIBUTES:
        assert vars(y) == {}
    else:
        assert y.attribute[0] is y and y.attribute is not x.attribute
    empty = cls(*args)
    y = copier.deepcopy(empty)
    assert type(y) is cls and y == empty and y is not empty and vars(y) == {}


@pytest.mark.parametrize("base, args", BUILTIN_BASES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_shallow_copy_of_a_subclass_of_a_builtin(copier, base, args):
    cls = type("Sub", (base,), {})
    x = cls(*args)
    x.attribute = [1]
    y = copier.copy(x)
    assert type(y) is cls and y == x and y is not x
    if base in LOSE_ATTRIBUTES | {collections.deque}:
        assert vars(y) == {}
    else:
        assert y.attribute is x.attribute


@pytest.mark.parametrize("base, args", BUILTIN_BASES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_hook_of_a_subclass_of_a_builtin_wins(copier, base, args):
    cls = type("Sub", (base,), {"__deepcopy__": lambda self, memo: "deep", "__copy__": lambda self: "shallow"})
    assert copier.deepcopy(cls(*args)) == "deep"
    assert copier.copy(cls(*args)) == "shallow"


@pytest.mark.parametrize("base, args", [pair for pair in BUILTIN_BASES if pair[0] in (
    set, frozenset, bytearray, collections.deque)], ids=lambda value: getattr(value, "__name__", ""))
def test_slots_of_a_subclass_of_a_c_container(copier, base, args):
    cls = type("Sub", (base,), {"__slots__": ("s", "__dict__")})
    x = cls(*args)
    x.s = [1]
    y = copier.deepcopy(x)
    assert y == x
    if since(3, 11):
        assert y.s == [1] and y.s is not x.s
    else:
        assert not hasattr(y, "s")


@pytest.mark.parametrize("base, args", [pair for pair in BUILTIN_BASES if pair[0] in (
    set, frozenset, bytearray, collections.deque, collections.OrderedDict)],
    ids=lambda value: getattr(value, "__name__", ""))
def test_setstate_and_getstate_of_a_subclass_of_a_c_container(copier, base, args):
    got = []
    cls = type("Sub", (base,), {"__setstate__": lambda self, state: got.append(state)})
    copier.deepcopy(cls(*args))
    assert got == ([] if since(3, 11) or base is collections.OrderedDict else [{}])
    got.clear()
    cls = type("Sub", (base,), {
        "__getstate__": lambda self: {"from": "getstate"}, "__setstate__": lambda self, state: got.append(state)})
    copier.deepcopy(cls(*args))
    if since(3, 11):
        assert got == [{"from": "getstate"}]


def test_state_of_a_list_or_dict_subclass_comes_before_its_items(copier):
    log = []

    class Lists(list):
        def __setstate__(self, state):
            log.append(("state", list(self)))

        def append(self, item):
            log.append(("append", item))

    class Dicts(dict):
        def __setstate__(self, state):
            log.append(("state", dict(self)))

        def __setitem__(self, key, value):
            log.append(("setitem", key, value))

    x = Lists([1])
    x.a = 1
    y = Dicts({"k": 1})
    y.a = 1
    for function in (copier.deepcopy, copier.copy):
        log.clear()
        function(x)
        function(y)
        assert log == [("state", []), ("append", 1), ("state", {}), ("setitem", "k", 1)]


def test_a_dict_subclass_copies_its_key_before_its_value(copier):
    class Dicts(dict):
        pass

    for cls in (Dicts, collections.OrderedDict, lambda pairs: collections.defaultdict(list, pairs)):
        log = []
        copier.deepcopy(cls([(Hook("k1", log), Hook("v1", log)), (Hook("k2", log), Hook("v2", log))]))
        assert log == ["k1", "v1", "k2", "v2"]


def test_overridden_iteration_decides_what_a_subclass_copy_holds(copier):
    class Lists(list):
        def __iter__(self):
            return iter(["from iter"])

    class Dicts(dict):
        def items(self):
            return iter([("from", "items")])

    class Sets(set):
        def __iter__(self):
            return iter(["from iter"])

    class Tuples(tuple):
        def __iter__(self):
            return iter(["from iter"])

    for function in (copier.deepcopy, copier.copy):
        assert list.__repr__(function(Lists([1]))) == "['from iter']"
        assert dict.__repr__(function(Dicts(a=1))) == "{'from': 'items'}"
        assert set.__contains__(function(Sets([1])), "from iter")
        # A tuple hands itself to its type by __getnewargs__, that makes an exact tuple of the real items.
        assert tuple.__repr__(function(Tuples([1]))) == "(1,)"


def test_a_list_subclass_that_grows_or_shrinks_while_it_is_copied(copier):
    class Lists(list):
        pass

    x = Lists()
    x.extend([Hook("grow", [], lambda self, memo: x.append("late") or "grown"), 1])
    assert copier.deepcopy(x) == ["grown", 1, "late"]
    y = Lists()
    y.extend([Hook("shrink", [], lambda self, memo: y.clear() or "shrunk"), 1])
    assert copier.deepcopy(y) == ["shrunk"]


def test_a_dict_subclass_that_changes_while_it_is_copied(copier):
    class Dicts(dict):
        pass

    x = Dicts()
    x["hook"] = Hook("grow", [], lambda self, memo: x.__setitem__("late", 1) or "grown")
    assert raised(copier.deepcopy, x) == (RuntimeError, "dictionary changed size during iteration")


def test_a_cycle_through_a_tuple_subclass_makes_two_copies(copier):
    class Tuples(tuple):
        pass

    cell = []
    x = Tuples([cell])
    cell.append(x)
    y = copier.deepcopy(x)
    assert y[0][0] is not y and y[0][0][0] is y[0]
    z = copier.deepcopy(cell)
    assert z[0][0] is z


def test_cycles_through_subclasses_keep_identity(copier):
    class Lists(list):
        pass

    class Dicts(dict):
        pass

    x = Lists()
    d = Dicts(home=x)
    x.append(d)
    x.me, d.me = x, d
    y = copier.deepcopy(x)
    assert y[0]["home"] is y and y.me is y and y[0].me is y[0]
    assert shared(x, y) == []


def test_init_of_builtin_subclasses(copier):
    """list, dict, tuple go through __newobj__ and never see __init__; sets and bytearrays are called."""
    calls = []

    def init(self, *args):
        calls.append(type(self).__name__)
        if type(self).__mro__[1] in (list, dict, set, bytearray, collections.deque, collections.OrderedDict):
            type(self).__mro__[1].__init__(self, *args)

    for base, runs in ((list, 0), (dict, 0), (tuple, 0), (int, 0), (str, 0), (set, 1), (frozenset, 1), (bytearray, 1),
                       (collections.deque, 1), (collections.OrderedDict, 1)):
        cls = type("Sub", (base,), {"__init__": init})
        x = cls()
        calls.clear()
        copier.deepcopy(x)
        assert len(calls) == runs, base


def test_new_of_builtin_subclasses_gets_the_value(copier):
    calls = []

    def new(cls, *args):
        calls.append(args)
        return cls.__mro__[1].__new__(cls, *args)

    for base, value in ((int, 5), (str, "text"), (bytes, b"b"), (float, 1.5), (tuple, (1, 2))):
        cls = type("Sub", (base,), {"__new__": new})
        x = cls(value)
        calls.clear()
        copier.deepcopy(x)
        copier.copy(x)
        assert calls == [(value,)] * 2 and type(calls[0][0]) is base


def test_a_complex_subclass_gets_its_parts(copier):
    cls = type("Sub", (complex,), {})
    x = cls(1, -2)
    assert copier.deepcopy(x) == x and type(copier.deepcopy(x)) is cls


def test_subclasses_of_types_that_cannot_be_reduced(copier):
    class Property(property):
        pass

    class Reference(weakref.ref):
        pass

    class Target:
        pass

    target = Target()
    for x in (Property(), Reference(target)):
        for function in (copier.deepcopy, copier.copy):
            assert raised(function, x) == (TypeError, f"cannot pickle '{type(x).__name__}' object")


def test_an_int_subclass_is_always_new(copier):
    class Int(int):
        pass

    x = Int(5)
    y = copier.deepcopy([x, x])
    assert y[0] is y[1] is not x and y[0] == 5 and type(y[0]) is Int
    assert copier.copy(x) is not x


# ---- classes --------------------------------------------------------------------------------------------------------------

def test_abstract_classes_cannot_be_instantiated_by_a_copy(copier):
    class Concrete(abc.ABC):
        pass

    x = Concrete()
    x.a = 1
    assert vars(copier.deepcopy(x)) == {"a": 1}
    Concrete.__abstractmethods__ = frozenset({"method"})
    for function in (copier.deepcopy, copier.copy):
        kind, text = raised(function, x)
        assert kind is TypeError and "Can't instantiate abstract class Concrete" in text


def test_a_class_that_gains_a_hook_after_a_copy(copier):
    class Late:
        pass

    x = Late()
    x.a = [1]
    assert copier.deepcopy(x).a == [1]
    Late.__deepcopy__ = lambda self, memo: "hook"
    assert copier.deepcopy(x) == "hook"
    del Late.__deepcopy__
    assert copier.deepcopy(x).a == [1]
    Late.__reduce_ex__ = lambda self, protocol: (str, ("reduced",))
    assert copier.deepcopy(x) == copier.copy(x) == "reduced"
    del Late.__reduce_ex__
    Late.__reduce__ = lambda self: (str, ("reduced too",))
    assert copier.deepcopy(x) == copier.copy(x) == "reduced too"
    del Late.__reduce__
    Late.__getstate__ = lambda self: {"state": 1}
    assert vars(copier.deepcopy(x)) == vars(copier.copy(x)) == {"state": 1}
    del Late.__getstate__
    Late.__setstate__ = lambda self, state: self.__dict__.update(set=state)
    assert vars(copier.deepcopy(x)) == vars(copier.copy(x)) == {"set": {"a": [1]}}
    del Late.__setstate__
    Late.__getnewargs__ = lambda self: ("arg",)
    Late.__getstate__ = lambda self: None
    Late.__new__ = lambda cls, *args: args
    assert copier.deepcopy(x) == copier.copy(x) == ("arg",)
    del Late.__getnewargs__, Late.__getstate__
    Late.__new__ = lambda cls: object.__new__(cls)
    Late.__copy__ = lambda self: "shallow"
    assert copier.copy(x) == "shallow" and copier.deepcopy(x).a == [1]


def test_a_base_that_gains_a_hook_after_a_copy(copier):
    class Base:
        pass

    class Derived(Base):
        pass

    x = Derived()
    x.a = [1]
    assert copier.deepcopy(x).a == [1]
    Base.__deepcopy__ = lambda self, memo: "hook of the base"
    assert copier.deepcopy(x) == "hook of the base"


def test_bases_that_change_after_a_copy(copier):
    class First:
        pass

    class Second:
        def __deepcopy__(self, memo):
            return "second"

    class Derived(First):
        pass

    x = Derived()
    assert type(copier.deepcopy(x)) is Derived
    Derived.__bases__ = (Second,)
    assert copier.deepcopy(x) == "second"


def test_an_object_whose_class_changes_after_a_copy(copier):
    class First:
        pass

    class Second:
        def __getstate__(self):
            return {"second": True}

    x = First()
    x.a = 1
    assert vars(copier.deepcopy(x)) == {"a": 1}
    x.__class__ = Second
    y = copier.deepcopy(x)
    assert type(y) is Second and vars(y) == {"second": True}


def test_a_getattr_that_a_class_gains_after_a_copy(copier):
    class Late:
        pass

    x = Late()
    x.a = 1
    assert vars(copier.deepcopy(x)) == {"a": 1}
    Late.__getattr__ = lambda self, name: (lambda memo: "dynamic") if name == "__deepcopy__" else object.__getattribute__(
        self, name)
    assert copier.deepcopy(x) == "dynamic"


def test_a_setattr_that_a_class_gains_after_a_copy(copier):
    class Late:
        __slots__ = ("a",)

    log = []
    x = Late()
    x.a = 1
    assert copier.deepcopy(x).a == 1

    def __setattr__(self, name, value):
        log.append(name)
        object.__setattr__(self, name, value)

    Late.__setattr__ = __setattr__
    assert copier.deepcopy(x).a == 1 and log == ["a"]


def test_a_class_that_changes_while_its_instance_is_copied(copier):
    """What is looked up late counts as it is then: __setstate__ after the state was copied."""
    class Changing:
        pass

    def change(self, memo):
        Changing.__setstate__ = lambda self, state: self.__dict__.update(late=sorted(state))
        return 1

    x = Changing()
    x.a, x.hook = 0, Hook("change", [], change)
    assert vars(copier.deepcopy(x)) == {"late": ["a", "hook"]}


def test_a_setattr_gained_while_the_slots_are_copied(copier):
    log = []

    class Changing:
        __slots__ = ("a", "b")

    def __setattr__(self, name, value):
        log.append(name)
        object.__setattr__(self, name, value)

    x = Changing()
    x.a, x.b = Hook("change", [], lambda self, memo: setattr(Changing, "__setattr__", __setattr__) or 1), 2
    y = copier.deepcopy(x)
    assert (y.a, y.b) == (1, 2) and log == ["a", "b"]


def test_a_hook_gained_while_siblings_are_copied(copier):
    class Changing:
        pass

    x, y = Changing(), Changing()
    change = Hook("change", [], lambda self, memo: setattr(Changing, "__deepcopy__", lambda self, memo: "late") or 1)
    result = copier.deepcopy([x, change, y, x])
    assert type(result[0]) is Changing and result[2] == "late" and result[3] is result[0]


def test_an_object_whose_class_changes_while_it_is_copied(copier):
    class First:
        pass

    class Second:
        pass

    x = First()
    x.a = Hook("change", [], lambda self, memo: setattr(x, "__class__", Second) or 1)
    assert type(copier.deepcopy(x)) is First
    assert type(x) is Second


def test_an_instance_dict_that_changes_while_it_is_copied(copier):
    x = Plain()
    x.hook = Hook("grow", [], lambda self, memo: setattr(x, "late", 1) or 1)
    x.last = 1
    assert raised(copier.deepcopy, x) == (RuntimeError, "dictionary changed size during iteration")
    y = Plain()
    y.hook = Hook("replace", [], lambda self, memo: setattr(y, "last", "new") or 1)
    y.last = "old"
    assert vars(copier.deepcopy(y)) == {"hook": 1, "last": "new"}


def test_an_instance_dict_replaced_while_it_is_copied(copier):
    """The state was taken before: the old dict is what is copied."""
    x = Plain()
    x.hook = Hook("replace", [], lambda self, memo: setattr(x, "__dict__", {"other": 1}) or 1)
    x.last = [2]
    assert vars(copier.deepcopy(x)) == {"hook": 1, "last": [2]}


def test_slots_that_change_while_they_are_copied_were_read_before(copier):
    x = Slotted()
    x.a = Hook("replace", [], lambda self, memo: setattr(x, "b", "new") or 1)
    x.b = "old"
    y = copier.deepcopy(x)
    assert (y.a, y.b) == (1, "old")


def test_metaclass_attributes_do_not_hook_deepcopy_of_instances(copier):
    class Meta(type):
        def __deepcopy__(cls, memo):
            return "meta"

        def __reduce_ex__(cls, protocol):
            return "meta"

    class Made(metaclass=Meta):
        pass

    x = Made()
    x.a = [1]
    y = copier.deepcopy(x)
    assert type(y) is Made and y.a == [1]


def test_an_instance_of_a_class_with_an_enormous_number_of_bases_and_attributes(copier):
    cls = Plain
    for i in range(50):
        cls = type(f"Level{i}", (cls,), {f"attribute{i}": i})
    x = cls()
    x.a = [1]
    assert_independent_copy(x, copier.deepcopy(x))


def generator():
    yield


@pytest.mark.parametrize("make, name", [
    (lambda: generator(), "generator"), (lambda: sys._getframe(), "frame"), (lambda: vars(Plain), "mappingproxy"),
    (lambda: sys, "module"), (lambda: staticmethod(len), "staticmethod"), (lambda: classmethod(len), "classmethod"),
    (lambda: {1: 2}.keys(), "dict_keys"), (lambda: {1: 2}.values(), "dict_values"), (lambda: {1: 2}.items(), "dict_items"),
    (lambda: _thread.allocate_lock(), "_thread.lock"), (lambda: types.CellType(1), "cell"),
    (lambda: struct.Struct("i"), "_struct.Struct"), (lambda: contextvars.ContextVar("v"), "_contextvars.ContextVar"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_objects_whose_insides_only_c_knows_are_refused(copier, make, name):
    kind, text = raised(copier.deepcopy, make())
    assert kind is TypeError
    assert text in (f"cannot pickle '{name}' object", f"cannot pickle '{name.rpartition('.')[2]}' object")
    assert raised(copier.copy, make()) == raised(copier.deepcopy, [make()]) == (kind, text)
    assert raised(copy.deepcopy, make()) == (kind, text)


def test_memoryview_is_not_copyable(copier):
    text = "cannot pickle memoryview objects" if since(3, 11) else "cannot pickle 'memoryview' object"
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, memoryview(b"abc")) == (TypeError, text)


def test_same_topology_for_a_zoo_of_instances(copier):
    Pair = collections.namedtuple("Pair", "a b")
    plain = holding(a=1)
    slotted = Slotted()
    slotted.a = plain
    x = [plain, slotted, Pair(plain, slotted), {plain: slotted}, [Pair(1, 2)] * 2, collections.deque([plain], 3)]
    plain.back = x
    y = copier.deepcopy(x)
    assert_same_topology(x, y)
    assert shared(x, y) == []
