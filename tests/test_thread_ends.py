"""Threads that end: after a copy, in the middle of one, by an exception, by a fork, with the interpreter."""

import gc
import os
import pathlib
import signal
import subprocess
import sys
import threading
import warnings

import pytest
from support.threads import SECONDS, in_threads

SCRIPT = pathlib.Path(__file__).parent / "isolated" / "shutdown.py"
pytestmark = pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")


def graph(hook):
    shared = [1]
    return [shared, {"k": shared}, (shared, [2]), hook, [shared, {3}]]


class Hook:
    """__deepcopy__ calls a function, and then copies a child with the memo it was given."""

    def __init__(self, function, deepcopy):
        self.function, self.deepcopy, self.child = function, deepcopy, [4]

    def __deepcopy__(self, memo):
        made = self.deepcopy(self.child, memo)
        self.function()
        return made


def check(copied):
    assert copied == [[1], {"k": [1]}, ([1], [2]), [4], [[1], {3}]]
    assert copied[0] is copied[1]["k"] is copied[2][0] is copied[4][0]


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc here")
def test_memory_of_threads_that_copied_is_freed_with_them(copier):
    """A context keeps 128 KiB of log: a hundred threads would keep 12 MiB."""
    x = [[i] for i in range(10_000)]
    page = os.sysconf("SC_PAGESIZE")

    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * page

    def run():
        copier.deepcopy(x)

    for count in (8, 100):
        before = resident()
        for _ in range(count // 4):
            in_threads(4, lambda i: run() if i else copier.deepcopy([x, x[:10]]))
    assert resident() - before < 6 << 20


def test_a_thread_that_dies_in_the_middle_of_a_copy_harms_no_other(copier):
    class Dies(BaseException):
        pass

    def die():
        raise Dies

    def run(i):
        for _ in range(20):
            if i % 2:
                with pytest.raises(Dies):
                    copier.deepcopy(graph(Hook(die, copier.deepcopy)))
            check(copier.deepcopy(graph(Hook(int, copier.deepcopy))))

    in_threads(8, run)


def test_a_thread_ended_by_an_exception_of_another(copier):
    """PyThreadState_SetAsyncExc: the exception comes between two instructions of a hook."""
    import ctypes

    started, ended = threading.Event(), []

    def loop():
        started.set()
        while True:
            pass

    def run():
        try:
            copier.deepcopy(graph(Hook(loop, copier.deepcopy)))
        except KeyboardInterrupt:
            ended.append(copier.deepcopy(graph(Hook(int, copier.deepcopy))))

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)) == 1
    thread.join()
    check(ended[0])


# --- fork -----------------------------------------------------------------------------------------------------------

def fork():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: this process has threads
        return os.fork()


def status_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_child(function):
    """Runs it and ends the child, whatever happens; 0 if it returned. One that waits for a thread it lacks is ended by a signal."""
    signal.alarm(120)
    status = 1
    try:
        function()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def copy_all(copier):
    assert gc.isenabled()
    check(copier.deepcopy(graph(Hook(int, copier.deepcopy))))
    in_threads(2, lambda i: check(copier.deepcopy(graph(Hook(int, copier.deepcopy)))))
    copier.deepcopy({i: [[i], (i, [i])] for i in range(10_000)})
    gc.collect()


def test_a_fork_in_a_hook_gives_both_processes_their_copy(copier):
    children = []

    def split():
        children.append(fork())

    copied = error = None
    try:
        copied = copier.deepcopy(graph(Hook(split, copier.deepcopy)))
    except BaseException as caught:
        error = caught

    def both():
        assert error is None
        check(copied)
        copy_all(copier)

    if children[0] == 0:
        in_child(both)
    assert status_of(children[0]) == 0
    both()


def test_a_fork_while_another_thread_is_in_the_middle_of_a_copy(copier):
    """The child has a copy in flight that nobody will ever go on with."""
    inside, go_on = threading.Event(), threading.Event()

    def wait():
        inside.set()
        assert go_on.wait(60)

    x = graph(Hook(wait, copier.deepcopy))
    results = []
    thread = threading.Thread(target=lambda: results.append(copier.deepcopy(x)))
    thread.start()
    assert inside.wait(60)
    child = fork()
    if child == 0:
        def copies():
            go_on.set()
            copy_all(copier)
            check(copier.deepcopy(x))

        in_child(copies)
    assert status_of(child) == 0
    go_on.set()
    thread.join()
    check(results[0])


def test_forks_at_any_moment_of_copies_in_other_threads(copier, quick_switches):
    big = [[i, {"k": (i, [i])}] for i in range(3000)]
    stop = threading.Event()

    def run():
        while not stop.is_set():
            copier.deepcopy(big)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(max(3, int(20 * SECONDS))):
            child = fork()
            if child == 0:
                def copies():
                    sys.setswitchinterval(0.005)
                    copy_all(copier)
                    assert copier.deepcopy(big) == big

                in_child(copies)
            assert status_of(child) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_patch_works_on_in_a_forked_child(calque):
    import copy

    def copies():
        assert calque.patch.enabled() and calque.patch.disable()
        assert copy.deepcopy([[1]]) == [[1]]
        with calque.patch:
            assert copy.deepcopy([[1]]) == [[1]]

    calque.patch.enable()
    try:
        child = fork()
        if child == 0:
            in_child(copies)
        assert status_of(child) == 0
        assert calque.patch.enabled()
    finally:
        calque.patch.disable()


# --- the end of the interpreter -------------------------------------------------------------------------------------

@pytest.mark.parametrize("what", ["native", "hooks", "mixed", "patched", "handlers", "finalizers", "atexit", "exception", "signal"])
def test_the_interpreter_ends_with_copies_in_flight(copier, what):
    """Daemon threads are stopped wherever they ask for the GIL next: in a hook, or where a native stretch gives way.

    Up to 3.13 that unwinds their stacks. Frames compiled with exceptions ended the process: "terminate called without an active exception".
    """
    if what in ("patched", "handlers") and copier.name == "stdlib":
        pytest.skip("calque's only")
    for _ in range(1 if copier.name == "stdlib" else max(2, int(8 * SECONDS))):
        done = subprocess.run([sys.executable, "-X", "faulthandler", str(SCRIPT), copier.name.replace("stdlib", "copy"), what],
                              capture_output=True, text=True, timeout=100)
        assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", ""), (done.returncode, done.stdout, done.stderr[-3000:])
