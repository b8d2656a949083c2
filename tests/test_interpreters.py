"""Other interpreters in the same process: calque refuses them in words, and the main one goes on working."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent / "isolated" / "sub_interpreter.py"
OURS = r"ImportError: calque supports only the main interpreter, and this import is in sub-interpreter \d+"
# From 3.12 on interpreters with a GIL of their own refuse all modules of the old kind; 3.13 runs their initialisation in the main one first.
THEIRS = r"ImportError: module (calque\.)?_calque does not support loading in subinterpreters"


@pytest.mark.parametrize("sharing", ["legacy", "isolated"])
@pytest.mark.parametrize("first", ["main", "sub"])
@pytest.mark.no_leak_check(reason="everything happens in a process of its own")
def test_a_sub_interpreter_is_refused_and_the_main_one_works_on(first, sharing):
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-W", "ignore", SCRIPT, first, sharing], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    said = [line.replace(": ImportError: ", "ImportError: ") for line in json.loads(done.stdout)]
    assert len(said) == 4
    for line in said:
        assert re.fullmatch(OURS if sharing == "legacy" or sys.version_info < (3, 12) else f"{OURS}|{THEIRS}", line), line


@pytest.mark.no_leak_check(reason="everything happens in a process of its own")
def test_an_import_that_failed_says_so_when_it_is_tried_again():
    """Statics are half filled: the second try met "protocols are registered only while calque is imported"."""
    script = """if True:
        import sys
        sys.modules["datetime"] = None
        try:
            import calque
        except ImportError:
            del sys.modules["datetime"]
            try:
                import calque
            except ImportError as error:
                print(error)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("calque can be initialised once in a process: it was before the interpreter was finalized and begun again, "
                           "or its first import failed\n")
