"""Arrays of objects and of structures that hold objects: the order of their children, sharing, cycles, hooks, errors, beside stdlib."""

import collections
import copy
import ctypes
import gc
import sys
import threading
import weakref

import pytest

np = pytest.importorskip("numpy")

from support.arrays import LAYOUTS, described  # noqa: E402
from support.numpy_plugin import plugin  # noqa: E402, F401
from support.probes import Hook, raised  # noqa: E402
from support.topology import topology  # noqa: E402

pytestmark = pytest.mark.usefixtures("plugin")


def of(*objects):
    """An array of one dimension."""
    array = np.empty(len(objects), object)
    for i, x in enumerate(objects):
        array[i] = x
    return array


def hooks(shape, log):
    array = np.empty(shape, object)
    flat = array.reshape(-1)
    for i in range(array.size):
        flat[i] = Hook(i, log)
    return array


# ---- children ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", LAYOUTS)
def test_children_are_copied_in_stdlibs_order(copier, name):
    def order(deepcopy):
        log = []
        y = deepcopy(LAYOUTS[name](lambda shape: hooks(shape, log)))
        return log, described(y)

    assert order(copier.deepcopy) == order(copy.deepcopy)


def test_children_that_are_one_stay_one(copier):
    shared, lone = [1], [2]
    y = copier.deepcopy([of(shared, lone, shared, "text", 5, None), shared, of(of(shared))])
    assert y[0][0] is y[0][2] is y[1] is y[2][0][0] is not shared
    assert y[0][1] == [2] and y[0][1] is not lone
    assert y[0].tolist() == [[1], [2], [1], "text", 5, None]


def test_atoms_are_shared(copier):
    x = of("text", 10**30, 1.5, None, ..., int, len, (1, (2, "a")), frozenset([1]))
    for y in (copier.deepcopy(x), copier.copy(x)):
        assert all(a is b for a, b in zip(x[:-1], y[:-1]))


def test_a_shallow_copy_shares_all(copier):
    x = of([1], {}, [2])
    y = copier.copy(x)
    assert all(a is b for a, b in zip(x, y)) and described(y) == described(copy.copy(x))


@pytest.mark.no_leak_check(reason="a reference to None for each hole, which is what makes it one")
def test_holes_are_none(copier):
    x = np.empty((2, 2), object)
    ctypes.memset(x.ctypes.data, 0, x.nbytes)
    x[0, 0] = [1]
    for y in (copier.deepcopy(x), copier.deepcopy([x])[0]):
        assert y.tolist() == [[[1], None], [None, None]]
        assert (ctypes.c_void_p * 4).from_address(y.ctypes.data)[1:] == [id(None)] * 3


def test_children_of_all_kinds(copier):
    def make():
        plain = Hook("plain", [])
        return [of([1], {"k": [2]}, (3, [4]), {5}, bytearray(b"6"), collections.deque([[7]]), collections.OrderedDict(a=[8]), plain, np.zeros(3),
                   of([9]), np.float64(10), np.ma.zeros(2), ValueError([11])), plain]

    x = make()
    y, expected = copier.deepcopy(x), copy.deepcopy(x)
    assert [type(child) for child in y[0]] == [type(child) for child in expected[0]]
    assert repr(y) == repr(expected)


# ---- cycles --------------------------------------------------------------------------------------------------------------

def test_a_cycle_through_a_list_is_stdlibs(copier):
    """The array enters the memo last, so the list holds a copy of its own of the array."""
    def shape(deepcopy):
        link = []
        x = of(link, [2])
        link.append(x)
        y = deepcopy([x, link, x])
        facts = (y[0] is y[2], y[0][0] is y[1], y[1][0] is y[0], y[1][0][0] is y[1], y[1][0][1] is y[0][1])
        for each in (link, y[1]):
            each.clear()
        return facts

    assert shape(copier.deepcopy) == shape(copy.deepcopy)


def test_a_cycle_that_begins_elsewhere_is_stdlibs(copier):
    def shape(deepcopy, begin):
        link, pair = [], ([3],)
        x = of(link, pair, of(link))
        link += [x, pair]
        y = deepcopy({"link": link, "x": x, "pair": pair}[begin])
        facts = topology(y if begin == "link" else y[0] if begin == "x" else y)
        link.clear()
        if begin != "pair":
            (y if begin == "link" else y[0]).clear()
        return facts

    for begin in ("link", "x", "pair"):
        assert shape(copier.deepcopy, begin) == shape(copy.deepcopy, begin), begin


def test_an_array_that_contains_itself_ends_in_a_recursion_error(copier):
    log = []
    x = of(Hook("before", log), None)
    x[1] = x
    assert raised(copier.deepcopy, x)[0] is RecursionError
    assert 0 < len(log) <= sys.getrecursionlimit()
    y = of(Hook("before", log), [None])
    y[1][0] = [y]  # the list is found the second time
    z = copier.deepcopy(y)
    assert len(z) == 2
    y[1].clear(), z[1].clear()  # the collector does not look into arrays
    x[1] = None
    assert copier.deepcopy(x)[1] is None


@pytest.mark.parametrize("stack", [128, 1024])
def test_an_array_that_contains_itself_on_a_small_stack(calque, stack):
    ends = []

    def run():
        x = of(None)
        x[0] = (x,)
        ends.append(raised(calque.deepcopy, x)[0])
        x[0] = None

    before = threading.stack_size(stack * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert ends == [RecursionError]


def test_arrays_one_in_the_other(copier):
    x = of([0])
    for _ in range(100):
        x = of(x, [1])
    y, depth = copier.deepcopy(x), 0
    while len(y) == 2:
        y, depth = y[0], depth + 1
    assert depth == 100 and y[0] == [0]


# ---- hooks ---------------------------------------------------------------------------------------------------------------

def test_hooks_find_in_the_memo_what_they_find_under_stdlib(copier):
    def seen(deepcopy):
        found = []

        def look(self, memo):
            found.append([names.get(key, "memo" if key == id(memo) else "?") for key in memo])
            found.append([names[id(kept)] for kept in memo.get(id(memo), [])])
            return self

        x = of([1], Hook("look", [], look), of([2], Hook("look", [], look)), [3], Hook("look", [], look))
        names = {id(x): "array", id(x[0]): "first", id(x[2]): "inner", id(x[2][0]): "second", id(x[3]): "third"}
        y = deepcopy(x)
        assert y[0] == [1]
        return found

    assert seen(copier.deepcopy) == seen(copy.deepcopy)


def test_hooks_may_write_to_the_memo(copier):
    second = [2]
    x = of([1], Hook("write", [], lambda self, memo: memo.__setitem__(id(second), "written") or self), second)
    y = copier.deepcopy([x, second])
    assert y[0][2] == y[1] == "written"


def test_hooks_may_write_to_the_array(copier):
    """The copy is of what the array held when it was met."""
    def write(self, memo):
        x[:] = [None] * len(x)
        gc.collect()
        return "hook"

    x = of(Hook("write", [], write), [2], {"k": [3]})
    assert copier.deepcopy(x).tolist() == ["hook", [2], {"k": [3]}]
    assert x.tolist() == [None] * 3


class Dies:
    log = []

    def __init__(self, name):
        self.name = name

    def __deepcopy__(self, memo):
        return "copy of " + self.name

    def __del__(self):
        self.log.append(self.name)


def test_children_that_the_array_lost_live_as_long_as_under_stdlib(copier):
    def lives(deepcopy):
        Dies.log.clear()

        def write(self, memo):
            x[:] = None
            Dies.log.append("written")
            return self

        x = of(Dies("before"), Hook("write", [], write), Dies("after"), Hook("then", [], lambda self, memo: Dies.log.append("then") or self))
        y = deepcopy(x)
        Dies.log.append("end")
        del y
        return Dies.log[:]

    assert lives(copier.deepcopy) == lives(copy.deepcopy)


def test_hooks_that_copy_again(copier):
    x = of([1], Hook("again", [], lambda self, memo: copier.deepcopy(x[:1], memo)), Hook("apart", [], lambda self, memo: copier.deepcopy(x[:1])))
    y = copier.deepcopy(x)
    assert y[1][0] is y[0] and y[2][0] is not y[0] and y[2][0] == [1]
    x[:] = None


def test_a_function_in_the_place_of_copy_deepcopy_copies_the_children(copier, monkeypatch):
    """numpy asks the module `copy` for each array."""
    seen, deepcopy = [], copy.deepcopy
    monkeypatch.setattr(copy, "deepcopy", lambda x, memo=None: seen.append(x) or deepcopy(x, memo))
    x = [of([1], "text"), np.zeros(3)]
    y = copier.deepcopy(x)
    assert seen == [[1], "text"] and y[0].tolist() == [[1], "text"] and y[0][0] is not x[0][0]


def test_under_the_patch(calque):
    x = [of([1], "text", of([2])), np.zeros(3), np.zeros(2, [("a", "O")])]
    with calque.patch:
        y = copy.deepcopy(x)
    assert repr(y) == repr(x) and y[0][0] is not x[0][0]


# ---- structures ----------------------------------------------------------------------------------------------------------

STRUCTURES = [
    [("a", "O")], [("a", "i4"), ("b", "O"), ("c", "O")], [("a", "O"), ("b", [("c", "O"), ("d", "f8")])], [("a", "O", (2,)), ("b", "O")],
    {"names": ["late", "early"], "formats": ["O", "O"], "offsets": [8, 0]}, [(("title", "name"), "O")], [("a", "i1"), ("b", "O")],
]


NUMPY_LEAKS = pytest.mark.no_leak_check(reason="numpy 2.2 loses references where structures with objects are copied into another order")


@pytest.mark.parametrize("name", ["contiguous", "backwards", "without dimensions", "empty", "view",
                                  *(pytest.param(name, marks=NUMPY_LEAKS) for name in ("fortran", "broadcast"))])
@pytest.mark.parametrize("dtype", STRUCTURES, ids=str)
def test_objects_in_structures(copier, dtype, name):
    def result(deepcopy):
        log = []

        def fill(x, dtype):
            for field in dtype.names or ():
                fill(x[field], dtype[field])
            if dtype.hasobject and not dtype.names:
                for i in np.ndindex(x.shape):
                    x[i] = Hook(f"{dtype} {i}", log, lambda self, memo: [self.label])

        def make(shape):
            x = np.zeros(shape, dtype)
            fill(x, x.dtype)
            return x

        x = LAYOUTS[name](make)
        y = deepcopy([x, x])
        assert y[0] is y[1]
        return log, repr(y), described(y[0])

    assert result(copier.deepcopy) == result(copy.deepcopy)


def test_a_scalar_of_a_structure_with_objects(copier):
    x = np.zeros(1, [("a", "O")])
    x["a"][0] = [1]
    expected, y = copy.deepcopy(x[0]), copier.deepcopy(x[0])
    assert type(y) is type(expected) and y["a"] == [1] and (y["a"] is x["a"][0]) == (expected["a"] is x["a"][0])


# ---- errors --------------------------------------------------------------------------------------------------------------

class Boom(Exception):
    pass


@pytest.mark.parametrize("dtype", ["O", [("a", "i4"), ("b", "O")]], ids=str)
@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("memo", [lambda: None, dict, collections.UserDict], ids=["none", "dict", "UserDict"])
def test_an_error_of_the_nth_child(copier, dtype, n, memo):
    def ends(deepcopy):
        error, living = Boom("boom"), []

        def turn(self, given):
            if self.label == n:
                raise error
            made = Hook("made", [])
            living.append(weakref.ref(made))
            return made

        x = np.zeros(5, dtype)
        for i in range(5):
            (x if dtype == "O" else x["b"])[i] = Hook(i, [], turn)
        m = memo()
        try:
            deepcopy([[0], x, [1]], m)
        except Boom as caught:
            assert caught is error
            caught.__traceback__ = None
        else:
            raise AssertionError("no error")
        entries = None if m is None else [type(value).__name__ for value in m.values()]
        del m
        gc.collect()
        return entries, [ref() is None for ref in living]

    assert ends(copier.deepcopy) == ends(copy.deepcopy)
    assert copier.deepcopy(of([1])).tolist() == [[1]]


def test_objects_that_cannot_be_copied(copier):
    x = of([1], threading.Lock())
    assert raised(copier.deepcopy, x) == raised(copy.deepcopy, x)
    assert raised(copier.deepcopy, [x]) == raised(copy.deepcopy, [x])


@pytest.mark.no_leak_check(reason="the interpreter keeps what ended threads had")
def test_threads_and_arrays_of_objects(calque, quick_switches):
    shared = [[i] for i in range(50)]
    x = [of(*shared, Hook("h", [])), np.arange(100_000.0)[::2], of(*shared)]
    wrong = []

    def run():
        for _ in range(20):
            y = calque.deepcopy(x)
            if not (y[0][0] is y[2][0] is not shared[0] and (y[1] == x[1]).all()):
                wrong.append(y)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
