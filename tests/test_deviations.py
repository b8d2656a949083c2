"""The differences from stdlib that calque allows itself. There are no others; each is shown for both modules."""

import fractions
import subprocess
import sys
import traceback

import pytest

import calque

from support.copiers import since
from support.probes import Hook, Reduces, raised


class Plain:
    pass


def nested_lists(depth):
    x = []
    for _ in range(depth):
        x = [x]
    return x


def test_depth_is_bounded_by_memory_alone(copier):
    """stdlib needs two frames per level and ends at the recursion limit; calque's stack of levels is on the heap."""
    depth = sys.getrecursionlimit() * 3
    x = nested_lists(depth)
    if copier.name == "stdlib":
        assert raised(copier.deepcopy, x)[0] is RecursionError
        return
    y = copier.deepcopy(x)
    for _ in range(depth):
        x, y = x[0], y[0]
        assert y is not x
    assert x == y == []


def test_depth_of_instances_is_bounded_by_memory_alone(copier):
    x = None
    for _ in range(2000):
        outer = Plain()
        outer.inner = x
        x = outer
    if copier.name == "stdlib":
        assert raised(copier.deepcopy, x)[0] is RecursionError
        return
    y = copier.deepcopy(x)
    depth = 0
    while y is not None:
        y, depth = y.inner, depth + 1
    assert depth == 2000


def test_spare_capacity_of_lists(copier):
    """stdlib appends item by item and so over-allocates; calque may allocate what is needed. Shallow copies agree."""
    x = list(range(17))
    size = sys.getsizeof(copier.deepcopy(x))
    exact = sys.getsizeof([]) + 17 * 8
    if copier.name == "stdlib":
        assert size > exact
    else:
        assert size >= exact
    assert sys.getsizeof(copier.copy(x)) == exact


def test_iteration_order_of_a_copied_set(copier):
    """stdlib adds the members to a new set one by one, calque may clone the table; which members, both agree on."""
    x = set(range(0, 8 * 40, 8))
    for i in range(0, 8 * 30, 8):
        x.discard(i)
    y = copier.deepcopy(x)
    assert y == x and len(y) == len(x)
    if copier.name == "stdlib":
        assert list(y) == list(set(list(x)))
    else:
        assert list(y) in (list(set(list(x))), list(x))


def test_frames_of_the_copy_module_in_tracebacks(copier):
    with pytest.raises(LookupError) as caught:
        copier.deepcopy([{"k": Hook("raises", [], lambda self, memo: {}["missing"])}])
    files = {frame.filename.rpartition("/")[2] for frame in traceback.extract_tb(caught.value.__traceback__)}
    assert ("copy.py" in files) == (copier.name == "stdlib")


def test_frames_of_the_copy_module_for_profilers(copier):
    seen = []
    before = sys.getprofile()

    def profile(frame, event, argument):
        if event == "call":
            seen.append(frame.f_code.co_filename.rpartition("/")[2])

    sys.setprofile(profile)
    try:
        copier.deepcopy([[1]])
    finally:
        sys.setprofile(before)
    assert ("copy.py" in seen) == (copier.name == "stdlib")


def test_frames_of_known_hooks_for_profilers(copier):
    x = [fractions.Fraction(1, 3)]
    seen = []
    before = sys.getprofile()

    def profile(frame, event, argument):
        if event == "call":
            seen.append(frame.f_code.co_filename.rpartition("/")[2])

    sys.setprofile(profile)
    try:
        copier.deepcopy(x)
    finally:
        sys.setprofile(before)
    # Without version tags of classes nothing is known of a hook, and it is called.
    knows_hooks = copier.name == "calque" and calque._calque._strategies["type_version"] == "internals"
    assert ("fractions.py" in seen) == (not knows_hooks)


def test_frames_that_a_hook_sees_above_itself(copier):
    seen = []
    copier.deepcopy([Hook("look", [], lambda self, memo: seen.append(sys._getframe(2).f_code.co_filename) or self)])
    assert seen[0].endswith("copy.py") == (copier.name == "stdlib")


def reachable(x):
    """ids of what a program can get at in the graph of these tests: not the temporaries of the reduce protocol."""
    found, todo = {}, [x]
    while todo:
        node = todo.pop()
        if id(node) not in found:
            found[id(node)] = node
            if isinstance(node, (list, tuple)):
                todo.extend(node)
            elif isinstance(node, dict):
                todo.extend([*node, *node.values()])
            elif isinstance(node, Plain):
                todo.append(vars(node))
    return found


def test_memo_entries_for_temporaries_of_the_reduce_protocol(copier):
    """Entries for what the program itself can reach are the same; those for tuples and dicts that only the reduce
    protocol made need not be there."""
    inner = [1]
    x = [Plain(), {2}, Reduces((list, ([inner],)))]
    x[0].a = inner
    keep = vars(x[0])
    memo = {}
    y = copier.deepcopy(x, memo)
    known = reachable(x)
    own = {key: value for key, value in memo.items() if key in known}
    assert set(own) >= {id(x), id(x[0]), id(inner), id(x[1]), id(x[2])}
    assert own[id(x)] is y and own[id(x[0])] is y[0] and own[id(inner)] is y[0].a and own[id(x[2])] is y[2]
    assert own[id(keep)] == {"a": [1]}
    if copier.name == "stdlib":
        assert len(memo) > len(own) + 1  # the list that the set was reduced to


def test_entries_for_an_instance_dict_that_nobody_else_refers_to(copier):
    seen = []
    x = Plain()
    x.hook = Hook("look", [], lambda self, memo: seen.append(len(memo)) or self)
    copier.deepcopy(x)
    assert seen == [2] if copier.name == "stdlib" else seen[0] in (1, 2)


def test_an_error_says_the_same_with_or_without_a_path_note(copier):
    """calque may add where in the graph an error arose, as a note; type, arguments and text are stdlib's."""
    with pytest.raises(TypeError) as caught:
        copier.deepcopy({"users": [1, sys]})
    assert type(caught.value) is TypeError and caught.value.args == ("cannot pickle 'module' object",)
    if copier.name == "stdlib":
        assert not hasattr(caught.value, "__notes__")


def test_speed_is_no_promise_of_behaviour(copier):
    """A copy of many objects gives the same whether it was fast or not; speed itself is measured in perf/."""
    x = [[i] for i in range(20000)]
    assert copier.deepcopy(x) == x


PICKLED = """
import {module} as module, copy, pickle, sys
print(pickle.loads(pickle.dumps(module.Error)) is copy.Error)
"""


@pytest.mark.no_leak_check(reason="the body starts a child process")
def test_the_error_class_is_found_under_the_name_of_copy(copier):
    """Not a deviation, but what a deviation would break: a pickled Error is loaded where calque is not installed."""
    module = "copy" if copier.name == "stdlib" else copier.name
    child = subprocess.run([sys.executable, "-c", PICKLED.format(module=module)], capture_output=True, text=True)
    assert child.stdout.strip() == "True", child.stderr


def test_a_class_is_not_hashed_for_what_the_memo_knows(copier):
    """From 3.14 on copy looks for the class among its atomic types before it asks the memo, which a metaclass's __hash__ sees."""
    hashed = []

    class Meta(type):
        def __hash__(cls):
            hashed.append(cls)
            return 11

    class Own(metaclass=Meta):
        pass

    x = Own()
    copier.deepcopy([x])
    once = len(hashed)
    hashed.clear()
    y = copier.deepcopy([x, x])
    assert y[0] is y[1] and len(hashed) - once == (copier.name == "stdlib" and since(3, 14))
