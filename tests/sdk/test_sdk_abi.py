"""The border between calque and a plugin: the capsule, sizes and versions."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from support.plugins import LOADER, SOURCES, load
from support.probes import raised


# ---- finding calque ------------------------------------------------------------------------------------------------------

def test_the_package_carries_the_headers_that_plugins_need(calque):
    headers = {path.name for path in (pathlib.Path(calque.get_include()) / "calque").iterdir()}
    assert {"abi.h", "handler.hpp", "context.hpp", "registry.hpp", "ref.hpp", "compat.hpp"} <= headers


def test_the_package_carries_what_cmake_finds(calque):
    assert (pathlib.Path(calque.get_cmake_dir()) / "calqueConfig.cmake").is_file()
    assert (pathlib.Path(calque.get_cmake_dir()) / "calqueConfigVersion.cmake").is_file()


def cmake(*arguments):
    """Its exit status and what it said. CMake built what is tested here, so it is there."""
    command = shutil.which("cmake") and "cmake" or "/usr/bin/cmake"
    result = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(mine LANGUAGES {languages})
{before}
find_package(calque {version} CONFIG REQUIRED)
Python_add_library(point MODULE {source})
target_link_libraries(point PRIVATE calque::sdk)
"""


def configure(calque, folder, *arguments, languages="C", before="", version="", source=SOURCES / "point.c"):
    (folder / "CMakeLists.txt").write_text(
        PROJECT.format(languages=languages, before=before, version=version, source=source))
    return cmake("-S", folder, "-B", folder / "build", f"-Dcalque_DIR={calque.get_cmake_dir()}", *arguments)


@pytest.mark.no_leak_check(reason="each repetition would configure and compile another project")
@pytest.mark.parametrize("languages, source", [("C", "point.c"), ("CXX", "nodes.cpp")])
def test_cmake_builds_a_plugin_against_the_package(calque, tmp_path, languages, source):
    status, said = configure(calque, tmp_path, f"-DPython_EXECUTABLE={sys.executable}", languages=languages,
                             source=SOURCES / source)
    assert status == 0, said
    status, said = cmake("--build", tmp_path / "build", "--verbose")
    assert status == 0, said
    assert calque.get_include() in said
    assert load(tmp_path / "build" / "point.so", pathlib.Path(source).stem).unregister


@pytest.mark.no_leak_check(reason="each repetition would configure another project")
@pytest.mark.parametrize("version, found", [("0.1", True), ("99", False)])
def test_cmake_is_told_the_version_of_calque(calque, tmp_path, version, found):
    status, said = configure(calque, tmp_path, f"-DPython_EXECUTABLE={sys.executable}", version=version)
    assert (status == 0) == found, said
    assert found or f'compatible with requested version "{version}"' in " ".join(said.split())


@pytest.mark.no_leak_check(reason="each repetition would configure another project")
def test_cmake_refuses_a_project_for_another_python(calque, tmp_path):
    another = """
        add_library(Python::Module INTERFACE IMPORTED)
        set(Python_VERSION 3.9.1)
        set(Python_VERSION_MAJOR 3)
        set(Python_VERSION_MINOR 9)
    """
    status, said = configure(calque, tmp_path, before=another)
    assert status != 0
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"this calque is installed for Python {ours}, and the project has found 3.9.1" in " ".join(said.split())


def test_the_capsule_names_its_size_and_version(point):
    size, major, minor = point.version()
    assert (major, minor) == (1, 0)
    assert size >= 112


@pytest.mark.no_leak_check(reason="each repetition would compile and load another extension module")
def test_a_plugin_built_for_another_major_version_is_refused_in_a_sentence(workshop, compiled):
    path = workshop.altered("major", "nodes.cpp", major=(r"^#define CALQUE_ABI_MAJOR 1$", "#define CALQUE_ABI_MAJOR 2"))
    assert raised(load, path, "nodes") == (ImportError, (
        "this plugin was built for calque ABI 2.0, the calque installed offers 1.0: "
        "rebuild the plugin, or install a calque that offers at least 2.0"))


@pytest.mark.no_leak_check(reason="each repetition would compile and load another extension module")
def test_a_plugin_that_needs_more_functions_than_calque_has_is_refused_in_a_sentence(workshop, compiled):
    path = workshop.altered(
        "minor", "nodes.cpp",
        minor=(r"^#define CALQUE_ABI_MINOR 0$", "#define CALQUE_ABI_MINOR 1"),
        size=(r"^} calque_api;$", "    void (*of_the_future)(void);\n} calque_api;"))
    assert raised(load, path, "nodes") == (ImportError, (
        "this plugin was built for calque ABI 1.1, the calque installed offers 1.0: "
        "rebuild the plugin, or install a calque that offers at least 1.1"))


@pytest.mark.no_leak_check(reason="each repetition would compile and load another extension module")
def test_a_plugin_with_a_smaller_handler_structure_is_refused_when_it_registers(workshop, compiled):
    path = workshop.altered("short", "point.c", mirrors=(r"^    const char\* mirrors;$", ""))
    module = load(path, "point")
    assert raised(module.register) == (
        ValueError, "calque handler point: 'size' is smaller than calque_handler of ABI 1.0")


def test_a_plugin_in_a_process_without_calque_says_so(compiled):
    script = LOADER.replace("import calque\n", "sys.modules['calque'] = None\n")
    script += f"load({str(compiled['nodes'])!r}, 'nodes')"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 1
    assert re.search(r"^\w*(ImportError|ModuleNotFoundError): ", result.stderr, re.MULTILINE)


# ---- clients and calques of other versions -------------------------------------------------------------------------------

# The capsule that another calque would have: another version and size in front, more functions or fewer behind.
ANOTHER_CALQUE = LOADER + """
import ctypes, struct
import calque._calque as module

find, make = ctypes.pythonapi.PyCapsule_GetPointer, ctypes.pythonapi.PyCapsule_New
find.restype, find.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
NAME = b"calque._calque._C_API"

def pretend(major, minor, more):
    real = find(module._C_API, NAME)
    size = ctypes.c_size_t.from_address(real).value
    fields = struct.pack("QII", size + more, major, minor) + ctypes.string_at(real, size)[16:] + bytes([0xEE]) * more
    pretend.kept = ctypes.create_string_buffer(fields[:size + more], size + more)
    module._C_API = make(ctypes.addressof(pretend.kept), NAME, None)
"""


def under_another_calque(compiled, major, minor, more):
    """What a plugin comes to, loaded in a process of that calque: a copy's label, or why it was refused."""
    script = ANOTHER_CALQUE + f"""
pretend({major}, {minor}, {more})
try:
    nodes = load({str(compiled["nodes"])!r}, "nodes")
except ImportError as error:
    print(error)
else:
    nodes.register("Node")
    print(calque.deepcopy([nodes.Node("copied")])[0].label)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("minor, more", [(0, 0), (1, 8), (7, 400)])
def test_a_newer_calque_of_the_same_major_version_serves_a_plugin(compiled, minor, more):
    assert under_another_calque(compiled, 1, minor, more) == "copied"


@pytest.mark.parametrize("major, minor, more", [(0, 9, 0), (2, 0, 0), (2, 0, 80), (1, 0, -8), (1, 5, -8), (1, 0, -96)])
def test_a_calque_that_a_plugin_was_not_built_for_refuses_it(compiled, major, minor, more):
    assert under_another_calque(compiled, major, minor, more) == (
        f"this plugin was built for calque ABI 1.0, the calque installed offers {major}.{minor}: "
        "rebuild the plugin, or install a calque that offers at least 1.0")


@pytest.mark.no_leak_check(reason="each repetition would compile and load another extension module")
@pytest.mark.parametrize("kind", ["simple", "frame"])
def test_a_plugin_built_when_calque_had_fewer_functions_is_served(calque, workshop, kind):
    path = workshop.altered(f"older_{kind}", "cell_c.c", fields=(
        r"^    int \(\*keep_alive\)[^}]*^} calque_api;$", "} calque_api;"))
    cells = load(path, "cell_c")
    cells.register(kind)
    try:
        made = calque.deepcopy([cells.Cell([1], cells.Cell())])[0]
        assert made.value == [1] and type(made.next) is cells.Cell
    finally:
        cells.unregister()


@pytest.mark.no_leak_check(reason="each repetition would compile and load another extension module")
@pytest.mark.parametrize("kind", ["simple", "frame"])
def test_a_handler_with_fields_of_the_future_is_told_that_they_are_not_there(calque, workshop, kind):
    path = workshop.altered(f"newer_{kind}", "cell_c.c", field=(
        r"^    const char\* mirrors;$", "    const char* mirrors;\n    void* of_the_future[4];"))
    cells = load(path, "cell_c")
    cells.register(kind)
    try:
        assert calque.deepcopy(cells.Cell([1])).value == [1]
    finally:
        cells.unregister()
    seen, known = cells.sizes()
    assert seen == known - 32
