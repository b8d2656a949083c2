"""calque.patch: the functions of `copy` served by calque, for everybody, and given back."""

import cProfile
import copy
import dis
import functools
import inspect
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import traceback
import types
from copy import copy as early_copy
from copy import deepcopy as early_deepcopy

import pytest

from support.copiers import since
from support.probes import Hook, raised

FUNCTIONS = ["deepcopy", "copy"] + ["replace"] * since(3, 13)
DEEPCOPY_CODE = copy.deepcopy.__code__


@pytest.fixture
def patch(calque):
    assert not calque.patch.enabled()
    yield calque.patch
    left_on = calque.patch.disable()
    assert not left_on and not calque.patch.enabled(), "a test must switch off what it switched on"


def deep_list(depth=50_000):
    root = last = []
    for _ in range(depth):
        last.append([])
        last = last[0]
    return root


def served(deepcopy=early_deepcopy):
    """Whether calque does the work: it alone copies a list nested this deep."""
    try:
        deepcopy(deep_list())
    except RecursionError:
        return False
    return True


def in_new_process(script):
    """The lines that a script prints. It ends well or the test fails."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, timeout=300)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


# --- on and off


def test_switching_tells_whether_anything_changed(patch):
    assert patch.disable() is False
    assert patch.enable() is True and patch.enabled() is True
    assert patch.enable() is False and patch.enabled() is True
    assert patch.disable() is True and patch.enabled() is False
    assert patch.disable() is False


def test_who_imported_the_function_long_ago_is_served(patch):
    assert not served()
    with patch:
        assert served() and served(copy.deepcopy)
    assert not served()


def test_blocks_nest(patch):
    with patch as entered:
        assert entered is patch
        with patch:
            assert patch.enabled()
        assert patch.enabled() and served()
    assert not patch.enabled()


def test_a_block_leaves_what_enable_asked_for(patch):
    patch.enable()
    with patch:
        pass
    assert patch.enabled()
    assert patch.disable() is True
    with patch:
        assert patch.enable() is False
    assert patch.enabled() and patch.disable() is True


def test_disable_within_a_block_takes_effect_at_its_end(patch):
    patch.enable()
    with patch:
        assert patch.disable() is False
        assert patch.enabled() and served()
    assert not patch.enabled()


def test_a_block_ends_with_an_exception_too(patch):
    with pytest.raises(KeyError), patch:
        raise KeyError
    assert not patch.enabled()


def test_leaving_a_block_that_was_not_entered(patch):
    assert raised(patch.__exit__, None, None, None)[0] is RuntimeError
    assert not patch.enabled()


def test_the_module_is_where_imports_look_for_it(calque, patch):
    import calque.patch as by_import
    from calque.patch import enabled
    assert by_import is calque.patch and enabled() is False
    assert not any(name in vars(copy) for name in ("patch", "calque"))


def test_nothing_is_kept_by_switching(patch):
    function = copy.deepcopy
    held = function, function.__code__, function.__defaults__
    before = [sys.getrefcount(thing) for thing in held]
    for _ in range(5):
        patch.enable()
        patch.disable()
    assert [sys.getrefcount(thing) for thing in held] == before


# --- the functions stay what they are


def facts(function):
    code = function.__code__
    return {
        "identity": id(function), "name": function.__name__, "qualname": function.__qualname__,
        "module": function.__module__, "doc": function.__doc__, "repr": repr(function),
        "signature": inspect.signature(function), "argspec": inspect.getfullargspec(function),
        "defaults": function.__defaults__, "kwdefaults": function.__kwdefaults__,
        "annotations": function.__annotations__, "dict": dict(vars(function)), "globals": id(function.__globals__),
        "closure": function.__closure__, "attributes": dir(function), "wrapped": hasattr(function, "__wrapped__"),
        "file": code.co_filename, "line": code.co_firstlineno, "code name": code.co_name,
        "code qualname": getattr(code, "co_qualname", None), "arguments": code.co_varnames[:code.co_argcount],
        "flags": code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR | inspect.CO_NESTED),
        "source": inspect.getsourcelines(function), "sourcefile": inspect.getsourcefile(function),
        "is function": inspect.isfunction(function) and inspect.isroutine(function),
        "pickles to itself": pickle.loads(pickle.dumps(function)) is function,
        "unwraps to itself": inspect.unwrap(function) is function,
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_function_object_keeps_everything(name, patch):
    function = getattr(copy, name)
    function.mark = "somebody's"
    try:
        before = facts(function)
        code = function.__code__
        with patch:
            assert getattr(copy, name) is function
            assert facts(function) == before
        assert function.__code__ is code
        assert facts(function) == before
    finally:
        del function.mark


def test_functools_on_a_patched_function(patch):
    @functools.wraps(early_deepcopy)
    def wrapper(*args):
        return early_deepcopy(*args)

    partial = functools.partial(early_deepcopy, memo=None)
    cached = functools.lru_cache(early_copy)
    with patch:
        x = [[]]
        assert wrapper(x) == x and wrapper.__wrapped__ is early_deepcopy
        assert functools.update_wrapper(lambda: 0, early_deepcopy).__name__ == "deepcopy"
        assert partial(x) == x and partial(x) is not x
        assert cached((1,)) is cached((1,))
        assert functools.reduce(lambda value, f: f(value), [early_deepcopy, early_copy], x) == x
        assert pickle.loads(pickle.dumps(partial))(x) == x


def test_a_method_made_of_a_patched_function(patch):
    class Copies:
        duplicate = early_deepcopy

        def __eq__(self, other):
            return type(other) is Copies

    with patch:
        assert Copies().duplicate() == Copies()
        assert types.MethodType(early_deepcopy, [1])() == [1]


# --- every way to call them


class Unlike:
    """A memo that is no dict."""

    def __init__(self, entries):
        self.entries = entries

    def get(self, key, default=None):
        return self.entries.get(key, default)

    def __setitem__(self, key, value):
        self.entries[key] = value

    def __getitem__(self, key):
        return self.entries[key]


@pytest.mark.parametrize("on", [False, True], ids=["stdlib", "patched"])
def test_every_way_to_call(on, patch):
    deepcopy = early_deepcopy
    if on:
        patch.enable()
    try:
        x = [[1], {}]
        memo = {}
        copies = [
            deepcopy(x), deepcopy(x=x), deepcopy(x, None), deepcopy(x, memo=None), deepcopy(x, {}, []),
            deepcopy(*[x]), deepcopy(*[x], **{"memo": {}}), deepcopy(**{"x": x, "_nil": 0}), deepcopy.__call__(x),
            next(map(deepcopy, [x])), deepcopy(x, Unlike({})), deepcopy(x, memo),
            type(deepcopy).__call__(deepcopy, x), types.MethodType(deepcopy, x)(),
        ]
        for found in copies:
            assert found == x and found is not x and found[0] is not x[0]
        assert memo[id(x)] is copies[11]
        mark = object()
        assert deepcopy(x, {id(x): mark}) is mark
        assert deepcopy(x, {id(x): mark}, mark) == x
        assert deepcopy(x, memo={id(x): mark}, _nil=mark) == x
        assert deepcopy(x, {id(x): None}, None) == x
        assert early_copy(x) == x and early_copy(x)[0] is x[0] and early_copy(x=x)[0] is x[0]
    finally:
        patch.disable()


@pytest.mark.parametrize("name, args, kwargs", [
    ("deepcopy", (), {}), ("deepcopy", (1, {}, [], 4), {}), ("deepcopy", (1,), {"x": 2}), ("deepcopy", (1,), {"y": 2}),
    ("copy", (), {}), ("copy", (1, 2), {}), ("copy", (1,), {"y": 2}),
    ("replace", (), {}), ("replace", (1, 2), {}), ("replace", (), {"obj": 1}), ("replace", (1,), {"a": 1}),
])
def test_wrong_calls_are_answered_in_the_same_words(name, args, kwargs, patch):
    if name not in FUNCTIONS:
        return
    function = getattr(copy, name)
    expected = raised(function, *args, **kwargs)
    with patch:
        assert raised(function, *args, **kwargs) == expected


def test_a_call_site_that_was_specialised_is_served(patch):
    """The interpreter (3.11 on) has the function's code in mind at call sites that ran often."""
    def call(x):
        return early_deepcopy(x)

    x = deep_list()
    for _ in range(3):
        for _ in range(200):
            call(1)
        assert raised(call, x)[0] is RecursionError
        with patch:
            call(x)
            for _ in range(200):
                call(1)
            call(x)


def specialised(call):
    options = {"adaptive": True} if since(3, 11) else {}
    return [instruction.opname for instruction in dis.get_instructions(call, **options)]


@pytest.mark.no_leak_check(reason="what a call site is specialised to depends on how often it ran")
def test_calls_are_as_fast_afterwards_as_before(calque, patch):
    """Seen by what the interpreter makes of a new call site."""
    if since(3, 13) and calque._calque._strategies["function_slot"] != "internals":
        pytest.skip("the public twin cannot give a function its version back (function_patch.hpp)")

    def warm():
        source = "def call(deepcopy, x):\n return deepcopy(x)\n"
        names = {}
        exec(source, names)
        for _ in range(300):
            names["call"](early_deepcopy, 1)
        return specialised(names["call"])

    before = warm()
    with patch:
        warm()
    assert warm() == before
    if since(3, 11):
        assert any("_PY_" in name for name in before), before


# --- what calque finds when it is called


def test_hooks_that_call_copy_continue_the_copy(patch):
    """Sharing across the hook, and the child so deep that only calque can have copied it."""
    shared = []
    deep = deep_list()

    def copies_its_child(hook, memo):
        memos.append(memo)
        made = Hook("copied", [])
        made.child = copy.deepcopy(hook.child, memo)
        return made

    memos = []
    log = []
    graph = [shared]
    for child in (shared, deep, [shared]):
        hook = Hook("hook", log, copies_its_child)
        hook.child = child
        graph.append(hook)
    with patch:
        copied = early_deepcopy(graph)
    assert copied[0] is not shared
    assert copied[0] is copied[1].child is copied[3].child[0]
    assert copied[2].child is not deep
    assert all(memo is memos[0] for memo in memos) and type(memos[0]) is dict
    assert memos[0][id(shared)] is copied[0]


def test_switched_on_in_the_middle_of_a_copy_of_stdlib(patch):
    """The rest goes over to calque, on the memo of the copy that runs."""
    shared = [1]
    switch = Hook("switch", [], lambda hook, memo: patch.enable() and hook)
    graph = [shared, switch, [shared, deep_list(), shared]]
    try:
        copied = early_deepcopy(graph)
    finally:
        patch.disable()
    assert copied[0] is copied[2][0] is copied[2][2] is not shared
    assert copied[1] is switch


def test_switched_off_in_the_middle_of_a_copy_of_calque(patch):
    shared = [1]
    switch = Hook("switch", [], lambda hook, memo: patch.disable() and hook)
    by_stdlib = Hook("by stdlib", [], lambda hook, memo: copy.deepcopy(shared, memo))
    graph = [shared, switch, by_stdlib, [shared], deep_list()]
    patch.enable()
    copied = early_deepcopy(graph)
    assert copied[0] is copied[2] is copied[3][0] is not shared
    assert copied[1] is switch and not patch.enabled()


def test_tables_of_copy_count(patch):
    class Entered:
        pass

    copy._deepcopy_dispatch[Entered] = lambda x, memo: "by the table"
    try:
        with patch:
            assert early_deepcopy([Entered()]) == ["by the table"]
    finally:
        del copy._deepcopy_dispatch[Entered]


@pytest.mark.skipif(not since(3, 13), reason="copy.replace came with Python 3.13")
def test_replace_is_served(patch):
    class Point:
        def __replace__(self, /, **changes):
            return changes, sys._getframe(1).f_lineno

    def call():
        return copy.replace(Point(), x=1, obj=2)

    unpatched = call()
    with patch:
        changes, line = call()
    assert changes == unpatched[0] == {"x": 1, "obj": 2}
    assert line != unpatched[1]
    assert call() == unpatched


def test_copy_is_served(patch):
    class Copied:
        def __copy__(self):
            return sys._getframe(1).f_lineno

    unpatched = early_copy(Copied())
    with patch:
        assert early_copy(Copied()) != unpatched
    assert early_copy(Copied()) == unpatched


# --- tracebacks, tracers, profilers


def test_a_traceback_names_the_caller_and_at_most_the_functions_first_line(patch):
    def fails(hook, memo):
        raise KeyError("from the hook")

    with patch:
        try:
            early_deepcopy([Hook("x", [], fails)])
        except KeyError as error:
            found = traceback.extract_tb(error.__traceback__)
            text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    names = [frame.name for frame in found]
    in_copy = [frame for frame in found if frame.filename == DEEPCOPY_CODE.co_filename]
    assert names[0] == inspect.currentframe().f_code.co_name and names[-1] == "fails"
    assert len(in_copy) <= 1
    assert all((frame.name, frame.lineno) == ("deepcopy", DEEPCOPY_CODE.co_firstlineno) for frame in in_copy)
    assert all("^" not in line for line in text.partition("copy.py")[2].splitlines()[:3])


@pytest.mark.skipif(not since(3, 11), reason="code knows columns from Python 3.11 on")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_thin_code_points_to_its_first_line_and_no_column(name, patch):
    """Where there is thin code: 3.11, and the public twin."""
    original = getattr(copy, name).__code__
    with patch:
        thin = getattr(copy, name).__code__
    if thin is not original:
        assert {(start, *columns) for start, _, *columns in thin.co_positions()} == {(original.co_firstlineno, None, None)}


def test_under_a_tracer(patch):
    """Also switched on and off while one is active, as under a debugger or coverage."""
    events = []

    def tracer(frame, event, arg):
        if frame.f_code.co_filename == DEEPCOPY_CODE.co_filename:
            events.append((event, frame.f_lineno - DEEPCOPY_CODE.co_firstlineno))
        return tracer

    x = [[1], [2]]
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        early_deepcopy(x)
        by_stdlib = len(events)
        with patch:
            events.clear()
            patched = early_deepcopy(x)
            under_patch = list(events)
        events.clear()
        unpatched = early_deepcopy(x)
    finally:
        sys.settrace(before)
    assert patched == unpatched == x
    assert under_patch in ([], [("call", 0), ("line", 0), ("return", 0)])
    assert len(events) == by_stdlib > 10


def test_under_a_profiler(patch):
    profiler = cProfile.Profile()
    with patch:
        x = [[1], Hook("hook", [], lambda hook, memo: early_deepcopy([2], memo))]
        assert profiler.runcall(lambda: [early_deepcopy(x) for _ in range(3)]) == [[[1], [2]]] * 3
    depth = []

    def follow(frame, event, arg):
        depth.append({"call": 1, "return": -1}.get(event, 0))

    with patch:
        sys.setprofile(follow)
        try:
            early_deepcopy(x)
        finally:
            sys.setprofile(None)
    assert sum(depth) == 0 or abs(sum(depth)) == 1  # what follows setprofile itself may be seen


# --- others who change the function


def test_code_that_somebody_assigns_while_the_patch_is_on_runs_and_stays(patch):
    def theirs(x, memo=None, _nil=None):
        return "theirs"

    original = copy.deepcopy.__code__
    try:
        with patch:
            copy.deepcopy.__code__ = theirs.__code__
            assert early_deepcopy([1]) == "theirs"
            assert patch.enabled()
        assert early_deepcopy([1]) == "theirs"
        assert copy.deepcopy.__code__ is theirs.__code__
        assert raised(patch.enable)[0] is RuntimeError and not patch.enabled()
        assert "copy.deepcopy alone" in raised(patch.enable)[1]
    finally:
        copy.deepcopy.__code__ = original
    with patch:
        assert served()


def test_defaults_that_somebody_assigns_count(patch):
    x = [1]
    defaults = copy.deepcopy.__defaults__
    mark = object()
    with patch:
        copy.deepcopy.__defaults__ = {id(x): mark}, []
        try:
            assert early_deepcopy(x) is mark
        finally:
            copy.deepcopy.__defaults__ = defaults
        assert early_deepcopy(x) == x and served()


def test_a_wrapper_in_place_of_the_function_is_left_alone(patch, monkeypatch):
    calls = []

    def wrapper(x, memo=None):
        calls.append(x)
        return early_deepcopy(x, memo)

    with monkeypatch.context() as context:
        context.setattr(copy, "deepcopy", wrapper)
        with patch:
            assert copy.deepcopy is wrapper
            assert served(copy.deepcopy) and len(calls) == 1
        assert copy.deepcopy is wrapper and not served(copy.deepcopy)
    assert copy.deepcopy is early_deepcopy
    with patch:
        monkeypatch.setattr(copy, "deepcopy", wrapper)
    assert copy.deepcopy is wrapper and not served()


def test_a_function_replaced_before_calque_came_is_refused():
    assert in_new_process("""
        import copy
        theirs = copy.copy = lambda x: "theirs"
        import calque
        try:
            calque.patch.enable()
        except RuntimeError as error:
            print("calque.patch leaves copy.copy alone" in str(error), "lambda" in str(error))
        print(calque.patch.enabled(), calque.patch.disable(), copy.copy is theirs)
        lists = last = []
        for _ in range(50_000):
            last.append([]); last = last[0]
        try:
            copy.deepcopy(lists)
        except RecursionError:
            print("nothing was changed")
    """) == ["True True", "False False True", "nothing was changed"]


def test_a_copy_module_that_is_reloaded_or_imported_again_goes_its_own_way():
    """Its functions raise its own Error and read its own tables; those from before are served and given back."""
    assert in_new_process("""
        import copy, importlib, sys
        from copy import deepcopy
        import calque

        class Caller:
            def __deepcopy__(self, memo):
                frame = sys._getframe(1)
                in_copy = frame.f_code.co_filename == copy.__file__
                return "stdlib" if in_copy and frame.f_lineno > frame.f_code.co_firstlineno else "calque"

        def who(function):
            return function(Caller())

        original = copy.Error
        calque.patch.enable()
        del sys.modules["copy"]
        fresh = importlib.import_module("copy")
        print(who(fresh.deepcopy), who(deepcopy), who(copy.deepcopy))
        sys.modules["copy"] = copy
        importlib.reload(copy)
        print(who(copy.deepcopy), who(deepcopy), calque.patch.enabled(), calque.patch.enable())
        try:
            copy.deepcopy(type("C", (), {"__reduce_ex__": None, "__reduce__": None})())
        except copy.Error as error:
            print(type(error) is not original)
        except TypeError as error:
            print(True)
        print(calque.patch.disable(), who(deepcopy), who(copy.deepcopy))
        print(calque.patch.enable(), who(deepcopy), who(copy.deepcopy))
    """) == ["stdlib calque calque", "stdlib calque True False", "True", "True stdlib stdlib", "True calque stdlib"]


def test_an_audit_hook_may_refuse_the_code_swap():
    """Where the patch assigns __code__ (3.11, public twin): then nothing is changed, and nothing is lost."""
    lines = in_new_process("""
        import copy, sys
        import calque
        original = [copy.deepcopy.__code__, copy.copy.__code__]
        def codes(): return [copy.deepcopy.__code__, copy.copy.__code__]
        veto = None
        def hook(event, args):
            if event == "object.__setattr__" and args[1] == "__code__" and args[0] is veto:
                raise PermissionError(args[0].__name__)
        sys.addaudithook(hook)
        calque.patch.enable()
        swaps = codes() != original
        calque.patch.disable()
        veto = copy.copy if swaps else None
        try:
            calque.patch.enable()
        except PermissionError as error:
            print("refused", error, calque.patch.enabled(), codes() == original)
        else:
            print("not asked" if not swaps else "not refused")
        veto = None
        calque.patch.enable()
        veto = copy.copy if swaps else None
        try:
            calque.patch.disable()
        except PermissionError as error:
            print("refused", error, calque.patch.enabled())
        veto = None
        calque.patch.disable()
        print(calque.patch.enabled(), codes() == original)
    """)
    assert lines in (["refused copy False True", "refused copy True", "False True"], ["not asked", "False True"])


# --- threads, forks, the end


@pytest.mark.no_leak_check(reason="threads leave caches behind that vary from run to run")
def test_threads_that_switch_while_others_copy(patch):
    graph = [[1, {"a": (2, [3])}], {4, 5}, Hook("h", [], lambda hook, memo: copy.deepcopy([6], memo))]
    expected = [[1, {"a": (2, [3])}], {4, 5}, [6]]
    wrong = []
    stop = threading.Event()

    def copies():
        while not stop.is_set():
            found = early_deepcopy(graph)
            if found != expected or early_copy(graph) != graph:
                wrong.append(found)

    def switches():
        for _ in range(150):
            patch.enable()
            with patch:
                if not patch.enabled():
                    wrong.append("off within a block")
                early_deepcopy(graph)
            patch.disable()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        copying = [threading.Thread(target=copies) for _ in range(2)]
        switching = [threading.Thread(target=switches) for _ in range(3)]
        for thread in copying + switching:
            thread.start()
        for thread in switching:
            thread.join()
        stop.set()
        for thread in copying:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert not patch.enabled() and not served()
    assert copy.deepcopy.__code__ is DEEPCOPY_CODE


def test_a_forked_child_has_the_patch_and_can_give_it_back():
    """Also when another thread is switching at that moment: the child does not wait for a thread it lacks."""
    assert in_new_process("""
        import copy, os, signal, threading, warnings
        import calque
        warnings.simplefilter("ignore", DeprecationWarning)
        calque.patch.enable()
        stop = threading.Event()
        def switches():
            while not stop.is_set():
                with calque.patch:
                    pass
                calque.patch.disable()
                calque.patch.enable()
        thread = threading.Thread(target=switches)
        thread.start()
        bad = 0
        for _ in range(30):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                calque.patch.enable()
                good = calque.patch.enabled() and copy.deepcopy([1]) == [1]
                calque.patch.disable()
                os._exit(0 if good else 1)
            bad = os.waitpid(child, 0)[1]
            if bad:
                break
        stop.set()
        thread.join()
        print(bad)
    """) == ["0"]


@pytest.mark.parametrize("at", ["module", "atexit"])
def test_copying_while_the_interpreter_ends(at):
    assert in_new_process(f"""
        import atexit, copy, os
        import calque
        calque.patch.enable()
        class AtTheEnd:
            def __init__(self):
                self.deepcopy = copy.deepcopy
                self.write = os.write
            def __del__(self):
                x = [[1], {{2: (3, [4])}}]
                self.write(1, str(self.deepcopy(x) == x).encode() + b"\\n")
        last = AtTheEnd()
        if "{at}" == "atexit":
            atexit.register(lambda: AtTheEnd() and None)
    """) == ["True"] * (2 if at == "atexit" else 1)


@pytest.mark.parametrize("on", [False, True], ids=["stdlib", "patched"])
def test_copying_when_the_module_copy_is_gone_already(on):
    """An object that sys alone holds goes last: then copy.py has lost its names, and copying fails as an exception."""
    assert in_new_process(f"""
        import copy, os, sys
        import calque
        if {on}:
            calque.patch.enable()
        class VeryLast:
            def __init__(self):
                self.deepcopy = copy.deepcopy
                self.write = os.write
            def __del__(self, failures=(AttributeError, TypeError)):
                try:
                    self.deepcopy([[1], {{2: (3, [4])}}])
                except failures:
                    self.write(1, b"fails\\n")
        sys.last = VeryLast()
    """) == ["fails"]


def test_a_function_kept_alive_by_nobody_else_is_given_back():
    assert in_new_process("""
        import copy, gc, sys
        import calque
        calque.patch.enable()
        del copy.deepcopy
        gc.collect()
        print(calque.patch.disable(), calque.patch.enable(), calque.patch.disable())
    """) == ["True True True"]


def test_a_deep_graph_of_hooks_ends_as_it_does_under_calque(calque, patch):
    """Each level is a call of copy.deepcopy from Python: the recursion limit is the caller's business."""
    class Chain:
        def __init__(self, next):
            self.next = next

        def __deepcopy__(self, memo):
            return Chain(copy.deepcopy(self.next, memo))

    chain = None
    for _ in range(100_000):
        chain = Chain(chain)
    with patch:
        kind, _ = raised(copy.deepcopy, chain)
        assert kind is RecursionError
        assert copy.deepcopy([1]) == [1]
    while chain is not None:
        chain = chain.next
