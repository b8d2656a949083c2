"""The SDK as strangers use it: plugins in C and in C++, compiled here against the headers of the package alone."""

import collections
import copy
import gc
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
import threading
import weakref

import pytest

from support.probes import Hook, raised

SOURCES = pathlib.Path(__file__).parent / "cpp" / "plugins"
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic")


# ---- compiling and loading -----------------------------------------------------------------------------------------------

def compiler(variable, *names):
    """The command of a compiler; without one nothing here can be tested, so that is a failure."""
    for command in (os.environ.get(variable), *names):
        if command and shutil.which(command.split()[0]):
            return command.split()
    pytest.fail(f"the SDK's plugins cannot be built: none of {', '.join(names)} is here; on Debian: apt-get install g++",
                pytrace=False)


def python_flags():
    """The interpreter's headers as those of the system, so that our warnings do not speak of them."""
    paths = sysconfig.get_paths()
    flags = [flag for name in ("include", "platinclude") for flag in ("-isystem", paths[name])]
    if hasattr(sys, "gettotalrefcount"):
        # Debian keeps the debug interpreter's pyconfig.h apart from the headers that it shares with the release build.
        flags += ["-include", sysconfig.get_config_h_filename()]
    return flags


class Workshop:
    """Compiles plugins into a directory of its own, and loads them."""

    def __init__(self, calque, directory):
        self.include = pathlib.Path(calque.__file__).parent / "include"
        self.directory = directory

    def compile(self, source, include=None, target=None):
        """Path of the extension module made of one source, against the package's headers or a copy of them."""
        source = SOURCES / source
        target = target or self.directory / (source.stem + importlib.machinery.EXTENSION_SUFFIXES[0])
        if source.suffix == ".c":
            command = [*compiler("CC", "cc", "gcc", "clang"), "-std=c11"]
        else:
            command = [*compiler("CXX", "c++", "g++", "clang++"), "-std=c++20", "-fvisibility=hidden"]
        command += [*WARNINGS, "-O1", "-g", "-fPIC", "-shared", f"-I{include or self.include}", *python_flags(),
                    str(source), "-o", str(target)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            pytest.fail(f"{source.name} does not compile against the SDK:\n{result.stderr}", pytrace=False)
        return target

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
        return self.compile(source, include, self.directory / (name + importlib.machinery.EXTENSION_SUFFIXES[0]))


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    try:
        import calque
    except ImportError as error:
        pytest.fail(f"calque cannot be imported, so nothing about its SDK can be tested: {error}", pytrace=False)
    return Workshop(calque, tmp_path_factory.mktemp("plugins"))


@pytest.fixture(scope="module")
def compiled(workshop):
    return {name: workshop.compile(source) for name, source in
            (("point", "point.c"), ("odd", "odd.c"), ("nodes", "nodes.cpp"))}


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


def plugin_fixture(name, wrapper):
    @pytest.fixture(scope="module", name=f"loaded_{name}")
    def loaded(compiled):
        return load(compiled[name], name)

    def fixture(request):
        plugin = wrapper(request.getfixturevalue(f"loaded_{name}"))
        yield plugin
        plugin.undo()

    return loaded, pytest.fixture(name=name)(fixture)


loaded_point, point_plugin = plugin_fixture("point", PointPlugin)
loaded_nodes, nodes_plugin = plugin_fixture("nodes", NodesPlugin)
loaded_odd, odd_plugin = plugin_fixture("odd", OddPlugin)


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


# ---- finding calque ------------------------------------------------------------------------------------------------------

def test_the_package_carries_the_headers_that_plugins_need(workshop):
    headers = {path.name for path in (workshop.include / "calque").iterdir()}
    assert {"abi.h", "handler.hpp", "context.hpp", "registry.hpp", "ref.hpp", "compat.hpp"} <= headers


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


# ---- a SIMPLE handler in C -----------------------------------------------------------------------------------------------

def test_a_c_type_is_copied_by_its_handler(calque, point):
    point.register()
    inner = point.Point([1], {"k": (2,)})
    outer = point.Point(inner, inner)
    made = calque.deepcopy(outer)
    assert type(made) is point.Point
    assert made is not outer and made.x is not inner
    assert made.x is made.y
    assert (made.x.x, made.x.y) == ([1], {"k": (2,)})
    assert made.x.x is not inner.x


def test_a_remembered_copy_is_found_by_a_cycle(calque, point):
    point.register()
    p = point.Point([1])
    p.y = {"back": [p]}
    made = calque.deepcopy(p)
    assert made is not p
    assert made.y["back"][0] is made
    p.y.clear(), made.y.clear()


def test_a_handler_serves_its_type_wherever_it_is_met(calque, point):
    point.register()
    p = point.Point(["deep"])
    holder = Plain()
    holder.attribute = p
    made, in_tuple, in_dict = calque.deepcopy([holder, (p,), {"k": p}])
    assert made.attribute is in_tuple[0] is in_dict["k"]
    assert made.attribute is not p
    assert made.attribute.x == ["deep"]


def test_without_its_handler_a_c_type_is_copied_as_the_standard_library_does(calque, point):
    assert raised(calque.deepcopy, point.Point()) == raised(copy.deepcopy, point.Point())
    point.register()
    assert type(calque.deepcopy(point.Point())) is point.Point
    point.unregister()
    assert raised(calque.deepcopy, point.Point()) == raised(copy.deepcopy, point.Point())


def test_an_error_in_a_part_passes_through_a_simple_handler(calque, point):
    point.register()
    log = []
    parts = [point.Point(point.Point([], hook(boom)), Hook("never", log)), point.Point(hook(boom))]
    for p in parts:
        assert raised(calque.deepcopy, [p]) == (Boom, "in a hook")
    assert log == []


def test_copy_copy_ignores_a_handler_without_shallow(calque, point):
    point.register()
    assert raised(calque.copy, point.Point()) == raised(copy.copy, point.Point())


@pytest.mark.parametrize("make_memo", [dict, collections.UserDict, lambda: collections.OrderedDict(a=1)])
def test_plugin_copies_enter_the_callers_memo(calque, point, nodes, make_memo):
    point.register()
    nodes.register("Node")
    p = point.Point([1])
    n = nodes.Node("n", [p, p])
    memo = make_memo()
    made = calque.deepcopy(n, memo)
    assert memo[id(n)] is made
    assert memo[id(p)] is made.children[0] is made.children[1]
    assert memo[id(p.x)] is made.children[0].x
    kept = memo[id(memo)]
    assert [type(x) for x in kept] == [list, point.Point, nodes.Node]
    assert kept[1] is p and kept[2] is n
    assert calque.deepcopy(n, memo) is made


def test_an_entry_of_the_callers_memo_is_the_copy_of_a_plugin_object(calque, point, nodes):
    point.register()
    nodes.register("Node")
    p = point.Point()
    n = nodes.Node("n", [p, 3000])
    memo = {id(p): "instead"}
    assert calque.deepcopy(n, memo).children == ("instead", 3000)


@pytest.mark.parametrize("flags", [0, "CALQUE_PURE"])
def test_atomics_are_looked_up_in_a_callers_memo_exactly_when_a_list_looks_them_up(calque, nodes, flags):
    nodes.register("Node", flags and getattr(nodes, flags, 2))
    number = 123456789
    expected = copy.deepcopy([number, "text"], {id(number): "instead"})
    assert list(calque.deepcopy(nodes.Node(None, [number, "text"]), {id(number): "instead"}).children) == expected


def test_deepcopy_and_copy_can_be_called_from_c(calque, point):
    point.register()
    p = point.Point([1])
    memo = {}
    made = point.deepcopy([p, p], memo)
    assert made[0] is made[1] is memo[id(p)]
    assert point.deepcopy([p])[0].x == [1]
    assert raised(point.deepcopy, [hook(boom)]) == (Boom, "in a hook")
    x = [[1]]
    shallow = point.shallow_copy(x)
    assert shallow == x and shallow is not x and shallow[0] is x[0]


# ---- FRAME handlers in C++ -----------------------------------------------------------------------------------------------

@pytest.fixture(params=[0, 2], ids=["running Python", "pure"])
def node_flags(request):
    return request.param


def test_a_frame_handler_copies_children_in_order(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    log = []
    n = nodes.Node("n", [[1], Hook("a", log), 5, nodes.Node("inner", [Hook("b", log)]), Hook("c", log), "s"])
    made = calque.deepcopy(n)
    assert log == ["a", "b", "c"]
    assert type(made) is nodes.Node and made is not n
    assert [type(x) for x in made.children] == [type(x) for x in n.children]
    assert made.children[0] == [1] and made.children[0] is not n.children[0]
    assert made.children[3].label == "inner"
    assert made.children[2] is n.children[2] and made.children[5] is n.children[5]
    assert nodes.seen()["live_states"] == 0


def test_sharing_and_cycles_keep_their_topology(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    shared = nodes.Node("shared", [[1]])
    n = nodes.Node("n", [shared, [shared], {"k": shared}])
    n.append(n)
    shared.append((n,))
    made = calque.deepcopy(n)
    assert made.children[0] is made.children[1][0] is made.children[2]["k"]
    assert made.children[0] is not shared
    assert made.children[3] is made
    assert made.children[0].children[1][0] is made
    for x in (n, made, shared, made.children[0]):
        x.drop_children()


def test_a_child_sees_the_unfinished_copy_that_its_parent_published(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    seen = []
    n = nodes.Node("n", [[1]])
    n.append(hook(lambda memo: seen.append((memo[id(n)], memo[id(n)].children))))
    made = calque.deepcopy(n)
    (unfinished, children), = seen
    assert unfinished is made
    assert children == ([1],)


def test_publish_at_once_is_seen_by_a_copy_nested_in_begin(calque, nodes):
    nodes.register("Node")
    nodes.choose(publish_at_once=True, ask_from_begin=True)
    n = nodes.Node("n", [[1]])
    n.append(n)
    made = calque.deepcopy([n, n])
    assert made[0] is made[1] is made[0].children[1]
    assert made[0].children[0] == [1]
    n.drop_children(), made[0].drop_children()


def test_children_added_and_removed_by_a_hook_are_followed(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    n = nodes.Node("n")
    n.append(hook(lambda memo: n.append([2])))
    n.append([1])
    assert calque.deepcopy(n).children == (None, [1], [2])
    n = nodes.Node("n")
    for action in ([3], hook(lambda memo: n.drop_children()), [4]):
        n.append(action)
    assert calque.deepcopy(n).children == ([3], None)
    assert nodes.seen()["live_states"] == 0


def test_a_copy_made_after_its_children_keeps_cycles_as_a_tuple_does(calque, nodes):
    nodes.register("Frozen")
    knot = []
    f = nodes.Frozen("f", [knot, [1]])
    knot.append(f)
    made = calque.deepcopy(f)
    assert type(made) is nodes.Frozen and made is not f
    assert made.children[0][0] is made
    assert made.children[1] == [1]
    other = calque.deepcopy(knot)
    assert other[0].children[0] is other
    for x in (knot, made.children[0], other):
        x.clear()
    assert nodes.seen()["live_states"] == 0


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["Node", "Frozen"])
def test_a_million_levels_cost_no_c_stack(compiled, kind, place):
    assert run_child(compiled, "nodes", place, f"""
        kind = plugin.{kind}
        plugin.register("{kind}")
        x = None
        for i in range(1_000_000):
            x = kind(i, [x])
        made = top = calque.deepcopy(x)
        depth = 0
        while made is not None:
            assert type(made) is kind and made is not x and made.label == x.label
            depth += 1
            (made,), (x,) = made.children, x.children
        print(depth, plugin.seen()["live_states"])
    """) == ["1000000 0"]


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
@pytest.mark.parametrize("place", PLACES)
def test_a_million_levels_are_unwound_after_an_error(compiled, place):
    assert run_child(compiled, "nodes", place, """
        class Boom:
            def __deepcopy__(self, memo):
                raise ValueError("at the bottom")
        plugin.register("Node")
        x = Boom()
        for i in range(1_000_000):
            x = plugin.Node(i, [x])
        try:
            calque.deepcopy(x)
        except ValueError as error:
            print(error, plugin.seen()["live_states"], plugin.seen()["unwound"])
    """) == ["at the bottom 0 1000000"]


# ---- FRAME handlers: declining, errors ------------------------------------------------------------------------------------

def test_a_handler_that_declines_leaves_the_object_to_the_next_candidate(calque, nodes):
    class Own(nodes.Node):
        def __deepcopy__(self, memo):
            return "of its own"

    nodes.register("Node", 0, Own)
    x = Own("n", [[1]])
    assert type(calque.deepcopy(x)) is Own
    nodes.choose(decline=True)
    assert calque.deepcopy([x, (x,)]) == ["of its own", ("of its own",)]
    assert nodes.seen()["begun"] == 1  # the second time its copy was known
    assert nodes.seen()["live_states"] == 0
    assert nodes.seen()["unwound"] == 0


def test_a_handler_that_declines_what_nobody_else_takes_leaves_stdlibs_error(calque, nodes):
    nodes.register("Node")
    nodes.choose(decline=True)
    assert raised(calque.deepcopy, [nodes.Node()]) == raised(copy.deepcopy, [nodes.Node()])
    assert nodes.seen()["live_states"] == 0


def test_an_error_drops_every_frame_once_with_the_exception_set(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    nodes.register("Frozen")
    x = nodes.Node("bottom", [[1], hook(boom), Hook("never", log := [])])
    for i in range(50):
        x = nodes.Frozen("f", [[i], nodes.Node(i, [[2], x])])
    assert raised(calque.deepcopy, x) == (Boom, "in a hook")
    assert log == []
    seen = nodes.seen()
    assert (seen["live_states"], seen["unwound"], seen["unwound_without_exception"]) == (0, 51, 0)


def test_an_error_leaves_the_originals_and_a_later_copy_intact(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    fails = [True]
    n = nodes.Node("n", [[1], hook(lambda memo: boom() if fails[0] else "copied"), [2]])
    count = sys.getrefcount(n)
    assert raised(calque.deepcopy, n) == (Boom, "in a hook")
    assert sys.getrefcount(n) == count
    fails[0] = False
    assert calque.deepcopy(n).children == ([1], "copied", [2])


def test_unwind_may_replace_the_exception(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    nodes.choose(replace_errors=True)
    x = nodes.Node("outer", [[nodes.Node("inner", [hook(boom)])]])
    assert raised(calque.deepcopy, x) == (ValueError, "while copying node 'outer'")
    assert nodes.seen()["unwound"] == 2
    assert nodes.seen()["live_states"] == 0


def test_an_error_at_every_child_leaves_no_state_behind(calque, nodes, node_flags):
    nodes.register("Node", node_flags)
    nodes.register("Frozen")
    calls = []

    def step(memo):
        calls.append(None)
        if len(calls) == fail_at:
            boom()
        return "leaf"

    x = nodes.Node("n", [hook(step), nodes.Frozen("f", [hook(step), [hook(step)]]), (hook(step),), {"k": hook(step)}])
    fail_at = 0
    while True:
        fail_at += 1
        calls.clear()
        try:
            made = calque.deepcopy(x)
        except Boom:
            assert nodes.seen()["live_states"] == 0
        else:
            break
    assert fail_at == 6
    assert made.children[0] == "leaf" and made.children[1].children == ("leaf", ["leaf"])


# ---- subclasses, atomics, copy.copy ---------------------------------------------------------------------------------------

def test_a_handler_serves_subclasses_only_when_it_says_so(calque, nodes):
    class Sub(nodes.Node):
        pass

    nodes.register("Node")
    assert raised(calque.deepcopy, Sub()) == raised(copy.deepcopy, Sub())
    nodes.unregister(nodes.Node)
    nodes.register("Node", nodes.CALQUE_SUBCLASSES)
    made = calque.deepcopy([Sub("s", [nodes.Node("n", [Sub("t")])])])[0]
    assert type(made) is Sub
    assert type(made.children[0]) is nodes.Node
    assert type(made.children[0].children[0]) is Sub


def test_a_class_nearer_in_the_mro_takes_its_instances_back(calque, nodes):
    class Own(nodes.Node):
        def __deepcopy__(self, memo):
            return "of its own"

    class Below(Own):
        pass

    class Beside(nodes.Node):
        pass

    nodes.register("Node", nodes.CALQUE_SUBCLASSES)
    own, below, beside = calque.deepcopy([Own(), Below(), Beside("b")])
    assert (own, below) == ("of its own", "of its own")
    assert type(beside) is Beside and beside.label == "b"


def test_the_handler_of_the_nearest_base_serves_a_subclass(calque, nodes):
    class Middle(nodes.Node):
        pass

    class Low(Middle):
        pass

    calls = []
    nodes.register("Node", nodes.CALQUE_SUBCLASSES)
    calque.register(Middle, subclasses=True)(lambda x, memo: calls.append(type(x)))
    try:
        calque.deepcopy([Low(), Middle(), nodes.Node()])
    finally:
        calque.unregister(Middle)
    assert calls == [Low, Middle]


def test_an_atomic_handler_makes_objects_their_own_copies(calque, nodes):
    nodes.register("Token")
    token = nodes.Token("t")
    holder = Plain()
    holder.token = token
    made = calque.deepcopy([token, (token,), {"k": token}, holder, nodes.Token])
    assert made[0] is made[1][0] is made[2]["k"] is made[3].token is token
    assert calque.copy(token) is token
    x = (token, 1)
    assert calque.deepcopy(x) is x
    memo = {}
    assert calque.deepcopy(token, memo) is token
    assert id(token) not in memo


def test_an_atomic_handler_for_subclasses_serves_them(calque, nodes):
    class Sub(nodes.Token):
        pass

    nodes.register("Token", nodes.CALQUE_SUBCLASSES)
    token = Sub()
    assert calque.deepcopy([token])[0] is token


def test_an_atomic_type_is_no_longer_atomic_when_its_handler_is_removed(calque, nodes):
    token = nodes.Token()
    nodes.register("Token")
    assert calque.deepcopy([token])[0] is token
    nodes.unregister(nodes.Token)
    assert raised(calque.deepcopy, [token]) == raised(copy.deepcopy, [token])
    assert raised(calque.copy, token) == raised(copy.copy, token)


def test_a_handler_with_shallow_serves_copy_copy(calque, nodes):
    n = nodes.Node("n", [[1]])
    assert raised(calque.copy, n) == raised(copy.copy, n)
    nodes.register("Node")
    made = calque.copy(n)
    assert type(made) is nodes.Node and made is not n
    assert made.label == "n"
    assert made.children[0] is n.children[0]


# ---- SIMPLE handlers in C++: remember, keep_alive, memo, brackets -----------------------------------------------------------

def test_a_wrapper_on_a_cycle_finds_its_remembered_copy(calque, nodes):
    nodes.register("Wrapper")
    w = nodes.Wrapper("w", [[1]])
    w.append([w])
    made = calque.deepcopy(w)
    assert made is not w and made.children[0] == [1]
    assert made.children[1][0] is made
    w.drop_children(), made.drop_children()


def test_what_a_handler_keeps_alive_lives_until_the_copy_ends(calque, nodes):
    nodes.register("Wrapper")
    kept = []

    def make_temporary(wrapper, memo):
        temporary = Plain()
        kept.append(weakref.ref(temporary))
        return temporary

    lives = []
    w = nodes.Wrapper("w", [], make_temporary)
    calque.deepcopy([w, hook(lambda memo: (gc.collect(), lives.append(kept[0]() is not None)))])
    assert lives == [True]
    assert kept[0]() is None


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_a_handler_receives_the_memo_that_hooks_receive(calque, nodes, name):
    nodes.register(name)
    memos = []
    first = [1]
    w = getattr(nodes, name)("w", [], lambda x, memo: memos.append((type(memo), id(memo), memo[id(first)])))
    x = [first, hook(lambda memo: memos.append((type(memo), id(memo), memo[id(first)]))), w]
    made = calque.deepcopy(x)
    assert [entry[0] for entry in memos] == [dict, dict]
    assert memos[0][1] == memos[1][1]
    assert memos[0][2] is memos[1][2] is made[0]
    memo = collections.UserDict()
    memos.clear()
    calque.deepcopy(x, memo)
    assert [entry[:2] for entry in memos] == [(collections.UserDict, id(memo))] * 2


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_an_entry_written_by_a_handlers_hook_counts(calque, nodes, name):
    nodes.register(name)
    later = [1]
    w = getattr(nodes, name)("w", [], lambda x, memo: memo.update({id(later): "instead"}))
    assert calque.deepcopy([w, later])[1] == "instead"


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_a_hook_inside_a_simple_handler_may_raise(calque, nodes, name):
    nodes.register(name)
    x = [[1], getattr(nodes, name)("w", [], boom)]
    assert raised(calque.deepcopy, x) == (Boom, "in a hook")
    assert x[0] == [1]


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_a_hook_may_drop_what_was_copied_before_it(calque, nodes, name):
    # What was visited must not be taken for what is made at the same address afterwards.
    nodes.register(name)
    nodes.register("Node", nodes.CALQUE_PURE)
    root = nodes.Node("root")
    for i in range(40):
        root.append([i])

    def cut_and_refill(x, memo):
        root.drop_children()
        for i in range(40):
            root.append(["new", i])

    root.append(getattr(nodes, name)("w", [], cut_and_refill))
    made = calque.deepcopy([root, root])[0]
    assert made.children[:40] == tuple([i] for i in range(40))
    assert made.children[40].label == "w"
    n = nodes.Node("n")
    for i in range(40):
        n.append([i])
    n.append(getattr(nodes, name)("w", [], lambda x, memo: (n.drop_children(), fresh.extend([i] for i in range(100, 200)))))
    fresh = []
    made = calque.deepcopy([n, fresh])
    assert made[0].children[:40] == tuple([i] for i in range(40))
    assert made[1] == [[i] for i in range(100, 200)]


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_an_object_that_its_own_hook_moves_is_copied_once(calque, nodes, name):
    nodes.register(name)
    later = []

    def move(x, memo):
        later.append(x)
        top[0] = None

    top = [getattr(nodes, name)("w", [], move), later]
    made = calque.deepcopy(top)
    assert made[0] is made[1][0]
    assert made[0].label == "w"


@pytest.mark.parametrize("name", ["Wrapper", "Gate"])
def test_a_hook_may_copy_again_with_the_memo_it_got(calque, nodes, name):
    nodes.register(name)
    shared = [1]
    nested = []
    w = getattr(nodes, name)("w", [], lambda x, memo: nested.append(calque.deepcopy(shared, memo)))
    made = calque.deepcopy([w, shared])
    assert nested[0] is made[1]


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
@pytest.mark.parametrize("place", PLACES)
def test_a_simple_handler_that_recurses_too_deep_raises_a_recursion_error(compiled, place):
    assert run_child(compiled, "point", place, """
        plugin.register()
        p = None
        for i in range(1_000_000):
            p = plugin.Point(p)
        for attempt in range(2):
            try:
                calque.deepcopy([p])
            except RecursionError as error:
                print(error)
        q = None
        for i in range(50):
            q = plugin.Point(q)
        print(type(calque.deepcopy(q).x.x).__name__)
    """) == ["too many nested copies: the thread's C stack is nearly used up"] * 2 + ["Point"]


# ---- handlers that break the contract --------------------------------------------------------------------------------------

def test_a_simple_handler_that_returns_null_without_an_exception_is_a_system_error(calque, odd):
    odd.add(Plain, "copy_null", name="forgetful")
    assert raised(calque.deepcopy, [[1], Plain()]) == (
        SystemError, "calque handler forgetful returned NULL without setting an exception")


@pytest.mark.parametrize("functions", [
    "begin_error resume_done drop_nothing", "begin_child resume_error drop_nothing",
    "begin_outcome_7 resume_done drop_nothing"])
def test_a_frame_handler_that_fails_without_an_exception_is_a_system_error(calque, odd, functions):
    odd.add(Plain, functions, name="forgetful")
    assert raised(calque.deepcopy, [[1], Plain()]) == (
        SystemError, "calque handler forgetful reported an error without setting an exception")


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
@pytest.mark.parametrize("functions", [
    "begin_without_copy resume_done drop_nothing", "begin_child resume_decline drop_nothing"])
def test_a_frame_handler_that_ends_without_a_copy_is_a_system_error(compiled, functions):
    said = run_child(compiled, "odd", "main thread", f"""
        class Plain:
            pass
        plugin.add(Plain, "forgetful", {functions!r}, 0, 0)
        for x in (Plain(), [[1], Plain()], (Plain(),), {{"k": Plain()}}):
            try:
                calque.deepcopy(x)
            except SystemError as error:
                print(error)
    """)
    assert len(said) == 4
    assert all(line.startswith("calque handler forgetful ") for line in said)


def test_the_pieces_of_the_odd_handlers_work_when_put_together_well(calque, odd):
    odd.add(Plain, "copy_itself")
    x = Plain()
    assert calque.deepcopy([x])[0] is x
    odd.undo()
    odd.add(Plain, "begin_done resume_done drop_nothing")
    assert calque.deepcopy([x])[0] is x
    odd.undo()
    odd.add(Plain, "begin_child resume_done drop_nothing")
    assert calque.deepcopy([x])[0] is None
    odd.undo()
    odd.add(Plain, "begin_decline resume_done drop_nothing")
    assert type(calque.deepcopy([x])[0]) is Plain


FRAME_RULE = "a FRAME handler needs all of 'begin', 'resume' and 'drop'"
ONE_KIND_RULE = "expected exactly one of: 'copy' (SIMPLE), 'begin'/'resume'/'drop' (FRAME), CALQUE_ATOMIC"
PROTOCOL_RULE = "a handler without 'type' is a protocol: a FRAME handler, not for subclasses"
FRAME = "begin_done resume_done drop_nothing"
BROKEN = {
    "size one byte short": (dict(functions=FRAME, missing=1), "'size' is smaller than calque_handler of ABI 1.0"),
    "size of nothing": (dict(functions=FRAME, missing=96), "'size' is smaller than calque_handler of ABI 1.0"),
    "no resume": (dict(functions="begin_done drop_nothing"), FRAME_RULE),
    "no begin": (dict(functions="resume_done drop_nothing"), FRAME_RULE),
    "no drop": (dict(functions="begin_done resume_done"), FRAME_RULE),
    "copy and half a frame": (dict(functions="copy_itself drop_nothing"), FRAME_RULE),
    "no function": (dict(), ONE_KIND_RULE),
    "copy and a whole frame": (dict(functions="copy_itself " + FRAME), ONE_KIND_RULE),
    "atomic with copy": (dict(functions="copy_itself", flags=8), ONE_KIND_RULE),
    "atomic with a frame": (dict(functions=FRAME, flags=8), ONE_KIND_RULE),
    "simple without type": (dict(functions="copy_itself", cls=None), PROTOCOL_RULE),
    "atomic without type": (dict(flags=8, cls=None), PROTOCOL_RULE),
    "subclasses of no type": (dict(functions=FRAME, flags=1, cls=None), PROTOCOL_RULE),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_structure_that_breaks_a_rule_is_refused_with_the_rule(calque, odd, case):
    arguments, rule = BROKEN[case]
    assert raised(odd.add, **{"cls": Plain, **arguments}) == (ValueError, f"calque handler odd: {rule}")
    assert type(calque.deepcopy(Plain())) is Plain
    assert odd.registered == []


def test_a_structure_without_a_name_is_refused(odd):
    assert raised(odd.add, Plain, FRAME, name=None) == (ValueError, "calque handler (unnamed): 'name' is missing")


def test_a_protocol_is_refused_after_import(odd):
    assert raised(odd.add, None, FRAME) == (
        ValueError,
        "calque handler odd: 'type' is missing (protocols are registered only while calque is imported)")


# ---- registering -----------------------------------------------------------------------------------------------------------

def test_a_second_handler_for_a_type_is_refused_and_the_first_stays(calque, point, nodes, odd):
    point.register()
    assert raised(point.register) == (
        ValueError, "calque handler point: type point.Point has a registered handler already (point)")
    assert raised(odd.add, point.Point, "copy_null", name="late") == (
        ValueError, "calque handler late: type point.Point has a registered handler already (point)")
    assert type(calque.deepcopy(point.Point())) is point.Point
    nodes.register("Node")
    assert raised(nodes.register, "Node")[0] is ValueError
    assert nodes.seen()["released"] == 0  # what a refused handler brought stays its owner's


def test_a_handler_from_python_and_one_from_c_cannot_serve_the_same_type(calque, point):
    point.register()
    assert raised(calque.register(point.Point), lambda x, memo: x)[0] is ValueError
    point.unregister()
    calque.register(point.Point)(lambda x, memo: "from Python")
    try:
        assert raised(point.register) == (
            ValueError, "calque handler point: type point.Point has a registered handler already (Python function)")
        assert calque.deepcopy(point.Point()) == "from Python"
    finally:
        calque.unregister(point.Point)


def test_removing_what_is_not_registered_is_a_lookup_error(calque, point, odd):
    expected = LookupError, "no handler is registered for type point.Point"
    assert raised(point.unregister) == expected
    point.register()
    point.unregister()
    assert raised(point.unregister) == expected
    # calque's own handlers are not for strangers to remove.
    assert raised(odd.remove, list) == (LookupError, "no handler is registered for type list")
    assert calque.deepcopy([[1]]) == [[1]]


def test_a_strangers_handler_for_a_builtin_type_wins_until_it_is_removed(calque, odd):
    x = [[1]]
    odd.add(list, "copy_itself")
    assert calque.deepcopy((x,))[0] is x
    odd.undo()
    assert calque.deepcopy((x,))[0] is not x


def test_a_removed_handler_is_released_once(calque, nodes):
    nodes.register("Node")
    calque.deepcopy(nodes.Node())
    assert nodes.seen()["released"] == 0
    nodes.unregister(nodes.Node)
    assert nodes.seen()["released"] == 1
    calque.deepcopy([[1]])
    assert nodes.seen()["released"] == 1


def test_a_handler_removed_during_a_copy_ends_its_frames_and_is_released_after_them(calque, nodes):
    nodes.register("Node")
    released = []

    def remove(memo):
        nodes.unregister(nodes.Node)
        released.append(nodes.seen()["released"])

    x = nodes.Node("outer", [[1], nodes.Node("inner", [hook(remove), [2]]), [3]])
    made = calque.deepcopy(x)
    assert made.children[0] == [1] and made.children[2] == [3]
    assert made.children[1].children == (None, [2])
    assert released == [0]
    assert nodes.seen()["released"] == 1
    assert nodes.seen()["live_states"] == 0


def test_a_handler_removed_during_a_copy_serves_no_object_met_later(calque, nodes):
    nodes.register("Node")
    x = nodes.Node("outer", [hook(lambda memo: nodes.unregister(nodes.Node)), nodes.Node("later")])
    assert raised(calque.deepcopy, x) == raised(copy.deepcopy, nodes.Node())
    assert nodes.seen()["live_states"] == 0
    assert nodes.seen()["released"] == 1


def test_a_handler_removed_and_added_again_during_a_copy_serves_the_rest(calque, nodes):
    nodes.register("Node")

    def change(memo):
        nodes.unregister(nodes.Node)
        nodes.register("Node", nodes.CALQUE_PURE)

    made = calque.deepcopy(nodes.Node("outer", [hook(change), nodes.Node("later", [[1]])]))
    assert made.children[1].children == ([1],)
    assert nodes.seen()["released"] == 1


def test_a_handler_added_during_a_copy_serves_objects_met_later(calque, nodes):
    made = calque.deepcopy([hook(lambda memo: nodes.register("Node")), nodes.Node("later", [[1]])])
    assert made[1].children == ([1],)


def test_threads_share_handlers(calque, nodes):
    nodes.register("Node")
    x = nodes.Node("n", [nodes.Node(i, [[i], hook(lambda memo: "leaf")]) for i in range(20)])
    failures = []

    def work():
        for _ in range(50):
            made = calque.deepcopy(x)
            if [child.children for child in made.children] != [([i], "leaf") for i in range(20)]:
                failures.append(made)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert nodes.seen()["live_states"] == 0
