"""The wheel that a user gets: made by pip from a copy of the sources, and what is in it."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from support.plugins import version_of

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# What a wheel is made of.
SOURCES = ("CMakeLists.txt", "LICENSE", "LICENSE-Boost", "MANIFEST.in", "README.md", "pyproject.toml", "setup.cfg", "setup.py",
           ".ci", "handlers", "module", "runtime")
_trash = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so", "build")


def trash(folder, names):
    """For shutil.copytree: what was built. The file .ci/build was not."""
    return _trash(folder, names) - ({"build"} if pathlib.Path(folder).name == ".ci" else set())


def run(command, **options):
    """What the command said; a failure, with that, if it failed."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode != 0:
        pytest.fail(f"{command} ended with {result.returncode}:\n{result.stdout[-4000:]}", pytrace=False)
    return result.stdout


def key_of_sources():
    digest = hashlib.sha256(sys.version.encode() + version_of("c++").encode())
    for name in SOURCES:
        path = ROOT / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and not trash(str(file.parent), [file.name, file.parent.name]):
                digest.update(repr(str(file.relative_to(ROOT))).encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def copy_sources(target, names=SOURCES):
    """The sources, and nothing that lies about here."""
    target.mkdir(exist_ok=True)
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=trash)
        else:
            shutil.copy(ROOT / name, target / name)
    return target


def make_wheel(workshop):
    """A wheel of this interpreter's. The build directory keeps it as long as the sources are the same."""
    kept = workshop.build / "wheel" / key_of_sources()
    if not list(kept.glob("*.whl")):
        source = copy_sources(workshop.directory / "source")
        environment = dict(os.environ)
        if boost := workshop.cached("CALQUE_BOOST_PYTHON_SOURCE"):
            environment["CALQUE_BOOST_PYTHON_SOURCE"] = boost
        made = workshop.directory / "wheel"
        run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet",
             "--wheel-dir", made, source], env=environment)
        shutil.rmtree(kept.parent, ignore_errors=True)
        kept.parent.mkdir()
        shutil.copytree(made, kept)
    found, = kept.glob("*.whl")
    return found


def dist_info(names):
    """The name of the .dist-info folder among the names in a wheel."""
    found, = {name.partition("/")[0] for name in names if re.match(r"[^/]+\.dist-info/", name)}
    return found


def read(wheel, name):
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name).decode()
