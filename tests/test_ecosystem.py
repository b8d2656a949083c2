"""What `make ecosystem` relies on: that a suite and its subprocesses are patched, that calls are counted, that a difference is one."""

import argparse
import collections
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

from ecosystem import __main__ as ecosystem
from ecosystem.expected import Expected

SITE = pathlib.Path(ecosystem.HERE, "site")
pytestmark = pytest.mark.no_leak_check(reason="the work is done in other processes, and nothing here copies")


def under(mode, script, directory):
    """What the notes of the process and its subprocesses say, and what it printed."""
    environment = {**os.environ, "CALQUE_ECOSYSTEM": mode, "CALQUE_ECOSYSTEM_NOTES": str(directory),
                   "PYTHONPATH": os.pathsep.join([str(SITE), *sys.path])}
    file = directory / "script.py"
    file.write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, str(file)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return sorted(note.read_text() for note in directory.glob(f"*.{mode}")), done.stdout.split()


WHO_SERVES = """
    import subprocess, sys
    from copy import deepcopy
    root = last = []
    for _ in range(20_000):
        last.append([])
        last = last[0]
    try:
        deepcopy(root)
        print("calque", flush=True)
    except RecursionError:
        print("stdlib", "calque" in sys.modules, flush=True)
    if len(sys.argv) == 1:
        subprocess.run([sys.executable, __file__, "again"], check=True)
"""


def test_a_patched_process_has_the_patch_and_so_have_its_subprocesses(tmp_path):
    notes, said = under("patched", WHO_SERVES, tmp_path)
    assert said == ["calque", "calque"]
    assert notes == ['{"on": true, "forked": false}'] * 2


def test_a_plain_process_knows_nothing_of_calque(tmp_path):
    notes, said = under("plain", WHO_SERVES, tmp_path)
    assert said == ["stdlib", "False"] * 2 and not notes


def test_who_loses_the_patch_is_noticed(tmp_path):
    notes, _ = under("patched", "import calque; calque.patch.disable()", tmp_path)
    assert notes == ['{"on": false, "forked": false}']


def test_calls_are_counted_however_copy_was_imported(tmp_path):
    notes, said = under("counted", """
        import copy
        from copy import deepcopy
        class Hook:
            def __deepcopy__(self, memo):
                return deepcopy([], memo)
        print(deepcopy([[1], [2]]) == copy.deepcopy([[1], [2]]), copy.copy([1]), deepcopy([Hook()]))
    """, tmp_path)
    assert said == ["True", "[1]", "[[]]"]
    assert notes == ['{"deepcopy": 4, "copy": 1}']


# --- verdicts


def a_run(mode="", **outcomes):
    return ecosystem.Run(outcomes, {}, 0.0, "", [{"deepcopy": 1, "on": True}] if mode != "plain" else [])


@pytest.fixture
def examined(monkeypatch):
    """examine() with the outcomes of one plain run after the other and of the patched one."""
    def examine(plain, patched, expected=()):
        monkeypatch.setattr(ecosystem, "EXPECTED", list(expected))
        left = collections.deque(plain)
        monkeypatch.setattr(ecosystem, "run", lambda suite, mode, options: a_run(mode, **(
            patched if mode != "plain" else left.popleft() if len(left) > 1 else left[0])))
        return ecosystem.examine(ecosystem.Suite("suite", [], ""), argparse.Namespace())
    return examine


def test_another_outcome_is_a_difference_and_so_is_a_test_that_is_not_there(examined):
    report = examined([{"a": "passed", "b": "passed", "c": "failed"}], {"a": "failed", "c": "failed", "d": "passed"})
    assert {test: found[:2] for test, found in report.unexpected().items()} == {
        "a": ("passed", "failed"), "b": ("passed", "missing"), "d": ("missing", "passed")}
    assert not report.unsteady


def test_names_that_hold_the_time_are_the_same_test(tmp_path):
    file = tmp_path / "outcomes"
    file.write_text('["a[11-21-2026 13:12:46]", "passed", ""]\n["a[11-21-2026 13:12:46]", "failed", "why"]\n["b<C at 0x7f01a2b3>", "pas')
    assert ecosystem.read_lines(file) == ({"a[11-21-2026 *]": "failed"}, {"a[11-21-2026 *]": "why"})
    file.write_text('["a 13:12:46", "passed", ""]\n["a 13:12:47", "passed", ""]\n["b<C at 0x7f01a2b3>", "skipped", "why"]\n')
    assert list(ecosystem.read_lines(file)[0]) == ["a *", "a * #2", "b<C at *>"]


def test_what_differs_without_the_patch_is_unsteady(examined):
    report = examined([{"a": "passed"}, {"a": "failed"}, {"a": "passed"}], {"a": "failed"})
    assert not report.differences and list(report.unsteady) == ["a"]


def test_what_comes_out_that_way_in_a_later_plain_run_is_unsteady(examined):
    report = examined([{"a": "passed", "b": "passed"}] * 4 + [{"a": "failed", "b": "passed"}], {"a": "failed", "b": "failed"})
    assert list(report.differences) == ["b"] and list(report.unsteady) == ["a"]


def test_an_expected_difference_is_no_surprise_unless_it_does_not_occur(examined):
    expected = Expected("suite", "a*", "failed", "because")
    report = examined([{"a1": "passed"}], {"a1": "failed"}, [expected])
    assert report.differences and not report.unexpected() and not ecosystem.not_occurred([report])
    report = examined([{"a1": "passed"}], {"a1": "passed"}, [expected])
    assert ecosystem.not_occurred([report]) == [expected]
    assert any("was expected to be failed and is not" in line for line in ecosystem.remarks([report]))
