"""set and frozenset as they lie in memory: copies are filled table from table, and have to be sets like any other."""

import copy
import gc
import random
import sys

import pytest

from calque._calque import _strategies

KINDS = (set, frozenset)
LEAST_SLOTS = 8
ENTRY = (sys.getsizeof(set(range(5))) - sys.getsizeof(set())) // 32  # from five members on the table lies apart


class SetSub(set):
    pass


class FrozenSub(frozenset):
    pass


copy.deepcopy([SetSub(), FrozenSub()])  # leaves __slotnames__ on the classes, without which calque goes by the protocol


def without(n, taken):
    """What is left of n members after most of them went: marks of deleted members, a table too large."""
    x = set(range(n))
    for i in range(taken):
        x.discard(i)
    return x


def refilled(n):
    """Marks of deleted members among the members, in a table that has not been made anew."""
    x = set(range(n))
    for i in range(0, n, 3):
        x.discard(i)
    x.add("late")
    return x


def cleared():
    x = set(range(1000))
    x.clear()
    return x


# Every way the members can come to lie: one by one, at once, beside each other, all on one place, at the end of the table.
SETS = {
    **{f"{n} ints": set(range(n)) for n in (*range(20), 32, 33, 37, 38, 64, 76, 77, 100, 128, 153, 154, 307, 1000, 60000)},
    **{f"{n} strings": {f"s{i}" for i in range(n)} for n in (*range(20), 32, 33, 64, 76, 77, 100, 153, 307, 1000)},
    **{f"a copy of {n} strings": {f"s{i}" for i in range(n)}.copy() for n in (5, 16, 18, 70, 100, 1000)},
    **{f"{n} on one place": {i << 20 for i in range(n)} for n in (3, 5, 12, 40, 300)},
    **{f"{n} at the end": {i * 64 - 1 for i in range(1, n)} | {-5, -9} for n in (3, 5, 12, 40, 300)},
    **{f"{n} without {taken}": without(n, taken) for n, taken in ((4, 1), (4, 4), (10, 9), (40, 30), (1000, 1), (1000, 997), (1000, 1000))},
    **{f"{n} refilled": refilled(n) for n in (3, 4, 10, 30, 300)},
    "of several types": {1, 2.5, "a", b"a", None, ..., 3j, len, int, 10**30, frozenset},
    "cleared": cleared(),
}
every_set = pytest.mark.parametrize("members", SETS.values(), ids=SETS)


@pytest.mark.parametrize("name", SETS)
def test_a_shallow_copy_is_what_the_set_itself_would_make(copier, name):
    x = SETS[name]
    y = copier.copy(x)
    assert type(y) is set and y == x and y is not x
    assert list(y) == list(x.copy())
    assert sys.getsizeof(y) == sys.getsizeof(x.copy())


def works_as_a_set(y, members):
    """Asks for members and others, takes some out, puts many in: the table has to be right in every place."""
    others = [*range(100000, 100100), *(f"other {i}" for i in range(100)), *(i * 64 - 1 for i in range(100000, 100100))]
    assert all(member in y for member in members) and not any(other in y for other in others)
    assert len(y) == len(members) == len(list(y)) and set(list(y)) == members
    if isinstance(y, set):
        gone = list(members)[::2]
        for member in gone:
            y.remove(member)
        y.update(others)
        assert y == (members - set(gone)) | set(others)


@every_set
@pytest.mark.parametrize("kind", [set, frozenset, SetSub, FrozenSub])
def test_a_copy_is_a_set_like_any_other(copier, kind, members):
    for x in (kind(members), [kind(members)]):
        y = copier.deepcopy(x)
        x, y = (x[0], y[0]) if isinstance(x, list) else (x, y)
        assert type(y) is kind and y is not x and y == x
        if isinstance(y, frozenset):
            assert hash(y) == hash(x)
        works_as_a_set(y, members)
    works_as_a_set(copier.copy(kind(members)), members)


@every_set
@pytest.mark.parametrize("kind", [set, frozenset, SetSub, FrozenSub])
def test_a_deep_copy_takes_no_more_room_than_one_made_one_by_one(copier, kind, members):
    """And no less than a set needs: a new member must find a free slot soon, and the table has to grow in time."""
    if copier.name == "calque" and _strategies["set_tables"] != "internals":
        pytest.skip("a build on public functions only leaves room to the interpreter")
    x = kind(members)
    room = sys.getsizeof(copier.deepcopy(x))
    assert room <= sys.getsizeof(copy.deepcopy(x))
    slots = (room - sys.getsizeof(kind())) // ENTRY or LEAST_SLOTS
    assert len(x) * 5 < (slots - 1) * 3


@pytest.mark.parametrize("kind", [set, frozenset, SetSub, FrozenSub])
def test_members_that_are_copied_among_many_that_are_not(copier, kind):
    """Found in the first slots of the table or in the last: those that went before must not be in the copy twice, nor held."""
    for seed in range(20):
        plain = [f"{seed} {i}" for i in range(seed * seed)]
        x = kind([*plain, (1, "tuple"), (seed, kind, 2)])
        y = copier.deepcopy(x)
        assert type(y) is kind and y == x
        counts = [sys.getrefcount(member) for member in plain]
        del y
        assert all(now <= before for now, before in zip([sys.getrefcount(member) for member in plain], counts))


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_held_once_by_a_copy(copier, kind):
    for n in (1, 4, 5, 30, 200):
        members = [str(i) * 3 for i in range(n)]
        x = kind(members)
        before = [sys.getrefcount(member) for member in members]
        y = copier.deepcopy(x)
        assert [sys.getrefcount(member) for member in members] == [count + 1 for count in before]
        z = copier.copy(x)
        assert [sys.getrefcount(member) for member in members] == [count + 1 + (z is not x) for count in before]
        del y, z
        assert [sys.getrefcount(member) for member in members] == before


@pytest.mark.parametrize("kind", KINDS)
def test_the_collector_sees_a_copy_as_any_set(copier, kind):
    for n in (0, 3, 100):
        x = kind(range(n))
        assert gc.is_tracked(copier.deepcopy(x)) == gc.is_tracked(kind(list(x)))
        assert sorted(gc.get_referents(copier.deepcopy(x))) == sorted(gc.get_referents(kind(list(x))))


def run_a_finalizer_at_the_next_allocation(change):
    """Up to 3.11 a new container may start the collector, and that runs this."""
    class Garbage:
        def __del__(self):
            change()

    garbage = Garbage()
    garbage.itself = garbage


@pytest.mark.parametrize("copied", [False, True], ids=["copy", "deepcopy"])
@pytest.mark.parametrize("size", [1, 4, 40])
def test_the_collector_changes_the_set_while_a_copy_of_it_is_made(copier, copied, size):
    """Whatever was looked at before the copy existed is no longer so: members have gone, and one is there that has to be copied."""
    class Late:
        pass

    for after in (0, 3, size, 200):
        late = Late()

        def change():
            x.clear()
            x.update(str(i) * 5 for i in range(1000, 1000 + after))
            x.add(late)

        gc.collect()
        threshold, enabled = gc.get_threshold(), gc.isenabled()
        gc.disable()
        try:
            x = {str(i) * 5 for i in range(size)}
            before = {str(i) * 5 for i in range(size)}
            run_a_finalizer_at_the_next_allocation(change)
            gc.set_threshold(1)
            gc.enable()
            y = (copier.deepcopy if copied else copier.copy)(x)
            gc.collect()  # from 3.12 on only here
        finally:
            gc.set_threshold(*threshold)
            if not enabled:
                gc.disable()
        if y == before:
            continue
        assert len(y) == after + 1
        assert [type(member) for member in y if not isinstance(member, str)] == [Late]
        assert (late in y) == (not copied)


def test_many_random_sets(copier):
    chance = random.Random(1)
    for _ in range(300):
        x = set()
        for _ in range(chance.randrange(5)):
            for _ in range(chance.randrange(120)):
                x.add(chance.choice((chance.randrange(1 << 62), chance.randrange(200), str(chance.random()))))
            for member in list(x)[:chance.randrange(150)]:
                x.discard(member)
        for kind in KINDS:
            y = copier.deepcopy(kind(x))
            assert y == x and all(member in y for member in x)
        assert list(copier.copy(x)) == list(x.copy())
