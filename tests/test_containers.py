"""list, dict, tuple, set, frozenset, bytearray, slice and bound methods: identity, order, and change under the copy."""

import collections
import types

import pytest

from support.copiers import since
from support.probes import Hook, raised
from support.topology import assert_independent_copy, assert_same_topology, shared


class Plain:
    pass


def holding(**values):
    x = Plain()
    vars(x).update(values)
    return x


# ---- values and identity -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("x", [
    [], [1], [[]], [[1], [2, [3]]], {}, {1: 2}, {"a": []}, {"a": {"b": {}}}, {(1, 2): [3]}, set(), {1, 2}, {(1, 2), "a"},
    bytearray(), bytearray(b"abc"), [(), ([],)], {None: None, True: ..., 1.5: 2j}, [{"a": [{"b": ({"c": []},)}]}],
    [set(), {frozenset({1})}], list(range(1000)), {i: [i] for i in range(300)}, {str(i): i for i in range(300)},
    set(range(300)), bytearray(5000), [[i] for i in range(500)], [(i, [i]) for i in range(100)],
], ids=lambda x: repr(x)[:30])
def test_a_deep_copy_is_new_and_has_the_same_shape(copier, x):
    y = copier.deepcopy(x)
    assert_same_topology(x, y)
    assert y is not x and y == x


def test_nothing_mutable_is_shared(copier):
    x = [[1], {"a": [2]}, ([3],), {4: {5}}, bytearray(b"6"), holding(a=[7])]
    assert_independent_copy(x, copier.deepcopy(x))


def test_a_child_met_twice_is_copied_once(copier):
    for child in ([], {}, set(), ([],), bytearray(), holding(), {1: []}, [[[]]], frozenset({1})):
        x = [child, child, {"a": child}, (child,)]
        y = copier.deepcopy(x)
        assert y[0] is y[1] is y[2]["a"] is y[3][0]
        assert y[0] is not child
        assert_same_topology(x, y)


def test_children_that_are_equal_but_distinct_stay_distinct(copier):
    y = copier.deepcopy([[], [], {}, {}, ([],), ([],)])
    assert len({id(item) for item in y}) == 6


def test_list_that_contains_itself_keeps_identity(copier):
    x = []
    x.append(x)
    y = copier.deepcopy(x)
    assert y[0] is y and y is not x and len(y) == 1


def test_dict_that_contains_itself_keeps_identity(copier):
    x = {}
    x["self"] = x
    y = copier.deepcopy(x)
    assert y["self"] is y and y is not x


def test_long_cycles_through_all_kinds_keep_identity(copier):
    x = []
    obj = holding(back=x)
    x.append({"k": ([obj], {"again": obj})})
    y = copier.deepcopy(x)
    new = y[0]["k"][0][0]
    assert new is not obj and new.back is y and y[0]["k"][1]["again"] is new
    assert_same_topology(x, y)
    assert shared(x, y) == []


def test_tuple_in_a_cycle_with_a_list_keeps_identity_from_both_ends(copier):
    x = ([],)
    x[0].append(x)
    y = copier.deepcopy(x)
    assert y[0][0] is y and y is not x and type(y) is tuple
    z = copier.deepcopy(x[0])
    assert z[0][0] is z and z is not x[0]


def test_tuple_in_a_cycle_through_a_dict_keeps_identity(copier):
    x = ({},)
    x[0]["t"] = x
    y = copier.deepcopy(x)
    assert y[0]["t"] is y


def test_two_tuples_on_one_cycle(copier):
    inner = []
    x = ((inner,), inner)
    inner.append(x)
    y = copier.deepcopy(x)
    assert y[1][0] is y and y[0][0] is y[1]
    assert_same_topology(x, y)


# ---- list ----------------------------------------------------------------------------------------------------------

def test_list_items_are_copied_in_order(copier):
    log = []
    copier.deepcopy([Hook("a", log), [Hook("b", log), Hook("c", log)], Hook("d", log)])
    assert log == ["a", "b", "c", "d"]


def test_a_list_that_grows_while_it_is_copied_is_followed(copier):
    x = []
    x.extend([1, Hook("grow", [], lambda self, memo: x.append("late") or "grown"), 3])
    assert copier.deepcopy(x) == [1, "grown", 3, "late"]


def test_a_list_that_grows_at_its_last_item_is_followed(copier):
    x = []

    def grow(self, memo):
        if len(x) < 20:
            x.append(Hook("again", [], grow))
        return len(x)

    x.append(Hook("grow", [], grow))
    assert copier.deepcopy(x) == [*range(2, 21), 20]


def test_a_list_that_shrinks_while_it_is_copied_ends_early(copier):
    x = []
    x.extend([Hook("shrink", [], lambda self, memo: x.__delitem__(slice(2, None)) or "shrunk"), 2, 3, 4])
    assert copier.deepcopy(x) == ["shrunk", 2]


def test_a_list_that_is_cleared_while_it_is_copied(copier):
    x = []
    x.extend([1, Hook("clear", [], lambda self, memo: x.clear() or "cleared"), 3])
    assert copier.deepcopy(x) == [1, "cleared"]
    assert x == []


def test_a_list_item_replaced_while_it_is_copied_is_copied_as_it_is_then(copier):
    x = []
    x.extend([Hook("replace", [], lambda self, memo: x.__setitem__(1, "new") or "first"), "old"])
    assert copier.deepcopy(x) == ["first", "new"]


def test_a_list_item_inserted_in_front_makes_an_item_come_twice(copier):
    x = []

    def insert(self, memo):
        if len(x) == 2:
            x.insert(0, "front")
        return "item"

    x.extend([Hook("insert", [], insert), "last"])
    assert copier.deepcopy(x) == ["item", "item", "last"]


def test_a_list_emptied_and_refilled_is_read_by_position(copier):
    x = []

    def swap(self, memo):
        x[:] = ["a", "b", "c", "d"]
        return "swapped"

    x.extend([0, Hook("swap", [], swap)])
    assert copier.deepcopy(x) == [0, "swapped", "c", "d"]


def test_an_item_that_deletes_itself_from_the_list_is_still_copied(copier):
    """The item is only kept by the list; the copy has to hold it while its hook runs."""
    x = []

    class Leaves:
        def __deepcopy__(self, memo):
            x.clear()
            return ["left", self.value]

    leaving = Leaves()
    leaving.value = "alive"
    x.append(leaving)
    del leaving
    assert copier.deepcopy(x) == [["left", "alive"]]


# ---- dict ----------------------------------------------------------------------------------------------------------

def test_dict_keeps_insertion_order(copier):
    x = {"b": 1, "a": 2, 3: 4}
    x["z"] = x.pop("b")
    assert list(copier.deepcopy(x).items()) == list(x.items()) == list(copier.copy(x).items())


def test_dict_with_deleted_entries_keeps_order_and_size(copier):
    x = {i: [i] for i in range(50)}
    for i in range(0, 50, 3):
        del x[i]
    x[0] = ["back"]
    y = copier.deepcopy(x)
    assert list(y.items()) == list(x.items())
    y["more"] = 1
    del y[1]
    assert len(y) == len(x)


def test_the_value_of_a_dict_is_copied_before_its_key(copier):
    log = []
    copier.deepcopy({Hook("k1", log): Hook("v1", log), Hook("k2", log): Hook("v2", log)})
    assert log == ["v1", "k1", "v2", "k2"]


def test_sharing_between_key_and_value_follows_the_value_first(copier):
    class Key:
        def __init__(self, items):
            self.items = items

        def __deepcopy__(self, memo):
            return type(self)((self.items, memo.get(id(self.items))))

    shared_list = []
    y = copier.deepcopy({Key(shared_list): shared_list})
    (key, value), = y.items()
    assert key.items[0] is shared_list and key.items[1] is value


def test_copied_keys_are_hashed_anew(copier):
    class Key:
        def __init__(self, number):
            self.number = number

        def __hash__(self):
            return self.number

        def __eq__(self, other):
            return isinstance(other, Key) and self.number == other.number

        def __deepcopy__(self, memo):
            return Key(self.number + 1000)

    y = copier.deepcopy({Key(1): "one", Key(2): "two"})
    assert y[Key(1001)] == "one" and y[Key(1002)] == "two" and Key(1) not in y
    s = copier.deepcopy({Key(1), Key(2)})
    assert Key(1001) in s and Key(1) not in s


def test_a_key_that_hashes_by_identity_is_found_in_the_copy(copier):
    key = Plain()
    y = copier.deepcopy({key: 1, "key": key})
    assert y[y["key"]] == 1 and key not in y


def test_of_keys_whose_copies_are_equal_the_last_value_wins(copier):
    class Key:
        def __deepcopy__(self, memo):
            return "same"

    y = copier.deepcopy({Key(): 1, "other": 2, Key(): 3})
    assert list(y.items()) == [("same", 3), ("other", 2)]


def test_an_empty_dict_with_a_past(copier):
    x = {i: i for i in range(100)}
    x.clear()
    assert copier.deepcopy(x) == {} == copier.copy(x)


SIZE = "dictionary changed size during iteration"
KEYS = "dictionary keys changed during iteration"


@pytest.mark.parametrize("place", ["key", "value"])
def test_a_dict_that_changes_size_while_it_is_copied(copier, place):
    for change in (lambda: x.__setitem__("late", 1), lambda: x.pop("a"), lambda: x.clear()):
        x = {}
        hook = Hook("change", [], lambda self, memo: change() or "changed")
        if place == "key":
            x[hook] = 1
        else:
            x["hook"] = hook
        x["a"] = 1
        assert raised(copier.deepcopy, x) == (RuntimeError, SIZE)


def test_a_dict_that_changes_size_at_its_last_pair(copier):
    """Seen when the next pair is asked for, also when there is none."""
    x = {"a": 1}
    x["last"] = Hook("grow", [], lambda self, memo: x.__setitem__("late", 1) or "grown")
    assert raised(copier.deepcopy, x) == (RuntimeError, SIZE)
    x = {"a": 1}
    x["last"] = Hook("shrink", [], lambda self, memo: x.pop("a") and "shrunk")
    assert raised(copier.deepcopy, x) == (RuntimeError, SIZE)


def test_a_dict_that_has_its_old_size_again_goes_on(copier):
    x = {"a": 1}
    x["hook"] = Hook("both", [], lambda self, memo: x.update(late=1) or x.pop("late"))
    x["last"] = 2
    assert copier.deepcopy(x) == {"a": 1, "hook": 1, "last": 2}


def test_a_dict_in_which_one_key_replaces_another(copier):
    """Same size, other keys: the walk goes on live, and may notice that it met more pairs than there were."""
    x = {"first": 0}

    def swap(self, memo):
        del x["first"]
        x["late"] = ["late"]
        return "swapped"

    x["hook"] = Hook("swap", [], swap)
    x["last"] = 2
    assert raised(copier.deepcopy, x) == (RuntimeError, KEYS)

    y = {"hook": Hook("swap", [], lambda self, memo: y.pop("next") and y.update(late=[5]) or "swapped"), "next": 1}
    z = copier.deepcopy(y)
    assert z == {"hook": "swapped", "late": [5]} and z["late"] is not y["late"]


def test_a_dict_value_replaced_ahead_of_the_walk_is_copied_as_it_is_then(copier):
    x = {}
    x["hook"] = Hook("replace", [], lambda self, memo: x.__setitem__("next", [9]) or "done")
    x["next"] = [1]
    assert copier.deepcopy(x) == {"hook": "done", "next": [9]}


def test_a_dict_value_replaced_behind_the_walk_stays_old_in_the_copy(copier):
    x = {"before": [1]}
    x["hook"] = Hook("replace", [], lambda self, memo: x.__setitem__("before", [9]) or "done")
    assert copier.deepcopy(x) == {"before": [1], "hook": "done"}


def test_a_value_that_deletes_its_own_pair(copier):
    x = {}

    class Leaves:
        def __deepcopy__(self, memo):
            x.clear()
            return ["left", self.value]

    x["k"] = Leaves()
    x["k"].value = "alive"
    assert raised(copier.deepcopy, x) == (RuntimeError, SIZE)


def test_a_dict_error_leaves_the_pairs_so_far_in_the_memo(copier):
    x = {"a": [1]}
    x["hook"] = Hook("grow", [], lambda self, memo: x.__setitem__("late", 1) or "grown")
    memo = {}
    assert raised(copier.deepcopy, x, memo) == (RuntimeError, SIZE)
    assert memo[id(x)] == {"a": [1], "hook": "grown"}


def test_unhashable_copies_of_keys_and_members(copier):
    class Key:
        def __deepcopy__(self, memo):
            return []

    as_key = as_member = "unhashable type: 'list'"
    if since(3, 14):
        as_key = f"cannot use 'list' as a dict key ({as_key})"
        as_member = f"cannot use 'list' as a set element ({as_member})"
    assert raised(copier.deepcopy, {Key(): 1}) == (TypeError, as_key)
    assert raised(copier.deepcopy, {Key()}) == (TypeError, as_member)
    assert raised(copier.deepcopy, frozenset({Key()})) == (TypeError, as_member)


def test_the_hash_and_equality_of_copied_keys_may_run_python_and_raise(copier):
    class Key:
        armed = False

        def __hash__(self):
            if Key.armed:
                raise LookupError("no hash")
            return 1

    x = {Key(): 1}
    Key.armed = True
    assert raised(copier.deepcopy, x) == (LookupError, "no hash")


def test_a_key_is_compared_with_keys_of_equal_hash_in_the_copy(copier):
    calls = []

    class Key:
        def __init__(self, name):
            self.name = name

        def __hash__(self):
            return 7

        def __eq__(self, other):
            calls.append((self.name, other.name))
            return False

    x = {Key("a"): 1, Key("b"): 2}
    calls.clear()
    copier.deepcopy(x)
    assert calls == [("a", "b")]


# ---- tuple ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("x", [(), (1,), (1, "a", None), ((1, 2), (3, (4,))), (int, len, ...), ((), ((),))], ids=repr)
def test_a_tuple_of_atoms_is_its_own_deep_copy(copier, x):
    memo = {}
    assert copier.deepcopy(x) is x
    assert copier.deepcopy(x, memo) is x and memo == {}
    assert copier.deepcopy([x])[0] is x
    assert copier.copy(x) is x


def test_a_tuple_with_something_to_copy_is_new(copier):
    inner = (1, 2)
    x = (inner, [3], inner)
    y = copier.deepcopy(x)
    assert y == x and y is not x
    assert y[0] is y[2] is inner and y[1] is not x[1]
    assert copier.copy(x) is x


def test_a_tuple_of_objects_that_are_their_own_copies_is_itself(copier):
    log = []
    x = (Hook("a", log), Hook("b", log))
    assert copier.deepcopy(x) is x
    assert log == ["a", "b"]


def test_a_tuple_met_again_while_its_items_are_copied_is_taken_from_the_memo(copier):
    """The items are copied first; then the memo is asked again, and what is there by now wins."""
    x = None
    made = object()

    def plant(self, memo):
        memo[id(x)] = made
        return self

    x = (Hook("plant", [], plant), 1)
    assert copier.deepcopy(x) is made
    assert copier.deepcopy([x, x]) == [made, made]


@pytest.mark.parametrize("made", [None, 0, (), [], ""], ids=repr)
def test_a_falsy_entry_for_a_tuple_counts_when_the_memo_is_asked_again(copier, made):
    x = None

    def plant(self, memo):
        memo[id(x)] = made
        return [1]

    x = (Hook("plant", [], plant), 1)
    assert copier.deepcopy(x) is made


def test_a_memo_with_defaults_answers_when_a_tuple_is_asked_for_again(copier):
    """The first question is get, which a defaultdict answers with nothing; the second is [], which makes a default."""
    memo = collections.defaultdict(lambda: "default")
    memo[id(memo)] = []
    assert copier.deepcopy((1, 2), memo) == "default"
    assert copier.deepcopy([[1], (2,)], memo) == [[1], "default"]
    x = ()
    assert copier.deepcopy(x, memo) == "default"


def test_a_recursive_tuple_is_copied_once_per_level_but_is_one_in_the_end(copier):
    calls = []

    class Counts:
        def __deepcopy__(self, memo):
            calls.append(1)
            return self

    cell = []
    x = (cell, Counts())
    cell.append(x)
    y = copier.deepcopy(x)
    assert y[0][0] is y
    assert len(calls) == 2


def test_items_of_a_tuple_are_copied_in_order(copier):
    log = []
    copier.deepcopy((Hook("a", log), (Hook("b", log), [Hook("c", log)]), Hook("d", log)))
    assert log == ["a", "b", "c", "d"]


# ---- set and frozenset ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", [set, frozenset])
def test_a_set_is_always_new_also_when_it_is_empty(copier, kind):
    for x in (kind(), kind({1, 2}), kind({"a", (1, 2)}), kind({Plain()})):
        y = copier.deepcopy(x)
        assert type(y) is kind and len(y) == len(x)
        # The one empty frozenset that the interpreter may keep is the same object for both.
        assert y is not x or (kind is frozenset and not x and frozenset([]) is x)


def test_the_empty_frozenset_is_copied_by_calling_frozenset(copier):
    x = frozenset()
    assert (copier.deepcopy(x) is x) == (frozenset([]) is x)


@pytest.mark.parametrize("kind", [set, frozenset])
def test_members_of_a_set_are_copied(copier, kind):
    member = holding(a=[1])
    x = [kind({member}), member]
    y = copier.deepcopy(x)
    copied, = y[0]
    assert copied is y[1] and copied is not member and copied.a is not member.a


@pytest.mark.parametrize("kind", [set, frozenset])
def test_a_cycle_through_a_set_makes_two_sets(copier, kind):
    """A set is memoized after its members: starting from it, the inner one is another copy."""
    member = Plain()
    x = kind({member})
    member.home = x
    y = copier.deepcopy(x)
    inner, = y
    assert inner is not member and inner.home is not y
    deepest, = inner.home
    assert deepest is inner
    z = copier.deepcopy(member)
    assert z.home is not x
    deepest, = z.home
    assert deepest is z


def test_two_sets_on_one_cycle(copier):
    a, b = Plain(), Plain()
    a.others, b.others = {b}, {a}
    y = copier.deepcopy([a, b])
    assert_same_topology([a, b], y)
    x = {a}
    z = copier.deepcopy(x)
    assert_same_topology(x, z)


def test_a_set_is_memoized_after_its_members(copier):
    seen = []

    class Member:
        def __deepcopy__(self, memo):
            seen.append(memo.get(id(x)))
            return self

    for kind in (set, frozenset):
        x = kind({Member()})
        copier.deepcopy(x)
    assert seen == [None, None]


def test_equal_copies_of_members_collapse(copier):
    class Member:
        def __deepcopy__(self, memo):
            return "same"

    assert copier.deepcopy({Member(), Member(), "other"}) == {"same", "other"}
    assert copier.deepcopy(frozenset({Member(), Member()})) == frozenset({"same"})


def test_a_set_changed_while_it_is_copied_is_a_snapshot(copier):
    """The members are taken into a list first, so change is not noticed."""
    x = set()

    class Member:
        def __init__(self, change):
            self.change = change

        def __deepcopy__(self, memo):
            self.change()
            return self

    adds = Member(lambda: x.add("late"))
    x.add(adds)
    assert copier.deepcopy(x) == {adds}
    x.clear()
    clears = Member(x.clear)
    x.update({clears, "a", "b"})
    assert copier.deepcopy(x) == {clears, "a", "b"}
    assert x == set()


def test_members_that_leave_the_set_while_it_is_copied_stay_alive(copier):
    x = set()

    class Member:
        def __deepcopy__(self, memo):
            x.clear()
            return vars(self)["value"]

    for value in range(5):
        member = Member()
        member.value = value
        x.add(member)
    del member
    assert copier.deepcopy(x) == {0, 1, 2, 3, 4}


def test_nested_frozensets_share_as_the_original_does(copier):
    inner = frozenset({1, 2})
    x = [inner, frozenset({inner}), {inner: inner}]
    y = copier.deepcopy(x)
    only, = y[1]
    assert y[0] is only is y[2][only] and y[0] is not inner


# ---- bytearray, slice, bound methods -----------------------------------------------------------------------------------

def test_a_bytearray_is_new(copier):
    for x in (bytearray(), bytearray(b"abc"), bytearray(100000)):
        y = copier.deepcopy(x)
        assert y == x and y is not x and type(y) is bytearray
        y.append(1)
        assert len(y) == len(x) + 1
    x = bytearray(b"ab")
    y = copier.deepcopy([x, x])
    assert y[0] is y[1]


def test_a_bytearray_with_a_shifted_start(copier):
    x = bytearray(b"0123456789")
    del x[:3]
    assert copier.deepcopy(x) == b"3456789" == copier.copy(x)


def test_a_bytearray_that_is_exported_can_be_copied(copier):
    x = bytearray(b"abc")
    with memoryview(x):
        y = copier.deepcopy(x)
    y.append(1)
    assert y == b"abc\x01"


def test_a_slice_is_new_and_its_parts_are_copied_in_order(copier):
    log = []
    x = slice(Hook("start", log), Hook("stop", log), Hook("step", log))
    y = copier.deepcopy(x)
    assert log == ["start", "stop", "step"]
    assert y is not x and (y.start, y.stop, y.step) == (x.start, x.stop, x.step)
    x = slice([1], None, [2])
    y = copier.deepcopy(x)
    assert y.start == [1] and y.start is not x.start and y.step is not x.step
    assert copier.deepcopy(slice(1, 2)) == slice(1, 2)
    assert copier.copy(x) is x


class Bound:
    def method(self):
        return self

    @classmethod
    def of_class(cls):
        return cls

    @staticmethod
    def static():
        return None


def test_a_bound_method_is_bound_to_a_copy(copier):
    x = Bound()
    x.a = [1]
    method = copier.deepcopy(x.method)
    assert type(method) is types.MethodType
    assert method.__func__ is Bound.method
    assert method() is not x and method().a == [1] and method().a is not x.a


def test_a_bound_method_and_its_object_are_copied_together(copier):
    x = Bound()
    method = x.method
    y = copier.deepcopy([x, method, method, x.method])
    assert y[1].__self__ is y[0] and y[1] is y[2] and y[3] is not y[1] and y[3].__self__ is y[0]


def test_an_object_that_holds_its_own_bound_method(copier):
    x = Bound()
    x.callback = x.method
    y = copier.deepcopy(x)
    assert y.callback.__self__ is y and y.callback() is y


def test_a_method_bound_to_a_class_is_new_but_bound_to_the_same_class(copier):
    method = Bound.of_class
    y = copier.deepcopy(method)
    assert y == method and y is not method and y() is Bound


def test_a_method_of_any_callable_and_any_object(copier):
    method = types.MethodType(len, [1, 2])
    y = copier.deepcopy(method)
    assert y.__func__ is len and y.__self__ == [1, 2] and y.__self__ is not method.__self__ and y() == 2


def test_a_bound_method_of_a_self_copying_object_is_still_new(copier):
    x = Hook("self", [])
    method = x.__deepcopy__
    y = copier.deepcopy(method)
    assert y is not method and y.__self__ is x


def test_copy_of_a_bound_method_asks_the_object_for_it(copier):
    x = Bound()
    y = copier.copy(x.method)
    assert y == x.method and y.__self__ is x
    x.method = "something else"
    assert copier.copy(Bound.method.__get__(x)) == "something else"


def test_a_static_method_is_a_function_and_is_itself(copier):
    assert copier.deepcopy(Bound.static) is Bound.static


# ---- everything at once ------------------------------------------------------------------------------------------------

def test_hooks_are_called_in_the_order_of_a_depth_first_walk(copier):
    log = []

    def h(label):
        return Hook(label, log)

    x = [h(1), {h("key"): (h(2), {h(3)})}, holding(a=h(4), b=[h(5)]), slice(h(6), None, None), types.MethodType(len, h(7)),
         bytearray(b""), h(8)]
    copier.deepcopy(x)
    assert log == [1, 2, 3, "key", 4, 5, 6, 7, 8]


def test_a_failed_copy_leaves_the_original_as_it_was(copier):
    fails = Hook("fails", [], lambda self, memo: 1 / 0)
    parts = [[1], (2, [3]), {"a": [4]}, {5}, holding(b=[6])]
    x = [*parts, fails]
    assert raised(copier.deepcopy, x)[0] is ZeroDivisionError
    assert all(a is b for a, b in zip(x, parts)) and len(x) == 6
    assert parts[0] == [1] and parts[1] == (2, [3]) and parts[2] == {"a": [4]} and parts[3] == {5}
    assert vars(parts[4]) == {"b": [6]}


def test_a_copy_of_a_copy_is_the_same_again(copier):
    x = [[1], {"a": ({2}, holding(b=[3]))}]
    x.append(x)
    y = copier.deepcopy(copier.deepcopy(x))
    assert_same_topology(x, y)
