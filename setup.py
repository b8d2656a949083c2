"""Hands the extension to CMake; everything else about the package is in setup.cfg."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Command, Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
# The handlers for numpy: AUTO where numpy's headers are, ON (fetches numpy, which a build in isolation does not see), OFF.
NUMPY = os.environ.get("CALQUE_NUMPY", "AUTO")


def works(*command):
    """Whether the tool exists and answers: pyenv has shims for tools that no interpreter has."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(*command, **options):
    """Runs a tool that explains its own failures, and ends with its status."""
    result = subprocess.run(command, check=False, **options)
    if result.returncode:
        sys.exit(result.returncode)
    return result


def boost_arguments():
    """Where Boost.Python comes from: the environment, the system, or the distribution's source package.

    CALQUE_PRIVATE_BOOST=1 asks for a wheel that needs no Boost where it is installed: never the system's, but one that is built in.
    """
    for name in ("CALQUE_BOOST_PYTHON_SOURCE", "BOOST_ROOT"):
        if os.environ.get(name):
            return [f"-D{name}={os.environ[name]}"]
        if f"-D{name}=" in os.environ.get("CMAKE_ARGS", ""):
            return []
    if os.environ.get("CALQUE_PRIVATE_BOOST", "") not in ("", "0"):
        fetched = sorted(ROOT.glob("build/_boost/1.*/libs/python"))  # by .ci/boost, or where there is no sh by .ci/boost-release
        if fetched:
            return [f"-DCALQUE_BOOST_PYTHON_SOURCE={fetched[-1]}"]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    answer = run("sh", ROOT / ".ci" / "boost", version, sys.abiflags, stdout=subprocess.PIPE, text=True)
    source = answer.stdout.strip()
    return [f"-DCALQUE_BOOST_PYTHON_SOURCE={source}"] if source else []


class CMakeBuild(build_ext):
    def build_extension(self, extension):
        if not works("cmake", "--version"):
            sys.exit("calque needs cmake >= 3.22 to build; on Debian: apt-get install cmake")
        package = Path(self.get_ext_fullpath(extension.name)).resolve().parent
        build = Path(self.build_temp).resolve()
        build.mkdir(parents=True, exist_ok=True)
        ninja = "CMAKE_GENERATOR" not in os.environ and works("ninja", "--version")
        generator = ["-G", "Ninja"] if ninja else []
        run("cmake", "-S", ROOT, "-B", build, *generator, f"-DPython_EXECUTABLE={sys.executable}",
            "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF", f"-DCALQUE_NUMPY={NUMPY}", *boost_arguments(),
            *shlex.split(os.environ.get("CMAKE_ARGS", "")))
        run("cmake", "--build", build, "--config", "Release", "--target", "_calque", "--parallel",
            os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(os.cpu_count() or 1))
        # The component installs calque/<the module, include/>; `package` is that directory.
        run("cmake", "--install", build, "--config", "Release", "--component", "extension", "--prefix", package.parent)

    def copy_extensions_to_source(self):
        """An editable install, or --inplace: all that CMake installed, not the one module alone that setuptools knows of."""
        shutil.copytree(Path(self.build_lib) / "calque", ROOT / "module" / "calque", dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.py", "*.pyi", "py.typed"))


class Autopatch(Command):
    """The line that every start of the interpreter runs (calque/_autopatch.py): it belongs beside the package, also in an editable install."""

    description = "put calque_autopatch.pth beside the package"
    user_options = []
    build_lib = None
    editable_mode = False  # set by setuptools

    def initialize_options(self):
        pass

    def finalize_options(self):
        self.set_undefined_options("build", ("build_lib", "build_lib"))

    def run(self):
        # An editable wheel is packed from where things are installed to, and holds nothing of what was built.
        target = self.get_finalized_command("install").install_lib if self.editable_mode else self.build_lib
        self.mkpath(target)
        self.copy_file(str(ROOT / "module" / "calque_autopatch.pth"), target)


class Build(build):
    sub_commands = [*build.sub_commands, ("autopatch", None)]


setup(
    # The source is CMakeLists.txt's to know.
    ext_modules=[Extension("calque._calque", sources=[])],
    cmdclass={"autopatch": Autopatch, "build": Build, "build_ext": CMakeBuild},
    # A PEP 517 front end fetches these, and only where they are absent.
    setup_requires=[project for project in ("cmake>=3.22", "ninja")
                    if not works(project.partition(">")[0], "--version")] + (["numpy>=2"] if NUMPY == "ON" else []),
)
