"""What deepcopy asks of a memo that the caller gives: which methods, for which objects, in which order.

The expectation is stdlib's own run over an equal graph; a few sequences are written out, so that a change of stdlib itself is seen.
"""

import collections
import copy
import sys
import types

import pytest
from support.copiers import since
from support.memos import GRAPHS, CallDict, CallMemo, Plain, described
from support.topology import assert_same_topology

ATOMICS_ARE_LOOKED_UP = not since(3, 14)


def outcome(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return type(error), str(error)


def run(deepcopy, build, make_memo):
    root, names = build(deepcopy)
    memo = make_memo(names)
    return root, deepcopy(root, memo), memo, names


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("kind", [CallMemo, CallDict])
def test_the_sequence_of_memo_calls_is_that_of_stdlib(copier, graph, kind):
    expected_root, expected, expected_memo, _ = run(copy.deepcopy, GRAPHS[graph], kind)
    root, copied, memo, _ = run(copier.deepcopy, GRAPHS[graph], kind)
    assert memo.calls == expected_memo.calls
    assert_same_topology((root, copied), (expected_root, expected))


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_dict_memo_holds_the_same_entries_in_the_same_order(copier, graph):
    _, _, expected, expected_names = run(copy.deepcopy, GRAPHS[graph], lambda names: {})
    _, copied, memo, names = run(copier.deepcopy, GRAPHS[graph], lambda names: {})
    assert described(memo, memo, names) == described(expected, expected, expected_names)


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("kind", [dict, collections.UserDict, collections.OrderedDict, lambda: collections.defaultdict(list)],
                         ids=["dict", "UserDict", "OrderedDict", "defaultdict"])
def test_every_kind_of_mapping_gives_the_same_copy(copier, graph, kind):
    # A defaultdict turns some tuples into lists, and then a dict may have no hash for its key: an error is a result as well.
    expected_root, _ = GRAPHS[graph](copy.deepcopy)
    expected = outcome(copy.deepcopy, expected_root, kind())
    root, _ = GRAPHS[graph](copier.deepcopy)
    copied = outcome(copier.deepcopy, root, kind())
    assert_same_topology((root, copied), (expected_root, expected))


def test_list_asks_for_itself_each_item_and_the_keepalive_list(copier):
    root, names = GRAPHS["list"](None)
    memo = CallMemo(names)
    copier.deepcopy(root, memo)
    i = ["get:i"] if ATOMICS_ARE_LOOKED_UP else []
    assert memo.calls == ["get:x", "=:x:list", *i, "get:b", "=:b:list", "=:b:list", "[]:MEMO", "=:MEMO:list", "=:x:list", "[]:MEMO"]


def test_instance_asks_for_its_class_then_for_its_dict_with_values_before_keys(copier):
    x = Plain()
    x.key = []
    memo = CallMemo({id(x): "x", id(Plain): "cls", id(x.__dict__): "dict", id(x.key): "b", id("key"): "key"})
    copier.deepcopy(x, memo)
    cls, key = (["get:cls"], ["get:key"]) if ATOMICS_ARE_LOOKED_UP else ([], [])
    assert memo.calls == ["get:x", *cls, "=:x:Plain", "get:dict", "=:dict:dict", "get:b", "=:b:list", "=:b:list", "[]:MEMO", "=:MEMO:list", *key,
                          "=:dict:dict", "[]:MEMO", "=:x:Plain", "[]:MEMO"]


def test_unchanged_tuple_is_looked_up_twice_and_never_stored(copier):
    x = (1, 2)
    memo = CallMemo({id(x): "x", id(1): "1", id(2): "2"})
    assert copier.deepcopy(x, memo) is x
    assert memo.calls == ["get:x", *(["get:1", "get:2"] if ATOMICS_ARE_LOOKED_UP else []), "[]:x"]
    assert memo.entries == {}


def test_a_memo_that_finds_the_object_is_asked_for_nothing_else(copier):
    x = [[1]]
    memo = CallMemo({id(x): "x"})
    memo.entries[id(x)] = "found"
    assert copier.deepcopy(x, memo) == "found"
    assert memo.calls == ["get:x"]


class Falsy(dict):
    def __bool__(self):
        return False


@pytest.mark.parametrize("make", [dict, Falsy, collections.UserDict, lambda: CallMemo({})])
def test_an_empty_or_falsy_memo_is_used_and_filled(copier, make):
    x = [[1]]
    memo = make()
    copied = copier.deepcopy(x, memo)
    assert memo[id(x)] is copied
    assert memo[id(x[0])] is copied[0]
    assert memo[id(memo)][-1] is x


def test_memo_can_be_given_by_keyword(copier):
    x, memo = [], {}
    assert copier.deepcopy(x=x, memo=memo) is memo[id(x)]


def test_memo_none_by_position_and_by_keyword_is_no_memo(copier):
    x = [[]]
    assert copier.deepcopy(x, None) == x
    assert copier.deepcopy(x, memo=None) == x


def test_one_memo_carries_copies_from_call_to_call(copier):
    shared = [1]
    memo = {}
    one, two = copier.deepcopy([shared], memo), copier.deepcopy((shared,), memo)
    assert one[0] is two[0]
    assert [len(kept) for kept in memo[id(memo)]] == [1, 1, 1]


def test_get_of_a_memo_is_looked_up_on_the_instance(copier):
    class Memo:
        def __setitem__(self, key, value):
            pass

        def __getitem__(self, key):
            raise KeyError(key)

    memo = Memo()
    memo.get = lambda key, default: asked.append(key) or default
    asked = []
    x = [[]]
    assert copier.deepcopy(x, memo) == x
    assert asked == [id(x), id(x[0])]


def test_get_of_a_memo_is_looked_up_again_for_every_object(copier):
    class Memo(dict):
        lookups = 0

        @property
        def get(self):
            Memo.lookups += 1
            return super().get

    copier.deepcopy([[], []], Memo())
    assert Memo.lookups == 3


def test_setitem_of_a_memo_is_a_special_method_of_its_class(copier):
    memo = collections.UserDict()
    memo.__setitem__ = None
    x = []
    assert copier.deepcopy(x, memo) is memo[id(x)]


BAD_MEMOS = {
    "object": object, "list": list, "str": lambda: "memo", "int": lambda: 5, "tuple": tuple, "set": set, "function": lambda: len,
    "mappingproxy": lambda: types.MappingProxyType({}), "class": lambda: dict, "frozen": lambda: types.SimpleNamespace(get=lambda key, default: default),
    "get_without_default": lambda: types.SimpleNamespace(get=lambda key: key), "get_is_none": lambda: types.SimpleNamespace(get=None),
}
SUBJECTS = {"int": lambda: 5, "text": lambda: "text", "class": lambda: Plain, "empty": list, "list": lambda: [[1]], "dict": lambda: {"a": []}, "tuple": tuple,
            "flat_tuple": lambda: (1, 2), "set": lambda: {1}, "instance": Plain}


@pytest.mark.parametrize("memo", BAD_MEMOS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_is_no_memo_fails_as_in_stdlib(copier, memo, subject):
    x = SUBJECTS[subject]()
    assert outcome(copier.deepcopy, x, BAD_MEMOS[memo]()) == outcome(copy.deepcopy, x, BAD_MEMOS[memo]())


@pytest.mark.skipif(since(3, 14), reason="3.14 returns an atomic before it looks at the memo")
def test_a_memo_without_get_fails_for_an_atomic_too(copier):
    with pytest.raises(AttributeError, match="'object' object has no attribute 'get'"):
        copier.deepcopy(5, object())


@pytest.mark.skipif(not since(3, 14), reason="before 3.14 the memo comes first")
def test_a_memo_without_get_is_not_noticed_by_an_atomic(copier):
    assert copier.deepcopy(5, object()) == 5


class Broken(dict):
    """Raises at the n-th call of any of its methods."""

    def __init__(self, good):
        super().__init__()
        self.good = good

    def count(self):
        self.good -= 1
        if self.good < 0:
            raise LookupError("broken memo")

    def get(self, key, default):
        self.count()
        return super().get(key, default)

    def __getitem__(self, key):
        self.count()
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        self.count()
        super().__setitem__(key, value)


@pytest.mark.parametrize("graph", ["list", "dict", "tuples", "set", "instance", "slots", "reduce_with_all_elements", "bound_method", "counter", "hook"])
def test_an_error_of_the_memo_passes_through_at_every_call(copier, graph):
    calls = 0
    while True:
        memo, expected = Broken(calls), Broken(calls)
        expected_root, expected_names = GRAPHS[graph](copy.deepcopy)
        expected_result = outcome(copy.deepcopy, expected_root, expected)
        root, names = GRAPHS[graph](copier.deepcopy)
        result = outcome(copier.deepcopy, root, memo)
        assert described(memo, memo, names) == described(expected, expected, expected_names)
        if expected_result != (LookupError, "broken memo"):
            break
        assert result == expected_result
        calls += 1
    assert calls > 4


def test_key_error_of_get_is_no_miss(copier):
    class Memo(dict):
        def get(self, key, default):
            raise KeyError("from get")

    with pytest.raises(KeyError, match="from get"):
        copier.deepcopy([], Memo())


def test_a_key_error_of_the_second_look_at_a_tuple_is_a_miss_and_other_errors_are_not(copier):
    class Memo(dict):
        error = KeyError

        def __getitem__(self, key):
            if key == id(x):
                raise self.error("no tuple")
            return super().__getitem__(key)

    x = ([],)
    assert copier.deepcopy(x, Memo()) == x
    Memo.error = IndexError
    with pytest.raises(IndexError, match="no tuple"):
        copier.deepcopy(x, Memo())


def test_a_default_of_the_memo_is_taken_for_a_tuple(copier):
    memo = collections.defaultdict(lambda: "default")
    with pytest.raises(AttributeError, match="'str' object has no attribute 'append'"):
        copier.deepcopy((1, 2), memo)
    assert copier.deepcopy((), collections.defaultdict(list)) == []


def test_a_defaultdict_makes_its_own_keepalive_list(copier):
    memo = collections.defaultdict(list)
    x = [[]]
    copied = copier.deepcopy(x, memo)
    assert memo[id(memo)] == [x[0], x]
    assert memo[id(x)] is copied


def test_missing_of_a_dict_subclass_is_asked_for_tuples_and_the_keepalive_list(copier):
    class Memo(dict):
        def __missing__(self, key):
            asked.append("memo" if key == id(self) else "tuple" if key == id(x) else "other")
            raise KeyError(key)

    asked = []
    x = ([], 1)
    assert copier.deepcopy(x, Memo()) == x
    assert asked == ["memo", "tuple"]


def test_what_get_returns_is_the_copy_even_when_it_is_none(copier):
    x = []
    memo = {id(x): None}
    assert copier.deepcopy(x, memo) is None
    assert copier.deepcopy([x, x], memo) == [None, None]


def test_the_third_parameter_is_the_value_that_counts_as_a_miss(copier):
    marker = object()
    x = [[1]]
    memo = {id(x): marker}
    assert copier.deepcopy(x, memo) is marker
    assert copier.deepcopy(x, memo, marker) == x
    memo = {id(x[0]): marker}
    assert copier.deepcopy(x, memo, marker)[0] is marker


def test_the_third_parameter_can_be_given_by_keyword(copier):
    x = [1]
    assert copier.deepcopy(x, {id(x): None}, _nil=None) == [1]
    assert copier.deepcopy(x, _nil=None) == [1]


def test_the_third_parameter_is_what_get_receives(copier):
    class Memo(dict):
        def get(self, key, default):
            received.append(default)
            return super().get(key, default)

    received = []
    marker = object()
    copier.deepcopy([[]], Memo(), marker)
    assert received[0] is marker
    assert received[1] is not marker


def test_get_may_return_its_default_from_anywhere(copier):
    class Memo(dict):
        def get(self, key, default):
            return [default, default][0]

    x = [[], []]
    x.append(x[0])
    copied = copier.deepcopy(x, Memo())
    assert copied == x
    assert copied[0] is not copied[2]


def test_a_memo_that_forgets_everything_gives_copies_without_sharing(copier):
    class Memo(dict):
        def __setitem__(self, key, value):
            pass

    x = [[1]] * 2
    copied = copier.deepcopy(x, Memo())
    assert copied == x
    assert copied[0] is not copied[1]


def test_too_many_arguments_are_refused_as_in_stdlib(copier):
    assert outcome(copier.deepcopy, [], {}, None, 4)[0] is TypeError
    assert outcome(copier.deepcopy)[0] is TypeError


def test_the_memo_of_the_caller_has_its_reference_count_back(copier):
    memo = {}
    before = sys.getrefcount(memo)
    copier.deepcopy([[1], (2, [3])], memo)
    assert sys.getrefcount(memo) == before
    with pytest.raises(TypeError):
        copier.deepcopy([[1], memoryview(b"")], memo)
    assert sys.getrefcount(memo) == before
