"""Code of the user's that calque calls and that calls calque again, without end: RecursionError, on any stack, whatever the interpreter's limit is.

The ways, and what each came to, are in tests/isolated/recursion.py.  stdlib is not asked: with its limit out of the way the interpreter crashes.
"""

import sys

import pytest

from support import isolated

pytestmark = pytest.mark.no_leak_check(reason="the recursion ends in processes of their own")

# A chain of those is copied whole or refused: both are right.
MAY_END = {"chain_of_names_that_are_no_strings", "chain_of_hooks"}


@pytest.mark.parametrize("stack", ["128", "1024", "main"])
def test_recursion_through_calque_ends_before_the_stack_does(calque, stack):
    status, said, complaints = isolated.run("recursion.py", stack)
    lines = said.splitlines()
    assert status == 0 and lines[-1] == "OK", f"{lines[-1:]}: {complaints}"
    ended = dict(line.split(": ") for line in lines[:-1])
    assert len(ended) > 70
    wrong = {way: end for way, end in ended.items() if end != "RecursionError" and not (way in MAY_END and end == "over")}
    assert not wrong, (sys.version_info[:3], wrong)
