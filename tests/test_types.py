"""Types and docs: what a checker makes of calque, that the stubs are what the interpreter sees, and that every public name explains itself."""

import importlib
import inspect
import os
import pathlib
import pkgutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
USES = pathlib.Path(__file__).parent / "support" / "uses.py"

pytestmark = pytest.mark.no_leak_check(reason="it runs processes, or imports all there is")


def mypy(*arguments, tool="mypy"):
    pytest.importorskip("mypy", reason="types are checked by mypy")
    import calque

    package = pathlib.Path(calque.__file__).parent.parent
    environment = os.environ | {"MYPYPATH": "" if "-packages" in package.name else str(package)}
    return subprocess.run([sys.executable, "-m", tool, *arguments], capture_output=True, text=True, env=environment, cwd=ROOT, timeout=900)


def test_a_checker_sees_the_types_of_copies(tmp_path):
    done = mypy("--strict", "--config-file=", "--cache-dir", tmp_path, USES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_checker_would_see_a_wrong_type(tmp_path):
    """The test above can fail: a type that is not the copy's, and an error that is none."""
    text = USES.read_text()
    wrong = tmp_path / "wrong.py"
    wrong.write_text(text.replace("assert_type(calque.copy([point]), list[Point])", "assert_type(calque.copy([point]), list[int])")
                     .replace("calque.unregister(Point), None)", "calque.unregister(Point), None)  # type: ignore[call-arg]"))
    done = mypy("--strict", "--config-file=", "--cache-dir", tmp_path, wrong)
    assert done.returncode == 1 and 'Expression is of type "' in done.stdout and "nused" in done.stdout and "Found 2 errors" in done.stdout


def test_the_package_says_that_it_is_typed():
    import calque

    assert (pathlib.Path(calque.__file__).parent / "py.typed").is_file()


def modules():
    """All of the package's modules that can be imported here."""
    import calque

    yield calque
    for found in pkgutil.walk_packages(calque.__path__, "calque."):
        parts = found.name.split(".")
        if parts[-1] == "__main__" or found.name.startswith("calque.plugins."):  # one runs; the others want their libraries
            continue
        yield importlib.import_module(found.name)


def is_public(name):
    return not any(part.startswith("_") for part in name.split("."))


def public_names():
    """(where, object) of every public module, function, class, method and property that calque defines.

    Fields are explained by their class.
    """
    for module in modules():
        if not is_public(module.__name__):
            continue
        yield module.__name__, module
        for name in getattr(module, "__all__", None) or [name for name in vars(module) if is_public(name)]:
            value = getattr(module, name)
            defined = str(getattr(value, "__module__", ""))
            if not (inspect.isclass(value) or inspect.isroutine(value)) or not defined.startswith("calque"):
                continue
            where = f"{module.__name__}.{name}"
            yield where, value
            if inspect.isclass(value):
                yield from ((f"{where}.{attribute}", member) for attribute, member in vars(value).items()
                            if is_public(attribute) and explains_itself(member))


def explains_itself(member):
    if isinstance(member, (property, staticmethod, classmethod)) or inspect.isgetsetdescriptor(member):
        return True
    return inspect.isroutine(member) and not inspect.ismemberdescriptor(member)


def test_every_public_name_has_a_docstring():
    names = dict(public_names())
    for expected in ("calque", "calque.deepcopy", "calque.Memo.copy", "calque.patch.enable", "calque.extra.replicate", "calque.effects.run",
                     "calque.demo.report.Report.exact", "calque.cli.main.main", "calque.atomic"):
        assert expected in names, "the walk has lost its way"
    # A class inherits no docstring, a method does.
    without = [where for where, value in names.items() if not (value.__doc__ if inspect.isclass(value) else inspect.getdoc(value))]
    assert without == []


def test_what_is_exported_is_there_and_in_the_stub():
    import calque

    for module in (calque, calque.extra, calque.patch):
        assert sorted(module.__all__) == sorted(set(module.__all__)) and all(hasattr(module, name) for name in module.__all__)
    public = {name for name, value in vars(calque).items() if is_public(name) and not inspect.ismodule(value) and name not in ("annotations",)}
    assert public <= set(calque.__all__)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="mypy knows no tomllib for 3.10, which the demonstration reads if it is there")
def test_the_stubs_are_what_the_interpreter_sees():
    allowed = ROOT / ".ci" / "stubtest-allowlist"
    if not allowed.exists():
        pytest.skip("the list of exceptions is not here: these tests have left their source tree")
    done = mypy("--mypy-config-file", ROOT / "setup.cfg", "--allowlist", allowed,
                "--ignore-unused-allowlist", "calque", tool="mypy.stubtest")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
