"""The plugin for numpy, registered while a test runs: import `plugin` and use the fixture."""

import importlib
import pathlib

import pytest


@pytest.fixture(scope="module")
def plugin():
    """The module. Skips where it is not built; that it is built where numpy is, .ci/test looks."""
    try:
        module = importlib.import_module("calque.plugins.numpy")
    except ImportError as error:
        import calque

        if list(pathlib.Path(calque.__file__).parent.glob("plugins/_numpy.*.so")):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    module.register()
    yield module
    module.unregister()
