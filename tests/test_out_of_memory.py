"""A copy for which the n-th allocation fails ends with MemoryError, and leaves calque fit for the next one.

What is asked after each failure is in tests/isolated/out_of_memory.py; here every graph is copied with a memo of calque's own. Dicts as memos, leaks, and
empty caches for all graphs are in tests/stress/memory.py.
"""

import os

import pytest

from calque import _calque
from support import isolated

pytestmark = [
    pytest.mark.no_leak_check(reason="the copies run in processes of their own"),
    pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer's allocator is preloaded"),
]


PUBLIC_API = set(_calque._strategies.values()) == {"public API"}


def test_a_failed_allocation_anywhere_in_a_copy_is_a_memory_error():
    """Also of the interpreter's own look-ups: a name that could not be made once led to a call of NULL."""
    # Plans are made anew in every call: 23,000 tries for these two graphs.
    graphs = "all but instances in a chain,tuples rejected in turn" if PUBLIC_API else "all"
    status, said, complaints = isolated.out_of_memory("calque", "deepcopy,copy,replace", graphs, "warm", 0)
    assert status == 0 and said.startswith("done: "), complaints


@pytest.mark.skipif(PUBLIC_API,
                    reason="copy's tables are read anew in every call, into containers of C++: a thread's first exception ends the process")
@pytest.mark.parametrize("graph", [
    "deque long",  # whose end loses the exception that is set
    "list",  # the first copy of a thread
    "tuples rejected in turn",  # in whose copies something dies
    "everything",
    "lists in a chain",
    "hooks that enter themselves",
])
def test_a_failed_allocation_in_a_thread_that_has_copied_nothing_yet(graph):
    status, said, complaints = isolated.out_of_memory("calque", "deepcopy", graph, "cold", 0)
    assert status == 0 and said.startswith("done: "), complaints
