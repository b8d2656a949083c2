"""Growth of a process over many copies: python steady.py WHAT [COUNT]

WHAT is
  mixed    COUNT copies (10**6) of all kinds of graphs, with errors and kept memos among them: resident and traced memory stay flat
  threads  COUNT threads (1000), one after the other, that make a big copy each: resident memory stays flat
  exit     some of each and COUNT threads, then the end of the interpreter: for a leak checker
  planted  the same, and a block of PLANTED bytes that nothing refers to any more
Prints one line that begins with OK, or raises.
"""

import ctypes
import gc
import itertools
import os
import sys
import threading
import tracemalloc

import calque

from support import memos, shapes
from support.probes import outcome
from tests.fuzz.fingerprint import fingerprint

memos.Hook.deepcopy = calque.deepcopy  # for the hooks in shapes

MOST = 2 << 20  # bytes of growth: one arena, and what the C library keeps
PLANTED = 4321
LEFT_OUT = {"finalizers"}  # each end of a copy makes two more


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Refuses:
    def __deepcopy__(self, memo):
        raise ValueError("refused")


def graphs():
    for name, make in shapes.GRAPHS.items():
        if name not in LEFT_OUT:
            x = make(calque.deepcopy)[0]
            yield name, x
            yield f"{name}, then an error", [x, Refuses()]


def copy_one(number, x):
    """One copy, with one of the kinds of memos and by one of the functions."""
    kind = number % 5
    if kind == 0:
        outcome(calque.deepcopy, x, {})
    elif kind == 1:
        calque.copy(x)
    else:
        outcome(calque.deepcopy, x)
    shapes.KEPT.clear()


def mixed(count):
    shapes.register(calque)
    # Long graphs as often as short ones would take all the time.
    found = [x for _, x in graphs() for _ in range(1 if is_long(x) else 12)]
    graph = itertools.cycle(found)
    numbers = itertools.count()

    def run(copies):
        for _ in range(copies):
            copy_one(next(numbers), next(graph))
        gc.collect()
        return resident()

    step = count // 10
    sizes = [run(step) for _ in range(10)]
    growth = sizes[-1] - sizes[2]  # caches are full by then
    assert growth < MOST, f"resident memory after each tenth: {sizes}"
    # Traced apart: it makes copies slower.
    tracemalloc.start()
    run(step // 10)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(3):
        run(step // 10)
    traced = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert traced < 64 << 10, f"traced memory grew by {traced} bytes"
    return f"{count} copies: {growth >> 10} KiB resident after the first three tenths, {traced} bytes traced"


def is_long(x):
    return len(fingerprint(x)) > 60


def threads(count):
    great = [child for child in [[] for _ in range(20_000)] for _ in range(2)]
    failed = []
    threading.excepthook = failed.append

    def work():
        calque.deepcopy(great)
        calque.deepcopy([[1], shapes.HookOnCopy([2])])

    def run(many):
        for _ in range(many):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            shapes.KEPT.clear()
            assert not failed, failed
        gc.collect()
        return resident()

    # What the C library gives back, and when, differs by megabytes either way; what threads leave behind is there each time.
    sizes = [run(50), *(run(count // 3) for _ in range(3))]
    growth = min(after - before for before, after in itertools.pairwise(sizes))
    assert growth < MOST // 3, f"resident memory after 50 threads and each third of {count}: {sizes}"
    return f"{count} threads: {growth >> 10} KiB resident after the third with the least growth"


def leave(count):
    shapes.register(calque)
    for number, (_, x) in enumerate(graphs()):
        for kind in range(5):
            copy_one(number + kind, x)
    for _ in range(count):
        thread = threading.Thread(target=copy_in_thread, args=(shapes.GRAPHS["everything"](calque.deepcopy)[0],))
        thread.start()
        thread.join()
    return f"{5 * (number + 1)} copies, {count} threads"


def copy_in_thread(x):
    for number in range(5):
        copy_one(number, x)


def planted(count):
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    for _ in range(3):  # the address of one may still lie about
        libc.malloc(PLANTED)
    return leave(count)


if __name__ == "__main__":
    run, default = {"mixed": (mixed, 10**6), "threads": (threads, 1000), "exit": (leave, 20), "planted": (planted, 20)}[sys.argv[1]]
    print("OK", run(int(sys.argv[2]) if len(sys.argv) > 2 else default), flush=True)
