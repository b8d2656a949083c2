"""What is in a wheel, an editable install and a source distribution; and that a wheel needs nothing but itself.

CALQUE_WHEEL names a wheel to look at, as `make wheels` does; else one is made as `pip install .` would.
"""

import configparser
import email
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tarfile
import textwrap
import venv
import zipfile

import pytest

from support.plugins import Workshop
from support.wheels import ROOT, copy_sources, dist_info, make_wheel, read, run

LINE = "calque_autopatch.pth"
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
GIVEN = os.environ.get("CALQUE_WHEEL")

pytestmark = pytest.mark.no_leak_check(reason="wheels are made and installed by other processes")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if GIVEN:
        return pathlib.Path(GIVEN)
    import calque
    workshop = Workshop(calque, tmp_path_factory.mktemp("wheel"))
    if workshop.build is None:
        pytest.skip("calque was not built in this tree, so there is nothing to make a wheel of")
    return make_wheel(workshop)


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def extensions(wheel, tmp_path_factory):
    """The extension modules, unpacked: {name of the module: path}."""
    folder = tmp_path_factory.mktemp("extensions")
    with zipfile.ZipFile(wheel) as archive:
        return {pathlib.PurePath(name).name.partition(".")[0]: pathlib.Path(archive.extract(name, folder))
                for name in archive.namelist() if name.endswith(SUFFIX)}


# ---- contents ------------------------------------------------------------------------------------------------------------

def test_everything_is_in_it_and_nothing_else(names):
    package = ROOT / "module" / "calque"
    expected = {f"calque/{path.relative_to(package).as_posix()}" for pattern in ("*.py", "*.pyi", "py.typed", "*.html") for path in package.rglob(pattern)}
    headers = ROOT / "runtime" / "include"
    expected |= {f"calque/include/{path.relative_to(headers).as_posix()}" for path in headers.rglob("*.h*")}
    expected |= {"calque/cmake/calqueConfig.cmake", "calque/cmake/calqueConfigVersion.cmake", LINE,
                 f"calque/_calque{SUFFIX}", f"calque/_effects{SUFFIX}"}
    optional = {f"calque/plugins/_numpy{SUFFIX}"}
    info = dist_info(names)
    found = {name for name in names if not name.startswith(f"{info}/")}
    assert found - optional == expected
    if GIVEN:  # the ones that are published have it
        assert optional <= found


def test_who_may_use_it_and_how(wheel, names):
    info = dist_info(names)
    about = email.message_from_string(read(wheel, f"{info}/METADATA"))
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert (about["Name"], about["Version"], about["Requires-Python"]) == ("calque", setup["metadata"]["version"], ">=3.10")
    assert {"cli", "demo", "test"} <= set(about.get_all("Provides-Extra"))
    assert all("extra ==" in each for each in about.get_all("Requires-Dist"))
    assert about.get_payload().lstrip().startswith((ROOT / "README.md").read_text()[:60])
    # For one version of CPython: Boost.Python does not know the stable ABI.
    tag = email.message_from_string(read(wheel, f"{info}/WHEEL"))
    assert tag["Root-Is-Purelib"] == "false"
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert tag["Tag"].startswith(f"{python}-{python}") and wheel.name.startswith(f"calque-{about['Version']}-{python}-{python}")


def test_the_licenses_are_in_it(wheel, names):
    info = dist_info(names)
    texts = {pathlib.PurePath(name).name: read(wheel, name) for name in names if name.startswith(f"{info}/") and "LICENSE" in name}
    assert set(texts) == {"LICENSE", "LICENSE-Boost"}
    assert "Boost Software License - Version 1.0" in texts["LICENSE-Boost"] and texts["LICENSE"].startswith("MIT License")


def test_the_line_lies_beside_the_package_and_is_taken_away_with_it(wheel, names):
    assert read(wheel, LINE) == (ROOT / "module" / LINE).read_text()
    assert any(row.startswith(f"{LINE},sha256=") for row in read(wheel, f"{dist_info(names)}/RECORD").splitlines())


# ---- the extension modules -------------------------------------------------------------------------------------------------

def tool(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip(f"{command[0]} (binutils) is not here")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into ELF files")
def test_a_module_shows_nothing_but_how_to_import_it(extensions):
    """A visible Boost.Python, or C++ type information, would be shared by halves with another one in the process."""
    assert {"_calque", "_effects"} <= set(extensions)
    for name, path in extensions.items():
        shown = [line.split()[-1] for line in tool("nm", "--dynamic", "--defined-only", str(path)).splitlines()]
        assert shown == [f"PyInit_{name}"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into ELF files")
def test_a_module_needs_only_what_every_system_has(extensions):
    libraries = {"libstdc++.so", "libgcc_s.so", "libm.so", "libc.so", "libpthread.so", "ld-linux-x86-64.so", "ld-linux-aarch64.so"}
    for path in extensions.values():
        dynamic = tool("readelf", "--dynamic", str(path))
        needed = {re.sub(r"\.so\..*", ".so", name) for name in re.findall(r"NEEDED.*\[(.*)\]", dynamic)}
        if not GIVEN and any(name.startswith("libboost_python") for name in needed):
            pytest.skip("this wheel was made with the system's Boost.Python: make wheels makes those that need none")
        assert needed <= libraries
        assert "RPATH" not in dynamic and "RUNPATH" not in dynamic


@pytest.mark.skipif(sys.platform != "linux", reason="looks into ELF files")
def test_a_module_was_made_without_debug_information_and_assertions(extensions):
    for path in extensions.values():
        assert ".debug_info" not in tool("readelf", "--section-headers", "--wide", str(path))
        assert path.stat().st_size < 2_000_000


# ---- installed -------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The python of an environment with this wheel and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True, symlinks=True)
    run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], env=clean())
    return folder / "bin" / "python"


def clean(**variables):
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CALQUE_", "VIRTUAL_ENV"))} | variables


def test_it_copies_and_patches_and_tells_about_itself(installed, tmp_path):
    script = "import calque, copy, sys; x = [1, {2: (3, [])}]; y = calque.deepcopy(x); print(y == x, y[1] is not x[1], calque.patch.enabled())"
    assert run([installed, "-c", script], env=clean(), cwd=tmp_path) == "True True False\n"
    assert run([installed, "-c", script], env=clean(CALQUE_PATCH="1"), cwd=tmp_path) == "True True True\n"
    assert run([installed, "-I", "-c", script], env=clean(CALQUE_PATCH="1"), cwd=tmp_path) == "True True False\n"
    assert "installed by pip" in run([installed, "-m", "calque", "info"], env=clean(), cwd=tmp_path)
    assert run([installed, "-c", "from calque.effects import run, Pure; print(run(Pure(3)))"], env=clean(), cwd=tmp_path) == "3\n"


def test_without_rich_the_command_line_says_what_to_install(installed, tmp_path):
    done = subprocess.run([installed, "-m", "calque", "bench", "string:ascii_letters"], env=clean(), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "pip install calque[cli]" in done.stderr


def test_it_can_be_taken_away(wheel, tmp_path):
    venv.create(tmp_path, with_pip=True, symlinks=True)
    python = tmp_path / "bin" / "python"
    site, = tmp_path.glob("lib/python*/site-packages")
    before = {path.name for path in site.iterdir()}
    for command in (["install", "--no-index", "--no-deps", wheel], ["uninstall", "--yes", "calque"]):
        run([python, "-m", "pip", "--quiet", *command], env=clean())
        if command[0] == "install":
            assert {"calque", LINE} <= {path.name for path in site.iterdir()} - before
    assert {path.name for path in site.iterdir()} == before
    assert run([python, "-c", "print(1)"], env=clean(CALQUE_PATCH="1")) == "1\n"


# ---- what setuptools makes of the sources; the compiler is not asked --------------------------------------------------------

@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the sources, and variables for which cmake is a program that leaves empty files."""
    if not (ROOT / "setup.py").exists() or importlib.util.find_spec("setuptools") is None:
        pytest.skip("wants the sources and setuptools")
    folder = tmp_path_factory.mktemp("sources")
    idle = folder / "bin" / "cmake"
    idle.parent.mkdir()
    idle.write_text(textwrap.dedent(f"""\
        #!/bin/sh
        [ "$1" = --install ] || exit 0
        while [ "$1" != --prefix ]; do shift; done
        mkdir -p "$2/calque/include/calque" "$2/calque/plugins"
        for file in _calque{SUFFIX} _effects{SUFFIX} plugins/_numpy{SUFFIX} include/calque/abi.h; do : >"$2/calque/$file"; done
    """))
    idle.chmod(0o755)
    more = [name for name in ("CMakePresets.json", "Makefile", "HACKING.md", "CHANGELOG.md", "tests", "perf", ".clang-format", ".clang-tidy")
            if (ROOT / name).exists()]
    from support.wheels import SOURCES

    return copy_sources(folder / "calque", (*SOURCES, *more)), clean(PATH=f"{idle.parent}:{os.environ['PATH']}", BOOST_ROOT="/nowhere")


def backend(sources, call):
    """Calls the build backend as a front end does."""
    folder, variables = sources
    return run([sys.executable, "-c", f"from setuptools import build_meta; print(build_meta.{call})"], cwd=folder, env=variables).splitlines()[-1]


def test_an_editable_install_has_the_line_too(sources, tmp_path):
    if importlib.util.find_spec("wheel") is None and importlib.util.find_spec("setuptools.command.bdist_wheel") is None:
        pytest.skip("wants wheel")
    made = tmp_path / backend(sources, f"build_editable({str(tmp_path)!r})")
    assert read(made, LINE) == (ROOT / "module" / LINE).read_text()
    with zipfile.ZipFile(made) as archive:
        paths = [name for name in archive.namelist() if name.endswith(".pth")]
    # The one that makes calque importable is read first.
    assert sorted(paths)[-1] == LINE and len(paths) == 2
    assert read(made, min(paths)).strip() == str(sources[0] / "module")
    # What is compiled lies in the sources.
    package = sources[0] / "module" / "calque"
    for file in (f"_calque{SUFFIX}", f"_effects{SUFFIX}", f"plugins/_numpy{SUFFIX}", "include/calque/abi.h"):
        assert (package / file).exists()
    assert (package / "__init__.py").read_text() == (ROOT / "module" / "calque" / "__init__.py").read_text()
    assert not (package / LINE).exists()


def test_a_source_distribution_is_complete(sources, tmp_path):
    made = tmp_path / backend(sources, f"build_sdist({str(tmp_path)!r})")
    with tarfile.open(made) as archive:
        found = {name.partition("/")[2] for name in (member.name for member in archive if member.isfile())}
    wanted = {path.relative_to(sources[0]).as_posix() for path in sources[0].rglob("*")
              if path.is_file() and not re.search(r"\.egg-info/|/__pycache__/|^build/|\.py[co]$|\.so$|^module/calque/include/", path.relative_to(sources[0]).as_posix())}
    assert wanted - found == set()
    assert {name for name in found - wanted if ".egg-info/" not in name} <= {"PKG-INFO"}
    tracked = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True)
    if tracked.returncode == 0 and (ROOT / ".git").exists():
        left_out = set(tracked.stdout.split()) - found
        assert left_out <= {".gitignore"}
