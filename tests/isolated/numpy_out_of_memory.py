"""Fails the n-th allocation of a copy of arrays, and all from the n-th on, for every n until the copy succeeds. failing_malloc is preloaded.

After each failure: a MemoryError, the source as it was, the next copy right. After each sweep: no block more than before it.
"""

import copy
import gc
import sys

import failing_malloc
import numpy as np

import calque
import calque.plugins.numpy

from support.arrays import described, filled

AND_SO_ON = 1 << 40 if sys.version_info >= (3, 11) else 20  # 3.10 ends the process when it finds no memory for 32 MemoryErrors, one about the other


class Hook:
    def __deepcopy__(self, memo):
        return [self]


GRAPHS = {
    # Of a size that numpy keeps no freed memory of: the allocation is one that can fail.
    "plain": lambda: [filled((2000,), "f8"), filled((30, 40), "i4").T],
    "small": lambda: [filled((3,), "f8") for _ in range(20)],
    "many": lambda: {i: filled((200,), "f8") for i in range(20)},
    "strided": lambda: [filled((2000,), "f8")[::2], filled((30, 40), "i4")[:, ::-1]],
    "large": lambda: [filled((20_000,), "f8")],
    "scalars": lambda: [np.float64(i) for i in range(100)],
}


def main():
    gc.disable()
    tries = 0
    for name, make in GRAPHS.items():
        x = make()
        arrays = list(x.values()) if isinstance(x, dict) else x
        expected = [described(copy.deepcopy(array)) for array in arrays]

        def right(y):
            return [described(array) for array in (y.values() if isinstance(y, dict) else y)] == expected

        assert right(calque.deepcopy(x))
        balance = []
        for _ in range(6):
            before = failing_malloc.blocks()
            for to_the_end in (False, True):
                n = 0
                while True:
                    n += 1
                    tries += 1
                    try:
                        y = failing_malloc.call(calque.deepcopy, (x,), n, n + AND_SO_ON if to_the_end else n)
                    except MemoryError:
                        y = None
                    if failing_malloc.refused() == 0:
                        break
                    assert y is None or right(y), f"{name}, allocation {n}: a copy that is wrong"
                    y = None
                    if not balance:
                        assert [described(array) for array in arrays] == [described(array) for array in (make().values() if isinstance(x, dict) else make())]
                        assert right(calque.deepcopy(x)), f"{name}, allocation {n}: the next copy is wrong"
                y = None
            gc.collect()
            balance.append(failing_malloc.blocks() - before)
        assert min(balance[1:]) <= 0, f"{name}: each sweep left blocks behind: {balance}"
    print(f"done: {tries} tries")


main()
