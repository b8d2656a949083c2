"""Runs one graph under two implementations and tells the first difference."""

import collections
import copy
import gc
import re
import sys
import types

from . import graphs
from .fingerprint import fingerprint
from .world import world


class CallMemo:
    """No dict, no mapping: three methods that say when they are called."""

    def __init__(self):
        self.entries = {}

    def get(self, key, default):
        world.trace.append(f"get {self.role(key)}")
        return self.entries.get(key, default)

    def __getitem__(self, key):
        world.trace.append(f"[] {self.role(key)}")
        return self.entries[key]

    def __setitem__(self, key, value):
        world.trace.append(f"= {self.role(key)} {type(value).__name__}")
        self.entries[key] = value

    def role(self, key):
        return "memo" if key == id(self) else f"#{world.labels[key]}" if key in world.labels else "?"


class TracingDict(dict):
    def get(self, key, default=None):
        world.trace.append(f"get {CallMemo.role(self, key)}")
        return super().get(key, default)

    def __getitem__(self, key):
        world.trace.append(f"[] {CallMemo.role(self, key)}")
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        world.trace.append(f"= {CallMemo.role(self, key)} {type(value).__name__}")
        super().__setitem__(key, value)


def make_memo(kind, presets):
    return {
        "none": lambda: None,
        "dict": dict,
        "userdict": collections.UserDict,
        "mapping": CallMemo,
        "tracingdict": TracingDict,
        "defaultdict": lambda: collections.defaultdict(list),
        "preset": lambda: dict(presets),
    }[kind]()


def entries_of(memo):
    return memo.entries if type(memo) is CallMemo else memo.data if isinstance(memo, collections.UserDict) else dict(memo)


class Outcome:
    """What one run showed: lines in an order that two right implementations share."""

    def __init__(self, error, trace, freed, objects, memo):
        self.parts = {"error": error, "trace": trace, "freed": freed, "objects": objects, "memo": memo}

    def difference(self, other):
        for name, mine in self.parts.items():
            theirs = other.parts[name]
            if mine != theirs:
                if isinstance(mine, list):
                    for position in range(max(len(mine), len(theirs))):
                        a = mine[position] if position < len(mine) else "(end)"
                        b = theirs[position] if position < len(theirs) else "(end)"
                        if a != b:
                            before = "".join(f"\n        {line}" for line in mine[max(0, position - 6):position])
                            return f"{name}, line {position}:{before}\n    copy:  {a}\n    other: {b}"
                return f"{name}:\n    copy:  {mine}\n    other: {theirs}"
        return None


def _text_of(error):
    return f"{type(error).__name__}: " + re.sub(r"0x[0-9a-f]+", "0x", str(error))


def run(recipe, implementation, memo_kind):
    """Builds the graph, copies it, and describes everything afterwards.

    The collector only runs where the recipe has it: what it frees while the copy is described would be seen in the weak
    references, and when it comes depends on the graphs before.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        outcome = _run(recipe, implementation, memo_kind)
        if any(kind == "reporting" for kind, _, _ in recipe.nodes):
            gc.collect()  # else what this graph leaves could be freed, and say so, in the middle of another one
    finally:
        if collecting:
            gc.enable()
    return outcome


def _run(recipe, implementation, memo_kind):
    root, labels, presets, preset_nodes = graphs.build(recipe)
    world.reset(implementation)
    world.root, world.labels, world.actions = root, labels, recipe.actions
    memo = make_memo(memo_kind, presets)
    world.memo_given = memo
    if memo_kind == "preset":
        world.held.extend(preset_nodes)
    del presets, preset_nodes
    threshold = gc.get_threshold()
    if recipe.collecting:
        gc.enable()
        gc.set_threshold(20, 3, 3)
    result = error = None
    world.active = True
    try:
        if memo_kind == "none":
            result = implementation.deepcopy(root)
        else:
            result = implementation.deepcopy(root, memo)
    except Exception as caught:
        error = caught
    finally:
        world.active = False
        still = gc.isenabled()
        gc.disable()
        gc.set_threshold(*threshold)
    world.trace.append(f"garbage collection {still}")
    if isinstance(error, RecursionError):
        world.reset(copy)
        return None
    text = _text_of(error) if error is not None else ""
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        text += " from " + _text_of(error.__cause__)
    # What the frames of a traceback hold is freed when they are: that is no difference.
    freed = sorted(world.freed) if error is None and not recipe.collecting else []
    error = None
    if recipe.collecting:
        gc.collect()  # how much of the garbage was collected during the copy is not compared
    objects = fingerprint(world.root, result, world.limbo, names=("source", "copy", "limbo"))
    entries = []
    if memo is not None:
        pairs = [(f"#{world.labels[key]}" if key in world.labels else "memo" if key == id(memo) else "?", value)
                 for key, value in entries_of(memo).items()]
        entries = fingerprint(world.root, result, *[value for _, value in pairs], names=("source", "copy", *[key for key, _ in pairs]))
    for stolen in world.kept_memos:
        if isinstance(stolen, dict):
            pairs = [(f"#{world.labels[key]}", value) for key, value in stolen.items() if key in world.labels]
            entries += fingerprint(world.root, result, *[value for _, value in pairs], names=("source", "copy", *[key for key, _ in pairs]))
    outcome = Outcome(text, world.trace, freed, objects, entries)
    world.reset(copy)
    return outcome


SKIPPED = "skipped"


def compare(recipe, implementation, memo_kind):
    """None if both did the same, SKIPPED if stdlib ran out of recursion, else the difference as text."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 3000))
    try:
        expected = run(recipe, copy, memo_kind)
        if expected is None:
            return SKIPPED
        got = run(recipe, implementation, memo_kind)
        if got is None:
            return "RecursionError where copy has none"
        return expected.difference(got)
    finally:
        sys.setrecursionlimit(limit)


def report(recipe, implementation, memo_kind, implementation_name):
    """A failing graph made small, with everything needed to see it again."""

    def fails(candidate):
        return compare(candidate, implementation, memo_kind) not in (None, SKIPPED)

    small = graphs.shrink(recipe, fails)
    return (f"graph {recipe.seed} with memo {memo_kind!r} differs; again: python -m tests.fuzz --graphs 1 --seed {recipe.seed} --memo {memo_kind}"
            f"{'' if implementation_name == 'calque' else ' --subject ' + implementation_name}\n{small}\n{compare(small, implementation, memo_kind)}")


def fuzz(implementation, memo_kind, seed, graphs_wanted, on_difference, *, on_graph=None):
    """Compares `graphs_wanted` graphs; returns (graphs that differ, graphs skipped)."""
    differing = skipped = 0
    for number in range(seed, seed + graphs_wanted):
        recipe = graphs.generate(number)
        if on_graph is not None:
            on_graph(number)
        difference = compare(recipe, implementation, memo_kind)
        if difference is SKIPPED:
            skipped += 1
        elif difference is not None:
            differing += 1
            if on_difference(recipe, difference):
                break
    return differing, skipped


def as_implementation(module):
    return types.SimpleNamespace(deepcopy=module.deepcopy, copy=module.copy)
