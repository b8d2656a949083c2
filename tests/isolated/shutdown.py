"""shutdown.py MODULE WHAT: end the interpreter while threads, finalizers or atexit functions copy. Prints "end"; the exit code is 0."""

import atexit
import importlib
import random
import signal
import sys
import threading
import time

module = importlib.import_module(sys.argv[1])
what = sys.argv[2]
deepcopy = module.deepcopy
rng = random.Random()
sys.setswitchinterval(1e-5)


class Plain:
    pass


class Hook:
    def __deepcopy__(self, memo, deepcopy=deepcopy, sleep=time.sleep):
        sleep(0)
        return [deepcopy(vars(self), memo), deepcopy([memo.get(id(self))])]


class Reduced:
    def __reduce_ex__(self, protocol):
        return Plain, (), {"a": [1], "b": Hook()}


class Finalized:
    """Copies when it dies, with what it holds itself: module globals may be gone."""

    def __init__(self):
        self.x = [[1], {"k": (1, [2])}, {3}]

    def __del__(self, deepcopy=deepcopy):
        # What copies by __reduce_ex__ would import copyreg, which may be gone: stdlib fails there too, and copy's own globals are gone earlier.
        if deepcopy.__module__ != "copy":
            assert deepcopy(self.x[:2]) == self.x[:2]


def records(count):
    made = []
    for i in range(count):
        plain = Plain()
        plain.a, plain.b = [i], {"k": (i, [i])}
        made.append(plain)
    return made


graphs = {
    "native": records(20_000),
    "hooks": [[Hook(), [i], Reduced()] for i in range(200)],
    "mixed": [[Hook(), records(500)] for i in range(20)],
}


def forever(x):
    while True:
        deepcopy(x)


def start(x):
    threading.Thread(target=forever, args=(x,), daemon=True).start()


if what in graphs:
    for _ in range(4):
        start(graphs[what])
elif what == "patched":
    import copy

    module.patch.enable()
    deepcopy = copy.deepcopy
    for x in graphs.values():
        start(x)
elif what == "finalizers":
    start(graphs["mixed"])
    builtins = importlib.import_module("builtins")
    Plain.last, builtins.last, sys.last, module.last = Finalized(), Finalized(), Finalized(), Finalized()
    cycle = Finalized()
    cycle.cycle = cycle
elif what == "handlers":
    # Registered in Python: frames of Boost.Python lie between the hooks.
    class Handled:
        def __init__(self, child):
            self.child = child

    class Key(int):
        def __hash__(self, sleep=time.sleep):
            sleep(0)
            return int(self) % 1000

    @module.register(Handled)
    def copy_handled(handled, memo):
        memo.setdefault(Key(1), 1)
        memo.pop(Key(1))
        memo[Key(2)] = 2
        del memo[Key(2)]
        memo.get(Key(3))
        return [memo.copy(handled.child), deepcopy(handled.child, memo)]

    for x in graphs.values():
        start([Handled([Handled(part)]) for part in x[:50]])
elif what == "atexit":
    start(graphs["mixed"])
    atexit.register(lambda: [deepcopy(x[:10]) for x in graphs.values()])
    atexit.register(lambda: start(graphs["native"]) if sys.version_info < (3, 12) else None)
elif what == "exception":
    # Threads that are not daemons: one dies by an exception in the middle of a copy, the interpreter waits for the other.
    class Dies:
        def __reduce_ex__(self, protocol):
            raise SystemExit  # ends a thread without a word

    for x in ([[1], Dies()], [graphs["mixed"], graphs["hooks"]]):
        threading.Thread(target=deepcopy, args=(x,)).start()
elif what == "signal":
    start(graphs["hooks"])

    def end(*_):
        print("end", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.01, 0.1))
    while True:
        deepcopy(graphs["mixed"])

time.sleep(rng.uniform(0, 0.1))
print("end", flush=True)
