"""The README's session does what it shows, and its excerpts are of code that is compiled and run."""

import doctest
import pathlib
import re
import threading

import pytest

ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.no_leak_check(reason="a doctest keeps what it ran")
def test_the_session_in_the_readme():
    import calque

    parser = doctest.DocTestParser()
    text = (ROOT / "README.md").read_text()
    session = parser.get_doctest(text.replace("```", ""), {}, "README.md", "README.md", 0)
    assert len(session.examples) >= 8
    try:
        assert doctest.DocTestRunner(verbose=False).run(session).failed == 0
    finally:
        calque.unregister(type(threading.Lock()))

def blocks(language):
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_what_the_readme_shows_of_the_examples_is_in_them():
    """test_examples.py compiles and runs them."""
    files = [path.read_text() for path in (ROOT / "tests" / "examples").rglob("*") if path.suffix in {".c", ".cpp", ".txt"}]
    shown = [block for language in ("c", "cpp", "cmake") for block in blocks(language)]
    assert len(shown) >= 5
    for block in shown:
        assert any(block in text for text in files), block
