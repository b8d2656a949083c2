"""Entries that are in the memo before the copy, or that user code puts in, changes and takes out while it runs."""

import copy

import pytest
from support.copiers import since
from support.memos import OfMeta, Plain

ATOMICS_ARE_LOOKED_UP = not since(3, 14)
before_3_14 = pytest.mark.skipif(since(3, 14), reason="3.14 returns atomics before it looks at the memo")
since_3_14 = pytest.mark.skipif(not since(3, 14), reason="before 3.14 atomics are looked up in the memo")


def test_a_preset_replaces_the_object_wherever_it_is_met(copier):
    inner = [1]
    x = [inner, (inner,), {"k": inner}, {1: [inner]}]
    copied = copier.deepcopy(x, {id(inner): "instead"})
    assert copied == ["instead", ("instead",), {"k": "instead"}, {1: ["instead"]}]


def test_a_preset_for_itself_keeps_an_object_out_of_the_copy(copier):
    shared = [1]
    copied = copier.deepcopy([shared, [shared]], {id(shared): shared})
    assert copied[0] is shared
    assert copied[1][0] is shared


def test_a_tuple_of_preset_originals_is_not_copied(copier):
    shared = [1]
    x = (shared, 2)
    assert copier.deepcopy(x, {id(shared): shared}) is x


def test_a_preset_object_is_not_kept_alive_by_the_memo(copier):
    shared = [1]
    memo = {id(shared): "instead"}
    copier.deepcopy([shared], memo)
    assert all(obj is not shared for obj in memo[id(memo)])


@before_3_14
@pytest.mark.parametrize("value", [5, 12345678, "text", b"bytes", 1.5, 2j, None, True, len, range(3), Ellipsis, NotImplemented, property()],
                         ids=lambda value: type(value).__name__)
def test_a_preset_for_an_atomic_replaces_it(copier, value):
    memo = {id(value): "instead"}
    assert copier.deepcopy(value, memo) == "instead"
    assert copier.deepcopy([value, (value,)], memo) == ["instead", ("instead",)]


@since_3_14
@pytest.mark.parametrize("value", [5, 12345678, "text", b"bytes", 1.5, None, len])
def test_a_preset_for_an_atomic_is_ignored(copier, value):
    assert copier.deepcopy([value], {id(value): "instead"})[0] is value


@before_3_14
def test_a_preset_for_a_key_of_a_dict_replaces_the_key(copier):
    key = "key"
    assert copier.deepcopy({key: 1}, {id(key): "other"}) == {"other": 1}


@before_3_14
def test_a_preset_for_the_name_of_an_attribute_renames_it(copier):
    x = Plain()
    x.before = [1]
    copied = copier.deepcopy(x, {id("before"): "after"})
    assert vars(copied) == {"after": [1]}


@before_3_14
def test_a_preset_for_the_class_decides_what_is_made(copier):
    class Other:
        pass

    x = Plain()
    x.a = 1
    copied = copier.deepcopy(x, {id(Plain): Other})
    assert type(copied) is Other
    assert copied.a == 1


@since_3_14
def test_a_preset_for_a_plain_class_is_ignored(copier):
    assert type(copier.deepcopy(Plain(), {id(Plain): list})) is Plain


def test_a_preset_for_a_class_with_a_metaclass_is_honoured(copier):
    assert copier.deepcopy([OfMeta], {id(OfMeta): "instead"}) == ["instead"]


@before_3_14
def test_a_preset_for_a_slot_name_is_used_for_the_setattr(copier):
    class Slotted:
        __slots__ = ("before", "after")

    x = Slotted()
    x.before = [1]
    copied = copier.deepcopy(x, {id("before"): "after"})
    assert copied.after == [1]
    assert not hasattr(copied, "before")


@before_3_14
@pytest.mark.parametrize("value", [(1, 2), {1: 2}, [1, 2], {1, 2}, frozenset([1, 2])], ids=lambda value: type(value).__name__)
def test_a_preset_for_one_atomic_reaches_every_container(copier, value):
    expected = copy.deepcopy(value, {id(1): 9})
    assert copier.deepcopy(value, {id(1): 9}) == expected
    assert expected != value


def test_a_preset_for_a_tuple_is_found_before_its_items(copier):
    x = ([1], memoryview(b"cannot be copied"))
    assert copier.deepcopy(x, {id(x): "instead"}) == "instead"


def test_deepcopy_of_the_memo_with_itself_is_its_keepalive_list(copier):
    memo = {}
    copier.deepcopy([[1]], memo)
    assert copier.deepcopy(memo, memo) is memo[id(memo)]


def test_deepcopy_of_an_empty_memo_with_itself_does_what_stdlib_does(copier):
    memo = {}
    expected_memo = {}

    def run(deepcopy, memo):
        try:
            return len(deepcopy(memo, memo))
        except Exception as error:
            return type(error), str(error)

    assert run(copier.deepcopy, memo) == run(copy.deepcopy, expected_memo)
    assert len(memo) == len(expected_memo)


# User code changes the memo while it is used -------------------------------------------------------------------------------------------------------

class Does:
    """Runs a function with the memo when it is copied."""

    def __init__(self, function, result=None):
        self.function = function
        self.result = result

    def __deepcopy__(self, memo):
        self.function(memo)
        return self.result


def memos():
    return pytest.mark.parametrize("given", [None, dict], ids=["no_memo", "dict"])


def deepcopy(copier, x, given):
    return copier.deepcopy(x) if given is None else copier.deepcopy(x, given())


@memos()
def test_a_cleared_memo_loses_the_sharing_and_nothing_else(copier, given):
    shared = [1]
    copied = deepcopy(copier, [shared, Does(dict.clear), shared], given)
    assert copied == [[1], None, [1]]
    assert copied[0] is not copied[2]


@memos()
def test_a_popped_entry_is_copied_again(copier, given):
    one, two = [1], [2]
    copied = deepcopy(copier, [one, two, Does(lambda memo: memo.pop(id(one))), one, two], given)
    assert copied[0] is not copied[3]
    assert copied[1] is copied[4]


@memos()
def test_an_overwritten_entry_is_the_copy_from_then_on(copier, given):
    shared = [1]
    other = ["other"]
    copied = deepcopy(copier, [shared, Does(lambda memo: memo.__setitem__(id(shared), other)), shared], given)
    assert copied == [[1], None, ["other"]]
    assert copied[2] is other


@memos()
def test_an_entry_for_a_later_object_is_its_copy(copier, given):
    later = [1]
    copied = deepcopy(copier, [Does(lambda memo: memo.__setitem__(id(later), "instead")), later, [later]], given)
    assert copied == [None, "instead", ["instead"]]


@memos()
@before_3_14
def test_an_entry_for_a_later_atomic_is_its_copy(copier, given):
    copied = deepcopy(copier, [7, Does(lambda memo: memo.__setitem__(id(7), "seven")), 7, (7, 8), {7: 7}], given)
    assert copied == [7, None, "seven", ("seven", 8), {"seven": "seven"}]


@memos()
@before_3_14
def test_an_entry_for_an_attribute_name_renames_it_in_later_instances(copier, given):
    x = Plain()
    x.before = 1
    copied = deepcopy(copier, [Does(lambda memo: memo.__setitem__(id("before"), "after")), x], given)
    assert vars(copied[1]) == {"after": 1}


@memos()
def test_a_popped_ancestor_is_copied_once_more(copier, given):
    x = []
    done = []

    def pop(memo):
        if not done:
            done.append(memo.pop(id(x)))

    x += [Does(pop), x]
    copied = deepcopy(copier, x, given)
    assert copied[1] is not copied
    assert done[0] is copied
    # The second copy of x is the one in the memo while it is made, and the first is put back at the end.
    assert copied[1][1] is copied[1]


@memos()
def test_an_entry_for_the_enclosing_tuple_wins_over_its_copy(copier, given):
    x = [None, [1]]
    x[0] = Does(lambda memo: memo.__setitem__(id(t), "instead"))
    t = tuple(x)
    copied = deepcopy(copier, [t, t], given)
    assert copied == ["instead", "instead"]


@memos()
def test_an_entry_for_the_enclosing_tuple_wins_even_if_its_items_did_not_change(copier, given):
    hook = Does(lambda memo: memo.__setitem__(id(t), "instead"))
    hook.result = hook
    t = (hook, 1)
    assert deepcopy(copier, [t], given) == ["instead"]


@memos()
def test_an_entry_for_the_enclosing_list_is_overwritten_at_its_end(copier, given):
    x = []
    x.append(Does(lambda memo: memo.__setitem__(id(x), "instead")))
    copied = deepcopy(copier, [x, x], given)
    assert copied == [[None], [None]]
    assert copied[0] is copied[1]


@memos()
def test_an_entry_for_the_enclosing_list_is_seen_by_what_comes_in_between(copier, given):
    x = []
    x += [Does(lambda memo: memo.__setitem__(id(x), "instead")), x]
    assert deepcopy(copier, x, given) == [None, "instead"]


@memos()
def test_an_entry_for_the_enclosing_instance_is_overwritten_at_its_end(copier, given):
    x = Plain()
    x.hook = Does(lambda memo: memo.__setitem__(id(x), "instead"))
    x.back = x
    copied = deepcopy(copier, [x, x], given)
    assert copied[0].back == "instead"
    assert copied[0] is copied[1]


@memos()
def test_an_entry_a_hook_makes_for_itself_is_overwritten_by_its_result(copier, given):
    class Hook:
        def __deepcopy__(self, memo):
            memo[id(self)] = "entry"
            return ["result"]

    hook = Hook()
    copied = deepcopy(copier, [hook, hook], given)
    assert copied == [["result"], ["result"]]
    assert copied[0] is copied[1]


@memos()
def test_an_entry_a_hook_makes_for_itself_is_seen_by_its_children(copier, given):
    class Hook:
        def __deepcopy__(self, memo):
            made = Hook()
            memo[id(self)] = made
            made.below = copier.deepcopy(self.below, memo)
            return made

    hook = Hook()
    hook.below = [hook, [hook]]
    copied = deepcopy(copier, hook, given)
    assert copied.below[0] is copied
    assert copied.below[1][0] is copied


@memos()
def test_an_entry_for_itself_by_a_hook_that_returns_itself_stays(copier, given):
    class Hook:
        calls = 0

        def __deepcopy__(self, memo):
            Hook.calls += 1
            memo[id(self)] = "entry"
            return self

    hook = Hook()
    assert deepcopy(copier, [hook, hook], given) == [hook, "entry"]
    assert Hook.calls == 1


@memos()
def test_a_hook_that_returns_itself_is_asked_again_at_each_reference(copier, given):
    calls = []
    hook = Does(lambda memo: calls.append(id(hook) in memo))
    hook.result = hook
    deepcopy(copier, [hook, hook, (hook,)], given)
    assert calls == [False] * 3


@memos()
def test_a_hook_that_returns_none_is_asked_once(copier, given):
    calls = []
    hook = Does(lambda memo: calls.append(1))
    assert deepcopy(copier, [hook, hook, (hook,)], given) == [None, None, (None,)]
    assert len(calls) == 1


@memos()
def test_a_foreign_value_in_place_of_the_keepalive_list_fails_with_its_attribute_error(copier, given):
    x = [[], Does(lambda memo: memo.__setitem__(id(memo), (1, 2)))]
    with pytest.raises(AttributeError, match="'tuple' object has no attribute 'append'"):
        deepcopy(copier, x, given)


@memos()
def test_a_replaced_keepalive_list_is_the_one_that_grows(copier, given):
    mine = []
    later = [1]
    x = [[], Does(lambda memo: memo.__setitem__(id(memo), mine)), later]
    hook = x[1]
    deepcopy(copier, x, given)
    assert [obj is expected for obj, expected in zip(mine, [hook, later, x], strict=True)] == [True] * 3


@memos()
def test_a_keepalive_of_any_class_with_append_will_do(copier, given):
    class Keeper:
        def __init__(self):
            self.kept = []

        def append(self, obj):
            self.kept.append(type(obj).__name__)

    keeper = Keeper()
    deepcopy(copier, [[], Does(lambda memo: memo.__setitem__(id(memo), keeper)), {}], given)
    assert keeper.kept == ["Does", "dict", "list"]


@memos()
def test_a_removed_keepalive_list_is_made_again(copier, given):
    kept = []
    last = Does(lambda memo: kept.append([type(obj).__name__ for obj in memo[id(memo)]]))
    deepcopy(copier, [[], {}, Does(lambda memo: memo.pop(id(memo))), set(), last], given)
    assert kept == [["Does", "list", "set"]]


@memos()
def test_what_a_hook_adds_to_the_keepalive_list_lives_until_the_end(copier, given):
    import weakref

    class Weak:
        pass

    seen = []

    def keep(memo):
        obj = Weak()
        memo.setdefault(id(memo), []).append(obj)
        seen.append(weakref.ref(obj))

    last = Does(lambda memo: seen.append(seen[0]() is not None))
    deepcopy(copier, [Does(keep), [], last], given)
    assert seen[1] is True


@memos()
@pytest.mark.parametrize("key", ["text", None, -1, 0, 2**64, 2**200, 1.5, (1, 2)])
def test_a_memo_takes_keys_that_are_no_ids(copier, given, key):
    seen = []
    x = [Does(lambda memo: memo.__setitem__(key, "value")), [], Does(lambda memo: seen.append(memo[key]))]
    assert deepcopy(copier, x, given) == [None, [], None]
    assert seen == ["value"]


@memos()
def test_many_entries_made_by_hooks_are_all_found(copier, given):
    later = [[i] for i in range(500)]
    x = [Does(lambda memo: memo.update({id(obj): i for i, obj in enumerate(later)})), later]
    assert deepcopy(copier, x, given) == [None, list(range(500))]


@memos()
def test_del_update_setdefault_and_popitem_are_honoured(copier, given):
    one, two, three = [1], [2], [3]

    def change(memo):
        del memo[id(one)]
        memo.update({id(two): "two"})
        memo.setdefault(id(three), "three")
        memo[0] = 0
        assert memo.popitem() == (0, 0)

    copied = deepcopy(copier, [one, two, Does(change), one, two, three], given)
    assert copied == [[1], [2], None, [1], "two", "three"]
    assert copied[0] is not copied[3]


# After an error --------------------------------------------------------------------------------------------------------------------------------------

def test_after_an_error_the_memo_has_the_copies_and_the_keepalive_list_made_so_far(copier):
    done, bad = [1], memoryview(b"")
    x = [done, {"k": bad}, [2]]
    memo = {}
    with pytest.raises(TypeError, match="memoryview"):
        copier.deepcopy(x, memo)
    assert list(memo) == [id(x), id(done), id(memo), id(x[1])]
    assert memo[id(x)] == [[1]]
    assert memo[id(x)][0] is memo[id(done)]
    assert memo[id(memo)] == [done]
    assert memo[id(x[1])] == {}


def test_after_an_error_the_same_memo_goes_on_with_what_it_has(copier):
    class Once:
        def __deepcopy__(self, memo):
            if not Once.failed:
                Once.failed = True
                raise ValueError("once")
            return "copied"

    Once.failed = False
    x = [[1], Once(), [2]]
    memo = {}
    with pytest.raises(ValueError, match="once"):
        copier.deepcopy(x, memo)
    partial = copier.deepcopy(x, memo)
    assert partial == [[1]]
    assert copier.deepcopy(x[1], memo) == "copied"


def test_a_hook_sees_what_a_failed_nested_copy_left(copier):
    seen = []
    bad = [[1], memoryview(b"")]

    def fail(memo):
        with pytest.raises(TypeError):
            copier.deepcopy(bad, memo)
        seen.append(memo[id(bad)])

    x = [Does(fail), bad]
    copied = copier.deepcopy(x)
    assert copied[1] is seen[0]
    assert copied[1] == [[1]]


def test_an_error_of_a_hook_is_raised_once_and_as_it_is(copier):
    calls = []

    class Error(TypeError):
        pass

    class Hook:
        def __deepcopy__(self, memo):
            calls.append(memo)
            raise error

    error = Error("mine")
    with pytest.raises(Error) as caught:
        copier.deepcopy([[Hook()]])
    assert caught.value is error
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert len(calls) == 1
    error.__traceback__ = None
