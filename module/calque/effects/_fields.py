"""The fields of a class of effects, from its annotations. Called by the native Effect when a subclass is made."""

import sys
from typing import Any, ClassVar, get_origin


def _own_annotations(cls: type) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        # A name that is not defined yet must not stop the class from being made.
        import annotationlib

        if "__annotations__" not in cls.__dict__ and "__annotate_func__" not in cls.__dict__:
            return {}
        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    found: dict[str, Any] = cls.__dict__.get("__annotations__", {})
    return found


def _is_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.partition("[")[0].strip() in ("ClassVar", "typing.ClassVar")
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def name_fields(cls: Any) -> None:
    """Sets `cls.__match_args__` to the names of its fields: those of its bases, then its own."""
    if "__match_args__" in cls.__dict__:
        return
    names: list[str] = []
    for base in reversed(cls.__mro__[1:]):
        names += [name for name in base.__dict__.get("__match_args__", ()) if name not in names]
    names += [name for name, annotation in _own_annotations(cls).items()
              if name not in names and not _is_class_variable(annotation)]
    cls.__match_args__ = tuple(names)  # type: ignore[misc]


def show(effect: Any) -> str:
    """The repr of an effect of a user's class."""
    fields = [f"{name}={getattr(effect, name)!r}" for name in type(effect).__match_args__ if hasattr(effect, name)]
    return f"{type(effect).__qualname__}({', '.join(fields)})"
