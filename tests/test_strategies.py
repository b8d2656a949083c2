"""Which internals of the interpreter calque was built with: the table of runtime/cpython/strategies.hpp, seen from outside."""

import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest

# The last minor version whose internals were looked at, for each strategy; unknown interpreters get its public twin.
LAST_KNOWN = {
    "c_methods": (3, 14),
    "dict_slots": (3, 14),
    "dict_version": (3, 13),
    "eval_breaker": (3, 14),
    "exception_slot": (3, 14),
    "function_slot": (3, 14),
    "generator_state": (3, 11),
    "get_method": (3, 14),
    "instance_values": (3, 14),
    "list_slots": (3, 14),
    "set_counters": (3, 14),
    "set_tables": (3, 14),
    "type_version": (3, 14),
}
# Versions in between of which it is known that the internals do not serve.
KNOWN_NOT_TO_SERVE = {("exception_slot", (3, 10)), ("function_slot", (3, 11)), ("generator_state", (3, 10))}
# Private by their names, but behind macros and functions that are public: every extension module refers to some of them.
BEHIND_PUBLIC_MACROS = {
    "_PyByteArray_empty_string", "_PyWeakref_RefType", "_Py_Dealloc", "_Py_EllipsisObject", "_Py_FalseStruct", "_Py_NoneStruct",
    "_Py_NotImplementedStruct", "_Py_TrueStruct",
}


def built_with_twins(calque):
    cache = pathlib.Path(calque._calque.__file__).resolve().parents[2] / "CMakeCache.txt"
    return cache.exists() and "CALQUE_PUBLIC_API:BOOL=ON" in cache.read_text()


def private_names(calque):
    """The private functions and data of the interpreter that the module asks the dynamic linker for."""
    listing = subprocess.run(["nm", "-D", "--undefined-only", calque._calque.__file__], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in listing.splitlines()}
    return {name for name in names if name.startswith("_Py")} - BEHIND_PUBLIC_MACROS


def test_each_interpreter_gets_the_strategies_it_is_known_for(calque):
    known = not built_with_twins(calque) and not sysconfig.get_config_var("Py_GIL_DISABLED")
    assert calque._calque._strategies == {
        name: "internals" if known and sys.version_info[:2] <= last and (name, sys.version_info[:2]) not in KNOWN_NOT_TO_SERVE
        else "public API" for name, last in LAST_KNOWN.items()
    }


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm of the binutils is not here")
@pytest.mark.skipif(hasattr(sys, "gettotalrefcount"), reason="the macros of a debug interpreter count references by private functions")
def test_twins_refer_to_no_private_name_of_the_interpreter(calque):
    if built_with_twins(calque):
        assert private_names(calque) == set()
    else:
        assert "_PyType_Lookup" in private_names(calque), "this test does not see what it is for"
