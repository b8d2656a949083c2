"""Run a test body again and again until it stops growing the process, or say that it never does.

What a body leaves behind on its first runs is mostly caches: type attribute caches, keys tables, free lists, a
compiled regular expression. A leak is what comes back with every run. So a body is repeated until one run left
nothing, and only a body that grows the process on each of many runs in a row has failed.
"""

import array
import ctypes
import gc
import sys

WARM_UP = 1
# glibc counts what lies in a thread cache as handed out, seven chunks of each of 64 sizes: a body that frees many sizes
# seems to grow until they are full.
ATTEMPTS = 48


class _MallInfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]


def _malloc_bytes_reader():
    """glibc's own count of bytes handed out (pymalloc's arenas are not in it), or None elsewhere.

    This is where memory of the C++ side shows up: a table that `operator new` gave is no Python block.
    """
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return None
    mallinfo2.restype = _MallInfo2
    mallinfo2.argtypes = []

    def read():
        info = mallinfo2()
        return info.uordblks + info.hblkhd

    return read


_malloc_bytes = _malloc_bytes_reader()
_total_references = getattr(sys, "gettotalrefcount", None)


_METRICS = ("allocated blocks", "malloc'ed bytes", "references")

# The counts live in arrays made beforehand: a measurement that allocates would measure itself.
_counts = [array.array("q", bytes(8 * (ATTEMPTS + 1))) for _ in _METRICS]


# The interpreter's cache of attribute look-ups keeps the names that were asked for: some 4000 of them, then no more.
_clear_type_cache = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache


def _measure(i):
    gc.collect()
    _clear_type_cache()
    _counts[0][i] = sys.getallocatedblocks()
    _counts[1][i] = _malloc_bytes() if _malloc_bytes else 0
    _counts[2][i] = _total_references() if _total_references else 0


def growth_that_never_stops(body):
    """Repeat `body`; return None once no metric has grown on every run, else a sentence with the growth of each run."""
    for _ in range(WARM_UP):
        body()
    flat = [False] * len(_METRICS)
    _measure(0)
    for i in range(1, ATTEMPTS + 1):
        body()
        _measure(i)
        for k, count in enumerate(_counts):
            if count[i] <= count[i - 1]:
                flat[k] = True
        if all(flat):
            return None
    growing = "; ".join(
        f"{name}: {[count[i + 1] - count[i] for i in range(ATTEMPTS)]}"
        for name, count, good in zip(_METRICS, _counts, flat) if not good)
    return f"every one of {ATTEMPTS} repetitions left something behind: {growing}"
