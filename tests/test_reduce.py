"""The reduce protocol: what __reduce_ex__ may return, and what a copy makes of it, in which order."""

import collections
import copyreg
import itertools

import pytest

from support.copiers import since
from support.probes import Hook, Reduces, raised


class Bare:
    """What the reduce values of these tests build: takes anything, keeps its arguments."""

    def __init__(self, *args, **kwargs):
        self.args = args
        if kwargs:
            self.kwargs = kwargs


class Recorder:
    """Writes down all that is done to it."""

    def __init__(self, *args):
        object.__setattr__(self, "log", [("made", args)])

    def append(self, item):
        self.log.append(("append", item))

    def extend(self, items):
        raise AssertionError("extend is never used")

    def __setitem__(self, key, value):
        self.log.append(("setitem", key, value))

    def update(self, *args, **kwargs):
        raise AssertionError("update is never used")


class Stateful(Recorder):
    def __setstate__(self, state):
        self.log.append(("setstate", state))


# ---- how many elements ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("rv, text", [
    ((), "_reconstruct() missing 2 required positional arguments: 'func' and 'args'"),
    ((Bare,), "_reconstruct() missing 1 required positional argument: 'args'"),
    ((Bare, (), None, None, None, None), "_reconstruct() takes from 4 to 7 positional arguments but 8 were given"),
    ((Bare, (), None, None, None, None, None), "_reconstruct() takes from 4 to 7 positional arguments but 9 were given"),
    ([], "_reconstruct() missing 2 required positional arguments: 'func' and 'args'"),
    ({}, "_reconstruct() missing 2 required positional arguments: 'func' and 'args'"),
    ([Bare], "_reconstruct() missing 1 required positional argument: 'args'"),
    ({"a": 1}, "_reconstruct() missing 1 required positional argument: 'args'"),
    (b"abcdef", "_reconstruct() takes from 4 to 7 positional arguments but 8 were given"),
    (b"", "_reconstruct() missing 2 required positional arguments: 'func' and 'args'"),
    (b"a", "_reconstruct() missing 1 required positional argument: 'args'"),
], ids=repr)
@pytest.mark.parametrize("function", ["deepcopy", "copy"])
def test_a_reduce_value_of_the_wrong_length(copier, function, rv, text):
    assert raised(getattr(copier, function), Reduces(rv)) == (TypeError, text)


@pytest.mark.parametrize("rv, name", [
    (5, "int"), (None, "NoneType"), (1.5, "float"), (object(), "object"), (Bare, "type")],
    ids=["int", "None", "float", "object", "class"])
@pytest.mark.parametrize("function", ["deepcopy", "copy"])
def test_a_reduce_value_that_is_not_iterable(copier, function, rv, name):
    assert raised(getattr(copier, function), Reduces(rv)) == (
        TypeError, f"Value after * must be an iterable, not {name}")


@pytest.mark.parametrize("rv", [
    (Bare, ([1],)),
    (Bare, ([1],), None),
    (Bare, ([1],), {"b": [2]}),
    (Bare, ([1],), None, None),
    (Bare, ([1],), None, None, None),
    (Bare, ([1],), {"b": [2]}, None, None),
], ids=lambda rv: str(len(rv)))
def test_two_to_five_elements_and_none_for_what_is_not_there(copier, rv):
    y = copier.deepcopy(Reduces(rv))
    assert type(y) is Bare
    assert y.args == ([1],) and y.args[0] is not rv[1][0]
    if len(rv) > 2 and rv[2]:
        assert y.b == [2] and y.b is not rv[2]["b"]
    y = copier.copy(Reduces(rv))
    assert y.args[0] is rv[1][0]
    if len(rv) > 2 and rv[2]:
        assert y.b is rv[2]["b"]


@pytest.mark.parametrize("make", [
    list, iter, lambda rv: (item for item in rv), lambda rv: dict.fromkeys(rv).keys(), type("Tuples", (tuple,), {})],
    ids=["list", "iterator", "generator", "dict keys", "tuple subclass"])
@pytest.mark.parametrize("function", ["deepcopy", "copy"])
def test_a_reduce_value_may_be_any_iterable(copier, function, make):
    y = getattr(copier, function)(Reduces(make((Bare, (1, 2)))))
    assert type(y) is Bare and y.args == (1, 2)


def test_a_reduce_value_of_a_tuple_subclass_is_iterated_as_it_says(copier):
    class Iterates(tuple):
        def __iter__(self):
            return iter((Bare, (7,)))

    assert copier.deepcopy(Reduces(Iterates())).args == (7,)
    assert copier.copy(Reduces(Iterates())).args == (7,)


def test_an_error_in_the_iteration_of_a_reduce_value_propagates(copier):
    def breaks():
        yield Bare
        raise LookupError("midway")

    assert raised(copier.deepcopy, Reduces(breaks())) == (LookupError, "midway")
    assert raised(copier.copy, Reduces(breaks())) == (LookupError, "midway")


def test_the_reduce_value_is_never_changed(copier):
    args, state, items, pairs = ([1], [2]), {"a": [3]}, [[4]], [([5], 5)]
    class Accepts(Bare):
        def append(self, item):
            pass

        def __setitem__(self, key, value):
            pass

    for rv in ([Accepts, args, state, items, pairs], (Accepts, args, state, items, pairs)):
        before = list(rv)
        args_before, state_before, items_before, pairs_before = list(args), dict(state), list(items), list(pairs)
        for function in (copier.deepcopy, copier.copy):
            for _ in range(2):
                function(Reduces(rv))
        assert all(a is b for a, b in zip(rv, before)) and len(rv) == len(before)
        assert all(a is b for a, b in zip(args, args_before))
        assert state == state_before and state["a"] is state_before["a"]
        assert items[0] is items_before[0] and pairs[0] is pairs_before[0]


def test_a_shared_reduce_value_gives_fresh_copies_each_time(copier):
    shared = [1]
    x = Reduces((Bare, (shared, shared)))
    first, second = copier.deepcopy(x), copier.deepcopy(x)
    assert first.args[0] is first.args[1] is not shared
    assert second.args[0] is not first.args[0]


# ---- func ------------------------------------------------------------------------------------------------------------

def test_the_function_is_not_copied(copier):
    class Callable:
        def __call__(self, *args):
            return self, args

        def __deepcopy__(self, memo):
            raise AssertionError("the function was copied")

    function = Callable()
    got, args = copier.deepcopy(Reduces((function, (1,))))
    assert got is function and args == (1,)


@pytest.mark.parametrize("function", ["deepcopy", "copy"])
def test_a_function_that_cannot_be_called(copier, function):
    assert raised(getattr(copier, function), Reduces((5, (1,)))) == (TypeError, "'int' object is not callable")
    assert raised(getattr(copier, function), Reduces((None, ()))) == (TypeError, "'NoneType' object is not callable")


def test_arguments_are_all_copied_before_the_function_is_called(copier):
    log = []

    def function(*args):
        log.append("function")
        return list(args)

    copier.deepcopy(Reduces((function, (Hook("a", log), Hook("b", log)))))
    assert log == ["a", "b", "function"]
    log.clear()
    fails = Hook("fails", log, lambda self, memo: 1 / 0)
    assert raised(copier.deepcopy, Reduces((5, (fails,))))[0] is ZeroDivisionError


def test_an_error_of_the_function_propagates(copier):
    def function(*args):
        raise LookupError(*args)

    assert raised(copier.deepcopy, Reduces((function, ("k",)))) == (LookupError, "k")
    assert raised(copier.copy, Reduces((function, ("k",)))) == (LookupError, "k")


def test_the_function_may_return_the_object_itself(copier):
    """Then it is its own copy; its state is copied and set on it all the same."""
    class Itself:
        def __init__(self):
            self.value = [1]

        def __reduce_ex__(self, protocol):
            return (lambda: self), (), {"added": self.value}

    x = Itself()
    memo = {}
    y = copier.deepcopy([x, x], memo)
    assert y[0] is y[1] is x
    assert x.added == [1] and x.added is not x.value
    assert memo[id(x)] is x
    assert copier.copy(x) is x and x.added is x.value


def test_wrong_arguments_give_the_text_of_the_function(copier):
    def function(a, b):
        return a

    kind, text = raised(copier.deepcopy, Reduces((function, (1,))))
    assert kind is TypeError and text.endswith("function() missing 1 required positional argument: 'b'")
    assert raised(copier.copy, Reduces((function, (1,)))) == (kind, text)


# ---- args ------------------------------------------------------------------------------------------------------------

def iterable_args(kind):
    values = ([1], [2])
    return {
        "tuple": lambda: values, "list": lambda: list(values), "iterator": lambda: iter(values),
        "generator": lambda: (value for value in values), "dict": lambda: {"a": 1, "b": 2},
        "set": lambda: {5}, "str": lambda: "ab", "bytes": lambda: b"ab", "range": lambda: range(3),
        "dict values": lambda: {"a": [1], "b": [2]}.values(), "chain": lambda: itertools.chain(values)}[kind]()


@pytest.mark.parametrize("kind", [
    "tuple", "list", "iterator", "generator", "dict", "set", "str", "bytes", "range", "dict values", "chain"])
def test_arguments_may_be_any_iterable(copier, kind):
    expected = tuple(iterable_args(kind))
    assert copier.deepcopy(Reduces((Bare, iterable_args(kind)))).args == expected
    assert copier.copy(Reduces((Bare, iterable_args(kind)))).args == expected


@pytest.mark.parametrize("args", [(), [], {}, "", b"", set(), range(0)], ids=repr)
def test_falsy_iterable_arguments_mean_no_arguments(copier, args):
    assert copier.deepcopy(Reduces((Bare, args))).args == ()
    assert copier.copy(Reduces((Bare, args))).args == ()


def test_arguments_that_are_false_but_iterable_are_used_uncopied(copier):
    """Only true arguments are copied: a falsy container that still has items passes them as they are."""
    item = [1]

    class Falsy:
        def __bool__(self):
            return False

        def __iter__(self):
            return iter((item,))

    assert copier.deepcopy(Reduces((Bare, Falsy()))).args[0] is item
    assert copier.copy(Reduces((Bare, Falsy()))).args[0] is item


def test_truth_of_the_arguments_is_asked_once_by_deepcopy_and_not_by_copy(copier):
    log = []

    class Asked:
        def __bool__(self):
            log.append("bool")
            return True

        def __iter__(self):
            log.append("iter")
            return iter((1, 2))

    copier.deepcopy(Reduces((Bare, Asked())))
    assert log == ["bool", "iter"]
    log.clear()
    copier.copy(Reduces((Bare, Asked())))
    assert log == ["iter"]


def test_an_error_when_the_truth_of_the_arguments_is_asked_propagates(copier):
    class Broken:
        def __bool__(self):
            raise LookupError("truth")

    assert raised(copier.deepcopy, Reduces((Bare, Broken()))) == (LookupError, "truth")


def test_arguments_that_cannot_be_iterated(copier):
    """None reaches the call itself, since it is false; a true value reaches the generator of copies first."""
    name = f"{Bare.__module__}.Bare"
    text = f"{name}() argument after * must be an iterable, not"
    assert raised(copier.deepcopy, Reduces((Bare, None))) == (TypeError, f"{text} NoneType")
    assert raised(copier.copy, Reduces((Bare, None))) == (TypeError, f"{text} NoneType")
    assert raised(copier.deepcopy, Reduces((Bare, 0))) == (TypeError, f"{text} int")
    assert raised(copier.copy, Reduces((Bare, 5))) == (TypeError, f"{text} int")
    assert raised(copier.deepcopy, Reduces((Bare, 5))) == (TypeError, "'int' object is not iterable")
    assert raised(copier.deepcopy, Reduces((list, None))) == (
        TypeError, "list() argument after * must be an iterable, not NoneType")
    assert raised(copier.copy, Reduces((list, 5))) == (TypeError, "list() argument after * must be an iterable, not int")


def function_with_a_name(*args):
    return args


class CallableObject:
    def __call__(self, *args):
        return args


@pytest.mark.parametrize("function, name", [
    (function_with_a_name, f"{__name__}.function_with_a_name()"),
    (len, "len()"),
    ([].append, "list.append()"),
    (str.join, "str.join()"),
    (dict.fromkeys, "dict.fromkeys()"),
    (CallableObject(), f"{__name__}.CallableObject object"),
    (Bare.__init__, f"{__name__}.Bare.__init__()"),
    (copyreg.__newobj__, "copyreg.__newobj__()"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_the_function_is_named_when_its_arguments_cannot_be_iterated(copier, function, name):
    kind, text = raised(copier.copy, Reduces((function, None)))
    assert kind is TypeError
    if name.endswith(" object"):  # its repr, which has an address
        name = repr(function)
    assert text == f"{name} argument after * must be an iterable, not NoneType"
    assert raised(copier.deepcopy, Reduces((function, None))) == (kind, text)


def test_arguments_are_taken_one_by_one_as_they_are_copied(copier):
    """The iterator of the arguments is advanced after the argument before has been copied."""
    log = []

    def arguments():
        for label in "abc":
            log.append(f"give {label}")
            yield Hook(f"copy {label}", log)
        log.append("end")

    copier.deepcopy(Reduces((lambda *args: log.append("call"), arguments())))
    assert log == ["give a", "copy a", "give b", "copy b", "give c", "copy c", "end", "call"]


def test_arguments_in_a_list_may_grow_while_they_are_copied(copier):
    args = []
    first = Hook("first", [], lambda self, memo: args.append("late") or "copied")
    args.append(first)
    assert copier.deepcopy(Reduces((Bare, args))).args == ("copied", "late")


def test_arguments_in_a_tuple_subclass_are_iterated_as_it_says(copier):
    class Iterates(tuple):
        def __iter__(self):
            return iter(("from iter",))

    assert copier.deepcopy(Reduces((Bare, Iterates((1, 2))))).args == ("from iter",)
    assert copier.copy(Reduces((Bare, Iterates((1, 2))))).args == ("from iter",)


def test_stop_iteration_from_an_argument_becomes_a_runtime_error(copier):
    """The copies of the arguments come from a generator; nowhere else is StopIteration touched."""
    stops = Hook("stops", [], lambda self, memo: next(iter(())))
    assert raised(copier.deepcopy, Reduces((Bare, (stops,)))) == (RuntimeError, "generator raised StopIteration")
    assert raised(copier.deepcopy, Reduces((Bare, (1, [stops])))) == (RuntimeError, "generator raised StopIteration")
    with pytest.raises(RuntimeError) as caught:
        copier.deepcopy(Reduces((Bare, (stops,))))
    assert type(caught.value.__cause__) is StopIteration
    assert caught.value.__cause__ is caught.value.__context__


def test_stop_iteration_from_state_and_items_passes_through(copier):
    stops = Hook("stops", [], lambda self, memo: next(iter(())))
    for rv in ((Bare, (), {"a": stops}), (list, (), None, iter([stops])), (dict, (), None, None, iter([(1, stops)])),
               (dict, (), None, None, iter([(stops, 1)]))):
        with pytest.raises(StopIteration):
            copier.deepcopy(Reduces(rv))


def test_stop_iteration_from_the_function_passes_through(copier):
    def function(*args):
        raise StopIteration("from the function")

    with pytest.raises(StopIteration):
        copier.deepcopy(Reduces((function, (1,))))
    with pytest.raises(StopIteration):
        copier.copy(Reduces((function, ())))


def test_an_iterator_of_arguments_that_raises(copier):
    def arguments():
        yield 1
        raise LookupError("midway")

    assert raised(copier.deepcopy, Reduces((Bare, arguments()))) == (LookupError, "midway")
    assert raised(copier.copy, Reduces((Bare, arguments()))) == (LookupError, "midway")


def test_an_object_among_its_own_arguments_recurses(copier):
    """It enters the memo after its arguments are copied: nothing can end that, but a limit or the memory."""
    class Cyclic:
        depth = 0

        def __reduce_ex__(self, protocol):
            Cyclic.depth += 1
            if Cyclic.depth > 5:
                return "itself"
            return list, ((self,),)

    x = Cyclic()
    y = copier.deepcopy(x)
    for _ in range(5):
        assert type(y) is list and len(y) == 1
        y = y[0]
    assert y is x


# ---- state -------------------------------------------------------------------------------------------------------------

def test_state_none_means_no_state(copier):
    for rv in ((Stateful, (), None), (Stateful, ())):
        assert copier.deepcopy(Reduces(rv)).log == [("made", ())]
        assert copier.copy(Reduces(rv)).log == [("made", ())]


@pytest.mark.parametrize("state", [{}, (), [], 0, "", False, {"a": 1}, (None, {"a": 1}), "text", 5], ids=repr)
def test_setstate_gets_every_state_that_is_not_none(copier, state):
    assert copier.deepcopy(Reduces((Stateful, (), state))).log == [("made", ()), ("setstate", state)]
    y = copier.copy(Reduces((Stateful, (), state)))
    assert y.log == [("made", ()), ("setstate", state)]
    assert y.log[1][1] is state


def test_state_is_copied_for_deepcopy_and_handed_over_for_copy(copier):
    state = {"a": [1]}
    got = copier.deepcopy(Reduces((Stateful, (), state))).log[1][1]
    assert got == state and got is not state and got["a"] is not state["a"]
    assert copier.copy(Reduces((Stateful, (), state))).log[1][1] is state


def test_a_dict_state_updates_the_instance_dict(copier):
    y = copier.deepcopy(Reduces((Bare, (1,), {"b": [2], "args": "replaced"})))
    assert list(vars(y).items()) == [("args", "replaced"), ("b", [2])]


def test_state_without_setstate_may_be_anything_that_dict_update_takes(copier):
    pairs = [("a", 1), ["b", 2]]
    class Keyed:
        def keys(self):
            return ["k"]

        def __getitem__(self, key):
            return key * 2

    for state, expected in ((pairs, {"a": 1, "b": 2}), ((), {}), ([], {}), ("", {}), ([("a", 1)], {"a": 1}),
                            ((("a", 1),), {"a": 1}), (Keyed(), {"k": "kk"})):
        for function in (copier.deepcopy, copier.copy):
            y = function(Reduces((Bare, (), state)))
            assert vars(y) == {"args": (), **expected}


def test_instance_keys_that_are_no_strings_are_kept(copier):
    y = copier.deepcopy(Reduces((Bare, (), {5: [1], ("t",): 2})))
    assert vars(y) == {"args": (), 5: [1], ("t",): 2}


@pytest.mark.parametrize("state, kind, text", [
    (5, TypeError, "'int' object is not iterable"),
    (0, TypeError, "'int' object is not iterable"),
    (False, TypeError, "'bool' object is not iterable"),
    ([1], TypeError, "object is not iterable" if since(3, 14) else
        "cannot convert dictionary update sequence element #0 to a sequence"),
    ("abc", ValueError, "dictionary update sequence element #0 has length 1; 2 is required"),
    ([("a", 1), ("b",)], ValueError, "dictionary update sequence element #1 has length 1; 2 is required"),
    ((1, 2, 3), TypeError, "object is not iterable" if since(3, 14) else
        "cannot convert dictionary update sequence element #0 to a sequence"),
], ids=repr)
@pytest.mark.parametrize("function", ["deepcopy", "copy"])
def test_a_wrong_state_gives_the_text_of_dict_update(copier, function, state, kind, text):
    assert raised(getattr(copier, function), Reduces((Bare, (), state))) == (kind, text)


def test_a_pair_is_dict_state_and_slot_state(copier):
    class Slotted:
        __slots__ = ("s", "__dict__")

    for function in (copier.deepcopy, copier.copy):
        y = function(Reduces((Slotted, (), ({"d": 1}, {"s": 2}))))
        assert vars(y) == {"d": 1} and y.s == 2
        y = function(Reduces((Slotted, (), (None, {"s": 2}))))
        assert vars(y) == {} and y.s == 2
        y = function(Reduces((Slotted, (), ({"d": 1}, None))))
        assert vars(y) == {"d": 1} and not hasattr(y, "s")
        y = function(Reduces((Slotted, (), (None, None))))
        assert vars(y) == {} and not hasattr(y, "s")


def test_slot_state_is_set_by_setattr_in_its_order_and_may_set_anything(copier):
    log = []

    class Sets:
        def __setattr__(self, name, value):
            log.append((name, value))
            object.__setattr__(self, name, value)

    y = copier.deepcopy(Reduces((Sets, (), ({"in_dict": 0}, {"b": [1], "a": 2}))))
    assert log == [("b", [1]), ("a", 2)]
    assert vars(y) == {"in_dict": 0, "b": [1], "a": 2}


def test_a_list_of_two_is_no_slot_state(copier):
    for function in (copier.deepcopy, copier.copy):
        y = function(Reduces((Bare, (), [("a", 1), ("b", 2)])))
        assert vars(y) == {"args": (), "a": 1, "b": 2}
        kind, _ = raised(function, Reduces((Bare, (), [None, {"s": 2}])))
        assert kind is TypeError


def test_a_tuple_subclass_of_two_is_a_slot_state(copier):
    class Pair(tuple):
        pass

    for function in (copier.deepcopy, copier.copy):
        y = function(Reduces((Bare, (), Pair(({"d": 1}, {"s": 2})))))
        assert vars(y) == {"args": (), "d": 1, "s": 2}


def test_the_state_copy_decides_its_shape(copier):
    """The shape is looked at after the copy: a hook of the state may turn it into a pair, or out of one."""
    into = Hook("into", [], lambda self, memo: ({"d": 1}, {"s": 2}))
    assert vars(copier.deepcopy(Reduces((Bare, (), into)))) == {"args": (), "d": 1, "s": 2}

    class Pair(tuple):
        def __deepcopy__(self, memo):
            return {"replaced": True}

    assert vars(copier.deepcopy(Reduces((Bare, (), Pair((1, 2)))))) == {"args": (), "replaced": True}


def test_slot_state_errors(copier):
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, Reduces((Bare, (), (None, 5)))) == (
            AttributeError, "'int' object has no attribute 'items'")
        assert raised(function, Reduces((Bare, (), (None, [])))) == (
            AttributeError, "'list' object has no attribute 'items'")
        assert raised(function, Reduces((Bare, (), (None, {5: 1})))) == (
            TypeError, "attribute name must be string, not 'int'")
        assert raised(function, Reduces((object, (), (None, {"a": 1}))))[0] is AttributeError
        assert raised(function, Reduces((object, (), {"a": 1}))) == (
            AttributeError, "'object' object has no attribute '__dict__'")


def test_slot_state_needs_items_only(copier):
    class Items:
        def items(self):
            return [("s", 1), ["t", 2]]

    for function in (copier.deepcopy, copier.copy):
        assert vars(function(Reduces((Bare, (), (None, Items()))))) == {"args": (), "s": 1, "t": 2}


def test_dict_state_is_set_before_slot_state_fails(copier):
    memo = {}
    x = Reduces((Bare, (), ({"d": 1}, {"s": 1, 5: 2, "t": 3})))
    assert raised(copier.deepcopy, x, memo)[0] is TypeError
    assert vars(memo[id(x)]) == {"args": (), "d": 1, "s": 1}


def test_setstate_none_is_found_and_called(copier):
    class Refuses:
        __setstate__ = None

    for function in (copier.deepcopy, copier.copy):
        assert raised(function, Reduces((Refuses, (), {"a": 1}))) == (TypeError, "'NoneType' object is not callable")


def test_setstate_hidden_by_an_attribute_error_means_none_but_other_errors_propagate(copier):
    class Hides:
        @property
        def __setstate__(self):
            raise AttributeError("hidden")

    class Breaks:
        @property
        def __setstate__(self):
            raise LookupError("broken")

    for function in (copier.deepcopy, copier.copy):
        assert vars(function(Reduces((Hides, (), {"a": 1})))) == {"a": 1}
        assert raised(function, Reduces((Breaks, (), {"a": 1}))) == (LookupError, "broken")


def test_setstate_that_vanishes_between_the_two_lookups(copier):
    class Vanishes:
        looks = 0

        @property
        def __setstate__(self):
            Vanishes.looks += 1
            if Vanishes.looks % 2 == 0:
                raise AttributeError("gone")
            return lambda state: None

    for function in (copier.deepcopy, copier.copy):
        Vanishes.looks = 0
        assert raised(function, Reduces((Vanishes, (), {"a": 1}))) == (AttributeError, "gone")


def test_state_goes_through_the_dict_attribute_of_the_copy(copier):
    """The write is y.__dict__.update(state), by attribute: a property named __dict__ receives it."""
    log = []

    class Receiver:
        def update(self, state):
            log.append(state)

    class Redirected:
        @property
        def __dict__(self):
            return Receiver()

    for function in (copier.deepcopy, copier.copy):
        log.clear()
        function(Reduces((Redirected, (), {"a": [1]})))
        assert log == [{"a": [1]}]


def test_setattr_of_the_class_is_not_used_for_dict_state(copier):
    class Frozen:
        def __setattr__(self, name, value):
            raise AssertionError("frozen")

    y = copier.deepcopy(Reduces((Frozen, (), {"a": [1]})))
    assert vars(y) == {"a": [1]}
    assert raised(copier.deepcopy, Reduces((Frozen, (), (None, {"a": 1})))) == (AssertionError, "frozen")


# ---- list items and dict items -----------------------------------------------------------------------------------------

def test_state_then_list_items_then_dict_items(copier):
    rv = Stateful, (0,), {"s": 1}, iter([1, 2]), iter([("a", 1), ("b", 2)])
    expected = [("made", (0,)), ("setstate", {"s": 1}), ("append", 1), ("append", 2),
                ("setitem", "a", 1), ("setitem", "b", 2)]
    assert copier.deepcopy(Reduces(rv)).log == expected
    rv = Stateful, (0,), {"s": 1}, iter([1, 2]), iter([("a", 1), ("b", 2)])
    assert copier.copy(Reduces(rv)).log == expected


def test_items_are_copied_by_deepcopy_and_handed_over_by_copy(copier):
    item, key, value = [1], ("k", 2), [4]
    rv = Recorder, (), None, [item], [(key, value)]
    deep = copier.deepcopy(Reduces(rv)).log
    assert deep == [("made", ()), ("append", [1]), ("setitem", key, [4])]
    assert deep[1][1] is not item and deep[2][2] is not value
    shallow = copier.copy(Reduces(rv)).log
    assert shallow[1][1] is item and shallow[2][2] is value


def test_list_items_are_copied_and_appended_one_by_one(copier):
    log = []

    class Appends:
        def append(self, item):
            log.append(f"append {item}")

    def items():
        for label in "ab":
            log.append(f"give {label}")
            yield Hook(label, log)

    copier.deepcopy(Reduces((Appends, (), None, items())))
    assert log == ["give a", "a", "append <a>", "give b", "b", "append <b>"]


def test_append_is_looked_up_for_each_item_after_its_copy(copier):
    log = []

    class Appends:
        @property
        def append(self):
            log.append("lookup")
            return lambda item: log.append("append")

    copier.deepcopy(Reduces((Appends, (), None, [Hook("copy", log), Hook("copy", log)])))
    assert log == ["copy", "lookup", "append"] * 2


def test_dict_items_copy_the_key_before_the_value(copier):
    log = []
    copier.deepcopy(Reduces((dict, (), None, None, [(Hook("k1", log), Hook("v1", log)),
                                                    (Hook("k2", log), Hook("v2", log))])))
    assert log == ["k1", "v1", "k2", "v2"]


def test_no_items_need_no_method(copier):
    for function in (copier.deepcopy, copier.copy):
        assert type(function(Reduces((object, (), None, [], [])))) is object
        assert type(function(Reduces((object, (), None, iter(()), {})))) is object


def test_items_without_a_method_to_take_them(copier):
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, Reduces((object, (), None, [1]))) == (
            AttributeError, "'object' object has no attribute 'append'")
        assert raised(function, Reduces((object, (), None, None, [(1, 2)]))) == (
            TypeError, "'object' object does not support item assignment")


@pytest.mark.parametrize("items", [5, False, 0, 1.5], ids=repr)
def test_items_that_cannot_be_iterated(copier, items):
    for function in (copier.deepcopy, copier.copy):
        text = f"'{type(items).__name__}' object is not iterable"
        assert raised(function, Reduces((list, (), None, items))) == (TypeError, text)
        assert raised(function, Reduces((dict, (), None, None, items))) == (TypeError, text)


@pytest.mark.parametrize("items", ["ab", b"ab", (1, 2), [1, 2], {1: 0, 2: 0}, {3}, range(2)], ids=repr)
def test_list_items_may_be_any_iterable(copier, items):
    for function in (copier.deepcopy, copier.copy):
        assert function(Reduces((list, (), None, items))) == list(items)


def test_dict_items_may_be_pairs_of_any_iterable_kind(copier):
    for function in (copier.deepcopy, copier.copy):
        items = [("a", 1), ["b", 2], "cd", iter(("e", 3)), {"f": 0, "g": 0}, range(2)]
        assert function(Reduces((dict, (), None, None, items))) == {"a": 1, "b": 2, "c": "d", "e": 3, "f": "g", 0: 1}


@pytest.mark.parametrize("pair, kind, text", [
    ((1,), ValueError, "not enough values to unpack (expected 2, got 1)"),
    ((), ValueError, "not enough values to unpack (expected 2, got 0)"),
    ((1, 2, 3), ValueError,
     "too many values to unpack (expected 2, got 3)" if since(3, 14) else "too many values to unpack (expected 2)"),
    ([1, 2, 3], ValueError,
     "too many values to unpack (expected 2, got 3)" if since(3, 14) else "too many values to unpack (expected 2)"),
    ("abc", ValueError, "too many values to unpack (expected 2)"),
    ("a", ValueError, "not enough values to unpack (expected 2, got 1)"),
    (5, TypeError, "cannot unpack non-iterable int object"),
    (None, TypeError, "cannot unpack non-iterable NoneType object"),
], ids=repr)
def test_dict_items_that_are_no_pairs(copier, pair, kind, text):
    for function in (copier.deepcopy, copier.copy):
        found = raised(function, Reduces((dict, (), None, None, [pair])))
        assert found[0] is kind
        assert found[1].startswith(text[:-1]) if since(3, 14) else found[1] == text


def test_items_already_taken_stay_when_a_later_one_fails(copier):
    memo = {}
    x = Reduces((list, (), None, iter([1, Hook("fails", [], lambda self, memo: 1 / 0), 3])))
    assert raised(copier.deepcopy, x, memo)[0] is ZeroDivisionError
    assert memo[id(x)] == [1]


# ---- newargs -----------------------------------------------------------------------------------------------------------

def test_getnewargs_ex_gives_positional_and_keyword_arguments_to_new(copier):
    class Made:
        def __new__(cls, *args, **kwargs):
            self = super().__new__(cls)
            self.got = args, kwargs
            return self

        def __getnewargs_ex__(self):
            return ([1], 2), {"key": [3]}

        def __getnewargs__(self):
            raise AssertionError("__getnewargs_ex__ wins")

        def __getstate__(self):
            return None

    x = Made()
    for function in (copier.deepcopy, copier.copy):
        assert function(x).got == (([1], 2), {"key": [3]})


def test_new_arguments_are_deep_copied_with_their_keywords(copier):
    item = [1]

    class Made:
        def __new__(cls, *args, **kwargs):
            self = super().__new__(cls)
            self.got = args, kwargs
            return self

        def __getnewargs_ex__(self):
            return (item,), {"key": item}

        def __getstate__(self):
            return None

    args, kwargs = copier.deepcopy(Made()).got
    assert args[0] is kwargs["key"] is not item
    args, kwargs = copier.copy(Made()).got
    assert args[0] is kwargs["key"] is item


def test_getnewargs_on_the_instance_is_ignored(copier):
    class Plain:
        pass

    x = Plain()
    x.__getnewargs__ = x.__getnewargs_ex__ = [1]
    y = copier.deepcopy(x)
    assert vars(y) == vars(x)


@pytest.mark.parametrize("name, value, kind, text", [
    ("__getnewargs__", [1], TypeError, "__getnewargs__ should return a tuple, not 'list'"),
    ("__getnewargs__", None, TypeError, "__getnewargs__ should return a tuple, not 'NoneType'"),
    ("__getnewargs_ex__", [1], TypeError, "__getnewargs_ex__ should return a tuple, not 'list'"),
    ("__getnewargs_ex__", (), ValueError, "__getnewargs_ex__ should return a tuple of length 2, not 0"),
    ("__getnewargs_ex__", (1,), ValueError, "__getnewargs_ex__ should return a tuple of length 2, not 1"),
    ("__getnewargs_ex__", (1, {}), TypeError,
     "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not 'int'"),
    ("__getnewargs_ex__", ((), 1), TypeError,
     "second item of the tuple returned by __getnewargs_ex__ must be a dict, not 'int'"),
], ids=repr)
def test_getnewargs_of_the_wrong_type(copier, name, value, kind, text):
    cls = type("Made", (), {name: lambda self: value})
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, cls()) == (kind, text)


@pytest.mark.parametrize("name", ["__getnewargs__", "__getnewargs_ex__"])
def test_getnewargs_that_is_none_is_called(copier, name):
    cls = type("Made", (), {name: None})
    for function in (copier.deepcopy, copier.copy):
        assert raised(function, cls()) == (TypeError, "'NoneType' object is not callable")


def test_a_patched_newobj_is_used(copier, monkeypatch):
    class Made:
        pass

    calls = []

    def newobj(cls, *args):
        calls.append((cls, args))
        return Made()

    x = Made()
    x.a = [1]
    monkeypatch.setattr(copyreg, "__newobj__", newobj)
    y = copier.deepcopy(x)
    assert y.a == [1] and calls == [(Made, ())]
    assert copier.copy(x).a is x.a and len(calls) == 2


def test_a_patched_newobj_ex_is_used(copier, monkeypatch):
    class Made:
        def __getnewargs_ex__(self):
            return (1,), {"k": 2}

    calls = []

    def newobj_ex(cls, args, kwargs):
        calls.append((cls, args, kwargs))
        return "made"

    monkeypatch.setattr(copyreg, "__newobj_ex__", newobj_ex)
    assert copier.deepcopy(Made()) == "made"
    assert calls == [(Made, (1,), {"k": 2})]


@pytest.mark.parametrize("make, counts", [
    (lambda: set(), since(3, 11)), (lambda: frozenset({1}), since(3, 11)), (lambda: bytearray(b"a"), since(3, 11)),
    (lambda: collections.deque(), since(3, 11)), (lambda: collections.OrderedDict(), since(3, 11)),
    (lambda: type("Made", (), {})(), True), (lambda: type("Made", (), {"__slots__": ("a",)})(), True)],
    ids=["set", "frozenset", "bytearray", "deque", "OrderedDict", "instance", "slotted instance"])
def test_a_patched_slotnames_is_used(copier, monkeypatch, make, counts):
    """Classes made in C have no place to remember their slot names, so they are asked for at each copy."""
    original = copyreg._slotnames
    calls = []
    monkeypatch.setattr(copyreg, "_slotnames", lambda cls: calls.append(cls) or original(cls))
    x = make()
    copier.deepcopy(x)
    assert calls == ([type(x)] if counts else [])


def test_newobj_patched_between_two_copies_and_restored(copier, monkeypatch):
    class Made:
        pass

    x = Made()
    assert type(copier.deepcopy(x)) is Made
    monkeypatch.setattr(copyreg, "__newobj__", lambda cls: "patched")
    assert copier.deepcopy([x, x]) == ["patched", "patched"]
    monkeypatch.undo()
    assert type(copier.deepcopy(x)) is Made


# ---- __getstate__ ------------------------------------------------------------------------------------------------------

def test_getstate_of_the_class_gives_the_state(copier):
    class Stated:
        def __getstate__(self):
            return {"only": [1]}

    x = Stated()
    x.other = 1
    assert vars(copier.deepcopy(x)) == {"only": [1]}
    assert vars(copier.copy(x)) == {"only": [1]}


def test_getstate_on_the_instance_counts(copier):
    class Plain:
        pass

    x = Plain()
    x.__getstate__ = lambda: {"from": "instance"}
    assert vars(copier.deepcopy(x)) == {"from": "instance"}
    assert vars(copier.copy(x)) == {"from": "instance"}


@pytest.mark.parametrize("state", [None, {}, (), 0, False, (None, None)], ids=repr)
def test_getstate_may_give_nothing_or_something_falsy(copier, state):
    class Stated:
        got = "not called"

        def __getstate__(self):
            return state

        def __setstate__(self, state):
            self.got = state

    for function in (copier.deepcopy, copier.copy):
        assert function(Stated()).got == ("not called" if state is None else state)


def test_an_object_with_an_empty_dict_has_no_state(copier):
    class Stated:
        def __setstate__(self, state):
            raise AssertionError("there is no state")

    for function in (copier.deepcopy, copier.copy):
        assert type(function(Stated())) is Stated


def test_getstate_that_raises(copier):
    class Stated:
        def __getstate__(self):
            raise LookupError("no state")

    for function in (copier.deepcopy, copier.copy):
        assert raised(function, Stated()) == (LookupError, "no state")


@pytest.mark.skipif(since(3, 11), reason="from 3.11 on object itself has __getstate__")
def test_getattr_may_give_getstate(copier):
    class Dynamic:
        def __getattr__(self, name):
            if name == "__getstate__":
                return lambda: {"dynamic": 1}
            raise AttributeError(name)

    assert vars(copier.deepcopy(Dynamic())) == {"dynamic": 1}


@pytest.mark.skipif(not since(3, 11), reason="object has __getstate__ from 3.11 on")
def test_object_getstate_called_from_an_override(copier):
    class Stated:
        def __getstate__(self):
            state = dict(super().__getstate__())
            state["more"] = True
            return state

    x = Stated()
    x.a = [1]
    y = copier.deepcopy(x)
    assert vars(y) == {"a": [1], "more": True} and y.a is not x.a


def test_reduce_of_the_class_is_used_by_the_default_reduce_ex(copier):
    class Reduced:
        def __reduce__(self):
            return Bare, (1,)

    assert copier.deepcopy(Reduced()).args == (1,)
    assert copier.copy(Reduced()).args == (1,)


def test_reduce_on_the_instance_alone_is_ignored(copier):
    class Plain:
        pass

    x = Plain()
    x.__reduce__ = 5
    assert vars(copier.deepcopy(x)) == {"__reduce__": 5}


def test_reduce_ex_of_a_class_that_calls_the_default(copier):
    class Wraps:
        def __reduce_ex__(self, protocol):
            function, args, state, *rest = super().__reduce_ex__(protocol)
            return (function, args, {**state, "wrapped": True}, *rest)

    x = Wraps()
    x.a = [1]
    y = copier.deepcopy(x)
    assert vars(y) == {"a": [1], "wrapped": True} and y.a is not x.a
