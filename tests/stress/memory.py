"""What takes minutes of the tests of memory: `make stress PARTS=memory`. Not collected by itself."""

import pytest

from support import isolated

pytestmark = pytest.mark.no_leak_check(reason="the copies run in processes of their own")


@pytest.mark.parametrize("functions, how, leaks", [
    ("deepcopy,copy,replace", "cold", 0),
    ("deepcopy,copy", "warm", 8),
    ("deepcopy with a dict", "warm", 0),
    ("deepcopy with a preset dict", "warm", 0),
    ("patched deepcopy", "warm", 0),
    ("deepcopy sharing", "warm", 2),
])
def test_every_failed_allocation(functions, how, leaks):
    status, said, complaints = isolated.out_of_memory("calque", functions, "all", how, leaks)
    print(functions, said)
    assert status == 0 and said.startswith("done: "), complaints


@pytest.mark.parametrize("what", ["mixed", "threads"])
def test_the_process_does_not_grow(what):
    status, said, complaints = isolated.run("steady.py", what)
    print(said)
    assert status == 0 and said.startswith("OK "), complaints
