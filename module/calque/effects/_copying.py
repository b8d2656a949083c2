"""Values that cross a boundary as deep copies: of State(copy=...), of transactions, of logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import calque


class UncopyableValue(TypeError):
    """A value of State cannot be copied. Its `__cause__` is what copying it raised.

    Attributes:
        key: the key of State.
        path: where in the value, as `calque.error_path` spells it ("$.lock"), or None if that is not known.
    """

    def __init__(self, key: Any, path: str | None, cause: BaseException) -> None:
        where = "" if path in (None, "$") else f" at {path}"
        super().__init__(f"the value of {key!r} cannot be copied{where}: {type(cause).__name__}: {cause}")
        self.key = key
        self.path = path


def refuse(key: Any, error: Exception) -> Exception:
    """What to raise instead of `error`, which left the copy of a value: itself if it says nothing about the value."""
    if isinstance(error, (MemoryError, RecursionError)):
        return error
    refusal = UncopyableValue(key, calque.error_path(error), error)
    refusal.__cause__ = error
    return refusal


def copied(key: Any, value: Any, memo: dict[int, Any] | None = None) -> Any:
    """A deep copy of a value of State."""
    try:
        return calque.deepcopy(value, memo)
    except Exception as error:
        refusal = refuse(key, error)
        if refusal is error:
            raise
        raise refusal from error


def copied_values(store: Mapping[Any, Any]) -> dict[Any, Any]:
    """The keys themselves, with deep copies of the values: what they share, their copies share."""
    memo: dict[int, Any] = {}
    return {key: copied(key, value, memo) for key, value in store.items()}
