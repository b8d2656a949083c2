"""CPython's own tests of the copy module, with the functions of each implementation in place of copy's."""

import copy
import copyreg
import sys
import types
import unittest

import pytest

try:
    from test import test_copy as suite
except ImportError as error:
    suite = None
    MISSING = (
        f"CPython's own test package is not installed ({error}): on Debian it is the package "
        f"libpython{sys.version_info[0]}.{sys.version_info[1]}-testsuite")

# Looks at the module `copy` as a module: which of its names are in its __all__. Not about what the functions do.
ABOUT_THE_MODULE_ITSELF = {"MiscTestCase.test__all__"}


def cases():
    if suite is None:
        return [pytest.param(None, id="missing")]
    return [
        pytest.param(test, id=test.id().partition("test_copy.")[2])
        for group in unittest.defaultTestLoader.loadTestsFromModule(suite)
        for test in group]


def run(case):
    registered = set(copyreg.dispatch_table)
    try:
        type(case)(case._testMethodName).debug()
    except unittest.SkipTest as reason:
        pytest.skip(str(reason))
    finally:
        for cls in set(copyreg.dispatch_table) - registered:  # the suite leaves its classes there
            del copyreg.dispatch_table[cls]


@pytest.mark.parametrize("case", cases())
def test_cpython_test_copy(case, copier, monkeypatch):
    if case is None:
        pytest.fail(MISSING, pytrace=False)
    name = f"{type(case).__name__}.{case._testMethodName}"
    if copier.name != "stdlib" and name in ABOUT_THE_MODULE_ITSELF:
        return
    namespace = types.ModuleType("copy")
    namespace.__dict__.update(copy.__dict__)
    for function in ("deepcopy", "copy", "Error"):
        setattr(namespace, function, getattr(copier, function))
    if hasattr(copy, "replace"):
        namespace.replace = copier.replace
    monkeypatch.setattr(suite, "copy", namespace)
    run(case)


@pytest.mark.parametrize("case", cases())
def test_cpython_test_copy_with_the_patch_on(case, calque):
    """The suite as it is, and once more when copy has been given back."""
    if case is None:
        pytest.fail(MISSING, pytrace=False)
    with calque.patch:
        run(case)
    assert not calque.patch.enabled()
    run(case)


def test_cpython_test_copy_is_all_there():
    """A loader that finds nothing would make everything above pass."""
    if suite is None:
        pytest.fail(MISSING, pytrace=False)
    assert len(cases()) > 75
