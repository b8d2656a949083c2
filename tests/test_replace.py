"""replace: a hook on the class of the object, on every version of Python."""

import collections
import dataclasses
import datetime
import inspect
import types

import pytest

from support.copiers import since
from support.probes import raised


class Replaceable:
    def __init__(self, /, *args, **kwargs):
        self.args, self.kwargs = args, kwargs

    def __replace__(self, /, *args, **changes):
        return type(self)(self, *args, **changes)


def test_the_hook_gets_the_object_and_the_changes(copier):
    x = Replaceable()
    y = copier.replace(x, a=1, b=[2])
    assert type(y) is Replaceable and y.args == (x,) and y.kwargs == {"a": 1, "b": [2]}
    assert copier.replace(x).kwargs == {}


def test_the_object_is_positional_only_so_that_fields_may_have_any_name(copier):
    y = copier.replace(Replaceable(), obj=1, self=2, changes=3, cls=4, x=5)
    assert y.kwargs == {"obj": 1, "self": 2, "changes": 3, "cls": 4, "x": 5}


def test_values_are_handed_over_uncopied_and_in_order(copier):
    value = [1]
    y = copier.replace(Replaceable(), z=value, a=2)
    assert y.kwargs["z"] is value and list(y.kwargs) == ["z", "a"]


def test_the_caller_s_dict_is_not_the_one_that_the_hook_gets(copier):
    class Keeps:
        def __replace__(self, /, **changes):
            changes["added"] = True
            return changes

    changes = {"a": 1}
    assert copier.replace(Keeps(), **changes) == {"a": 1, "added": True}
    assert changes == {"a": 1}


@pytest.mark.parametrize("x, name", [
    (5, "int"), ("text", "str"), ([], "list"), (None, "NoneType"), ((1,), "tuple"), (object(), "object"), (int, "type"),
    (len, "builtin_function_or_method"), ({}, "dict")], ids=lambda value: value if isinstance(value, str) else "")
def test_objects_without_the_hook(copier, x, name):
    assert raised(copier.replace, x) == (TypeError, f"replace() does not support {name} objects")
    assert raised(copier.replace, x, a=1) == (TypeError, f"replace() does not support {name} objects")


def test_the_name_in_the_error_is_that_of_the_class(copier):
    class Outer:
        class Inner:
            pass

    assert raised(copier.replace, Outer.Inner()) == (TypeError, "replace() does not support Inner objects")

    class Meta(type):
        @property
        def __name__(cls):
            return "a name of its own"

    class Named(metaclass=Meta):
        pass

    assert raised(copier.replace, Named()) == (TypeError, "replace() does not support a name of its own objects")


def test_a_hook_that_is_none_means_no_support(copier):
    class Refuses(Replaceable):
        __replace__ = None

    assert raised(copier.replace, Refuses(), a=1) == (TypeError, "replace() does not support Refuses objects")


def test_a_falsy_hook_is_called(copier):
    class Falsy:
        def __bool__(self):
            return False

        def __call__(self, x, **changes):
            return "called"

    class Made:
        __replace__ = Falsy()

    assert copier.replace(Made(), a=1) == "called"


def test_the_hook_of_the_instance_does_not_count(copier):
    class Plain:
        pass

    x = Plain()
    x.__replace__ = lambda **changes: "instance"
    assert raised(copier.replace, x) == (TypeError, "replace() does not support Plain objects")


def test_the_metaclass_may_give_the_hook(copier):
    class Meta(type):
        def __replace__(cls, x, **changes):
            return cls, x, changes

    class Made(metaclass=Meta):
        pass

    x = Made()
    assert copier.replace(x, a=1) == (Made, x, {"a": 1})


def test_a_class_is_replaced_by_its_metaclass(copier):
    class Meta(type):
        def __replace__(cls, **changes):
            return cls, changes

    class Made(metaclass=Meta):
        pass

    assert copier.replace(Made, a=1) == (Made, {"a": 1})


def test_a_lying_class_counts(copier):
    class Lying:
        @property
        def __class__(self):
            return Replaceable

    x = Lying()
    found = raised(copier.replace, x, a=1)
    # The hook of the claimed class is called with the liar, whose real type takes no arguments.
    assert found[0] is TypeError and "takes no arguments" in found[1]

    class Hooked:
        __class__ = int

        def __replace__(self, **changes):
            return "real type"

    assert raised(copier.replace, Hooked()) == (TypeError, "replace() does not support int objects")


def test_a_class_attribute_that_raises(copier):
    class Broken:
        @property
        def __class__(self):
            raise LookupError("no class")

    assert raised(copier.replace, Broken()) == (LookupError, "no class")


def test_a_hook_lookup_that_raises_something_else(copier):
    class Meta(type):
        def __getattribute__(cls, name):
            if name == "__replace__":
                raise LookupError("lookup")
            return type.__getattribute__(cls, name)

    class Made(metaclass=Meta):
        pass

    assert raised(copier.replace, Made()) == (LookupError, "lookup")


def test_what_the_hook_returns_is_returned_and_what_it_raises_is_raised(copier):
    class Anything:
        def __replace__(self, /, **changes):
            if "error" in changes:
                raise changes["error"]
            return changes["result"]

    for result in (None, NotImplemented, 5):
        assert copier.replace(Anything(), result=result) is result
    error = LookupError("mine")
    with pytest.raises(LookupError) as caught:
        copier.replace(Anything(), error=error)
    assert caught.value is error


def test_the_hook_may_be_static_or_of_the_class(copier):
    class Static:
        @staticmethod
        def __replace__(x, **changes):
            return "static", x, changes

    class Class:
        @classmethod
        def __replace__(cls, x, **changes):
            return "class", cls, x, changes

    x = Static()
    assert copier.replace(x, a=1) == ("static", x, {"a": 1})
    x = Class()
    assert copier.replace(x, a=1) == ("class", Class, x, {"a": 1})


@pytest.mark.skipif(not since(3, 13), reason="the standard library has the hook from 3.13 on")
def test_standard_library_types(copier):
    Point = collections.namedtuple("Point", "x y")
    assert copier.replace(Point(1, 2), y=3) == Point(1, 3)
    assert raised(copier.replace, Point(1, 2), c=3) == (TypeError, "Got unexpected field names: ['c']")

    @dataclasses.dataclass(frozen=True)
    class Data:
        x: int
        y: int = 0

    assert copier.replace(Data(1, 2), x=5) == Data(5, 2)
    assert copier.replace(datetime.date(2020, 1, 2), day=5) == datetime.date(2020, 1, 5)
    assert copier.replace(datetime.time(1, 2), hour=5) == datetime.time(5, 2)
    assert copier.replace(datetime.datetime(2020, 1, 2), hour=5) == datetime.datetime(2020, 1, 2, 5)
    assert copier.replace(types.SimpleNamespace(a=1), b=2) == types.SimpleNamespace(a=1, b=2)
    signature = inspect.signature(lambda a: None)
    assert str(copier.replace(signature, parameters=[])) == "()"
    code = copier.replace((lambda: 0).__code__, co_name="renamed")
    assert code.co_name == "renamed"
