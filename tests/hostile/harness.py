"""Hostile objects: each hook crossed with each action at each place of a graph, under `copy` and under calque.

What is compared. One case is a hook (hooks.py and its like), an action (actions.py and its like), a position (positions.py) and a mode below.
It is built and run twice, with `copy` and with calque. Both have to agree in the source and the copy after it (types, values, which object is
which, what both share), what nested copies gave, the exception with its text, cause and context, the order of the hooks, the state of the collector;
and in a second, peaceful copy of what is left of the source. Nothing may crash, hang, or stay alive.

Why nothing in a case knows its objects. An object with one reference is treated differently by calque (runtime/memo.hpp, "Lazy"): a list of the nodes
would hide what goes wrong with them. So actions find objects from the root, by where they are.

Why child processes. A crash must name its case and not end the others. The child notes in a file which case it runs; its parent reads the file
when the child has died or hangs, reports the case, and starts another child behind it.

What is not compared, and why: `NOT_COMPARED` below, each with its reason. There only crashes, leaks and the second copy count.
"""

import collections
import copy
import copyreg
import gc
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import types
import zlib

from . import actions, attribute_hooks, class_actions, containers, more_hooks, surroundings, world as world_module
from .hooks import ALONE, HOOKS, UNHASHED, Base, HashedBase
from .positions import HASHED, POSITIONS
from .world import Cut, bag, world

ACTIONS, FRESH, LOOSE = actions.ACTIONS, actions.FRESH, actions.LOOSE
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# plain     deepcopy(root)
# given     deepcopy(root, {})
# mapping   deepcopy(root, UserDict())
# spy       a hook before all others has seen the memo, and keeps it for the actions
# second    the action runs when the hook does so for the second time
# patched   copy.deepcopy(root) while calque serves it
# unpatched copy.deepcopy(root), which calque may come to serve in the middle
# shallow   copy(object)
MODES = ("plain", "given", "mapping", "spy", "second", "patched", "unpatched", "shallow")

# (pattern of "hook / action / position / mode", why)
NOT_COMPARED = [(re.compile(pattern), why) for pattern, why in (
    (r"/ (forget_originals|no_list_of_originals|other_list_of_originals) /", "what takes the address of a temporary is found in the memo"),
    (r"^\S+ of copies when an error ends a nested copy /", "temporaries of a copy that failed are in the memo, and what takes their address is found there"),
    (r"^(__new__ of something with attributes|(__del__|callback) of .*) / (raise_|return_|failing_copy_that_ends)",
     "the frames of copy.py in a traceback keep what calque frees at once"),
    *[(r"^metaclass __hash__ /",
       "copy looks for the class among its atomic types before it asks the memo, calque afterwards: tests/test_deviations.py")] * (sys.version_info >= (3, 14)),
    (r"/ return_memo /", "how long a memo is that is taken for the value of __reduce__: calque makes fewer temporaries"),
    (r"^metaclass __eq__ / (dispatch|no_dispatch|reducer|register)", "a table changed by a comparison in it: what is compared again is the dict's affair"),
    (r"^registered handler / dispatch_for_instances /", "a registered handler comes before a table's entry, which is what stands for it here"),
    (r"^__setitem__ of a memo, .* / clear_and_refill /", "what takes the address of an object that has died is found in the memo, or not"),
    (r"^(__setitem__ of a memo, .*|__missing__ of a memo) / .*(copy|copies|_with_memo|patch|collector_toggled)",
     "the list of originals that the nested copy made is overwritten; what takes the address of a temporary in it is found in the memo"),
    (r"^\S+ of copies when an error ends the copy /", "the frames of copy.py in a traceback keep what calque frees at once"),
    (r"^(metaclass __setattr__|key in the dict of the class) / failing_copy_that_ends_this_one /",
     "copyreg swallows the error; temporaries of the copy that failed are in the memo, and what takes their address is found there"),
    (r"^(__del__|callback) of what an attribute holds before / extend_parents /",
     "whether a dict is found to grow while it is read depends on the names that its class has learned, in the run before (3.11)"),
    (r"^registered handler / greenlet_suspended_with_memo /", "a calque.Memo ends with its copy; the dict that stands for it under copy does not"),
    (r"^metaclass __setattr__ / return_nested_copy_of_root / far below ",
     "the nested copy is too deep for copy's recursion; copyreg swallows the RecursionError that calque does not raise"),
    (r"^registered handler / unpatch /", "copy's own functions, which are in force from then on, do not know the handler"),
)]

# Left behind by copy as well: a type's tp_hash that gets no int from __hash__ (Objects/typeobject.c, slot_tp_hash, 3.11).
LEFT_BY_THE_INTERPRETER = re.compile(r"^__hash__ of a str / return_")


# The interpreter crashed in a function of copy.py that calque does not call: an OrderedDict emptied by an __eq__ (3.11) is such a case.
ENDED_IN_COPY = re.compile(r'''Current thread .*\n  File ".*/copy\.py", line \d+ in (_reconstruct|_deepcopy_\w+|_keep_alive)\n''')


def not_compared(name, action):
    if action in LOOSE:
        return LOOSE[action]
    return next((why for pattern, why in NOT_COMPARED if pattern.search(name)), None)


class Case(collections.namedtuple("Case", "hook action position mode")):
    __slots__ = ()

    def __str__(self):
        return " / ".join(self)


def possible(case):
    if (case.position in HASHED) and case.hook in UNHASHED:
        return False
    if (case.hook == "registered handler" or case.action == "register_handler") and case.mode in ("patched", "unpatched"):
        return False  # copy's own functions know of none
    if case.mode == "shallow":
        return case.position == "root"
    return case.hook not in ALONE and not (case.mode in ("given", "mapping", "spy") and "memo" in case.hook.split())


def cases(wanted_hooks=None, wanted_actions=None, wanted_positions=None, wanted_modes=None, every=1, seed=0, names=()):
    """All cases in a fixed order, `names` first. `every`: one of so many, chosen by its name and `seed`; 0 for none but `names`."""
    for name in names:
        yield Case(*name.split(" / "))
    if every == 0:
        return
    for hook, action in itertools.product(HOOKS, ACTIONS):
        if (wanted_hooks and hook not in wanted_hooks) or (wanted_actions and action not in wanted_actions):
            continue
        for position in POSITIONS:
            if wanted_positions and position not in wanted_positions:
                continue
            number = zlib.crc32(f"{hook}{action}{position}".encode())
            # Each place is tried with two modes: the first, and one that differs from place to place.
            for mode in wanted_modes or ("plain", MODES[1 + number % (len(MODES) - 2)], "shallow"):
                case = Case(hook, action, position, mode)
                if possible(case) and (every == 1 or zlib.crc32(str(case).encode()) % every == seed % every):
                    yield case


# Descriptions -----------------------------------------------------------------------------------------------------------------------------------------

ADDRESS = re.compile(r"0x[0-9a-f]+|[0-9]{9,}")
ATOMS = (type(None), bool, int, float, complex, str, bytes, range, type(Ellipsis), type(NotImplemented))
NAMED = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.GetSetDescriptorType, types.MemberDescriptorType)


def member_order(obj):
    names = containers.attributes(obj)
    if type(obj) in (tuple, frozenset):
        return type(obj).__name__, str([member_order(item) for item in obj])
    return type(obj).__name__, repr(obj) if type(obj) in ATOMS else repr(names.get("n")) if names else ""


def describe(obj):
    """(what it says itself, [(role, child)])."""
    kind = type(obj)
    if kind is list or kind is tuple:
        return "", containers.children(obj)
    mro = type.__dict__["__mro__"].__get__(kind)
    for atom in (int, float, str, bytes, bytearray):
        if atom in mro:
            return atom.__repr__(obj), containers.children(obj)
    if dict in mro and any(type(key) is int and key > 1 << 20 for key in dict.keys(obj)):
        return "a memo", []  # what else lies in a memo than what its hooks can ask it for is told by look_at_memo
    if set in mro or frozenset in mro:
        base = set if set in mro else frozenset
        members = sorted(base.__iter__(obj), key=member_order)
        return f"{base.__len__(obj)}", [("member", item) for item in members] + containers.children(obj)
    if kind.__module__ in ("datetime", "fractions"):
        return ADDRESS.sub("(address)", repr(obj)), containers.children(obj)
    return "", containers.children(obj)


def fingerprint(**roots):
    """A line for each object, with the numbers of those below it; each object once, in the order of a walk."""
    numbers, kept, lines = {}, [], []

    def number(obj):
        if type(obj) in ATOMS:
            return repr(obj)
        found = numbers.get(id(obj))
        if found is not None:
            return found
        if isinstance(type(obj), type) and issubclass(type(obj), NAMED):
            return f"<{type.__getattribute__(obj, '__name__') if issubclass(type(obj), type) else obj.__name__}>"
        found = numbers[id(obj)] = len(kept)
        kept.append(obj)
        return found

    done = 0
    for name, root in roots.items():
        lines.append(f"{name}: {number(root)}")
        while done < len(kept):
            obj = kept[done]
            says, below = describe(obj)
            lines.append(f"{done} {type.__getattribute__(type(obj), '__name__')} {says}" + "".join(f" {role}={number(child)}" for role, child in below))
            done += 1
    return lines


def text_of(error):
    found = []
    while error is not None and len(found) < 5:
        try:
            text = str(error)
        except Exception as other:
            text = f"({type(other).__name__})"
        found.append(ADDRESS.sub("(address)", f"{type(error).__name__}: {text}"))
        error = error.__cause__ or error.__context__
    return " after ".join(found)


# One run ----------------------------------------------------------------------------------------------------------------------------------------------

class Spy:
    def __deepcopy__(self, memo):
        if world.armed:
            world.memo = memo
        return None


_factories = {}


def factory_of(case):
    """Classes are known from one case to the next, as in a program, unless the action changes them."""
    hashed = case.position in HASHED
    function = HOOKS[case.hook]
    if world.fresh:
        return function(HashedBase if hashed else Base)
    key = case.hook, hashed
    if key not in _factories:
        _factories[key] = function(HashedBase if hashed else Base)
    return _factories[key]


def implementation(name, mode):
    if name == "stdlib" or mode in ("patched", "unpatched"):
        return types.SimpleNamespace(deepcopy=copy.deepcopy, copy=copy.copy)
    import calque
    return types.SimpleNamespace(deepcopy=calque.deepcopy, copy=calque.copy)


STOP = "RecursionError"
FINALIZED = ("__del__", "callback", "finalizer", "__new__ of something")


def run(case, name):
    """What one run showed, as lists of lines by subject; or STOP."""
    world.reset()
    if case.hook.startswith(FINALIZED):
        gc.collect()  # what the run before has left would be heard of in this one
    world.name = name
    world.api = implementation(name, case.mode)
    world.action = ACTIONS[case.action]
    world.when = 2 if case.mode == "second" else 1
    world.fresh = case.action in FRESH
    world.before = lambda: None
    if world.fresh:
        world.plain, world.slots = world_module.fresh_classes()
        world.api.deepcopy([world.plain([1], 2, 3), world.slots([1], 2, 3)])  # known when the hook runs
    hooked = sys.unraisablehook
    sys.unraisablehook = lambda problem: world.log(f"unraisable {text_of(problem.exc_value)}")
    enabled, threshold = gc.isenabled(), gc.get_threshold()
    gc.disable()
    patching = case.mode == "patched" and name != "stdlib"
    if patching:
        import calque
        calque.patch.enable()
    outcome = {}
    try:
        x = factory_of(case)()
        world.root, way = POSITIONS[case.position](x)
        world.chain = way
        if case.mode != "shallow":
            del x
        source = world.root
        if case.mode == "spy":
            source = [Spy(), source]
        memo = {"given": dict, "mapping": collections.UserDict}.get(case.mode, world.memo_factory or (lambda: None))()
        world.memo = memo
        arguments = (source,) if memo is None else (source, memo)
        del source
        if "all_objects" in case.action:
            world.known = {id(obj) for obj in gc.get_objects()}
        result, error = None, ""
        world.armed = True
        try:
            world.before()
            if case.mode == "shallow":
                result = world.api.copy(x)
            elif len(arguments) == 1:
                result = world.api.deepcopy(arguments[0])
            else:
                result = world.api.deepcopy(*arguments)
        except BaseException as caught:
            if isinstance(caught, Cut) or (isinstance(caught, RecursionError) and "hostile" not in str(caught)):
                error = STOP
            else:
                error = text_of(caught)
        memo = None
        world.trace.append(f"collector {gc.isenabled()} {gc.get_threshold()}")
        world.armed = world.armed and error != STOP
        for function in world.later:
            try:
                function()
            except BaseException as caught:
                world.trace.append(f"later {text_of(caught)}")
        world.armed = False
        root = world.root if world.root is not None else arguments[0]
        # How often the interpreter compares names, its cache decides.
        trace = [ADDRESS.sub("(address)", line) for line in world.trace if case.hook != "key in the dict of the class" or not line.startswith("compared")]
        outcome = {"error": [error], "trace": trace,
                   "objects": fingerprint(source=root, copy=result, limbo=world.limbo, results=world.results)}
        # Before the tables are as they were; the hooks are peaceful now.
        again = ["no second copy"]
        if name != "stdlib" and case.action == "shallow_recursion":
            sys.setrecursionlimit(600)
        if "recursion" not in case.action:
            try:
                again = fingerprint(probe=world.api.deepcopy([bag(1), (bag(2),)]))
                if zlib.crc32(str(case).encode()) % 2:
                    again += fingerprint(copy=world.api.deepcopy(root))
            except Exception as caught:
                again = [text_of(caught)]
        outcome["second copy"] = again
        root = arguments = result = x = None
        if error == STOP or any(STOP in line for line in [*world.trace, *again]):
            outcome = STOP
    except Cut:
        outcome = STOP
    finally:
        world.armed = False
        for function in reversed(world.undo):
            function()
        if name != "stdlib":
            import calque
            calque.patch.disable()
        gc.set_threshold(*threshold)
        if enabled:
            gc.enable()
        if case.action == "freeze":
            gc.unfreeze()
        world.reset()
        sys.unraisablehook = hooked
    return outcome


def difference(case):
    """None, STOP if copy's recursion does not end, or what differs."""
    expected = run(case, "stdlib")
    if expected == STOP:
        return STOP
    got = run(case, "calque")
    loose = not_compared(str(case), case.action)
    if got == STOP:
        return None if loose else f"RecursionError, or no end, where copy has {expected['error']}"
    for subject, mine in expected.items():
        theirs = got[subject]
        if mine == theirs or (loose and subject != "second copy") or loose:
            continue
        for i, (a, b) in enumerate(itertools.zip_longest(mine, theirs, fillvalue="(end)")):
            if a != b:
                before = "".join(f"\n      {line}" for line in mine[max(0, i - 5):i])
                errors = f" (errors: {expected['error'][0]!r}, {got['error'][0]!r})"
                return f"{subject}, line {i}{errors}:{before}\n    copy:   {a[:300]}\n    calque: {b[:300]}"
    return None


# Processes --------------------------------------------------------------------------------------------------------------------------------------------

class Result:
    def __init__(self):
        self.run = self.stopped = 0
        self.failures = []  # (case, what)

    def failures_of(self, hook):
        return [f"{case}: {what}" for case, what in self.failures if case.split(" / ")[0] == hook]


def tables():
    return [len(copyreg.dispatch_table), len(copy._deepcopy_dispatch)]


def alive():
    """How many objects there are of each class of this package, by name."""
    _factories.clear()
    for _ in range(3):
        gc.collect()
    return collections.Counter(
        type(obj).__qualname__ for obj in gc.get_objects()
        if type(type(obj)) is type and type(obj).__module__.startswith(__package__) and not isinstance(obj, (tuple, world_module.World, type(world_module.GO_ON))))


def child(options, start, count, progress):
    """Runs cases start..start+count of those that `options` choose, writes what differs to standard output."""
    import faulthandler

    import calque
    assert calque  # what it imports enters things in the tables
    faulthandler.enable()
    sys.setrecursionlimit(600)
    gc.freeze()
    chosen = itertools.islice(cases(**options), start, start + count)
    before, living = tables(), alive()
    stopped = done = 0
    last = None
    for i, case in enumerate(chosen, start):
        if (case.hook, case.action) != last:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.dump_traceback_later(20, exit=True)
            last = case.hook, case.action
        os.pwrite(progress, f"{i} {case}".ljust(300).encode(), 0)
        what = difference(case)
        done += 1
        if what == STOP:
            stopped += 1
        elif what is not None:
            print(json.dumps([str(case), what]), flush=True)
        if LEFT_BY_THE_INTERPRETER.search(str(case)):
            living = alive()
        if tables() != before:
            print(json.dumps([str(case), "the tables are not as before"]), flush=True)
            before = tables()
    faulthandler.cancel_dump_traceback_later()
    left = alive() - living
    if left:
        print(json.dumps([f"{case}, or one of the {done} cases up to it", f"objects are left: {dict(left)}"]), flush=True)
    print(json.dumps([done, stopped]), flush=True)


def run_cases(batch=4000, on_failure=None, **options):
    """Runs all chosen cases in child processes, one after the other."""
    result = Result()
    total = sum(1 for _ in cases(**options))
    start = 0
    while start < total:
        count = min(batch, total - start)
        with tempfile.TemporaryFile() as progress:
            number = progress.fileno()
            done = subprocess.run(
                [sys.executable, "-m", "tests.hostile", "--child", json.dumps([options, start, count, number])], cwd=ROOT, pass_fds=[number],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
            progress.seek(0)
            where = progress.read().decode().strip()
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        finished = bool(found) and isinstance(found[-1][0], int) and done.returncode == 0
        if finished:
            run_here, stopped = found.pop()
            result.run += run_here
            result.stopped += stopped
            start += count
        else:
            at, _, name = where.partition(" ")
            if ENDED_IN_COPY.search(done.stderr):
                result.stopped += 1
            else:
                found.append([name or "(start)", f"ended with status {done.returncode}:\n{done.stderr[-3000:]}"])
            result.run += int(at or start) + 1 - start
            start = int(at) + 1 if at else total
        for case, what in found:
            result.failures.append((case, what))
            if on_failure is not None:
                on_failure(case, what)
    return result


assert attribute_hooks and class_actions and more_hooks and surroundings  # they register what they have
