"""A file of the user's as an object graph: JSON, TOML, XML or pickle, told apart by the name's ending."""

from __future__ import annotations

import json
import pickle
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Unreadable(Exception):
    """A file cannot be used; the message is one sentence that names the file and the reason."""


def load(path: Path) -> Any:
    """Read a file and return its contents as a fresh object graph.

    Raises Unreadable if the file cannot be opened, is malformed, or has an ending that is not in LOADERS.
    Reading a pickle runs whatever code the pickle asks for.
    """
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        raise Unreadable(f"{path}: the name does not end in {', '.join(LOADERS)}, so its format is not known.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror or error}).") from error
    try:
        return loader(data)
    except Unreadable as error:
        raise Unreadable(f"{path}: {error}") from error
    except Exception as error:  # also what unpickling somebody's classes raises
        text = " ".join(str(error).split())
        reason = text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}"
        raise Unreadable(f"{path}: cannot be read as {path.suffix.lower()[1:]} ({reason}).") from error


def _toml(data: bytes) -> Any:
    try:
        import tomllib
    except ModuleNotFoundError:
        raise Unreadable("reading TOML needs Python 3.11 or newer (its module tomllib).") from None
    return tomllib.loads(data.decode())


def _xml(data: bytes) -> Any:
    return ElementTree.ElementTree(ElementTree.fromstring(data))


LOADERS: dict[str, Callable[[bytes], Any]] = {
    ".json": json.loads,
    ".toml": _toml,
    ".xml": _xml,
    ".pickle": pickle.loads,
    ".pkl": pickle.loads,
}
