"""Any string of bytes as a graph: what a coverage-guided fuzzer (tests/fuzz/libfuzzer) and the corpus it found are read by.

Every byte is a choice and every string is a graph, so that whatever a mutation does to the bytes is another graph. The bytes come in records, one per
node, in the order in which the nodes are made; a record that is cut short reads zeros. A number above the known kinds is a frequent kind: a new kind at
the end of BUILDERS takes one number away and leaves the meaning of the others.
"""

import functools
import pathlib

from . import graphs, harness, kinds

MOST_NODES = 48
# Tuples of tuples of atoms never enter the memo, so stdlib walks each as often as there are ways to it, as does whoever hashes or compares: time without
# end for nothing new.
MOST_WAYS = 300
_KINDS = list(kinds.BUILDERS)
_CODES = list(dict.fromkeys(kinds.ACTIONS)) + list(kinds.RARE_ACTIONS)
_HOOK_MODES = list(dict.fromkeys((*kinds.HOOK_MODES, *kinds.RARE_HOOK_MODES)))
_REDUCE_MODES = list(dict.fromkeys((*kinds.REDUCE_MODES, *kinds.RARE_REDUCE_MODES)))
_ROOTS = ("list", "dict", "tuple", "plain_root")
# Records that make no node.
_EDGE, _PRESET = 255, 254
CORPUS = pathlib.Path(__file__).with_name("corpus.txt")


class Bytes:
    def __init__(self, data):
        self.data = data
        self.position = 0

    def __bool__(self):
        return self.position < len(self.data)

    def next(self):
        self.position += 1
        return self.data[self.position - 1] if self.position <= len(self.data) else 0

    def pair(self):
        return self.next() << 8 | self.next()

    def of(self, choices):
        return choices[self.next() % len(choices)]


def decode(data):
    """(recipe, memo kind) of any bytes."""
    source = Bytes(data)
    memo_kind = source.of(graphs.MEMO_KINDS)
    first = source.next()
    root, collecting = _ROOTS[first & 3], first & 12 == 12
    nodes, actions, edges, presets, hashable, unused = [], {}, [], [], set(), []
    ways = []  # to walk what lies below a node
    while source and len(nodes) < MOST_NODES:
        record = source.next()
        if record == _EDGE:
            edges.append((source.next(), source.next()))
            continue
        if record == _PRESET:
            presets.append((source.next(), source.of(("text", "list", "node"))))
            continue
        number = len(nodes)
        kind = _KINDS[record] if record < len(_KINDS) else kinds.FREQUENT[record % len(kinds.FREQUENT)]
        (least, most), group, _ = kinds.BUILDERS[kind]
        kids = []
        ways.append(1)
        for _ in range(least + source.next() % (most - least + 1) if most else 0):
            which = source.next()
            allowed = hashable if group == "keys" else range(number)
            alone = [kid for kid in unused if kid in allowed]
            alone_below = which < 192 and bool(alone)
            if alone_below:
                kid = alone[-1 - which % len(alone)]
            elif allowed:
                kid = sorted(allowed)[-1 - which % len(allowed)]
            else:
                continue
            if ways[number] + ways[kid] <= MOST_WAYS:
                ways[number] += ways[kid]
                kids.append(kid)
                if alone_below:
                    unused.remove(kid)
        if kind in kinds.HASHABLE_LEAVES or kind in kinds.HASHABLE_IF_CHILDREN_ARE and all(kid in hashable for kid in kids):
            hashable.add(number)
        parameter = source.of(_HOOK_MODES) if kind == "hook" else source.of(_REDUCE_MODES) if kind == "reduce" else ""
        if kind in graphs.ACTING:
            actions[number] = [(source.of(_CODES), source.pair(), source.pair(), source.next() % 6) for _ in range(source.next() & 3)]
        nodes.append((kind, tuple(kids), parameter))
        unused.append(number)
    size = len(nodes)
    nodes.append((root, tuple(unused), ""))
    if size:
        edges = [(a % size, b % size) for a, b in edges[:8]]
        presets = [(number % size, how) for number, how in presets[:4]]
    else:
        edges, presets = [], []
    return graphs.Recipe(0, nodes, edges, {number: found for number, found in actions.items() if found}, presets, collecting), memo_kind


@functools.cache
def calque():
    import calque as module

    return module


def difference(data, implementation):
    recipe, memo_kind = decode(data)
    found = harness.compare(recipe, implementation, memo_kind)
    return None if found is harness.SKIPPED else found


def run(data):
    """For the C++ side: "" if calque does with the graph of these bytes what copy does, else what differs."""
    found = difference(data, calque())
    if found is None:
        return ""
    recipe, memo_kind = decode(data)
    return f"memo {memo_kind}\n{recipe}\n{found}\nagain: python -m tests.fuzz.decode {data.hex()}"


def corpus():
    return [bytes.fromhex(line) for line in CORPUS.read_text().splitlines() if not line.startswith("#")]


if __name__ == "__main__":
    import sys

    for text in sys.argv[1:]:
        recipe, memo_kind = decode(bytes.fromhex(text))
        print(harness.report(recipe, calque(), memo_kind, "calque") if difference(bytes.fromhex(text), calque())
              else f"memo {memo_kind}\n{recipe}\nas copy does")
