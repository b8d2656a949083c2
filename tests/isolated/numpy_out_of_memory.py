"""Fails each allocation of a copy of arrays (sweeps.py). After each failure: a MemoryError, the source as it was, the next copy right."""

import copy
import gc

import numpy as np

import calque
import calque.plugins.numpy

from support.arrays import described, filled
from sweeps import sweep


GRAPHS = {
    # Of a size that numpy keeps no freed memory of: the allocation is one that can fail.
    "plain": lambda: [filled((2000,), "f8"), filled((30, 40), "i4").T],
    "small": lambda: [filled((3,), "f8") for _ in range(20)],
    "many": lambda: {i: filled((200,), "f8") for i in range(20)},
    "strided": lambda: [filled((2000,), "f8")[::2], filled((30, 40), "i4")[:, ::-1]],
    "large": lambda: [filled((20_000,), "f8")],
    "scalars": lambda: [np.float64(i) for i in range(100)],
}


def described_all(arrays):
    return [described(array) for array in (arrays.values() if isinstance(arrays, dict) else arrays)]


def main():
    gc.disable()
    tries = 0
    for name, make in GRAPHS.items():
        x = make()
        expected = described_all(copy.deepcopy(x))

        def check(y, where, in_first_round, make=make, x=x, expected=expected):
            assert y is None or described_all(y) == expected, f"{where}: a copy that is wrong"
            y = None
            if in_first_round:
                assert described_all(x) == described_all(make()), f"{where}: the source has changed"
                assert described_all(calque.deepcopy(x)) == expected, f"{where}: the next copy is wrong"

        assert described_all(calque.deepcopy(x)) == expected
        tries += sweep(name, calque.deepcopy, lambda x=x: (x,), check)
    print(f"done: {tries} tries")


main()
