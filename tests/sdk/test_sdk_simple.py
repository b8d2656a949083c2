"""SIMPLE handlers, in C and in C++."""

import collections
import copy
import gc
import weakref

import pytest

from support import isolated
from support.plugins import Boom, boom, hook, PLACES, Plain, run_child
from support.probes import Hook, raised


# ---- a SIMPLE handler in C -----------------------------------------------------------------------------------------------

def test_a_c_type_is_copied_by_its_handler(calque, point):
    point.register()
    inner = point.Point([1], {"k": (2,)})
    outer = point.Point(inner, inner)
    made = calque.deepcopy(outer)
    assert type(made) is point.Point
    assert made is not outer and made.x is not inner
    assert made.x is made.y
    assert (made.x.x, made.x.y) == ([1], {"k": (2,)})
    assert made.x.x is not inner.x


def test_a_remembered_copy_is_found_by_a_cycle(calque, point):
    point.register()
    p = point.Point([1])
    p.y = {"back": [p]}
    made = calque.deepcopy(p)
    assert made is not p
    assert made.y["back"][0] is made
    p.y.clear(), made.y.clear()


def test_a_handler_serves_its_type_wherever_it_is_met(calque, point):
    point.register()
    p = point.Point(["deep"])
    holder = Plain()
    holder.attribute = p
    made, in_tuple, in_dict = calque.deepcopy([holder, (p,), {"k": p}])
    assert made.attribute is in_tuple[0] is in_dict["k"]
    assert made.attribute is not p
    assert made.attribute.x == ["deep"]


def test_without_its_handler_a_c_type_is_copied_as_the_standard_library_does(calque, point):
    assert raised(calque.deepcopy, point.Point()) == raised(copy.deepcopy, point.Point())
    point.register()
    assert type(calque.deepcopy(point.Point())) is point.Point
    point.unregister()
    assert raised(calque.deepcopy, point.Point()) == raised(copy.deepcopy, point.Point())


def test_an_error_in_a_part_passes_through_a_simple_handler(calque, point):
    point.register()
    log = []
    parts = [point.Point(point.Point([], hook(boom)), Hook("never", log)), point.Point(hook(boom))]
    for p in parts:
        assert raised(calque.deepcopy, [p]) == (Boom, "in a hook")
    assert log == []


def test_copy_copy_ignores_a_handler_without_shallow(calque, point):
    point.register()
    assert raised(calque.copy, point.Point()) == raised(copy.copy, point.Point())


@pytest.mark.parametrize("make_memo", [dict, collections.UserDict, lambda: collections.OrderedDict(a=1)])
def test_plugin_copies_enter_the_callers_memo(calque, point, nodes, make_memo):
    point.register()
    nodes.register("Node")
    p = point.Point([1])
    n = nodes.Node("n", [p, p])
    memo = make_memo()
    made = calque.deepcopy(n, memo)
    assert memo[id(n)] is made
    assert memo[id(p)] is made.children[0] is made.children[1]
    assert memo[id(p.x)] is made.children[0].x
    kept = memo[id(memo)]
    assert [type(x) for x in kept] == [list, point.Point, nodes.Node]
    assert kept[1] is p and kept[2] is n
    assert calque.deepcopy(n, memo) is made


def test_an_entry_of_the_callers_memo_is_the_copy_of_a_plugin_object(calque, point, nodes):
    point.register()
    nodes.register("Node")
    p = point.Point()
    n = nodes.Node("n", [p, 3000])
    memo = {id(p): "instead"}
    assert calque.deepcopy(n, memo).children == ("instead", 3000)


@pytest.mark.parametrize("flags", [0, "CALQUE_PURE"])
def test_atomics_are_looked_up_in_a_callers_memo_exactly_when_a_list_looks_them_up(calque, nodes, flags):
    nodes.register("Node", flags and getattr(nodes, flags, 2))
    number = 123456789
    expected = copy.deepcopy([number, "text"], {id(number): "instead"})
    assert list(calque.deepcopy(nodes.Node(None, [number, "text"]), {id(number): "instead"}).children) == expected


def test_deepcopy_and_copy_can_be_called_from_c(calque, point):
    point.register()
    p = point.Point([1])
    memo = {}
    made = point.deepcopy([p, p], memo)
    assert made[0] is made[1] is memo[id(p)]
    assert point.deepcopy([p])[0].x == [1]
    assert raised(point.deepcopy, [hook(boom)]) == (Boom, "in a hook")
    x = [[1]]
    shallow = point.shallow_copy(x)
    assert shallow == x and shallow is not x and shallow[0] is x[0]


# ---- SIMPLE handlers in C++: remember, keep_alive, memo, brackets -----------------------------------------------------------

def test_a_wrapper_on_a_cycle_finds_its_remembered_copy(calque, nodes):
    nodes.register("Wrapper")
    w = nodes.Wrapper("w", [[1]])
    w.append([w])
    made = calque.deepcopy(w)
    assert made is not w and made.children[0] == [1]
    assert made.children[1][0] is made
    w.drop_children(), made.drop_children()


def test_what_a_handler_keeps_alive_lives_until_the_copy_ends(calque, nodes):
    nodes.register("Wrapper")
    kept = []

    def make_temporary(wrapper, memo):
        temporary = Plain()
        kept.append(weakref.ref(temporary))
        return temporary

    lives = []
    w = nodes.Wrapper("w", [], make_temporary)
    calque.deepcopy([w, hook(lambda memo: (gc.collect(), lives.append(kept[0]() is not None)))])
    assert lives == [True]
    assert kept[0]() is None


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_a_handler_receives_the_memo_that_hooks_receive(calque, nodes, name):
    nodes.register(name)
    memos = []
    first = [1]
    w = getattr(nodes, name)("w", [], lambda x, memo: memos.append((type(memo), id(memo), memo[id(first)])))
    x = [first, hook(lambda memo: memos.append((type(memo), id(memo), memo[id(first)]))), w]
    made = calque.deepcopy(x)
    assert [entry[0] for entry in memos] == [dict, dict]
    assert memos[0][1] == memos[1][1]
    assert memos[0][2] is memos[1][2] is made[0]
    memo = collections.UserDict()
    memos.clear()
    calque.deepcopy(x, memo)
    assert [entry[:2] for entry in memos] == [(collections.UserDict, id(memo))] * 2


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_an_entry_written_by_a_handlers_hook_counts(calque, nodes, name):
    nodes.register(name)
    later = [1]
    w = getattr(nodes, name)("w", [], lambda x, memo: memo.update({id(later): "instead"}))
    assert calque.deepcopy([w, later])[1] == "instead"


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_a_hook_inside_a_simple_handler_may_raise(calque, nodes, name):
    nodes.register(name)
    x = [[1], getattr(nodes, name)("w", [], boom)]
    assert raised(calque.deepcopy, x) == (Boom, "in a hook")
    assert x[0] == [1]


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_a_hook_may_drop_what_was_copied_before_it(calque, nodes, name):
    # What was visited must not be taken for what is made at the same address afterwards.
    nodes.register(name)
    nodes.register("Node", nodes.CALQUE_PURE)
    root = nodes.Node("root")
    for i in range(40):
        root.append([i])

    def cut_and_refill(x, memo):
        root.drop_children()
        for i in range(40):
            root.append(["new", i])

    root.append(getattr(nodes, name)("w", [], cut_and_refill))
    made = calque.deepcopy([root, root])[0]
    assert made.children[:40] == tuple([i] for i in range(40))
    assert made.children[40].label == "w"
    n = nodes.Node("n")
    for i in range(40):
        n.append([i])
    n.append(getattr(nodes, name)("w", [], lambda x, memo: (n.drop_children(), fresh.extend([i] for i in range(100, 200)))))
    fresh = []
    made = calque.deepcopy([n, fresh])
    assert made[0].children[:40] == tuple([i] for i in range(40))
    assert made[1] == [[i] for i in range(100, 200)]


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_an_object_that_its_own_hook_moves_is_copied_once(calque, nodes, name):
    nodes.register(name)
    later = []

    def move(x, memo):
        later.append(x)
        top[0] = None

    top = [getattr(nodes, name)("w", [], move), later]
    made = calque.deepcopy(top)
    assert made[0] is made[1][0]
    assert made[0].label == "w"


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_a_hook_may_copy_again_with_the_memo_it_got(calque, nodes, name):
    nodes.register(name)
    shared = [1]
    nested = []
    w = getattr(nodes, name)("w", [], lambda x, memo: nested.append(calque.deepcopy(shared, memo)))
    made = calque.deepcopy([w, shared])
    assert nested[0] is made[1]


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
@pytest.mark.parametrize("place", PLACES)
def test_a_simple_handler_that_recurses_too_deep_raises_a_recursion_error(compiled, place):
    assert run_child(compiled, "point", place, """
        plugin.register()
        p = None
        for i in range(1_000_000):
            p = plugin.Point(p)
        for attempt in range(2):
            try:
                calque.deepcopy([p])
            except RecursionError as error:
                print(error)
        q = None
        for i in range(50):
            q = plugin.Point(q)
        print(type(calque.deepcopy(q).x.x).__name__)
    """) == ["too many nested copies: the thread's C stack is nearly used up"] * 2 + ["Point"]


@pytest.mark.no_leak_check(reason="the recursion ends in processes of its own")
@pytest.mark.parametrize("stack", ["128", "1024", "main"])
def test_simple_handlers_that_recurse_end_before_the_stack_does(calque, compiled, stack):
    """With hooks between them, on every stack of tests/test_recursion.py. A chain of 100,000 may be copied whole where the stack is large."""
    ways = ["simple_handlers_in_a_chain", "simple_handlers_and_hooks"]
    status, said, complaints = isolated.run("recursion.py", stack, *ways, PYTHONPATH=str(compiled["nodes"].parent))
    assert status == 0, complaints
    assert said.splitlines() in ([f"{ways[0]}: {end}", f"{ways[1]}: RecursionError", "OK"] for end in ("RecursionError", "over"))
