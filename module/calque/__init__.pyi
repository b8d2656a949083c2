from copy import Error as Error

from . import extra as extra, patch as _patch
from ._calque import (Memo as Memo, Prepared as Prepared, __version__ as __version__, copy as copy, deepcopy as deepcopy,
                      error_path as error_path, prepare as prepare, replace as replace)
from ._explain import Report as Report, explain as explain
from ._handlers import handler_for as handler_for, handlers as handlers
from ._paths import get_cmake_dir as get_cmake_dir, get_include as get_include
from ._registry import atomic as atomic, register as register, unregister as unregister

__all__ = ["Error", "Memo", "Prepared", "Report", "atomic", "copy", "deepcopy", "error", "error_path", "explain", "extra", "get_cmake_dir",
           "get_include", "handler_for", "handlers", "patch", "prepare", "register", "replace", "unregister"]

error = Error
patch: _patch.Patch
