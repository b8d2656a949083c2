# perf/setting.py: what the scripts of perf/ run in: which build of calque, which peers, which native helper.
#
# A script can be run by any interpreter calque was built for, in or outside a virtual environment: if calque cannot be
# imported, the build directory of this interpreter's version is taken. Peers come from the interpreter's own packages
# or from the environment `make bench` made for them, <build>/peers.
from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import platform
import re
import subprocess
import sys
import sysconfig
import types
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent


def find_build() -> pathlib.Path | None:
    """The build directory of the calque that is measured, or None for one that was installed."""
    spec = importlib.util.find_spec("calque")
    if spec is None or spec.origin is None:
        package = ROOT / "build" / (platform.python_version() + getattr(sys, "abiflags", "")) / "python"
        if not (package / "calque").is_dir():
            sys.exit(f"calque is not built for {sys.executable}: make build")
        sys.path.insert(1, str(package))
        return package.parent
    build = pathlib.Path(spec.origin).absolute().parents[2]
    return build if (build / "CMakeCache.txt").exists() else None


def cmake_cache(build: pathlib.Path) -> dict[str, str]:
    text = (build / "CMakeCache.txt").read_text()
    return dict(re.findall(r"^([A-Za-z_]+):[A-Z]+=(.*)$", text, re.MULTILINE))


def enter() -> pathlib.Path | None:
    """Makes calque and the peers importable here; returns the build directory."""
    build = find_build()
    if build is not None:
        sys.path += [str(path) for path in (build / "perf" / "python", *build.glob("peers/lib/python*/site-packages")) if path.is_dir()]
    try:
        importlib.import_module("calque")
    except ImportError as error:
        sys.exit(f"{sys.executable} cannot import calque ({error}): make build")
    return build


def environment() -> dict[str, str]:
    """For children: the same modules without the `site` module, and no randomness."""
    paths = [*sys.path[1:], sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return dict(os.environ, PYTHONHASHSEED="0", PYTHONPATH=os.pathsep.join(dict.fromkeys([str(HERE), *filter(None, paths)])))


def native(build: pathlib.Path | None, target: str = "calque_perf") -> types.ModuleType:
    """An extension of perf/cpp, built or rebuilt if need be."""
    if build is None:
        sys.exit(f"this needs {target} from a build directory, and calque is installed without one: make build")
    cache = cmake_cache(build)
    log = build / "perf.log"
    commands = [[cache["CMAKE_COMMAND"], "--build", str(build), "--target", target]]
    if cache.get("CALQUE_PERF") != "ON":
        commands.insert(0, [cache["CMAKE_COMMAND"], "-DCALQUE_PERF=ON", str(build)])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            log.write_text(done.stdout + done.stderr)
            sys.exit(f"{target} does not build: {log} says why")
    path = str(build / "perf" / "python")
    if path not in sys.path:
        sys.path.append(path)
    importlib.invalidate_caches()
    return importlib.import_module(target)


def interpreter() -> str:
    """Version and how it was optimised: that its instructions depend on."""
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS"))
    optimised = [name for option, name in (("--enable-optimizations", "pgo"), ("--with-lto", "lto")) if option in arguments]
    return "-".join(["python", platform.python_version() + getattr(sys, "abiflags", ""), *optimised])


def plain_release(build: pathlib.Path) -> str | None:
    """Why this build is not the one users get, or None."""
    cache = cmake_cache(build)
    if cache.get("CMAKE_BUILD_TYPE") != "Release":
        return f"its build type is {cache.get('CMAKE_BUILD_TYPE')}"
    wrong: list[Any] = [name for name in ("CALQUE_DEV", "CALQUE_MUTANTS", "CALQUE_PUBLIC_API") if cache.get(name) == "ON"]
    wrong += ["CALQUE_SANITIZE"] if cache.get("CALQUE_SANITIZE") else []
    return f"it is built with {', '.join(wrong)}" if wrong else None
