"""calque.extra: replicate(x, n) is n deep copies, repeatcall(f, n) the results of n calls."""

import collections
import contextlib
import copy
import gc
import signal
import sys
import threading

import pytest

from support.probes import Hook, raised
from support.topology import topology
from test_prepared import WITH, WITHOUT

MANY = 40  # more than it takes for a graph to be looked at


def own_copies(x, n):
    return [copy.deepcopy(x) for _ in range(n)]


@pytest.mark.parametrize("make", [*WITH.values(), *WITHOUT.values()], ids=[*WITH, *WITHOUT])
@pytest.mark.parametrize("n", [0, 1, 2, MANY])
def test_the_copies_are_those_that_deepcopy_makes(calque, make, n):
    x = make()
    if make is WITHOUT["deep"]:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 3000))
    for _ in range(2):  # a class has its plan from its first copy on
        copies = calque.extra.replicate(x, n)
        assert type(copies) is list and len(copies) == n
        if make is WITH["wide"]:
            copies = [*copies[:2], *copies[2:][-1:]]
        assert topology([x, *copies]) == topology([x, *own_copies(x, len(copies))])


@pytest.mark.parametrize("x", [5, "text", None, (1, (2, 3)), len, int])
def test_what_is_its_own_copy_is_there_n_times(calque, x):
    copies = calque.extra.replicate(x, MANY)
    assert len(copies) == MANY and all(y is x for y in copies)


def test_hooks_run_for_each_copy(calque):
    log = []
    calque.extra.replicate([[1], Hook("h", log)], MANY)
    assert log == ["h"] * MANY


def test_what_a_hook_does_to_the_object_is_in_the_next_copy(calque):
    def growing():
        x = [[0]]
        x.append(Hook("h", [], lambda self, memo: x.append([len(x)])))
        return x

    copies, expected = calque.extra.replicate(growing(), MANY), own_copies(growing(), MANY)
    assert copies == expected and len(copies[-1]) > len(copies[0])


def test_a_hook_that_comes_into_the_object_is_called(calque):
    def changing(log):
        x = [[0]]
        first = Hook("first", log, lambda self, memo: x.__setitem__(0, Hook("second", log)))
        x.append(first)
        return x

    got, expected = [], []
    assert [repr(y) for y in calque.extra.replicate(changing(got), MANY)] == [repr(y) for y in own_copies(changing(expected), MANY)]
    assert got == expected


def test_what_another_thread_does_to_the_object_is_in_the_next_copy(calque, quick_switches):
    """The graph is looked at again when others had their turn: what they took out of it may be dead."""
    x = [[0, []], [0, []]]
    done = threading.Event()

    def change():
        k = 0
        while not done.is_set():
            k += 1
            x[:] = [[k, []], [k, []]]

    thread = threading.Thread(target=change)
    thread.start()
    most = 0
    try:
        for _ in range(200):
            copies = calque.extra.replicate(x, 20_000)
            assert all(a == b for a, b in copies)
            most = max(most, len({a[0] for a, _ in copies}))
            if most >= 2:
                break
    finally:
        done.set()
        thread.join()
    assert most >= 2  # in one call


class Stop(Exception):
    pass


@contextlib.contextmanager
def alarm(handler, seconds):
    before = signal.signal(signal.SIGALRM, lambda number, frame: handler())
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_a_signal_does_to_the_object_is_in_the_next_copy(calque):
    for _ in range(100):
        x = [[1]]
        with alarm(lambda: x.__setitem__(0, [2]), 0.01):
            values = [y[0][0] for y in calque.extra.replicate(x, 300_000)]
        assert values == sorted(values)
        if values[0] != values[-1]:
            break
    assert (values[0], values[-1]) == (1, 2)  # in one call


def by_no_recipe():
    """A dict with a hole: prepare has none for it (runtime/prepared.hpp)."""
    x = {1: [], 2: [1]}
    del x[1]
    return x


@pytest.mark.parametrize("function, x", [("replicate", [[1]]), ("replicate", by_no_recipe()), ("replicate", collections.deque([1])), ("repeatcall", dict)])
def test_a_signal_is_handled_between_copies_and_calls(calque, function, x):
    n = 3_000_000
    before = sys.getallocatedblocks()
    made = []

    def stop():
        made.append(sys.getallocatedblocks() - before)
        raise Stop

    with alarm(stop, 0.01):
        assert raised(getattr(calque.extra, function), x, n)[0] is Stop
    assert made[0] < n


@pytest.mark.parametrize("fails_at", [1, 2, 30])
def test_an_error_ends_the_copies(calque, fails_at):
    log = []

    def action(self, memo):
        if len(log) == fails_at:
            raise ValueError(f"copy {len(log)}")
        return self

    assert raised(calque.extra.replicate, [[], Hook("h", log, action)], MANY) == (ValueError, f"copy {fails_at}")
    assert len(log) == fails_at


def test_what_cannot_be_copied(calque):
    assert raised(calque.extra.replicate, [sys], 3) == raised(copy.deepcopy, [sys])
    assert calque.extra.replicate([sys], 0) == []


def test_repeatcall_is_a_list_of_results(calque):
    counted = iter(range(100))
    assert calque.extra.repeatcall(counted.__next__, 5) == [0, 1, 2, 3, 4]
    assert calque.extra.repeatcall(lambda: next(counted), 3) == [5, 6, 7]
    assert calque.extra.repeatcall(list, 2) == [[], []]
    assert calque.extra.repeatcall(list, 0) == calque.extra.repeatcall(None, 0) == []
    prepared = calque.prepare({"a": [1]})
    assert calque.extra.repeatcall(prepared, 3) == [{"a": [1]}] * 3 and prepared.copies == 3


def test_an_error_ends_the_calls(calque):
    counted = iter(range(3))
    assert raised(calque.extra.repeatcall, counted.__next__, 5)[0] is StopIteration
    assert raised(calque.extra.repeatcall, 5, 1) == (TypeError, "'int' object is not callable")


@pytest.mark.parametrize("name", ["replicate", "repeatcall"])
def test_numbers_that_will_not_do(calque, name):
    function = getattr(calque.extra, name)
    x = [list]  # of which repeatcall would say something else

    class Index:
        def __index__(self):
            return 2

    class Bad:
        def __index__(self):
            raise LookupError("bad")

    assert raised(function, x, -1) == (ValueError, f"{name}() argument 2 (n) must not be negative, got -1")
    for wrong in (1.5, "3", None, [1]):
        assert raised(function, x, wrong) == (TypeError, f"{name}() argument 2 (n) must be an int, not {type(wrong).__name__}")
    assert raised(function, x, 2**70)[0] is OverflowError
    assert raised(function, x, sys.maxsize)[0] is raised(function, x, sys.maxsize // 8 + 1)[0] is MemoryError
    assert raised(function, x, Bad()) == (LookupError, "bad")
    assert raised(function, x) == (TypeError, f"{name}() takes two positional arguments (1 given)")
    assert raised(function, x, 1, 2) == (TypeError, f"{name}() takes two positional arguments (3 given)")
    assert raised(function, x, n=1)[0] is TypeError
    assert len(function(list, Index())) == 2 and len(function(list, True)) == 1


def test_copies_that_live_on_cycles_are_collected(calque):
    gc.collect()
    x = []
    x.append(x)
    copies = calque.extra.replicate(x, 1000)
    assert all(y[0] is y for y in copies)
    del copies
    assert gc.collect() >= 1000
