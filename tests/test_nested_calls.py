"""Copies started by user code that runs inside a copy: they are calls of their own, and the outer copy goes on as if they had not been."""

import collections
import copy
import copyreg
import functools
import gc
import sys
import weakref

import pytest


class Results(list):
    """What the nested copies of one test gave; they run only while it is active."""

    active = False


results = Results()


def nested_copies(copier, obj):
    """Calls deepcopy and copy on `obj` and on something else, unless this is a nested call already."""
    if not results.active:
        return
    results.active = False
    try:
        results.append((copier.deepcopy(obj), copier.deepcopy([obj, obj]), copier.deepcopy([[1], (2, [3])]), copier.copy(obj)))
    finally:
        results.active = True


def make_deepcopy(copier, shared):
    class Hook:
        def __deepcopy__(self, memo):
            nested_copies(copier, shared)
            made = Hook()
            made.below = copier.deepcopy(self.below, memo)
            return made

    x = Hook()
    x.below = shared
    return x


def make_reduce(copier, shared):
    class Reduced:
        def __reduce__(self):
            nested_copies(copier, shared)
            return Reduced, (), {"below": shared}

    return Reduced()


def make_reduce_ex(copier, shared):
    class Reduced:
        def __reduce_ex__(self, protocol):
            nested_copies(copier, shared)
            return list, (), None, iter([shared])

    return Reduced()


def make_getstate(copier, shared):
    class Stateful:
        def __getstate__(self):
            nested_copies(copier, shared)
            return {"below": shared}

    return Stateful()


def make_setstate(copier, shared):
    class Stateful:
        def __setstate__(self, state):
            nested_copies(copier, shared)
            self.__dict__.update(state)

    x = Stateful()
    x.below = shared
    return x


def make_new(copier, shared):
    class New:
        def __new__(cls, *args):
            nested_copies(copier, shared)
            self = super().__new__(cls)
            self.args = args
            return self

        def __getnewargs__(self):
            return (shared,)

    return New()


def make_getnewargs_ex(copier, shared):
    class New:
        def __new__(cls, *args, **kwargs):
            self = super().__new__(cls)
            self.args = args, kwargs
            return self

        def __getnewargs_ex__(self):
            nested_copies(copier, shared)
            return (shared,), {"k": shared}

    return New()


def make_init_of_reduce_target(copier, shared):
    class Problem(Exception):
        def __init__(self, below):
            super().__init__(below)
            nested_copies(copier, shared)

    return Problem(shared)


def make_hash(copier, shared):
    class Key:
        def __hash__(self):
            nested_copies(copier, shared)
            return 1

    key = Key()
    key.below = shared
    return {key: shared}


def make_hash_in_set(copier, shared):
    class Member:
        def __hash__(self):
            nested_copies(copier, shared)
            return 1

    member = Member()
    member.below = shared
    return {member}


def make_eq(copier, shared):
    class Key:
        def __init__(self, number):
            self.number = number
            self.below = shared

        def __hash__(self):
            return 1

        def __eq__(self, other):
            nested_copies(copier, shared)
            return type(other) is Key and self.__dict__.get("number") == other.__dict__.get("number")

    return {Key(1): shared, Key(2): [shared]}


def make_del(copier, shared):
    class Dying:
        def __del__(self):
            nested_copies(copier, shared)

    class Reduced:
        def __reduce__(self):
            Dying()
            return Reduced, (), {"below": shared}

    return Reduced()


def make_del_of_a_copy(copier, shared):
    """A slot is set twice: the first value dies inside the copy."""

    class Dying:
        def __del__(self):
            nested_copies(copier, shared)

    class Target:
        def __init__(self):
            self.below = Dying()

    class Reduced:
        def __reduce__(self):
            return Target, (), {"below": shared}

    return Reduced()


def make_weakref_callback(copier, shared):
    class Mortal:
        pass

    refs = []

    class Reduced:
        def __reduce__(self):
            mortal = Mortal()
            refs.append(weakref.ref(mortal, lambda ref: nested_copies(copier, shared)))
            del mortal
            return Reduced, (), {"below": shared}

    return Reduced()


def make_property(copier, shared):
    class Owner:
        @property
        def __deepcopy__(self):
            nested_copies(copier, shared)
            return None

    x = Owner()
    x.below = shared
    return x


def make_getattr(copier, shared):
    class Owner:
        def __getattr__(self, name):
            nested_copies(copier, shared)
            raise AttributeError(name)

    x = Owner()
    x.below = shared
    return x


def make_getattribute(copier, shared):
    class Owner:
        def __getattribute__(self, name):
            nested_copies(copier, shared)
            return object.__getattribute__(self, name)

    x = Owner()
    x.below = shared
    return x


def make_setattr_of_slots(copier, shared):
    class Owner:
        __slots__ = ("below", "other")

        def __setattr__(self, name, value):
            nested_copies(copier, shared)
            object.__setattr__(self, name, value)

    x = Owner()
    x.below = x.other = shared
    return x


def make_append(copier, shared):
    class Appends(list):
        def append(self, item):
            nested_copies(copier, shared)
            super().append(item)

    return Appends([shared, [shared]])


def make_setitem(copier, shared):
    class Sets(dict):
        def __setitem__(self, key, value):
            nested_copies(copier, shared)
            super().__setitem__(key, value)

    return Sets({1: shared, 2: [shared]})


def make_iter(copier, shared):
    class Iterates(list):
        def __iter__(self):
            for i in range(len(self)):
                nested_copies(copier, shared)
                yield self[i]

    return Iterates([shared, [shared]])


def make_items(copier, shared):
    class Items(dict):
        def items(self):
            nested_copies(copier, shared)
            yield from super().items()

    return Items({1: shared, 2: [shared]})


def make_generator_of_reduce(copier, shared):
    class Reduced:
        def __reduce__(self):
            def items():
                nested_copies(copier, shared)
                yield shared
                nested_copies(copier, shared)
                yield [shared]

            return list, (), None, items()

    return Reduced()


def make_update_of_dict_property(copier, shared):
    class Namespace(dict):
        def update(self, other):
            nested_copies(copier, shared)
            super().update(other)

    class Owner:
        def __init__(self):
            object.__setattr__(self, "namespace", Namespace())

        @property
        def __dict__(self):
            return object.__getattribute__(self, "namespace")

        def __reduce__(self):
            return Owner, (), {"below": shared}

    return Owner()


def make_copyreg(copier, shared):
    class Registered:
        pass

    def reduce(obj):
        nested_copies(copier, shared)
        return rebuild, (obj.below,)

    def rebuild(below):
        nested_copies(copier, shared)
        made = Registered()
        made.below = below
        return made

    copyreg.pickle(Registered, reduce)
    x = Registered()
    x.below = shared
    return x


def make_partial_setstate(copier, shared):
    class Partial(functools.partial):
        def __setstate__(self, state):
            nested_copies(copier, shared)
            super().__setstate__(state)

    return Partial(len, shared, k=shared)


def make_default_factory(copier, shared):
    class Factory:
        def __deepcopy__(self, memo):
            nested_copies(copier, shared)
            return self

        def __call__(self):
            return []

    x = collections.defaultdict(Factory())
    x[1] = x[2] = shared
    return x


def make_len_of_state(copier, shared):
    class State(tuple):
        def __len__(self):
            nested_copies(copier, shared)
            return 2

    class Reduced:
        def __reduce__(self):
            return Reduced, (), State(({"below": shared}, None))

    return Reduced()


def make_class_of_reduce_value(copier, shared):
    class Value(tuple):
        @property
        def __class__(self):
            nested_copies(copier, shared)
            return tuple

    class Reduced:
        def __reduce__(self):
            return Value((Reduced, (), {"below": shared}))

    return Reduced()


def make_metaclass_hash(copier, shared):
    class Meta(type):
        def __hash__(cls):
            nested_copies(copier, shared)
            return type.__hash__(cls)

    class Owner(metaclass=Meta):
        pass

    x = Owner()
    x.below = shared
    return x


MAKERS = {name[len("make_"):]: function for name, function in sorted(globals().items()) if name.startswith("make_")}
SHARED = {
    "list": lambda: [1, [2]],
    "dict": lambda: {"k": [1]},
    "tuple": lambda: ([1], 2),
    "instance": lambda: collections.UserList([[1]]),
}


@pytest.mark.no_leak_check(reason="a registration with copyreg stays, and so does its class")
@pytest.mark.parametrize("shared", SHARED)
@pytest.mark.parametrize("maker", MAKERS)
def test_a_nested_copy_leaves_the_outer_one_alone(copier, maker, shared):
    kind = shared
    shared = SHARED[kind]()
    later = [shared]
    x = [shared, MAKERS[maker](copier, shared), shared, later, [[1], later], {"k": shared}]
    results.clear()
    results.active = True
    try:
        copied = copier.deepcopy(x)
    finally:
        results.active = False
    assert results, "no nested copy has run"
    # The outer copy: everything shared is still shared, and nothing of it is the original's.
    assert copied[0] is copied[2] is copied[3][0] is copied[5]["k"]
    assert copied[3] is copied[4][1]
    assert copied[0] == shared
    assert copied[0] is not shared
    inner = copied[1]
    if kind != "tuple" and hasattr(inner, "__dict__") and "below" in vars(inner):
        assert vars(inner)["below"] is copied[0]
    # The nested copies: fresh each time, sharing with nobody.
    seen = {id(copied[0]), id(shared)}
    for alone, pair, unrelated, _ in results:
        assert alone == shared
        assert pair[0] is pair[1]
        assert unrelated == [[1], (2, [3])]
        for obj in (alone, pair[0]):
            assert id(obj) not in seen
            seen.add(id(obj))
    results.clear()


@pytest.mark.no_leak_check(reason="a registration with copyreg stays, and so does its class")
@pytest.mark.parametrize("maker", MAKERS)
def test_a_nested_copy_in_a_shallow_copy_is_its_own(copier, maker):
    shared = [1, [2]]
    x = MAKERS[maker](copier, shared)
    results.clear()
    results.active = True
    try:
        copier.copy(x)
    finally:
        results.active = False
    for alone, pair, unrelated, shallow in results:
        assert alone == shared
        assert alone is not shared
        assert pair[0] is pair[1]
        assert unrelated == [[1], (2, [3])]
        assert shallow[1] is shared[1]
    results.clear()


class NestingMemo(dict):
    """A memo whose methods copy something themselves."""

    def __init__(self, copier):
        super().__init__()
        self.copier = copier

    def nested(self):
        assert self.copier.deepcopy([[1], [2]]) == [[1], [2]]

    def get(self, key, default):
        self.nested()
        return super().get(key, default)

    def __getitem__(self, key):
        self.nested()
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        self.nested()
        super().__setitem__(key, value)


def test_memo_methods_that_copy_something_disturb_nothing(copier):
    shared = [1]
    x = [shared, (shared, 2), {"k": shared}, {3}, collections.OrderedDict(k=shared)]
    copied = copier.deepcopy(x, NestingMemo(copier))
    assert copied == x
    assert copied[0] is copied[1][0] is copied[2]["k"] is copied[4]["k"]


def test_a_trace_function_that_copies_something_disturbs_nothing(copier):
    """A trace function runs at every line of user code, as a signal handler may."""

    class Hook:
        def __deepcopy__(self, memo):
            made = [1]
            made += [copier.deepcopy(shared, memo)]
            return made

    def trace(frame, event, arg):
        sys.settrace(None)
        try:
            traced.append(copier.deepcopy(shared))
        finally:
            sys.settrace(trace)
        return trace

    traced = []
    shared = [[1]]
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        copied = copier.deepcopy([shared, Hook(), shared, Hook()])
    finally:
        sys.settrace(before)
    assert len(traced) > 4
    assert all(obj == [[1]] for obj in traced)
    assert copied[0] is copied[1][1] is copied[2] is copied[3][1]


def test_a_profile_function_that_copies_something_disturbs_nothing(copier):
    def profile(frame, event, arg):
        sys.setprofile(None)
        try:
            profiled.append(copier.deepcopy(shared))
        finally:
            sys.setprofile(profile)

    class Hook:
        def __getstate__(self):
            return {"below": shared}

    profiled = []
    shared = [[1]]
    sys.setprofile(profile)
    try:
        copied = copier.deepcopy([shared, Hook(), shared])
    finally:
        sys.setprofile(None)
    assert profiled
    assert copied[0] is copied[1].below is copied[2]


def test_an_error_in_a_nested_copy_is_the_business_of_the_hook(copier):
    class State:
        def __getstate__(self):
            with pytest.raises(TypeError, match="memoryview"):
                copier.deepcopy([shared, [memoryview(b"")]])
            return {"below": shared}

    shared = [1]
    copied = copier.deepcopy([shared, State(), shared, State()])
    assert copied[0] is copied[2] is copied[1].below is copied[3].below


def test_copies_nested_in_each_other_are_all_right(copier):
    class State:
        def __init__(self, level):
            self.level = level

        def __getstate__(self):
            below = copier.deepcopy([shared, State(self.level - 1), shared]) if self.level else None
            if below is not None:
                assert below[0] is below[2]
            return {"level": self.level, "below": below, "shared": shared}

    shared = [1]
    copied = copier.deepcopy([shared, State(6), shared])
    assert copied[0] is copied[2] is copied[1].shared
    for level in range(6, 0, -1):
        assert copied[1].level == level
        assert copied[0] is copied[2]
        copied = copied[1].below


def test_two_objects_whose_getstate_copies_a_field_of_each_other_end(copier):
    class Half:
        def __getstate__(self):
            return {"field": copier.deepcopy(self.field), "other": self.other}

    one, two = Half(), Half()
    one.field, two.field = [1], [2]
    one.other, two.other = two, one
    copied = copier.deepcopy([one, two])
    assert copied[0].other is copied[1]
    assert copied[1].other is copied[0]
    assert copied[0].field == [1]


def test_a_nested_copy_of_the_outermost_object_ends_when_the_hook_says_so(copier):
    class Hook:
        calls = 0

        def __deepcopy__(self, memo):
            Hook.calls += 1
            return copier.deepcopy(x) if Hook.calls < 4 else "enough"

    x = [[1], Hook(), [2]]
    x.append(x[0])
    copied = copier.deepcopy(x)
    for _ in range(4):
        assert copied[0] is copied[3]
        copied = copied[1]
    assert copied == "enough"


def test_a_big_nested_copy_does_not_disturb_a_big_outer_one(copier):
    class State:
        def __getstate__(self):
            assert copier.deepcopy(big) == big
            return {"big": big}

    big = [[i] for i in range(3000)]
    x = [big, State(), big[::-1], State()]
    copied = copier.deepcopy(x)
    assert all(one is other for one, other in zip(copied[0], reversed(copied[2]), strict=True))
    assert copied[1].big is copied[0] is copied[3].big


def test_a_nested_copy_within_reduce_of_set_members_keeps_the_set(copier):
    class Member:
        def __init__(self, number):
            self.number = number

        def __hash__(self):
            return 7

        def __reduce__(self):
            copier.deepcopy([[self.number]])
            return Member, (self.number,)

    x = {Member(1), Member(2)}
    copied = copier.deepcopy([x, x])
    assert copied[0] is copied[1]
    assert sorted(member.number for member in copied[0]) == [1, 2]


def test_a_nested_call_of_stdlib_shares_nothing_either(copier):
    class State:
        def __getstate__(self):
            return {"fresh": copy.deepcopy(shared), "shared": shared}

    shared = [1]
    copied = copier.deepcopy([shared, State(), shared])
    assert copied[0] is copied[2] is copied[1].shared
    assert copied[1].fresh is not copied[0]


class Stops:
    def __hash__(self):
        return 1

    def __deepcopy__(self, memo):
        raise StopIteration("from the hook")


class ReducesTo:
    def __init__(self, *value):
        self.value = value

    def __reduce__(self):
        return self.value


def with_state(cls):
    x = cls()
    x.a = Stops()
    return x


class Plain:
    pass


class ListSub(list):
    pass


STOPPED = {
    "list": lambda: [Stops()], "tuple": lambda: (Stops(),), "dict value": lambda: {1: Stops()}, "dict key": lambda: {Stops(): 1},
    "set": lambda: {Stops()}, "frozenset": lambda: frozenset([Stops()]), "list in frozenset": lambda: frozenset([(1, Stops())]),
    "namedtuple": lambda: collections.namedtuple("Point", "a")(Stops()), "exception": lambda: ValueError(Stops()), "partial": lambda: functools.partial(len, Stops()),
    "deque": lambda: collections.deque([Stops()]), "ordered dict": lambda: collections.OrderedDict(a=Stops()), "slice": lambda: slice(Stops()),
    "counter": lambda: collections.Counter([Stops()]), "defaultdict": lambda: collections.defaultdict(list, a=Stops()), "instance": lambda: with_state(Plain),
    "list subclass": lambda: ListSub([Stops()]), "state": lambda: ReducesTo(list, (), Stops()), "argument": lambda: ReducesTo(list, (Stops(),)),
    "list items": lambda: ReducesTo(list, (), None, iter([Stops()])), "dict items": lambda: ReducesTo(dict, (), None, None, iter([(1, Stops())])),
    "method": lambda: with_state(collections.UserList).append, "list around a set": lambda: [{Stops()}], "set in a tuple in a set": lambda: {(frozenset([Stops()]),)},
}


@pytest.mark.parametrize("kind", STOPPED)
def test_stop_iteration_of_a_hook_becomes_runtime_error_where_stdlib_has_a_generator(copier, kind):
    def run(deepcopy, *memo):
        with pytest.raises(Exception) as caught:
            deepcopy(STOPPED[kind](), *memo)
        error = caught.value
        said = [type(error), str(error), type(error.__cause__), str(error.__cause__)]
        error.__traceback__ = None
        return said

    assert run(copier.deepcopy) == run(copy.deepcopy)
    assert run(copier.deepcopy, {}) == run(copy.deepcopy, {})


# The garbage collector -------------------------------------------------------------------------------------------------------------------------------

class State:
    """Runs a function when its state is taken."""

    def __init__(self, function):
        self.function = function

    def __getstate__(self):
        self.function()
        return {"done": True}


@pytest.fixture
def collector():
    """Whatever a test does to the collector is undone, also between its repetitions."""
    yield gc
    gc.enable()


@pytest.mark.parametrize("enabled", [True, False])
def test_hooks_see_the_collector_as_the_caller_left_it(copier, collector, enabled):
    seen = []
    (gc.enable if enabled else gc.disable)()
    try:
        copier.deepcopy([[1], State(lambda: seen.append(gc.isenabled())), [2], State(lambda: seen.append(gc.isenabled()))])
        seen.append(gc.isenabled())
    finally:
        gc.enable()
    assert seen == [enabled] * 3


@pytest.mark.parametrize("enabled", [True, False])
def test_what_a_hook_does_to_the_collector_stays(copier, collector, enabled):
    seen = []
    (gc.enable if enabled else gc.disable)()
    try:
        copier.deepcopy([[1], State(gc.disable if enabled else gc.enable), [2], State(lambda: seen.append(gc.isenabled())), [3]])
        seen.append(gc.isenabled())
    finally:
        gc.enable()
    assert seen == [not enabled] * 2


@pytest.mark.parametrize("enabled", [True, False])
def test_after_an_error_the_collector_is_as_before(copier, collector, enabled):
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(TypeError):
            copier.deepcopy([[1], memoryview(b"")])
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_a_hook_that_raises_leaves_the_collector_as_it_set_it(copier, collector):
    def fail():
        gc.disable()
        raise ValueError

    try:
        with pytest.raises(ValueError):
            copier.deepcopy([[1], State(fail)])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_nested_copy_does_not_switch_the_collector_of_the_outer_one(copier, collector):
    seen = []

    def nested():
        copier.deepcopy([[1], State(lambda: seen.append(gc.isenabled()))])
        seen.append(gc.isenabled())

    copier.deepcopy([[1], State(nested), [2], State(nested)])
    assert seen == [True] * 4
    assert gc.isenabled()


def test_a_collection_inside_a_hook_finds_the_copy_whole(copier):
    x = [[i, (i, [i]), {"k": [i]}, {i}] for i in range(300)]
    for i in range(0, 300, 50):
        x[i].append(State(gc.collect))
    x.append(x[0][1])
    copied = copier.deepcopy(x)
    assert copied[-1] is copied[0][1]
    for i in range(300):
        assert copied[i][:4] == [i, (i, [i]), {"k": [i]}, {i}]


def test_a_collection_inside_every_allocation_heavy_hook_is_harmless(copier):
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        x = [[[i], State(lambda: [[] for _ in range(20)]), {"k": (i, [i])}] for i in range(50)]
        copied = copier.deepcopy(x)
    finally:
        gc.set_threshold(*threshold)
    assert [obj[0] for obj in copied] == [[i] for i in range(50)]
    assert [obj[2] for obj in copied] == [{"k": (i, [i])} for i in range(50)]


def test_hooks_can_look_at_all_tracked_objects(copier):
    """Half made copies are among them."""

    def look():
        for obj in gc.get_objects():
            if type(obj) in (list, dict, tuple, set):
                len(obj)
                gc.get_referents(obj)

    x = [[1], (State(look), [2]), {"k": State(look), "l": [3]}, frozenset([(1, 2)]), {State(look)}]
    copied = copier.deepcopy(x)
    assert copied[0] == [1]
    assert copied[1][1] == [2]


def test_finalizers_that_copy_run_inside_a_collection_inside_a_copy(copier):
    class Cyclic:
        def __init__(self):
            self.me = self

        def __del__(self):
            finalized.append(copier.deepcopy(shared))

    def make_garbage():
        Cyclic()
        gc.collect()

    finalized = []
    shared = [[1]]
    copied = copier.deepcopy([shared, State(make_garbage), shared])
    assert copied[0] is copied[2]
    assert finalized == [[[1]]]
