"""How programs are pickled and copied: as the call they are. Called by the native Program and DoFunction."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

from .._effects import DoFunction, do


def _is_found(function: Any) -> Any:
    """What pickle would find by the function's name, if that is a DoFunction of this function; else None."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    try:
        found = operator.attrgetter(function.__qualname__)(module)
    except AttributeError:
        return None
    return found if type(found) is DoFunction and getattr(found, "__wrapped__", None) is function else None


def call_again(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The program of a call. `function`: of @do, or one that a program was made of and that nobody finds by its name."""
    return do(function)(*args, **kwargs)


def reduce_program(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A program of a module's function is pickled with the name of that; pickle refuses others in its own words."""
    return call_again, (_is_found(function) or function, args, kwargs)
