"""What the keepalive list holds, in which order, and how long: originals live as long as the memo, temporaries too."""

import collections
import copy
import gc
import weakref

import pytest
from support.memos import CallMemo, Plain


class Weak(list):
    """A list that can be referred to weakly."""


def kept(memo):
    return memo[id(memo)]


def test_the_keepalive_list_holds_children_before_their_container(copier):
    x = [[1], {"k": [2]}, ([3],)]
    memo = {}
    copier.deepcopy(x, memo)
    expected = [x[0], x[1]["k"], x[1], x[2][0], x[2], x]
    assert [obj is other for obj, other in zip(kept(memo), expected, strict=True)] == [True] * 6


def test_what_is_its_own_copy_is_not_kept(copier):
    x = [1, "text", (1, 2), (), len]
    memo = {}
    copier.deepcopy(x, memo)
    assert len(kept(memo)) == 1


def test_an_object_met_twice_is_kept_once(copier):
    a = [1]
    memo = {}
    copier.deepcopy([a, a, (a,)], memo)
    assert sum(obj is a for obj in kept(memo)) == 1


def test_the_keepalive_list_enters_the_memo_at_its_first_use(copier):
    x = [[1], [2]]
    memo = {}
    copier.deepcopy(x, memo)
    assert list(memo) == [id(x), id(x[0]), id(memo), id(x[1])]


@pytest.mark.parametrize("make", [dict, collections.UserDict, lambda: CallMemo({})], ids=["dict", "UserDict", "CallMemo"])
def test_originals_live_as_long_as_the_memo(copier, make):
    memo = make()
    x = Weak([Weak()])
    alive = [weakref.ref(x), weakref.ref(x[0])]
    copied = copier.deepcopy(x, memo)
    del x, copied
    gc.collect()
    assert None not in [ref() for ref in alive]
    del memo
    gc.collect()
    assert [ref() for ref in alive] == [None, None]


def test_without_a_memo_nothing_is_kept_after_the_call(copier):
    x = Weak([Weak()])
    alive = [weakref.ref(x), weakref.ref(x[0])]
    copied = copier.deepcopy(x)
    alive += [weakref.ref(copied), weakref.ref(copied[0])]
    del x
    assert [ref() for ref in alive[:2]] == [None, None]
    del copied
    assert [ref() for ref in alive] == [None] * 4


def test_after_an_error_without_a_memo_nothing_is_kept(copier):
    x = Weak([Weak(), memoryview(b"")])
    alive = [weakref.ref(x), weakref.ref(x[0])]
    with pytest.raises(TypeError):
        copier.deepcopy(x)
    del x
    gc.collect()
    assert [ref() for ref in alive] == [None, None]


class FreshState:
    """Each state is made for the copy alone."""

    made = []

    def __getstate__(self):
        state = Weak([Weak()])
        FreshState.made += [weakref.ref(state), weakref.ref(state[0])]
        return {"state": state}


def test_temporaries_of_the_reduce_protocol_live_as_long_as_a_given_memo(copier):
    FreshState.made = []
    memo = {}
    copier.deepcopy([FreshState(), FreshState()], memo)
    assert None not in [ref() for ref in FreshState.made]
    memo.clear()
    assert [ref() for ref in FreshState.made] == [None] * 4


def test_temporaries_of_the_reduce_protocol_live_until_the_end_of_a_copy_without_memo(copier):
    class Last:
        def __deepcopy__(self, memo):
            alive.extend(ref() is not None for ref in FreshState.made)
            return self

    FreshState.made = []
    alive = []
    copier.deepcopy([FreshState(), FreshState(), Last()])
    assert alive == [True] * 4
    assert [ref() for ref in FreshState.made] == [None] * 4


def test_a_fresh_state_is_the_same_for_all_references_to_its_owner(copier):
    FreshState.made = []
    x = FreshState()
    copied = copier.deepcopy([x, x])
    assert copied[0] is copied[1]
    assert len(FreshState.made) == 2


def test_ids_of_temporaries_are_not_reused_within_one_copy(copier):
    class Fresh:
        def __init__(self, number):
            self.number = number

        def __reduce__(self):
            return Plain, (), {"state": [[self.number], [self.number + 0.5]]}

    copied = copier.deepcopy([Fresh(i) for i in range(5000)])
    assert [obj.state for obj in copied] == [[[i], [i + 0.5]] for i in range(5000)]
    assert len({id(obj.state[0]) for obj in copied}) == 5000


def test_a_dropped_original_lives_until_the_end_of_the_copy(copier):
    """Its id may not come back: the next object at that address would be taken for it."""

    class Hook:
        def __deepcopy__(self, memo):
            alive.append(ref() is not None)
            x[0] = None
            gc.collect()
            alive.append(ref() is not None)
            return None

    alive = []
    x = [Weak(), Hook(), Hook()]
    ref = weakref.ref(x[0])
    copied = copier.deepcopy(x)
    assert alive == [True] * 4
    assert ref() is None
    assert type(copied[0]) is Weak


def test_an_original_that_was_not_visited_yet_dies_when_a_hook_drops_it(copier):
    class Hook:
        def __deepcopy__(self, memo):
            x[1] = None
            alive.append(ref() is not None)
            return None

    alive = []
    x = [Hook(), Weak()]
    ref = weakref.ref(x[1])
    assert copier.deepcopy(x) == [None, None]
    assert alive == [False]


def test_a_copy_that_user_code_throws_away_lives_until_the_end(copier):
    """The memo has it as well."""

    class Hook:
        def __deepcopy__(self, memo):
            partial = memo[id(x)]
            ref = weakref.ref(partial[0])
            partial.clear()
            alive.append(ref() is not None)
            refs.append(ref)
            return None

    alive, refs = [], []
    x = [Weak(), Hook()]
    assert copier.deepcopy(x) == [None]
    assert alive == [True]
    assert refs[0]() is None


def test_items_made_by_an_iterator_are_kept_and_copied_apart(copier):
    class Iterated(list):
        def __iter__(self):
            for i in range(2000):
                yield [i]

    copied = copier.deepcopy(Iterated())
    assert list.__len__(copied) == 2000
    assert [list.__getitem__(copied, i) for i in range(2000)] == [[i] for i in range(2000)]


def test_a_memo_kept_by_a_hook_holds_originals_and_copies(copier):
    class Hook:
        def __deepcopy__(self, memo):
            memos.append(memo)
            return None

    memos = []
    x = [Weak([1]), Hook(), Weak([2])]
    refs = [weakref.ref(x[0]), weakref.ref(x[2])]
    copied = copier.deepcopy(x)
    refs += [weakref.ref(copied[0]), weakref.ref(copied[2])]
    del x, copied
    gc.collect()
    assert None not in [ref() for ref in refs]
    memos.clear()
    gc.collect()
    assert [ref() for ref in refs] == [None] * 4


def test_a_memo_kept_in_a_cycle_is_collected(copier):
    class Hook:
        def __deepcopy__(self, memo):
            made = Hook()
            made.memo = memo
            memo["copy"] = made
            return made

    x = [Weak(), Hook()]
    ref = weakref.ref(x[0])
    copied = copier.deepcopy(x)
    del x, copied
    gc.collect()
    assert ref() is None


def test_a_loop_of_cyclic_copies_is_collected(copier):
    """Up to 3.11 the collector is off while calque allocates, and such a loop allocates nothing else."""
    cyclic = []
    cyclic.append([cyclic, [], {}])

    before = gc.get_stats()[0]["collections"]
    for _ in range(3000):
        copier.deepcopy(cyclic)
    assert gc.get_stats()[0]["collections"] > before


@pytest.mark.no_leak_check("the number of collections is what is counted")
@pytest.mark.parametrize("containers", [1, 12, 100])
def test_the_collector_starts_as_often_as_under_stdlib(copier, containers):
    """No more often, as memos and lists of what is kept alive are containers too; and no less than a third as often."""
    graph = [[] for _ in range(containers)]
    for node in graph:
        node += [graph, graph[0], {}]

    def collections_in(deepcopy):
        gc.collect()
        before = sum(generation["collections"] for generation in gc.get_stats())
        for _ in range(60_000 // containers // 3):
            deepcopy(graph)
        return sum(generation["collections"] for generation in gc.get_stats()) - before

    ours, theirs = collections_in(copier.deepcopy), collections_in(copy.deepcopy)
    assert 0 < theirs // 3 <= ours <= theirs + 1
