"""calque: `copy.deepcopy`, `copy.copy` and `copy.replace`, exactly, at the speed of the allocator.

    import calque
    calque.deepcopy(config)

The functions behave as those of the running interpreter's `copy` module do, for every object; the few
deliberate differences are listed in the README. `register` teaches them types of your own.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import Error
from typing import Any, TypeVar

from . import _calque

_calque._require_main_interpreter()  # before anything is registered with this one, as patch does

from . import patch
from ._calque import Memo, __version__, copy, deepcopy, replace
from ._paths import get_cmake_dir, get_include

__all__ = ["Error", "Memo", "copy", "deepcopy", "error", "get_cmake_dir", "get_include", "patch", "register", "replace", "unregister"]

error = Error  # the name copy.py keeps for programs of old

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def register(cls: type, *, subclasses: bool = False) -> Callable[[_Handler], _Handler]:
    """Make a function the handler of a class: a decorator.

        @calque.register(Connection)
        def copy_connection(connection, memo):
            return Connection(memo.copy(connection.options))

    Args:
        cls: the class. The handler serves its exact instances.
        subclasses: also instances of subclasses, unless a class nearer to the object's own defines
            `__deepcopy__` or has a handler.

    The function is called as `fn(obj, memo)` with a `calque.Memo` and returns the copy. It comes before
    `__deepcopy__`, copyreg and `__reduce_ex__`, and takes effect at once.

    Raises:
        TypeError: `cls` is not a class, or the decorated object is not callable.
        ValueError: `cls` has a registered handler already.
    """

    def decorate(fn: _Handler) -> _Handler:
        _calque._register(cls, fn, subclasses)
        return fn

    return decorate


def unregister(cls: type) -> None:
    """Remove the handler registered for exactly `cls`.

    Raises:
        TypeError: `cls` is not a class.
        LookupError: nothing was registered for it.
    """
    _calque._unregister(cls)
