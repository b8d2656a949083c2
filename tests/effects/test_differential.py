"""The oracle and calque.effects agree about random programs. `python -m effects.random_programs N` asks about more of them."""

import pytest

from effects import random_programs

A_PART = 50


@pytest.mark.no_leak_check(reason="these are hundreds of programs whose classes come and go")
@pytest.mark.parametrize("first", range(0, 600, A_PART))
def test_random_programs_come_to_the_same(first):
    for seed in range(first, first + A_PART):
        different = random_programs.difference(seed)
        assert different is None, f"seed {seed}"


def test_random_programs_use_everything():
    """The maker has not forgotten a statement, and programs end in more than one way."""
    statements, outcomes = set(), set()

    def collect(tree):
        if isinstance(tree, (list, tuple)):
            if tree and isinstance(tree[0], str):
                statements.add(tree[0] if tree[0] != "answer" else tree[1])
            for each in tree:
                collect(each)

    for seed in range(300):
        collect(random_programs.tree_of(seed))
    names = {name[5:] for name in dir(random_programs.Maker) if name.startswith("make_")} - {"answer", "outside"}
    assert names <= statements and {"tail", "transfer", "pass", "keep", "native", "plain", "python"} <= statements
    from effects import oracle

    for seed in range(60):
        kind, value = random_programs.World(oracle).everything(random_programs.tree_of(seed))[0]
        outcomes.add(value if kind == "raised" and isinstance(value, str) else kind)
    assert {"returned", "UnhandledEffect", "raised"} <= outcomes
