"""The tables that programs edit: copyreg.dispatch_table and the private tables of the copy module."""

import copy
import copyreg
import types
import weakref

import pytest

from support.copiers import since
from support.probes import Hook, raised

UNTIL_3_14 = pytest.mark.skipif(since(3, 14), reason="from 3.14 on atoms and shallow copies have sets, no tables")
FROM_3_14 = pytest.mark.skipif(not since(3, 14), reason="the sets of atomic types exist from 3.14 on")


class Plain:
    pass


def holding(**values):
    x = Plain()
    vars(x).update(values)
    return x


def build(*args):
    return list(args)


# ---- copyreg.dispatch_table -----------------------------------------------------------------------------------------------

def test_a_registered_reducer_is_used_for_the_exact_type(copier, monkeypatch):
    class Derived(Plain):
        pass

    item = [1]
    monkeypatch.setitem(copyreg.dispatch_table, Plain, lambda x: (build, (item, x.name)))
    y = copier.deepcopy(holding(name="n"))
    assert y == [[1], "n"] and y[0] is not item
    assert copier.copy(holding(name="n"))[0] is item
    derived = Derived()
    derived.name = "n"
    assert type(copier.deepcopy(derived)) is type(copier.copy(derived)) is Derived


def test_copyreg_pickle_registers_for_copies(copier, monkeypatch):
    class Registered:
        pass

    try:
        copyreg.pickle(Registered, lambda x: (build, ("reduced",)))
        assert copier.deepcopy(Registered()) == copier.copy(Registered()) == ["reduced"]
    finally:
        del copyreg.dispatch_table[Registered]
    assert type(copier.deepcopy(Registered())) is Registered


def test_the_reducer_is_called_with_the_object_alone(copier, monkeypatch):
    calls = []

    def reducer(*args, **kwargs):
        calls.append((args, kwargs))
        return "itself"

    monkeypatch.setitem(copyreg.dispatch_table, Plain, reducer)
    x = holding()
    assert copier.deepcopy(x) is x and copier.copy(x) is x
    assert calls == [((x,), {})] * 2


def test_a_reducer_added_after_a_copy_counts_and_so_does_its_removal(copier, monkeypatch):
    x = holding(a=[1])
    assert copier.deepcopy(x).a == [1] and copier.copy(x).a is x.a
    monkeypatch.setitem(copyreg.dispatch_table, Plain, lambda x: "itself")
    assert copier.deepcopy(x) is x and copier.copy(x) is x
    monkeypatch.setitem(copyreg.dispatch_table, Plain, lambda x: (build, ()))
    assert copier.deepcopy(x) == copier.copy(x) == []
    monkeypatch.delitem(copyreg.dispatch_table, Plain)
    assert copier.deepcopy(x).a == [1] and copier.copy(x).a is x.a


def test_a_reducer_added_during_a_copy_counts_from_then_on(copier, monkeypatch):
    x, y = holding(), holding()
    add = Hook("add", [], lambda self, memo: monkeypatch.setitem(
        copyreg.dispatch_table, Plain, lambda x: (build, ("late",))))
    result = copier.deepcopy([x, add, y, x])
    assert type(result[0]) is Plain and result[2] == ["late"] and result[3] is result[0]


@pytest.mark.parametrize("cls", [set, frozenset, bytearray, slice, object])
def test_a_reducer_for_a_builtin_that_goes_by_reduce_counts(copier, monkeypatch, cls):
    x = cls() if cls is not slice else slice(1)
    copier.deepcopy(x)
    monkeypatch.setitem(copyreg.dispatch_table, cls, lambda x: (build, ("reduced",)))
    assert copier.deepcopy(x) == ["reduced"]
    assert copier.deepcopy([x, {"k": x}]) == [["reduced"], {"k": ["reduced"]}]
    monkeypatch.delitem(copyreg.dispatch_table, cls)
    assert type(copier.deepcopy(x)) is cls


@pytest.mark.parametrize("x", [[1], {1: 2}, (1, [2]), 5, "text", None, int, len], ids=repr)
def test_a_reducer_for_a_type_that_is_copied_by_type_does_not_count(copier, monkeypatch, x):
    monkeypatch.setitem(copyreg.dispatch_table, type(x), lambda x: (build, ("reduced",)))
    assert copier.deepcopy(x) == x
    assert copier.copy(x) == x


def test_a_set_or_bytearray_with_a_reducer_is_still_shallow_copied_by_type(copier, monkeypatch):
    for x in ({1}, bytearray(b"a")):
        monkeypatch.setitem(copyreg.dispatch_table, type(x), lambda x: (build, ("reduced",)))
        assert copier.copy(x) == x


def test_a_falsy_reducer_is_skipped_by_deepcopy_and_used_by_copy(copier, monkeypatch):
    class Falsy:
        def __bool__(self):
            return False

        def __call__(self, x):
            return build, ("falsy",)

    monkeypatch.setitem(copyreg.dispatch_table, Plain, Falsy())
    assert type(copier.deepcopy(holding())) is Plain
    assert copier.copy(holding()) == ["falsy"]
    monkeypatch.setitem(copyreg.dispatch_table, Plain, None)
    assert type(copier.deepcopy(holding())) is type(copier.copy(holding())) is Plain
    monkeypatch.setitem(copyreg.dispatch_table, Plain, 0)
    assert type(copier.deepcopy(holding())) is Plain
    assert raised(copier.copy, holding()) == (TypeError, "'int' object is not callable")


def test_a_reducer_that_raises(copier, monkeypatch):
    def reducer(x):
        raise LookupError("from the reducer")

    monkeypatch.setitem(copyreg.dispatch_table, Plain, reducer)
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, holding()) == (LookupError, "from the reducer")


def test_rebinding_copyreg_dispatch_table_has_no_effect(copier, monkeypatch):
    monkeypatch.setattr(copyreg, "dispatch_table", {Plain: lambda x: "itself"})
    x = holding()
    assert copier.deepcopy(x) is not x and copier.copy(x) is not x


def test_rebinding_the_name_in_copy_has_effect(copier, monkeypatch):
    monkeypatch.setattr(copy, "dispatch_table", {Plain: lambda x: "itself"})
    x = holding()
    assert copier.deepcopy(x) is x and copier.copy(x) is x
    assert copier.deepcopy([x])[0] is x
    monkeypatch.undo()
    assert copier.deepcopy(x) is not x


def test_reducers_for_complex_and_unions_that_python_registers_itself(copier):
    assert copier.deepcopy(3 + 4j) == 3 + 4j
    assert copier.deepcopy(int | str) == (int | str)


# ---- copy._deepcopy_dispatch -----------------------------------------------------------------------------------------------

def test_an_entry_in_the_deepcopy_table_wins_over_every_hook(copier, monkeypatch):
    class Hooked:
        def __deepcopy__(self, memo):
            raise AssertionError("the table wins")

    calls = []

    def copied(x, memo):
        calls.append((x, memo))
        return ["from the table"]

    x = Hooked()
    monkeypatch.setitem(copy._deepcopy_dispatch, Hooked, copied)
    memo = {}
    assert copier.deepcopy(x, memo) == ["from the table"]
    assert calls[0][0] is x and calls[0][1] is memo
    y = copier.deepcopy([x, x])
    assert y[0] is y[1] == ["from the table"]
    assert len(calls) == 2 and type(calls[1][1]) is dict


def test_an_entry_in_the_deepcopy_table_is_remembered_and_may_return_the_object(copier, monkeypatch):
    calls = []
    monkeypatch.setitem(copy._deepcopy_dispatch, Plain, lambda x, memo: calls.append(1) or x)
    x = holding()
    memo = {}
    y = copier.deepcopy((x, x), memo)
    assert y[0] is x and memo == {} and len(calls) == 2


def test_an_entry_that_is_none_is_as_absent(copier, monkeypatch):
    monkeypatch.setitem(copy._deepcopy_dispatch, Plain, None)
    x = holding(a=[1])
    assert copier.deepcopy(x).a is not x.a


def test_an_entry_that_is_falsy_but_not_none_is_called(copier, monkeypatch):
    monkeypatch.setitem(copy._deepcopy_dispatch, Plain, 0)
    assert raised(copier.deepcopy, holding()) == (TypeError, "'int' object is not callable")


def test_an_entry_added_during_a_copy_counts_from_then_on(copier, monkeypatch):
    add = Hook("add", [], lambda self, memo: monkeypatch.setitem(
        copy._deepcopy_dispatch, Plain, lambda x, memo: "late"))
    x, y = holding(), holding()
    result = copier.deepcopy([x, add, y])
    assert type(result[0]) is Plain and result[2] == "late"


class WithMethod:
    def method(self):
        raise AssertionError


@pytest.mark.parametrize("x", [[1], {1: 2}, (1, 2), (), WithMethod().method], ids=lambda x: type(x).__name__)
def test_a_replaced_entry_of_a_builtin_counts_everywhere(copier, monkeypatch, x):
    cls = type(x)
    copier.deepcopy(x)
    monkeypatch.setitem(copy._deepcopy_dispatch, cls, lambda x, memo: "patched")
    assert copier.deepcopy(x) == "patched"
    if cls is not dict:  # the state of an instance is a dict as well
        assert copier.deepcopy(holding(a=x)).a == "patched"
    if cls is not list:
        assert copier.deepcopy([x, x]) == ["patched"] * 2
    if cls is not dict:
        assert copier.deepcopy({"k": x}) == {"k": "patched"}
    monkeypatch.undo()
    assert copier.deepcopy([x]) != ["patched"]


def test_an_entry_that_wraps_the_original_one(copier, monkeypatch):
    calls = []
    original = copy._deepcopy_dispatch[list]

    def wrapper(x, memo):
        calls.append(len(x))
        return original(x, memo)

    monkeypatch.setitem(copy._deepcopy_dispatch, list, wrapper)
    x = [[1], [2, 3]]
    x.append(x)
    y = copier.deepcopy(x)
    assert y[:2] == [[1], [2, 3]] and y[2] is y
    assert calls[0] == 3 and sorted(calls) in ([1, 2, 3], [3])


@UNTIL_3_14
def test_a_patched_entry_of_an_atom_counts(copier, monkeypatch):
    monkeypatch.setitem(copy._deepcopy_dispatch, int, lambda x, memo: x + 1)
    assert copier.deepcopy(1) == 2
    assert copier.deepcopy([1, (2,), {3: 4}, {5}, holding(a=6).a]) == [2, (3,), {4: 5}, {6}, 7]
    assert vars(copier.deepcopy(holding(a=1))) == {"a": 2}
    monkeypatch.undo()
    assert copier.deepcopy([1, (2,), {3: 4}]) == [1, (2,), {3: 4}]


@UNTIL_3_14
def test_a_patched_entry_of_str_counts_for_keys_and_attribute_names(copier, monkeypatch):
    monkeypatch.setitem(copy._deepcopy_dispatch, str, lambda x, memo: x.upper())
    assert copier.deepcopy({"k": "v"}) == {"K": "V"}
    assert vars(copier.deepcopy(holding(name=1))) == {"NAME": 1}


@UNTIL_3_14
def test_a_patched_entry_of_type_counts_for_classes(copier, monkeypatch):
    monkeypatch.setitem(copy._deepcopy_dispatch, type, lambda x, memo: list if x is Plain else x)
    assert copier.deepcopy([Plain, int]) == [list, int]
    assert copier.deepcopy(holding()) == []


@UNTIL_3_14
def test_a_removed_entry_of_an_atom_makes_it_go_by_its_hooks(copier, monkeypatch):
    monkeypatch.delitem(copy._deepcopy_dispatch, range)
    numbers = range(10 ** 30)
    y = copier.deepcopy([numbers, numbers])
    assert y == [numbers, numbers] and y[0] is not numbers and y[0] is y[1]
    monkeypatch.undo()
    assert copier.deepcopy(numbers) is numbers


def test_a_patched_dict_entry_gives_the_state_of_instances(copier, monkeypatch):
    monkeypatch.setitem(copy._deepcopy_dispatch, dict, lambda x, memo: {"patched": len(x)})
    assert vars(copier.deepcopy(holding(a=1, b=2))) == {"patched": 2}
    monkeypatch.undo()
    assert vars(copier.deepcopy(holding(a=1, b=2))) == {"a": 1, "b": 2}


def test_a_removed_entry_of_list_makes_it_go_by_reduce(copier, monkeypatch):
    x = [1, [2]]
    monkeypatch.delitem(copy._deepcopy_dispatch, list)
    y = copier.deepcopy(x)
    assert y == x and y is not x and y[1] is not x[1]
    monkeypatch.setitem(copyreg.dispatch_table, list, lambda x: (tuple, (("reduced",),)))
    assert copier.deepcopy(x) == ("reduced",)


def test_rebinding_the_deepcopy_table_has_effect(copier, monkeypatch):
    table = dict(copy._deepcopy_dispatch)
    table[Plain] = lambda x, memo: "other table"
    monkeypatch.setattr(copy, "_deepcopy_dispatch", table)
    assert copier.deepcopy(holding()) == "other table"
    assert copier.deepcopy([holding()]) == ["other table"]
    table[list] = lambda x, memo: "other list"
    assert copier.deepcopy([]) == "other list"
    monkeypatch.undo()
    assert copier.deepcopy([]) == []
    assert type(copier.deepcopy(holding())) is Plain


# ---- copy._copy_dispatch -----------------------------------------------------------------------------------------------------

@UNTIL_3_14
def test_an_entry_in_the_copy_table_wins(copier, monkeypatch):
    class Hooked:
        def __copy__(self):
            raise AssertionError("the table wins")

    x = Hooked()
    monkeypatch.setitem(copy._copy_dispatch, Hooked, lambda x: ["from the table", x])
    assert copier.copy(x) == ["from the table", x]


@UNTIL_3_14
@pytest.mark.parametrize("x", [[1], {1: 2}, {1}, bytearray(b"a"), (1,), 5, "text", len, slice(1)], ids=repr)
def test_a_replaced_entry_of_the_copy_table_counts_and_its_removal_too(copier, monkeypatch, x):
    assert copier.copy(x) == x
    monkeypatch.setitem(copy._copy_dispatch, type(x), lambda x: "patched")
    assert copier.copy(x) == "patched"
    assert copier.deepcopy([x]) == [x]
    monkeypatch.undo()
    assert copier.copy(x) == x
    monkeypatch.delitem(copy._copy_dispatch, type(x))
    monkeypatch.setitem(copyreg.dispatch_table, type(x), lambda x: "itself")
    assert copier.copy(x) is x


@UNTIL_3_14
def test_a_falsy_entry_of_the_copy_table_is_skipped(copier, monkeypatch):
    monkeypatch.setitem(copy._copy_dispatch, Plain, 0)
    assert type(copier.copy(holding())) is Plain


@UNTIL_3_14
def test_rebinding_the_copy_table_has_effect(copier, monkeypatch):
    monkeypatch.setattr(copy, "_copy_dispatch", {list: lambda x: "other table"})
    assert copier.copy([]) == "other table"
    monkeypatch.undo()
    assert copier.copy([]) == []


@FROM_3_14
def test_the_sets_of_atomic_types_can_be_edited(copier):
    for name, function in (("_atomic_types", copier.deepcopy), ("_copy_atomic_types", copier.copy)):
        types = getattr(copy, name)
        assert function(holding()) is not None
        types.add(Plain)
        try:
            x = holding()
            assert function(x) is x
        finally:
            types.discard(Plain)
        assert function(x) is not x


def test_the_tables_are_not_changed_by_copies(copier):
    """Nor by importing calque: what is compared with is what copy.py itself puts there."""
    deep = dict(copy._deepcopy_dispatch)
    registered = dict(copyreg.dispatch_table)
    copier.deepcopy([1, (2,), {3: {4}}, holding(a=bytearray(b"b"))])
    copier.copy([1])
    assert copy._deepcopy_dispatch == deep
    assert copyreg.dispatch_table == registered
    of_copy_itself = {list, tuple, dict, types.MethodType}
    if not since(3, 14):
        of_copy_itself |= {
            type(None), type(...), type(NotImplemented), int, float, bool, complex, bytes, str, types.CodeType, type, range,
            types.BuiltinFunctionType, types.FunctionType, weakref.ref, property}
    assert set(copy._deepcopy_dispatch) == of_copy_itself
    assert all(function.__module__ == "copy" for function in copy._deepcopy_dispatch.values())
