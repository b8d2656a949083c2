"""`fx` runs a test once with the oracle and once with calque.effects: an expectation is typed once."""

import importlib

import pytest


@pytest.fixture(params=["oracle", "calque"])
def fx(request):
    return importlib.import_module("effects.oracle" if request.param == "oracle" else "calque.effects")


@pytest.fixture
def effects():
    """Native only, for what the oracle has not."""
    return importlib.import_module("calque.effects")


@pytest.fixture
def A(fx):
    class A(fx.Effect):
        v: object = None

    return A


@pytest.fixture
def B(fx):
    class B(fx.Effect):
        v: object = None

    return B
