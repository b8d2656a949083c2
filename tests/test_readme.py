"""The README's session does what it shows."""

import doctest
import pathlib
import threading

import pytest


@pytest.mark.no_leak_check(reason="a doctest keeps what it ran")
def test_the_session_in_the_readme():
    import calque

    parser = doctest.DocTestParser()
    text = (pathlib.Path(__file__).parent.parent / "README.md").read_text()
    session = parser.get_doctest(text.replace("```", ""), {}, "README.md", "README.md", 0)
    assert len(session.examples) >= 8
    try:
        assert doctest.DocTestRunner(verbose=False).run(session).failed == 0
    finally:
        calque.unregister(type(threading.Lock()))
