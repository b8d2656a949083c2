"""calque: `copy.deepcopy`, `copy.copy` and `copy.replace`, exactly, at the speed of the allocator.

    import calque
    calque.deepcopy(config)

The functions behave as those of the running interpreter's `copy` module do, for every object; the few
deliberate differences are listed in the README. `register` teaches them types of your own, `atomic` names
classes that are to be shared, `handler_for` tells who copies what, `explain` why a copy is slow or fails.
"""

from __future__ import annotations

from copy import Error

from . import _calque

_calque._require_main_interpreter()  # before anything is registered with this one, as patch does

from . import _plugins, extra, patch  # noqa: F401  (_plugins tells _calque how to find plugins)
from ._calque import Memo, Prepared, __version__, copy, deepcopy, error_path, prepare, replace
from ._explain import Report, explain
from ._handlers import handler_for, handlers
from ._paths import get_cmake_dir, get_include
from ._registry import atomic, register, unregister

__all__ = ["Error", "Memo", "Prepared", "Report", "atomic", "copy", "deepcopy", "error", "error_path", "explain", "extra", "get_cmake_dir",
           "get_include", "handler_for", "handlers", "patch", "prepare", "register", "replace", "unregister"]

error = Error  # the name copy.py keeps for programs of old
