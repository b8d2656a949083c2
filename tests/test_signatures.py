"""What deepcopy, copy and replace accept, what they say when called wrongly, and what help() shows."""

import copy
import inspect

import pytest

from support.copiers import reference_replace, since
from support.probes import raised


@pytest.mark.parametrize("args, kwargs, text", [
    ((), {}, "deepcopy() missing 1 required positional argument: 'x'"),
    ((1, {}, [], 4), {}, "deepcopy() takes from 1 to 3 positional arguments but 4 were given"),
    ((1, {}, [], 4, 5), {}, "deepcopy() takes from 1 to 3 positional arguments but 5 were given"),
    ((1,), {"x": 2}, "deepcopy() got multiple values for argument 'x'"),
    ((1, {}), {"memo": {}}, "deepcopy() got multiple values for argument 'memo'"),
    ((1, {}, []), {"_nil": []}, "deepcopy() got multiple values for argument '_nil'"),
    ((1,), {"foo": 2}, "deepcopy() got an unexpected keyword argument 'foo'"),
    ((), {"foo": 2}, "deepcopy() got an unexpected keyword argument 'foo'"),
    ((), {"memo": {}}, "deepcopy() missing 1 required positional argument: 'x'"),
    ((1, {}, [], 4), {"x": 2}, "deepcopy() got multiple values for argument 'x'"),
    ((1, {}, [], 4), {"foo": 2}, "deepcopy() got an unexpected keyword argument 'foo'"),
])
def test_deepcopy_called_wrongly(copier, args, kwargs, text):
    assert raised(copier.deepcopy, *args, **kwargs) == (TypeError, text)


@pytest.mark.parametrize("args, kwargs, text", [
    ((), {}, "copy() missing 1 required positional argument: 'x'"),
    ((1, 2), {}, "copy() takes 1 positional argument but 2 were given"),
    ((1, 2, 3), {}, "copy() takes 1 positional argument but 3 were given"),
    ((1,), {"x": 2}, "copy() got multiple values for argument 'x'"),
    ((1,), {"memo": {}}, "copy() got an unexpected keyword argument 'memo'"),
    ((), {"y": 1}, "copy() got an unexpected keyword argument 'y'"),
    ((1, 2), {"y": 1}, "copy() got an unexpected keyword argument 'y'"),
])
def test_copy_called_wrongly(copier, args, kwargs, text):
    assert raised(copier.copy, *args, **kwargs) == (TypeError, text)


@pytest.mark.parametrize("args, kwargs, text", [
    ((), {}, "replace() missing 1 required positional argument: 'obj'"),
    ((), {"obj": 1}, "replace() missing 1 required positional argument: 'obj'"),
    ((1, 2), {}, "replace() takes 1 positional argument but 2 were given"),
    ((1, 2, 3), {"a": 1}, "replace() takes 1 positional argument but 3 were given"),
])
def test_replace_called_wrongly(copier, args, kwargs, text):
    found = raised(copier.replace, *args, **kwargs)
    if copier.replace_is_reference:
        text = text.replace("replace()", "reference_replace()")
    assert found == (TypeError, text)


class NameThatEqualsX(str):
    pass


def test_a_keyword_name_may_be_any_string_equal_to_the_parameter(copier):
    """Keyword names from ** need not be interned."""
    assert copier.deepcopy(**{"".join(["x"]): 5, "".join(["me", "mo"]): {}}) == 5
    assert copier.copy(**{NameThatEqualsX("x"): 5}) == 5


def test_keyword_names_that_are_no_strings_are_refused(copier):
    for function in (copier.deepcopy, copier.copy, copier.replace):
        kind, text = raised(lambda: function(5, **{1: 2}))
        assert kind is TypeError
        assert "keywords must be strings" in text


def test_deepcopy_takes_its_arguments_by_keyword(copier):
    memo = {}
    x = [1]
    y = copier.deepcopy(memo=memo, x=x)
    assert y == x and y is not x
    assert memo[id(x)] is y
    assert copier.deepcopy(x, memo=memo) is y
    assert copier.deepcopy(x=x, memo=None, _nil=None) is not y


def test_copy_takes_its_argument_by_keyword(copier):
    x = [[]]
    y = copier.copy(x=x)
    assert y == x and y is not x and y[0] is x[0]


def test_the_third_parameter_marks_a_miss(copier):
    """A value stored in the memo that is the given `_nil` counts as absent; any other value is a hit, None too."""
    x = []
    mark = object()
    assert copier.deepcopy(x, {id(x): mark}, mark) == []
    assert copier.deepcopy(x, {id(x): mark}, object()) is mark
    assert copier.deepcopy(x, {id(x): None}) is None
    assert copier.deepcopy(x, {id(x): None}, None) == []
    assert copier.deepcopy(x, memo={id(x): mark}, _nil=mark) == []


def test_the_third_parameter_is_not_handed_down_to_children(copier):
    mark = object()
    child = []
    assert copier.deepcopy([child], {id(child): mark}, mark) == [mark]


def test_signatures_are_those_of_the_reference(copier):
    deepcopy = inspect.signature(copier.deepcopy)
    if copier.name == "calque":  # one keyword of its own, which no program can have passed before
        *parameters, share = deepcopy.parameters.values()
        assert str(share) == "share=()" and share.kind is share.KEYWORD_ONLY
        deepcopy = deepcopy.replace(parameters=parameters)
    assert deepcopy == inspect.signature(copy.deepcopy)
    assert inspect.signature(copier.copy) == inspect.signature(copy.copy)
    assert str(deepcopy) == "(x, memo=None, _nil=[])"
    assert str(inspect.signature(copier.copy)) == "(x)"
    assert inspect.signature(copier.replace) == inspect.signature(reference_replace)
    assert str(inspect.signature(copier.replace)) == "(obj, /, **changes)"


def test_functions_carry_their_names_and_docstrings(copier):
    assert copier.deepcopy.__name__ == copier.deepcopy.__qualname__ == "deepcopy"
    assert copier.copy.__name__ == copier.copy.__qualname__ == "copy"
    for function in (copier.deepcopy, copier.copy, copier.replace):
        if function is not reference_replace:
            assert len(inspect.getdoc(function).split()) >= 5
    if not copier.replace_is_reference:
        assert copier.replace.__name__ == "replace"


def test_the_error_class_is_one_and_the_same(copier):
    assert copier.Error is copy.Error


def test_calque_names(calque):
    assert calque.Error is calque.error is copy.Error
    for name in ("deepcopy", "copy", "replace", "Error", "error", "register", "unregister", "Memo", "atomic", "handlers", "handler_for"):
        assert hasattr(calque, name)
    assert {"deepcopy", "copy", "replace", "Error"} <= set(calque.__all__)


def test_replace_exists_on_every_version(copier):
    assert hasattr(copy, "replace") == since(3, 13)
    assert callable(copier.replace)


def test_functions_do_not_bind_when_stored_in_a_class(copier):
    """copy.deepcopy is a Python function: as a class attribute it becomes a method. That is the one thing a
    built-in function does otherwise; through staticmethod both are alike."""
    class Holder:
        deepcopy = staticmethod(copier.deepcopy)
        copy = staticmethod(copier.copy)

    x = [[]]
    assert Holder().deepcopy(x) == x
    assert Holder().copy(x)[0] is x[0]


def test_functions_are_their_own_copies(copier):
    for function in (copier.deepcopy, copier.copy, copier.replace):
        assert copier.deepcopy(function) is function
        assert copier.copy(function) is function
