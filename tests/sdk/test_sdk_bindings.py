"""Both kinds of handlers for a cell of two references, written in plain C and with three binding libraries."""

import importlib.util
import pathlib
import shutil
import subprocess
import sys

import pytest

from support.plugins import SOURCES, Boom, Plugin, boom, hook, load, run_child
from support.probes import raised

BINDINGS = ["c", "pybind11", "nanobind", "cython"]


def pybind11_flags():
    if importlib.util.find_spec("pybind11") is not None:
        import pybind11
        include = pybind11.get_include()  # Debian's: the compiler looks there anyway, and must not twice
        return [] if include == "/usr/include" else ["-isystem", include], pybind11.__version__
    pytest.skip("pybind11 is not here; on Debian: apt-get install python3-pybind11")


def nanobind_flags():
    if importlib.util.find_spec("nanobind") is None:
        pytest.skip("nanobind is not here: pip install nanobind")
    import nanobind
    root = pathlib.Path(nanobind.include_dir()).parent
    folders = [nanobind.include_dir(), nanobind.source_dir(), root / "ext" / "robin_map" / "include"]
    return [flag for folder in folders for flag in ("-isystem", str(folder))] + ["-DNB_COMPACT_ASSERTIONS"], nanobind.__version__


def cython_to_c(folder):
    if importlib.util.find_spec("Cython") is not None:
        command = [sys.executable, "-m", "cython"]
    elif shutil.which("cython3"):
        command = ["cython3"]
    else:
        pytest.skip("Cython is not here; on Debian: apt-get install cython3")
    target = folder / "cell_cython.c"
    made = subprocess.run([*command, str(SOURCES / "cell_cython.pyx"), "-o", str(target)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return target


@pytest.fixture(scope="session", params=BINDINGS)
def built(request, workshop):
    """Name and path of the extension module."""
    name = f"cell_{request.param}"
    if request.param == "c":
        return name, workshop.compile("cell_c.c")
    if request.param == "cython":
        return name, workshop.compile(cython_to_c(workshop.directory), flags=["-w"])
    flags, version = pybind11_flags() if request.param == "pybind11" else nanobind_flags()
    return name, workshop.compile(f"{name}.cpp", flags=["-Wall", "-Wextra", "-Werror", *flags], depends=version)


@pytest.fixture(scope="session")
def loaded(built):
    name, path = built
    return load(path, name)


class CellPlugin(Plugin):
    def register(self, kind):
        self.module.register(kind)
        self.registered.append(self.module.unregister)


@pytest.fixture
def cells(loaded):
    plugin = CellPlugin(loaded)
    yield plugin
    plugin.undo()


@pytest.fixture(params=["simple", "frame"])
def kind(request):
    return request.param


def test_cells_are_copied_with_what_they_hold(calque, cells, kind):
    cells.register(kind)
    shared = [1]
    cell = cells.Cell(shared, cells.Cell({"k": shared}, (shared,)))
    made = calque.deepcopy(cell)
    assert type(made) is cells.Cell and made is not cell
    assert made.value == [1] and made.value is not shared
    assert made.next is not cell.next
    assert made.next.value["k"] is made.next.next[0] is made.value


def test_a_cell_on_a_cycle_finds_its_copy(calque, cells, kind):
    cells.register(kind)
    cell = cells.Cell()
    cell.value, cell.next = [cell], cell
    made = calque.deepcopy(cell)
    assert made is not cell
    assert made.next is made.value[0] is made
    cell.next = cell.value = made.next = made.value = None


def test_a_cell_is_found_wherever_it_lies(calque, cells, kind):
    cells.register(kind)
    cell = cells.Cell("x")
    in_list, (in_tuple,), in_dict = calque.deepcopy([cell, (cell,), {"k": cell}])
    assert in_list is in_tuple is in_dict["k"]
    assert in_list is not cell and in_list.value == "x"
    memo = {}
    made = calque.deepcopy(cell, memo)
    assert memo[id(cell)] is made


@pytest.mark.parametrize("where", ["value", "next"])
def test_an_error_in_a_part_passes_through(calque, cells, kind, where):
    cells.register(kind)
    inner = cells.Cell(**{where: hook(boom)})
    assert raised(calque.deepcopy, [cells.Cell([1], inner)]) == (Boom, "in a hook")


def test_removed_in_the_middle_of_a_copy_it_ends_what_it_has_begun(calque, cells, kind):
    cells.register(kind)
    cell = cells.Cell(hook(lambda memo: cells.unregister()), [2])
    made = calque.deepcopy(cell)
    assert type(made) is cells.Cell and made.next == [2]
    assert raised(cells.unregister)[0] is LookupError


@pytest.fixture(scope="session")
def loaded_c(workshop):
    return load(workshop.compile("cell_c.c"), "cell_c")


@pytest.mark.parametrize("kind", ["simple", "late simple", "frame", "pure simple", "pure late simple", "pure frame"])
@pytest.mark.parametrize("memo", [None, dict])
def test_a_handler_that_promises_to_run_no_python(calque, loaded_c, kind, memo):
    """Nothing is prepared for it; what is in the graph around and below it is copied as ever."""
    cells = CellPlugin(loaded_c)
    cells.register(kind)
    try:
        shared, log = [1], []
        leaf = cells.Cell("leaf")
        inner = cells.Cell(shared, hook(log.append))
        x = [leaf, shared, inner, leaf, (inner, leaf), {"k": cells.Cell(leaf, inner)}, [hook(log.append), leaf, inner]]
        given = memo and memo()
        made = calque.deepcopy(x, given)
        assert len(log) == 2
        assert made[0] is made[3] is made[4][1] is made[5]["k"].value is made[6][1] is not leaf
        assert made[2] is made[4][0] is made[5]["k"].next is made[6][2] is not inner
        assert made[0].value == "leaf" and made[2].value is made[1] == [1]
        assert made[1] is not shared
        if memo:
            assert given[id(leaf)] is made[0] and given[id(inner)] is made[2]
        many = [cells.Cell(i) for i in range(300)]
        made = calque.deepcopy([many, many[::-1], [cells.Cell(one) for one in many]])
        assert [one.value for one in made[0]] == list(range(300))
        assert all(a is b is c.value for a, b, c in zip(made[0], made[1][::-1], made[2]))
        assert raised(calque.deepcopy, [leaf, cells.Cell(leaf, hook(boom))]) == (Boom, "in a hook")
    finally:
        cells.undo()


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
def test_depth_is_free_for_a_frame_handler_and_a_recursion_error_for_a_simple_one(built, kind):
    name, path = built
    assert run_child({name: path}, name, "main thread", f"""
        plugin.register({kind!r})
        cell = None
        for i in range(300_000):
            cell = plugin.Cell(i, cell)
        try:
            made = calque.deepcopy(cell)
        except RecursionError as error:
            print(error)
        else:
            depth = 0
            while made is not None:
                depth, made = depth + 1, made.next
            print(depth)
    """) == ["300000" if kind == "frame" else "too many nested copies: the thread's C stack is nearly used up"]
