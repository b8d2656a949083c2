"""CALQUE_PATCH=1: the line beside the package that every start of the interpreter runs, in virtual environments of its own."""

import os
import pathlib
import shutil
import subprocess
import textwrap

import pytest

from support.copiers import since
from support.environments import LINE, Environment, line

STATE = """
    import copy, sys
    root = last = []
    for _ in range(50_000):
        last.append([])
        last = last[0]
    try:
        copy.deepcopy(root)
        served = "calque"
    except RecursionError:
        served = "stdlib"
    print(served, "calque" in sys.modules)
"""
ON, OFF = "calque True\n", "stdlib False\n"

pytestmark = pytest.mark.no_leak_check(reason="everything happens in processes of their own")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("autopatch") / "venv")


def sentence(done, status=0):
    """The one line on stderr of a program that ends as it would without the variable."""
    assert done.returncode == status
    line, = done.stderr.splitlines()
    assert line.startswith("calque: CALQUE_PATCH")
    return line


def test_with_1_a_program_that_does_not_know_calque_is_served_by_it(environment, tmp_path):
    assert environment.say(script=STATE, CALQUE_PATCH="1") == ON
    script = tmp_path / "app.py"
    script.write_text(textwrap.dedent(STATE))
    assert environment.run(script, CALQUE_PATCH="1").stdout == ON
    assert environment.say(script="import calque; print(calque.patch.enabled(), calque.patch.disable())", CALQUE_PATCH="1") == "True True\n"


@pytest.mark.parametrize("variables", [{}, {"CALQUE_PATCH": ""}, {"CALQUE_PATCH": "0"}], ids=str)
def test_without_it_nothing_happens(environment, variables):
    assert environment.say(script=STATE, **variables) == OFF


def test_without_it_nothing_more_is_imported_and_nothing_is_left_behind(environment):
    script = """
        import site, sys
        print(sorted(sys.modules), sorted(vars(site)))
    """
    with_line = environment.say(script=script)
    (environment.site / LINE).rename(environment.site / "away")
    try:
        without = environment.say(script=script)
    finally:
        (environment.site / "away").rename(environment.site / LINE)
    assert with_line == without


def test_the_line_is_one_small_line():
    text = line().read_text()
    assert text.startswith("import os, sys; ") and text.count("\n") == 1 and len(text) < 600


@pytest.mark.parametrize("value", ["yes", "true", "2", " 1", "on\noff"])
def test_another_value_is_refused_in_one_line(environment, value):
    done = environment.run(script="import copy; print(copy.deepcopy([1])); raise SystemExit(7)", CALQUE_PATCH=value)
    assert sentence(done, 7) == (f"calque: CALQUE_PATCH expects 1 (copy is patched) or 0 (it is not), and is {value!r}; "
                                 "copy is as it was")
    assert done.stdout == "[1]\n"


@pytest.mark.parametrize("option, expected", [("-S", OFF), ("-E", OFF), ("-I", OFF), ("-s", ON), ("-B", ON), ("-O", ON), ("-Wignore", ON)])
def test_options_of_the_interpreter(environment, option, expected):
    assert environment.say(option, script=STATE, CALQUE_PATCH="1") == expected


def test_child_processes_inherit_it(environment, tmp_path):
    script = """
        import os, subprocess, sys
        for variables in (None, {**os.environ, "CALQUE_PATCH": "0"}, {}):
            print(subprocess.run([sys.executable, "-c", "import sys; print('calque' in sys.modules)"], env=variables,
                                 capture_output=True, text=True).stdout, end="")
    """
    assert environment.say(script=script, CALQUE_PATCH="1") == "True\nFalse\nFalse\n"
    workers = tmp_path / "workers.py"
    workers.write_text(textwrap.dedent("""
        import multiprocessing, sys
        def served(_):
            return "calque" in sys.modules
        if __name__ == "__main__":
            for method in "spawn", "forkserver", "fork":
                with multiprocessing.get_context(method).Pool(1) as pool:
                    print(pool.map(served, [0]))
    """))
    done = environment.run(workers, CALQUE_PATCH="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[True]\n" * 3, "")


def test_nothing_can_be_written_beside_the_package(environment):
    assert environment.say(script=STATE, CALQUE_PATCH="1", PYTHONPYCACHEPREFIX="/dev/null/cache") == ON


def test_warnings_that_are_errors(environment):
    assert environment.say("-Werror", script=STATE, CALQUE_PATCH="1") == ON


# How a package may be broken: what is done to a copy of it, and what the sentence names.
BROKEN = {
    "it is gone": (lambda package: shutil.rmtree(package), "ModuleNotFoundError: No module named 'calque'"),
    "the extension is gone": (lambda package: [path.unlink() for path in package.glob("_calque*.so")], "ImportError: cannot import name '_calque'"),
    "the extension is cut off": (lambda package: [path.write_bytes(path.read_bytes()[:100]) for path in package.glob("_calque*.so")],
                                 "ImportError: "),
    "the extension is of another Python": (lambda package: [path.rename(path.with_name("_calque.cpython-39-other.so"))
                                                            for path in package.glob("_calque*.so")], "ImportError: cannot import name '_calque'"),
    "a module is gone": (lambda package: (package / "patch.py").unlink(), "ImportError: cannot import name 'patch'"),
    "this part of it is gone": (lambda package: (package / "_autopatch.py").unlink(), "ModuleNotFoundError: No module named 'calque._autopatch'"),
    "only directories are left": (lambda package: [path.unlink() for path in package.rglob("*") if not path.is_dir()],
                                  "ModuleNotFoundError: No module named 'calque._autopatch'"),
    "it is no Python": (lambda package: (package / "__init__.py").write_text("%\n"), "SyntaxError: "),
    "it raises": (lambda package: (package / "__init__.py").write_text("raise ValueError('two\\nlines')\n"), "ValueError: two lines"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_calque_is_one_line_and_the_program_runs(tmp_path, how):
    import calque

    breaks, expected = BROKEN[how]
    package = tmp_path / "packages" / "calque"
    shutil.copytree(pathlib.Path(calque.__file__).parent, package,
                    ignore=shutil.ignore_patterns("__pycache__", "include", "cmake", "demo", "effects", "plugins"))
    environment = Environment(tmp_path / "venv", package.parent)
    assert environment.say(script=STATE, CALQUE_PATCH="1") == ON
    breaks(package)
    done = environment.run(script=STATE + "\n    raise SystemExit(7)", CALQUE_PATCH="1")
    said = sentence(done, 7)
    assert said.startswith("calque: CALQUE_PATCH is set, and calque cannot be imported here; copy is as it was: " + expected)
    assert done.stdout.startswith("stdlib ")
    # The line twice, as where a virtual environment and the system have one each.
    shutil.copy(environment.site / LINE, environment.site / f"again_{LINE}")
    assert sentence(environment.run(script="raise SystemExit(7)", CALQUE_PATCH="1"), 7) == said
    assert environment.say(script="print(1)") == "1\n"


def test_what_was_replaced_before_is_left_alone_and_named(tmp_path):
    environment = Environment(tmp_path / "venv")
    (environment.site / "aa.pth").write_text("import copy; copy.deepcopy = len\n")
    done = environment.run(script="import copy; print(copy.deepcopy([1, 2]), copy.copy.__name__)", CALQUE_PATCH="1")
    assert sentence(done).startswith("calque: CALQUE_PATCH=1, and copy is as it was: calque.patch leaves copy.deepcopy alone")
    assert done.stdout == "2 copy\n"


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize("value", ["1", "nonsense"])
def test_a_stderr_that_takes_nothing(tmp_path, redirection, value):
    """The one line is lost; the interpreter starts all the same."""
    environment = Environment(tmp_path / "venv", tmp_path if value == "1" else None)  # there is no calque in tmp_path
    done = subprocess.run(["sh", "-c", f'exec "$0" -c "print(1); import sys; sys.stderr = None" {redirection}', environment.python],
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "", "CALQUE_PATCH": value}, timeout=120)
    assert (done.returncode, done.stdout) == (0, "1\n")


def test_a_sub_interpreter_says_so_and_goes_on_without(environment):
    interpreters = "_interpreters" if since(3, 13) else "_xxsubinterpreters"
    script = f"""
        import {interpreters} as interpreters
        inner = interpreters.create()
        interpreters.run_string(inner, "import copy; print(copy.deepcopy([1]), flush=True)")
        import calque, copy
        print(calque.patch.enabled())
    """
    done = environment.run("-Wignore", script=script, CALQUE_PATCH="1")
    assert "sub" in sentence(done) and done.stdout.split() == ["[1]", "True"]


def test_the_interpreter_does_not_count_the_line_as_its_own(environment):
    """No name of the line is left in builtins or __main__."""
    assert environment.say(script="import builtins; print('error' in vars(builtins), sorted(n for n in globals() if n[0] != '_'))",
                           CALQUE_PATCH="1") == "False ['builtins']\n"


