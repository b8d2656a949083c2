"""Plugins by entry point: found and loaded when a copy first meets a type of theirs. Each case is a process of its own."""

import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest


@pytest.fixture
def run(calque, tmp_path):
    """run(source, **environment): prints of a script that imports calque and sees the distribution in tmp_path."""
    def run(source, **environment):
        path = [str(pathlib.Path(calque.__file__).parent.parent), str(tmp_path)]
        done = subprocess.run([sys.executable, "-X", "faulthandler", "-W", "default", "-c", textwrap.dedent(source)], capture_output=True, text=True,
                              timeout=120, env={**os.environ, "PYTHONPATH": os.pathsep.join(path), **environment})
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")[:-1], done.stderr
    return run


@pytest.fixture
def install(tmp_path):
    """install(name, entries, **modules): a distribution with entry points and modules."""
    def install(name, entries, **modules):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir(exist_ok=True)  # the leak check runs a test again
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[calque.handlers]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items()))
        for module, source in modules.items():
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
    return install


SHAPES = """
    class Shape:
        def __init__(self, *parts):
            self.parts = parts
    class Hooked(Shape):
        def __deepcopy__(self, memo):
            return "hooked"
    class Slotted:
        __slots__ = ()
    class Dict(dict):
        pass
"""
PLUGIN = """
    print("loading")
    import calque, shapes
    for cls in (shapes.Shape, shapes.Hooked, shapes.Slotted, shapes.Dict):
        calque.register(cls, shallow=lambda x: "shallow")(lambda x, memo: f"{type(x).__name__} by plugin")
"""


@pytest.fixture
def shapes(install):
    install("shapes_calque", {"shapes": "shapes_plugin"}, shapes=SHAPES, shapes_plugin=PLUGIN)


@pytest.mark.parametrize("cls", ["Shape", "Hooked", "Slotted", "Dict"])
@pytest.mark.parametrize("copy", ["deepcopy({})", "deepcopy([{}, 1])[0]", "deepcopy([1, [({}, [])]])[1][0][0]", "deepcopy({}, {{}})",
                                  "deepcopy(types.SimpleNamespace(a={})).a", "deepcopy({}, collections.UserDict())"])
def test_a_plugin_is_loaded_at_the_first_object_of_its_module(run, shapes, cls, copy):
    said, _ = run(f"""
        import collections, sys, types
        from calque import deepcopy
        import shapes
        deepcopy([1, {{2: types.SimpleNamespace(a=[])}}])
        assert "shapes_plugin" not in sys.modules
        print({copy.format(f"shapes.{cls}()")})
        print({copy.format(f"shapes.{cls}()")})
    """)
    assert said == ["loading", f"{cls} by plugin", f"{cls} by plugin"]


@pytest.mark.parametrize("cls", ["Shape", "Hooked", "Slotted", "Dict"])
def test_copy_copy_loads_it_too(run, shapes, cls):
    assert run(f"""
        import calque, shapes
        print(calque.copy(shapes.{cls}()))
        print(calque.copy(shapes.{cls}()))
    """)[0] == ["loading", "shallow", "shallow"]


def test_sharing_and_cycles_survive_the_loading(run, shapes):
    """The copy goes on in the middle: what it knows, and the object it was at, are as before."""
    assert run("""
        import calque, shapes
        shared = [1]
        ring = []
        ring.append(ring)
        x = [shared, ring, {"k": [shared, shapes.Shape(), shared]}, ring, shared]
        x.append(x)
        y = calque.deepcopy(x)
        print(y[0] is y[4] is y[2]["k"][0] is y[2]["k"][2], y[1] is y[3] is y[1][0], y[5] is y, y[2]["k"][1])
    """)[0] == ["loading", "True True True Shape by plugin"]


def test_the_object_may_get_lost_while_the_plugin_is_loaded(run, install):
    install("x", {"shapes": "shapes_plugin"}, shapes=SHAPES,
            shapes_plugin="import __main__; __main__.x.clear(); import gc; gc.collect(); print('cleared')")
    assert run("""
        import calque, shapes
        x = [shapes.Shape(1, 2), [3]]
        y = calque.deepcopy(x)
        print(len(x), [type(part).__name__ for part in y])
    """)[0] == ["cleared", "0 ['Shape']"]


def test_no_module_of_the_standard_library_is_looked_for(run, shapes):
    assert run("""
        import calque, sys, decimal, pathlib, types, argparse, collections
        before = set(sys.modules)
        class Own:
            pass
        calque.deepcopy([decimal.Decimal(1), pathlib.Path("x"), Own(), argparse.ArgumentParser(), collections.UserDict()])
        calque.copy(Own())
        print("importlib.metadata" in sys.modules)
    """)[0] == ["False"]


def test_the_first_copy_does_not_wait_for_importlib_metadata_where_nothing_is_declared(run, tmp_path):
    (tmp_path / "shapes.py").write_text(textwrap.dedent(SHAPES))
    (tmp_path / "other-1.0.dist-info").mkdir(exist_ok=True)
    (tmp_path / "other-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nother = other:main\n")
    (tmp_path / "bare-1.0.dist-info").mkdir(exist_ok=True)
    (tmp_path / "old.egg-info").write_text("Metadata-Version: 1.0\n")
    assert run("""
        import sys, calque, shapes
        sys.path.append("no/such/folder")
        calque.deepcopy([shapes.Shape([1])])
        print("importlib.metadata" in sys.modules)
    """)[0] == ["False"]


@pytest.mark.no_leak_check(reason="it moves the distribution away, and the copy is made in a child process")
@pytest.mark.parametrize("kind", ["egg-info", "egg", "archive", "finder", "working directory"])
def test_distributions_of_every_kind_are_asked(run, shapes, tmp_path, kind):
    info = tmp_path / "shapes_calque-1.0.dist-info"
    before = ""
    if kind == "egg-info":
        info.rename(tmp_path / "shapes_calque-1.0.egg-info")
    elif kind == "egg":
        (tmp_path / "shapes_calque-1.0-py3.egg").mkdir(exist_ok=True)
        info.rename(tmp_path / "shapes_calque-1.0-py3.egg" / "EGG-INFO")
        (tmp_path / "shapes_calque-1.0-py3.egg" / "EGG-INFO" / "METADATA").rename(tmp_path / "shapes_calque-1.0-py3.egg" / "EGG-INFO" / "PKG-INFO")
        before = f"sys.path.append({str(tmp_path / 'shapes_calque-1.0-py3.egg')!r})"
    elif kind == "archive":
        shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, info.name)
        shutil.rmtree(info)
        before = f"sys.path.append({str(tmp_path / 'packed.zip')!r})"
    elif kind == "working directory":
        before = f"import os; os.chdir({str(tmp_path)!r}); sys.path.remove({str(tmp_path)!r}); sys.path.insert(0, '')"
    else:
        hidden = tmp_path / "hidden"
        hidden.mkdir(exist_ok=True)
        info.rename(hidden / info.name)
        before = f"""class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None): return None
            @staticmethod
            def find_distributions(context):
                from importlib.metadata import Distribution
                import pathlib
                return [Distribution.at({str(hidden / info.name)!r})]
        sys.meta_path.append(Finder)"""
    said, complaints = run(f"""
        import sys, calque, shapes
        {before}
        print(calque.deepcopy(shapes.Shape()))
    """)
    assert said == ["loading", "Shape by plugin"], complaints


def test_looking_for_plugins_is_not_in_the_time_of_an_explained_object(run, tmp_path):
    (tmp_path / "shapes.py").write_text(textwrap.dedent(SHAPES))
    assert run("""
        import os, time, calque, shapes
        listdir, pauses = os.listdir, [0.5]
        def slowly(path):
            time.sleep(pauses.pop() if pauses else 0)
            return listdir(path)
        os.listdir = slowly
        print(calque.explain(shapes.Shape()).copy_ns < 500_000_000, pauses)
    """)[0] == ["True []"]


def test_plugins_can_be_switched_off(run, shapes):
    assert run("import calque, shapes; print(type(calque.deepcopy(shapes.Shape())).__name__)", CALQUE_DISABLE_PLUGINS="1")[0] == ["Shape"]
    assert run("import calque, shapes; print(calque.deepcopy(shapes.Shape()))", CALQUE_DISABLE_PLUGINS="0")[0] == ["loading", "Shape by plugin"]


@pytest.mark.parametrize("plugin, error", [("raise ValueError('broken')", "ValueError: broken"), ("import not_there_at_all", "ModuleNotFoundError")])
def test_a_plugin_that_fails_is_reported_once_and_objects_are_copied_without_it(run, install, plugin, error):
    install("x", {"shapes": "shapes_plugin"}, shapes=SHAPES, shapes_plugin=plugin)
    said, complaints = run("""
        import calque, shapes
        for _ in range(3):
            print(calque.deepcopy([shapes.Hooked(), [shapes.Shape([])]])[0])
    """)
    assert said == ["hooked"] * 3
    assert complaints.count("RuntimeWarning: calque plugin shapes_plugin") == 1
    assert error in complaints and "CALQUE_DISABLE_PLUGINS" in complaints


def test_an_interrupt_while_it_loads_ends_the_copy(run, install):
    install("x", {"shapes": "shapes_plugin"}, shapes=SHAPES, shapes_plugin="raise KeyboardInterrupt('now')")
    assert run("""
        import calque, shapes
        try:
            calque.deepcopy([[1], shapes.Shape()])
        except KeyboardInterrupt as error:
            print(error)
        print(type(calque.deepcopy([shapes.Shape()])[0]).__name__)
    """)[0] == ["now", "Shape"]


def test_an_entry_may_name_a_function(run, install):
    install("x", {"shapes": "shapes_plugin:register"}, shapes=SHAPES, shapes_plugin="""
        def register():
            import calque, shapes
            calque.register(shapes.Shape)(lambda x, memo: "by function")
    """)
    assert run("import calque, shapes; print(calque.deepcopy(shapes.Shape()))")[0] == ["by function"]


def test_two_plugins_for_one_module(run, install):
    for name in ("one", "two"):
        install(name, {"shapes": f"plugin_{name}"}, shapes=SHAPES, **{f"plugin_{name}": f"print('{name}')"})
    assert sorted(run("import calque, shapes; calque.deepcopy([shapes.Shape(), shapes.Dict()])")[0]) == ["one", "two"]


def test_a_plugin_that_copies_while_it_is_loaded(run, install):
    install("x", {"shapes": "shapes_plugin"}, shapes=SHAPES, shapes_plugin="""
        import calque, shapes
        print(type(calque.deepcopy([shapes.Shape()])[0]).__name__)
        calque.register(shapes.Shape)(lambda x, memo: "by plugin")
    """)
    assert run("import calque, shapes; print(calque.deepcopy([shapes.Shape()]))")[0] == ["Shape", "['by plugin']"]


def test_classes_of_packages_and_odd_modules(run, install):
    install("x", {"shapes": "shapes_plugin"}, shapes=SHAPES, shapes_plugin="print('loading')")
    assert run("""
        import calque
        class Odd: pass
        for module in (5, None, "", "shape", "shapesque.x", ".", "other.shapes"):
            Odd.__module__ = module
            calque.deepcopy([Odd()])
        bare = {}
        exec("class Bare: pass", bare)
        calque.deepcopy([bare["Bare"]()])
        Odd.__module__ = "shapes.inner.more"
        calque.deepcopy([Odd()])
    """)[0] == ["loading"]


def test_threads_that_meet_the_type_at_once(run, shapes):
    said, _ = run("""
        import threading, calque, shapes, sys
        sys.setswitchinterval(1e-6)
        results = []
        start = threading.Barrier(8)
        def work():
            start.wait()
            for _ in range(200):
                results.append(str(calque.deepcopy([shapes.Hooked()])[0]))
        threads = [threading.Thread(target=work) for _ in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        print(len(results), set(results) <= {"hooked", "Hooked by plugin"}, results[-1])
    """)
    assert said[0] == "loading" and said[1] == "1600 True Hooked by plugin"


def test_numpy_s_plugin_is_there_without_being_asked_for(run):
    pytest.importorskip("calque.plugins._numpy")
    said, complaints = run("""
        import sys, calque, numpy
        calque.deepcopy([1, {2: []}])
        print("calque.plugins.numpy" in sys.modules)
        x = [numpy.arange(3), {"k": numpy.zeros((2, 2))}]
        y = calque.deepcopy(x)
        print("calque.plugins.numpy" in sys.modules, (y[0] == x[0]).all(), y[0] is not x[0], calque.handler_for(numpy.ndarray).source)
    """)
    assert said == ["False", "True True True C++ plugin"] and "RuntimeWarning" not in complaints
