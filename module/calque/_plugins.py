"""Plugins: packages that bring handlers for the types of a library, loaded when a copy first meets such a type.

A distribution declares them as entry points of the group `calque.handlers`. The name is the top-level module of the types,
the object what to load: a module that registers handlers when it is imported, or a function that does so.

    [project.entry-points."calque.handlers"]
    shapely = "shapely_calque"

Nothing is looked for before a copy meets a type that is neither the standard library's nor of `__main__`, and
nothing at all with `CALQUE_DISABLE_PLUGINS=1` in the environment. A plugin that fails to load is reported by a
RuntimeWarning; objects are then copied as without it.

That first copy waits for the answer. Importing importlib.metadata took 38 ms of 50, more than many programs copy in all; so it is asked
only if a file of a distribution names the group, or if there are distributions that are not folders.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from . import _calque

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "calque.handlers"
OFF = "CALQUE_DISABLE_PLUGINS"

# calque's own: top-level module -> (the plugin, what it cannot do without).
_OWN = {"numpy": ("calque.plugins.numpy", "calque.plugins._numpy")}


def find() -> dict[str, Callable[[], None]]:
    """What there is: by top-level module, the function that loads all plugins declared for it. Called once."""
    if os.environ.get(OFF, "") not in ("", "0"):
        return {}
    declared: dict[str, list[EntryPoint]] = {top: [] for top in _OWN}
    if _may_be_declared():
        from importlib.metadata import entry_points

        for entry in entry_points(group=GROUP):
            declared.setdefault(entry.name, []).append(entry)
    return {top: partial(_load, top, entries) for top, entries in declared.items()}


def has_own(top: str) -> bool:
    """Whether calque has a plugin for this top-level module, and the plugin what it needs."""
    if top not in _OWN:
        return False
    from importlib.util import find_spec

    needed = _OWN[top][1]
    return find_spec(needed.rpartition(".")[0]) is not None and find_spec(needed) is not None


def _may_be_declared() -> bool:
    """False only if importlib.metadata would find no entry point of the group."""
    for finder in sys.meta_path:
        # The interpreter's own looks for folders in sys.path, as is done here.
        if hasattr(finder, "find_distributions") and getattr(finder, "__module__", "") != "_frozen_importlib_external":
            return True
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except NotADirectoryError:
            return True  # an archive
        except OSError:
            continue
        if any(_names_the_group(os.path.join(folder, name)) for name in names if name.lower().endswith((".dist-info", "egg-info"))):
            return True
    return False


def _names_the_group(distribution: str) -> bool:
    try:
        with open(os.path.join(distribution, "entry_points.txt"), "rb") as file:
            return GROUP.encode() in file.read()
    except OSError:  # there is none
        return False


def _load(top: str, entries: Iterable[EntryPoint]) -> None:
    if has_own(top):
        from importlib.metadata import EntryPoint

        entries = [EntryPoint(top, _OWN[top][0], GROUP), *entries]
    for entry in entries:
        try:
            loaded = entry.load()
            if callable(loaded):
                loaded()
        except Exception as error:
            import warnings

            warnings.warn(
                f"calque plugin {entry.value} for types of {entry.name} failed to load ({type(error).__name__}: {error}); "
                f"they are copied without it. {OFF}=1 switches plugins off.",
                RuntimeWarning, stacklevel=2)


_calque._set_up_plugins(frozenset(sys.stdlib_module_names) | {"__main__"}, find)
