"""Classes of the standard library whose own hooks calque knows: they count as long as they are what they were."""

import builtins
import collections
import copy
import copyreg
import decimal
import enum
import fractions
import functools
import re
import uuid
import weakref

import pytest

from support.probes import Then, outcome, raised


class Color(enum.Enum):
    RED = 1
    GREEN = "g"


class Number(enum.IntEnum):
    ONE = 1


class Perm(enum.Flag):
    R = 1
    W = 2


class Bits(enum.IntFlag):
    A = 1
    B = 2


class Text(str, enum.Enum):
    A = "a"


class Priced(decimal.Decimal):
    pass


class Ratio(fractions.Fraction):
    made = 0

    def __new__(cls, *args):
        Ratio.made += 1
        return super().__new__(cls, *args)


@functools.lru_cache
def cached():
    pass


def priced():
    x = Priced("1.5")
    x.tags = []
    return x


THEMSELVES = {
    "decimal": lambda: decimal.Decimal("1.25"),
    "decimal subclass": priced,
    "fraction": lambda: fractions.Fraction(1, 3),
    "pattern": lambda: re.compile("a.b"),
    "match": lambda: re.match("a", "ab"),
    "cached function": lambda: cached,
    "enum": lambda: Color.RED,
    "int enum": lambda: Number.ONE,
    "flag": lambda: Perm.R,
    "flags": lambda: Perm.R | Perm.W,
    "int flags": lambda: Bits.A | Bits.B,
    "str enum": lambda: Text.A,
}


@pytest.mark.parametrize("make", THEMSELVES.values(), ids=THEMSELVES)
def test_they_are_their_own_copies_everywhere(copier, make):
    x = make()
    assert copier.deepcopy(x) is x
    assert copier.deepcopy([x, x, [x]]) == [x, x, [x]]
    assert all(y is x for y in copier.deepcopy([x, x]))
    pair = (x, x)
    assert copier.deepcopy(pair) is pair
    assert copier.deepcopy(([], x))[1] is x
    keyed = copier.deepcopy({"value": x, "list": [x]})
    assert keyed["value"] is x and keyed["list"][0] is x
    assert copier.deepcopy({x}).pop() is x
    assert list(copier.deepcopy({x: []})) == [x]


@pytest.mark.parametrize("make", THEMSELVES.values(), ids=THEMSELVES)
@pytest.mark.parametrize("new_memo", (dict, collections.UserDict, collections.OrderedDict), ids=lambda kind: kind.__name__)
def test_what_they_leave_in_a_memo(copier, make, new_memo):
    x = make()
    mine, theirs = new_memo(), new_memo()
    outer = [x, x]
    assert copier.deepcopy(outer, mine)[1] is x
    copy.deepcopy(outer, theirs)
    assert [type(value) for value in mine.values()] == [type(value) for value in theirs.values()]
    assert (id(x) in mine) == (id(x) in theirs)


@pytest.mark.parametrize("make", THEMSELVES.values(), ids=THEMSELVES)
def test_an_entry_of_the_memo_wins(copier, make):
    x = make()
    assert copier.deepcopy([x, x], {id(x): "preset"}) == ["preset", "preset"]
    assert copier.deepcopy(x, collections.UserDict({id(x): "preset"})) == "preset"


def test_a_hook_of_the_instance_wins(copier):
    x = priced()
    assert copier.deepcopy([x])[0] is x
    x.__deepcopy__ = lambda memo: "hook"
    assert copier.deepcopy(x) == "hook"
    assert copier.deepcopy([x, x]) == ["hook", "hook"]
    del x.__deepcopy__
    assert copier.deepcopy([x])[0] is x


def test_a_hook_of_an_enum_member_wins(copier):
    class Switch(enum.Enum):
        ON = 1
        OFF = 0

    assert copier.deepcopy([Switch.ON, Switch.OFF]) == [Switch.ON, Switch.OFF]
    Switch.ON.__deepcopy__ = lambda memo: "hook"
    assert copier.deepcopy([Switch.ON, Switch.OFF, Switch.ON]) == ["hook", Switch.OFF, "hook"]
    assert copier.deepcopy(Switch.ON) == "hook"
    assert copier.deepcopy((Switch.ON,)) == ("hook",)
    del Switch.ON.__deepcopy__
    assert copier.deepcopy([Switch.ON])[0] is Switch.ON


def test_a_reducer_of_an_enum_member(copier):
    class Switch(enum.Enum):
        ON = 1

    assert copier.deepcopy([Switch.ON])[0] is Switch.ON
    Switch.ON.__reduce_ex__ = lambda protocol: "itself"
    assert copier.deepcopy([Switch.ON])[0] is Switch.ON
    Switch.ON.__reduce_ex__ = lambda protocol: (list, ())
    assert copier.deepcopy([Switch.ON])[0] == copy.deepcopy([Switch.ON])[0]


def test_overridden_hooks_are_called(copier):
    class Hooked(decimal.Decimal):
        def __deepcopy__(self, memo):
            return ("hooked", str(self))

    class Late(decimal.Decimal):
        pass

    class HookedColor(enum.Enum):
        RED = 1

        def __deepcopy__(self, memo):
            return "hooked"

    assert copier.deepcopy([Hooked(1)]) == [("hooked", "1")]
    assert copier.deepcopy([HookedColor.RED, HookedColor.RED]) == ["hooked", "hooked"]
    x = Late(2)
    assert copier.deepcopy([x])[0] is x
    Late.__deepcopy__ = lambda self, memo: "late"
    assert copier.deepcopy([x, x]) == ["late", "late"]
    assert copier.deepcopy(x) == "late"
    del Late.__deepcopy__
    assert copier.deepcopy(x) is x
    Late.__getattribute__ = lambda self, name: (lambda memo: "asked") if name == "__deepcopy__" else None
    assert copier.deepcopy([x]) == ["asked"]


def test_a_class_that_becomes_an_enum_with_another_hook_by_its_base(copier):
    class Base:
        pass

    class Mixed(Base, enum.Enum):
        A = 1

    assert copier.deepcopy([Mixed.A])[0] is Mixed.A
    Base.__deepcopy__ = lambda self, memo: "base"
    assert copier.deepcopy([Mixed.A]) == ["base"]
    del Base.__deepcopy__
    assert copier.deepcopy([Mixed.A])[0] is Mixed.A


def test_a_subclass_of_fraction_is_made_anew(copier):
    x = Ratio(1, 3)
    before = Ratio.made
    y = copier.deepcopy([x])[0]
    assert (type(y), y, Ratio.made) == (Ratio, x, before + 1) and y is not x


def test_a_patched_method_counts(copier, monkeypatch):
    x = fractions.Fraction(1, 3)
    assert copier.deepcopy([x, x])[0] is x
    monkeypatch.setattr(fractions.Fraction, "__deepcopy__", lambda self, memo: "patched")
    assert copier.deepcopy(x) == "patched"
    assert copier.deepcopy([x]) == ["patched"]
    monkeypatch.undo()
    assert copier.deepcopy([x])[0] is x
    assert copier.deepcopy(x) is x


def test_patched_code_counts(copier, monkeypatch):
    def patched(self, memo):
        return "code"

    x = fractions.Fraction(1, 3)
    assert copier.deepcopy(x) is x
    monkeypatch.setattr(fractions.Fraction.__deepcopy__, "__code__", patched.__code__)
    assert copier.deepcopy(x) == "code"
    assert copier.deepcopy([x]) == ["code"]
    monkeypatch.undo()
    assert copier.deepcopy([x])[0] is x


def test_what_the_method_finds_in_its_module_counts(copier, monkeypatch):
    x = fractions.Fraction(1, 3)
    assert copier.deepcopy([x])[0] is x
    monkeypatch.setattr(fractions, "Fraction", Ratio)
    with pytest.raises(TypeError):  # it makes a new one, and __new__ needs the name as well
        copier.deepcopy([x])
    with pytest.raises(TypeError):
        copier.deepcopy(x)
    monkeypatch.undo()
    assert copier.deepcopy([x])[0] is x
    monkeypatch.setattr(fractions, "type", lambda self: None, raising=False)
    assert copier.deepcopy(x) is not x
    monkeypatch.undo()
    assert copier.deepcopy(x) is x


def test_what_the_method_finds_among_the_builtins_counts(copier, monkeypatch):
    x = fractions.Fraction(1, 3)
    assert copier.deepcopy([x])[0] is x
    real = type

    class Odd(type):
        def __call__(cls, *args):
            return real(*args)

        def __instancecheck__(cls, instance):
            return isinstance(instance, real)

    assert copier.deepcopy(x) is x
    monkeypatch.setattr(builtins, "type", Odd("type", (type,), {}))
    result = copier.deepcopy(x)
    monkeypatch.undo()
    assert result is x


@pytest.mark.skipif("__deepcopy__" not in vars(enum.Enum), reason="members are copied by __reduce_ex__ here")
def test_a_patched_hook_of_all_enums_counts(copier, monkeypatch):
    def patched(self, memo):
        return "code"

    assert copier.deepcopy([Color.RED, Number.ONE])[0] is Color.RED
    monkeypatch.setattr(enum.Enum, "__deepcopy__", lambda self, memo: "patched")
    assert copier.deepcopy([Color.RED, Number.ONE]) == ["patched", "patched"]
    monkeypatch.undo()
    assert copier.deepcopy([Color.RED])[0] is Color.RED
    monkeypatch.setattr(enum.Enum.__deepcopy__, "__code__", patched.__code__)
    assert copier.deepcopy([Color.RED, Number.ONE]) == ["code", "code"]


def test_entries_of_copys_table_count(copier, monkeypatch):
    x = fractions.Fraction(1, 3)
    assert copier.deepcopy([x, Color.RED])[0] is x
    monkeypatch.setitem(copy._deepcopy_dispatch, fractions.Fraction, lambda x, memo: "table")
    monkeypatch.setitem(copy._deepcopy_dispatch, decimal.Decimal, lambda x, memo: "table")
    monkeypatch.setitem(copy._deepcopy_dispatch, Color, lambda x, memo: "table")
    assert copier.deepcopy([x, decimal.Decimal(1), Color.RED]) == ["table"] * 3
    assert copier.deepcopy(x) == "table"
    monkeypatch.undo()
    assert copier.deepcopy(x) is x


def test_registered_handlers_count(calque):
    x = decimal.Decimal(1)
    assert calque.deepcopy([x])[0] is x

    @calque.register(decimal.Decimal, subclasses=True)
    def handler(x, memo):
        return "handler"

    try:
        assert calque.deepcopy([x, Priced(1)]) == ["handler", "handler"]
        assert calque.deepcopy(x) == "handler"
    finally:
        calque.unregister(decimal.Decimal)
    assert calque.deepcopy(x) is x


def test_a_class_changed_in_the_middle_of_a_copy(copier, monkeypatch):
    def change(memo):
        monkeypatch.setattr(fractions.Fraction, "__deepcopy__", lambda self, memo: ["patched"])

    def restore(memo):
        monkeypatch.undo()

    x, other = fractions.Fraction(1, 3), fractions.Fraction(2, 3)
    first, _, second, _, third, last = copier.deepcopy([x, Then(change), x, Then(restore), x, other])
    assert first is x
    assert second == ["patched"]
    assert third is second  # the memo has an entry by now
    assert last is other


def test_a_memo_written_in_the_middle_of_a_copy(copier):
    x = decimal.Decimal(1)

    def write(memo):
        memo[id(x)] = "written"

    assert copier.deepcopy([x, Then(write), x])[::2] == [x, "written"]
    assert copier.deepcopy([Color.RED, Then(lambda memo: memo.update({id(Color.RED): 5})), Color.RED])[::2] == [
        Color.RED, 5]


def test_a_hook_set_in_the_middle_of_a_copy(copier):
    class Switch(enum.Enum):
        ON = 1

    def hook(memo):
        Switch.ON.__deepcopy__ = lambda memo: "late"
        memo.pop(id(Switch.ON), None)

    assert copier.deepcopy([Switch.ON, Then(hook), Switch.ON])[::2] == [Switch.ON, "late"]


def test_many_classes_at_once(copier):
    """More classes than a cache has places for."""
    members = []
    for i in range(400):
        members.append(enum.Enum(f"E{i}", "A B").A)
        members.append(type(f"D{i}", (decimal.Decimal,), {})(i))
    for _ in range(2):
        assert all(x is y for x, y in zip(members, copier.deepcopy(members)))
    for member in members[::7]:
        assert copier.deepcopy(member) is member


def test_a_uuid_is_copied_with_what_it_holds(copier):
    x = uuid.UUID(int=2**100 + 7)
    y, again = copier.deepcopy([x, x])
    assert y is again and y is not x
    assert (type(y), y, y.is_safe, hash(y)) == (uuid.UUID, x, uuid.SafeUUID.unknown, hash(x))
    assert y.int is x.int
    reference = weakref.ref(y)
    del y, again
    assert reference() is None


@pytest.mark.parametrize("is_safe", list(uuid.SafeUUID), ids=lambda member: member.name)
def test_the_safety_of_a_uuid_is_kept(copier, is_safe):
    x = uuid.UUID(int=5, is_safe=is_safe)
    y = copier.deepcopy(x)
    assert y == x and y.is_safe is is_safe


def test_a_uuid_with_something_else_for_its_safety(copier):
    class Safety:
        value = 0
        seen = []

        def __ne__(self, other):
            self.seen.append(other)
            return True

    x = uuid.UUID(int=5, is_safe=Safety())
    y = copier.deepcopy([x])[0]
    assert y.is_safe is uuid.SafeUUID.safe
    assert Safety.seen == [uuid.SafeUUID.unknown]


def test_what_a_uuid_leaves_in_a_memo(copier):
    x = uuid.UUID(int=5)
    mine, theirs = {}, {}
    copier.deepcopy([x], mine)
    copy.deepcopy([x], theirs)
    assert [type(value) for value in mine.values()] == [type(value) for value in theirs.values()]


def test_an_unfinished_uuid(copier):
    x = object.__new__(uuid.UUID)
    assert raised(copier.deepcopy, [x]) == raised(copy.deepcopy, [x])
    object.__setattr__(x, "int", 5)
    assert raised(copier.deepcopy, [x]) == raised(copy.deepcopy, [x])
    object.__setattr__(x, "is_safe", uuid.SafeUUID.unknown)
    object.__setattr__(x, "int", [5])
    y = copier.deepcopy(x)
    assert y.int == [5] and y.int is not x.int


def test_subclasses_of_uuid(copier):
    class Named(uuid.UUID):
        pass

    class Slotted(uuid.UUID):
        __slots__ = ("name",)

    class Stateful(uuid.UUID):
        def __getstate__(self):
            return {"int": 7}

    x = Named(int=5)
    object.__setattr__(x, "name", "lost")
    y = copier.deepcopy(x)
    assert (type(y), y) == (Named, x) and not hasattr(y, "name")
    x = Slotted(int=5)
    object.__setattr__(x, "name", "lost")
    y = copier.deepcopy([x])[0]
    assert (type(y), y) == (Slotted, x) and not hasattr(y, "name")
    assert copier.deepcopy(Stateful(int=5)).int == 7


@pytest.mark.parametrize("patch", [
    ("__deepcopy__", lambda self, memo: "patched"),
    ("__reduce_ex__", lambda self, protocol: (str, ("patched",))),
    ("__reduce__", lambda self: (str, ("patched",))),
    ("__getnewargs__", lambda self: ("00000000000000000000000000000009",)),
    ("__getstate__", lambda self: {"int": 9}),
    ("__setstate__", lambda self, state: object.__setattr__(self, "int", "patched")),
    ("__getattribute__", lambda self, name: object.__getattribute__(self, name)),
], ids=lambda patch: patch[0])
def test_a_patched_uuid_counts(copier, monkeypatch, patch):
    def described(y):
        return (y, getattr(y, "int", None), getattr(y, "is_safe", None))

    x = uuid.UUID(int=5)
    assert copier.deepcopy([x, x])[0] == x
    monkeypatch.setattr(uuid.UUID, *patch, raising=False)
    result, expected = outcome(copier.deepcopy, [x]), outcome(copy.deepcopy, [x])
    monkeypatch.undo()
    assert result[0] == expected[0] == "result" or result == expected
    assert described(result[1][0]) == described(expected[1][0])
    assert copier.deepcopy([x])[0] == x


def test_patched_code_and_globals_of_uuid_count(copier, monkeypatch):
    class Safe(enum.Enum):
        safe = 0
        unsafe = -1
        unknown = None

    def patched(self):
        return {"int": 9}

    x = uuid.UUID(int=5)
    assert copier.deepcopy([x])[0] == x
    monkeypatch.setattr(uuid.UUID.__getstate__, "__code__", patched.__code__)
    assert copier.deepcopy([x])[0].int == 9
    monkeypatch.undo()
    assert copier.deepcopy([x])[0].int == 5
    monkeypatch.setattr(uuid, "SafeUUID", Safe)
    x = uuid.UUID(int=6, is_safe=Safe.unknown)
    assert copier.deepcopy([x])[0].is_safe is Safe.unknown
    monkeypatch.undo()
    y = outcome(copier.deepcopy, [x])
    assert y == outcome(copy.deepcopy, [x])
    assert y[1][0].is_safe is uuid.SafeUUID.unknown


def test_copyreg_entries_of_known_classes_count(copier, monkeypatch):
    x = uuid.UUID(int=5)
    assert copier.deepcopy([x, Color.RED]) == [x, Color.RED]
    monkeypatch.setitem(copyreg.dispatch_table, uuid.UUID, lambda x: (str, ("copyreg",)))
    monkeypatch.setitem(copyreg.dispatch_table, Color, lambda x: (str, ("copyreg",)))
    assert copier.deepcopy([x, Color.RED, Color.RED]) == copy.deepcopy([x, Color.RED, Color.RED])
    assert copier.deepcopy(Color.RED) == copy.deepcopy(Color.RED)
    monkeypatch.undo()
    assert copier.deepcopy([x, Color.RED])[1] is Color.RED


def test_members_of_changed_enumerations(copier):
    """What the look-up of a member goes through, changed one by one after a first copy."""
    class Switch(enum.Enum):
        ON = 1
        OFF = 0

    def both():
        return [outcome(module.deepcopy, [Switch.ON, Switch.ON]) for module in (copier, copy)]

    def alike():
        mine, theirs = both()
        assert mine[0] == theirs[0]
        assert [type(y) for y in mine[1:]] == [type(y) for y in theirs[1:]]
        assert mine == theirs

    alike()
    Switch._value2member_map_[1] = Switch.OFF
    alike()
    Switch._value2member_map_[1] = Switch.ON
    alike()
    type.__setattr__(Switch, "ON", 5)
    on = Switch._member_map_["ON"]
    assert outcome(copier.deepcopy, [on, on]) == outcome(copy.deepcopy, [on, on])
    type.__setattr__(Switch, "ON", on)
    alike()
    on._value_ = 0
    alike()
    on._value_ = [1]
    mine, theirs = both()
    assert mine == theirs
    on._value_ = 1
    alike()
    Switch.__reduce_ex__ = lambda self, protocol: (str, ("patched",))
    alike()
    Switch.__reduce_ex__ = enum.Enum.__reduce_ex__
    alike()
    Switch.__new__ = lambda cls, value: "new"
    alike()
    Switch._value_ = property(lambda self: 0)
    mine, theirs = both()
    assert mine == theirs


def test_members_whose_values_hash_by_python_code(copier):
    class Value:
        def __init__(self, calls):
            self.calls = calls

        def __hash__(self):
            self.calls.append("hash")
            return 1

        def __eq__(self, other):
            self.calls.append("eq")
            return isinstance(other, Value)

        def __deepcopy__(self, memo):
            self.calls.append("deepcopy")
            return self

    calls = []

    class Odd(enum.Enum):
        A = Value(calls)
        B = 1

    def seen(module):
        calls.clear()
        assert module.deepcopy([Odd.A, Odd.B, Odd.A])[::2] == [Odd.A, Odd.A]
        return calls[:]

    assert seen(copier) == seen(copy)


def test_a_memo_of_a_hook_shows_members_and_uuids(copier):
    """All that is not a temporary is there."""
    seen = []
    x, look = uuid.UUID(int=5), Then(lambda memo: seen.append(dict(memo)))
    result = copier.deepcopy([x, Color.RED, look, Color.RED])
    expected = []
    copy.deepcopy([x, Color.RED, Then(lambda memo: expected.append(dict(memo))), Color.RED])
    assert seen[0][id(x)] is result[0]
    assert (id(Color.RED) in seen[0]) == (id(Color.RED) in expected[0])
    assert result[1] is result[3] is Color.RED
