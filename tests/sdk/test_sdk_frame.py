"""FRAME handlers in C++."""

import copy
import sys

import pytest

from support.plugins import Boom, boom, hook, PLACES, run_child
from support.probes import Hook, raised


# ---- FRAME handlers in C++ -----------------------------------------------------------------------------------------------

@pytest.fixture(params=[0, 2], ids=["running Python", "pure"])
def node_flags(request):
    return request.param


def test_a_frame_handler_copies_children_in_order(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    log = []
    n = nodes.Node("n", [[1], Hook("a", log), 5, nodes.Node("inner", [Hook("b", log)]), Hook("c", log), "s"])
    made = calque.deepcopy(n)
    assert log == ["a", "b", "c"]
    assert type(made) is nodes.Node and made is not n
    assert [type(x) for x in made.children] == [type(x) for x in n.children]
    assert made.children[0] == [1] and made.children[0] is not n.children[0]
    assert made.children[3].label == "inner"
    assert made.children[2] is n.children[2] and made.children[5] is n.children[5]
    assert nodes.seen()["live_states"] == 0


def test_sharing_and_cycles_keep_their_topology(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    shared = nodes.Node("shared", [[1]])
    n = nodes.Node("n", [shared, [shared], {"k": shared}])
    n.append(n)
    shared.append((n,))
    made = calque.deepcopy(n)
    assert made.children[0] is made.children[1][0] is made.children[2]["k"]
    assert made.children[0] is not shared
    assert made.children[3] is made
    assert made.children[0].children[1][0] is made
    for x in (n, made, shared, made.children[0]):
        x.drop_children()


def test_a_child_sees_the_unfinished_copy_that_its_parent_published(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    seen = []
    n = nodes.Node("n", [[1]])
    n.append(hook(lambda memo: seen.append((memo[id(n)], memo[id(n)].children))))
    made = calque.deepcopy(n)
    (unfinished, children), = seen
    assert unfinished is made
    assert children == ([1],)


def test_publish_at_once_is_seen_by_a_copy_nested_in_begin(calque, nodes):
    nodes.register("Node")
    nodes.choose(publish_at_once=True, ask_from_begin=True)
    n = nodes.Node("n", [[1]])
    n.append(n)
    made = calque.deepcopy([n, n])
    assert made[0] is made[1] is made[0].children[1]
    assert made[0].children[0] == [1]
    n.drop_children(), made[0].drop_children()


def test_children_added_and_removed_by_a_hook_are_followed(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    n = nodes.Node("n")
    n.append(hook(lambda memo: n.append([2])))
    n.append([1])
    assert calque.deepcopy(n).children == (None, [1], [2])
    n = nodes.Node("n")
    for action in ([3], hook(lambda memo: n.drop_children()), [4]):
        n.append(action)
    assert calque.deepcopy(n).children == ([3], None)
    assert nodes.seen()["live_states"] == 0


def test_a_copy_made_after_its_children_keeps_cycles_as_a_tuple_does(calque, nodes):
    nodes.register("Frozen")
    knot = []
    f = nodes.Frozen("f", [knot, [1]])
    knot.append(f)
    made = calque.deepcopy(f)
    assert type(made) is nodes.Frozen and made is not f
    assert made.children[0][0] is made
    assert made.children[1] == [1]
    other = calque.deepcopy(knot)
    assert other[0].children[0] is other
    for x in (knot, made.children[0], other):
        x.clear()
    assert nodes.seen()["live_states"] == 0


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["Node", "Frozen"])
def test_a_million_levels_cost_no_c_stack(compiled, kind, place):
    assert run_child(compiled, "nodes", place, f"""
        kind = plugin.{kind}
        plugin.register("{kind}")
        x = None
        for i in range(1_000_000):
            x = kind(i, [x])
        made = top = calque.deepcopy(x)
        depth = 0
        while made is not None:
            assert type(made) is kind and made is not x and made.label == x.label
            depth += 1
            (made,), (x,) = made.children, x.children
        print(depth, plugin.seen()["live_states"])
    """) == ["1000000 0"]


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
@pytest.mark.parametrize("place", PLACES)
def test_a_million_levels_are_unwound_after_an_error(compiled, place):
    assert run_child(compiled, "nodes", place, """
        class Boom:
            def __deepcopy__(self, memo):
                raise ValueError("at the bottom")
        plugin.register("Node")
        x = Boom()
        for i in range(1_000_000):
            x = plugin.Node(i, [x])
        try:
            calque.deepcopy(x)
        except ValueError as error:
            print(error, plugin.seen()["live_states"], plugin.seen()["unwound"])
    """) == ["at the bottom 0 1000000"]


# ---- FRAME handlers: declining, errors ------------------------------------------------------------------------------------

def test_a_handler_that_declines_leaves_the_object_to_the_next_candidate(calque, nodes):
    class Own(nodes.Node):
        def __deepcopy__(self, memo):
            return "of its own"

    nodes.register("Node", 0, Own)
    x = Own("n", [[1]])
    assert type(calque.deepcopy(x)) is Own
    nodes.choose(decline=True)
    assert calque.deepcopy([x, (x,)]) == ["of its own", ("of its own",)]
    assert nodes.seen()["begun"] == 1  # the second time its copy was known
    assert nodes.seen()["live_states"] == 0
    assert nodes.seen()["unwound"] == 0


def test_a_handler_that_declines_what_nobody_else_takes_leaves_stdlibs_error(calque, nodes):
    nodes.register("Node")
    nodes.choose(decline=True)
    assert raised(calque.deepcopy, [nodes.Node()]) == raised(copy.deepcopy, [nodes.Node()])
    assert nodes.seen()["live_states"] == 0


def test_an_error_drops_every_frame_once_with_the_exception_set(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    nodes.register("Frozen")
    x = nodes.Node("bottom", [[1], hook(boom), Hook("never", log := [])])
    for i in range(50):
        x = nodes.Frozen("f", [[i], nodes.Node(i, [[2], x])])
    assert raised(calque.deepcopy, x) == (Boom, "in a hook")
    assert log == []
    seen = nodes.seen()
    assert (seen["live_states"], seen["unwound"], seen["unwound_without_exception"]) == (0, 51, 0)


def test_an_error_leaves_the_originals_and_a_later_copy_intact(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    fails = [True]
    n = nodes.Node("n", [[1], hook(lambda memo: boom() if fails[0] else "copied"), [2]])
    count = sys.getrefcount(n)
    assert raised(calque.deepcopy, n) == (Boom, "in a hook")
    assert sys.getrefcount(n) == count
    fails[0] = False
    assert calque.deepcopy(n).children == ([1], "copied", [2])


def test_unwind_may_replace_the_exception(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    nodes.choose(replace_errors=True)
    x = nodes.Node("outer", [[nodes.Node("inner", [hook(boom)])]])
    assert raised(calque.deepcopy, x) == (ValueError, "while copying node 'outer'")
    assert nodes.seen()["unwound"] == 2
    assert nodes.seen()["live_states"] == 0


def test_an_error_at_every_child_leaves_no_state_behind(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    nodes.register("Frozen")
    calls = []

    def step(memo):
        calls.append(None)
        if len(calls) == fail_at:
            boom()
        return "leaf"

    x = nodes.Node("n", [hook(step), nodes.Frozen("f", [hook(step), [hook(step)]]), (hook(step),), {"k": hook(step)}])
    fail_at = 0
    while True:
        fail_at += 1
        calls.clear()
        try:
            made = calque.deepcopy(x)
        except Boom:
            assert nodes.seen()["live_states"] == 0
        else:
            break
    assert fail_at == 6
    assert made.children[0] == "leaf" and made.children[1].children == ("leaf", ["leaf"])
