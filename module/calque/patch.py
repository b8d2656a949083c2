"""Let calque serve the standard library's `copy`: programs and libraries get faster without a change.

    calque.patch.enable()       # from here on copy.deepcopy, copy.copy and copy.replace are calque's
    calque.patch.disable()      # back to what the standard library does, at its full speed

    with calque.patch:          # for the duration of a block; blocks nest, also across threads
        ...

The functions themselves stay: `from copy import deepcopy` made long before is served too, and name,
signature, file and line, defaults, attributes and pickling of `copy.deepcopy` are what they were. On Python
3.10 and from 3.12 on a call of it costs what a call of `calque.deepcopy` does; on 3.11 one thin Python frame
more, and `copy.deepcopy.__code__` is another object while the patch is on.

The patch is on as long as somebody wants it: `enable()` was called and `disable()` was not, or a block runs.
Copies in progress, in whatever thread, end as they began or go over in the middle, with the same result. A
forked child has the patch as its parent has it.

Served are the functions that `copy` had when calque was imported. A wrapper that replaced `copy.deepcopy`
since is left alone (what it wraps is served), and so are the functions of a `copy` that was reloaded or
imported a second time. Who assigns `copy.deepcopy.__code__` while the patch is on gets that code, and keeps it.

With `CALQUE_PATCH=1` in the environment of a program the patch is on before it begins (`help("calque._autopatch")`).
"""

from __future__ import annotations

import os
import sys
from threading import RLock
from types import ModuleType, TracebackType

from ._calque import _patch_is_on, _patch_notes, _patch_switch

__all__ = ["disable", "enable", "enabled"]

_lock = RLock()
_asked_for = False  # by enable()
_blocks = 0  # with-blocks that have not ended

# A child must not inherit the lock from a thread that it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def enable(*, notes: bool = False) -> bool:
    """Let calque serve `copy`. Calling it again changes nothing but what `notes` says.

    Args:
        notes: whether errors of `copy.deepcopy` get a note that says where in the object they arose, as those of
            `calque.deepcopy` do (Python 3.11 and later; see `calque.error_path`). Until the next call of `enable` or `disable`.

    Returns:
        True if the patch was off.

    Raises:
        RuntimeError: a function of `copy` is not the standard library's: it was replaced before calque was
            imported, or something else patches it. Nothing was changed. Also in a sub-interpreter.
    """
    global _asked_for
    with _lock:
        changed = _patch_switch(True)
        _patch_notes(bool(notes))
        _asked_for = True
        return changed


def disable() -> bool:
    """Give `copy` back to the standard library; while a `with calque.patch` block runs, when the last one ends.

    Returns:
        True if the patch was on and is off now.
    """
    global _asked_for
    with _lock:
        _asked_for = False
        _patch_notes(False)
        return not _blocks and _patch_switch(False)


def enabled() -> bool:
    """Whether calque serves `copy` now."""
    with _lock:
        return _patch_is_on()


class Patch(ModuleType):
    """The type of this module, which is a context manager."""

    def __enter__(self) -> Patch:
        global _blocks
        with _lock:
            _patch_switch(True)
            _blocks += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global _blocks
        with _lock:
            if not _blocks:
                raise RuntimeError("calque.patch: no block to leave")
            _blocks -= 1
            if not _blocks and not _asked_for:
                _patch_switch(False)


sys.modules[__name__].__class__ = Patch
