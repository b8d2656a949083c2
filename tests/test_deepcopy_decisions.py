"""deepcopy decides per object, in a fixed order, what a copy of it is: these tests walk down that order."""

import copyreg
import types

import pytest

from support.copiers import since
from support.probes import Reduces, raised, traced


class Meta(type):
    pass


class Lying:
    """Claims another class; decisions go by type(x)."""

    def __init__(self, claimed):
        self.claimed = claimed

    @property
    def __class__(self):
        return self.claimed


ATOMS = [
    None, ..., NotImplemented, 5, -(2 ** 70), 1.5, float("nan"), True, 2j, b"bytes", "text", (lambda: 0).__code__, int,
    range(3), len, [].append, str.join.__get__("x"), lambda: 0, property(), object, Meta, Meta("Made", (), {})]


@pytest.mark.parametrize("x", ATOMS, ids=lambda x: type(x).__name__)
def test_atoms_are_their_own_deep_copies_and_leave_the_memo_alone(copier, x):
    memo = {}
    assert copier.deepcopy(x) is x
    assert copier.deepcopy(x, memo) is x
    assert memo == {}


def test_a_weak_reference_is_an_atom(copier):
    import weakref

    class Target:
        pass

    target = Target()
    ref = weakref.ref(target)
    assert copier.deepcopy(ref) is ref
    assert copier.copy(ref) is ref


def test_the_memo_is_asked_before_everything_else(copier):
    class Hooked:
        def __deepcopy__(self, memo):
            raise AssertionError("the memo knew")

    for x in ([], (), {}, Hooked(), Meta("Made", (), {}), set()):
        answer = object()
        assert copier.deepcopy(x, {id(x): answer}) is answer


def test_none_in_the_memo_is_an_answer(copier):
    x = [1]
    assert copier.deepcopy(x, {id(x): None}) is None
    assert copier.deepcopy([x], {id(x): None}) == [None]


@pytest.mark.skipif(since(3, 14), reason="from 3.14 on atoms do not look at the memo")
def test_atoms_in_a_given_memo_are_answered_from_it(copier):
    assert copier.deepcopy([7, 8], {id(7): "seven"}) == ["seven", 8]
    assert copier.deepcopy(7, {id(7): "seven"}) == "seven"
    assert copier.deepcopy({7: 7}, {id(7): "seven"}) == {"seven": "seven"}
    assert copier.deepcopy((7,), {id(7): "seven"}) == ("seven",)
    assert copier.deepcopy({7}, {id(7): "seven"}) == {"seven"}


@pytest.mark.skipif(since(3, 14), reason="from 3.14 on atoms do not look at the memo")
def test_a_class_in_a_given_memo_is_what_is_instantiated(copier):
    class Plain:
        pass

    x = Plain()
    assert copier.deepcopy(x, {id(Plain): list}) == []


@pytest.mark.skipif(since(3, 14), reason="from 3.14 on atoms do not look at the memo")
def test_attribute_names_are_looked_up_in_a_given_memo(copier):
    class Plain:
        pass

    x = Plain()
    name = "a_name"
    setattr(x, name, 1)
    name = next(iter(vars(x)))
    assert vars(copier.deepcopy(x, {id(name): "another"})) == {"another": 1}


def test_falsy_memos_are_used_and_filled(copier):
    class Falsy(dict):
        def __bool__(self):
            return False

    memo = Falsy()
    x = [[]]
    y = copier.deepcopy(x, memo)
    assert memo[id(x)] is y and memo[id(x[0])] is y[0]
    empty = {}
    y = copier.deepcopy(x, empty)
    assert empty[id(x)] is y


@pytest.mark.parametrize("memo, text", [
    (5, "'int' object has no attribute 'get'"),
    ("text", "'str' object has no attribute 'get'"),
    ([], "'list' object has no attribute 'get'"),
    (False, "'bool' object has no attribute 'get'"),
    (object(), "'object' object has no attribute 'get'")])
def test_a_memo_without_get_is_an_attribute_error(copier, memo, text):
    assert raised(copier.deepcopy, [], memo) == (AttributeError, text)
    if not since(3, 14):
        assert raised(copier.deepcopy, 5, memo) == (AttributeError, text)


def test_a_read_only_memo_fails_at_the_first_write(copier):
    memo = types.MappingProxyType({})
    assert raised(copier.deepcopy, [1], memo) == (
        TypeError, "'mappingproxy' object does not support item assignment")
    assert copier.deepcopy(5, memo) == 5
    assert copier.deepcopy(int, memo) is int


def test_a_lying_class_does_not_change_the_decision(copier):
    for claimed in (list, dict, int, type, tuple, str):
        x = Lying(claimed)
        y = copier.deepcopy(x)
        assert type(y) is Lying and y is not x and y.claimed is claimed


class WithEveryHook(type):
    def __deepcopy__(cls, memo):
        raise AssertionError("a metaclass hook counted")

    def __copy__(cls):
        raise AssertionError("a metaclass hook counted")

    def __reduce_ex__(cls, protocol):
        raise AssertionError("a metaclass hook counted")

    def __reduce__(cls):
        raise AssertionError("a metaclass hook counted")


def test_classes_are_their_own_copies_whatever_their_metaclass_says(copier):
    cls = WithEveryHook("Made", (), {})
    assert copier.deepcopy(cls) is cls
    assert copier.deepcopy([cls])[0] is cls
    assert copier.deepcopy({cls: cls}) == {cls: cls}
    assert copier.copy(cls) is cls


def test_classes_ignore_their_own_hooks_and_the_dispatch_table(copier, monkeypatch):
    class Hooked:
        def __deepcopy__(self, memo):
            raise AssertionError("this is for instances")

    assert copier.deepcopy(Hooked) is Hooked
    cls = WithEveryHook("Made", (), {})
    monkeypatch.setitem(copyreg.dispatch_table, WithEveryHook, lambda x: (list, ()))
    assert copier.deepcopy(cls) is cls
    assert copier.copy(cls) is cls


def test_instances_of_a_class_with_metaclass_hooks_use_the_class(copier):
    """deepcopy asks the instance, so what the metaclass defines is not met."""
    cls = WithEveryHook("Made", (), {})
    x = cls()
    x.a = [1]
    y = copier.deepcopy(x)
    assert type(y) is cls and y.a == [1] and y.a is not x.a


def test_deepcopy_hook_is_looked_up_on_the_instance(copier):
    class Plain:
        pass

    x = Plain()
    x.__deepcopy__ = lambda memo: "from the instance"
    assert copier.deepcopy(x) == "from the instance"
    assert copier.deepcopy([x]) == ["from the instance"]


def test_deepcopy_hook_of_the_instance_wins_over_the_class(copier):
    class Hooked:
        def __deepcopy__(self, memo):
            return "from the class"

    x = Hooked()
    x.__deepcopy__ = lambda memo: "from the instance"
    assert copier.deepcopy(x) == "from the instance"
    del x.__deepcopy__
    assert copier.deepcopy(x) == "from the class"


def test_deepcopy_hook_may_come_from_getattr(copier):
    class Dynamic:
        def __getattr__(self, name):
            if name == "__deepcopy__":
                return lambda memo: ("dynamic", name)
            raise AttributeError(name)

    assert copier.deepcopy(Dynamic()) == ("dynamic", "__deepcopy__")


def test_deepcopy_hook_may_be_a_slot(copier):
    class Slotted:
        __slots__ = ("__deepcopy__",)

    x = Slotted()
    x.__deepcopy__ = lambda memo: "from the slot"
    assert copier.deepcopy(x) == "from the slot"


def test_deepcopy_hook_may_be_a_property_staticmethod_or_classmethod(copier):
    class ByProperty:
        @property
        def __deepcopy__(self):
            return lambda memo: "property"

    class Static:
        @staticmethod
        def __deepcopy__(memo):
            return "static", type(memo)

    class Class:
        @classmethod
        def __deepcopy__(cls, memo):
            return cls

    assert copier.deepcopy(ByProperty()) == "property"
    assert copier.deepcopy(Static()) == ("static", dict)
    assert copier.deepcopy(Class()) is Class


def test_deepcopy_hook_that_is_none_counts_as_absent(copier):
    class Plain:
        __deepcopy__ = None

    x = Plain()
    x.a = [1]
    y = copier.deepcopy(x)
    assert type(y) is Plain and y is not x and y.a == [1] and y.a is not x.a


def test_none_on_the_instance_hides_the_hook_of_the_class(copier):
    class Hooked:
        def __deepcopy__(self, memo):
            raise AssertionError("hidden")

    x = Hooked()
    x.__deepcopy__ = None
    y = copier.deepcopy(x)
    assert vars(y) == {"__deepcopy__": None}


def test_a_falsy_hook_that_is_not_none_is_called(copier):
    class FalsyCallable:
        def __bool__(self):
            return False

        def __call__(self, memo):
            return "called"

    class Plain:
        __deepcopy__ = FalsyCallable()

    assert copier.deepcopy(Plain()) == "called"


def test_deepcopy_hook_is_called_with_the_memo_alone_by_position(copier):
    calls = []

    class Hooked:
        def __deepcopy__(self, *args, **kwargs):
            calls.append((args, kwargs))
            return None

    memo = {}
    copier.deepcopy(Hooked(), memo)
    (args, kwargs), = calls
    assert kwargs == {} and len(args) == 1 and args[0] is memo


def test_deepcopy_hook_gets_an_exact_dict_when_none_was_given(copier):
    seen = []

    class Hooked:
        def __deepcopy__(self, memo):
            seen.append(memo)
            return self

    copier.deepcopy([Hooked(), Hooked()])
    assert type(seen[0]) is dict and seen[0] is seen[1]


def test_an_error_of_the_hook_lookup_other_than_attribute_error_propagates(copier):
    class Broken:
        def __getattribute__(self, name):
            if name == "__deepcopy__":
                raise KeyError("broken lookup")
            return object.__getattribute__(self, name)

    assert raised(copier.deepcopy, Broken()) == (KeyError, "'broken lookup'")
    assert raised(copier.deepcopy, [[Broken()]]) == (KeyError, "'broken lookup'")


def test_a_hook_that_raises_is_called_once(copier):
    calls = []

    class Hooked:
        def __deepcopy__(self, memo):
            calls.append(1)
            raise TypeError("from the hook")

    x = [{"k": (Hooked(),)}]
    assert raised(copier.deepcopy, x) == (TypeError, "from the hook")
    assert len(calls) == 1


@pytest.mark.parametrize("kind", [AssertionError, TypeError, AttributeError, KeyError, StopIteration, KeyboardInterrupt,
                                  GeneratorExit, SystemExit, MemoryError, RecursionError])
def test_whatever_a_hook_raises_propagates_through_containers(copier, kind):
    calls = []

    class Hooked:
        def __deepcopy__(self, memo):
            calls.append(1)
            raise kind("out")

    class Plain:
        pass

    holder = Plain()
    holder.a = Hooked()
    for x in ([Hooked()], (Hooked(),), {1: Hooked()}, {Hooked(): 1}, holder, [[[holder]]]):
        calls.clear()
        with pytest.raises(kind) as caught:
            copier.deepcopy(x)
        assert type(caught.value) is kind and caught.value.args == ("out",)
        assert len(calls) == 1


def test_a_hook_may_return_anything_and_the_result_is_remembered(copier):
    calls = []

    class Hooked:
        def __init__(self, result):
            self.result = result

        def __deepcopy__(self, memo):
            calls.append(1)
            return self.result

    for result in (None, 5, [], "text", NotImplemented):
        calls.clear()
        x = Hooked(result)
        y = copier.deepcopy([x, x, {"k": x}])
        assert y[0] is y[1] is y[2]["k"] is result
        assert len(calls) == 1


def test_a_hook_that_returns_its_object_is_asked_again_each_time(copier):
    calls = []

    class Hooked:
        def __deepcopy__(self, memo):
            calls.append(1)
            return self

    x = Hooked()
    y = copier.deepcopy([x, x, (x,)])
    assert y[0] is y[1] is y[2][0] is x
    assert len(calls) == 3


def test_dispatch_table_comes_after_deepcopy_and_before_reduce(copier, monkeypatch):
    class Hooked:
        def __deepcopy__(self, memo):
            return "hook"

        def __reduce_ex__(self, protocol):
            return (str, ("reduced",))

    class Reduced(Hooked):
        __deepcopy__ = None

    table = lambda x: (str, ("table",))  # noqa: E731
    monkeypatch.setitem(copyreg.dispatch_table, Hooked, table)
    monkeypatch.setitem(copyreg.dispatch_table, Reduced, table)
    assert copier.deepcopy(Hooked()) == "hook"
    assert copier.deepcopy(Reduced()) == "table"
    monkeypatch.delitem(copyreg.dispatch_table, Reduced)
    assert copier.deepcopy(Reduced()) == "reduced"


def test_reduce_ex_is_called_with_protocol_4(copier):
    seen = []

    class Reduced:
        def __reduce_ex__(self, *args, **kwargs):
            seen.append((args, kwargs))
            return "itself"

    copier.deepcopy(Reduced())
    copier.copy(Reduced())
    assert seen == [((4,), {})] * 2


def test_reduce_ex_is_looked_up_on_the_instance(copier):
    class Plain:
        pass

    x = Plain()
    x.__reduce_ex__ = lambda protocol: (str, ("instance",))
    assert copier.deepcopy(x) == "instance"
    assert copier.copy(x) == "instance"
    assert copier.deepcopy([x, x]) == ["instance"] * 2


def test_reduce_ex_that_is_none_counts_as_absent_and_reduce_is_asked(copier):
    class Reduced:
        __reduce_ex__ = None

        def __reduce__(self):
            return (str, ("reduce",))

    assert copier.deepcopy(Reduced()) == "reduce"
    assert copier.copy(Reduced()) == "reduce"


def test_a_reduce_that_is_falsy_is_not_called(copier):
    class Falsy:
        def __bool__(self):
            return False

        def __call__(self):
            raise AssertionError("falsy")

    class Reduced:
        __reduce_ex__ = None
        __reduce__ = Falsy()

    for function, word in ((copier.deepcopy, "deep"), (copier.copy, "shallow")):
        assert raised(function, Reduced()) == (
            copier.Error, f"un({word})copyable object of type {Reduced}")


def test_an_object_without_any_reduce_is_uncopyable(copier):
    class Uncopyable:
        __reduce_ex__ = None
        __reduce__ = None

    assert raised(copier.deepcopy, [Uncopyable()]) == (
        copier.Error, f"un(deep)copyable object of type {Uncopyable}")
    assert raised(copier.copy, Uncopyable()) == (
        copier.Error, f"un(shallow)copyable object of type {Uncopyable}")


def test_an_object_that_hides_reduce_is_uncopyable(copier):
    class Hiding:
        def __getattribute__(self, name):
            if name in ("__reduce_ex__", "__reduce__"):
                raise AttributeError(name)
            return object.__getattribute__(self, name)

    assert raised(copier.deepcopy, Hiding()) == (copier.Error, f"un(deep)copyable object of type {Hiding}")
    assert raised(copier.copy, Hiding()) == (copier.Error, f"un(shallow)copyable object of type {Hiding}")


def test_hiding_reduce_ex_reaches_protocol_0(copier):
    """Then object.__reduce__ answers, that is protocol 0: copyreg._reconstructor with a base and its state."""
    class Hiding:
        def __getattribute__(self, name):
            if name == "__reduce_ex__":
                raise AttributeError(name)
            return object.__getattribute__(self, name)

    class HidingInt(int):
        __reduce_ex__ = None

    x = Hiding()
    x.a = [1]
    y = copier.deepcopy(x)
    assert type(y) is Hiding and y.a == [1] and y.a is not x.a
    z = HidingInt(5)
    z.a = [1]
    y = copier.deepcopy(z)
    assert type(y) is HidingInt and y == 5 and y.a == [1] and y.a is not z.a
    assert copier.copy(z).a is z.a


def test_protocol_0_refuses_slots_without_getstate(copier):
    class Slotted:
        __slots__ = ("a",)
        __reduce_ex__ = None

    text = "a class that defines __slots__ without defining __getstate__ cannot be pickled"
    if not since(3, 11):
        text = "cannot pickle 'Slotted' object: " + text + " with protocol 0"
    assert raised(copier.deepcopy, Slotted()) == (TypeError, text)
    assert raised(copier.copy, Slotted()) == (TypeError, text)


class Name(str):
    pass


class ClaimsToBeAString:
    __class__ = str


@pytest.mark.parametrize(
    "rv", ["name", "", Name("name"), ClaimsToBeAString()], ids=["str", "empty str", "str subclass", "lying class"])
def test_a_reduce_value_that_is_a_string_means_the_object_itself(copier, rv):
    x = Reduces(rv)
    assert copier.deepcopy(x) is x
    assert copier.copy(x) is x
    assert copier.deepcopy([x, x]) == [x, x]


def test_an_object_that_is_its_own_copy_is_not_memoized(copier):
    calls = []

    class Reduced:
        def __reduce_ex__(self, protocol):
            calls.append(1)
            return "itself"

    x = Reduced()
    memo = {}
    y = copier.deepcopy((x, x), memo)
    assert y[0] is x
    assert memo == {}
    assert len(calls) == 2


# ---- what is looked up, in order -----------------------------------------------------------------------------------

def test_lookups_on_a_plain_object_in_order(copier):
    log = []
    cls = traced(log)
    x = cls()
    object.__setattr__(x, "a", 1)
    y = copier.deepcopy(x)
    on_x = ["?__deepcopy__", "__reduce_ex__", "__reduce__"]
    on_x += ["__getstate__"] if since(3, 11) else ["?__getstate__"]
    assert [name for name in log if name != "__class__"] == on_x + ["?__setstate__", "__dict__"]
    assert type(y) is cls and object.__getattribute__(y, "a") == 1


def test_lookups_of_a_shallow_copy_in_order(copier):
    log = []
    cls = traced(log)
    x = cls()
    object.__setattr__(x, "a", 1)
    copier.copy(x)
    assert [name for name in log if name != "__class__"] == [
        "__reduce_ex__", "__reduce__", "__getstate__" if since(3, 11) else "?__getstate__", "?__setstate__", "__dict__"]


def test_lookups_on_an_empty_object_end_before_the_state(copier):
    log = []
    x = traced(log)()
    copier.deepcopy(x)
    assert [name for name in log if name != "__class__"] == [
        "?__deepcopy__", "__reduce_ex__", "__reduce__", "__getstate__" if since(3, 11) else "?__getstate__"]


def test_lookups_on_an_object_with_slots(copier):
    """Each slot is read as an attribute, and written by setattr; one that is not set is asked for all the same."""
    log = []
    cls = traced(log, __slots__=("a", "b", "c"))
    x = cls()
    object.__setattr__(x, "a", 1)
    object.__setattr__(x, "c", 3)
    y = copier.deepcopy(x)
    assert [name for name in log if name != "__class__"] == [
        "?__deepcopy__", "__reduce_ex__", "__reduce__", "__getstate__" if since(3, 11) else "?__getstate__",
        "a", "?b", "c", "?__setstate__"]
    assert object.__getattribute__(y, "c") == 3


def test_lookups_of_setstate_are_two(copier):
    log = []

    def __setstate__(self, state):
        log.append(state)

    x = traced(log, __setstate__=__setstate__)()
    object.__setattr__(x, "a", 1)
    copier.deepcopy(x)
    names = [name for name in log if name != "__class__"]
    assert names[-3:] == ["__setstate__", "__setstate__", {"a": 1}]


def test_lookups_on_a_dict_subclass_include_items_and_on_a_list_subclass_append(copier):
    log = []

    def spy(self, name):
        log.append(name)
        return super(type(self), self).__getattribute__(name)

    lists = type("Lists", (list,), {"__getattribute__": spy})
    dicts = type("Dicts", (dict,), {"__getattribute__": spy})
    copier.deepcopy(lists([1, 2]))
    assert log.count("append") == 2 and "extend" not in log
    log.clear()
    copier.deepcopy(dicts(a=1))
    assert log.count("items") == 1 and "update" not in log


def test_getattr_of_the_class_is_asked_for_missing_hooks_only(copier):
    asked = []

    class Dynamic:
        def __getattr__(self, name):
            asked.append((name, dict(vars(self))))
            raise AttributeError(name)

    x = Dynamic()
    x.a = 1
    copier.deepcopy(x)
    expected = [("__deepcopy__", {"a": 1})]
    if not since(3, 11):
        expected.append(("__getstate__", {"a": 1}))
    # The copy is bare when it is asked for __setstate__.
    expected.append(("__setstate__", {}))
    assert asked == expected


def test_getattr_that_recurses_on_a_bare_copy_fails_as_under_stdlib(copier):
    """The classic trap: __getattr__ uses an attribute that the bare copy does not have yet."""
    class Proxy:
        def __init__(self, target):
            self.target = target

        def __getattr__(self, name):
            return getattr(self.target, name)

    with pytest.raises(RecursionError):
        copier.deepcopy(Proxy([1]))


def test_init_never_runs(copier):
    class Counted:
        runs = 0

        def __init__(self):
            type(self).runs += 1

    x = Counted()
    assert type(copier.deepcopy(x)) is type(copier.copy(x)) is Counted
    assert Counted.runs == 1


def test_new_is_called_with_the_class_alone(copier):
    calls = []

    class Made:
        def __new__(cls, *args, **kwargs):
            calls.append((cls, args, kwargs))
            return super().__new__(cls)

    x = Made()
    calls.clear()
    copier.deepcopy(x)
    copier.copy(x)
    assert calls == [(Made, (), {})] * 2


def test_new_may_return_anything(copier):
    class Made:
        answer = None

        def __new__(cls):
            return super().__new__(cls) if cls.answer is None else cls.answer

    x = Made()
    for answer in ([], "text", 5):
        Made.answer = answer
        assert copier.deepcopy(x) is answer
        assert copier.copy(x) is answer


def test_instance_attributes_that_look_like_hooks_but_are_not_asked_are_data(copier):
    class Plain:
        pass

    x = Plain()
    names = ("__copy__", "__reduce__", "__setstate__", "__getnewargs__", "__getnewargs_ex__", "__replace__")
    for name in names:
        if name != "__setstate__":
            setattr(x, name, [name])
    y = copier.deepcopy(x)
    assert vars(y) == vars(x)
    assert all(vars(y)[name] is not vars(x)[name] for name in vars(x))
    assert vars(copier.copy(x)) == vars(x)


def test_setstate_on_the_instance_is_data_as_the_bare_copy_does_not_have_it(copier):
    class Plain:
        pass

    x = Plain()
    x.__setstate__ = [1]
    y = copier.deepcopy(x)
    assert vars(y) == {"__setstate__": [1]}


def test_class_and_metaclass_equality_run_when_types_are_looked_up(copier):
    """The dispatch tables are dicts keyed by type, so a metaclass that defines __hash__ and __eq__ takes part."""
    calls = []

    class Hashing(type):
        def __hash__(cls):
            calls.append("hash")
            return type.__hash__(cls)

        def __eq__(cls, other):
            return cls is other

    class Made(metaclass=Hashing):
        def __deepcopy__(self, memo):
            return "copied"

    calls.clear()
    assert copier.deepcopy(Made()) == "copied"
    assert calls == ["hash"] * (2 if since(3, 14) else 1)


def test_a_metaclass_that_equals_a_type_in_the_table_is_taken_for_it(copier):
    class Equal(type):
        def __hash__(cls):
            return hash(list)

        def __eq__(cls, other):
            return other is list or cls is other

    class Made(metaclass=Equal):
        def __iter__(self):
            return iter([1, [2]])

        def __deepcopy__(self, memo):
            raise AssertionError("taken for a list")

    assert copier.deepcopy(Made()) == [1, [2]]


def test_a_metaclass_whose_hash_raises_makes_its_instances_uncopyable(copier):
    class Broken(type):
        armed = False

        def __hash__(cls):
            if Broken.armed:
                raise LookupError("no hash")
            return type.__hash__(cls)

    class Made(metaclass=Broken):
        pass

    x = Made()
    Broken.armed = True
    try:
        assert raised(copier.deepcopy, x) == (LookupError, "no hash")
        assert raised(copier.copy, x) == (LookupError, "no hash")
    finally:
        Broken.armed = False
