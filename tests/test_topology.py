"""The comparison that the other tests lean on: it must tell graphs apart."""

import pytest

from support.topology import assert_same_topology, shared, topology


class Plain:
    pass


class Slotted:
    __slots__ = ("a", "b", "c")


def made(cls, **values):
    x = cls()
    for name, value in values.items():
        setattr(x, name, value)
    return x


def test_sharing_inside_a_graph_is_part_of_its_shape():
    one = []
    assert topology([one, one]) != topology([[], []])


def test_a_cycle_is_told_from_an_unrolled_one():
    x = []
    x.append(x)
    y = [[]]
    y[0].append(y)
    assert topology(x) != topology(y)


@pytest.mark.parametrize("left, right", [
    ([1], [1.0]), ([1], [True]), ([0.0], [-0.0]), ([1], (1,)), ({1: [2]}, {1: [3]}), ({1}, {2}),
    ({1: 0, 2: 0}, {2: 0, 1: 0}), (made(Plain, a=[1]), made(Plain, a=[2])), (made(Slotted, a=1), made(Slotted, b=1)),
    (made(Slotted, a=1), made(Slotted, a=1, b=1)), (slice(1, 2), slice(1, 3)), (bytearray(b"a"), bytearray(b"b")),
    (ValueError(1), ValueError(2))])
def test_graphs_that_differ_are_told_apart(left, right):
    assert topology(left) != topology(right)


@pytest.mark.parametrize("make", [
    lambda: [1, [2], {3: (4,)}], lambda: {"b", "a", frozenset({1, 2})}, lambda: made(Plain, a=made(Slotted, a=[]))])
def test_the_same_graph_built_twice_is_the_same(make):
    assert_same_topology(make(), make())


def test_what_a_copy_shares_is_found_and_leaves_do_not_count():
    inner = ["text"]
    assert shared([inner, "text", 3], [inner, "text", 3]) == ["x[0]"]
    assert shared([["text"]], [["text"]]) == []


def test_a_set_that_is_reachable_from_its_own_member_can_be_described():
    member = Plain()
    member.home = {member, "other"}
    topology(member)


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("kind", ["slots", "attributes", "dict", "tuple", "list"])
def test_a_tuple_on_a_cycle_below_what_is_half_copied(copier, kind, before):
    """The tuple is copied twice and the second copy thrown away: whoever waits for it must not lose what it has."""
    copier.deepcopy([made(Plain, a=1), made(Slotted, a=1)])  # the first instance of a class is copied step by step
    entry = {}
    knot = ([0], entry)
    entry["knot"] = knot
    values = [10, [11]][:before] + [knot] + [12]
    if kind in ("slots", "attributes"):
        holder = made(Slotted if kind == "slots" else Plain, **dict(zip("abc", values)))

        def seen(obj):
            return [getattr(obj, name, "nothing") for name in "abc"]
    else:
        holder = {"dict": lambda: dict(enumerate(values)), "tuple": lambda: tuple(values), "list": lambda: values}[kind]()

        def seen(obj):
            return list(obj.values()) if kind == "dict" else list(obj)
    copied = seen(copier.deepcopy((1, [holder], knot))[1][0])
    original = seen(holder)
    assert len(copied) == len(original)
    for before_copying, copy_of_it in zip(original, copied):
        if before_copying is knot:
            assert copy_of_it[1]["knot"] is copy_of_it
        else:
            assert copy_of_it == before_copying
