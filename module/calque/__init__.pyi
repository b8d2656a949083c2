from collections.abc import Callable
from copy import Error as Error
from typing import Any, TypeVar

from . import patch as _patch
from ._calque import Memo as Memo, __version__ as __version__, copy as copy, deepcopy as deepcopy, replace as replace
from ._paths import get_cmake_dir as get_cmake_dir, get_include as get_include

__all__ = ["Error", "Memo", "copy", "deepcopy", "error", "get_cmake_dir", "get_include", "patch", "register", "replace", "unregister"]

error = Error
patch: _patch.Patch

_Handler = TypeVar("_Handler", bound=Callable[..., Any])

def register(cls: type, *, subclasses: bool = ...) -> Callable[[_Handler], _Handler]: ...
def unregister(cls: type) -> None: ...
