"""Fails the n-th allocation of a copy, and all from the n-th on, for every n until the copy succeeds:

    python out_of_memory.py WHO FUNCTIONS GRAPHS HOW LEAKS

WHO is calque, or copy (what the interpreter itself can do); FUNCTIONS and GRAPHS are names with commas between them, or "all"; GRAPHS may also be
"all but " and names; HOW is "cold" (before each try free lists are emptied, and each is in a new thread, which has no contexts that wait for the next copy) or "warm"; LEAKS is how often a sweep may be repeated in
search of a leak, 0 for not at all. Runs in a process of its own in which failing_malloc is preloaded.

After each failure: a MemoryError, the source as it was, in a memo of the caller's (or one that a hook has kept) no more than the beginning of
what stdlib would have put there, the collector on in finalizers, and the next copy right. After each sweep: no block more than before it, and on
a debug interpreter no reference.
"""

import collections
import copy
import gc
import re
import sys
import threading

import failing_malloc

from support import memos, shapes
from sweeps import AND_SO_ON, blocks
from tests.fuzz.fingerprint import fingerprint

NO_END = 100_000
_total_references = getattr(sys, "gettotalrefcount", lambda: 0)


class Sweep:
    """One graph, copied in one way."""

    def __init__(self, who, function, graph, cold):
        self.name = f"{function} of {graph}"
        self.graph = graph
        self.run, self.make_memo, self.stdlib = FUNCTIONS[function](who)
        self.deepcopy = copy.deepcopy if function == "patched deepcopy" else who.deepcopy
        self.cold = cold
        self.memo_in_python = function in MEMOS_IN_PYTHON
        self.error = None
        self.x, self.names = shapes.GRAPHS[graph](self.deepcopy)

    def arguments(self, memo):
        return (self.x,) if memo is None else (self.x, memo)

    def order(self, memo):
        """What a memo holds, by name, in order: keys, and originals kept alive."""
        if memo is None:
            return [], []
        entries = memo if isinstance(memo, dict) else getattr(memo, "entries", getattr(memo, "data", memo))
        kept = entries.get(id(memo), [])
        return [self.names[key] for key in entries if key in self.names], [self.names[id(obj)] for obj in kept if id(obj) in self.names]

    def expect(self):
        """Copies that succeed: with stdlib's function, for its memo, and with ours."""
        memos.Hook.deepcopy = copy.deepcopy
        shapes.KEPT.clear()
        memo = self.make_memo(self.names)
        self.stdlib(*self.arguments(memo))
        self.stdlib_memo = self.order(memo)
        self.stdlib_kept = self.order(shapes.KEPT[0]) if shapes.KEPT else None
        memos.Hook.deepcopy = self.deepcopy
        shapes.KEPT.clear()
        self.source = fingerprint(self.x)
        self.both = fingerprint(self.x, self.run(*self.arguments(self.make_memo(self.names))))
        shapes.KEPT.clear()

    def is_beginning(self, memo, whole, n):
        for found, expected in zip(self.order(memo), whole):
            assert found == expected[:len(found)], f"{self.name}, allocation {n}: the memo holds {found}, stdlib's {expected}"

    def check(self, memo, n):
        if memo is not None:
            self.is_beginning(memo, self.stdlib_memo, n)
        if shapes.KEPT and self.stdlib_kept:
            self.is_beginning(shapes.KEPT[0], self.stdlib_kept, n)
        shapes.KEPT.clear()
        off, shapes.collector_was_off[0] = shapes.collector_was_off[0], 0
        assert off == 0, f"{self.name}, allocation {n}: a finalizer found the collector switched off"
        assert fingerprint(self.x) == self.source, f"{self.name}, allocation {n}: the source is not what it was"
        both = fingerprint(self.x, self.run(*self.arguments(self.make_memo(self.names))))
        assert both == self.both, f"{self.name}, allocation {n}: the next copy is wrong: {both}, not {self.both}"
        shapes.KEPT.clear()

    def call(self, arguments, n, last):
        try:
            failing_malloc.call(self.run, arguments, n, last)
        except MemoryError:
            pass
        except Exception as error:
            if self.memo_in_python and is_lost_by_the_interpreter(error):
                return
            self.error = f"allocation {n}: {error!r}"

    def call_cold(self, *arguments):
        """Nothing is at hand that would make an allocation needless: no free lists, and no context of this thread that waits for the next copy."""
        gc.collect()
        thread = threading.Thread(target=self.call, args=arguments)
        thread.start()
        thread.join()

    def fail(self, n, last):
        """(True when no allocation is left that could fail, the memo)"""
        if self.graph.startswith("new "):  # what is known of a class is known after its first copy
            self.x, self.names = shapes.GRAPHS[self.graph](self.deepcopy)
        memo = self.make_memo(self.names)
        call = self.call_cold if self.cold else self.call
        call(self.arguments(memo), n, last)
        assert self.error is None, f"{self.name}, {self.error}"
        return failing_malloc.refused() == 0, memo

    def sweep(self, checked):
        """How many tries there were."""
        tries = 0
        for to_the_end in (False, True):
            for n in range(1, NO_END):
                tries += 1
                done, memo = self.fail(n, n + AND_SO_ON if to_the_end else n)
                if checked:
                    self.check(memo, n)
                del memo
                shapes.KEPT.clear()
                if done:
                    break
            else:
                raise AssertionError(f"{self.name}: no end")
        return tries

    def growth(self, attempts):
        """None if a sweep left nothing; else what each of them left."""
        self.cold = False
        if self.graph.startswith("new "):
            attempts *= 8  # what is known of classes lies in tables of fixed size, by their addresses: they have to fill up first
        balance = []
        for _ in range(attempts):
            before = self.measure()
            self.sweep(False)
            after = self.measure()
            balance.append((after[0] - before[0], after[1] - before[1]))
            if any(blocks <= 0 for blocks, _ in balance) and any(references <= 0 for _, references in balance):
                return None
        return balance

    @staticmethod
    def measure():
        return blocks(), _total_references()


def with_memo(make):
    return lambda who: (who.deepcopy, make, copy.deepcopy)


def shallow(who):
    return who.copy, lambda names: None, copy.copy


def replaced(who):
    return lambda x: who.replace(x, below=[1]), lambda names: None, lambda x: x.__replace__(below=[1])


def patched(who):
    who.patch.enable()
    return copy.deepcopy, lambda names: None, copy.deepcopy


class NeverMet:
    pass


def sharing(who):
    """The registry is derived before and after each copy."""
    if who is copy:
        return with_memo(lambda names: None)(who)
    return lambda x, *memo: who.deepcopy(x, *memo, share=(NeverMet,)), lambda names: None, copy.deepcopy


FUNCTIONS = {
    "deepcopy": with_memo(lambda names: None),
    "deepcopy sharing": sharing,
    "deepcopy with a dict": with_memo(lambda names: {}),
    "deepcopy with a preset dict": with_memo(lambda names: {1: "one"}),
    "deepcopy with a dict subclass": with_memo(memos.CallDict),
    "deepcopy with a mapping": with_memo(memos.CallMemo),
    "deepcopy with a UserDict": with_memo(lambda names: collections.UserDict()),
    "copy": shallow,
    "replace": replaced,
    "patched deepcopy": patched,
}
# The interpreter's own bugs (3.11): deque.append leaks its item if there is no room for it, and deque.__copy__ loses the MemoryError when it frees
# what it has begun (Modules/_collectionsmodule.c, deque_append, deque_clear); an iterator over an OrderedDict that cannot be finished crashes
# (Objects/odictobject.c, odictiter_new).
# And a thread's first C++ exception ends the process if there is no memory for it (the C library, for a library's variables of a thread): handlers in
# Python report their errors so, and what is found out of a new class is put into containers of C++.
NOT_COLD = {"handlers in Python", "new classes"}
NOT_OURS = {("copy", "deque long"), ("copy", "ordered_dict"), ("copy", "ordered dict long")}
# Its __deepcopy__ takes dicts only.
NOT_OURS |= {(function, "element") for function in ("deepcopy with a mapping", "deepcopy with a UserDict")}
# What is known of a named tuple is looked at again whenever a handler has come or gone, and for that some text is compiled: without memory
# compile() damages the heap (3.11).
NOT_OURS |= {("deepcopy sharing", graph) for graph in ("namedtuple", "everything")}
LEAK_NOT_OURS = {"deque long"}
# When a method in Python finds no memory the interpreter may lose the error (3.11, under stdlib as well): it names the method or nobody, or has
# no memory for that either. Of a function in C that has lost its error it gives the name.
MEMOS_IN_PYTHON = {"deepcopy with a dict subclass", "deepcopy with a mapping", "deepcopy with a UserDict"}


def is_lost_by_the_interpreter(error):
    return isinstance(error, SystemError) and re.fullmatch("(error return without|<function .* returned NULL without setting an) exception.*|", str(error))


def graphs_for(function, graphs):
    if graphs == "all" or graphs.startswith("all but "):
        left_out = graphs.removeprefix("all but ").split(",")
        wanted = [graph for graph in shapes.GRAPHS if graph not in left_out]
    else:
        wanted = graphs.split(",")
    for graph in wanted:
        if (function != "replace" or graph == "replaceable") and (function, graph) not in NOT_OURS:
            yield graph


def main(who, functions, graphs, how, leaks):
    gc.set_threshold(1 << 30)  # on, as finalizers may see, but a sweep is measured without collections
    sys.setrecursionlimit(10_000)  # for chains: the copies of stdlib
    sys.unraisablehook = lambda unraisable: None  # finalizers, too, find no memory
    module = __import__(who)
    shapes.register(module)
    gc.collect()
    gc.freeze()
    tried = 0
    for function in FUNCTIONS if functions == "all" else functions.split(","):
        for graph in graphs_for(function, graphs):
            print(f"{function} of {graph}", file=sys.stderr, flush=True)
            sweep = Sweep(module, function, graph, how == "cold" and graph not in NOT_COLD)
            sweep.expect()
            tried += sweep.sweep(True)
            growth = sweep.growth(int(leaks)) if graph not in LEAK_NOT_OURS and int(leaks) else None
            assert growth is None, f"{sweep.name}: each sweep left (blocks, references) behind: {growth}"
    print(f"done: {tried} tries")


if __name__ == "__main__":
    main(*sys.argv[1:])
