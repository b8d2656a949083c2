"""A copy for which the n-th allocation fails ends with MemoryError, and leaves calque fit for the next one."""

import os
import pathlib
import subprocess
import sys

import pytest


@pytest.mark.no_leak_check(reason="the copies run in a process of their own")
def test_a_failed_allocation_anywhere_in_a_copy_is_a_memory_error():
    """Also of the interpreter's own look-ups: a name that could not be made once led to a call of NULL."""
    import calque

    script = pathlib.Path(__file__).parent / "isolated" / "out_of_memory.py"
    path = str(pathlib.Path(calque.__file__).parent.parent)
    done = subprocess.run([sys.executable, "-X", "faulthandler", str(script)], env=dict(os.environ, PYTHONPATH=path),
                          capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]
