"""Chains of a million objects: the depth of a graph costs memory, not C stack.

Each chain lives in a process of its own that ends by os._exit while source and copy are alive: CPython itself cannot free every such chain.  stdlib
is not asked here: it has its recursion limit, and that is the one difference a program may see.
"""

import copy
import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent / "isolated" / "depth.py"
DEPTH = 1_000_000
# Kinds of which a chain and its copy take more than a gigabyte: one process at a time.
BIG = {"deque", "method", "partial_of_partial", "partial", "slots", "reduce_state"}
KINDS = ("list", "tuple", "dict", "frozenset", "set", "dict_key", "instance", "slots", "list_subclass", "dict_subclass", "tuple_subclass", "namedtuple",
         "deque", "ordered_dict", "defaultdict", "reduce", "reduce_state", "method", "partial", "partial_of_partial", "exception", "mixed")
STACKS = ("main", "256")


def start(kind, depth, stack, action):
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen([sys.executable, str(SCRIPT), kind, str(depth), stack, action], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out.strip(), err[-2000:]


pytestmark = pytest.mark.no_leak_check(reason="the work is done in child processes")


@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_of_a_million_is_copied_in_the_main_thread_and_on_a_small_stack(calque, kind):
    if kind in BIG:
        results = [finish(start(kind, DEPTH, stack, "copy")) for stack in STACKS]
    else:
        results = [finish(process) for process in [start(kind, DEPTH, stack, "copy") for stack in STACKS]]
    assert [(code, said) for code, said, _ in results] == [(0, "OK copied")] * 2, results


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["abort", "late"])
def test_a_deep_copy_that_fails_is_released_without_a_crash(calque, kind, action):
    """If the interpreter can free the chain itself; where it cannot, that is shown instead."""
    depth = 200_000
    code, said, err = finish(start(kind, depth, "256", action))
    if code != 0:
        assert finish(start(kind, depth, "256", "free"))[0] != 0, f"the interpreter frees such a chain, but after a failed copy: {said} {err}"
    else:
        assert said == "OK aborted"


def test_the_copy_of_a_chain_can_be_freed_like_the_chain_itself(calque):
    x = []
    for _ in range(DEPTH):
        x = [x]
    copied = calque.deepcopy(x)
    depth = 0
    while copied:
        copied = copied[0]
        depth += 1
    assert depth == DEPTH


def test_stdlib_still_refuses_what_calque_copies():
    """The allowed difference, seen from the other side."""
    x = []
    for _ in range(DEPTH // 100):
        x = [x]
    with pytest.raises(RecursionError):
        copy.deepcopy(x)


def test_a_user_hook_that_recurses_for_ever_ends_in_recursion_error(copier):
    class Endless:
        def __deepcopy__(self, memo):
            return copier.deepcopy(Endless(), memo)

    with pytest.raises(RecursionError):
        copier.deepcopy([Endless()])


def test_hooks_that_copy_their_child_go_as_deep_as_the_recursion_limit_lets_them(copier):
    class Node:
        def __init__(self, below):
            self.below = below

        def __deepcopy__(self, memo):
            return Node(copier.deepcopy(self.below, memo))

    x = None
    for _ in range(150):
        x = Node([x])
    copied = copier.deepcopy(x)
    for _ in range(150):
        copied = copied.below[0]
    assert copied is None


def test_too_many_hooks_within_hooks_end_in_recursion_error_also_on_a_small_stack(calque):
    process = subprocess.run([sys.executable, "-c", HOOK_CHAIN], env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                             capture_output=True, text=True, timeout=300)
    assert (process.returncode, process.stdout.strip()) == (0, "RecursionError"), process.stderr[-2000:]


HOOK_CHAIN = """
import os, sys, threading
import calque

class Node:
    def __init__(self, below):
        self.below = below
    def __deepcopy__(self, memo):
        return Node(calque.deepcopy(self.below, memo))

x = None
for _ in range(100_000):
    x = Node([x])
# The interpreter's own limit is out of the way: calque has to know the bounds of the stack it runs on.
sys.setrecursionlimit(10**6)

def run():
    try:
        calque.deepcopy(x)
    except RecursionError:
        print("RecursionError", flush=True)
    os._exit(0)

threading.stack_size(1024 * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


@pytest.mark.parametrize("kilobytes", [128, 256, 1024])
def test_chains_below_hooks_that_are_nested_to_the_end_of_the_stack(calque, kilobytes):
    """A copy may begin where hardly any C stack is left."""
    command = [sys.executable, str(SCRIPT.with_name("small_stack.py")), str(kilobytes)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "RecursionError\n"), done.stderr[-2000:]
