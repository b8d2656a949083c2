"""What takes minutes of the tests of depth: `make stress PARTS=depth`. Not collected by itself.

For each kind of object a chain of a million of them, on a stack of one size in turn:
  abort   its innermost object refuses: no copy is finished, so whatever was begun is freed without recursion, at any depth
  copy    the kinds that tests/test_depth.py does not have
Freed is at a million, or else at the greatest depth at which the interpreter frees the same chain on the same stack:
  both    the copy and the chain
  after, memory   a copy that was finished, or half finished, when it was given up, and the chain.  The copy is then freed from within calque, whose own
                  calls take some of the stack: an eighth is left to them where the depth is not a million.
"""

import concurrent.futures
import itertools
import threading

import pytest

from support import isolated

pytestmark = pytest.mark.no_leak_check(reason="the copies run in processes of their own")

DEPTH = 1_000_000
STACKS = ("128", "256", "1024", "8192")
NEW = ("syntax", "counter", "namespace", "set_subclass", "list_with_attribute", "dataclass", "dict_of_its_own", "slots_and_dict", "list_items", "dict_items")
KINDS = ("list", "tuple", "dict", "frozenset", "set", "dict_key", "instance", "slots", "list_subclass", "dict_subclass", "tuple_subclass", "namedtuple",
         "deque", "ordered_dict", "defaultdict", "reduce", "reduce_state", "method", "partial", "partial_of_partial", "exception", "mixed", *NEW)
ON_EVERY_STACK = ("list", "instance", "reduce_state")
PLACES = [*zip(KINDS, itertools.cycle(STACKS)), *((kind, stack) for kind in ON_EVERY_STACK for stack in STACKS)]
# Two children at a time, but one of those with more than a gigabyte.
BIG = {"deque", "method", "partial_of_partial", "partial", "slots", "reduce_state", "set", "set_subclass", "dict_key", "list_items", "dict_items", "counter"}
one_big = threading.Lock()


def run(kind, depth, stack, action):
    """What the child says, or how it ended."""
    environment = {}
    if action == "memory":
        library = isolated.failing_malloc()[0]
        environment = {"PYTHONPATH": str(library.parent), "LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc"}
    with one_big if kind in BIG and depth > DEPTH // 10 else threading.Lock():
        status, said, complaints = isolated.run("depth.py", kind, depth, stack, action, **environment)
    return said if status == 0 else f"status {status}: {said} {complaints[:300]}"


def greatest_depth_freed(kind, stack):
    """To 2 %; at most a million."""
    if run(kind, DEPTH, stack, "free") == "OK freed":
        return DEPTH
    works, fails = 10, DEPTH
    while fails > works * 1.02 + 1:
        middle = int((works * fails) ** 0.5) if fails > 2 * works else (works + fails) // 2
        if run(kind, middle, stack, "free") == "OK freed":
            works = middle
        else:
            fails = middle
    return works


def freed_at(kind, stack, depth):
    """What did not end well, by action."""
    below = depth if depth == DEPTH else depth * 7 // 8
    said = {action: run(kind, at, stack, action) for action, at in (("both", depth), ("after", below), ("memory", below))}
    return {action: what for action, what in said.items() if what != "OK freed"}


def try_freeing(place):
    kind, stack = place
    depth, wrong = DEPTH, freed_at(kind, stack, DEPTH)
    if wrong:
        depth = greatest_depth_freed(kind, stack)
        if depth < DEPTH:  # else the interpreter could
            wrong = freed_at(kind, stack, depth)
    print(kind, stack, depth, wrong or "OK", flush=True)
    return [(kind, stack, depth, action, what) for action, what in wrong.items()]


def in_two_lanes(function, places):
    isolated.failing_malloc()  # compiled once
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, places))


def test_a_million_of_each_kind_are_copied(calque):
    ended = in_two_lanes(lambda place: (*place, run(place[0], DEPTH, place[1], "copy")), [place for place in PLACES if place[0] in NEW])
    assert [end for end in ended if end[2] != "OK copied"] == []


def test_a_copy_refused_by_the_innermost_of_a_million_is_released(calque):
    ended = in_two_lanes(lambda place: (*place, run(place[0], DEPTH, place[1], "abort")), dict.fromkeys(PLACES))
    assert [end for end in ended if end[2] != "OK aborted"] == []


def test_copies_are_freed_as_deep_as_their_sources(calque):
    wrong = sum(in_two_lanes(try_freeing, dict.fromkeys(PLACES)), [])
    assert wrong == []
