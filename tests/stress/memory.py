"""What takes minutes of the tests of memory: `make stress PARTS=memory`. Not collected by itself."""

import pytest

from support import isolated

pytestmark = pytest.mark.no_leak_check(reason="the copies run in processes of their own")


@pytest.mark.parametrize("functions, how", [
    ("deepcopy,copy,replace", "cold"),
    ("deepcopy with a dict", "warm"),
    ("deepcopy with a preset dict", "warm"),
    ("deepcopy with a dict subclass", "warm"),
    ("deepcopy with a mapping", "warm"),
    ("deepcopy with a UserDict", "warm"),
    ("patched deepcopy", "warm"),
])
def test_every_failed_allocation(functions, how):
    status, said, complaints = isolated.out_of_memory("calque", functions, "all", how, 8)
    print(functions, said)
    assert status == 0 and said.startswith("done: "), complaints
