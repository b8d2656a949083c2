"""The tutorial and the docstring of the package do what they show (the README's session is test_readme.py's)."""

import doctest
import importlib

import pytest


@pytest.mark.no_leak_check(reason="a doctest keeps what it ran")
@pytest.mark.parametrize(("name", "least"), [("calque.effects", 3), ("calque.effects.tutorial", 20)])
def test_docstrings_do_what_they_show(name, least):
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0 and results.attempted >= least


def test_everything_public_is_documented(effects):
    for name in effects.__all__:
        assert getattr(effects, name).__doc__, name
    tutorial = importlib.import_module("calque.effects.tutorial").__doc__
    named = {name for name in effects.__all__ if name in effects.__doc__ + tutorial}
    assert {"State", "Reader", "Writer", "Delegate", "Pass", "OneShotError", "UnhandledEffect"} <= named
