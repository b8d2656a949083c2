"""The inputs that the coverage-guided fuzzer kept (.ci/fuzz-coverage), and what the decoder promises about any others."""

import random

import pytest

from . import decode, graphs, kinds, mutants


@pytest.mark.no_leak_check(reason="hundreds of graphs with hooks that keep and drop objects; cycles are left to the collector")
def test_the_inputs_that_reach_all_code_are_copied_as_copy_does(calque):
    for data in decode.corpus():
        difference = decode.difference(data, calque)
        assert difference is None, f"{difference}\nagain: python -m tests.fuzz.decode {data.hex()}"


def test_any_bytes_are_a_graph():
    rng = random.Random(0)
    seen = set()
    for size in (*range(40), *[200] * 60):
        recipe, memo_kind = decode.decode(rng.randbytes(size))
        seen |= {kind for kind, _, _ in recipe.nodes} | {memo_kind}
        graphs.build(recipe)
    assert seen >= {*kinds.BUILDERS, *graphs.MEMO_KINDS}


@pytest.mark.no_leak_check(reason="hundreds of graphs with hooks that keep and drop objects; cycles are left to the collector")
def test_the_corpus_finds_nearly_every_wrong_deepcopy():
    """It was kept for the code it reaches; that it also tells right from wrong is no accident, and may not be lost when it is made anew."""
    inputs = decode.corpus()
    loaded = {name: mutants.load(name) for name in mutants.MUTANTS}
    missed = [name for name, mutant in loaded.items() if not any(decode.difference(data, mutant) for data in inputs)]
    assert len(missed) <= 3, missed
