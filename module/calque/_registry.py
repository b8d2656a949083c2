"""Handlers from Python: register, unregister, atomic."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from . import _calque

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def register(cls: type, *, subclasses: bool = False, shallow: Callable[[Any], Any] | None = None,
             exact_dict: bool = False) -> Callable[[_Handler], _Handler]:
    """Make a function the handler of a class: a decorator.

        @calque.register(Connection)
        def copy_connection(connection, memo):
            return Connection(memo.copy(connection.options))

    Args:
        cls: the class. The handler serves its exact instances.
        subclasses: also instances of subclasses, unless a class nearer to the object's own defines
            `__deepcopy__` (for `shallow`: `__copy__`) or has a handler.
        shallow: a function `shallow(obj) -> copy` for `calque.copy`. Without one `calque.copy` does what it does
            for classes without handler.
        exact_dict: hand the function the dict that a `__deepcopy__` receives (the caller's mapping, if there is one)
            instead of a `calque.Memo`: for functions that pass it on to code which asks for a dict.

    The function is called as `fn(obj, memo)` with a `calque.Memo` and returns the copy: the shape of
    `__deepcopy__(self, memo)`. It comes before `__deepcopy__`, copyreg and `__reduce_ex__` (`handler_for` tells the
    whole order), and takes effect at once, in all threads and in copies under way. What it returns is
    entered in the memo for `obj`; on a cycle back to `obj`, enter it before copying children: `memo[id(obj)] = copy`.

    Returns:
        A decorator, which returns the function.

    Raises:
        TypeError: `cls` is not a class; `shallow`, or the decorated object, is not callable.
        ValueError: `cls` has a registered handler already.
    """
    _check_class(cls, "register a handler for")
    if shallow is not None and not callable(shallow):
        raise TypeError(f"expected a function shallow(obj) for {cls.__name__}, "
                        f"got {type(shallow).__name__}, which is not callable")

    def decorate(fn: _Handler) -> _Handler:
        if not callable(fn):
            raise TypeError(f"expected a handler fn(obj, memo) for {cls.__name__}, "
                            f"got {type(fn).__name__}, which is not callable")
        _calque._register(cls, fn, subclasses, shallow, exact_dict)
        return fn

    return decorate


def unregister(cls: type) -> None:
    """Remove the handler registered for exactly `cls`; without one, what `atomic(cls)` said.

    Raises:
        TypeError: `cls` is not a class.
        LookupError: nothing was registered for it.
    """
    _check_class(cls, "unregister")
    try:
        _calque._unregister(cls)
    except LookupError:
        with _lock:
            wishes = _atomic_now.get(cls)
            if not wishes:
                raise
            for wish in list(wishes):
                wish._take_back((cls,))


# Guards _atomic_now. A finalizer or a signal's handler may come in between, hence the R.
_lock = threading.RLock()
_atomic_now: dict[type, list[atomic]] = {}


class atomic:
    """Make the instances of classes their own copies: deep and shallow copies refer to the originals.

        calque.atomic(Connection)              # from now on
        with calque.atomic(Lock, Logger):      # until the end of the block
            calque.deepcopy(service)
        calque.deepcopy(service, share=(Lock, Logger))    # in this copy alone

    Args:
        *classes: classes; instances of their subclasses count. `threading.Lock` and `threading.RLock` stand for
            the classes of what they make where they are functions (Lock up to Python 3.12, RLock in all versions).

    In effect in all threads from the call on, and before all handlers and hooks of these classes. It
    ends with the `with` block, or with `unregister(cls)`; blocks may overlap, and a class is copied again when the
    last one that names it has ended.

    Raises:
        TypeError: not a class.
    """

    __slots__ = ("classes", "_left")

    #: The classes that are shared, a tuple.
    classes: tuple[type, ...]

    def __init__(self, *classes: type | Callable[[], Any]) -> None:
        self.classes = classes_of(classes)
        self._left: set[type] = set()
        with _lock:
            named = tuple(dict.fromkeys(self.classes))
            _calque._share(named)
            self._left.update(named)
            for cls in named:
                _atomic_now.setdefault(cls, []).append(self)

    def __enter__(self) -> atomic:
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            self._take_back(self.classes)

    def _take_back(self, classes: Iterable[type]) -> None:
        gone = tuple(cls for cls in dict.fromkeys(classes) if cls in self._left)
        if gone:
            _calque._copy_again(gone)
            self._left.difference_update(gone)
            for cls in gone:
                _atomic_now[cls].remove(self)
                if not _atomic_now[cls]:
                    del _atomic_now[cls]

    def __repr__(self) -> str:
        return f"calque.atomic({', '.join(cls.__qualname__ for cls in self.classes)})"


def classes_of(wish: Any) -> tuple[type, ...]:
    """The tuple of classes that people mean by a class, or by an iterable of classes. TypeError for anything else."""
    cls = _class_meant(wish)
    if cls is not None:
        return (cls,)
    try:
        named = tuple(wish)
    except TypeError:
        raise TypeError(f"expected a class or an iterable of classes to share, got {type(wish).__name__}: {wish!r}") from None
    classes = []
    for position, one in enumerate(named):
        cls = _class_meant(one)
        if cls is None:
            raise TypeError(f"expected a class to share at position {position}, got {type(one).__name__}: {one!r}")
        classes.append(cls)
    return tuple(classes)


def _class_meant(one: Any) -> type | None:
    if isinstance(one, type):
        return one
    # Functions that people take for classes.
    threads = sys.modules.get("threading")
    if threads is not None and any(one is make for make in (threads.Lock, threads.RLock)):
        return type(one())
    return None


def _check_class(cls: object, what: str) -> None:
    if not isinstance(cls, type):
        raise TypeError(f"expected a class to {what}, got {type(cls).__name__}: {cls!r}")
