"""LeakSanitizer at the end of a process that has copied: `.ci/under asan tests/stress/leaks_at_exit.py`, part memory of `make stress`.

It reports blocks that nothing refers to any more: from malloc and operator new, and with PYTHONMALLOC=malloc the interpreter's objects too.
"""

import os

import pytest

from support import isolated

pytestmark = [
    pytest.mark.no_leak_check(reason="the copies run in processes of their own"),
    pytest.mark.skipif("asan" not in os.environ.get("LD_PRELOAD", ""), reason="needs the address sanitizer: .ci/under asan"),
]


def leave(what):
    return isolated.run("steady.py", what, ASAN_OPTIONS="detect_leaks=1:exitcode=23")


def test_nothing_is_lost_at_the_end_of_threads_and_of_the_process():
    status, said, complaints = leave("exit")
    print(said)
    assert status == 0 and said.startswith("OK "), complaints


def test_a_lost_block_is_seen():
    status, said, complaints = leave("planted")
    assert said.startswith("OK ") and status == 23
    assert "4321 byte(s)" in complaints or "12963 byte(s)" in complaints or "8642 byte(s)" in complaints, complaints
