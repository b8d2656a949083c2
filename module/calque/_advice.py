"""Why objects of a class are not copied natively, and what to do about it: for calque.explain.

A plain instance has a plan (runtime/type_plan.cpp): its attributes are copied from one to the other, and no Python code
runs. What a class overrides of the protocol takes that away; each such thing is named here, in the order in which
`copy.deepcopy` would come to it. Nothing is asked of instances, and attributes of classes are read without their metaclass.
"""

from __future__ import annotations

import copyreg
import types

from ._paths_of_graph import name_of_class, told

_PYTHON = (types.FunctionType, types.MethodType, classmethod, staticmethod, property)
_HANDLER = "calque.register a handler for it (in C or C++ where it is to be quick: calque/abi.h)"

# What takes the plan away: the name, and what to do.
_OVERRIDDEN = {
    "__reduce_ex__": f"leave it out if it only does what the default does, or {_HANDLER}",
    "__reduce__": f"leave it out if it only does what the default does, or {_HANDLER}",
    "__getstate__": f"if it is meant for pickling alone, {_HANDLER}",
    "__setstate__": f"if it is meant for pickling alone, {_HANDLER}",
    "__getnewargs_ex__": f"{_HANDLER}",
    "__getnewargs__": f"{_HANDLER}",
    "__new__": f"make the object in __init__, or {_HANDLER}",
    "__getattribute__": f"every step of a copy looks attributes up through it: {_HANDLER}",
    "__getattr__": f"the hooks that the class has not got are looked up through it: {_HANDLER}",
    "__setattr__": f"{_HANDLER}",
    "__delattr__": f"{_HANDLER}",
}


_MADE_BY_PYTHON = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def full_name(cls: type) -> str:
    """Module and qualified name, of builtins the name alone."""
    try:
        name, module = str(told(cls, "__qualname__")), told(cls, "__module__")
    except Exception:
        return name_of_class(cls)
    return name if module == "builtins" or type(module) is not str else f"{module}.{name}"


def owner_of(cls: type, name: str) -> type | None:
    """The class of the MRO that defines `name`, if it is not object."""
    for base in told(cls, "__mro__"):
        if name in told(base, "__dict__"):
            return None if base is object else base
    return None


def _is_python(cls: type, name: str) -> bool:
    return isinstance(told(cls, "__dict__").get(name), _PYTHON)


def _overridden(cls: type) -> list[tuple[str, str]]:
    found = []
    for name, what_to_do in _OVERRIDDEN.items():
        owner = owner_of(cls, name)
        if owner is not None and _is_python(owner, name):
            whose = "of its own" if owner is cls else f"from {full_name(owner)}"
            found.append((f"{name} {whose}", what_to_do))
    metaclass = type(cls)
    for name in ("__getattribute__", "__getattr__", "__setattr__", "__hash__", "__eq__"):
        owner = owner_of(metaclass, name)
        if owner not in (None, type) and owner is not None and _is_python(owner, name):
            found.append((f"its metaclass {full_name(metaclass)} has {name}", f"look-ups on the class run it: {_HANDLER}"))
    return found


def slow_paths(cls: type, source: str, *, objects: int, itself: int, memo_taken_over: bool) -> list[tuple[str, str]]:
    """(what makes copies of its instances slow, what to do about it), for a class whose instances `source` copies.

    Args:
        source: as in `calque.explain`: "builtin", "plan", "__deepcopy__", "copyreg", "__reduce_ex__" ...
        objects: how many were copied so, of which `itself` came out as the object itself.
    """
    share = f"calque.atomic({name_of_class(cls)}), or share={name_of_class(cls)} in the call, says so without asking it"
    if source == "__deepcopy__":
        owner = owner_of(cls, "__deepcopy__")
        if owner is not None and not _is_python(owner, "__deepcopy__"):
            return []
        if objects and itself == objects:
            return [("its __deepcopy__ was called and returned the object itself each time", share)]
        return [("a __deepcopy__ of its own", f"leave it out if it only copies the attributes, or {_HANDLER}")]
    if source == "Python":
        if objects and itself == objects:
            return [("its registered handler was called and returned the object itself each time", share)]
        return [("a handler in Python", "write it in C or C++ (calque/abi.h) if it is called often")]
    if source == "copyreg":
        return [("copyreg.dispatch_table has a function for it", _HANDLER)]
    if source not in ("__reduce_ex__", "__reduce__"):
        return []
    found = _overridden(cls)
    if not found and cls in copyreg.dispatch_table:
        found = [("copyreg.dispatch_table has a function for it", _HANDLER)]
    if not found and memo_taken_over:
        found = [("a hook has written to the memo, which from then on is a dict that has to be asked in Python's way",
                  "have hooks write nothing but memo[id(self)] = copy")]
    if not found and not told(cls, "__flags__") & _MADE_BY_PYTHON:
        found = [("a type in C that is copied by its __reduce_ex__", _HANDLER)]
    return found or [("its attributes are not plain: other objects refer to its __dict__, or that has keys that are no names, or the "
                      "instance has a hook as an attribute, or a base in C keeps data of its own", _HANDLER)]


def slots_would_help(cls: type | None, source: str) -> bool:
    """Whether instances are copied natively, as well as they can be, and have a dict each.

    A list of 1000 with four attributes: 44 ns and 160 bytes for each with a dict, 38 and 64 with slots (3.11.2).
    """
    return cls is not None and source == "plan" and told(cls, "__dictoffset__") != 0


# What people call classes that have another name.
_CALLED = {"_thread.lock": "threading.Lock", "_thread.RLock": "threading.RLock"}


def what_to_do_about(cls: type | None) -> str:
    """About an object that cannot be copied."""
    name = "its class" if cls is None else _CALLED.get(full_name(cls), name_of_class(cls))
    return f"refer to it instead of copying it: calque.deepcopy(x, share={name}) or calque.atomic({name}); or register a handler for it"
