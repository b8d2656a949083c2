"""Failing each allocation of a call: the n-th alone, and all from the n-th on, for every n until the call succeeds.

failing_malloc is preloaded. Sweeps are repeated until one leaves no block behind.
"""

import gc
import sys

import failing_malloc

# How many fail from the n-th on: all. 3.10 ends the process when it finds no memory for 32 MemoryErrors, one about the other.
AND_SO_ON = 1 << 40 if sys.version_info >= (3, 11) else 20
clear_type_cache = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache

ROUNDS = 12  # until caches are full


def blocks():
    """In use, without garbage and the names that the cache of type attributes keeps."""
    gc.collect()
    clear_type_cache()
    return failing_malloc.blocks()


def sweep(name, function, arguments, check):
    """How many tries there were.

    arguments: () -> those of the next try.
    check: (result, or None after a MemoryError; where: for messages; whether this is the first round) -> asserts that all is as it should be.
    """
    tries = 0
    balance = []
    while len(balance) < 2 or balance[-1] > 0:
        assert len(balance) < ROUNDS, f"{name}: each sweep left blocks behind: {balance}"
        before = blocks()
        for to_the_end in (False, True):
            n, done = 0, False
            while not done:
                n += 1
                tries += 1
                try:
                    result = failing_malloc.call(function, arguments(), n, n + AND_SO_ON if to_the_end else n)
                except MemoryError:
                    result = None
                done = failing_malloc.refused() == 0
                assert result is not None or not done, f"{name}: MemoryError, and no allocation has failed"
                check(result, f"{name}, allocation {n}", not balance)
                result = None
        balance.append(blocks() - before)
    return tries
