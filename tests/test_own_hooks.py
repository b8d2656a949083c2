"""Classes with a __deepcopy__ of their own: what is remembered of a class ends with what it rests on."""

import copy
import gc
import sys
import weakref

import pytest

from support.probes import raised


def instances(cls, count=5):
    made = [cls() for _ in range(count)]
    for i, one in enumerate(made):
        one.i = i
    return made


def hooked(act=lambda self: None):
    """A class whose hook returns what it was called for, and whose third instance does something."""

    class Hooked:
        def __deepcopy__(self, memo):
            if self.i == 2:
                act(self)
            return ("first", self.i, type(memo) is dict)

    return Hooked


def replace(self):
    type(self).__deepcopy__ = lambda self, memo: ("second", self.i)


def delete(self):
    del type(self).__deepcopy__


def hide_by_none(self):
    type(self).__deepcopy__ = None


def hide_by_a_property(self):
    type(self).__deepcopy__ = property(lambda self: lambda memo: ("property", self.i))


def intercept(self):
    type(self).__getattribute__ = lambda self, name: (lambda memo: "intercepted") if name == "__deepcopy__" else object.__getattribute__(self, name)


def enter_in_the_table(self):
    copy._deepcopy_dispatch[type(self)] = lambda x, memo: ("table", x.i)



@pytest.mark.parametrize("change", [replace, delete, hide_by_none, hide_by_a_property, intercept, enter_in_the_table])
def test_a_class_that_its_hook_changes_is_copied_as_it_is_from_then_on(copier, change):
    cls = hooked(change)
    try:
        done = copier.deepcopy(instances(cls))
    finally:
        copy._deepcopy_dispatch.pop(cls, None)
    assert done[:3] == [("first", i, True) for i in range(3)]
    assert not any(isinstance(one, tuple) and one[0] == "first" for one in done[3:])
    expected = {"replace": ("second", 4), "hide_by_a_property": ("property", 4), "intercept": "intercepted",
                "enter_in_the_table": ("table", 4)}.get(change.__name__)
    assert done[4] == expected if expected else (type(done[4]), done[4].i) == (cls, 4)


def test_a_hook_that_moves_to_a_base(copier):
    class Root:
        pass

    class Hooked(Root):
        def __deepcopy__(self, memo):
            if self.i == 2:
                Root.__deepcopy__ = lambda self, memo: ("base", self.i)
                del Hooked.__deepcopy__
            return self.i

    assert copier.deepcopy(instances(Hooked)) == [0, 1, 2, ("base", 3), ("base", 4)]


def test_the_hook_of_another_class_at_the_same_address(copier):
    for i in range(20):
        cls = type(f"Class{i}", (), {"__deepcopy__": (lambda self, memo, i=i: i) if i % 3 else (lambda self, memo, i=i: -i)})
        assert copier.deepcopy(instances(cls)) == [i if i % 3 else -i] * 5
        del cls
        gc.collect()


@pytest.mark.parametrize("hidden, expected", [(lambda memo: "own", "own"), (None, None)])
def test_instances_that_hide_the_hook_lie_among_others(copier, hidden, expected):
    cls = hooked()
    source = instances(cls)
    source[3].__deepcopy__ = hidden
    done = copier.deepcopy(source)
    assert done[4] == ("first", 4, True)
    assert done[3] == expected if expected else (type(done[3]), done[3].i) == (cls, 3)


def test_a_hook_that_hides_the_hook_of_the_next_instance(copier):
    source = []
    cls = hooked(lambda self: setattr(source[3], "__deepcopy__", lambda memo: "own"))
    source += instances(cls)
    assert copier.deepcopy(source)[2:] == [("first", 2, True), "own", ("first", 4, True)]


def test_the_metaclass_is_asked_once_it_compares(copier):
    asked = []

    class Meta(type):
        pass

    def compare():
        Meta.__hash__ = lambda cls: asked.append(cls.__name__) or type.__hash__(cls)

    class Hooked(metaclass=Meta):
        def __deepcopy__(self, memo):
            if self.i == 2:
                compare()
            return self.i

    assert copier.deepcopy(instances(Hooked)) == [0, 1, 2, 3, 4]
    assert set(asked) == {"Hooked"}


def test_keys_of_the_instance_that_run_code_when_the_hook_is_looked_up(copier):
    log = []

    class Key:
        def __hash__(self):
            return hash("__deepcopy__")

        def __eq__(self, other):
            log.append(other)
            source.clear()
            return NotImplemented

    cls = hooked()
    source = instances(cls)
    source[1].__dict__[Key()] = 0
    log.clear()
    assert copier.deepcopy(source) == [("first", 0, True), ("first", 1, True)]
    assert set(log) == {"__deepcopy__"}


def test_an_object_that_its_hook_takes_out_of_the_graph(copier):
    freed = []

    class Hooked:
        def __deepcopy__(self, memo):
            weakref.finalize(self, freed.append, self.i)
            source[self.i] = None
            return self.i

    source = instances(Hooked)
    assert copier.deepcopy(source) == [0, 1, 2, 3, 4]
    assert sorted(freed) == [0, 1, 2, 3, 4]


def test_an_object_that_goes_while_the_error_of_its_hook_is_on_the_way(copier):
    freed = []

    class Hooked:
        def __deepcopy__(self, memo):
            if self.i == 3:
                source[3] = None
                raise LookupError(self.i)
            return self.i

        def __del__(self):
            freed.append(self.i)
            copier.deepcopy(Hooked2())

    class Hooked2:
        def __deepcopy__(self, memo):
            return copier.deepcopy([[], {}], memo)

    source = instances(Hooked)
    assert raised(copier.deepcopy, source) == (LookupError, "3")
    assert freed == [3]
    source[:] = []


def test_objects_met_twice_are_copied_once_and_results_are_remembered(copier):
    calls = []

    class Hooked:
        def __deepcopy__(self, memo):
            calls.append(self.i)
            return [self.i]

    source = instances(Hooked, 3)
    done = copier.deepcopy([source, source[::-1], tuple(source)])
    assert calls == [0, 1, 2]
    assert done[0][0] is done[1][2] is done[2][0]


def test_a_hook_that_returns_its_object_leaves_no_entry(copier):
    calls = []

    class Hooked:
        def __deepcopy__(self, memo):
            calls.append(self.i)
            return self

    source = instances(Hooked, 3)
    memo = {}
    assert all(a is b for a, b in zip(copier.deepcopy(source + source), source + source))
    assert calls == [0, 1, 2, 0, 1, 2]
    copier.deepcopy(source, memo)
    assert not any(id(one) in memo for one in source)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="from 3.14 on atomics come before the table")
@pytest.mark.parametrize("kept", [False, True])
def test_atomics_after_their_table_changed(copier, monkeypatch, kept):
    function = lambda x, memo: ("table", x)  # noqa: E731
    if not kept:
        assert copier.deepcopy(5, {}) == 5
        monkeypatch.setitem(copy._deepcopy_dispatch, int, function)
        assert copier.deepcopy(5, {}) == ("table", 5)
        return

    class Hooked:
        def __deepcopy__(self, memo):
            before = copier.deepcopy(7, memo)
            monkeypatch.setitem(copy._deepcopy_dispatch, int, function)
            return before, copier.deepcopy(7, memo)

    assert copier.deepcopy([Hooked()]) == [(7, ("table", 7))]


def test_children_that_a_nested_call_knows_already(copier):
    log = []

    class Hooked:
        def __deepcopy__(self, memo):
            log.append([copier.deepcopy(shared, memo), copier.deepcopy(None, memo), copier.deepcopy("text", memo)])
            before = list(memo)
            log[-1].append(copier.deepcopy(shared, memo) is log[-1][0])
            memo[id(shared)] = "written"
            log[-1].append(copier.deepcopy(shared, memo))
            log[-1].append(copier.deepcopy(shared, memo, "written") == shared)
            memo[id(text)] = "also written"
            log[-1].append(copier.deepcopy(text, memo))
            return len(before)

    shared, text = [1], "a text"
    entries = copier.deepcopy([Hooked(), shared])
    assert log == [[[1], None, "text", True, "written", True, text if sys.version_info >= (3, 14) else "also written"]]
    assert entries[1] == [1]
