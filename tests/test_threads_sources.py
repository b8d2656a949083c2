"""Sources that other threads change while they are copied: no crash, copies made of sound parts, and no exception that copy cannot raise there.

The graphs are big, so that the copy is given up in the middle wherever the implementation gives way (small under CALQUE_SAFEPOINTS, where it
gives way everywhere); `Yields` gives the others their turn in any case. What is changed away is freed at once, by whoever takes it away, and
memory is reused by what is put there.
"""

import collections
import gc
import itertools
import os
import random
import threading
import time

import pytest
from support.threads import Meanwhile, for_a_while, in_threads

SMALL = "CALQUE_SAFEPOINTS" in os.environ
SIZE = 300 if SMALL else 3000
CHAINS = 3 if SMALL else 30
pytestmark = pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")


class Yields:
    """Lets the other threads run in the middle of a copy."""

    def __deepcopy__(self, memo):
        time.sleep(0)
        return self


class Record:
    def __init__(self, i):
        self.number, self.tags, self.parent = i, [i, (i, [i])], None


class Slots:
    __slots__ = ("number", "tags", "more")

    def __init__(self, i):
        self.number, self.tags = i, [i, (i, [i])]


class OwnHook:
    def __init__(self, i):
        self.number, self.tags = i, [i, (i, [i])]

    def __reduce_ex__(self, protocol):
        return OwnHook, (self.number,), {"tags": self.tags}


_numbers = itertools.count()


def fresh(rng):
    """A small new part of a graph; sound() knows what it may look like."""
    i = next(_numbers)
    return (lambda: [i, (i, [i])], lambda: {"number": i, "tags": [i, (i, [i])]}, lambda: Record(i), lambda: Slots(i), lambda: OwnHook(i),
            lambda: (i, [i, {i: [i]}]), lambda: collections.deque([i, [i]]), lambda: {i, i + 1})[rng.randrange(8)]()


def sound_tags(tags):
    assert type(tags) is list and len(tags) == 2 and type(tags[1]) is tuple and tags[1][1] == [tags[0]] and tags[1][0] == tags[0], tags


def sound(part):
    kind = type(part)
    if kind is list:
        sound_tags(part)
    elif kind is dict:
        if part:
            sound_tags(part["tags"])
    elif kind in (Record, Slots, OwnHook):
        sound_tags(part.tags)
        assert part.number == part.tags[0]
    elif kind is tuple:
        assert len(part) == 2 and part[1] == [part[0], {part[0]: [part[0]]}]
    elif kind is collections.deque:
        assert part[1] == [part[0]]
    elif kind is set:
        assert len(part) == 2 and max(part) - min(part) == 1
    else:
        assert kind in (Yields, type(None)), kind


def parts(rng):
    return [Yields() if i % 100 == 50 else fresh(rng) for i in range(SIZE)]


# One way per kind of container: (source, what changes it, the parts of a copy, what iteration under change may raise).

def a_list(rng):
    x = parts(rng)

    def change():
        i = rng.randrange(SIZE)
        what = rng.randrange(6)
        if what == 0:
            x[i:i + 50] = [fresh(rng) for _ in range(50)]
        elif what == 1:
            del x[i // 2:i // 2 + 3]
            x.extend([fresh(rng), fresh(rng), fresh(rng)])
        elif what == 2:
            x.insert(i, x.pop())
        elif what == 3 and i % 50 == 0:
            kept = x[:]
            x.clear()
            x.extend(kept)
        elif what == 4:
            x.reverse()
        else:
            x[i % len(x)] = fresh(rng)

    return x, change, list, ()


def a_dict(rng):
    x = dict(enumerate(parts(rng)))

    def change():
        i = rng.randrange(SIZE)
        what = rng.randrange(20)
        if what == 0:
            x[("new", i)] = fresh(rng)
        elif what == 1:
            x.pop(("new", i), None)
            x.pop(i, None)
        elif what == 2:
            x.pop(i, None)
            x[i] = fresh(rng)
        elif what == 3 and i % 100 == 0:
            kept = list(x.items())
            x.clear()
            x.update(kept)
        else:
            x[i] = fresh(rng)

    return x, change, lambda x: [part for part in x.values()], ("dictionary changed size during iteration", "dictionary keys changed during iteration")


def a_dict_with_the_same_keys(rng):
    x = {str(i): part for i, part in enumerate(parts(rng))}
    keys = list(x)

    def change():
        for _ in range(10):
            x[keys[rng.randrange(SIZE)]] = fresh(rng)

    return x, change, lambda x: [part for part in x.values()], ()


def instances(rng):
    """Their attributes come and go; stdlib iterates over the dict of an instance, which is the instance's own."""
    x = [Record(i) if i % 100 else Yields() for i in range(SIZE)]

    def change():
        i = rng.randrange(SIZE)
        record = x[i]
        if type(record) is Record:
            what = rng.randrange(5)
            if what == 0:
                record.parent = Record(i)
            elif what == 1:
                record.extra = [i]
            elif what == 2:
                vars(record).pop("extra", None)
            elif what == 3:
                fresh_one = Record(record.number)
                record.__dict__ = vars(fresh_one)
            else:
                record.tags = [record.number, (record.number, [record.number])]

    return x, change, list, ("dictionary changed size during iteration", "dictionary keys changed during iteration")


def slots(rng):
    x = [Slots(i) if i % 100 else Yields() for i in range(SIZE)]

    def change():
        slot = x[rng.randrange(SIZE)]
        if type(slot) is Slots:
            slot.tags = [slot.number, (slot.number, [slot.number])]
            if hasattr(slot, "more"):
                try:
                    del slot.more
                except AttributeError:
                    pass  # another thread was quicker
            else:
                slot.more = [slot.number]

    return x, change, list, ()


def a_deque(rng):
    x = collections.deque(parts(rng))

    def change():
        for _ in range(20):
            x[rng.randrange(SIZE)] = fresh(rng)
        if rng.randrange(10) == 0:
            x.append(fresh(rng))
            x.popleft()

    return x, change, list, ("deque mutated during iteration",)


def an_ordered_dict(rng):
    x = collections.OrderedDict(enumerate(parts(rng)))

    def change():
        for _ in range(20):
            x[rng.randrange(SIZE)] = fresh(rng)
        if rng.randrange(10) == 0:
            x[("new", rng.randrange(100))] = fresh(rng)
        if rng.randrange(10) == 0:
            x.move_to_end(rng.randrange(SIZE))
        if rng.randrange(20) == 0:
            x.pop(("new", rng.randrange(100)), None)

    return x, change, lambda x: [part for part in x.values()], (
        "OrderedDict mutated during iteration", "OrderedDict changed size during iteration", "dictionary changed size during iteration")


def a_set(rng):
    """Members are hashed again while the copy is made; a tuple of ints is its own copy."""
    x = {(i, i) if i % 100 else i for i in range(SIZE)}

    def change():
        i = rng.randrange(SIZE)
        x.discard((i, i))
        x.add((SIZE + i, i))
        if i == 0:
            x.clear()
        x.add((i, i))

    def of_copy(copied):
        assert all(type(member) in (tuple, int) for member in copied)
        return []

    return [[x, Yields(), [x]] for _ in range(50)], change, lambda copied: [part for three in copied for part in of_copy(three[0])], (
        "Set changed size during iteration",)


def deep(rng):
    """Chains whose links are cut above, at and below where the copy is."""
    def chain():
        x = None
        for i in range(60):
            x = ([x], {"next": x, "tags": [i, (i, [i])]}, (x, [i, {i: [i]}]), [Yields(), x])[i % 4 if i % 30 else 3]
        return x

    x = [chain() for _ in range(CHAINS)]

    def change():
        i = rng.randrange(CHAINS)
        link = x[i]
        for _ in range(rng.randrange(60)):
            if type(link) is dict:
                below = link["next"]
            else:
                below = link[0] if not isinstance(link, list) or len(link) == 1 else link[-1]
            if not isinstance(below, (list, dict, tuple)):
                break
            link = below
        if type(link) is list and len(link):
            link[-1] = chain() if rng.randrange(5) else None
        else:
            x[i] = chain()

    return x, change, lambda x: [], ()


SOURCES = [a_list, a_dict, a_dict_with_the_same_keys, instances, slots, a_deque, an_ordered_dict, a_set, deep]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_source_that_two_threads_change_is_copied_without_harm(copier, quick_switches, source):
    x, change, parts_of, may_raise = source(random.Random(0))
    lock = threading.Lock()
    calls = itertools.count()

    def guarded():
        # The changes themselves need not be safe against each other, only against the copy.
        with lock:
            change()
            if next(calls) % 400 == 0:
                gc.collect()

    copies = 0
    with Meanwhile(guarded, guarded) as others:
        for _ in for_a_while():
            try:
                copied = copier.deepcopy(x)
            except RuntimeError as error:
                assert str(error) in may_raise, error
                continue
            for part in parts_of(copied):
                sound(part)
            copies += 1
    assert others.calls > 10
    assert copier.deepcopy([[1], {"k": [2]}, (3, [4])]) == [[1], {"k": [2]}, (3, [4])]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_shallow_copies_of_a_source_that_changes(copier, quick_switches, source):
    x, change, _, may_raise = source(random.Random(0))
    with Meanwhile(change) as others:
        for _ in for_a_while(0.05):
            for _ in range(20):
                try:
                    copied = copier.copy(x)
                except RuntimeError as error:
                    assert str(error) in may_raise, error
                    continue
                assert type(copied) is type(x)
    assert others.calls


def test_sources_that_are_dropped_while_they_are_copied(copier, quick_switches):
    """The only reference to what is copied is in a list that another thread empties; each copy is of a whole."""
    rng = random.Random(0)
    box = [parts(rng)[:300]]

    def replace():
        box[0] = [fresh(rng) for _ in range(300)]
        for part in box[0]:
            if type(part) is list:
                part.append(part[1])
                part.pop()

    with Meanwhile(replace, gc.collect):
        for _ in for_a_while():
            for part in copier.deepcopy(box)[0]:
                sound(part)


def test_a_hundred_thousand_objects_cleared_in_the_middle(copier, quick_switches):
    """Whole branches die while the copy is in them."""
    for seed in for_a_while():
        rng = random.Random(seed)
        x = [[[[i, (i, [i])] for i in range(20)] + [Yields()] for _ in range(50)] for _ in range(20)]
        started = threading.Event()

        def destroy():
            started.wait()
            for _ in range(200):
                branch = x[rng.randrange(20)]
                if branch:
                    branch[rng.randrange(len(branch))].clear()
                    if rng.randrange(4) == 0:
                        branch.clear()
                time.sleep(0)
            x.clear()
            gc.collect()

        thread = threading.Thread(target=destroy)
        thread.start()
        started.set()
        copied = copier.deepcopy(x)
        thread.join()
        for branch in copied:
            for twig in branch:
                for leaf in twig:
                    if type(leaf) is not Yields:
                        sound(leaf)


def test_sixteen_threads_copy_one_source_while_it_changes(copier, quick_switches):
    rng = random.Random(0)
    size = 20 if SMALL else 200
    x = {i: fresh(rng) for i in range(size)}

    def change():
        x[rng.randrange(size)] = fresh(rng) if rng.randrange(50) else Yields()
        if rng.randrange(100) == 0:
            x["more"] = x.pop(size, None)
            x[size] = x.pop("more")

    def copies(i):
        for _ in for_a_while():
            try:
                copied = copier.deepcopy([x, (x, [i]), x] if i % 4 else list(x.values()))
            except RuntimeError as error:
                assert str(error) in ("dictionary changed size during iteration", "dictionary keys changed during iteration")
                continue
            if i % 4:
                assert copied[0] is copied[1][0] is copied[2] is not x
            for part in copied[0].values() if i % 4 else copied:
                sound(part)

    with Meanwhile(change):
        in_threads(16, copies)
