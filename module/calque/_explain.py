"""Why is this copy slow? `explain`, and the report it gives."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import _advice, _calque, _report_text, patch
from ._handlers import handler_for
from ._paths_of_graph import Step, format_path, format_step

# What frames of these handlers stand for; a handler for exactly one class has the source that handler_for gives.
_PROTOCOLS = {
    "instances": ("plan", "attributes are copied as they lie"),
    "ast nodes": ("plan", "attributes are copied as they lie"),
    "subclasses of containers": ("builtin", "subclasses of containers"),
    "known classes": ("builtin", "known: its hook need not be called"),
    "classes": ("class", "the object itself"),
    "__deepcopy__": ("__deepcopy__", "__deepcopy__"),
}


class TypeReport(NamedTuple):
    """What the copy did with the instances of one class."""

    #: Module and qualified name.
    name: str
    #: How many were copied, and how many of these came out as the object itself. Numbers, strings and other atoms are no objects here,
    #: nor are instances of classes that `calque.atomic` names.
    objects: int
    itself: int
    #: Time in nanoseconds in the objects themselves, and with everything they are made of (an object within another of its class counts once).
    exclusive_ns: int
    inclusive_ns: int
    #: What was allocated for the copies: see `calque.explain`.
    bytes: int
    #: (source, name, objects): who made the copies. The source is "builtin", "plan", "C++ plugin", "Python", "calque.atomic", "class",
    #: "__deepcopy__", "copyreg", "__reduce_ex__", "__reduce__", "copy._deepcopy_dispatch".
    served_by: tuple[tuple[str, str, int], ...]
    #: The path of the first one.
    example: str
    #: (what keeps them from being copied natively, what to do about it); empty: nothing does.
    slow: tuple[tuple[str, str], ...]


class PathReport(NamedTuple):
    """What the copy did at one place of the graph."""

    #: A pattern: `$.rows[*].tags`.
    path: str
    #: The last step of it.
    step: str
    #: Where in `Report.paths` the path above is; None: this is the root.
    parent: int | None
    objects: int
    exclusive_ns: int
    #: exclusive_ns and the inclusive_ns of the paths right below.
    inclusive_ns: int
    bytes: int
    #: (class, objects), the most frequent first.
    types: tuple[tuple[str, int], ...]
    #: Objects first met here that were met again.
    shared: int


class Reference(NamedTuple):
    """Objects that were met again: they have one copy, to which all refer."""

    #: Where they were met again, and where they were first.
    path: str
    first: str
    #: How often.
    times: int
    #: How often while they were being copied: a cycle.
    cyclic: int


class Failure(NamedTuple):
    """What ended the copy."""

    #: The place of the object, indices and all: `$.users[3].lock`.
    path: str
    #: The exception, as copy.deepcopy would have raised it.
    exception: Exception
    #: What to do about it.
    advice: str


class Report:
    """What one copy did, as `calque.explain` tells it. Printed, it is a table."""

    #: The class of the object.
    root: str
    #: By exclusive time, the longest first.
    types: list[TypeReport]
    #: The root first, each before those below it.
    paths: list[PathReport]
    #: The most frequent first.
    references: list[Reference]
    #: What ended the copy, and for what did so the copies that were made after it: see `failures` of `calque.explain`.
    failures: list[Failure]
    #: What concerns the whole copy.
    remarks: list[str]
    #: Sum of the exclusive times.
    copy_ns: int
    #: From beginning to end, what explaining took included.
    wall_ns: int
    #: Of one reading of the clock. Each of the `visits`, and each time a part is handed over, has one more than this in its time, taken off.
    clock_ns: int
    visits: int
    #: False: some memory could not be had for the report, whose numbers are too small.
    complete: bool

    def __init__(self, raw: dict[str, Any], failures: list[Failure], ended_early: bool, patched: bool) -> None:
        paths = _Paths(raw)
        classes: list[type | None] = [row[0] for row in raw["types"]]
        names = ["(others)" if cls is None else _advice.full_name(cls) for cls in classes]
        self.root = paths.root_class(names)
        self.copy_ns = sum(cell[5] for cell in raw["cells"])
        self.wall_ns, self.clock_ns = raw["wall_ns"], raw["clock_ns"]
        self.visits, self.complete = raw["visits"], raw["complete"]
        self.types = _types(raw, classes, names)
        self.paths = list(paths.rows(names))
        self.references = paths.references()
        self.failures = failures
        self.remarks = _remarks(self, raw, patched, dict(zip(names, classes)))
        if ended_early:
            self.remarks.append(f"There may be more that cannot be copied: there is no way round what fails at {failures[-1].path}.")

    @property
    def objects(self) -> int:
        """How many objects were copied; atoms (numbers, strings, functions ...) do not count."""
        return sum(row.objects for row in self.types)

    @property
    def failure(self) -> Failure | None:
        """The first of the failures. None: the copy succeeded."""
        return self.failures[0] if self.failures else None

    @property
    def bytes(self) -> int:
        """What was allocated for the copies."""
        return sum(row.bytes for row in self.types)

    def to_dict(self) -> dict[str, Any]:
        """The report as dicts, lists, strings and numbers, for JSON.

        `{"calque", "python": versions, "root", "objects", "bytes", "copy_ns", "wall_ns", "clock_ns", "visits", "complete", "remarks",
        "failures": [{"path", "exception", "message", "advice"}], "failure": the first of them or None, "types": [...], "paths": [...],
        "references": [...]}`. The rows of the last three are `TypeReport`, `PathReport` and `Reference` as dicts; `served_by` is
        `[{"source", "name", "objects"}]`, `slow` is `[{"what", "advice"}]`, `types` of a path `[{"name", "objects"}]`.
        """
        failures = [
            {"path": one.path, "exception": _advice.full_name(type(one.exception)), "message": _message(one.exception), "advice": one.advice}
            for one in self.failures]
        return {
            "calque": _calque.__version__, "python": sys.version.partition(" ")[0], "root": self.root, "objects": self.objects,
            "bytes": self.bytes, "copy_ns": self.copy_ns, "wall_ns": self.wall_ns, "clock_ns": self.clock_ns, "visits": self.visits,
            "complete": self.complete, "remarks": list(self.remarks),
            "failures": failures, "failure": failures[0] if failures else None,
            "types": [row._asdict() | {
                "served_by": [dict(zip(("source", "name", "objects"), one)) for one in row.served_by],
                "slow": [dict(zip(("what", "advice"), one)) for one in row.slow]} for row in self.types],
            "paths": [row._asdict() | {"types": [dict(zip(("name", "objects"), one)) for one in row.types]} for row in self.paths],
            "references": [row._asdict() for row in self.references],
        }

    def to_json(self) -> str:
        """`to_dict()` as JSON."""
        import json  # here, and not when calque is imported

        return json.dumps(self.to_dict())

    def to_html(self) -> str:
        """One page with everything in it: time by path as an icicle, and the tables. It loads nothing from elsewhere."""
        from ._report_html import page

        return page(self)

    def __str__(self) -> str:
        return _report_text.table(self)

    def __repr__(self) -> str:
        end = f", failed at {self.failures[0].path}" if self.failures else ""
        return f"<calque.Report: {self.root}, {self.objects} objects{end}>"


def explain(x: object, /, *, failures: int = 1) -> Report:
    """Deep-copy x once, as `calque.deepcopy` does, and tell what that took: per class and per place in the graph.

        print(calque.explain(config))

    The copy is a deepcopy in all that the program can observe: hooks are run, once, in the same order. It is then dropped. What
    hooks copy with `calque.deepcopy(child, memo)` or `copy.deepcopy(child, memo)` is told as well; for that `copy` is
    patched while the copy is made (`calque.patch`). An exception that would end the copy is not raised but reported, with the
    path of the object where it happened; KeyboardInterrupt and its like pass through.

    A copy ends with the first object that cannot be copied. To be told of more, say how many: the copy is then made again, as
    `deepcopy(x, memo)` with a memo that has each of the objects that failed as its own copy, until it succeeds. The report is of the
    last copy. Hooks are run each time. It ends early where what failed has no way round: x itself, no memory, too deep a
    recursion, or an object made anew that fails where another did.

    Times are those of handlers called one by one, with a clock read around each. deepcopy calls most of them from within each other, so
    it takes less; what is slow in one is slow in the other. Bytes are of the new objects, their attributes
    included, by layout: no `__sizeof__` is called.

    A path is `$`, then a step for each object on the way: `.name` for attributes and slots, `[3]` for elements, `['key']` for values of dicts;
    `calque/_paths_of_graph.py` has the others. In `Report.paths` they are patterns: `$.rows[*].tags`. Elements
    of lists have one pattern for all; of tuples up to 8 one each; values of dicts up to 32 one each, else one for all. Paths longer than 64
    steps are one (`**`), and there are at most 4,096 and one more below each: the size of a report does not grow with the graph.
    While the copy is made, a table takes up to 70 bytes per object, and the path to the object at hand 110 per step.

    Args:
        x: any object.
        failures: how many objects that cannot be copied to look for, at least 1.

    Returns:
        A Report: print it, or see its attributes, `to_dict()`, `to_html()`.

    Raises:
        TypeError: `failures` is no int.
        ValueError: `failures` is less than 1.
        MemoryError: there is no memory for the report.
        BaseException: one that is no Exception, from a hook.
    """
    if not isinstance(failures, int):
        raise TypeError(f"calque.explain: failures must be an int, not {type(failures).__name__}")
    if failures < 1:
        raise ValueError(f"calque.explain: failures must be at least 1, got {failures}")
    # What plugins there are is looked for at the first object whose class could have one: here, and not in the time of an object of x.
    _calque.deepcopy(_Own())
    patched = patch.enabled()
    found: list[Failure] = []
    themselves: tuple[object, ...] | None = None if failures == 1 else ()
    while True:
        error, (steps, cls, failed), raw = _copy_once(x, themselves)
        if error is None:
            break
        if not isinstance(error, Exception):
            raise error
        another = _failure(error, steps, cls)
        # Members of a set have no paths of their own.
        is_new = another.path not in (one.path for one in found) or bool(steps and steps[-1][0] == "member")
        if is_new:
            found.append(another)
        if (themselves is None or len(found) == failures or not is_new or failed is None or failed is x
                or isinstance(error, (MemoryError, RecursionError))):
            break
        themselves += (failed,)
    return Report(raw, found, len(found) < failures and error is not None, patched)


class _Own:
    """Of a module that is not the standard library's."""


def _copy_once(
    x: object, themselves: tuple[object, ...] | None
) -> tuple[BaseException | None, tuple[list[Step] | None, type | None, object], dict[str, Any]]:
    try:
        with patch:  # type: ignore[attr-defined]
            return _calque._explain(x, themselves)[1:]
    except RuntimeError:  # something else has patched copy
        return _calque._explain(x, themselves)[1:]


# -- from what _calque._explain gives:
#    nodes       [(parent, (kind, which), objects met again)]; the parent comes first, the root has -1
#    cells       [(node, class, handler's name or None, objects, itself, ns, bytes)]
#    references  [(from node, to node or -1, count, cyclic)]
#    types       [(class or None, steps of the first or None, ns with all parts)]
# and, of what ended the copy, (steps or None, class or None, the object or None)


class _Node:
    def __init__(self, step: Step, parent: _Node | None, shared: int) -> None:
        self.step, self.parent, self.shared = step, parent, shared
        self.children: dict[Any, _Node] = {}
        self.counts: dict[int, int] = {}  # class -> objects
        self.exclusive = self.inclusive = self.bytes = 0
        self.number = 0
        self.merged_into: _Node | None = None

    def steps(self) -> list[Step]:
        found = []
        node: _Node | None = self
        while node is not None and node.parent is not None:
            found.append(node.step)
            node = node.parent
        return found[::-1]

    def key(self) -> Any:
        kind, which = self.step
        return kind, type(which), which

    def take(self, other: _Node) -> None:
        other.merged_into = self
        self.shared += other.shared
        self.exclusive += other.exclusive
        self.bytes += other.bytes
        for cls, count in other.counts.items():
            self.counts[cls] = self.counts.get(cls, 0) + count
        for key, child in other.children.items():
            if key in self.children:
                self.children[key].take(child)
            else:
                child.parent = self
                self.children[key] = child

    def settle(self) -> None:
        """Where some keys have a path for all of them, they all have it; and times are summed up."""
        for kind in ("key", "attribute"):
            rest = self.children.get((kind, type(...), ...))
            if rest is None:
                continue
            for key, child in list(self.children.items()):
                if key[0] == kind and child is not rest:
                    del self.children[key]
                    rest.take(child)
        for child in self.children.values():
            child.settle()
        self.inclusive = self.exclusive + sum(child.inclusive for child in self.children.values())


class _Paths:
    """The tree of paths."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self._nodes: list[_Node] = []
        for parent, step, shared in raw["nodes"]:
            above = self._nodes[parent] if parent >= 0 else None
            node = _Node(step, above, shared)
            self._nodes.append(node)
            if above is not None:
                above.children[node.key()] = node
        for number, cls, _, objects, _, ns, size in raw["cells"]:
            node = self._nodes[number]
            node.counts[cls] = node.counts.get(cls, 0) + objects
            node.exclusive += ns
            node.bytes += size
        self._nodes[0].settle()

    def _final(self, number: int) -> _Node:
        node = self._nodes[number]
        while node.merged_into is not None:
            node = node.merged_into
        return node

    def root_class(self, names: list[str]) -> str:
        return names[next(iter(self._nodes[0].counts), 0)] if self._nodes[0].counts else "(its own copy)"

    def rows(self, names: list[str]) -> Iterator[PathReport]:
        stack, count = [self._nodes[0]], 0
        while stack:
            node = stack.pop()
            node.number, count = count, count + 1
            yield PathReport(
                format_path(node.steps()), format_step(*node.step), None if node.parent is None else node.parent.number,
                sum(node.counts.values()), node.exclusive, node.inclusive, node.bytes,
                tuple(sorted(((names[cls], objects) for cls, objects in node.counts.items()), key=lambda row: -row[1])), node.shared)
            stack += sorted(node.children.values(), key=lambda child: child.inclusive)

    def references(self) -> list[Reference]:
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for here, first, count, cyclic in self._raw["references"]:
            key = (format_path(self._final(here).steps()), "elsewhere" if first < 0 else format_path(self._final(first).steps()))
            counts = found.get(key, (0, 0))
            found[key] = counts[0] + count, counts[1] + cyclic
        return sorted((Reference(*key, *counts) for key, counts in found.items()), key=lambda row: -row.times)


def _served_by(cls: type | None, handler: str | None) -> tuple[str, str]:
    if handler in _PROTOCOLS:
        return _PROTOCOLS[handler]
    if cls is None:
        return "builtin", "(others)"
    try:
        choice = handler_for(cls)
    except Exception:  # of a metaclass
        return ("__reduce_ex__", "__reduce_ex__") if handler == "__reduce_ex__" else ("?", handler or "?")
    if handler == "__reduce_ex__" and choice.source not in ("copyreg", "__reduce_ex__", "__reduce__"):
        return "__reduce_ex__", "__reduce_ex__"
    return choice.source, choice.name.removeprefix("?.")  # of a type in C without a module


def _types(raw: dict[str, Any], classes: list[type | None], names: list[str]) -> list[TypeReport]:
    sums: dict[int, list[int]] = {}
    served: dict[int, dict[tuple[str, str], list[int]]] = {}
    for _, number, handler, objects, itself, ns, size in raw["cells"]:
        total = sums.setdefault(number, [0, 0, 0, 0])
        for i, value in enumerate((objects, itself, ns, size)):
            total[i] += value
        if objects:
            counts = served.setdefault(number, {}).setdefault(_served_by(classes[number], handler), [0, 0])
            counts[0] += objects
            counts[1] += itself
    rows = []
    for number, (objects, itself, ns, size) in sums.items():
        cls, first, inclusive = raw["types"][number]
        slow = dict.fromkeys(
            one for (source, _), counts in served.get(number, {}).items() if cls is not None
            for one in _advice.slow_paths(cls, source, objects=counts[0], itself=counts[1], memo_taken_over=raw["memo_taken_over"]))
        by = sorted(((*who, counts[0]) for who, counts in served.get(number, {}).items()), key=lambda row: -row[2])
        rows.append(TypeReport(names[number], objects, itself, ns, max(inclusive, ns), size, tuple(by),
                               "" if first is None else format_path(first), tuple(slow)))
    return sorted(rows, key=lambda row: -row.exclusive_ns)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as another:
        return f"<{_advice.full_name(type(another))} from its __str__>"


def _failure(error: Exception, steps: list[Step] | None, cls: type | None) -> Failure:
    where = "$ (at a place that is not known)" if steps is None else format_path(steps)
    return Failure(where, error, _advice.what_to_do_about(cls))


_MANY = 1000  # instances, for which it is worth changing a class


def _remarks(report: Report, raw: dict[str, Any], patched: bool, class_of: dict[str, type | None]) -> list[str]:
    found = []
    if not patched and raw["walks"] > 1:
        found.append("Hooks that call copy.deepcopy had calque's during this copy; without calque.patch.enable() they have not.")
    if raw["memo_taken_over"]:
        found.append("A hook wrote to the memo something else than its own copy: from then on each look-up went by the memo's dict.")
    for row in report.types:
        if row.objects >= _MANY and row.exclusive_ns >= report.copy_ns / 10 and _advice.slots_would_help(class_of[row.name], row.served_by[0][0]):
            found.append(f"The {row.objects:,} instances of {row.name} have a dict each. With __slots__, as @dataclass(slots=True) makes them, "
                         "their copies are made quicker and take less memory.")
    if not report.complete:
        found.append("There was no memory for parts of this report: its numbers are too small.")
    return found
