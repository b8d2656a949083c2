"""Who copies what: handlers, handler_for."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Callable
from typing import Any, NamedTuple

from . import _calque


class Registration(NamedTuple):
    """One handler. See `calque.handlers`."""

    #: The class whose instances it serves.
    cls: type
    #: Who brought it: "builtin", "C++ plugin", "Python", "copyreg", "copy._deepcopy_dispatch" or "calque.atomic".
    source: str
    #: What it calls itself; of a function its module and name.
    name: str
    #: Instances of subclasses are served as well.
    subclasses: bool
    #: It serves `calque.copy` as well.
    shallow: bool
    #: The function, if it is one of Python's.
    function: Callable[..., Any] | None


class Choice(NamedTuple):
    """Who copies instances of a class. See `calque.handler_for`."""

    cls: type
    #: As in `Registration`; or "class", "__deepcopy__", "__reduce_ex__", "__reduce__", "nothing".
    source: str
    #: What is called, or what becomes of the object.
    name: str
    #: Why it is this one, in a sentence.
    reason: str


def handlers() -> list[Registration]:
    """Every handler there is for a class, as it counts now: calque's own, plugins', from Python, of copyreg and of
    `copy._deepcopy_dispatch` where that holds something else than the standard library put there.

    A class can be listed more than once; `handler_for` tells who comes first.
    """
    found = [_registration(row) for row in _calque._handlers()]
    found += [Registration(cls, "calque.atomic", "the object itself", True, True, None) for cls in _calque._shared()]
    found += [Registration(cls, "copyreg", _name(function), False, True, function)
              for cls, function in list(copyreg.dispatch_table.items())]
    return found


def handler_for(cls: type) -> Choice:
    """Who makes the copy when `calque.deepcopy` meets an instance of `cls`, and why.

    Asked in this order; the first one that there is, is it (`Lib/copy.py`, function deepcopy, has 0, 3, 4, 6 to 9):

      0. the memo: what has been copied in this copy is not copied again
      1. `calque.atomic(cls)`, `share=`: of the class or a base
      2. a handler registered for exactly the class, from C++ or Python
      3. `copy._deepcopy_dispatch`, and what stands for it: calque's own handlers
      4. instances that are classes are their own copies
      5. a handler registered for a base with `subclasses=True`, unless a class nearer in the MRO defines `__deepcopy__`
      6. `__deepcopy__`
      7. `copyreg.dispatch_table`
      8. `__reduce_ex__(4)`
      9. `__reduce__()`

    An instance may have a `__deepcopy__` or a `__reduce_ex__` of its own as an attribute, which the class does not tell.

    Raises:
        TypeError: `cls` is not a class.
    """
    if not isinstance(cls, type):
        raise TypeError(f"expected a class, got {type(cls).__name__}: {cls!r}")
    return (_shared(cls) or _exact(cls) or _class(cls) or _inherited(cls) or _hook(cls) or _reducer(cls) or _reduction(cls)
            or Choice(cls, "nothing", "calque.Error", "there is neither a handler nor a hook nor a way to reduce it"))


def _registration(row: tuple[type, str, str, Callable[..., Any] | None, bool, bool]) -> Registration:
    cls, name, source, function, subclasses, shallow = row
    return Registration(cls, source, name if function is None else _name(function), subclasses, shallow, function)


def _name(x: object) -> str:
    name = getattr(x, "__qualname__", None)
    return repr(x) if not isinstance(name, str) else f"{getattr(x, '__module__', None) or '?'}.{name}"


def _shared(cls: type) -> Choice | None:
    shared = _calque._shared()
    for base in cls.__mro__:
        if base in shared:
            whose = "it" if base is cls else f"its base {_name(base)}"
            return Choice(cls, "calque.atomic", "the object itself", f"calque.atomic names {whose}")
    return None


def _exact(cls: type) -> Choice | None:
    row = _calque._effective(cls)
    if row is None:
        return None
    found = _registration(row)
    if found.source == "builtin":
        reason = "calque has a handler for exactly this class, and the standard library's tables have been left as they were"
    elif found.source == "copy._deepcopy_dispatch":
        reason = "copy._deepcopy_dispatch has an entry for it that is not the standard library's"
    else:
        reason = "it is registered for exactly this class"
    return Choice(cls, found.source, found.name, reason)


def _class(cls: type) -> Choice | None:
    if issubclass(cls, type):
        return Choice(cls, "class", "the object itself", "its instances are classes")
    return None


def _inherited(cls: type) -> Choice | None:
    registered = {row[0]: row for row in _calque._handlers() if row[2] in ("C++ plugin", "Python") and row[4]}
    for base in cls.__mro__:
        if base in registered:
            found = _registration(registered[base])
            return Choice(cls, found.source, found.name,
                          f"it is registered for the base {_name(base)} and subclasses, and no class between them defines "
                          "__deepcopy__")
        if "__deepcopy__" in base.__dict__:
            return None
    return None


def _hook(cls: type) -> Choice | None:
    hook = getattr(cls, "__deepcopy__", None)
    return None if hook is None else Choice(cls, "__deepcopy__", _name(hook), "the class has a __deepcopy__")


def _reducer(cls: type) -> Choice | None:
    # copy holds the table that copy.deepcopy looks into; rebinding copyreg's name changes nothing.
    function = copy.dispatch_table.get(cls)  # type: ignore[attr-defined]
    return None if not function else Choice(cls, "copyreg", _name(function), "copyreg.dispatch_table has an entry for it")


def _reduction(cls: type) -> Choice | None:
    for name in ("__reduce_ex__", "__reduce__"):
        method: object = getattr(cls, name, None)
        if method is None:
            continue
        # object's own asks for a __reduce__ of the class.
        if method is object.__reduce_ex__ and getattr(cls, "__reduce__", None) is not object.__reduce__:
            name, method = "__reduce__", cls.__reduce__
        own = method not in (object.__reduce_ex__, object.__reduce__)
        return Choice(cls, name, _name(method), f"the class has a {name} of its own" if own else
                      "none of the above; object's own way takes its attributes, or refuses")
    return None
