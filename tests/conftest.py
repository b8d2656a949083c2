"""One fixture for both implementations, and a leak check around every test.

`copier` runs a test once with the functions of `copy` and once with those of `calque`: an expectation is typed
once, and the interpreter itself says whether it is right.
"""

import gc
import inspect
import sys
import zlib

import pytest

pytest.register_assert_rewrite("support.topology")

# Projects of their own, with tests of their own: test_examples.py builds and runs them.
collect_ignore = ["examples"]

from support import leaks  # noqa: E402
from support.copiers import NAMES, Copier  # noqa: E402


@pytest.fixture(params=NAMES)
def copier(request):
    """deepcopy, copy, replace and Error of stdlib, then of calque. A calque that cannot be imported is a failure."""
    try:
        return Copier(request.param)
    except ImportError as error:
        pytest.fail(f"{request.param} cannot be imported, so nothing about it can be tested: {error}", pytrace=False)


@pytest.fixture
def calque():
    """The module itself, for tests of what only calque has."""
    try:
        import calque as module
    except ImportError as error:
        pytest.fail(f"calque cannot be imported, so nothing about it can be tested: {error}", pytrace=False)
    return module


@pytest.fixture
def quick_switches():
    """Threads take turns at nearly every opportunity."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def pytest_addoption(parser):
    parser.addoption("--no-leak-check", action="store_true", help="run every test body once only (for debugging)")
    parser.addoption("--one-of", type=int, default=1, metavar="N", help="run one test of N: which, its name and --seed decide")
    parser.addoption("--leak-check-one-of", type=int, default=1, metavar="N", help="the leak check for one test of N only, the others run once")
    parser.addoption("--seed", type=int, default=0, help="N seeds in a row choose each test once (default 0)")


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "no_leak_check(reason): run the test body once, without the leak check; the reason is mandatory")


def is_chosen(item, option):
    """Is it the one of N, this time?"""
    return (zlib.crc32(item.nodeid.encode()) + item.config.getoption("--seed")) % item.config.getoption(option) == 0


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if not is_chosen(item, "--one-of")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if is_chosen(item, "--one-of")]
    for item in items:
        marker = item.get_closest_marker("no_leak_check")
        if marker is not None:
            reason = marker.kwargs.get("reason") or (marker.args[0] if marker.args else "")
            if not isinstance(reason, str) or len(reason.split()) < 3:
                raise pytest.UsageError(f"{item.nodeid}: no_leak_check needs a written reason")


def pytest_collection_finish():
    gc.collect()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Call the test function as pytest itself would, then repeat it under the leak check."""
    # What exists before a test cannot be leaked by it: out of the collector's sight, its collections are cheap.
    gc.freeze()
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    test = pyfuncitem.obj
    assert not inspect.iscoroutinefunction(test)
    test(**arguments)
    if (pyfuncitem.get_closest_marker("no_leak_check") is not None
            or pyfuncitem.config.getoption("--no-leak-check") or not is_chosen(pyfuncitem, "--leak-check-one-of")):
        return True
    undoable = [value.undo for value in arguments.values() if callable(getattr(value, "undo", None))]

    def body():
        for undo in undoable:  # monkeypatch and its like: else a repetition would patch what the one before had patched
            undo()
        test(**arguments)

    growth = leaks.growth_that_never_stops(body)
    if growth is not None:
        pytest.fail(f"leak: {growth}", pytrace=False)
    return True
