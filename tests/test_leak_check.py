"""The leak check itself: it must see what it is there to see."""

import ctypes
import os
import pathlib
import re
import subprocess
import sys

import pytest

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


LEAKING = """
kept = []

@pytest.mark.parametrize("i", range(40))
def test_keeps_something(i):
    kept.append([object()])
"""


@pytest.mark.no_leak_check(reason="other processes have it")
def test_one_test_of_some_is_run_or_checked_others_with_the_next_seed(tmp_path):
    tests = pathlib.Path(__file__).parent
    (tmp_path / "conftest.py").write_text((tests / "conftest.py").read_text())
    (tmp_path / "test_leaking.py").write_text("import pytest\n" + LEAKING)

    def run(*options):
        """(the tests that failed, how many passed)"""
        said = subprocess.run([sys.executable, "-m", "pytest", "-q", "--rootdir", tmp_path, "-p", "no:cacheprovider", *options, tmp_path], cwd=tmp_path,
                              stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *filter(None, sys.path)])}).stdout
        passed = re.search(r"(\d+) passed", said)
        return {line.split()[1] for line in said.splitlines() if line.startswith("FAILED")}, int(passed[1]) if passed else 0

    every, passed = run()
    assert (len(every), passed) == (40, 0)
    for option, others_run in ("--one-of", False), ("--leak-check-one-of", True):
        thirds = [run(option, "3", "--seed", str(seed)) for seed in (5, 6, 7)]
        assert set.union(*(failed for failed, _ in thirds)) == every
        assert sum(len(failed) for failed, _ in thirds) == 40 and all(failed for failed, _ in thirds)
        assert [passed for _, passed in thirds] == [40 - len(failed) if others_run else 0 for failed, _ in thirds]
    assert run("--no-leak-check") == (set(), 40)
