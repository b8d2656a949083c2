"""Memos that outlive their copy: complete, collectable whatever cycle they lie on, and nothing else lives because of them."""

import copy
import gc
import weakref

import pytest

from support.memos import Plain
from support.probes import raised
from tests.fuzz.fingerprint import fingerprint


class Node(list):
    """A list that can be referred to weakly, be in a set, and has attributes."""

    __hash__ = object.__hash__


class Keeps:
    """A hook that gives its memo to a function; its copy is a Node."""

    def __init__(self, function):
        self.function = function

    def __deepcopy__(self, memo):
        made = Node()
        self.function(memo, made)
        return made


class Refuses:
    def __deepcopy__(self, memo):
        raise ValueError("refused")


def holding(**values):
    x = Plain()
    vars(x).update(values)
    return x


def places(first, hook, last):
    """The hook early, late, in the middle, and under everything that has a frame or a call of its own."""
    return {
        "early": [hook, first, last], "late": [first, last, hook], "middle": [first, [hook], last], "tuple": [first, (hook, [1]), last],
        "value": [first, {"a": [1], "k": hook, "z": [2]}, last], "instance": [first, holding(a=[1], b=hook, c=[2]), last],
        "set": [first, {hook}, last], "twice": [first, hook, (hook, hook), last],
    }


PLACES = [*places(None, Keeps(None), None)]


def graph(place, function, *end):
    """[two nodes, and the hook between them], and weak references to the nodes."""
    first, last = Node([Node([1])]), Node([(2, Node())])
    refs = [weakref.ref(node) for node in (first, first[0], last, last[0][1])]
    x = Node([places(first, Keeps(function), last)[place], *end])
    return x, [weakref.ref(x), *refs]


def names_in(memo, x):
    """Entries of named objects in order, and who is kept alive."""
    first, last = (item for item in x[0] if type(item) is Node)
    names = {id(x): "x", id(x[0]): "x[0]", id(first): "first", id(first[0]): "below first", id(last): "last", id(last[0]): "tuple",
             id(last[0][1]): "below last"}
    entries = [(names[key], fingerprint(value)) for key, value in memo.items() if key in names]
    return entries, [names[id(obj)] for obj in memo.get(id(memo), ()) if id(obj) in names]


@pytest.mark.parametrize("ends", ["well", "with an error"])
@pytest.mark.parametrize("place", PLACES)
def test_a_kept_memo_has_what_that_of_stdlib_has(copier, place, ends):
    def kept(deepcopy):
        memos = []
        x, _ = graph(place, lambda memo, made: memos.append(memo), *([Refuses()] if ends != "well" else []))
        assert (ends == "well") is (attempt(deepcopy, x) is not None)
        assert all(memo is memos[0] for memo in memos)
        return names_in(memos[0], x)

    assert kept(copier.deepcopy) == kept(copy.deepcopy)


def attempt(deepcopy, x):
    try:
        return deepcopy(x)
    except ValueError:
        return None


@pytest.mark.parametrize("ends", ["well", "with an error"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("holder", ["copy", "source", "both", "memo"])
def test_a_memo_on_a_cycle_is_collected(copier, holder, place, ends):
    """Held by the copy, by the source that it keeps alive, by itself: the collector finds all of it, and nothing goes before."""
    def hold(memo, made):
        refs.append(weakref.ref(made))
        if holder in ("copy", "both"):
            made.memo = memo
        if holder in ("source", "both"):
            source[0].memo = memo
        if holder == "memo":
            memo["memo"] = memo

    refs, source = [], []
    x, of_source = graph(place, hold, *([Refuses()] if ends != "well" else []))
    source.append(x)
    y = attempt(copier.deepcopy, x)
    source.clear()
    gc.collect()
    assert None not in [ref() for ref in of_source]
    if holder in ("copy", "both") and y is not None:
        del x
        gc.collect()
        assert None not in [ref() for ref in of_source], "the copy holds the memo, and the memo the originals"
    x = y = None
    gc.collect()
    assert [ref() for ref in of_source + refs if ref() is not None] == []


def test_a_kept_memo_keeps_nothing_else(copier):
    """Of a later copy, of another copy inside, of what the hook returned and dropped: nothing is in it."""
    memos = []
    hook = Keeps(lambda memo, made: memos.append(memo))
    copier.deepcopy([Node(), hook])
    other, inner = Node(), Node()
    refs = [weakref.ref(other), weakref.ref(inner)]
    y = copier.deepcopy([other, Keeps(lambda memo, made: copier.deepcopy([inner, hook])), hook])
    refs += [weakref.ref(y[0])]
    assert len(memos) == 3
    first = memos[0]
    other = inner = y = None
    del memos[1:]
    gc.collect()
    assert [ref() for ref in refs] == [None] * 3 and len(first) >= 3


# ---- calque.Memo, which handlers in Python get ----------------------------------------------------------------------------------------

@pytest.fixture
def handled(calque):
    """A class whose instances are made with a function and copied to a Node: the function gets Memo and Node."""
    class Handled:
        def __init__(self, function, below=None):
            self.function = function
            self.below = below

    @calque.register(Handled)
    def handler(x, memo):
        made = Node([memo.copy(x.below)])
        x.function(memo, made)
        return made

    yield Handled
    calque.unregister(Handled)


@pytest.mark.parametrize("read", ["unread", "read"])
@pytest.mark.parametrize("ends", ["well", "with an error"])
def test_a_kept_calque_memo_keeps_neither_copies_nor_originals(calque, handled, ends, read):
    """It is disconnected with the copy: also from the dict that it made when it was asked for all entries."""
    def keep(memo, made):
        memos.append(memo)
        refs.append(weakref.ref(made))
        if read == "read":
            assert len(list(memo.items())) > 2

    memos, refs = [], []
    below = Node([1])
    first, second = handled(keep), handled(keep, below)
    x = Node([Node(), first, [second], *([Refuses()] if ends != "well" else [])])
    refs += [weakref.ref(node) for node in (x, x[0], first, second, below)]
    y = attempt(calque.deepcopy, x)
    assert (y is None) is (ends != "well") and len(memos) == 2
    del x, y, first, second, below
    gc.collect()
    assert [ref() for ref in refs if ref() is not None] == []
    assert raised(len, memos[0])[0] is ReferenceError


@pytest.mark.parametrize("back", ["attribute", "entry", "kept alive", "nothing"])
@pytest.mark.parametrize("ends", ["well", "with an error"])
def test_a_calque_memo_on_a_cycle_is_collected(calque, handled, ends, back):
    """A Memo may have attributes. The collector did not see them."""
    def hold(memo, made):
        made.memo = memo
        refs.append(weakref.ref(made))
        if back == "attribute":
            memo.made = made
        elif back == "entry":
            memo["made"] = made
        elif back == "kept alive":
            memo.keep_alive(made)

    refs = []
    x = [handled(hold), *([Refuses()] if ends != "well" else [])]
    y = attempt(calque.deepcopy, x)
    if y is not None and back == "attribute":
        assert y[0].memo.made is y[0]
    y = None
    gc.collect()
    assert len(refs) == 1 and refs[0]() is None
