"""The example projects, built as their READMEs say, against the wheel that a user gets, in an environment with nothing else in it."""

import os
import pathlib
import re
import shutil
import venv

import pytest

from support.plugins import Workshop
from support.wheels import ROOT, make_wheel, run, trash

EXAMPLES = ROOT / "tests" / "examples"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    import calque
    workshop = Workshop(calque, tmp_path_factory.mktemp("examples"))
    if workshop.build is None:
        pytest.skip("calque was not built in this tree, so there is nothing to make a wheel of")
    return workshop


@pytest.fixture(scope="module")
def wheel(workshop):
    return make_wheel(workshop)


@pytest.fixture(scope="module")
def environment(wheel, workshop):
    """The variables of an activated virtual environment in which calque is installed."""
    folder = workshop.directory / "venv"
    venv.create(folder, with_pip=True, symlinks=True)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    variables |= {"VIRTUAL_ENV": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}"}
    run([folder / "bin" / "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], env=variables)
    return variables


def commands(text):
    """The first block of commands in a README."""
    return re.search(r"^```(?:sh)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL).group(1)


def needs_boost(workshop):
    if workshop.cached("CALQUE_BOOST_PYTHON_SOURCE"):
        pytest.skip("the system has no Boost.Python for this Python, and the example takes the system's")


@pytest.mark.no_leak_check(reason="each repetition would build another project")
@pytest.mark.parametrize("name, tests", [("interval", 5), ("meshes", 10)])
def test_an_example_builds_and_passes_out_of_tree(workshop, environment, tmp_path, name, tests):
    if name == "meshes":
        needs_boost(workshop)
    project = tmp_path / name
    shutil.copytree(EXAMPLES / name, project, ignore=trash)
    said = run(["sh", "-ec", commands((project / "README.md").read_text())], cwd=project, env=environment)
    assert f"Ran {tests} tests" in said and said.rstrip().endswith("OK"), said
    cache = (project / "build" / "CMakeCache.txt").read_text()
    assert f"calque_DIR:UNINITIALIZED={environment['VIRTUAL_ENV']}" in cache or f"calque_DIR:PATH={environment['VIRTUAL_ENV']}" in cache


@pytest.mark.no_leak_check(reason="each repetition would build another project")
def test_the_commands_of_the_readme(environment, tmp_path):
    shutil.copytree(EXAMPLES, tmp_path / "tests" / "examples", ignore=trash)
    said = run(["sh", "-ec", re.search(r"^```sh\n(cd tests/examples.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S).group(1)],
               cwd=tmp_path, env=environment)
    assert "Ran 5 tests" in said and said.rstrip().endswith("OK"), said


@pytest.mark.no_leak_check(reason="each repetition would build another project")
def test_the_interpreter_of_calques_environment_is_the_default(environment, tmp_path):
    """Nobody has activated the environment, and another Python comes first."""
    project = tmp_path / "interval"
    shutil.copytree(EXAMPLES / "interval", project, ignore=trash)
    folder = pathlib.Path(environment["VIRTUAL_ENV"])
    plain = {name: value for name, value in environment.items() if name != "VIRTUAL_ENV"} | {"PATH": os.environ["PATH"]}
    directory = run([folder / "bin" / "python", "-c", "import calque; print(calque.get_cmake_dir())"], env=plain).strip()
    run(["cmake", "-S", project, "-B", project / "build", f"-Dcalque_DIR={directory}"], env=plain)
    run(["cmake", "--build", project / "build"], env=plain)
    run([folder / "bin" / "python", "-m", "unittest"], cwd=project, env={**plain, "PYTHONPATH": str(project / "build")})
