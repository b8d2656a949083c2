"""Hooks that enter their copy in the memo themselves, `memo[id(self)] = made`: found from then on, whatever else they or others write."""

import copy

import pytest
from support.copiers import since


class Node:
    """Copies itself attribute by attribute, after entering the copy in the memo; `before` and `after` are called with it, the memo and the copy."""

    def __init__(self, deepcopy, before=None, after=None, **attributes):
        self.deepcopy, self.before, self.after = deepcopy, before, after
        self.__dict__.update(attributes)

    def __deepcopy__(self, memo):
        made = object.__new__(type(self))
        if self.before is not None:
            self.before(self, memo, made)
        memo[id(self)] = made
        if self.after is not None:
            self.after(self, memo, made)
        for name, value in vars(self).items():
            setattr(made, name, value if callable(value) else self.deepcopy(value, memo))
        return made


@pytest.fixture
def node(copier):
    return lambda before=None, after=None, **attributes: Node(copier.deepcopy, before, after, **attributes)


# What the entry is for -------------------------------------------------------------------------------------------------------------------------------

def test_a_child_finds_the_copy_of_its_parent(copier, node):
    parent = node(children=[])
    parent.children += [node(parent=parent) for _ in range(5)]
    copied = copier.deepcopy(parent)
    assert [child.parent is copied for child in copied.children] == [True] * 5


def test_a_graph_of_such_objects_keeps_its_shape(copier, node):
    nodes = [node(number=i) for i in range(20)]
    for one in nodes:
        one.others = [nodes[(one.number * k + 1) % 20] for k in range(3)]
        one.table = {"first": one.others[0], "names": {str(other.number) for other in one.others}}
    copied = copier.deepcopy(nodes)
    for one in copied:
        assert [other.number for other in one.others] == [(one.number * k + 1) % 20 for k in range(3)]
        assert all(other is copied[other.number] for other in one.others)
        assert one.table["first"] is one.others[0]


def test_the_memo_has_the_entries_of_stdlib_in_its_order(copier, node):
    kept = []
    x = [[1], node(after=lambda self, memo, made: kept.append(memo), child=[2]), node(child=[3])]
    names = {id(obj): name for name, obj in {"x": x, "list": x[0], "one": x[1], "two": x[2], "in one": x[1].child, "in two": x[2].child}.items()}
    copied = copier.deepcopy(x)
    (memo,) = kept
    assert [names[key] for key in memo if key in names] == ["x", "list", "one", "in one", "two", "in two"]
    assert [names[id(obj)] for obj in memo[id(memo)] if id(obj) in names] == ["list", "in one", "one", "in two", "two", "x"]
    assert memo[id(x[1])] is copied[1]


def test_sets_and_instances_in_such_objects_are_shared_as_before(copier, node):
    class Plain:
        pass

    plain, numbers = Plain(), {1, 2}
    plain.numbers = numbers
    x = [node(plain=plain), node(plain=plain, numbers=numbers), plain]
    copied = copier.deepcopy(x)
    assert copied[0].plain is copied[1].plain is copied[2]
    assert copied[1].numbers is copied[2].numbers is not numbers


# What else is written beside it ----------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("when", ["before", "after"])
def test_an_older_entry_overwritten_beside_it_counts(copier, node, when):
    shared = [1]
    x = [shared, node(**{when: lambda self, memo, made: memo.__setitem__(id(shared), "instead")}), shared]
    assert copier.deepcopy(x)[2] == "instead"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_older_entry_taken_out_beside_it_is_missing(copier, node, when):
    shared = [1]
    x = [shared, node(**{when: lambda self, memo, made: memo.__delitem__(id(shared))}), shared]
    copied = copier.deepcopy(x)
    assert copied[2] == [1]
    assert copied[2] is not copied[0]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_entry_for_an_object_of_one_reference_beside_it_counts(copier, node, when):
    x = [node(**{when: lambda self, memo, made: memo.__setitem__(id(x[1]), "instead")}), [1]]
    assert copier.deepcopy(x)[1] == "instead"


@pytest.mark.skipif(since(3, 14), reason="3.14 returns atomics before it looks at the memo")
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_entry_for_an_atomic_beside_it_counts(copier, node, when):
    x = [node(**{when: lambda self, memo, made: memo.__setitem__(id(300_000), "atomic")}), [300_000]]
    assert copier.deepcopy(x)[1] == ["atomic"]


def test_one_entry_that_is_not_for_the_object_itself_counts(copier):
    class Hook:
        def __deepcopy__(self, memo):
            memo[id(x[1])] = "instead"
            return self

    x = [Hook(), [1]]
    assert copier.deepcopy(x)[1] == "instead"


def test_an_entry_under_another_kind_of_key_counts(copier):
    class Key:
        def __hash__(self):
            return hash(id(x[1]))

        def __eq__(self, other):
            return other == id(x[1])

    class Hook:
        def __deepcopy__(self, memo):
            memo[Key()] = "instead"
            return None

    x = [Hook(), [1]]
    assert copier.deepcopy(x) == [None, "instead"]


def test_a_hook_may_change_its_mind_about_its_entry(copier, node):
    """The entry is replaced, then taken out, while children are copied."""
    second = object()

    def replace(self, memo, made):
        memo[id(self)] = second

    parent = node(after=replace)
    parent.child = [parent]
    copied = copier.deepcopy([parent])
    assert copied[0].child[0] is second


def test_a_hook_may_take_its_entry_out_again(copier):
    class Hook:
        calls = 0

        def __deepcopy__(self, memo):
            Hook.calls += 1
            memo[id(self)] = "first"
            found = copier.deepcopy([self], memo)
            del memo[id(self)]
            again = copier.deepcopy([self], memo) if Hook.calls == 1 else None
            return (found, again)

    copied = copier.deepcopy([Hook()])
    assert copied == [(["first"], [(["first"], None)])]


def test_the_dict_emptied_and_entered_again_counts(copier, node):
    shared = [1]
    x = [shared, node(before=lambda self, memo, made: memo.clear()), shared]
    copied = copier.deepcopy(x)
    assert copied[2] is not copied[0]


def test_a_keepalive_list_of_the_hooks_own_is_kept(copier, node):
    kept = []

    def own_list(self, memo, made):
        memo[id(memo)] = kept

    x = [[1], node(after=own_list), [2]]
    copier.deepcopy(x)
    assert [2] in kept


# Other dicts written before the entry ----------------------------------------------------------------------------------------------------------------

class Shape:
    """A hook as programs write it: `enter(self, memo)` makes the copy and enters it, and the attributes are copied after that."""

    def __init__(self, deepcopy, enter, **attributes):
        self.deepcopy, self.enter = deepcopy, enter
        self.__dict__.update(attributes)

    def __deepcopy__(self, memo):
        made = self.enter(self, memo)
        for name, value in vars(self).items():
            made.__dict__[name] = value if callable(value) else self.deepcopy(value, memo)
        return made


def enter_after_constructor(self, memo):
    made = type(self)(self.deepcopy, self.enter, table={})
    memo[id(self)] = made
    return made


def enter_after_update(self, memo):
    made = object.__new__(type(self))
    made.__dict__.update(self.__dict__)
    memo[id(self)] = made
    return made


def enter_after_new_dict(self, memo):
    made = object.__new__(type(self))
    made.__dict__ = {"deepcopy": self.deepcopy}
    memo[id(self)] = made
    return made


def enter_by_setdefault(self, memo):
    return memo.setdefault(id(self), type(self)(self.deepcopy, self.enter))


def enter_between(self, memo):
    made = type(self)(self.deepcopy, self.enter)
    made.first = self.deepcopy([made.enter], memo)
    memo[id(self)] = made
    made.last = {}
    return made


SHAPES = [enter_after_constructor, enter_after_update, enter_after_new_dict, enter_by_setdefault, enter_between]


@pytest.mark.parametrize("count", [2, 40, 700])
@pytest.mark.parametrize("enter", SHAPES)
def test_objects_entered_after_other_writes_keep_their_shape(copier, enter, count):
    memos, shared = [], [0]
    nodes = [Shape(copier.deepcopy, enter, number=i, shared=shared, own=[i]) for i in range(count)]
    nodes[-1].enter = lambda self, memo: memos.append(memo) or enter(self, memo)
    for i, one in enumerate(nodes):
        one.others = [nodes[i ^ 1], one, nodes[0]]
    copied = copier.deepcopy([nodes, shared])
    for i, one in enumerate(copied[0]):
        assert one.number == i
        assert one.own == [i]
        assert one.own is not nodes[i].own
        assert one.shared is copied[1]
        assert [other is copied[0][k] for other, k in zip(one.others, (i ^ 1, i, 0), strict=True)] == [True] * 3
    assert all(memos[0][id(one)] is copied[0][i] for i, one in enumerate(nodes))


def rebuilt(change):
    def tamper(memo, *_):
        items = list(memo.items())
        memo.clear()
        memo.update(change(items))

    return tamper


def for_another_object(memo, shared, _, last):
    """The same value in the same place, under an int that may lie where the old key lay."""
    items, at = list(memo.items()), list(memo).index(id(shared))
    memo.clear()
    value = items[at][1]
    items[at] = None
    items[at] = (id(last), value)
    memo.update(items)


TAMPERINGS = {
    "overwritten": lambda memo, shared, *_: memo.__setitem__(id(shared), "instead"),
    "taken out": lambda memo, shared, *_: memo.__delitem__(id(shared)),
    "moved to the end": lambda memo, shared, *_: memo.__setitem__(id(shared), memo.pop(id(shared))),
    "moved to another object": lambda memo, shared, other, last: memo.__setitem__(id(last), memo.pop(id(shared))),
    "rebuilt": rebuilt(lambda items: items),
    "rebuilt in another order": rebuilt(lambda items: items[::-1]),
    "rebuilt without one": rebuilt(lambda items: items[:1] + items[2:]),
    "rebuilt with another value": rebuilt(lambda items: [*items[:1], (items[1][0], "instead"), *items[2:]]),
    "rebuilt for another object": for_another_object,
    **{f"cut to {n}": rebuilt(lambda items, n=n: items[:n]) for n in range(13)},
}


@pytest.mark.parametrize("early", [0, 1, 5, 20])
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampering_between_other_writes_and_the_entry_counts(calque, tampering, early):
    """By the first hook, and by one after others that have entered their copies in the same way, or have not."""

    def outcome(deepcopy, usual):
        shared, other, last, kept = [1], [2], [3], []

        def tamper(self, memo):
            made = type(self)(deepcopy, None, table={})
            TAMPERINGS[tampering](memo, shared, other, last)
            made.again = {}
            memo[id(self)] = made
            return made

        def look(self, memo):
            kept.extend(memo)
            return enter_after_constructor(self, memo)

        ordinary = [Shape(deepcopy, usual, shared=shared) for _ in range(early)]
        x = [shared, other, ordinary, Shape(deepcopy, tamper, shared=shared), shared, other, *ordinary, [shared, [other]], last, [last], Shape(deepcopy, look)]
        copied = deepcopy(x)
        copies = [*copied[:2], *copied[2], *copied[3:-1], *copied[-4], copied[-3], *copied[-2], copied[3].shared]
        names = {id(obj): i for i, obj in enumerate([x, *x[:2], *ordinary, *x[3:]])}
        return (
            [one == "instead" for one in copies],
            [[one is two for one in copies] for two in copies],
            [names[key] for key in kept if key in names],
        )

    for usual in (enter_after_constructor, lambda self, memo: type(self)(self.deepcopy, None)):
        assert outcome(calque.deepcopy, usual) == outcome(copy.deepcopy, usual)


# What the hook does with the copy --------------------------------------------------------------------------------------------------------------------

def test_the_copy_returned_replaces_the_copy_entered(copier):
    class Hook:
        def __deepcopy__(self, memo):
            memo[id(self)] = "entered"
            return copier.deepcopy([self], memo)

    hook = Hook()
    copied = copier.deepcopy([hook, hook])
    assert copied == [["entered"], ["entered"]]
    assert copied[0] is copied[1]


class Goes:
    """Calls a function when it goes."""

    def __init__(self, function):
        self.function = function

    def __del__(self):
        self.function()


def test_a_copy_that_was_entered_goes_when_another_takes_its_place(copier):
    events = []

    class Hook:
        def __deepcopy__(self, memo):
            events.append("hook")
            memo[id(self)] = Goes(lambda: events.append("gone"))
            return []

    copier.deepcopy([Hook(), Hook()])
    assert events == ["hook", "gone", "hook", "gone"]


def test_a_copy_that_goes_may_copy_with_the_memo(copier):
    later = [[i] for i in range(100)]
    found = []

    class Hook:
        def __deepcopy__(self, memo):
            memo[id(self)] = Goes(lambda: found.append(copier.deepcopy(later, memo)))
            return []

    x = [[1], Hook(), later]
    copied = copier.deepcopy(x)
    assert found[0] is copied[2]
    assert copied == [[1], [], later]


def test_a_copy_that_goes_may_write_to_the_memo(copier):
    later = [1]

    class Hook:
        def __deepcopy__(self, memo):
            memo[id(self)] = Goes(lambda: memo.__setitem__(id(later), "instead"))
            return []

    assert copier.deepcopy([Hook(), later]) == [[], "instead"]


def test_a_copy_that_goes_may_take_the_keepalive_list_away(copier):
    class Hook:
        def __deepcopy__(self, memo):
            memo[id(self)] = Goes(lambda: memo.pop(id(memo)))
            kept.append(memo)
            return []

    kept = []
    x = [[1], Hook(), [2]]
    copier.deepcopy(x)
    assert [obj is original for obj, original in zip(kept[0][id(kept[0])], x[1:] + [x], strict=True)] == [True] * 3


def test_a_hook_that_returns_its_object_leaves_its_entry(copier):
    """Nobody keeps the object alive for it, and it is moved on with one reference."""

    class Hook:
        def __deepcopy__(self, memo):
            memo[id(self)] = "entered"
            return self

    class Moves:
        def __deepcopy__(self, memo):
            x[3].append(x[0].pop())
            memo[id(x[0])].clear()
            return None

    x = [[], 0, 0, []]
    x[0].append(Hook())
    x[1] = Moves()
    assert copier.deepcopy(x) == [[], None, 0, ["entered"]]


@pytest.mark.parametrize("references", [1, 2])
def test_a_hook_that_raises_leaves_its_entry(copier, references):
    """Also where its object has one reference, and moves on with it."""

    class Hook:
        def __deepcopy__(self, memo):
            memo[id(self)] = "entered"
            raise ValueError

    class Tries:
        def __deepcopy__(self, memo):
            with pytest.raises(ValueError):
                copier.deepcopy(source, memo)
            if references == 1:
                later.append(source.pop())
            return None

    source, later = [Hook()], [0]
    later += source[:references - 1]
    assert copier.deepcopy([Tries(), later]) == [None, [0, "entered"]]


def test_a_hook_may_enter_its_object_as_its_own_copy(copier):
    class Hook:
        def __deepcopy__(self, memo):
            memo[id(self)] = self
            return copier.deepcopy([self], memo)

    hook = Hook()
    assert copier.deepcopy([hook])[0][0] is hook


# Hooks within hooks ----------------------------------------------------------------------------------------------------------------------------------

def test_an_inner_hook_may_enter_the_outer_object(copier):
    class Inner:
        def __deepcopy__(self, memo):
            memo[id(x)] = "outer"
            return None

    class Outer:
        def __deepcopy__(self, memo):
            return copier.deepcopy([self.inner, self], memo)

    x = Outer()
    x.inner = Inner()
    assert copier.deepcopy([x]) == [[None, "outer"]]


def test_the_outer_object_is_entered_after_an_inner_one(copier, node):
    class Outer:
        def __deepcopy__(self, memo):
            inner = copier.deepcopy(self.inner, memo)
            memo[id(self)] = made = [inner]
            return made + copier.deepcopy([self], memo)

    x = Outer()
    x.inner = node(number=[1])
    copied = copier.deepcopy([x])
    assert copied[0][1] == [copied[0][0]]
    assert copied[0][0].number == [1]
