"""Scripts of tests/isolated in processes of their own."""

import functools
import os
import pathlib
import shlex
import subprocess
import sys
import sysconfig
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent


def run(script, *arguments, timeout=600, **environment):
    """(exit status, what it printed, the end of its complaints)"""
    import calque

    path = [str(pathlib.Path(calque.__file__).parent.parent), str(TESTS), str(TESTS.parent), environment.pop("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), **environment}
    done = subprocess.run([sys.executable, "-X", "faulthandler", str(TESTS / "isolated" / script), *map(str, arguments)], env=environment,
                          capture_output=True, text=True, errors="replace", timeout=timeout)
    return done.returncode, done.stdout.strip(), done.stderr[-3000:]


@functools.cache
def failing_malloc():
    """Where the compiled failing_malloc is; the directory is removed with the process."""
    directory = tempfile.TemporaryDirectory()
    target = pathlib.Path(directory.name) / ("failing_malloc" + sysconfig.get_config_var("EXT_SUFFIX"))
    paths = sysconfig.get_paths()
    flags = [flag for name in ("include", "platinclude") for flag in ("-isystem", paths[name])]
    if hasattr(sys, "gettotalrefcount"):
        # Debian keeps the debug interpreter's pyconfig.h apart from the headers that it shares with the release build.
        flags += ["-include", sysconfig.get_config_h_filename()]
    # -fno-builtin: the compiler knows malloc, and would leave out what it thinks has no effect.
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-fno-builtin", "-fPIC", "-shared", *flags,
                    str(TESTS / "isolated" / "failing_malloc.c"), "-o", str(target)], check=True)
    return target, directory


def failing(script, *arguments, **options):
    """A script with every allocation of the process under its control; freed memory is overwritten."""
    library = failing_malloc()[0]
    return run(script, *arguments, PYTHONPATH=str(library.parent), LD_PRELOAD=str(library), PYTHONMALLOC="malloc", MALLOC_PERTURB_="165", **options)


def out_of_memory(*arguments, **options):
    """tests/isolated/out_of_memory.py, so."""
    return failing("out_of_memory.py", *arguments, **options)
