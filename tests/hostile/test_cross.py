"""A sample of the cross of hooks, actions and positions (harness.py says how); `make stress` runs a larger one, another each day.

Again, with all that there is about one hook: python -m tests.hostile --hook 'NAME'
"""

import pytest

from . import harness

EVERY = 1000

# Cases that once differed or crashed.
FOUND = [
    "key in the dict of the class / clear_and_refill / far below lists and tuples / plain",
    "key in the dict of the class / wrap_visited_into_unvisited / cycle through the object / second",
    "key in the dict of the class / replace_unvisited / chain map / plain",
    "key in the dict of a Fraction / raise_MineBase / root / plain",
    "function of __reduce__ / dispatch_for_instances / default dict / plain",
    "__hash__ in an ordered dict / deepcopy_parents_with_memo / named tuple / spy",
    "append of the list of originals / raise_KeyError / counter / patched",
    "append of the list of originals / dispatch_for_instances / list / plain",
]


@pytest.fixture(scope="module")
def sample():
    return harness.run_cases(every=EVERY)


@pytest.mark.no_leak_check(reason="the cases run in child processes, which count what is left themselves")
@pytest.mark.parametrize("hook", harness.HOOKS)
def test_what_a_hook_does_has_the_effect_it_has_in_copy(sample, hook):
    failures = sample.failures_of(hook)
    assert not failures, "\n".join(failures)


@pytest.mark.no_leak_check(reason="the cases run in child processes, which count what is left themselves")
def test_cases_that_were_found():
    found = harness.run_cases(every=0, names=FOUND)
    assert not found.failures, "\n".join(f"{case}: {what}" for case, what in found.failures)
    assert found.run == len(FOUND) and not found.stopped


@pytest.mark.no_leak_check(reason="the cases run in child processes, which count what is left themselves")
def test_the_sample_was_run(sample):
    assert sample.run == sum(1 for _ in harness.cases(every=EVERY)) > 2000
    assert sample.stopped < sample.run // 20
    assert all(case.split(" / ")[0] in harness.HOOKS for case, what in sample.failures), sample.failures
