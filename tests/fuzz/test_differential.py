"""A few hundred random graphs per kind of memo, and the proof that the fuzzer can see what it is for.

`python -m tests.fuzz` runs as many as wanted; a failure prints the seed, the graph made small, and the first line that differs.
"""

import sys

import pytest

from . import graphs, harness, mutants

GRAPHS = 400


@pytest.mark.no_leak_check(reason="hundreds of graphs with hooks that keep and drop objects; cycles are left to the collector")
@pytest.mark.parametrize("memo_kind", graphs.MEMO_KINDS)
def test_random_graphs_are_copied_as_copy_does(copier, memo_kind):
    reports = []

    def on_difference(recipe, difference):
        reports.append(harness.report(recipe, copier, memo_kind, "copy" if copier.name == "stdlib" else "calque"))
        return True

    _, skipped = harness.fuzz(copier, memo_kind, 1_000_000, GRAPHS, on_difference)
    assert not reports, reports[0]
    assert skipped < GRAPHS // 10


@pytest.mark.no_leak_check(reason="hundreds of graphs with hooks that keep and drop objects; cycles are left to the collector")
@pytest.mark.parametrize("name", mutants.MUTANTS)
def test_a_wrong_deepcopy_is_found(name):
    mutant = mutants.load(name)
    found = []
    for memo_kind in mutants.SEEN_WITH.get(name, ("none",)):
        harness.fuzz(mutant, memo_kind, 0, 2000, lambda recipe, difference: found.append(recipe.seed) or True)
    assert found, f"{name} copied 2000 graphs as copy does: the fuzzer has become blind to it"


def test_a_graph_is_the_same_whenever_it_is_made_from_one_seed():
    for seed in range(50):
        assert str(graphs.generate(seed)) == str(graphs.generate(seed))


def test_most_objects_of_a_graph_have_one_reference():
    """An implementation may treat them differently, so a graph whose builder kept its nodes would test nothing of that."""
    probe = [[]]
    alone = sys.getrefcount(probe[0])
    single = several = 0
    for seed in range(200):
        root, _, _, nodes = graphs.build(graphs.generate(seed))
        del nodes
        todo, seen = [root], set()
        del root
        while todo:
            obj = todo.pop()
            if id(obj) in seen:
                continue
            seen.add(id(obj))
            for index in range(len(obj) if type(obj) is list else 0):
                if isinstance(obj[index], (list, dict, tuple)) and obj[index] != ():
                    count = sys.getrefcount(obj[index])
                    single += count == alone
                    several += count > alone
                    todo.append(obj[index])
    assert single > several


def test_the_shrinker_ends_with_a_graph_that_still_fails():
    mutant = mutants.load("shared_tuple_copied_again")
    recipes = []
    harness.fuzz(mutant, "none", 0, 2000, lambda recipe, difference: recipes.append(recipe) or True)
    small = graphs.shrink(recipes[0], lambda candidate: harness.compare(candidate, mutant, "none") not in (None, harness.SKIPPED))
    assert harness.compare(small, mutant, "none") not in (None, harness.SKIPPED)
    assert sum(kind is not None for kind, _, _ in small.nodes) <= sum(kind is not None for kind, _, _ in recipes[0].nodes)


