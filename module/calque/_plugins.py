"""Plugins: packages that bring handlers for the types of a library, loaded when a copy first meets such a type.

A distribution declares them as entry points of the group `calque.handlers`. The name is the top-level module of the types,
the object what to load: a module that registers handlers when it is imported, or a function that does so.

    [project.entry-points."calque.handlers"]
    shapely = "shapely_calque"

Nothing is looked for before a copy meets a type that is neither the standard library's nor of `__main__`, and
nothing at all with `CALQUE_DISABLE_PLUGINS=1` in the environment. A plugin that fails to load is reported by a
RuntimeWarning; objects are then copied as without it.
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
    # Here, because it takes longer to import than calque does.
    from importlib.metadata import EntryPoint, entry_points
    from importlib.util import find_spec

    declared: dict[str, list[EntryPoint]] = {}
    for top, (plugin, needed) in _OWN.items():
        if find_spec(needed.rpartition(".")[0]) is not None and find_spec(needed) is not None:
            declared[top] = [EntryPoint(top, plugin, GROUP)]
    for entry in entry_points(group=GROUP):
        declared.setdefault(entry.name, []).append(entry)
    return {top: partial(_load, entries) for top, entries in declared.items()}


def _load(entries: Iterable[EntryPoint]) -> None:
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
