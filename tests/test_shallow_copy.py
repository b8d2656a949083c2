"""copy.copy: its own order of decisions, and what it shares."""

import collections
import copyreg

import pytest

from support.copiers import since
from support.probes import Reduces, raised


class Plain:
    pass


ITSELF = [
    None, ..., NotImplemented, 5, 2 ** 70, 1.5, True, 2j, b"bytes", "text", (lambda: 0).__code__, int, range(3), len,
    [].append, lambda: 0, property(), (1, [2]), (), frozenset(), frozenset({1}), slice([1], 2), object]


@pytest.mark.parametrize("x", ITSELF, ids=lambda x: type(x).__name__)
def test_immutable_types_are_their_own_shallow_copies(copier, x):
    assert copier.copy(x) is x


@pytest.mark.parametrize("x", [[[1], 2], {"a": [1]}, {(1, 2)}, bytearray(b"abc"), [], {}, set(), bytearray()], ids=repr)
def test_mutable_builtins_are_new_and_share_their_items(copier, x):
    y = copier.copy(x)
    assert type(y) is type(x) and y == x and y is not x
    if isinstance(x, list):
        assert all(a is b for a, b in zip(x, y))
    if isinstance(x, dict):
        assert list(map(id, y.values())) == list(map(id, x.values()))
        assert list(map(id, y)) == list(map(id, x))


def test_cycles_are_kept_as_they_are(copier):
    x = []
    x.append(x)
    y = copier.copy(x)
    assert y[0] is x
    d = {}
    d["d"] = d
    assert copier.copy(d)["d"] is d


def test_the_hook_is_looked_up_on_the_class(copier):
    class Hooked:
        def __copy__(self):
            return "class"

    x = Hooked()
    x.__copy__ = lambda: "instance"
    assert copier.copy(x) == "class"
    y = Plain()
    y.__copy__ = lambda: "instance"
    assert type(copier.copy(y)) is Plain


def test_getattr_of_the_class_is_not_asked_for_the_hook(copier):
    class Dynamic:
        def __getattr__(self, name):
            if name == "__copy__":
                raise AssertionError("asked on the instance")
            raise AttributeError(name)

    assert type(copier.copy(Dynamic())) is Dynamic


def test_the_metaclass_may_give_the_hook(copier):
    class Meta(type):
        def __copy__(cls, x):
            raise AssertionError("bound to the class, called with the instance only")

    class Made(metaclass=Meta):
        pass

    class Answering(type):
        def __copy__(cls):
            return "meta"

    class Dynamic(type):
        def __getattr__(cls, name):
            if name == "__copy__":
                return lambda x: ("dynamic", x)
            raise AttributeError(name)

    class WithMeta(metaclass=Answering):
        pass

    class WithDynamic(metaclass=Dynamic):
        pass

    assert raised(copier.copy, Made()) == (AssertionError, "bound to the class, called with the instance only")
    kind, text = raised(copier.copy, WithMeta())
    assert kind is TypeError and "takes 1 positional argument but 2 were given" in text
    x = WithDynamic()
    assert copier.copy(x) == ("dynamic", x)


def test_the_hook_may_be_any_kind_of_descriptor(copier):
    class Static:
        @staticmethod
        def __copy__(x):
            return "static", x

    class Class:
        @classmethod
        def __copy__(cls, x):
            return "class", cls, x

    class Property:
        @property
        def __copy__(self):
            raise AssertionError("not read on the instance")

    x = Static()
    assert copier.copy(x) == ("static", x)
    x = Class()
    assert copier.copy(x) == ("class", Class, x)
    assert raised(copier.copy, Property()) == (TypeError, "'property' object is not callable")


def test_a_hook_that_is_none_counts_as_absent(copier):
    class Hooked:
        __copy__ = None

    x = Hooked()
    x.a = [1]
    y = copier.copy(x)
    assert type(y) is Hooked and y is not x and y.a is x.a


def test_a_falsy_hook_is_called(copier):
    class Falsy:
        def __bool__(self):
            return False

        def __call__(self, x):
            return "called"

    class Hooked:
        __copy__ = Falsy()

    assert copier.copy(Hooked()) == "called"


@pytest.mark.parametrize("result", [None, 5, NotImplemented, []], ids=repr)
def test_the_hook_may_return_anything(copier, result):
    class Hooked:
        def __copy__(self):
            return result

    assert copier.copy(Hooked()) is result


def test_deepcopy_and_its_hook_have_nothing_to_do_with_copy(copier):
    class Deep:
        def __deepcopy__(self, memo):
            raise AssertionError("this is a shallow copy")

    class Shallow:
        def __copy__(self):
            raise AssertionError("this is a deep copy")

    assert type(copier.copy(Deep())) is Deep
    assert type(copier.deepcopy(Shallow())) is Shallow


def test_errors_of_the_hook_lookup_and_of_the_hook(copier):
    class Meta(type):
        def __getattribute__(cls, name):
            if name == "__copy__":
                raise LookupError("lookup")
            return type.__getattribute__(cls, name)

    class Made(metaclass=Meta):
        pass

    class Raises:
        def __copy__(self):
            raise LookupError("hook")

    assert raised(copier.copy, Made()) == (LookupError, "lookup")
    assert raised(copier.copy, Raises()) == (LookupError, "hook")


def test_the_hook_comes_before_the_dispatch_table_and_that_before_reduce(copier, monkeypatch):
    class Hooked:
        def __copy__(self):
            return "hook"

        def __reduce_ex__(self, protocol):
            return str, ("reduced",)

    monkeypatch.setitem(copyreg.dispatch_table, Hooked, lambda x: (str, ("table",)))
    assert copier.copy(Hooked()) == "hook"
    monkeypatch.setattr(Hooked, "__copy__", None)
    assert copier.copy(Hooked()) == "table"
    monkeypatch.delitem(copyreg.dispatch_table, Hooked)
    assert copier.copy(Hooked()) == "reduced"


def test_subclasses_of_builtins_go_by_reduce_not_by_their_copy_method(copier):
    class Lists(list):
        def copy(self):
            raise AssertionError("not used")

    class Dicts(dict):
        def copy(self):
            raise AssertionError("not used")

    class Sets(set):
        def copy(self):
            raise AssertionError("not used")

    for x in (Lists([1]), Dicts(a=1), Sets({1})):
        y = copier.copy(x)
        assert type(y) is type(x) and y == x and y is not x


def test_the_instance_dict_is_shared_by_value_and_its_order_kept(copier):
    x = Plain()
    x.z, x.a = [1], [2]
    y = copier.copy(x)
    assert list(vars(y).items()) == list(vars(x).items()) and vars(y) is not vars(x) and y.z is x.z


def test_setstate_of_a_shallow_copy_gets_the_live_dict(copier):
    got = []

    class Stated:
        def __setstate__(self, state):
            got.append(state)

    x = Stated()
    x.a = 1
    copier.copy(x)
    assert got[0] == {"a": 1}
    assert got[0] is vars(x)


def test_each_copy_is_new(copier):
    for x in ([], {}, Plain(), set(), bytearray(), collections.deque()):
        assert len({id(y) for y in [copier.copy(x) for _ in range(3)]}) == 3


def test_a_shallow_copy_knows_no_memo(copier):
    """One object twice in what is reduced stays that object, and nothing is remembered."""
    x = [1]
    y = copier.copy(Reduces((lambda *args: args, (x, x), None)))
    assert y[0] is y[1] is x


def test_a_tuple_subclass_as_arguments(copier):
    log = []

    class Arguments(tuple):
        def __iter__(self):
            log.append("iter")
            return tuple.__iter__(self)

        def __len__(self):
            log.append("len")
            return tuple.__len__(self)

    y = copier.copy(Reduces((lambda *args: args, Arguments((1, 2)))))
    assert y == (1, 2)
    assert log == (["iter"] if since(3, 14) else ["iter", "len"])


def test_a_list_copy_while_its_elements_watch(copier):
    """Shallow copies of exact built-ins run no code at all."""
    class Watching:
        def __eq__(self, other):
            raise AssertionError("compared")

        def __hash__(self):
            return 1

        def __deepcopy__(self, memo):
            raise AssertionError("copied")

    w = Watching()
    assert copier.copy([w])[0] is w
    assert next(iter(copier.copy({w: w}))) is w
    assert next(iter(copier.copy({w}))) is w


def test_big_builtins(copier):
    for x in (list(range(5000)), {i: i for i in range(5000)}, set(range(5000)), bytearray(5000)):
        y = copier.copy(x)
        assert y == x and y is not x
        for i in range(1000):
            x.remove(i) if isinstance(x, (set, list)) else x.pop(i if isinstance(x, dict) else 0)
        z = copier.copy(x)
        assert z == x and z is not x


def test_an_equal_metaclass_is_taken_for_the_builtin(copier):
    class Equal(type):
        def __hash__(cls):
            return hash(list)

        def __eq__(cls, other):
            return other is list or cls is other

    class Made(list, metaclass=Equal):
        pass

    y = copier.copy(Made([1]))
    assert y == [1]
    assert type(y) is list
