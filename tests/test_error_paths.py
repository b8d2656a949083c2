"""calque.error_path: where in the graph a deep copy failed; and the note that says so."""

import ast
import collections
import copy
import ctypes
import functools
import gc
import os
import pickle
import random
import signal
import sys
import threading
import types
import weakref

import pytest

from support import isolated
from support.copiers import since
from support.probes import Hook, Reduces, Then, raised

NO_COPY = threading.Lock()  # refuses in C, so the exception is the interpreter's
HAS_NOTES = since(3, 11)


class Plain:
    def __init__(self, **values):
        vars(self).update(values)


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class Both(Slots):
    def __init__(self, a, b, **values):
        super().__init__(a, b)
        vars(self).update(values)


class Getstate(Plain):
    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "cache"}


class Other(Plain):
    """Its state is not what it refers to."""

    def __getstate__(self):
        return {"made": [1, NO_COPY]}


class OwnList(list):
    pass


class OwnDict(dict):
    pass


def deepcopy_with(x, memo):
    import calque
    return (copy if calque.patch.enabled() else calque).deepcopy(x, memo)


class CopiesChild(Plain):
    def __deepcopy__(self, memo):
        return Plain(child=deepcopy_with(self.child, memo))


class CopiesDict(Plain):
    def __deepcopy__(self, memo):
        return Plain(**deepcopy_with(self.__dict__, memo))


class CopiesNew(Plain):
    def __deepcopy__(self, memo):
        return deepcopy_with([0, self.child], memo)


Pair = collections.namedtuple("Pair", "left right")


def without_slots_of(x, **values):
    vars(x).update(values)
    return x


PATHS = {
    "itself": (lambda: NO_COPY, "$"),
    "list": (lambda: [1, [], [2, NO_COPY]], "$[2][1]"),
    "tuple": (lambda: ([], (1, NO_COPY)), "$[1][1]"),
    "dict": (lambda: {"a": 1, "b": {1: NO_COPY}}, "$['b'][1]"),
    "users": (lambda: Plain(users=[1, 2, 3, Plain(name="x", lock=NO_COPY)]), "$.users[3].lock"),
    "key": (lambda: {1: 2, (1, sys): 3}, "$.keys()[<tuple>][1]"),
    "key itself": (lambda: {"a": [], sys: 3}, "$.keys()[<module>]"),
    "value before key": (lambda: {sys: NO_COPY}, "$[<module>]"),
    "set": (lambda: [{NO_COPY}], "$[0]{<lock>}"),
    "frozenset": (lambda: frozenset([(1, NO_COPY)]), "${<tuple>}[1]"),
    "slots": (lambda: [Slots(1, NO_COPY)], "$[0].b"),
    "slots and dict": (lambda: Both([], NO_COPY), "$.b"),
    "dict and slots": (lambda: Both([], 1, c=[NO_COPY]), "$.c[0]"),
    "own state": (lambda: Getstate(cache=1, a=1, b=[NO_COPY]), "$.b[0]"),
    "another state": (lambda: [Other(a=1)], "$[0].__reduce__()['made'][1]"),
    "names that are no identifiers": (lambda: without_slots_of(Plain(), **{"a b": NO_COPY}), "$.'a b'"),
    "namespace": (lambda: types.SimpleNamespace(a=[NO_COPY]), "$.a[0]"),
    "deque": (lambda: collections.deque([1, [], [NO_COPY]]), "$[2][0]"),
    "long deque": (lambda: collections.deque([*range(500), [NO_COPY]]), "$[500][0]"),
    "ordered dict": (lambda: collections.OrderedDict(a=[], b=[NO_COPY]), "$['b'][0]"),
    "default dict": (lambda: collections.defaultdict(list, a=[], b=[NO_COPY]), "$['b'][0]"),
    "list of its own class": (lambda: OwnList([[], NO_COPY]), "$[1]"),
    "dict of its own class": (lambda: OwnDict(a=NO_COPY), "$['a']"),
    "attribute of a list": (lambda: without_slots_of(OwnList([1]), a=NO_COPY), "$.a"),
    "named tuple": (lambda: Pair([], [NO_COPY]), "$[1][0]"),
    "method": (lambda: [Plain(a=NO_COPY).__init__], "$[0].__self__.a"),
    "partial": (lambda: functools.partial(print, 1, [NO_COPY]), "$.args[1][0]"),
    "slice": (lambda: [slice(1, NO_COPY)], "$[0].stop"),
    "exception": (lambda: ValueError(1, NO_COPY), "$.__reduce__()"),
    "reduced arguments": (lambda: Reduces((list, ([1, NO_COPY],))), "$.__reduce__()[1]"),
    "reduced items": (lambda: Reduces((list, (), None, iter([[1], [NO_COPY]]))), "$.__reduce__()[0]"),
    "hook with its child": (lambda: [CopiesChild(child=[1, NO_COPY])], "$[0].child[1]"),
    "hook with its dict": (lambda: [CopiesDict(child=[1, NO_COPY])], "$[0].child[1]"),
    "hook with something new": (lambda: [CopiesNew(child=NO_COPY)], "$[0].__deepcopy__()[1]"),
    "hooks in hooks": (lambda: CopiesChild(child=[CopiesChild(child={"a": CopiesNew(child=[NO_COPY])})]), "$.child[0].child['a'].__deepcopy__()[1][0]"),
    "after atoms and hooks": (lambda: [1, Hook("h", []), "a", {2: Hook("i", [])}, [NO_COPY]], "$[4][0]"),
    "many": (lambda: [[i] for i in range(3000)] + [NO_COPY], "$[3000]"),
    "many pairs": (lambda: {**{i: [i] for i in range(3000)}, "x": [NO_COPY]}, "$['x'][0]"),
}


def failure_of(function, *args):
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError("no exception")


def remembers_all(calque):
    """The public twin remembers the last few exceptions, and none of a builtin type without arguments."""
    return calque._calque._strategies["exception_slot"] == "internals"


def notes_of(error):
    return getattr(error, "__notes__", [])


@pytest.mark.parametrize("name", PATHS)
def test_the_path_leads_to_what_could_not_be_copied(calque, name):
    make, path = PATHS[name]
    for _ in range(3):  # classes have plans from their first copy on
        error = failure_of(calque.deepcopy, make())
        assert calque.error_path(error) == path
        assert notes_of(error) == ([f"calque: at {path}"] if HAS_NOTES and path != "$" else [])
        expected = failure_of(copy.deepcopy, make())
        assert (type(error), error.args) == (type(expected), expected.args)
        assert error.__context__ is None and error.__cause__ is None


@pytest.mark.parametrize("name", PATHS)
def test_copy_under_the_patch_knows_the_path_and_adds_no_note(calque, name):
    make, path = PATHS[name]
    with calque.patch:
        error = failure_of(copy.deepcopy, make())
    assert calque.error_path(error) == path
    assert notes_of(error) == [] and vars(error) == {}


KEYS = [
    ("a", "['a']"), ("it's", "[\"it's\"]"), ("\n\ud800é", "['\\n\\ud800é']"), ("x" * 100, f"['{'x' * 38}…]"), ("x" * 38, f"['{'x' * 38}']"),
    ("x" * 39, f"['{'x' * 38}…]"), (b"a\xff", "[b'a\\xff']"), (b"x" * 100_000, f"[b'{'x' * 37}…]"), (5, "[5]"), (-(10**60), f"[-1{'0' * 37}…]"),
    (1 << 10**6, "[<int>]"), (1.5, "[1.5]"), (float("nan"), "[nan]"), (True, "[True]"), (None, "[None]"), (1j, "[<complex>]"), ((1, 2), "[<tuple>]"), (int, "[<int>]"),
    (..., "[<ellipsis>]"),
]


@pytest.mark.parametrize("key, shown", KEYS, ids=[str(i) for i in range(len(KEYS))])
def test_keys_are_shown_without_code_of_theirs(calque, key, shown):
    assert calque.error_path(failure_of(calque.deepcopy, [{key: NO_COPY}])) == f"$[0]{shown}"


def test_no_code_of_keys_or_classes_runs_for_it(calque):
    asked = []

    class Meta(type):
        def __getattribute__(cls, name):
            asked.append(name)
            return super().__getattribute__(name)

    class Key(str, metaclass=Meta):
        def __repr__(self):
            asked.append("repr")
            raise LookupError("repr")

        def __eq__(self, other):
            asked.append("eq")
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    def outcome(function):
        x = {Key("k"): NO_COPY}
        asked.clear()
        return failure_of(function, [x]), list(asked)

    error, by_calque = outcome(calque.deepcopy)
    _, by_copy = outcome(copy.deepcopy)
    assert calque.error_path(error) == "$[0][<Key>]" and by_calque == by_copy


def test_the_place_of_something_that_could_be_copied_at_first(calque):
    """A hook gives back its object, so nothing of it is in the memo; and raises when it is met again."""
    def second_time(self, memo):
        if len(log) == 2:
            raise ValueError("again")
        return self

    def with_gaps(h):
        x = {0: 0, 1: 0, 2: 0, "a": h, "b": h, "c": h}
        del x[0], x[1], x[2]
        return x

    for make, path in ((lambda h: [h, [1], h], "$[2]"), (lambda h: {"a": h, "b": h}, "$['b']"), (with_gaps, "$['b']")):
        log = []
        hook = Hook("h", log, second_time)
        assert calque.error_path(failure_of(calque.deepcopy, make(hook))) == path


def test_paths_of_random_graphs_can_be_evaluated(calque):
    class Own:
        pass

    def grow(depth):
        if depth == 0:
            return choice([1, "a", None, [], {}, ()])
        parts = [grow(depth - 1) for _ in range(choice([0, 1, 2, 4]))]
        kind = choice(["list", "tuple", "dict", "own", "slots", "deque", "list of its own", "ordered", "shared"])
        if kind == "own":
            x = Own()
            vars(x).update((f"n{i}", part) for i, part in enumerate(parts))
            return x
        return {"list": list, "tuple": tuple, "dict": lambda p: dict(zip("abcd", p)), "slots": lambda p: Slots(p, list(p)),
                "deque": collections.deque, "list of its own": OwnList, "ordered": lambda p: collections.OrderedDict(zip((1, b"b", "c", None), p)),
                "shared": lambda p: [p, p, p]}[kind](parts)

    def lists_in(x, found, depth=0):
        if isinstance(x, list):
            found.append(x)
        for part in gc.get_referents(x):
            if not isinstance(part, type) and depth < 12:
                lists_in(part, found, depth + 1)

    for seed in range(300):
        choice = random.Random(seed).choice
        x = [grow(5), grow(4)]
        places = []
        lists_in(x, places)
        choice(places).append(bad := [NO_COPY])
        path = calque.error_path(failure_of(calque.deepcopy, x))
        assert eval("x" + path[1:]) is NO_COPY, path
        assert eval("x" + path[1:-3]) is bad


@pytest.mark.parametrize("depth", [15, 16, 17, 31, 32, 33, 40, 60, 101, 102, 103, 104, 150, 5000, 200_000])
def test_a_long_path_has_its_first_and_last_steps(calque, depth):
    x = NO_COPY
    for i in range(depth):
        x = [x] if i % 2 else [0, x]
    steps = [f"[{1 - i % 2}]" for i in reversed(range(depth))]
    expected = "".join(steps) if depth <= 32 else "".join([*steps[:16], f"...{depth - 32}...", *steps[-16:]])
    assert calque.error_path(failure_of(calque.deepcopy, x)) == "$" + expected


def test_a_long_path_through_hooks(calque):
    x = [NO_COPY]
    for _ in range(40):
        x = CopiesChild(child=[x])
    assert calque.error_path(failure_of(calque.deepcopy, x)) == "$" + ".child[0]" * 8 + "...49..." + "[0]" + ".child[0]" * 7 + "[0]"


def test_a_long_path_through_states(calque):
    """Two of three frames are temporaries: a tuple of state and slots, and the dict in it."""
    class Own(Both):
        def __reduce_ex__(self, protocol):
            return Own, (None, None), (None, {"a": self.a, "b": None})

    x = NO_COPY
    for _ in range(500):
        x = Own(x, None)
    assert calque.error_path(failure_of(calque.deepcopy, x)).startswith("$" + ".a" * 16 + "...")
    assert calque.error_path(failure_of(calque.deepcopy, x)).endswith("..." + ".a" * 16)


# -- nested copies


@pytest.mark.parametrize("child_of", ["deepcopy", "deepcopy with memo", "calque.deepcopy", "calque.deepcopy with memo"])
def test_parts_of_nested_copies_are_put_together(calque, child_of):
    def hook(self, memo):
        function = calque.deepcopy if child_of.startswith("calque") else copy.deepcopy
        return function(self.child, memo) if child_of.endswith("memo") else function(self.child)

    x = [1, type("Own", (Plain,), {"__deepcopy__": hook})(child={"k": NO_COPY})]
    for patched in (False, True):
        if not patched and child_of.startswith("deepcopy"):
            continue  # a copy by the standard library
        if patched:
            calque.patch.enable()
        try:
            error = failure_of(calque.deepcopy, x)
        finally:
            calque.patch.disable()
        assert calque.error_path(error) == "$[1].child['k']"
        assert notes_of(error) == (["calque: at $[1].child['k']"] if HAS_NOTES else [])


def test_a_copy_in_a_hook_that_was_given_the_memo_adds_no_note(calque):
    """It is a part of the outer one, which has the rest of the path."""
    def caught(memo):
        error = failure_of(calque.deepcopy, [NO_COPY], memo)
        seen.append((calque.error_path(error), notes_of(error)))

    seen = []
    calque.deepcopy([Then(caught)])
    assert seen == [("$[0]", [])]


def test_a_copy_by_the_standard_library_is_python_code(calque):
    def hook(self, memo):
        return copy.deepcopy(self.child, memo)

    error = failure_of(calque.deepcopy, [type("Own", (Plain,), {"__deepcopy__": hook})(child=[NO_COPY])])
    assert calque.error_path(error) == "$[0]" and notes_of(error) == []


def test_the_part_of_a_handler_registered_from_python(calque):
    class Own(Plain):
        pass

    @calque.register(Own)
    def handler(x, memo):
        return memo.copy(x.child)

    try:
        assert calque.error_path(failure_of(calque.deepcopy, [Own(child=[NO_COPY])])) == "$[0].child[0]"
        calque.unregister(Own)
        calque.register(Own)(lambda x, memo: memo.copy([NO_COPY]))
        assert calque.error_path(failure_of(calque.deepcopy, [Own(child=1)])) == "$[0].<Python function>[0]"
    finally:
        calque.unregister(Own)


def test_what_a_nested_copy_raised_and_a_hook_caught_is_no_part(calque):
    def caught(memo):
        with pytest.raises(TypeError):
            calque.deepcopy([[NO_COPY]], memo)

    def caught_and_another_raised(memo):
        caught(memo)
        raise ValueError("another")

    assert calque.error_path(failure_of(calque.deepcopy, [Then(caught), (1, NO_COPY)])) == "$[1][1]"
    assert calque.error_path(failure_of(calque.deepcopy, [1, Then(caught_and_another_raised)])) == "$[1]"


# -- which exceptions


def test_what_python_code_has_raised_gets_a_path_and_no_note(calque):
    class Special(Exception):
        pass

    for error in (ValueError("text"), Special(), Special([1]), KeyError("k")):
        x = {"a": [1, Hook("h", [], lambda self, memo: (_ for _ in ()).throw(error))]}
        assert failure_of(calque.deepcopy, x) is error
        assert calque.error_path(error) == "$['a'][1]"
        assert notes_of(error) == [] and vars(error) == {}
        error.__traceback__ = error.__context__ = None


def test_interrupts_get_a_path_and_no_note(calque):
    """Raised by the interpreter, and about nothing in the object."""
    x = {"a": [[i] for i in range(100_000)]}
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for i in range(100):
            try:
                # Each time after another while: copies all take the same time, and it would come between two of them always.
                signal.setitimer(signal.ITIMER_REAL, 0.005 + 0.0007 * i)
                while True:
                    calque.deepcopy(x)
            except KeyboardInterrupt as interrupt:
                error = interrupt
            if calque.error_path(error) is not None:
                break  # it did not come between two copies
    finally:
        signal.signal(signal.SIGALRM, before)
    assert notes_of(error) == [] and vars(error) == {}
    if remembers_all(calque):
        assert calque.error_path(error).startswith("$['a'][")


def test_an_error_of_the_interpreter_that_passed_through_a_hook_is_still_its_own(calque):
    error = failure_of(calque.deepcopy, [CopiesChild(child=[NO_COPY])])
    assert notes_of(error) == (["calque: at $[0].child[0]"] if HAS_NOTES else [])
    assert error.__traceback__.tb_next is not None


def test_errors_of_calque_itself(calque):
    class Odd:
        __reduce_ex__ = __reduce__ = None

    error = failure_of(calque.deepcopy, [Odd()])
    assert type(error) is copy.Error and calque.error_path(error) == "$[0]"
    assert notes_of(error) == (["calque: at $[0]"] if HAS_NOTES else [])


def test_memory_errors_of_the_interpreter_have_none(calque):
    error = MemoryError()
    assert failure_of(calque.deepcopy, [Hook("h", [], lambda self, memo: (_ for _ in ()).throw(error))]) is error
    assert calque.error_path(error) is None
    error.__traceback__ = None
    assert calque.error_path(failure_of(calque.deepcopy, [Then(lambda memo: [0] * sys.maxsize)])) is None


def test_exceptions_with_slots_or_hostile_attributes(calque):
    class Slotted(Exception):
        __slots__ = ("a",)

    class Hostile(Exception):
        def __getattribute__(self, name):
            asked.append(name)
            return super().__getattribute__(name)

        def __setattr__(self, name, value):
            asked.append(name)
            super().__setattr__(name, value)

    asked = []

    for error in (Slotted("a"), Hostile("b")):
        assert failure_of(calque.deepcopy, [Then(lambda memo: (_ for _ in ()).throw(error))]) is error
        assert calque.error_path(error) == "$[0]"
        BaseException.with_traceback(error, None)
    # Raised by code in C, which might be the interpreter.
    raises = ctypes.PyDLL(None).PyErr_SetObject
    raises.argtypes, raises.restype = [ctypes.py_object, ctypes.py_object], ctypes.c_int
    noted, hostile = Slotted("a"), Hostile("b")
    for error in (noted, hostile):
        x = [Reduces(None)]
        x[0].__reduce_ex__ = functools.partial(raises, type(error), error)
        assert failure_of(calque.deepcopy, x) is error
        assert calque.error_path(error) == "$[0]"
        BaseException.with_traceback(error, None)
    assert notes_of(noted) == (["calque: at $[0]"] if HAS_NOTES else []) and "__notes__" not in asked


def test_an_exception_raised_again_has_the_path_of_the_last_copy_that_it_ended(calque):
    error = failure_of(calque.deepcopy, [[NO_COPY]])
    notes = list(notes_of(error))

    def again(memo):
        raise error

    assert failure_of(calque.deepcopy, {"k": Then(again)}) is error
    assert calque.error_path(error) == "$['k']"
    assert notes_of(error) == notes  # Python code raised it this time
    for _ in range(3):
        assert failure_of(calque.deepcopy, [1, [2, CopiesChild(child=[Then(again)])]]) is error
        assert calque.error_path(error) == "$[1][1].child[0]" and notes_of(error) == notes
    error.__traceback__ = None


def test_one_note_per_exception(calque):
    class Own(Plain):
        def __deepcopy__(self, memo):
            try:
                return calque.deepcopy(self.child)
            except TypeError as error:
                seen.append(list(notes_of(error)))
                raise

    seen = []
    error = failure_of(calque.deepcopy, [Own(child=[Own(child={"a": NO_COPY})])])
    assert calque.error_path(error) == "$[0].child[0].child['a']"
    if HAS_NOTES:
        assert seen == [["calque: at $['a']"], ["calque: at $[0].child['a']"]]
        assert error.__notes__ == ["calque: at $[0].child[0].child['a']"]
        error.add_note("mine")
        assert error.__notes__[1:] == ["mine"]


def test_a_note_that_somebody_took_away_does_not_come_back(calque):
    class Own(Plain):
        def __deepcopy__(self, memo):
            try:
                return calque.deepcopy(self.child)
            except TypeError as error:
                if HAS_NOTES:
                    error.__notes__ = notes
                raise

    for notes in ([], ["mine"], "no list"):
        error = failure_of(calque.deepcopy, [Own(child=[NO_COPY])])
        assert type(error) is TypeError and calque.error_path(error) == "$[0].child[0]"
        assert not HAS_NOTES or error.__notes__ is notes and notes in ([], ["mine"], "no list")


def test_notes_under_the_patch_if_they_are_asked_for(calque):
    x = {"a": [NO_COPY]}
    noted = ["calque: at $['a'][0]"] if HAS_NOTES else []
    try:
        calque.patch.enable(notes=True)
        assert notes_of(failure_of(copy.deepcopy, x)) == noted
        calque.patch.enable()
        assert notes_of(failure_of(copy.deepcopy, x)) == []
        calque.patch.enable(notes=True)
        calque.patch.disable()
        with calque.patch:
            assert notes_of(failure_of(copy.deepcopy, x)) == []
        assert notes_of(failure_of(calque.deepcopy, x)) == noted
    finally:
        calque.patch.disable()


def test_the_other_functions_of_calques_own(calque):
    log = []

    def action(self, memo):
        return calque.deepcopy([NO_COPY], memo) if log.count("h") == 2 else self

    prepared = None
    error = failure_of(calque.prepare, [1, [NO_COPY]])
    assert notes_of(error) == (["calque: at $[1][0]"] if HAS_NOTES else [])
    error = failure_of(calque.extra.replicate, [1, [NO_COPY]], 2)
    assert notes_of(error) == (["calque: at $[1][0]"] if HAS_NOTES else [])
    prepared = calque.prepare([1, Hook("h", log, action)])
    error = failure_of(prepared)
    assert notes_of(error) == (["calque: at $[1].__deepcopy__()[0]"] if HAS_NOTES else [])
    log.clear()


# -- where it is kept


def test_other_exceptions_have_none(calque):
    for error in (ValueError("x"), failure_of(int, "x"), failure_of(copy.deepcopy, [NO_COPY]), failure_of(calque.deepcopy),
                  failure_of(calque.copy, NO_COPY)):
        assert calque.error_path(error) is None
    for wrong in (None, 5, ValueError, "text"):
        assert raised(calque.error_path, wrong) == (TypeError, f"error_path() argument must be an exception, not {type(wrong).__name__}")


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer gives no address twice for a while")
def test_the_next_exception_at_the_same_address_has_none(calque):
    addresses = set()
    for _ in range(200):
        error = failure_of(calque.deepcopy, [NO_COPY])
        assert calque.error_path(error) == "$[0]"
        addresses.add(id(error))
        del error
        fresh = TypeError(f"cannot pickle '{type(NO_COPY).__module__}.{type(NO_COPY).__qualname__}' object")
        addresses.add(id(fresh))
        assert calque.error_path(fresh) is None
    assert len(addresses) < 200


def test_it_does_not_show(calque):
    with calque.patch:
        error = failure_of(copy.deepcopy, [NO_COPY])
    plain = failure_of(copy.deepcopy, [NO_COPY])
    assert vars(error) == vars(plain) == {} and error.__reduce__() == plain.__reduce__()
    again = pickle.loads(pickle.dumps(error))
    assert again.args == error.args and calque.error_path(again) is None
    assert calque.error_path(copy.copy(error)) is None


def test_nothing_of_the_graph_is_kept(calque):
    class Own:
        pass

    x = Own()
    x.items = {("key", Own): [x, NO_COPY]}
    gone = weakref.ref(x)
    error = failure_of(calque.deepcopy, x)
    error.__traceback__ = None
    del x
    gc.collect()
    assert gone() is None and calque.error_path(error) == "$.items[<tuple>][1]"


def test_the_graph_is_freed_with_the_exception(calque):
    class Own:
        pass

    kept = []
    for _ in range(20):
        x = Own()
        x.bad = NO_COPY
        kept.append(weakref.ref(x))
        assert calque.error_path(failure_of(calque.deepcopy, x)) == "$.bad"
        del x
    gc.collect()
    assert all(reference() is None for reference in kept)


def test_paths_in_many_threads(calque, quick_switches):
    wrong = []

    def work(number):
        for i in range(200):
            error = failure_of(calque.deepcopy, {number: [0] * i + [[NO_COPY]]})
            if calque.error_path(error) not in (f"$[{number}][{i}][0]", *([] if remembers_all(calque) else [None])):
                wrong.append(calque.error_path(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_graphs_that_change_while_they_fail(calque):
    """What the failing hook took out is not found: the path ends where it still leads, or names the method."""
    def clear(memo):
        x.clear()
        raise ValueError("cleared")

    x = [1]
    x.append(Then(clear))
    assert calque.error_path(failure_of(calque.deepcopy, {"a": [x]})) in ("$['a'][0]", "$['a'][0][1]")
    x = {"k": [Then(lambda memo: clear(memo))]}
    assert calque.error_path(failure_of(calque.deepcopy, [x])).startswith("$[0]")


def test_syntax_trees(calque):
    tree = ast.parse("x = 1\ny = [2, 3]")
    tree.body[1].value.elts[1].value = NO_COPY
    assert calque.error_path(failure_of(calque.deepcopy, tree)) == "$.body[1].value.elts[1].value"


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer's allocator is preloaded")
@pytest.mark.no_leak_check(reason="the copies run in a process of their own")
def test_an_error_stays_what_it_is_where_there_is_no_memory_for_its_path():
    status, said, complaints = isolated.failing("out_of_memory_paths.py")
    assert status == 0 and said.startswith("done: "), complaints
