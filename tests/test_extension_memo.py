"""Extension types whose `__deepcopy__` needs a real dict: a Cython argument of type dict, and C code that reads and writes the dict itself."""

import collections
import copy
import importlib.util
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import warnings

import pytest

SOURCES = pathlib.Path(__file__).parent / "extensions"


def compiler():
    words = shlex.split(sysconfig.get_config_var("CC") or "cc")
    if shutil.which(words[0]) is None:
        words = ["cc"]
    if shutil.which(words[0]) is None:
        pytest.skip("no C compiler")
    return words


def build(name, source, folder):
    """Compiles one C file into an extension module and imports it."""
    if not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("the headers of this Python are not installed")
    target = folder / (name + sysconfig.get_config_var("EXT_SUFFIX"))
    command = [*compiler(), "-shared", "-fPIC", "-O1", "-I", sysconfig.get_path("include"), "-o", str(target), str(source)]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    spec = importlib.util.spec_from_file_location(name, target)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def c_memo(tmp_path_factory):
    return build("c_memo", SOURCES / "c_memo.c", tmp_path_factory.mktemp("c_memo"))


def cython():
    if importlib.util.find_spec("Cython") is not None:
        return [sys.executable, "-m", "cython"]
    # That of the system, 0.29 on Debian 12, makes C that 3.12 does not take.
    return ["cython3"] if shutil.which("cython3") and sys.version_info < (3, 12) else None


@pytest.fixture(scope="module")
def cython_memo(tmp_path_factory):
    command = cython()
    if command is None:
        pytest.skip("no Cython")
    folder = tmp_path_factory.mktemp("cython_memo")
    made = subprocess.run([*command, "-3", str(SOURCES / "cython_memo.pyx"), "-o", str(folder / "cython_memo.c")], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return build("cython_memo", folder / "cython_memo.c", folder)


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# Cython ----------------------------------------------------------------------------------------------------------------------------------------------

def test_a_cython_hook_with_a_dict_argument_is_called_once_with_a_dict(copier, cython_memo):
    counts = cython_memo.Counts()
    x = [[1], counts, [2], {"k": counts}]
    copied = copier.deepcopy(x)
    assert copied[1] is counts
    assert counts.seen == [3, 5]  # the list, its first item, the keepalive list; then one more list and the dict


def test_a_cython_object_shares_with_the_graph_around_it(copier, cython_memo):
    shared = [1]
    node = cython_memo.Node({"k": shared}, shared, copier.deepcopy)
    copied = copier.deepcopy([node, shared, (shared, node)])
    assert copied[0] is copied[2][1]
    assert copied[0].shared is copied[1] is copied[2][0] is copied[0].below["k"]
    assert copied[1] is not shared


def test_cython_objects_in_a_cycle(copier, cython_memo):
    one, two = cython_memo.Node(deepcopy=copier.deepcopy), cython_memo.Node(deepcopy=copier.deepcopy)
    one.below, two.below = [two], (one,)
    copied = copier.deepcopy([one, two])
    assert copied[0].below[0] is copied[1]
    assert copied[1].below[0] is copied[0]
    for node in (one, two, *copied):
        node.below = None


def test_cython_objects_that_call_the_copy_of_stdlib_within_the_other(copier, cython_memo):
    shared = [1]
    nodes = [cython_memo.Node([shared], shared, copy.deepcopy), cython_memo.Node([shared], shared, copier.deepcopy)]
    copied = copier.deepcopy([nodes, shared])
    assert all(node.below[0] is node.shared is copied[1] for node in copied[0])


def test_a_cython_hook_refuses_a_memo_that_is_no_dict_as_under_stdlib(copier, cython_memo):
    def message(deepcopy):
        with pytest.raises(TypeError) as caught:
            deepcopy([cython_memo.Counts()], collections.UserDict())
        return str(caught.value)

    assert message(copier.deepcopy) == message(copy.deepcopy)


def test_many_cython_objects_in_a_large_graph(copier, cython_memo):
    shared = [0]
    x = [[i, cython_memo.Node([i], shared, copier.deepcopy), {"k": (i, [i])}] for i in range(2000)]
    copied = copier.deepcopy(x)
    first = copied[0][1].shared
    assert all(item[1].below == [i] and item[1].shared is first and item[2] == {"k": (i, [i])} for i, item in enumerate(copied))


def test_a_chain_of_cython_objects(copier, cython_memo):
    x = None
    for _ in range(100):
        x = cython_memo.Node([x], None, copier.deepcopy)
    copied = copier.deepcopy(x)
    for _ in range(100):
        copied = copied.below[0]
    assert copied is None


# C ---------------------------------------------------------------------------------------------------------------------------------------------------

def node(c_memo, copier, below=None, preset=None):
    made = c_memo.Node.__new__(c_memo.Node)
    made.deepcopy = copier.deepcopy
    if below is not None:
        made.below = below
    if preset is not None:
        made.preset = preset
    return made


def test_a_c_type_finds_copies_in_the_storage_of_the_memo(copier, c_memo):
    shared = [1]
    copied = copier.deepcopy([shared, node(c_memo, copier, shared), (shared,)])
    assert copied[1].below is copied[0] is copied[2][0]


def test_what_a_c_type_copies_first_is_found_by_the_rest(copier, c_memo):
    shared = [1]
    copied = copier.deepcopy([node(c_memo, copier, shared), shared])
    assert copied[0].below is copied[1]


def test_what_a_c_type_writes_into_the_dict_is_honoured(copier, c_memo):
    later, instead = [1], ["instead"]
    copied = copier.deepcopy([node(c_memo, copier, preset=(later, instead)), later, {"k": later}])
    assert copied[1] is instead
    assert copied[2]["k"] is instead


def test_what_a_c_type_overwrites_in_the_dict_is_honoured(copier, c_memo):
    shared, instead = [1], ["instead"]
    copied = copier.deepcopy([shared, node(c_memo, copier, preset=(shared, instead)), shared])
    assert copied[0] == [1]
    assert copied[2] is instead


def test_a_c_type_in_a_cycle_publishes_itself(copier, c_memo):
    one = node(c_memo, copier)
    one.below = [one, (one,)]
    copied = copier.deepcopy({"k": one})["k"]
    assert copied.below[0] is copied
    assert copied.below[1][0] is copied


def test_c_types_within_c_types_share_one_dict(copier, c_memo):
    shared = [1]
    inner = node(c_memo, copier, shared)
    outer = node(c_memo, copier, [inner, shared, node(c_memo, copier, inner)])
    copied = copier.deepcopy((outer, inner, shared))
    assert copied[0].below[0] is copied[1] is copied[0].below[2].below
    assert copied[1].below is copied[2] is copied[0].below[1]


def test_the_storage_of_the_dict_has_the_entries_python_sees(copier, c_memo):
    class Looks:
        def __deepcopy__(self, memo):
            seen.append((c_memo.entries(memo), list(memo.items())))
            return None

    seen = []
    copier.deepcopy([[1], {"k": ([2],)}, Looks(), [3], Looks()])
    assert len(seen) == 2
    for of_c, of_python in seen:
        assert len(of_c) == len(of_python) > 2
        assert [(key, id(value)) for key, value in of_c] == [(key, id(value)) for key, value in of_python]


def test_a_c_type_refuses_a_memo_that_is_no_dict_as_under_stdlib(copier, c_memo):
    with pytest.raises(TypeError, match="the memo is UserDict, not a dict"):
        copier.deepcopy([node(c_memo, copier)], collections.UserDict())


def test_many_c_objects_in_a_large_graph(copier, c_memo):
    shared = [0]
    x = [[i, node(c_memo, copier, shared), node(c_memo, copier, [i])] for i in range(2000)]
    copied = copier.deepcopy(x)
    first = copied[0][1].below
    assert first is not shared
    assert all(item[1].below is first and item[2].below == [i] for i, item in enumerate(copied))


def test_a_c_type_that_fails_in_the_middle_leaves_nothing_behind(copier, c_memo):
    x = [[1], node(c_memo, copier, [memoryview(b"")]), [2]]
    with pytest.raises(TypeError, match="memoryview"):
        copier.deepcopy(x)
    assert copier.deepcopy([x[0], x[2]]) == [[1], [2]]
