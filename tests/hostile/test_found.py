"""Bugs that the cross of hooks and actions has found, one test each."""

import collections
import copy
import enum
import fractions

import pytest
from support.copiers import since


class Name(str):
    """Hashes like the name behind its first letter, so that a look-up of that name asks it."""

    def __hash__(self):
        return hash(str(self)[1:])

    def __eq__(self, other):
        Name.asked()
        return False


@pytest.fixture
def asked():
    """Sets what runs when a Name is compared."""
    def install(function):
        Name.asked = staticmethod(function)
    install(lambda: None)
    yield install
    install(lambda: None)


@pytest.mark.parametrize("name", ["__deepcopy__", "__reduce_ex__", "__getstate__", "__setstate__", "__doc__", "__new__", "__slotnames__"])
@pytest.mark.parametrize("metaclass", [False, True])
def test_a_class_whose_names_are_compared_by_python_code(copier, asked, name, metaclass):
    """Plans looked names up between two steps of a copy, and the comparison ran Python code there: it could free what was being copied."""
    namespace = {Name("x" + name): 1}
    cls = type("Meta", (type,), namespace)("C", (), {}) if metaclass else type("C", (), namespace)
    later = cls()
    later.a = [4]

    def clear():
        del x[1:-1]
        x[0].clear()
        x[-1] = [[i] for i in range(50)]

    x = [[[1], {"k": [2]}], [3], cls(), later, [5]]
    x[2].a = [[6]]
    del later
    asked(clear)
    copied = copier.deepcopy(x)
    asked(lambda: None)
    assert copied[0] in ([], [[1], {"k": [2]}])
    again = copier.deepcopy(x)
    assert again[-1] == x[-1] and len(again) == len(x)
    assert type(copier.copy(cls())) is cls


def test_an_error_of_a_comparison_in_the_dict_of_an_instance_comes_out(copier, asked):
    """It was swallowed where the class has a __deepcopy__ of its own, and the name was compared a second time."""
    def fail():
        raise LookupError("compared")

    x = type("F", (fractions.Fraction,), {})(1, 3)
    vars(x)[Name("x__deepcopy__")] = 1
    asked(fail)
    with pytest.raises(LookupError, match="compared"):
        copier.deepcopy([x])


def test_a_member_of_an_enumeration_whose_names_are_compared_by_python_code(copier, asked):
    Colour = enum.Enum("Colour", "RED GREEN")
    vars(Colour.RED)[Name("x__deepcopy__")] = 1
    x = [[1], Colour.RED, [2], [[3]]]
    asked(lambda: x.__setitem__(0, None))
    copied = copier.deepcopy(x)
    assert copied == [[1], Colour.RED, [2], [[3]]] and copied[1] is Colour.RED


class Slots:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a


@pytest.mark.parametrize("cls", [tuple, type(None)])
def test_an_entry_for_tuples_or_none_counts_for_the_state_of_slots(copier, cls):
    """The state of an instance with slots is the pair (None, {...}), which is copied too."""
    x = [Slots([1]), Slots([2])]
    before = copier.deepcopy(x)
    assert before[0].a == [1]
    kept = copy._deepcopy_dispatch.get(cls)
    copy._deepcopy_dispatch[cls] = lambda obj, memo: {"a": "entry"} if obj is None else (None, {"a": "entry"})
    try:
        if cls is tuple:
            assert copier.deepcopy(x)[1].a == "entry"
        elif since(3, 14):  # None is in the set of atomic types, which comes before the table
            assert copier.deepcopy(x)[1].a == [2]
        else:  # y.__dict__.update(...)
            with pytest.raises(AttributeError, match="__dict__"):
                copier.deepcopy(x)
    finally:
        if kept is None:
            del copy._deepcopy_dispatch[cls]
        else:
            copy._deepcopy_dispatch[cls] = kept
    assert copier.deepcopy(x)[1].a == [2]


class Originals(list):
    def __init__(self, action):
        self.action = action

    def append(self, x):
        self.action()
        list.append(self, x)


def memo_with(originals):
    memo = {}
    memo[id(memo)] = originals
    return memo


def test_a_key_error_of_the_list_of_originals_starts_another_list(copier):
    """Lib/copy.py, _keep_alive: one `except KeyError` for the look-up and for the append."""
    def fail():
        raise KeyError("append")

    originals = Originals(fail)
    memo = memo_with(originals)
    x = [[1], [2]]
    assert copier.deepcopy(x, memo) == x
    assert memo[id(memo)] is not originals and memo[id(memo)] == [x[0], x[1], x] and originals == []


class Plain:
    pass


def test_what_the_list_of_originals_changes_counts_at_once(copier):
    """Its append may be Python code, even in a memo that is a dict."""
    def edit():
        copy._deepcopy_dispatch[Plain] = lambda obj, memo: "dispatched"

    x = [Plain(), [1], Plain()]
    try:
        copied = copier.deepcopy(x, memo_with(Originals(edit)))
    finally:
        del copy._deepcopy_dispatch[Plain]
    assert type(copied[0]) is Plain and copied[1:] == [[1], "dispatched"]


def test_an_ordered_dict_is_in_the_memo_when_its_first_key_is_hashed(copier):
    """Its iterator looks the key up, before anything of it is copied."""
    seen, memos = [], []

    class Spy:
        def __deepcopy__(self, memo):
            memos.append(memo)
            return self

    class Key:
        def __hash__(self):
            if memos and not seen:
                seen.append(type(memos[0].get(id(x[1]))))
            return 3

    x = [Spy(), collections.OrderedDict([(Key(), [1]), (Key(), [2])])]
    copier.deepcopy(x)
    assert seen == [collections.OrderedDict]
