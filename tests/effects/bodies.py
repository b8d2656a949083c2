"""What tests perform effects with. Functions of a module, so that other processes can run them."""

import os

from calque import effects as fx


def plus(fx, effect, n):
    """A body that performs the effect and adds n."""
    @fx.do
    def body():
        return (yield effect) + n

    return body()


@fx.do
def counting(n, *, fails=False):
    yield fx.Modify("n", lambda old: (old or 0) + n)
    yield fx.Tell(f"added {n}")
    if fails:
        raise LookupError(n)
    return (yield fx.Get("n")), os.getpid()


def counted(n, **options):
    return fx.WithHandler(fx.State({"n": 1}), counting(n, **options))
