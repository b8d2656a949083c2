"""The leak check itself: it must see what it is there to see."""

import ctypes

from support import leaks

_kept = []


def test_a_body_that_keeps_an_object_each_time_is_seen():
    try:
        assert "allocated blocks" in leaks.growth_that_never_stops(lambda: _kept.append([object()]))
    finally:
        _kept.clear()


def test_a_body_that_fills_a_cache_once_is_flat():
    cache = {}
    assert leaks.growth_that_never_stops(lambda: cache.setdefault("key", [object()])) is None


def test_a_cycle_is_collected_and_is_no_leak():
    def body():
        cycle = []
        cycle.append(cycle)

    assert leaks.growth_that_never_stops(body) is None


def test_memory_that_is_no_python_object_is_seen():
    if leaks._malloc_bytes is None:
        return
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    taken = []
    try:
        assert "malloc'ed bytes" in leaks.growth_that_never_stops(lambda: taken.append(libc.malloc(3000)))
    finally:
        for address in taken:
            libc.free(address)


def test_a_reference_kept_to_a_private_object_is_seen():
    """An object made by the body and given one reference too many is never freed: its own block shows it."""
    increment = ctypes.pythonapi.Py_IncRef
    increment.argtypes = [ctypes.py_object]

    leaked = []

    def body():
        one_too_many = [1]
        increment(one_too_many)
        leaked.append(id(one_too_many))

    try:
        assert "allocated blocks" in leaks.growth_that_never_stops(body)
    finally:
        decrement = ctypes.pythonapi.Py_DecRef
        decrement.argtypes = [ctypes.py_object]
        for address in leaked:
            decrement(ctypes.cast(address, ctypes.py_object).value)
