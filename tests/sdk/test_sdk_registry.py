"""Which handler serves whom, what is refused, and handlers that come and go during a copy."""

import copy
import os
import threading

import pytest

from support import leaks
from support.plugins import hook, Plain, run_child
from support.probes import raised


# ---- subclasses, atomics, copy.copy ---------------------------------------------------------------------------------------

def test_a_handler_serves_subclasses_only_when_it_says_so(calque, nodes):
    class Sub(nodes.Node):
        pass

    nodes.register("Node")
    assert raised(calque.deepcopy, Sub()) == raised(copy.deepcopy, Sub())
    nodes.unregister(nodes.Node)
    nodes.register("Node", nodes.CALQUE_SUBCLASSES)
    made = calque.deepcopy([Sub("s", [nodes.Node("n", [Sub("t")])])])[0]
    assert type(made) is Sub
    assert type(made.children[0]) is nodes.Node
    assert type(made.children[0].children[0]) is Sub


def test_a_class_nearer_in_the_mro_takes_its_instances_back(calque, nodes):
    class Own(nodes.Node):
        def __deepcopy__(self, memo):
            return "of its own"

    class Below(Own):
        pass

    class Beside(nodes.Node):
        pass

    nodes.register("Node", nodes.CALQUE_SUBCLASSES)
    own, below, beside = calque.deepcopy([Own(), Below(), Beside("b")])
    assert (own, below) == ("of its own", "of its own")
    assert type(beside) is Beside and beside.label == "b"


def test_the_handler_of_the_nearest_base_serves_a_subclass(calque, nodes):
    class Middle(nodes.Node):
        pass

    class Low(Middle):
        pass

    calls = []
    nodes.register("Node", nodes.CALQUE_SUBCLASSES)
    calque.register(Middle, subclasses=True)(lambda x, memo: calls.append(type(x)))
    try:
        calque.deepcopy([Low(), Middle(), nodes.Node()])
    finally:
        calque.unregister(Middle)
    assert calls == [Low, Middle]


def test_an_atomic_handler_makes_objects_their_own_copies(calque, nodes):
    nodes.register("Token")
    token = nodes.Token("t")
    holder = Plain()
    holder.token = token
    made = calque.deepcopy([token, (token,), {"k": token}, holder, nodes.Token])
    assert made[0] is made[1][0] is made[2]["k"] is made[3].token is token
    assert calque.copy(token) is token
    x = (token, 1)
    assert calque.deepcopy(x) is x
    memo = {}
    assert calque.deepcopy(token, memo) is token
    assert id(token) not in memo


def test_an_atomic_handler_for_subclasses_serves_them(calque, nodes):
    class Sub(nodes.Token):
        pass

    nodes.register("Token", nodes.CALQUE_SUBCLASSES)
    token = Sub()
    assert calque.deepcopy([token])[0] is token


def test_an_atomic_type_is_no_longer_atomic_when_its_handler_is_removed(calque, nodes):
    token = nodes.Token()
    nodes.register("Token")
    assert calque.deepcopy([token])[0] is token
    nodes.unregister(nodes.Token)
    assert raised(calque.deepcopy, [token]) == raised(copy.deepcopy, [token])
    assert raised(calque.copy, token) == raised(copy.copy, token)


def test_a_handler_with_shallow_serves_copy_copy(calque, nodes):
    n = nodes.Node("n", [[1]])
    assert raised(calque.copy, n) == raised(copy.copy, n)
    nodes.register("Node")
    made = calque.copy(n)
    assert type(made) is nodes.Node and made is not n
    assert made.label == "n"
    assert made.children[0] is n.children[0]


# ---- handlers that break the contract --------------------------------------------------------------------------------------

def test_a_simple_handler_that_returns_null_without_an_exception_is_a_system_error(calque, odd):
    odd.add(Plain, "copy_null", name="forgetful")
    assert raised(calque.deepcopy, [[1], Plain()]) == (
        SystemError, "calque handler forgetful returned NULL without setting an exception")


@pytest.mark.parametrize("functions", [
    "begin_error resume_done drop_nothing", "begin_child resume_error drop_nothing",
    "begin_outcome_7 resume_done drop_nothing"])
def test_a_frame_handler_that_fails_without_an_exception_is_a_system_error(calque, odd, functions):
    odd.add(Plain, functions, name="forgetful")
    assert raised(calque.deepcopy, [[1], Plain()]) == (
        SystemError, "calque handler forgetful reported an error without setting an exception")


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
@pytest.mark.parametrize("functions", [
    "begin_without_copy resume_done drop_nothing", "begin_child resume_decline drop_nothing"])
def test_a_frame_handler_that_ends_without_a_copy_is_a_system_error(compiled, functions):
    said = run_child(compiled, "odd", "main thread", f"""
        class Plain:
            pass
        plugin.add(Plain, "forgetful", {functions!r}, 0, 0)
        for x in (Plain(), [[1], Plain()], (Plain(),), {{"k": Plain()}}):
            try:
                calque.deepcopy(x)
            except SystemError as error:
                print(error)
    """)
    assert len(said) == 4
    assert all(line.startswith("calque handler forgetful ") for line in said)


def test_the_pieces_of_the_odd_handlers_work_when_put_together_well(calque, odd):
    odd.add(Plain, "copy_itself")
    x = Plain()
    assert calque.deepcopy([x])[0] is x
    odd.undo()
    odd.add(Plain, "begin_done resume_done drop_nothing")
    assert calque.deepcopy([x])[0] is x
    odd.undo()
    odd.add(Plain, "begin_child resume_done drop_nothing")
    assert calque.deepcopy([x])[0] is None
    odd.undo()
    odd.add(Plain, "begin_decline resume_done drop_nothing")
    assert type(calque.deepcopy([x])[0]) is Plain


FRAME_RULE = "a FRAME handler needs all of 'begin', 'resume' and 'drop'"
ONE_KIND_RULE = "expected exactly one of: 'copy' (SIMPLE), 'begin'/'resume'/'drop' (FRAME), CALQUE_ATOMIC"
PROTOCOL_RULE = "a handler without 'type' is a protocol: a FRAME handler, not for subclasses"
FRAME = "begin_done resume_done drop_nothing"
BROKEN = {
    "size one byte short": (dict(functions=FRAME, missing=1), "'size' is smaller than calque_handler of ABI 1.0"),
    "size of nothing": (dict(functions=FRAME, missing=96), "'size' is smaller than calque_handler of ABI 1.0"),
    "no resume": (dict(functions="begin_done drop_nothing"), FRAME_RULE),
    "no begin": (dict(functions="resume_done drop_nothing"), FRAME_RULE),
    "no drop": (dict(functions="begin_done resume_done"), FRAME_RULE),
    "copy and half a frame": (dict(functions="copy_itself drop_nothing"), FRAME_RULE),
    "no function": (dict(), ONE_KIND_RULE),
    "copy and a whole frame": (dict(functions="copy_itself " + FRAME), ONE_KIND_RULE),
    "atomic with copy": (dict(functions="copy_itself", flags=8), ONE_KIND_RULE),
    "atomic with a frame": (dict(functions=FRAME, flags=8), ONE_KIND_RULE),
    "simple without type": (dict(functions="copy_itself", cls=None), PROTOCOL_RULE),
    "atomic without type": (dict(flags=8, cls=None), PROTOCOL_RULE),
    "subclasses of no type": (dict(functions=FRAME, flags=1, cls=None), PROTOCOL_RULE),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_structure_that_breaks_a_rule_is_refused_with_the_rule(calque, odd, case):
    arguments, rule = BROKEN[case]
    assert raised(odd.add, **{"cls": Plain, **arguments}) == (ValueError, f"calque handler odd: {rule}")
    assert type(calque.deepcopy(Plain())) is Plain
    assert odd.registered == []


def test_a_structure_without_a_name_is_refused(odd):
    assert raised(odd.add, Plain, FRAME, name=None) == (ValueError, "calque handler (unnamed): 'name' is missing")


def test_a_protocol_is_refused_after_import(odd):
    assert raised(odd.add, None, FRAME) == (
        ValueError,
        "calque handler odd: 'type' is missing (protocols are registered only while calque is imported)")


# ---- registering -----------------------------------------------------------------------------------------------------------

def test_a_second_handler_for_a_type_is_refused_and_the_first_stays(calque, point, nodes, odd):
    point.register()
    assert raised(point.register) == (
        ValueError, "calque handler point: type point.Point has a registered handler already (point)")
    assert raised(odd.add, point.Point, "copy_null", name="late") == (
        ValueError, "calque handler late: type point.Point has a registered handler already (point)")
    assert type(calque.deepcopy(point.Point())) is point.Point
    nodes.register("Node")
    assert raised(nodes.register, "Node")[0] is ValueError
    assert nodes.seen()["released"] == 0  # what a refused handler brought stays its owner's


def test_a_handler_from_python_and_one_from_c_cannot_serve_the_same_type(calque, point):
    point.register()
    assert raised(calque.register(point.Point), lambda x, memo: x)[0] is ValueError
    point.unregister()
    calque.register(point.Point)(lambda x, memo: "from Python")
    try:
        assert raised(point.register) == (
            ValueError, "calque handler point: type point.Point has a registered handler already (Python function)")
        assert calque.deepcopy(point.Point()) == "from Python"
    finally:
        calque.unregister(point.Point)


def test_removing_what_is_not_registered_is_a_lookup_error(calque, point, odd):
    expected = LookupError, "no handler is registered for type point.Point"
    assert raised(point.unregister) == expected
    point.register()
    point.unregister()
    assert raised(point.unregister) == expected
    # calque's own handlers are not for strangers to remove.
    assert raised(odd.remove, list) == (LookupError, "no handler is registered for type list")
    assert calque.deepcopy([[1]]) == [[1]]


def test_a_strangers_handler_for_a_builtin_type_wins_until_it_is_removed(calque, odd):
    x = [[1]]
    odd.add(list, "copy_itself")
    assert calque.deepcopy((x,))[0] is x
    odd.undo()
    assert calque.deepcopy((x,))[0] is not x


def test_a_removed_handler_is_released_once(calque, nodes):
    nodes.register("Node")
    calque.deepcopy(nodes.Node())
    assert nodes.seen()["released"] == 0
    nodes.unregister(nodes.Node)
    assert nodes.seen()["released"] == 1
    calque.deepcopy([[1]])
    assert nodes.seen()["released"] == 1


def test_a_handler_removed_during_a_copy_ends_its_frames_and_is_released_after_them(calque, nodes):
    nodes.register("Node")
    released = []

    def remove(memo):
        nodes.unregister(nodes.Node)
        released.append(nodes.seen()["released"])

    x = nodes.Node("outer", [[1], nodes.Node("inner", [hook(remove), [2]]), [3]])
    made = calque.deepcopy(x)
    assert made.children[0] == [1] and made.children[2] == [3]
    assert made.children[1].children == (None, [2])
    assert released == [0]
    assert nodes.seen()["released"] == 1
    assert nodes.seen()["live_states"] == 0


def test_a_handler_removed_during_a_copy_serves_no_object_met_later(calque, nodes):
    nodes.register("Node")
    x = nodes.Node("outer", [hook(lambda memo: nodes.unregister(nodes.Node)), nodes.Node("later")])
    assert raised(calque.deepcopy, x) == raised(copy.deepcopy, nodes.Node())
    assert nodes.seen()["live_states"] == 0
    assert nodes.seen()["released"] == 1


def test_a_handler_removed_and_added_again_during_a_copy_serves_the_rest(calque, nodes):
    nodes.register("Node")

    def change(memo):
        nodes.unregister(nodes.Node)
        nodes.register("Node", nodes.CALQUE_PURE)

    made = calque.deepcopy(nodes.Node("outer", [hook(change), nodes.Node("later", [[1]])]))
    assert made.children[1].children == ([1],)
    assert nodes.seen()["released"] == 1


def test_a_handler_added_during_a_copy_serves_objects_met_later(calque, nodes):
    made = calque.deepcopy([hook(lambda memo: nodes.register("Node")), nodes.Node("later", [[1]])])
    assert made[1].children == ([1],)


def test_threads_share_handlers(calque, nodes):
    nodes.register("Node")
    x = nodes.Node("n", [nodes.Node(i, [[i], hook(lambda memo: "leaf")]) for i in range(20)])
    failures = []

    def work():
        for _ in range(50):
            made = calque.deepcopy(x)
            if [child.children for child in made.children] != [([i], "leaf") for i in range(20)]:
                failures.append(made)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert nodes.seen()["live_states"] == 0


# ---- many types ----------------------------------------------------------------------------------------------------------

@pytest.mark.no_leak_check(reason="the test counts bytes itself, in new threads")
@pytest.mark.skipif("LD_PRELOAD" in os.environ or leaks._malloc_bytes is None, reason="bytes are counted by glibc's allocator")
def test_types_that_programs_register_do_not_crowd_out_calques_own(calque, odd):
    """A thread's first copy of a list of atoms needs no context, for the loop knows lists. The context has a work stack of 10 KiB."""
    def taken(x):
        counts = []

        def run():
            before = leaks._malloc_bytes()
            calque.deepcopy(x)
            counts.append(leaks._malloc_bytes() - before)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return counts[0]

    for i in range(200):
        odd.add(type(f"Atom{i}", (), {}), flags=odd.CALQUE_ATOMIC)
    taken([[]])
    assert taken([[]]) > 8000
    for x in ([1, "a", 2.5, None, b"b"], {"k": 1}, (1,), {1, 2}, frozenset([1])):
        assert taken(x) < 4000, x
