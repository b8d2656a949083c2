"""What `__deepcopy__` receives when the caller gave no memo: one exact dict, complete at every entry, and the user's to change and to keep."""

import copy
import gc
import sys
import weakref

import pytest
from support.copiers import since
from support.memos import GRAPHS, Plain, Point, Slotted


class Looks:
    """Calls a function with the memo when it is copied; the copy is None."""

    def __init__(self, function):
        self.function = function

    def __deepcopy__(self, memo):
        self.function(memo)
        return None


def copied_with_looks(copier, make, look):
    """Copies make(hook) and returns the copy."""
    return copier.deepcopy(make(Looks(look)))


# The object itself -----------------------------------------------------------------------------------------------------------------------------------

def test_the_memo_is_exactly_a_dict(copier):
    seen = []
    copier.deepcopy([Looks(lambda memo: seen.append(type(memo)))])
    assert seen == [dict]


def test_the_memo_is_one_dict_for_all_hooks_of_a_copy(copier):
    seen = []
    copier.deepcopy([Looks(seen.append), [Looks(seen.append)], {1: Looks(seen.append)}, (Looks(seen.append),)])
    assert len(seen) == 4
    assert all(memo is seen[0] for memo in seen)


def test_each_copy_has_a_memo_of_its_own(copier):
    seen = []
    hook = Looks(seen.append)
    copier.deepcopy([hook])
    copier.deepcopy([hook])
    assert seen[0] is not seen[1]
    assert id(hook) in seen[0]
    assert id(hook) in seen[1]


def test_a_top_level_hook_receives_an_empty_dict(copier):
    seen = []
    copier.deepcopy(Looks(lambda memo: seen.append(dict(memo))))
    assert seen == [{}]


def test_the_memo_is_passed_by_position(copier):
    class Hook:
        def __deepcopy__(self, *args, **kwargs):
            received.append((len(args), kwargs))

    received = []
    copier.deepcopy([Hook()])
    assert received == [(1, {})]


def test_the_memo_of_the_caller_is_the_very_object_the_hooks_get(copier):
    class Memo(dict):
        pass

    seen = []
    memo = Memo()
    copier.deepcopy([Looks(seen.append)], memo)
    assert seen[0] is memo


# Its contents ----------------------------------------------------------------------------------------------------------------------------------------

def test_objects_copied_before_are_in_the_memo_with_their_copies(copier):
    pairs = []

    def look(memo):
        pairs.extend((memo[id(obj)], obj) for obj in x[:3])

    x = [[1], {"k": [2]}, ([3],)]
    x.append(Looks(look))
    copied = copier.deepcopy(x)
    assert [made is mine for (made, _), mine in zip(pairs, copied)] == [True] * 3
    assert [made is original for made, original in pairs] == [False] * 3


def test_ancestors_are_in_the_memo_as_far_as_they_are_copied(copier):
    seen = []

    def look(memo):
        seen.append((list(memo[id(x)]), dict(memo[id(x[1])]), list(memo[id(x[1]["l"])])))

    x = [[0], {"a": 1, "l": [1, 2]}, 5]
    x[1]["l"] += [Looks(look), 4]
    x[1]["z"] = 6
    copied = copier.deepcopy(x)
    assert seen == [([[0]], {"a": 1}, [1, 2])]
    assert copied == [[0], {"a": 1, "l": [1, 2, None, 4], "z": 6}, 5]


def test_an_instance_under_copy_is_seen_without_state(copier):
    seen = []
    x = Plain()
    x.a = 1
    x.hook = Looks(lambda memo: seen.append((type(memo[id(x)]), vars(memo[id(x)]))))
    x.b = 2
    copied = copier.deepcopy(x)
    assert seen == [(Plain, vars(copied))]  # the dict was empty: it is the one that was filled afterwards
    seen.clear()
    x.hook.function = lambda memo: seen.append(dict(vars(memo[id(x)])))
    copier.deepcopy(x)
    assert seen == [{}]


def test_an_instance_with_slots_is_seen_without_values(copier):
    seen = []
    x = Slotted()
    x.a = [1]
    x.b = Looks(lambda memo: seen.append([hasattr(memo[id(x)], name) for name in "ab"]))
    copied = copier.deepcopy(x)
    assert seen == [[False, False]]
    assert copied.a == [1]


def test_a_dict_subclass_is_seen_with_its_state_and_the_items_so_far(copier):
    class Sub(dict):
        pass

    seen = []
    x = Sub(a=1)
    x.attribute = [1]
    x["hook"] = Looks(lambda memo: seen.append((dict(memo[id(x)]), dict(vars(memo[id(x)])))))
    copier.deepcopy(x)
    assert seen == [({"a": 1}, {"attribute": [1]})]


@pytest.mark.parametrize("make", [lambda hook: (hook, []), lambda hook: Point(hook, []), lambda hook: frozenset([hook]), lambda hook: {hook},
                                  lambda hook: ValueError(hook)], ids=["tuple", "namedtuple", "frozenset", "set", "exception"])
def test_what_is_made_after_its_children_is_not_in_the_memo_yet(copier, make):
    seen = []
    hook = Looks(lambda memo: seen.append(memo.get(id(x), "absent")))
    x = make(hook)
    copier.deepcopy([x])
    assert seen == ["absent"]


def test_the_key_of_a_dict_is_copied_when_its_value_is_copied_but_not_yet_stored(copier):
    class Key(Looks):
        def __hash__(self):
            return 5

    seen = []
    value = [1]
    x = {"before": 0}
    x[Key(lambda memo: seen.append((dict(memo[id(x)]), memo[id(value)])))] = value
    copied = copier.deepcopy(x)
    assert seen == [({"before": 0}, [1])]
    assert copied == {"before": 0, None: [1]}


def test_the_keepalive_list_is_in_the_memo_with_the_originals_so_far(copier):
    seen = []
    x = [[1], ([2],), Looks(lambda memo: seen.append(list(memo[id(memo)])))]
    expected = [x[0], x[1][0], x[1]]
    copier.deepcopy(x)
    assert [obj is original for obj, original in zip(seen[0], expected, strict=True)] == [True] * 3


def test_without_anything_to_keep_there_is_no_keepalive_list_yet(copier):
    seen = []
    x = [1, Looks(lambda memo: seen.append((id(memo) in memo, len(memo))))]
    copier.deepcopy(x)
    assert seen == [(False, 1)]


def test_atomics_and_unchanged_tuples_are_not_in_the_memo(copier):
    seen = []
    flat = (1, 2)
    x = [5, "text", flat, (), len, Looks(lambda memo: seen.append(list(memo)))]
    copier.deepcopy(x)
    assert seen == [[id(x)]]


def test_the_memo_is_up_to_date_at_every_entry(copier):
    counts = []

    def look(memo):
        counts.append([memo.get(id(obj)) is not None for obj in x if type(obj) is list])

    x = [[0], Looks(look), [1], Looks(look), ([2], [3]), [4], Looks(look)]
    copier.deepcopy(x)
    assert counts == [[True, False, False], [True, True, False], [True, True, True]]


def test_the_memo_is_up_to_date_while_a_hook_works_through_nested_copies(copier):
    class Hook:
        def __deepcopy__(self, memo):
            made = [copier.deepcopy(child, memo) for child in self.children]
            seen.append([memo[id(child)] is copied for child, copied in zip(self.children, made)])
            return made

    seen = []
    hook = Hook()
    hook.children = [[1], {"k": 2}, ([3],), Plain()]
    copied = copier.deepcopy([hook, hook.children[0]])
    assert seen == [[True] * 4]
    assert copied[0][0] is copied[1]


@pytest.mark.parametrize("graph", [name for name in GRAPHS if name != "class_with_metaclass"])
def test_at_the_end_a_kept_memo_has_the_pairs_of_stdlib_in_its_order(copier, graph):
    """Entries for temporaries of the reduce protocol, and for an instance dict, may be missing: only named objects are compared."""

    def run(deepcopy):
        memos = []
        x, names = GRAPHS[graph](deepcopy)
        y = [Looks(memos.append), x]
        copied = deepcopy(y)
        names = {key: name for key, name in names.items() if "dict" not in name and name not in ("args", "keywords")}
        (memo,) = memos
        kept = [names[id(obj)] for obj in memo[id(memo)] if id(obj) in names]
        return [(names[key], type(value).__name__) for key, value in memo.items() if key in names], kept, len(copied)

    assert run(copier.deepcopy) == run(copy.deepcopy)


@pytest.mark.parametrize("graph", [name for name in GRAPHS if name != "class_with_metaclass"])
def test_in_the_middle_the_memo_has_the_pairs_of_stdlib_in_its_order(copier, graph):
    def run(deepcopy):
        seen = []

        def look(memo):
            kept = [names[id(obj)] for obj in memo.get(id(memo), ()) if id(obj) in names]
            seen.append(([(names[key], type(value).__name__) for key, value in memo.items() if key in names], kept))

        x, names = GRAPHS[graph](deepcopy)
        names = {key: name for key, name in names.items() if "dict" not in name and name not in ("args", "keywords")}
        deepcopy([x, Looks(look), (x, [x]), Looks(look)])
        return seen

    assert run(copier.deepcopy) == run(copy.deepcopy)


# User writes -----------------------------------------------------------------------------------------------------------------------------------------

def test_a_write_for_an_object_that_was_copied_replaces_it_for_later_references(copier):
    shared = [1]
    x = [shared, Looks(lambda memo: memo.__setitem__(id(shared), "replaced")), shared, {"k": shared}]
    assert copier.deepcopy(x) == [[1], None, "replaced", {"k": "replaced"}]


def test_a_write_for_a_later_object_of_one_reference_is_honoured(copier):
    x = [None, [1], [[2]]]
    x[0] = Looks(lambda memo: memo.update({id(x[1]): "one", id(x[2][0]): "two"}))
    assert copier.deepcopy(x) == [None, "one", ["two"]]


@pytest.mark.skipif(since(3, 14), reason="3.14 returns atomics before it looks at the memo")
def test_a_write_for_an_atomic_is_honoured_in_containers_cloned_afterwards(copier):
    x = [Looks(lambda memo: memo.__setitem__(id(300_000), "atomic")), 300_000, [300_000], (300_000, 1), {300_000}, {"k": 300_000}, {300_000: 1}]
    copied = copier.deepcopy(x)
    assert copied == copy.deepcopy(x)
    assert copied[1:] == ["atomic", ["atomic"], ("atomic", 1), {"atomic"}, {"k": "atomic"}, {"atomic": 1}]


def test_entries_written_by_a_hook_are_seen_by_a_copy_of_stdlib_with_the_same_memo(copier):
    later = [1]

    def look(memo):
        memo[id(later)] = "instead"
        results.append(copy.deepcopy([later], memo))

    results = []
    assert copier.deepcopy([Looks(look), later]) == [None, "instead"]
    assert results == [["instead"]]


def test_a_write_that_changes_nothing_is_harmless(copier):
    shared = [1]
    x = [shared, Looks(lambda memo: memo.update(dict(memo))), shared]
    copied = copier.deepcopy(x)
    assert copied[0] is copied[2]


def test_the_dict_can_be_emptied_and_filled_again_by_the_hook(copier):
    def look(memo):
        saved = dict(memo)
        memo.clear()
        memo.update(reversed(saved.items()))

    shared = [1]
    copied = copier.deepcopy([shared, Looks(look), shared])
    assert copied[0] is copied[2]


def test_writes_of_many_hooks_add_up(copier):
    later = [[i] for i in range(50)]
    x = [[Looks(lambda memo, i=i: memo.__setitem__(id(later[i]), i)) for i in range(0, 50, 2)], later]
    copied = copier.deepcopy(x)
    assert copied[1] == [i if i % 2 == 0 else [i] for i in range(50)]


def test_a_write_from_a_hook_within_a_nested_copy_counts_in_the_outer_one(copier):
    later = [1]

    class Hook:
        def __deepcopy__(self, memo):
            return copier.deepcopy([Looks(lambda memo: memo.__setitem__(id(later), "instead"))], memo)

    assert copier.deepcopy([Hook(), later]) == [[None], "instead"]


def test_a_write_in_a_later_entry_through_a_kept_reference_is_honoured(copier):
    """The memo can be written at any time, not only by the hook that has it as its argument."""
    kept = []
    later = [1]

    class State:
        def __getstate__(self):
            kept[0][id(later)] = "instead"
            return {"a": 1}

    copied = copier.deepcopy([Looks(kept.append), State(), later])
    assert copied[2] == "instead"


def test_the_memo_is_complete_for_user_code_that_kept_it_and_is_no_hook(copier):
    kept, seen = [], []

    class State:
        def __getstate__(self):
            seen.append([id(obj) in kept[0] for obj in x if type(obj) is list])
            return {"a": 1}

    x = [Looks(kept.append), [1], State(), [2], State(), [3]]
    copier.deepcopy(x)
    assert seen == [[True, False, False], [True, True, False]]


# Keeping it ------------------------------------------------------------------------------------------------------------------------------------------

def test_a_kept_memo_is_complete_after_the_call(copier):
    kept = []
    x = [Looks(kept.append), [1], {"k": [2]}, ([3],)]
    copied = copier.deepcopy(x)
    (memo,) = kept
    assert memo[id(x)] is copied
    assert memo[id(x[1])] is copied[1]
    assert memo[id(x[2]["k"])] is copied[2]["k"]
    assert memo[id(x[3])] is copied[3]
    assert memo[id(memo)][-1] is x


def test_a_kept_memo_is_the_users_and_can_serve_another_copy(copier):
    kept = []
    shared = [1]
    x = [Looks(kept.append), shared]
    copied = copier.deepcopy(x)
    assert copier.deepcopy([shared], kept[0])[0] is copied[1]
    kept[0].clear()
    assert copier.deepcopy([shared], kept[0])[0] is not copied[1]


def test_changes_of_a_kept_memo_after_the_call_reach_no_other_copy(copier):
    kept = []
    hook, shared = Looks(kept.append), [1]
    copier.deepcopy([hook, shared])
    kept[0][id(shared)] = "poison"
    assert copier.deepcopy([hook, shared]) == [None, [1]]
    assert kept[0] is not kept[1]


def test_a_memo_nobody_kept_is_freed_with_the_call(copier):
    class Value:
        pass

    refs = []

    def put(memo):
        value = Value()
        refs.append(weakref.ref(value))
        memo["value"] = value

    copier.deepcopy([Looks(put), [1]])
    assert refs[0]() is None


def test_a_memo_nobody_kept_is_freed_after_an_error(copier):
    class Value:
        pass

    refs = []

    def put(memo):
        value = Value()
        refs.append(weakref.ref(value))
        memo["value"] = value

    with pytest.raises(TypeError):
        copier.deepcopy([Looks(put), memoryview(b"")])
    gc.collect()
    assert refs[0]() is None


def test_a_kept_memo_after_an_error_has_what_was_copied(copier):
    kept = []
    x = [Looks(kept.append), [1], memoryview(b""), [2]]
    with pytest.raises(TypeError):
        copier.deepcopy(x)
    (memo,) = kept
    assert memo[id(x[1])] == [1]
    assert memo[id(x)] == [None, [1]]
    assert id(x[3]) not in memo


def test_a_hundred_kept_memos_are_a_hundred_dicts(copier):
    kept = []
    hook = Looks(kept.append)
    for i in range(100):
        copier.deepcopy([hook, [i]])
    assert len({id(memo) for memo in kept}) == 100
    assert [list(memo.values())[-1] for memo in kept] == [[i] for i in range(100)]


def test_a_kept_memo_holds_no_reference_to_the_call(copier):
    kept = []
    copier.deepcopy([Looks(kept.append), [1]])
    assert sys.getrefcount(kept[0]) == sys.getrefcount([{}][0]) + 1


# Nested copies with the memo -------------------------------------------------------------------------------------------------------------------------

class Copies:
    """Copies its child with a given function and the memo it got."""

    def __init__(self, below, deepcopy):
        self.below = below
        self.deepcopy = deepcopy

    def __deepcopy__(self, memo):
        made = Copies(None, self.deepcopy)
        made.below = self.deepcopy(self.below, memo)
        return made


IMPLEMENTATIONS = ["same", "stdlib", "calque"]


def nested(copier, which):
    if which == "same":
        return copier.deepcopy
    return copy.deepcopy if which == "stdlib" else pytest.importorskip("calque").deepcopy


@pytest.mark.parametrize("which", IMPLEMENTATIONS)
def test_a_nested_copy_with_the_memo_shares_with_the_outer_one(copier, which):
    deepcopy = nested(copier, which)
    shared = [1]
    x = [shared, Copies([shared], deepcopy), shared, Copies({"k": shared}, deepcopy)]
    copied = copier.deepcopy(x)
    assert copied[1].below[0] is copied[0]
    assert copied[2] is copied[0]
    assert copied[3].below["k"] is copied[0]


@pytest.mark.parametrize("which", IMPLEMENTATIONS)
def test_what_a_nested_copy_made_first_is_found_by_the_outer_one(copier, which):
    shared = [1]
    copied = copier.deepcopy([Copies([shared], nested(copier, which)), shared, [shared]])
    assert copied[0].below[0] is copied[1]
    assert copied[2][0] is copied[1]


@pytest.mark.parametrize("which", IMPLEMENTATIONS)
def test_a_cycle_through_hooks_that_copy_their_children_is_found(copier, which):
    x = []
    x.append(Copies(x, nested(copier, which)))
    copied = copier.deepcopy(x)
    assert copied[0].below is copied


@pytest.mark.parametrize("which", IMPLEMENTATIONS)
def test_hooks_within_hooks_receive_the_same_memo(copier, which):
    deepcopy = nested(copier, which)
    seen = []
    x = [Looks(seen.append), Copies([Looks(seen.append), Copies(Looks(seen.append), deepcopy)], deepcopy), Looks(seen.append)]
    copier.deepcopy(x)
    assert len(seen) == 4
    assert all(memo is seen[0] for memo in seen)


@pytest.mark.parametrize("which", IMPLEMENTATIONS)
def test_two_implementations_alternate_down_a_chain_of_hooks(copier, which):
    deepcopy = nested(copier, which)
    shared = [1]
    x = shared
    for level in range(40):
        x = [Copies(x, copier.deepcopy if level % 2 else deepcopy), shared]
    copied = copier.deepcopy(x)
    deepest = copied[1]
    for _ in range(40):
        assert copied[1] is deepest
        copied = copied[0].below
    assert copied is deepest


@pytest.mark.parametrize("which", IMPLEMENTATIONS)
def test_an_error_of_a_nested_copy_can_be_swallowed(copier, which):
    deepcopy = nested(copier, which)

    class Hook:
        def __deepcopy__(self, memo):
            with pytest.raises(TypeError, match="memoryview"):
                deepcopy([shared, memoryview(b"")], memo)
            return "went on"

    shared = [1]
    copied = copier.deepcopy([Hook(), shared, [shared]])
    assert copied == ["went on", [1], [[1]]]
    assert copied[1] is copied[2][0]


@pytest.mark.parametrize("which", IMPLEMENTATIONS)
def test_a_copy_without_memo_in_a_hook_shares_nothing(copier, which):
    deepcopy = nested(copier, which)

    class Hook:
        def __deepcopy__(self, memo):
            return deepcopy(shared)

    shared = [1]
    copied = copier.deepcopy([shared, Hook(), shared, Hook()])
    assert copied == [[1]] * 4
    assert copied[0] is copied[2]
    assert len({id(obj) for obj in copied}) == 3


def test_a_copy_with_a_copy_of_the_memo_shares_what_was_there(copier):
    class Hook:
        def __deepcopy__(self, memo):
            return copier.deepcopy([before, after], dict(memo))

    before, after = [1], [2]
    copied = copier.deepcopy([before, Hook(), after])
    assert copied[1][0] is copied[0]
    assert copied[1][1] is not copied[2]


def test_a_hook_may_copy_its_own_dict_with_the_memo(copier):
    class Hook:
        def __deepcopy__(self, memo):
            made = Hook()
            memo[id(self)] = made
            made.__dict__ = copier.deepcopy(self.__dict__, memo)
            return made

    hook = Hook()
    hook.me, hook.shared = hook, [1]
    copied = copier.deepcopy([hook, hook.shared])
    assert copied[0].me is copied[0]
    assert copied[0].shared is copied[1]


def test_the_memo_can_be_a_part_of_what_is_copied(copier):
    class Hook:
        def __deepcopy__(self, memo):
            return copier.deepcopy([memo, memo], memo)

    x = [[1], Hook()]
    copied = copier.deepcopy(x)
    expected_keepalive = copied[1][0]
    assert copied[1][1] is expected_keepalive
    assert expected_keepalive[0] is x[0]


def test_a_memo_of_one_copy_used_by_another_that_runs_inside_it(copier):
    """The hook of an inner copy copies with the memo of the outer one."""
    outer_memos = []

    class Inner:
        def __deepcopy__(self, memo):
            assert memo is not outer_memos[0]
            return [copier.deepcopy(shared, memo), copier.deepcopy(shared, outer_memos[0])]

    class Outer:
        def __deepcopy__(self, memo):
            outer_memos.append(memo)
            return copier.deepcopy([Inner(), shared])

    shared = [1]
    copied = copier.deepcopy([shared, Outer(), shared])
    assert copied[0] is copied[2]
    inner, in_outer = copied[1][0]
    assert inner is copied[1][1]
    assert in_outer is copied[0]
    assert inner is not in_outer


def test_tuples_are_memoized_across_the_border_of_a_hook(copier):
    shared = ([1], 2)
    copied = copier.deepcopy([shared, Copies((shared,), copier.deepcopy), shared])
    assert copied[0] is copied[1].below[0] is copied[2]


def test_a_hook_bound_in_the_instance_receives_the_memo(copier):
    x = Plain()
    seen = []
    x.__deepcopy__ = lambda memo: seen.append(memo) or "copied"
    y = [[1], x]
    assert copier.deepcopy(y) == [[1], "copied"]
    assert type(seen[0]) is dict
    assert id(y[0]) in seen[0]


def test_objects_copied_by_dispatch_functions_of_copy_use_the_memo(copier):
    class Special:
        pass

    seen = []
    copy._deepcopy_dispatch[Special] = lambda x, memo: seen.append((type(memo), id(shared) in memo)) or [copier.deepcopy(shared, memo)]
    try:
        shared = [1]
        copied = copier.deepcopy([shared, Special()])
    finally:
        del copy._deepcopy_dispatch[Special]
    assert seen == [(dict, True)]
    assert copied[1][0] is copied[0]


# Copies under way -----------------------------------------------------------------------------------------------------------------------------------

class Record:
    def __init__(self, **attributes):
        for name, value in attributes.items():  # vars(self).update() would give it a dict of its own
            setattr(self, name, value)


class Pair:
    __slots__ = ("first", "last")


@pytest.fixture
def settled(copier):
    """copier, after both classes have been copied: their instances are filled as the copies come, and must be emptied when Python code can look."""
    copier.deepcopy([Record(a=1), Pair()])
    return copier


@pytest.mark.parametrize("others", [{}, {"a": 1}, {"a": [1], "b": ([],), "c": {"k": []}}], ids=len)
def test_an_instance_under_way_has_no_attributes(settled, others):
    seen = []
    obj = Record(**others, last=Looks(lambda memo: seen.append(dict(vars(memo[id(obj)])))))
    result = settled.deepcopy(obj)
    assert seen == [{}]
    assert vars(result) == {**others, "last": None}


def test_the_dicts_of_instances_under_way_are_those_that_are_filled_later(settled):
    seen = []
    inner = Record(a=[2], last=Looks(lambda memo: seen.append([vars(memo[id(obj)]) for obj in (outer, inner)])))
    outer = Record(first=[1], inner=inner)
    result = settled.deepcopy(outer)
    assert len(seen) == 1
    assert seen[0][0] is vars(result)
    assert seen[0][1] is vars(result.inner)


def test_instances_under_way_show_nothing_of_themselves(settled):
    seen = []
    inner = Record(a=[2], last=Looks(lambda memo: seen.append([dict(vars(memo[id(obj)])) for obj in (outer, inner)])))
    outer = Record(first=[1], inner=inner)
    result = settled.deepcopy(outer)
    assert seen == [[{}, {}]]
    assert result.first == [1]
    assert vars(result.inner) == {"a": [2], "last": None}


def test_no_attribute_of_an_instance_under_way_is_found(settled):
    seen = []
    obj = Record(a=[1], b=2, last=Looks(lambda memo: seen.append([hasattr(memo[id(obj)], name) for name in ("a", "b", "last")])))
    result = settled.deepcopy(obj)
    assert seen == [[False, False, False]]
    assert vars(result) == {"a": [1], "b": 2, "last": None}


def test_the_slots_of_an_instance_under_way_are_empty(settled):
    obj, seen = Pair(), []
    obj.first = [1]
    obj.last = Looks(lambda memo: seen.append([hasattr(memo[id(obj)], name) for name in Pair.__slots__]))
    result = settled.deepcopy(obj)
    assert seen == [[False, False]]
    assert (result.first, result.last) == ([1], None)


def test_the_collector_does_not_know_a_tuple_under_way(copier):
    first, seen = [1], []

    def look(memo):
        seen.append([type(holder) for holder in gc.get_referrers(memo[id(first)]) if type(holder) is tuple])

    result = copier.deepcopy((first, Looks(look), [2]))
    assert seen == [[]]
    assert result == ([1], None, [2])
    assert gc.is_tracked(result)
