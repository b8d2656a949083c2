"""Fails the n-th allocation of a copy that fails anyway, and all from the n-th on, for every n until none is refused: the error stays what it
was or is a MemoryError, and its path is the right one or none. Runs in a process of its own in which failing_malloc is preloaded.
"""

import functools
import gc
import sys
import threading

import failing_malloc

import calque

from sweeps import AND_SO_ON


class Copies:
    def __init__(self, child):
        self.child = child

    def __deepcopy__(self, memo):
        return calque.deepcopy(self.child, memo)


PATHS = {
    "$": threading.Lock(),
    "$['a'][0]{<tuple>}[1]": {"a": [{(1, threading.Lock())}]},
    "$[0].child['k'][0]": [Copies({"k": [threading.Lock()]})],
    "$" + "[0]" * 16 + "...68..." + "[0]" * 16: functools.reduce(lambda x, _: [x], range(100), threading.Lock()),
}
gc.freeze()  # where every safepoint has a collection, each would look at all modules
# Without a text, if there was no memory for it. Without its inner part, if there was none for that.
parts = {"$[0].child['k'][0]": "$[0]"}
counted = dict.fromkeys(("the path", "no path", "MemoryError"), 0)
for path, x in PATHS.items():
    for last in (0, AND_SO_ON):
        for n in range(1, 10_000):
            error = None
            try:
                failing_malloc.call(calque.deepcopy, (x,), n, n + last)
            except (TypeError, MemoryError) as caught:
                error = caught
            refused = failing_malloc.refused()
            found = calque.error_path(error)
            if type(error) is MemoryError:
                counted["MemoryError"] += 1
            elif error.args not in (("cannot pickle '_thread.lock' object",), ()) or found not in (path, None, parts.get(path)):
                sys.exit(f"{path}, allocation {n}: {error!r}, {found}")
            else:
                counted["no path" if found is None else "the path"] += 1
            if not refused:
                break
assert all(counted.values()), counted
print("done:", counted)
