"""The README's session does what it shows, and its excerpts are of code that is compiled and run."""

import doctest
import os
import pathlib
import re
import subprocess
import threading

import pytest

from support.environments import Environment

ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.no_leak_check(reason="a doctest keeps what it ran")
def test_the_session_in_the_readme():
    import calque

    if calque._calque._strategies["type_version"] != "internals":
        pytest.skip("what the session shows of calque.explain is that of a build that has plans for classes")
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


@pytest.mark.no_leak_check(reason="it runs processes")
def test_the_commands_of_drop_in(tmp_path):
    pytest.importorskip("rich", reason="a table is printed with rich")
    import rich

    environment = Environment(tmp_path / "venv")
    (environment.site / "rich.pth").write_text(f"{pathlib.Path(rich.__file__).parent.parent}\n")
    (tmp_path / "app.py").write_text("import copy, sys; print(copy.deepcopy([1]), sys.modules['calque'].patch.enabled())\n")
    (tmp_path / "settings.py").write_text("CONFIG = {'servers': [{'name': 'a', 'ports': [80, 443]}] * 3}\n")
    section = re.search(r"^## Drop in\n(.*?)^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL).group(1)
    first, *others = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CALQUE_", "VIRTUAL_ENV"))}
    variables |= {"PATH": f"{environment.python.parent}:{os.environ['PATH']}", "COLUMNS": "80"}

    def run(commands):
        done = subprocess.run(["sh", "-euc", commands], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=300)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    assert run(first) == "[1] True\n"
    for commands in others:
        said = run(commands)
        assert "calque.prepare" in said and "copy is served by calque" in said and "$['servers'][*]['ports']" in said
    assert "servers" in (tmp_path / "copy.html").read_text()
