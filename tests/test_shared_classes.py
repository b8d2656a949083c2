"""calque.atomic and share=: instances of some classes are not copied, but referred to."""

import collections
import copy
import fractions
import gc
import logging
import threading
import types

import pytest

from support.copiers import since
from support.probes import Hook, raised


class Base:
    def __init__(self, **values):
        vars(self).update(values)


class Derived(Base):
    pass


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Holder:
    def __init__(self, value):
        self.value = value


class Hooked(Base):
    def __deepcopy__(self, memo):
        return Hooked(copied=True)

    def __copy__(self):
        return Hooked(copied=True)


class Reduced:
    def __reduce_ex__(self, protocol):
        return Reduced, ()


class Choosy(type):
    """Classes of this one are compared in their own way."""

    def __eq__(cls, other):
        return cls is other

    def __hash__(cls):
        return 5


class OddlyCompared(metaclass=Choosy):
    pass


SAMPLES = {
    "attributes": lambda: Base(a=[1]), "slots": lambda: Slotted([1]), "own hook": lambda: Hooked(a=1), "reduced": Reduced,
    "odd metaclass": OddlyCompared, "list": lambda: [[]], "dict": lambda: {1: []}, "set": lambda: {(1, 2)}, "tuple": lambda: ([],),
    "bytearray": lambda: bytearray(b"x"), "fraction": lambda: fractions.Fraction(1, 3), "deque": lambda: collections.deque([[]]),
    "namespace": lambda: types.SimpleNamespace(a=[]), "counter": lambda: collections.Counter("ab"), "method": lambda: Base(a=[]).__init__,
    "uncopyable": threading.Lock, "ordered dict": lambda: collections.OrderedDict(a=[]), "number": lambda: 2.5,
}


@pytest.fixture(params=SAMPLES.values(), ids=SAMPLES.keys())
def sample(request):
    return request.param()


@pytest.fixture
def sharing(calque):
    """deepcopy of an object with classes shared, in both ways there are."""
    def by_block(x, *classes, memo=None):
        with calque.atomic(*classes):
            return calque.deepcopy(x, memo)
    return {"call": lambda x, *classes, memo=None: calque.deepcopy(x, memo, share=classes), "block": by_block}


@pytest.fixture(params=["call", "block"])
def shares(request, sharing):
    return sharing[request.param]


# ---- what is shared ----------------------------------------------------------------------------------------------------------

def test_instances_of_the_class_are_shared_wherever_they_are(shares, sample):
    if isinstance(sample, (dict, list, tuple)):  # nothing below one of these is looked at
        x = [Holder(sample), Holder([sample])] if isinstance(sample, (dict, tuple)) else (Holder(sample), Holder((sample, {})))
        y = shares(x, type(sample))
        assert y is not x and y[0] is not x[0]
        assert y[0].value is y[1].value[0] is sample
        return
    x = {"here": [sample, (sample, [1])], "there": Holder(sample), 3: {"value": sample}}
    y = shares(x, type(sample))
    assert y["here"][0] is y["here"][1][0] is y["there"].value is y[3]["value"] is sample
    assert y is not x and y["here"] is not x["here"] and y["there"] is not x["there"] and y["here"][1][1] is not x["here"][1][1]


def test_the_object_itself_can_be_of_the_class(shares, sample):
    assert shares(sample, type(sample)) is sample


def test_without_it_objects_are_copied_as_ever(calque, sample):
    """Before, after, and of other classes."""
    def copied():
        try:
            y = calque.deepcopy([sample])[0]
        except TypeError as error:
            return str(error)
        return y is sample

    before = copied()
    with calque.atomic(type(sample)):
        calque.deepcopy([sample])
    assert copied() == before
    calque.deepcopy([sample], share=(type(sample),))
    assert copied() == before
    y = None if type(sample) is type(threading.Lock()) else calque.deepcopy([sample], share=(Choosy,))[0] is sample
    assert y is None or y == before


def test_subclasses_count(shares):
    x = [Derived(a=[]), Base(a=[]), collections.OrderedDict(a=[]), True]
    y = shares(x, Base, dict)
    assert [a is b for a, b in zip(x, y)] == [True, True, True, True]


def test_a_base_that_is_not_named_is_copied(shares):
    x = [Derived(a=[]), Base(a=[])]
    y = shares(x, Derived)
    assert [a is b for a, b in zip(x, y)] == [True, False]


def test_a_subclass_with_a_hook_of_its_own_is_shared_all_the_same(shares):
    x = [Hooked(a=1), Base()]
    y = shares(x, Base)
    assert y[0] is x[0] and y[1] is x[1]


def test_sharing_object_shares_everything(shares):
    x = [[], Base()]
    assert shares(x, object) is x


def test_it_comes_before_registered_handlers(calque, shares):
    calque.register(Base)(lambda x, memo: "handled")
    try:
        x = [Base(), Derived()]
        assert shares(x, Base)[0] is x[0]
        assert calque.deepcopy(x)[0] == "handled"
        assert shares(x, Derived)[0] == "handled"
    finally:
        calque.unregister(Base)


@pytest.mark.parametrize("how", ["call", "block"])
def test_it_comes_after_the_memo(sharing, how):
    x = Base()
    replacement = object()
    atoms_come_first = how == "block" and since(3, 14)
    assert sharing[how]([x], Base, memo={id(x): replacement})[0] is (x if atoms_come_first else replacement)


def test_several_classes(shares):
    x = [Base(), Slotted([]), [], Reduced()]
    y = shares(x, Base, Slotted, Base)
    assert [a is b for a, b in zip(x, y)] == [True, True, False, False]


def test_no_class_at_all(shares):
    x = [Base()]
    assert shares(x)[0] is not x[0]


# ---- the call ----------------------------------------------------------------------------------------------------------------

def test_share_takes_one_class_or_any_iterable(calque):
    x = [Base(), Slotted(1)]
    assert calque.deepcopy(x, share=Base)[0] is x[0]
    assert calque.deepcopy(x, share=[Base])[0] is x[0]
    assert calque.deepcopy(x, share={Base, Slotted})[1] is x[1]
    assert calque.deepcopy(x, share=iter([Slotted]))[1] is x[1]
    assert calque.deepcopy(x=x, share=Base, memo=None)[0] is x[0]
    assert calque.deepcopy(x, {}, [], share=Base)[0] is x[0]
    assert calque.deepcopy(x, **{"".join(["sha", "re"]): Base})[0] is x[0]


def test_functions_that_look_like_classes(calque):
    x = [threading.Lock(), threading.RLock()]
    assert calque.deepcopy(x, share=(threading.Lock, threading.RLock)) == x
    assert calque.deepcopy(x[0], share=threading.Lock) is x[0]
    with calque.atomic(threading.Lock, threading.RLock):
        assert calque.deepcopy(x) == x
    assert raised(calque.deepcopy, x)[0] is TypeError


@pytest.mark.parametrize("wrong, text", [
    (5, "expected a class or an iterable of classes to share, got int: 5"),
    (None, "expected a class or an iterable of classes to share, got NoneType: None"),
    ((Base, "Lock"), "expected a class to share at position 1, got str: 'Lock'"),
    ([[Base]], "expected a class to share at position 0, got list: "),
])
def test_what_is_no_class_is_refused(calque, wrong, text):
    kind, said = raised(calque.deepcopy, [], share=wrong)
    assert kind is TypeError and said.startswith(text)
    if isinstance(wrong, tuple):
        assert raised(calque.atomic, *wrong)[1].startswith(text)


@pytest.mark.parametrize("args, kwargs", [((), {}), ((1, {}, [], 4), {}), ((1,), {"x": 2}), ((1,), {"foo": 2}), ((1,) * 12, {})])
def test_other_arguments_are_bound_as_without_it(calque, args, kwargs):
    assert raised(calque.deepcopy, *args, **kwargs, share=Base) == raised(copy.deepcopy, *args, **kwargs)


def test_copy_deepcopy_under_the_patch_takes_no_share(calque):
    with calque.patch:
        assert raised(copy.deepcopy, [], share=Base)[0] is TypeError


def test_hooks_that_copy_on_with_the_memo_share(calque, shares):
    shared = Base()
    deepcopy = calque.deepcopy
    x = [Hook("h", [], lambda self, memo: deepcopy([shared, []], memo)), shared]
    y = shares(x, Base)
    assert y[0][0] is y[1] is shared


@pytest.mark.parametrize("memo", [dict, collections.OrderedDict, collections.UserDict])
def test_hooks_share_whatever_the_memo_of_the_call_is(calque, shares, memo):
    shared = Base()
    deepcopy = calque.deepcopy
    x = [Hook("h", [], lambda self, memo: deepcopy([shared, []], memo)), shared]
    y = shares(x, Base, memo=memo())
    assert y[0][0] is y[1] is shared


def test_a_hook_that_writes_to_the_memo_goes_on_sharing(calque, shares):
    shared = Base()
    deepcopy = calque.deepcopy

    def write(self, memo):
        memo["note"] = 1
        return deepcopy([shared], memo)

    y = shares([Hook("h", [], write), Hook("h", [], write), shared], Base)
    assert y[0][0] is y[1][0] is y[2] is shared


def test_a_hook_can_share_for_its_own_part(calque):
    one, two = Base(n=1), Slotted([2])
    deepcopy = calque.deepcopy
    y = calque.deepcopy([Hook("h", [], lambda self, memo: deepcopy([one, two], memo, share=Base)), [two]])
    assert y[0][0] is one
    assert y[0][1] is y[1][0] is not two


def test_a_copy_of_its_own_inside_does_not_share(calque):
    shared = Base(a=[])
    deepcopy = calque.deepcopy
    y = calque.deepcopy([Hook("h", [], lambda self, memo: deepcopy([shared])), shared], share=Base)
    assert y[1] is shared
    assert y[0][0] is not shared and y[0][0].a == []


def test_another_thread_does_not_share(calque):
    """It copies while a hook of the sharing copy waits for it."""
    shared = Base(a=[1])
    others = []

    def in_between(self, memo):
        thread = threading.Thread(target=lambda: others.append(calque.deepcopy([shared, {1: [2]}, Derived()])))
        thread.start()
        thread.join()
        return self

    y = calque.deepcopy([Hook("h", [], in_between), shared], share=(Base, dict))
    assert y[1] is shared
    assert others[0][0] is not shared and others[0][0].a == [1] and others[0][0].a is not shared.a
    assert others[0][1] == {1: [2]}


@pytest.mark.parametrize("cls", [Base, Slotted, Hooked, Reduced, dict, list, tuple, collections.deque, fractions.Fraction])
def test_while_a_call_shares_a_class_other_copies_are_what_they_are(calque, cls):
    """The class is served by what stands behind the guest, with its order of calls, memo and errors."""
    log = []
    objects = [Base(a=[Hook(1, log)]), Slotted([Hook(2, log)]), Hooked(), Reduced(), {1: [Hook(3, log)]}, ([],),
               collections.deque([[]]), fractions.Fraction(1, 2)]
    objects += objects
    copied = []

    def in_between(self, memo):
        copied.append(calque.deepcopy(objects))
        copied.append(calque.deepcopy(objects, {}))
        return self

    hook = Hook("h", [], in_between)
    calque.deepcopy((hook,) if cls is list else [hook], share=cls)
    expected = copy.deepcopy(objects)
    assert log == [1, 2, 3] * 3
    for y in copied:
        assert [type(part) for part in y] == [type(part) for part in expected]
        for i in range(8):
            assert y[i] is y[i + 8]
            assert (y[i] is objects[i]) == (expected[i] is objects[i])
        assert y[0].a[0].label == 1 and y[4] is not objects[4]


def test_an_error_ends_the_sharing(calque):
    shared = Base()

    def fail(self, memo):
        raise ValueError("no")

    assert raised(calque.deepcopy, [shared, Hook("h", [], fail)], share=Base) == (ValueError, "no")
    assert calque.deepcopy([shared])[0] is not shared
    assert calque.handler_for(Base).source == "__reduce_ex__"


def test_a_class_used_for_sharing_can_be_forgotten(calque):
    class Passing:
        pass

    calque.deepcopy([Passing()], share=Passing)
    with calque.atomic(Passing):
        pass
    import weakref
    gone = weakref.ref(Passing)
    del Passing
    gc.collect()
    assert gone() is None


# ---- atomic ------------------------------------------------------------------------------------------------------------------

def test_atomic_counts_from_the_call_on_until_unregistered(calque):
    x = [Base(a=[]), Derived()]
    calque.atomic(Base)
    try:
        assert calque.deepcopy(x)[0] is x[0]
        assert calque.deepcopy(x)[1] is x[1]
    finally:
        calque.unregister(Base)
    assert calque.deepcopy(x)[0] is not x[0]
    assert raised(calque.unregister, Base)[0] is LookupError


def test_blocks_may_overlap(calque):
    x = Base()
    first, second = calque.atomic(Base), calque.atomic(Base, Slotted)
    with first:
        second.__enter__()
    assert calque.deepcopy(x) is x
    second.__exit__(None, None, None)
    assert calque.deepcopy(x) is not x
    second.__exit__(None, None, None)  # once more changes nothing
    assert raised(calque.unregister, Base)[0] is LookupError


def test_unregister_in_a_block_counts_and_its_end_is_harmless(calque):
    x = Base()
    with calque.atomic(Base, Slotted):
        calque.unregister(Base)
        assert calque.deepcopy(x) is not x
        with calque.atomic(Base):
            assert calque.deepcopy(x) is x
    assert calque.deepcopy(x) is not x


def test_unregister_takes_the_handler_first(calque):
    x = Base()
    with calque.atomic(Base):
        calque.register(Base)(lambda x, memo: "handled")
        assert calque.deepcopy(x) is x
        calque.unregister(Base)
        assert calque.deepcopy(x) is x


def test_atomic_counts_for_copy_copy_too(calque, sample):
    if isinstance(sample, Hooked):
        assert calque.copy(sample) is not sample
    with calque.atomic(type(sample)):
        assert calque.copy(sample) is sample
        class Sub(Base):
            def __copy__(self):
                return None
        with calque.atomic(Base):
            y = Sub()
            assert calque.copy(y) is y
    if isinstance(sample, Hooked):
        assert calque.copy(sample) is not sample


def test_share_does_not_count_for_copy_copy(calque):
    x = Base()
    made = []
    calque.deepcopy([Hook("h", [], lambda self, memo: made.append(calque.copy(x)))], share=Base)
    assert made[0] is not x


def test_atomic_starts_and_ends_in_the_middle_of_a_copy(calque):
    parts = [Base(n=i) for i in range(3)]
    blocks = []
    x = [parts[0], Hook("in", [], lambda self, memo: blocks.append(calque.atomic(Base))), parts[1],
         Hook("out", [], lambda self, memo: blocks[0].__exit__()), parts[2]]
    y = calque.deepcopy(x)
    assert [y[0] is x[0], y[2] is x[2], y[4] is x[4]] == [False, True, False]


def test_loggers_the_usual_case(calque):
    class Service:
        def __init__(self):
            self.log = logging.getLogger("calque.test")
            self.root = logging.getLogger()
            self.lock = threading.Lock()
            self.options = {"a": []}

    x = Service()
    y = calque.deepcopy(x, share=(threading.Lock, logging.Logger))
    assert (y.log, y.root, y.lock) == (x.log, x.root, x.lock)
    assert y.options == x.options and y.options["a"] is not x.options["a"]


def test_atomic_says_what_it_is(calque):
    block = calque.atomic(Base, dict)
    with block as entered:
        assert entered is block and block.classes == (Base, dict)
        assert repr(block) == "calque.atomic(Base, dict)"


def test_threads_enter_and_leave_blocks(calque, quick_switches):
    """Each sees its own block whatever the others do; at the end nothing is left."""
    wrong = []

    def work():
        x = Base(a=[])
        for _ in range(40):
            with calque.atomic(Base):
                wrong.append(calque.deepcopy([x])[0] is not x)
            wrong.append(calque.deepcopy([x], share=Base)[0] is not x)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(wrong)
    x = Base()
    assert calque.deepcopy(x) is not x
