"""calque.prepare: a snapshot, and copies of it that are what deepcopy would make."""

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import gc
import inspect
import pickle
import sys
import weakref

import pytest

from support.copiers import since
from support.probes import Hook, raised
from support.topology import topology


class Plain:
    def __init__(self, **values):
        vars(self).update(values)


class Named:
    def __init__(self, a):
        self.a, self.b, self.c = a, 2, [a]


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


class Both(Slotted):
    pass


@dataclasses.dataclass
class Record:
    name: str
    tags: list = dataclasses.field(default_factory=list)
    parent: object = None


class Colour(enum.Enum):
    RED = 1


def cyclic_list():
    x = [1, [2]]
    x.append(x)
    return x


def cyclic_dict():
    x = {"a": [1]}
    x["self"] = [x]
    return x


def cyclic_instance():
    x = Plain(a=[1])
    x.me, x.pair = x, [x, {"x": x}]
    return x


def cyclic_tuple():
    x = ([], 1)
    x[0].append(x)
    return x


def tree():
    shared = ["s"]
    return {"servers": [{"name": f"s{i}", "ports": [80, 443], "shared": shared, "none": None} for i in range(5)], "shared": shared,
            "t": (1, (2, [3]), shared), "set": {1, 2, "x"}, "frozen": frozenset("abc"), "empty": [[], {}, (), set(), frozenset()]}


# What has a recipe, and what has none.
WITH = {
    "tree": tree, "list": lambda: [1, 2, 3], "empty list": list, "empty dict": dict, "set": lambda: {1, 2}, "dict": lambda: dict.fromkeys(range(50), 1.5),
    "tuple": lambda: ([], []), "constant keys": lambda: {(1, "a"): [1], None: [2], 3.5: []}, "instance": lambda: Plain(a=[1], b={"c": Plain(d=1)}),
    "slots": lambda: Slotted(a=[1]), "slots and dict": lambda: vars(b := Both(a=[1])).update(z=[3]) or b, "names of the class": lambda: [Named([1]), Named({"a": []})], "records": lambda: [Record("a", ["t"]), Record("b")],
    "cyclic list": cyclic_list, "cyclic dict": cyclic_dict, "cyclic instance": cyclic_instance, "datetime": lambda: [datetime.datetime(2020, 1, 1)],
    "nested": lambda: [[[[[[[[[[1]]]]]]]]]], "wide": lambda: [[i] for i in range(2000)],
}
WITHOUT = {
    "number": lambda: 5, "text": lambda: "text", "function": lambda: len, "cyclic tuple": cyclic_tuple, "decimal": lambda: [decimal.Decimal("1.5")],
    "member": lambda: {"c": Colour.RED}, "ordered": lambda: collections.OrderedDict(a=[1]), "deque": lambda: collections.deque([[1]]),
    "deep": lambda: chain(500), "key": lambda: {Plain: 1, (Colour.RED,): [2]},
    "counter": lambda: collections.Counter("aab"), "partly": lambda: [[1], collections.deque([2])], "set of members": lambda: {Colour.RED},
    "attribute that is a hook": lambda: Plain(__deepcopy__=lambda memo: "hook"),
}
INTERNALS = {"list_slots", "dict_slots", "instance_values", "set_tables", "type_version"}


def chain(length):
    x = []
    for _ in range(length):
        x = [x]
    return x


def knows_layouts(calque):
    return all(calque._calque._strategies[name] == "internals" for name in INTERNALS)


@pytest.mark.parametrize("make", [*WITH.values(), *WITHOUT.values()], ids=[*WITH, *WITHOUT])
def test_each_copy_is_what_deepcopy_makes(calque, make):
    x = make()
    if isinstance(x, list) and len(x) == 1 and isinstance(x[0], list) and make is WITHOUT["deep"]:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 3000))
    prepared = calque.prepare(x)
    expected = topology(copy.deepcopy(x))
    one, two = prepared(), prepared()
    assert topology(one) == topology(two) == expected
    for y in (one, two):
        both = topology([x, y])
        assert both == topology([x, copy.deepcopy(x)])  # what is shared with the original, and what is not
    snapshot = copy.deepcopy(x)
    assert topology([one, two]) == topology([copy.deepcopy(snapshot), copy.deepcopy(snapshot)])


@pytest.mark.parametrize("name", WITH)
def test_recipes_are_written_where_nothing_runs_python_code(calque, name):
    if name == "instance" and since(3, 13):
        pytest.skip("its dict has another table there, which no recipe builds yet: it is copied by deepcopy")
    for _ in range(2):  # a class has its plan from its first copy on
        prepared = calque.prepare(WITH[name]())
    if knows_layouts(calque):
        assert prepared.objects is not None and prepared.objects > 0


@pytest.mark.parametrize("name", WITHOUT)
def test_no_recipe_where_something_could_come_between(calque, name):
    calque.prepare(WITHOUT[name]())
    assert calque.prepare(WITHOUT[name]()).objects is None


def test_large_snapshots_are_left_to_deepcopy(calque):
    """Which lets other threads have their turn."""
    prepared = calque.prepare([[i] for i in range(12_000)])
    assert prepared.objects is None
    assert prepared() == [[i] for i in range(12_000)]


def test_the_number_of_objects(calque):
    if knows_layouts(calque):
        shared = []
        assert calque.prepare([shared, shared, {"a": (shared, 1, "x")}]).objects == 4


def test_copies_share_nothing_with_each_other_and_the_snapshot_changes_with_nobody(calque):
    x = tree()
    prepared = calque.prepare(x)
    expected = topology(copy.deepcopy(x))
    x["servers"].clear()
    x["shared"].append(1)
    first = prepared()
    assert topology(first) == expected
    first["servers"][0]["ports"].append(1)
    first["shared"].clear()
    first["set"].add(5)
    del first["t"]
    assert topology(prepared()) == expected


def test_hooks_run_at_each_call(calque):
    log = []
    prepared = calque.prepare([Hook("h", log), [1]])
    assert log == ["h"]
    prepared()
    prepared()
    assert log == ["h"] * 3


def test_an_error_of_a_hook_is_raised_by_the_call(calque):
    wrong = []

    def action(self, memo):
        if wrong:
            raise ValueError("now")
        return self

    prepared = calque.prepare([Hook("h", [], action)])
    wrong.append(1)
    assert raised(prepared) == (ValueError, "now")
    wrong.clear()
    assert prepared()[0].label == "h"


def test_what_cannot_be_copied_cannot_be_prepared(calque):
    assert raised(calque.prepare, [sys]) == raised(copy.deepcopy, [sys])


@pytest.mark.parametrize("change", ["hook", "reduce", "setstate", "getstate", "new"])
def test_a_class_that_gets_a_hook_later(calque, change):
    class Own:
        pass

    def made():
        x = Own()
        x.a = [1]
        return x

    calque.deepcopy(made())
    x = [made()]
    prepared = calque.prepare(x)
    prepared()
    if change == "hook":
        Own.__deepcopy__ = lambda self, memo: "hook"
    elif change == "reduce":
        Own.__reduce_ex__ = lambda self, protocol: (str, ("reduced",))
    elif change == "setstate":
        Own.__setstate__ = lambda self, state: setattr(self, "set", state)
    elif change == "getstate":
        Own.__getstate__ = lambda self: {"b": 2}
    else:
        Own.__new__ = lambda cls: object.__new__(cls)
    for _ in range(2):
        assert topology(prepared()) == topology(copy.deepcopy(x))


def test_a_class_that_changes_during_the_collection_that_a_call_begins(calque):
    """A call may start the collector, up to 3.11, and finalizers and callbacks are Python code: the recipe is asked afterwards."""
    class Own:
        pass

    x = Own()
    x.a = [1]
    calque.deepcopy([x])
    prepared = calque.prepare([x])
    has_recipe = prepared.objects is not None
    collected, copies = [], []

    def change(phase, info):
        collected.append(phase)
        Own.__deepcopy__ = lambda self, memo: "hook"

    gc.callbacks.append(change)
    try:
        for _ in range(5000):
            copies.append(prepared())  # what is dropped again does not count as an allocation
            if collected:
                break
    finally:
        gc.callbacks.remove(change)
    if has_recipe and not since(3, 12):  # by deepcopy it is at any time
        assert collected and copies[-1] == ["hook"]


def test_handlers_that_come_and_go(calque):
    x = [Plain(a=[1]), [2]]
    prepared = calque.prepare(x)
    assert prepared()[1] == [2]
    calque.register(Plain)(lambda x, memo: "handled")
    try:
        assert prepared()[0] == "handled"
        assert prepared()[0] == "handled"
    finally:
        calque.unregister(Plain)
    assert type(prepared()[0]) is Plain
    with calque.atomic(list):
        inner = prepared()
    assert inner is prepared() or inner[1] is not prepared()[1]
    assert type(prepared()[0]) is Plain and prepared()[1] is not prepared()[1]


def test_tables_of_copy_and_copyreg_that_change(calque, monkeypatch):
    import copyreg
    x = [Plain(a=[1])]
    prepared = calque.prepare(x)
    prepared()
    monkeypatch.setitem(copyreg.dispatch_table, Plain, lambda x: (str, ("by copyreg",)))
    assert prepared() == ["by copyreg"]
    monkeypatch.undo()
    assert type(prepared()[0]) is Plain


def test_instances_whose_class_has_learned_other_names(calque):
    """Attributes lie where the class keeps their names: other instances add some meanwhile."""
    class Own:
        pass

    x = Own()
    x.a, x.b = [1], [2]
    calque.deepcopy(x)
    prepared = calque.prepare(x)
    for name in ("c", "d", "e", "f", "g"):
        other = Own()
        setattr(other, name, 1)
        y = prepared()
        assert vars(y) == {"a": [1], "b": [2]} and list(vars(y)) == ["a", "b"]


def test_in_a_dataclass_field(calque):
    @dataclasses.dataclass
    class Config:
        options: dict = dataclasses.field(default_factory=calque.prepare({"retries": [1, 2, 5]}))

    one, two = Config(), Config()
    assert one.options == two.options == {"retries": [1, 2, 5]}
    assert one.options["retries"] is not two.options["retries"]
    assert str(inspect.signature(calque.prepare({}))) == "()"


def test_in_a_field_of_attrs(calque):
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class Config:
        options: dict = attrs.field(factory=calque.prepare({"retries": [1, 2, 5]}))

    one, two = Config(), Config()
    assert one.options == two.options == {"retries": [1, 2, 5]} and one.options["retries"] is not two.options["retries"]


@pytest.mark.no_leak_check(reason="pydantic keeps the classes of models that were made")
def test_in_a_field_of_pydantic(calque):
    pydantic = pytest.importorskip("pydantic")

    class Config(pydantic.BaseModel):
        options: dict = pydantic.Field(default_factory=calque.prepare({"retries": [1, 2, 5]}))

    one, two = Config(), Config()
    assert one.options == two.options == {"retries": [1, 2, 5]} and one.options["retries"] is not two.options["retries"]


def test_it_takes_no_arguments(calque):
    prepared = calque.prepare([])
    assert raised(prepared, 1, 2) == (TypeError, "a calque.Prepared takes no arguments, got 2")
    assert raised(prepared, a=1) == (TypeError, "a calque.Prepared takes no arguments, got 1")
    assert raised(calque.prepare)[0] is raised(calque.Prepared, [])[0] is TypeError


def test_pickling_copying_and_repr(calque):
    prepared = calque.prepare(tree())
    again = pickle.loads(pickle.dumps(prepared))
    assert type(again) is calque.Prepared
    assert again() == prepared()
    assert copy.copy(prepared) is copy.deepcopy(prepared) is calque.deepcopy([prepared])[0] is prepared
    assert raised(pickle.dumps, calque.prepare(lambda: 1))[0] in (AttributeError, pickle.PicklingError)
    other = calque.prepare([[1]])
    other()
    assert other.copies == 1
    if knows_layouts(calque):
        assert repr(other) == "<calque.Prepared: list, 2 objects, 1 copies made>"
    assert repr(calque.prepare(5)) == "<calque.Prepared: int, copied by deepcopy, 0 copies made>"


def test_a_prepared_on_a_cycle_is_collected(calque):
    class Own:
        pass

    x = Own()
    gone = weakref.ref(x)
    prepared = calque.prepare([Hook("h", [], lambda self, memo: self)])
    y = prepared()
    y[0].x, y[0].prepared = x, prepared
    prepared2 = calque.prepare([y[0]])
    y[0].prepared2 = prepared2
    del x, y, prepared, prepared2
    gc.collect()
    assert gone() is None


def test_it_can_be_called_from_a_hook_of_itself(calque):
    depth = []

    def action(self, memo):
        if len(depth) < 3 and made:
            depth.append(1)
            made[0]()
        return self

    made = []
    made.append(calque.prepare([Hook("h", [], action), [1]]))
    assert made[0]()[1] == [1] and len(depth) == 3
    made.clear()


def test_the_last_reference_may_go_during_a_call(calque):
    holder = []
    holder.append(calque.prepare([Hook("h", [], lambda self, memo: holder.clear() or self), [[2]]]))
    holder.append(calque.prepare([Hook("h", [], lambda self, memo: holder.clear() or self), [[2]]]))
    assert holder.pop()()[1] == [[2]]
