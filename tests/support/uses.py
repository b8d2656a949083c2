"""What a type checker must make of calque: test_types.py hands this to mypy. It is not run."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import assert_type

import calque
from calque import extra, patch


@dataclass
class Point:
    x: int
    tags: list[str] = field(default_factory=calque.prepare(["a"]))


point = Point(1)

# A copy has the type of the original.
assert_type(calque.deepcopy(point), Point)
assert_type(calque.deepcopy({"a": [1]}), dict[str, list[int]])
assert_type(calque.deepcopy(point, {}), Point)
assert_type(calque.deepcopy(point, memo=None, share=Point), Point)
assert_type(calque.deepcopy(x=point, share=(Point, threading.Lock)), Point)
assert_type(calque.copy([point]), list[Point])
assert_type(calque.replace(point, x=2), Point)

prepared = calque.prepare({"a": [point]})
assert_type(prepared, calque.Prepared[dict[str, list[Point]]])
assert_type(prepared(), dict[str, list[Point]])
assert_type(prepared.copies, int)
assert_type(prepared.objects, int | None)
assert_type(calque.deepcopy(prepared), calque.Prepared[dict[str, list[Point]]])


assert_type(extra.replicate(point, 3), list[Point])
assert_type(extra.repeatcall(prepared, 2), list[dict[str, list[Point]]])
assert_type(calque.error_path(ValueError()), str | None)


# A handler keeps its own type.
@calque.register(Point, subclasses=True, shallow=lambda original: original)
def copy_point(original: Point, memo: calque.Memo) -> Point:
    assert_type(memo.copy(original.tags), list[str])
    assert_type(memo.get(id(original)), Any)
    memo.keep_alive(original)
    assert_type([key for key in memo], list[int])
    return Point(original.x)


assert_type(copy_point(point, calque.Memo()), Point)
make: Callable[[Point, calque.Memo], Point] = copy_point
assert_type(calque.unregister(Point), None)
with calque.atomic(Point, threading.Lock) as shared:
    assert_type(shared.classes, tuple[type, ...])
assert_type(calque.handler_for(Point).reason, str)
assert_type([each.cls for each in calque.handlers()], list[type])

assert_type(patch.enable(), bool)
assert_type(calque.patch.disable(), bool)
with calque.patch as on:
    assert_type(on.enabled(), bool)

assert_type(calque.get_include(), str)
assert_type(calque.__version__, str)
error: type[Exception] = calque.Error
try:
    calque.copy(threading.Lock())
except calque.error:
    pass

# What is wrong is refused: mypy reports an ignore that nothing needs.
calque.deepcopy()  # type: ignore[call-arg]
calque.deepcopy(point, share=5)  # type: ignore[arg-type]
calque.copy(point, {})  # type: ignore[call-arg]
calque.replace(obj=point)  # type: ignore[call-arg]
calque.prepare(x=point)  # type: ignore[call-arg]
calque.register("Point")  # type: ignore[arg-type]
calque.atomic(5)  # type: ignore[arg-type]
prepared(1)  # type: ignore[call-arg]
