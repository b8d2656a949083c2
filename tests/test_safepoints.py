"""Others have their turn while a long native copy runs: threads, handlers of signals, exceptions sent from elsewhere (runtime/safepoint.hpp).

No time is measured here.  A copy takes tens of milliseconds, and who waits asks again every tenth of one: without safepoints nobody has a
single turn.  How long they wait is measured by perf/waiting.py.
"""

import ctypes
import functools
import gc
import signal
import sys
import threading
import time

import calque
import pytest
from support.memos import Plain

# Without the interpreter's own flag others are offered a turn by the clock, every ten milliseconds: it takes a longer copy to have one.
BY_THE_CLOCK = calque._calque._strategies["eval_breaker"] == "public API"
MANY = 500_000 if BY_THE_CLOCK else 100_000
pytestmark = pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")


class Own:
    """With attributes in a dict of its own."""


def own(i):
    x = Own()
    x.__dict__.update({f"a{k}": [i] for k in range(3)})
    return x


def plain(i):
    x = Plain()
    x.a = [i]
    return x


def chain(wrap):
    x = [1]
    for _ in range(MANY):
        x = wrap(x)
    return x


def with_a_hole(x):
    del x[7]
    return x


SHARED = [[i] for i in range(100)]
GRAPHS = {
    "lists": lambda: [[i] for i in range(MANY)],
    "dicts": lambda: [{"a": [i]} for i in range(MANY)],
    "one wide dict": lambda: {i: [i] for i in range(MANY)},
    "a dict with a hole": lambda: with_a_hole({i: [i] for i in range(MANY)}),
    "tuples": lambda: [([i],) for i in range(MANY)],
    "tuples that are their own copies": lambda: [(i,) for i in range(MANY * 4)],
    "instances": lambda: [plain(i) for i in range(MANY)],
    "instances with a dict": lambda: [own(i) for i in range(MANY // 2)],
    "sets": lambda: [{i, -i} for i in range(MANY)],
    "shared": lambda: [[SHARED[i % 100], i] for i in range(MANY)],
    "a chain of lists": lambda: chain(lambda x: [x]),
    "a chain of dicts": lambda: chain(lambda x: {"k": x}),
    "a chain of tuples": lambda: chain(lambda x: (x,)),
}


if BY_THE_CLOCK:
    GRAPHS = {name: GRAPHS[name] for name in ("lists", "one wide dict", "a chain of lists")}


@pytest.fixture
def big():
    """Makes a graph; chains are taken apart afterwards, since the interpreter cannot free them all in one go."""
    made = []

    def make(name):
        made.append(GRAPHS[name]())
        return made[-1]

    yield make
    for x in made:
        take_apart(x)


def take_apart(x):
    while x:
        if isinstance(x, dict):
            x = x.pop(next(reversed(x)))
        elif isinstance(x, list):
            x = x.pop()
        else:
            x = x[0] if isinstance(x, tuple) else None
        if not isinstance(x, (list, dict, tuple)):
            return


@pytest.fixture
def quick_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(interval)


class Other:
    """A thread that calls `turn` whenever it has the GIL, from begin() until the end of the block."""

    def __init__(self, turn=lambda: None):
        self.turn = turn
        self.turns = 0
        self.log = []
        self.going, self.ended = threading.Event(), False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        self.going.wait()
        while not self.ended:
            self.turns += 1
            if self.log and self.log[-1] is not None:
                self.log.append(None)
            self.turn()

    def __enter__(self):
        self.thread.start()
        return self

    def begin(self):
        """Returns when it has had its first turn."""
        self.going.set()
        while not self.turns:
            time.sleep(1e-3)

    def has_turns_during(self, deepcopy, x):
        """Whether it had a turn while x was copied, and the copy of x; tried again if the machine was too busy to run it at all.

        Two objects, before and behind x, note when they are reached, by a function that is no bytecode: there the interpreter itself would
        let others have their turn."""
        mark = type("Mark", (), {"__deepcopy__": self.log.append})
        for _ in range(30):
            self.log.clear()
            copied = deepcopy([mark(), x, mark()])[1]
            log = self.log[:]
            begin, end = (i for i, entry in enumerate(log) if entry is not None)
            if end - begin > 1:
                return True, copied
            take_apart(copied)
        return False, copied

    def __exit__(self, *error):
        self.ended = True
        self.going.set()
        self.thread.join()


def same(a, b):
    """Equal, without recursion, as far down as the first element of each."""
    while isinstance(a, (list, tuple, dict)) and a:
        assert type(a) is type(b) and len(a) == len(b)
        a, b = (x if not isinstance(x, dict) else list(x.items())[0] for x in (a, b))
        a, b = a[-1], b[-1]
    assert a == b or type(a) is type(b) is Own or type(a) is type(b) is Plain


@pytest.mark.parametrize("graph", GRAPHS)
def test_another_thread_has_turns_during_a_copy(calque, graph, big, quick_switches):
    x = big(graph)
    with Other() as other:
        other.begin()
        turns, copied = other.has_turns_during(calque.deepcopy, x)
    assert turns, "nobody else ran during the copy"
    same(x, copied)
    take_apart(copied)


@pytest.mark.parametrize("graph", [name for name in ("lists", "one wide dict", "instances", "a chain of dicts") if name in GRAPHS])
def test_a_memo_of_the_callers_makes_no_difference(copier, graph, big, quick_switches):
    if copier.name == "stdlib" and "chain" in graph:
        pytest.skip("stdlib's copy is recursive")
    x, memo = big(graph), {}

    def copy(x):
        memo.clear()
        return copier.deepcopy(x, memo)

    with Other() as other:
        other.begin()
        turns, copied = other.has_turns_during(copy, x)
    assert turns
    assert memo[id(x)] is copied
    same(x, copied)
    take_apart(copied)
    memo.clear()


@pytest.mark.parametrize("late", [False, True])
def test_turns_while_a_large_memo_is_written_for_a_hook(calque, late, quick_switches):
    """In slices: when a hook is called, or at the end, if an earlier hook has kept the dict."""
    kept = []

    class Hook:
        __deepcopy__ = kept.append

    lists = [[i] for i in range(MANY)]
    x = [lists, Hook()] if late else [Hook(), lists]

    def copy(x):
        kept.clear()
        return calque.deepcopy(x)

    with Other() as other:
        other.begin()
        turns, copied = other.has_turns_during(copy, x)
    assert turns
    assert all(kept[0][id(original)] is copy for original, copy in zip(lists, copied[0 if late else 1]))


class Alarm(Exception):
    pass


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_handler_of_a_signal_runs_during_a_copy_and_its_exception_ends_it(calque, graph, big):
    copied_all, where = [], []

    class End:
        """Says that it was reached without a bytecode, at which a handler would run."""

        __deepcopy__ = copied_all.append

    def handler(number, frame):
        where.append(len(copied_all))
        raise Alarm

    x = [big(graph), End()]
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(Alarm):
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            take_apart(calque.deepcopy(x))
            for _ in range(10**7):
                pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert where == [0], "the handler waited for the end of the copy"
    assert calque.deepcopy([[1]]) == [[1]]


def test_an_exception_sent_to_the_thread_ends_the_copy(calque, quick_switches):
    copied_all = []

    class End:
        __deepcopy__ = copied_all.append

    x = [[[i] for i in range(MANY * 4)], End()]
    me = threading.get_ident()
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def turn():
        time.sleep(5e-3)
        if other.turns == 2:
            other.turns += 1
            send(ctypes.c_ulong(me), ctypes.py_object(Alarm))

    with Other(turn) as other:
        with pytest.raises(Alarm):
            other.begin()
            calque.deepcopy(x)
            for _ in range(10**7):
                pass
    assert not copied_all, "the exception waited for the end of the copy"


def test_a_pending_call_is_made_during_a_copy(calque):
    copied_all, seen = [], []
    call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: seen.append(len(copied_all)) or 0)

    class Begin:
        # From 3.14 on a partial in a class is a method.
        __deepcopy__ = staticmethod(functools.partial(ctypes.pythonapi.Py_AddPendingCall, call))

    class End:
        __deepcopy__ = copied_all.append

    ctypes.pythonapi.Py_AddPendingCall.argtypes = [type(call), ctypes.py_object]
    calque.deepcopy([Begin(), [[i] for i in range(MANY)], End()])
    for _ in range(10**5):
        pass
    assert seen == [0]


def test_the_collector_is_the_callers_while_others_run_and_what_they_set_is_kept(calque, quick_switches):
    x = [[i] for i in range(MANY)]
    seen = set()

    def look():
        seen.add(gc.isenabled())

    gc.enable()
    with Other(look) as other:
        other.begin()
        assert other.has_turns_during(calque.deepcopy, x)[0]
    assert seen == {True}

    def switch_off():
        seen.add(gc.isenabled())
        gc.disable()

    seen.clear()
    try:
        with Other(switch_off) as other:
            other.begin()
            calque.deepcopy(x)
            assert not gc.isenabled()
        assert seen == {True, False}
    finally:
        gc.enable()


def test_a_list_cleared_by_another_thread_is_copied_up_to_there(calque, quick_switches):
    """The child asked for stays alive although its parent has lost it."""
    x, armed, others, cut = [], [], [], 0

    class Begin:
        __deepcopy__ = armed.append

    def clear():
        if armed:
            x.clear()
            others[:] = [[-1] for _ in range(MANY)]  # where the lists were
            armed.clear()

    for _ in range(30):
        x.extend([i] for i in range(MANY))
        with Other(clear) as other:
            other.begin()
            copied = calque.deepcopy([Begin(), x])[1]
        assert copied == [[i] for i in range(len(copied))]
        cut += 0 < len(copied) < MANY
        x.clear()
        armed.clear()
        if cut == 5:
            break
    assert cut, "no copy was under way when the list was cleared"


def test_an_object_moved_by_another_thread_is_copied_once(calque, quick_switches):
    """What was copied when only one list held it may be met again in another: it is owned, and found."""
    moved = []
    tail = []
    x = [[[i]] for i in range(MANY)]
    whole = [x, tail]

    def move():
        # The second half of the graph refers to what the first half no longer holds.
        if len(moved) < 2000:
            i = len(moved) * 7
            moved.append(i)
            tail.append(x[i])
            x[i] = None

    with Other(move) as other:
        other.begin()
        copied = calque.deepcopy(whole)
    seen = {}
    for part in copied:
        for obj in part:
            if obj is not None:
                assert seen.setdefault(obj[0][0], obj) is obj, "copied twice"
