"""Code of the user's that calque calls and that calls calque again, without end: python recursion.py STACK [WAY...]

STACK is "main" or the size of a thread's stack in KiB.  The interpreter's own limit is out of the way, so calque has to see the end of the stack.
Each way (all of them, if none is named) is announced, then prints what it came to: RecursionError, or "over" if it came to an end.
"""

import collections
import contextlib
import copy
import copyreg
import os
import sys
import threading

import calque

WAYS = {}
# Handlers and tables stand for a class as long as its way is run.
NOTHING = contextlib.nullcontext


def way(make):
    WAYS[make.__name__] = make
    return make


def plain(function):
    """A way that needs nothing set up."""
    WAYS[function.__name__] = lambda: (NOTHING(), function)
    return function


def class_with(base=object, **names):
    return type("Endless", (base,), names)


# ---- hooks of deepcopy ---------------------------------------------------------------------------------------------------

@plain
def hook_without_memo():
    cls = class_with(__deepcopy__=lambda self, memo: calque.deepcopy(cls()))
    calque.deepcopy(cls())


@plain
def hook_with_memo():
    cls = class_with(__deepcopy__=lambda self, memo: calque.deepcopy(cls(), memo))
    calque.deepcopy(cls())


@plain
def hook_with_memo_and_containers_between():
    cls = class_with(__deepcopy__=lambda self, memo: calque.deepcopy([{"k": (cls(),)}], memo))
    calque.deepcopy([cls()])


@plain
def hook_with_a_new_dict():
    cls = class_with(__deepcopy__=lambda self, memo: calque.deepcopy([cls()], {}))
    calque.deepcopy(cls(), {})


@plain
def hook_with_a_mapping():
    cls = class_with(__deepcopy__=lambda self, memo: calque.deepcopy([cls()], memo))
    calque.deepcopy(cls(), collections.UserDict())


@plain
def hook_by_turns_with_copy_and_replace():
    class Endless:
        def __deepcopy__(self, memo):
            return calque.copy(Endless())

        def __copy__(self):
            return calque.replace(Endless())

        def __replace__(self):
            return calque.deepcopy(Endless())
    calque.deepcopy(Endless())


@plain
def hook_that_is_looked_up_by_python_code():
    def look_up(self, name):
        calque.deepcopy(cls())
        raise AttributeError(name)
    cls = class_with(__getattribute__=look_up)
    calque.deepcopy(cls())


def memo_with(method):
    @plain
    def memo():
        class Mapping(collections.UserDict):
            pass

        def answer(self, *arguments):
            calque.deepcopy([], Mapping())
            return getattr(collections.UserDict, method)(self, *arguments)
        setattr(Mapping, method, answer)
        calque.deepcopy([], Mapping())
    WAYS["memo_with_" + method.strip("_")] = WAYS.pop("memo")


memo_with("get")
memo_with("__setitem__")


# ---- the reduce protocol, for deepcopy and for copy -----------------------------------------------------------------------

def both(make):
    """The same for calque.deepcopy and calque.copy: make(function) -> run."""
    for function in (calque.deepcopy, calque.copy):
        WAYS[f"{function.__name__}_{make.__name__}"] = lambda function=function: (NOTHING(), lambda: make(function))
    return make


@both
def reduce(function):
    cls = class_with(__reduce__=lambda self: function(cls()))
    function(cls())


@both
def reduce_ex(function):
    cls = class_with(__reduce_ex__=lambda self, protocol: (cls, (function(cls()),)))
    function(cls())


@both
def getstate(function):
    cls = class_with(__getstate__=lambda self: function(cls()))
    function(cls())


@both
def setstate(function):
    cls = class_with(__getstate__=lambda self: {"a": 1}, __setstate__=lambda self, state: function(cls()))
    function(cls())


@both
def update_of_the_state(function):
    state = class_with(keys=lambda self: function(cls()), __deepcopy__=lambda self, memo: self)
    cls = class_with(__reduce__=lambda self: (cls, (), state()))
    function(cls())


@both
def new(function):
    started = []

    class Endless:
        def __new__(cls):
            if started:
                return function(seed)
            return object.__new__(cls)
    seed = Endless()
    started.append(1)
    function(seed)


@both
def getnewargs(function):
    cls = class_with(__getnewargs__=lambda self: function(cls()))
    function(cls())


@both
def constructor(function):
    def construct(self, again=False):
        if again:
            function(cls())
    cls = class_with(__init__=construct, __reduce__=lambda self: (cls, (True,)))
    function(cls())


@both
def append(function):
    cls = class_with(append=lambda self, item: function(cls()), __reduce__=lambda self: (cls, (), None, iter([1])))
    function(cls())


@both
def append_of_a_list(function):
    cls = class_with(list, append=lambda self, item: function(cls([1])))
    function(cls([1]))


@both
def setitem(function):
    cls = class_with(__setitem__=lambda self, key, value: function(cls()), __reduce__=lambda self: (cls, (), None, None, iter([(1, 2)])))
    function(cls())


@both
def setitem_of_a_dict(function):
    cls = class_with(dict, __setitem__=lambda self, key, value: function(filled()))

    def filled():
        made = cls()
        dict.__setitem__(made, 1, 2)
        return made
    function(filled())


@both
def items_of_an_iterator(function):
    def items():
        yield function(cls())
    cls = class_with(append=lambda self, item: None, __reduce__=lambda self: (cls, (), None, items()))
    function(cls())


@both
def class_of_the_reduced_value(function):
    value = class_with(__class__=property(lambda self: function(cls())))
    cls = class_with(__reduce__=lambda self: value())
    function(cls())


@both
def setattr_of_a_slot(function):
    cls = class_with(__slots__=("a",), __setattr__=lambda self, name, given: function(filled()))

    def filled():
        made = cls()
        object.__setattr__(made, "a", 1)
        return made
    function(filled())


@both
def dict_property(function):
    cls = class_with(__slots__=(), __dict__=property(lambda self: function(cls())), __reduce__=lambda self: (cls, (), {"a": 1}))
    function(cls())


@both
def reducer_by_a_property(function):
    cls = class_with(__reduce_ex__=property(lambda self: function(cls())))
    function(cls())


@both
def metaclass(function):
    class Meta(type):
        def __getattribute__(cls, name):
            function(Endless())
            return type.__getattribute__(cls, name)

    class Endless(metaclass=Meta):
        pass
    function(Endless())


# ---- hashes and comparisons -----------------------------------------------------------------------------------------------

def hashed(name, put):
    def run():
        ready = []

        def hash_of(self):
            if ready:
                calque.deepcopy(seed)
            return 1
        cls = class_with(__hash__=hash_of)
        seed = put(cls())
        ready.append(1)
        calque.deepcopy(seed)
    run.__name__ = "hash_of_a_" + name
    plain(run)


hashed("set_member", lambda x: {x})
hashed("frozenset_member", lambda x: frozenset([x]))
hashed("key", lambda x: {x: 1})
hashed("key_of_an_ordered_dict", lambda x: collections.OrderedDict([(x, 1)]))
hashed("key_of_a_defaultdict", lambda x: collections.defaultdict(int, [(x, 1)]))
hashed("counted", lambda x: collections.Counter([x]))


@plain
def comparison_of_keys():
    ready = []

    def equals(self, other):
        if ready:
            calque.deepcopy(seed)
        return self is other
    cls = class_with(__hash__=lambda self: 1, __eq__=equals)
    seed = {cls(): 1, cls(): 2}
    ready.append(1)
    calque.deepcopy(seed)


# ---- copy and replace -----------------------------------------------------------------------------------------------------

@plain
def hook_of_copy():
    cls = class_with(__copy__=lambda self: calque.copy(cls()))
    calque.copy(cls())


@plain
def replace():
    cls = class_with(__replace__=lambda self, **changes: calque.replace(cls(), **changes))
    calque.replace(cls(), a=1)


@plain
def replace_by_a_constructor():
    class Endless:
        def __init__(self, a=None):
            if a:
                calque.replace(self, a=a)

        def __replace__(self, **changes):
            return type(self)(**changes)
    calque.replace(Endless(), a=1)


@plain
def replace_of_a_class_property():
    cls = class_with(__class__=property(lambda self: calque.replace(cls())))
    calque.replace(cls())


# ---- handlers and tables ---------------------------------------------------------------------------------------------------

def handler(make):
    @contextlib.contextmanager
    def registered(cls, function):
        calque.register(cls)(function)
        try:
            yield
        finally:
            calque.unregister(cls)

    def ready():
        cls = class_with()
        return registered(cls, make(cls)), lambda: calque.deepcopy([cls()])
    WAYS["handler_" + make.__name__] = ready


@handler
def memo_copy(cls):
    return lambda obj, memo: memo.copy(cls())


@handler
def memo_copy_of_a_container(cls):
    return lambda obj, memo: memo.copy([{"k": cls()}])


@handler
def deepcopy_without_memo(cls):
    return lambda obj, memo: calque.deepcopy(cls())


@handler
def patched_copy(cls):
    def copied(obj, memo):
        with calque.patch:
            return copy.deepcopy(cls())
    return copied


@contextlib.contextmanager
def entry(table, cls, function):
    table[cls] = function
    try:
        yield
    finally:
        del table[cls]


@way
def reducer_of_copyreg():
    cls = class_with()
    return entry(copyreg.dispatch_table, cls, lambda obj: calque.deepcopy(cls())), lambda: calque.deepcopy(cls())


@way
def reducer_of_copyreg_for_copy():
    cls = class_with()
    return entry(copyreg.dispatch_table, cls, lambda obj: calque.copy(cls())), lambda: calque.copy(cls())


@way
def deepcopy_dispatch():
    cls = class_with()
    return entry(copy._deepcopy_dispatch, cls, lambda obj, memo: calque.deepcopy(cls(), memo)), lambda: calque.deepcopy(cls())


if hasattr(copy, "_copy_dispatch"):  # up to 3.13
    @way
    def copy_dispatch():
        cls = class_with()
        return entry(copy._copy_dispatch, cls, lambda obj: calque.copy(cls())), lambda: calque.copy(cls())


# ---- the patch ---------------------------------------------------------------------------------------------------------------

@way
def patched_deepcopy():
    cls = class_with(__deepcopy__=lambda self, memo: copy.deepcopy(cls()))
    return calque.patch, lambda: copy.deepcopy(cls())


@way
def patched_deepcopy_with_memo():
    cls = class_with(__deepcopy__=lambda self, memo: copy.deepcopy([cls()], memo))
    return calque.patch, lambda: copy.deepcopy(cls())


@way
def patched_copy_():
    cls = class_with(__copy__=lambda self: copy.copy(cls()))
    return calque.patch, lambda: copy.copy(cls())


@way
def patched_reduce():
    cls = class_with(__reduce__=lambda self: copy.deepcopy(cls()))
    return calque.patch, lambda: copy.deepcopy(cls())


@way
def patched_with_a_handler():
    cls = class_with()

    @contextlib.contextmanager
    def ready():
        calque.register(cls)(lambda obj, memo: copy.deepcopy(cls()))
        try:
            with calque.patch:
                yield
        finally:
            calque.unregister(cls)
    return ready(), lambda: copy.deepcopy(cls())


# ---- finalizers ----------------------------------------------------------------------------------------------------------------

def finalizer(name, copy_it, holder):
    """__del__ copies again.  The interpreter puts off what dies 50 levels deep, so most cascades go on without going deeper: 3000 are enough."""
    def run():
        left = [3000]

        class Dying:
            def __del__(self):
                left[0] -= 1
                if left[0] > 0:
                    start()

        def start():
            source = holder(Dying())
            try:
                copy_it(source)
            except RecursionError:
                left[0] = 0  # or each level would begin another cascade on the way back
        start()
        if left[0] > 0:
            raise AssertionError("the cascade broke off")
        raise RecursionError
    run.__name__ = "finalizer_" + name
    plain(run)


class TakesIts:
    """Its arguments die when it is copied."""

    def __init__(self, dying):
        self.dying = [dying]

    def __reduce__(self):
        return TakesIts.dropped, (self.dying.pop(),)

    @staticmethod
    def dropped(argument):
        return 1


class Keeps:
    """The memo keeps what dies with it."""

    def __init__(self, dying):
        self.dying = dying

    def __deepcopy__(self, memo):
        memo[id(memo)] = [self.__dict__.pop("dying")]
        return 1


finalizer("of_an_argument", calque.deepcopy, TakesIts)
finalizer("of_an_argument_of_copy", calque.copy, TakesIts)
finalizer("of_what_the_memo_kept", calque.deepcopy, lambda dying: [Keeps(dying)])


# ---- chains, not loops ---------------------------------------------------------------------------------------------------------

@plain
def chain_of_hooks():
    cls = class_with(__init__=lambda self, below: setattr(self, "below", below), __deepcopy__=lambda self, memo: cls(calque.deepcopy(self.below, memo)))
    x = None
    for _ in range(100_000):
        x = cls([x])
    LEFT.append(x)
    LEFT.append(calque.deepcopy(x))


@plain
def chain_of_names_that_are_no_strings():
    name = class_with(__hash__=lambda self: 1)
    x = name()
    for _ in range(100_000):
        above = name()
        above.__dict__[x] = 1
        x = above
    LEFT.append(x)
    LEFT.append(calque.deepcopy(x))


def simple_handlers(nodes):
    """With the plugin of tests/cpp/plugins, which tests/sdk compiles: a SIMPLE handler that asks for its children."""
    @way
    def simple_handlers_in_a_chain():
        x = []
        for _ in range(100_000):
            x = nodes.Wrapper("w", [x])
        LEFT.append(x)

        @contextlib.contextmanager
        def registered():
            nodes.register("Wrapper")
            try:
                yield
            finally:
                nodes.unregister(nodes.Wrapper)
        return registered(), lambda: calque.deepcopy(x)

    @way
    def simple_handlers_and_hooks():
        x = nodes.Wrapper("w", [class_with(__deepcopy__=lambda self, memo: calque.deepcopy(x))()])

        @contextlib.contextmanager
        def registered():
            nodes.register("Wrapper")
            try:
                yield
            finally:
                nodes.unregister(nodes.Wrapper)
        return registered(), lambda: calque.deepcopy(x)


LEFT = []  # chains that CPython may not be able to free on this stack


def run(names):
    for name in names:
        print(name, end=": ", flush=True)
        surroundings, function = WAYS[name]()
        with surroundings:
            try:
                function()
            except RecursionError as error:
                # The traceback would hold what the frames hold.
                error.__traceback__ = None
                print("RecursionError", flush=True)
            else:
                print("over", flush=True)
    print("OK", flush=True)


if __name__ == "__main__":
    try:
        import nodes
    except ImportError:
        pass
    else:
        simple_handlers(nodes)
    names = sys.argv[2:] or list(WAYS)
    sys.setrecursionlimit(1_000_000)
    if sys.argv[1] == "main":
        run(names)
    else:
        threading.stack_size(int(sys.argv[1]) * 1024)
        thread = threading.Thread(target=run, args=(names,))
        thread.start()
        thread.join()
    os._exit(0)
