"""Actions that end the copy, change classes, or return what nobody expects. See actions.py."""

import gc
import sys

from . import containers
from .actions import ACTIONS, action, nested, parent, parents
from .world import GO_ON, world


# Exceptions -----------------------------------------------------------------------------------------------------------------------------------------

class Mine(Exception):
    pass


class MineBase(BaseException):
    pass


class WithFinalizer(Exception):
    def __del__(self):
        world.log("exception freed")


for _error in (Mine, MineBase, KeyboardInterrupt, MemoryError, StopIteration, GeneratorExit, RecursionError, SystemExit, AttributeError, TypeError,
               KeyError, IndexError, RuntimeError, OverflowError, UnicodeDecodeError):
    def _raise(self, memo, _error=_error):
        raise _error(*("ascii", b"x", 0, 1, "why") if _error is UnicodeDecodeError else ("hostile",))
    ACTIONS[f"raise_{_error.__name__}"] = _raise


@action
def raise_after_clearing(self, memo):
    for obj in parents():
        containers.clear(obj)
    gc.collect()
    raise Mine("hostile")


@action
def raise_after_clearing_memo(self, memo):
    if memo is not None:
        memo.clear()
    raise Mine("hostile")


@action
def raise_after_nested_copy(self, memo):
    nested("n", world.api.deepcopy, containers.get(parent(), False), memo)
    raise AttributeError("hostile")


@action
def raise_from_another(self, memo):
    try:
        world.api.deepcopy(sys)
    except TypeError as error:
        raise Mine("hostile") from error


# Classes --------------------------------------------------------------------------------------------------------------------------------------------

def _other_class_of(obj):
    cls = type(obj)
    try:
        return type("Other", (cls,), {"__slots__": ()})
    except TypeError:
        return None


@action(fresh=True)
def change_class_of_self(self, memo):
    other = _other_class_of(self)
    if other is not None:
        try:
            object.__setattr__(self, "__class__", other)
        except TypeError:
            world.log("no other class")
    return GO_ON


@action(fresh=True)
def change_class_of_self_to_plain(self, memo):
    try:
        object.__setattr__(self, "__class__", world.plain)
    except TypeError:
        world.log("no other class")
    return GO_ON


def _instances():
    """Instances of the fresh classes among the siblings and the parents."""
    for obj in parents():
        yield obj
        for first in (True, False):
            child = containers.get(obj, first)
            if type(child) is list:
                yield from list(child)


@action(fresh=True)
def change_class_of_instances(self, memo):
    class Other(world.plain):
        def __deepcopy__(self, memo):
            world.log("Other")
            return "Other"

    for obj in _instances():
        if type(obj) is world.plain:
            obj.__class__ = Other
    return GO_ON


@action(fresh=True)
def add_deepcopy_to_class_of_instances(self, memo):
    def __deepcopy__(self, memo):
        world.log("added")
        return "added"
    world.plain.__deepcopy__ = __deepcopy__
    world.slots.__deepcopy__ = __deepcopy__
    return GO_ON


@action(fresh=True)
def add_reduce_to_class_of_instances(self, memo):
    world.plain.__reduce_ex__ = lambda self, protocol: (list, ([1],))
    world.slots.__reduce__ = lambda self: (list, ([2],))
    return GO_ON


@action(fresh=True)
def add_setstate_to_class_of_instances(self, memo):
    def __setstate__(self, state):
        world.log(f"state {type(state).__name__}")
    world.plain.__setstate__ = __setstate__
    world.slots.__setstate__ = __setstate__
    return GO_ON


@action(fresh=True)
def add_getattribute_to_class_of_instances(self, memo):
    def __getattribute__(self, name):
        world.log(name)
        return object.__getattribute__(self, name)
    world.plain.__getattribute__ = __getattribute__
    world.slots.__getattribute__ = __getattribute__
    return GO_ON


@action(fresh=True)
def add_new_to_class_of_instances(self, memo):
    def __new__(cls, *args):
        world.log("new")
        return object.__new__(cls)
    world.plain.__new__ = __new__
    return GO_ON


@action(fresh=True)
def add_setattr_to_class_of_instances(self, memo):
    def __setattr__(self, name, value):
        world.log(f"set {name}")
        object.__setattr__(self, name, value)
    world.slots.__setattr__ = world.plain.__setattr__ = __setattr__
    return GO_ON


@action(fresh=True)
def dict_property_for_class_of_instances(self, memo):
    world.plain.__dict__  # the descriptor of the type is hidden from here on
    world.plain.__dict__property = property(lambda self: {"other": 1})
    type.__setattr__(world.plain, "__dict__", property(lambda self: {"other": 1}))
    return GO_ON


@action(fresh=True)
def other_bases_for_class_of_instances(self, memo):
    class Parent:
        def __getstate__(self):
            world.log("inherited")
            return {"v": "inherited"}

    try:
        world.plain.__bases__ = (Parent,)
    except TypeError:
        class Child(world.plain):
            pass
        try:
            Child.__bases__ = (Parent,)
        except TypeError:
            world.log("no other bases")
    return GO_ON


@action(fresh=True)
def slot_names_of_class_of_instances(self, memo):
    world.plain.__slotnames__ = []
    world.slots.__slotnames__ = ["v"]
    return GO_ON


@action(fresh=True)
def delete_slots_of_class_of_instances(self, memo):
    del world.slots.x
    world.slots.v = property(lambda self: world.log("get v"), lambda self, value: world.log("set v"))
    return GO_ON


@action(fresh=True)
def delete_hooks_of_class_of_self(self, memo):
    for name in ("__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__new__", "__getnewargs__", "__getattribute__",
                 "__setattr__", "append", "__setitem__", "__getattr__", "__copy__"):
        if name in type.__dict__["__dict__"].__get__(type(self)):
            type.__delattr__(type(self), name)
    return GO_ON


@action(fresh=True)
def hooks_for_class_of_self(self, memo):
    for name, value in (("__deepcopy__", lambda self, memo: "late"), ("__setstate__", lambda self, state: world.log("late setstate"))):
        try:
            type.__setattr__(type(self), name, value)
        except TypeError:
            world.log("no attribute")
    return GO_ON


@action
def hook_in_dict_of_instances(self, memo):
    for obj in _instances():
        names = containers.attributes(obj)
        if type(obj) is world.plain and names is not None:
            names["__deepcopy__"] = lambda memo: "in the instance"
    return GO_ON


# What is returned -----------------------------------------------------------------------------------------------------------------------------------

class Iterable:
    def __iter__(self):
        world.log("iterated")
        return iter((list, ([1],)))


for _name, _value in {
        "None": lambda self, memo: None, "NotImplemented": lambda self, memo: NotImplemented, "empty_tuple": lambda self, memo: (),
        "short_tuple": lambda self, memo: (list,), "long_tuple": lambda self, memo: (list, (), None, None, None, None, 1),
        "tuple_of_seven": lambda self, memo: (list, (), None, None, None, None), "self": lambda self, memo: self, "memo": lambda self, memo: memo,
        "root": lambda self, memo: world.root, "text": lambda self, memo: "text", "number": lambda self, memo: 7, "list": lambda self, memo: [1],
        "iterable": lambda self, memo: Iterable(), "iterator": lambda self, memo: iter([list, ([3],)]),
        "wrong_arguments": lambda self, memo: (list, 5), "no_callable": lambda self, memo: (5, ()),
        "wrong_items": lambda self, memo: (list, (), None, 5, 5), "wrong_pairs": lambda self, memo: (dict, (), None, None, iter([(1, 2), (3,)])),
        "wrong_state": lambda self, memo: (world.plain, (1, 2, 3), 5), "state_of_two": lambda self, memo: (world.plain, (1, 2, 3), ({"v": [1]}, {"z": [2]})),
        "slots_state_for_slots": lambda self, memo: (world.slots, (1, 2, 3), (None, {"v": [1], "nowhere": [2]})),
        "visited": lambda self, memo: containers.get(parent(), True), "class": lambda self, memo: type(self),
        "generator": lambda self, memo: (item for item in (list, ([4],), None, iter([1, [2]]))),
}.items():
    ACTIONS[f"return_{_name}"] = _value
