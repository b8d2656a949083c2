"""A run for which the n-th allocation fails ends with MemoryError, and leaves calque.effects fit for the next one."""

import os
import sys

import pytest

from support import isolated

pytestmark = [
    pytest.mark.no_leak_check(reason="the runs are in a process of their own"),
    pytest.mark.skipif(hasattr(sys, "gettotalrefcount"), reason="a debug interpreter (3.11) ends where it has no memory for the cell of a variable"),
    pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer's allocator is preloaded"),
]


def test_a_failed_allocation_anywhere_in_a_run_is_a_memory_error():
    status, said, complaints = isolated.failing("effects_out_of_memory.py")
    assert status == 0 and said.startswith("done: "), complaints
