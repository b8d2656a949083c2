"""Plugins for the SDK's tests: compiled here against the headers of the package alone, and loaded."""

import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap

import pytest

from support.probes import Hook

SOURCES = pathlib.Path(__file__).parent.parent / "cpp" / "plugins"
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic")
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]


# ---- compiling and loading -----------------------------------------------------------------------------------------------

def compiler(variable, *names):
    """The command of a compiler; without one nothing here can be tested, so that is a failure."""
    for command in (os.environ.get(variable), *names):
        if command and shutil.which(command.split()[0]):
            return command.split()
    pytest.fail(f"the SDK's plugins cannot be built: none of {', '.join(names)} is here; on Debian: apt-get install g++",
                pytrace=False)


def c_compiler():
    return [*compiler("CC", "cc", "gcc", "clang"), "-std=c11"]


def cpp_compiler():
    return [*compiler("CXX", "c++", "g++", "clang++"), "-std=c++20", "-fvisibility=hidden"]


def python_flags():
    """The interpreter's headers as those of the system, so that our warnings do not speak of them."""
    paths = sysconfig.get_paths()
    flags = [flag for name in ("include", "platinclude") for flag in ("-isystem", paths[name])]
    if hasattr(sys, "gettotalrefcount"):
        # Debian keeps the debug interpreter's pyconfig.h apart from the headers that it shares with the release build.
        flags += ["-include", sysconfig.get_config_h_filename()]
    return flags


@functools.cache
def version_of(command):
    return subprocess.run([command, "--version"], capture_output=True, text=True).stdout


def contents(directory):
    return [path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()]


class Workshop:
    """Compiles plugins into a directory of its own.

    A build directory keeps what was compiled from the same sources, headers and command, by the same compiler: plugins
    of binding libraries take many seconds each.
    """

    def __init__(self, calque, directory):
        package = pathlib.Path(calque.__file__).parent
        self.include = pathlib.Path(calque.get_include())
        self.directory = directory
        build = package.parent.parent
        self.build = build if (build / "CMakeCache.txt").exists() else None
        self.sanitizers = []
        if sanitizers := self.cached("CALQUE_SANITIZE"):
            self.sanitizers = [f"-fsanitize={sanitizers.replace(';', ',')}", "-fno-omit-frame-pointer"]

    def cached(self, variable):
        """The value of a variable of the build's CMake; "" without a build directory or a value."""
        text = (self.build / "CMakeCache.txt").read_text() if self.build else ""
        found = re.search(rf"^{variable}:\w+=(.*)$", text, re.MULTILINE)
        return found.group(1) if found else ""

    def compile(self, source, include=None, target=None, flags=(), libraries=(), depends=()):
        """Path of the extension module made of one source, against the package's headers or a copy of them.

        flags: more of the compiler's; warnings are errors only without any. depends: versions of what they bring in.
        """
        made = self.try_to_compile(source, include, target, flags, libraries, depends)
        if isinstance(made, str):
            pytest.fail(f"{pathlib.Path(source).name} does not compile against the SDK:\n{made}", pytrace=False)
        return made

    def try_to_compile(self, source, include=None, target=None, flags=(), libraries=(), depends=()):
        """The same; what the compiler said if it refused."""
        source = SOURCES / source
        target = target or self.directory / (source.stem + SUFFIX)
        include = include or self.include
        command = c_compiler() if source.suffix == ".c" else cpp_compiler()
        command += [*(flags or WARNINGS), *self.sanitizers, "-O1", "-g", "-fPIC", "-shared"]
        key = hashlib.sha256(repr([command, libraries, depends, version_of(command[0]), sys.version, SUFFIX,
                                   source.read_bytes(), contents(include)]).encode()).hexdigest()[:20]
        kept = self.build and self.build / "plugins" / f"{target.name.partition('.')[0]}-{key}.so"
        if kept and kept.exists():
            self.put(kept, target)
            return target
        command += [f"-I{include}", *python_flags(), str(source), *libraries, "-o", str(target)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            return result.stderr
        if kept and target.exists():
            self.keep(target, kept)
        return target

    def keep(self, target, kept):
        kept.parent.mkdir(exist_ok=True)
        for old in kept.parent.glob(kept.name.rpartition("-")[0] + "-*.so"):
            old.unlink(missing_ok=True)
        self.put(target, kept)

    @staticmethod
    def put(source, target):
        """A copy as a new file: the old one may be loaded, in this process or in another."""
        unfinished = target.with_suffix(f".{os.getpid()}")
        shutil.copy(source, unfinished)
        unfinished.replace(target)

    def altered(self, name, source, **substitutions):
        """An extension module compiled against headers in which the lines that match are replaced."""
        include = self.directory / name
        shutil.copytree(self.include, include)
        header = include / "calque" / "abi.h"
        text = header.read_text()
        for pattern, replacement in substitutions.values():
            text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
            assert count == 1, f"abi.h has {count} lines that match {pattern!r}"
        header.write_text(text)
        return self.compile(source, include, self.directory / (name + SUFFIX))


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def boost_arguments(workshop):
    """Flags and libraries: the Boost that calque was built with. A private one makes a private one here: two in a process."""
    if workshop.build is None:
        pytest.skip("calque was not built here, so nobody has said where Boost is")
    source = workshop.cached("CALQUE_BOOST_PYTHON_SOURCE")
    if source:
        library = workshop.build / "libcalque_private_boost_python.a"
        flags = ["-isystem", str(pathlib.Path(source).parent.parent), "-DBOOST_PYTHON_STATIC_LIB", "-DBOOST_ALL_NO_LIB"]
        return flags, [str(library), "-Wl,--exclude-libs,ALL"]
    root = workshop.cached("BOOST_ROOT")
    return ["-isystem", f"{root}/include", f"-L{root}/lib"] if root else ["-O1"], [
        f"-lboost_python{sys.version_info.major}{sys.version_info.minor}"]


# ---- what is registered is taken back --------------------------------------------------------------------------------------

class Plugin:
    """A loaded plugin. What is registered through it is taken back after the test, and before a repetition of it."""

    def __init__(self, module):
        self.module = module
        self.registered = []

    def __getattr__(self, name):
        return getattr(self.module, name)

    def undo(self):
        for take_back in self.registered:
            try:
                take_back()
            except LookupError:
                pass  # the test did
        self.registered.clear()


class PointPlugin(Plugin):
    def register(self, *args):
        self.module.register(*args)
        self.registered.append(self.module.unregister)


class NodesPlugin(Plugin):
    def register(self, name, flags=0, cls=None):
        served = cls or getattr(self.module, name)
        self.module.register(name, flags, *([cls] if cls else []))
        self.registered.append(lambda: self.module.unregister(served))

    def undo(self):
        super().undo()
        self.module.choose()


class OddPlugin(Plugin):
    def add(self, cls, functions="", flags=0, name="odd", missing=0):
        self.module.add(cls, name, functions, flags, missing)
        if cls is not None:
            self.registered.append(lambda: self.module.remove(cls))


class ShapesPlugin(Plugin):
    def register(self, *names, subclasses=True, shallow=True, pure=False):
        for name in names:
            self.module.register(name, subclasses, shallow, pure)
            self.registered.append(lambda name=name: self.module.unregister(name))


# ---- objects and processes ---------------------------------------------------------------------------------------------------

class Plain:
    pass


class Boom(Exception):
    pass


def boom(*ignored):
    raise Boom("in a hook")


def hook(action):
    """A leaf whose __deepcopy__ is `action(memo)`."""
    return Hook("hook", [], lambda self, memo: action(memo))


LOADER = """
import importlib.util, os, sys, threading
import calque

def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""

PLACES = {
    "main thread": "main()",
    "thread of 256 KiB": "threading.stack_size(256 * 1024); t = threading.Thread(target=main); t.start(); t.join()",
}


def run_child(compiled, plugin, place, body):
    """Run a function body in a process that ends while everything is alive; returns the lines it prints.

    CPython itself cannot free every deep chain, and nothing about that is tested here.
    """
    script = LOADER + f"plugin = load({str(compiled[plugin])!r}, {plugin!r})\n"
    script += "def main():\n" + textwrap.indent(textwrap.dedent(body), "    ")
    script += "\n    sys.stdout.flush()\n    os._exit(0)\n" + PLACES[place] + "\nsys.exit('main() did not end')\n"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr[-2000:]}"
    return result.stdout.splitlines()
