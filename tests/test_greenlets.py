"""Copies that are interrupted in the middle by a switch to another greenlet, for a while or for ever."""

import copy
import gc
import weakref

import pytest
from support.memos import Plain

greenlet = pytest.importorskip("greenlet")


class Switches:
    """Hands control to the parent greenlet from the hook named by `how`."""

    def __init__(self, how="deepcopy"):
        self.how = how

    @property
    def __deepcopy__(self):
        return self.copy_with_memo if self.how == "deepcopy" else None

    def copy_with_memo(self, memo):
        got = greenlet.getcurrent().parent.switch(memo)
        return ["switched", got]

    def __reduce__(self):
        got = greenlet.getcurrent().parent.switch("reduce")
        return list, (["switched", got],)


HOWS = ("deepcopy", "reduce")


@pytest.mark.parametrize("how", HOWS)
def test_two_copies_interleaved_inside_hooks_do_not_meet(copier, how):
    shared = [1]

    def source():
        x = [shared]
        for i in range(10):
            x += [[i], Switches(how), shared, {"k": x[-1]}]
        return x

    sources = [source(), source()]
    runs = [greenlet.greenlet(copier.deepcopy) for _ in sources]
    results = [None, None]
    for run, x in zip(runs, sources):
        run.switch(x)
    step = 0
    while not all(run.dead for run in runs):
        for i, run in enumerate(runs):
            if not run.dead:
                got = run.switch((i, step))
                if run.dead:
                    results[i] = got
        step += 1
    for i, copied in enumerate(results):
        assert copied[0] is copied[3] is copied[7]
        assert [obj[1][0] for obj in copied if type(obj) is list and obj[0] == "switched"] == [i] * 10
    assert results[0][0] is not results[1][0]


@pytest.mark.parametrize("how", HOWS)
def test_interleaved_copies_of_one_source_are_two_copies(copier, how):
    shared = [1]
    x = [shared, Switches(how), [shared], Switches(how), (shared, [2])]
    runs = [greenlet.greenlet(copier.deepcopy) for _ in range(5)]
    for run in runs:
        run.switch(x)
    for run in runs:
        run.switch(1)
    results = [run.switch(2) for run in reversed(runs)]
    assert all(run.dead for run in runs)
    for copied in results:
        assert copied[0] is copied[2][0] is copied[4][0]
    assert len({id(copied[0]) for copied in results}) == 5


@pytest.mark.parametrize("how", HOWS)
def test_copies_that_end_in_another_order_than_they_began(copier, how):
    x = [[1], Switches(how), [2]]
    x.append(x[0])
    first, second, third = (greenlet.greenlet(copier.deepcopy) for _ in range(3))
    first.switch(x)
    second.switch(x)
    one = first.switch("one")
    third.switch(x)
    assert copier.deepcopy([[5], [6]]) == [[5], [6]]
    three = third.switch("three")
    two = second.switch("two")
    for copied, name in ((one, "one"), (two, "two"), (three, "three")):
        assert copied == [[1], ["switched", name], [2], [1]]
        assert copied[0] is copied[3]


def test_the_memos_of_interleaved_copies_are_two_dicts(copier):
    x = [[1], Switches(), [2], Switches()]
    one, two = greenlet.greenlet(copier.deepcopy), greenlet.greenlet(copier.deepcopy)
    memo_one, memo_two = one.switch(x), two.switch(x)
    assert type(memo_one) is type(memo_two) is dict
    assert memo_one is not memo_two
    assert memo_one[id(x[0])] is not memo_two[id(x[0])]
    assert one.switch(0) is memo_one
    assert two.switch(0) is memo_two
    assert memo_one[id(x[2])] == [2]
    assert one.switch(0) == two.switch(0)


def test_a_memo_passed_to_another_greenlet_works_there(copier):
    shared = [1]
    x = [shared, Switches(), [2], shared]
    run = greenlet.greenlet(copier.deepcopy)
    memo = run.switch(x)
    early = copier.deepcopy([shared, x[2]], memo)
    copied = run.switch("go on")
    assert early[0] is copied[0] is copied[3]
    assert early[1] is copied[2]


def test_a_write_from_another_greenlet_counts(copier):
    later = [2]
    x = [[1], Switches(), later]
    run = greenlet.greenlet(copier.deepcopy)
    memo = run.switch(x)
    memo[id(later)] = "instead"
    assert run.switch("go on") == [[1], ["switched", "go on"], "instead"]


def test_a_memo_passed_to_another_greenlet_that_suspends_in_a_copy_of_its_own(copier):
    """Two greenlets are inside copies that use one memo."""
    shared, inner_hook = [1], Switches()
    x = [shared, Switches(), shared]
    outer = greenlet.greenlet(copier.deepcopy)
    memo = outer.switch(x)
    inner = greenlet.greenlet(copier.deepcopy)
    assert inner.switch([[shared], inner_hook, [3]], memo) is memo
    copied = outer.switch("outer")
    assert copied[0] is copied[2]
    late = inner.switch("inner")
    assert late[0][0] is copied[0]
    assert late[1:] == [["switched", "inner"], [3]]


@pytest.mark.parametrize("how", HOWS)
def test_a_greenlet_killed_inside_a_hook_ends_its_copy(copier, how):
    class Weak(list):
        pass

    x = [Weak(), Switches(how), [2]]
    alive = weakref.ref(x[0])
    run = greenlet.greenlet(copier.deepcopy)
    run.switch(x)
    run.throw()
    assert run.dead
    assert copier.deepcopy([[1], [2]]) == [[1], [2]]
    del x, run
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("how", HOWS)
def test_an_error_thrown_into_a_hook_comes_out_of_the_copy(copier, how):
    run = greenlet.greenlet(copier.deepcopy)
    run.switch([[1], Switches(how), [2]])
    with pytest.raises(LookupError, match="thrown"):
        run.throw(LookupError("thrown"))
    assert run.dead


@pytest.mark.parametrize("how", HOWS)
def test_an_error_thrown_into_one_copy_leaves_the_other_alone(copier, how):
    shared = [1]
    x = [shared, Switches(how), [shared]]
    one, two = greenlet.greenlet(copier.deepcopy), greenlet.greenlet(copier.deepcopy)
    one.switch(x)
    two.switch(x)
    with pytest.raises(LookupError):
        one.throw(LookupError)
    copied = two.switch("two")
    assert copied[0] is copied[2][0]


@pytest.mark.parametrize("how", HOWS)
def test_a_hook_that_never_comes_back_leaves_other_copies_alone(copier, how):
    x = [[1], Switches(how), [2]]
    run = greenlet.greenlet(copier.deepcopy)
    run.switch(x)
    for _ in range(50):
        assert copier.deepcopy([[[i] for i in range(20)], x[0], x[0]])[1:] == [[1], [1]]
    assert not run.dead
    del run  # kills the greenlet: GreenletExit passes through the copy
    gc.collect()
    assert copier.deepcopy([[1]]) == [[1]]


@pytest.mark.parametrize("how", HOWS)
def test_many_suspended_copies_at_once(copier, how):
    runs = []
    for i in range(200):
        runs.append(greenlet.greenlet(copier.deepcopy))
        runs[-1].switch([[i], Switches(how), [i]])
    for i in range(0, 200, 2):
        assert runs[i].switch(i) == [[i], ["switched", i], [i]]
    del runs


@pytest.mark.parametrize("how", HOWS)
def test_a_suspended_copy_goes_on_after_its_source_was_changed(copier, how):
    class Weak(list):
        pass

    x = [Weak([1]), Switches(how), [2], [3]]
    run = greenlet.greenlet(copier.deepcopy)
    run.switch(x)
    x[3] = x[0]
    x[0] = None
    del x[2]
    copied = run.switch("go on")
    assert copied == [[1], ["switched", "go on"], [1]]
    assert copied[0] is copied[2]


@pytest.mark.parametrize("how", HOWS)
def test_a_suspended_copy_of_stdlib_and_one_of_calque(copier, how):
    shared = [1]
    x = [shared, Switches(how), [shared]]
    one, two = greenlet.greenlet(copier.deepcopy), greenlet.greenlet(copy.deepcopy)
    one.switch(x)
    two.switch(x)
    first, second = one.switch(1), two.switch(2)
    assert first[0] is first[2][0]
    assert second[0] is second[2][0]
    assert first[0] is not second[0]


def test_a_greenlet_that_starts_a_copy_inside_a_hook_of_its_parent(copier):
    class Starts:
        def __reduce__(self):
            run = greenlet.greenlet(copier.deepcopy)
            run.switch([[1], Switches("reduce"), shared])
            started.append(run)
            return str, ("started",)

    started = []
    shared = [1]
    copied = copier.deepcopy([shared, Starts(), [shared], Starts(), shared])
    assert copied[0] is copied[2][0] is copied[4]
    inner = [run.switch("go on") for run in started]
    assert all(obj == [[1], ["switched", "go on"], [1]] for obj in inner)
    assert len({id(obj[2]) for obj in inner}) == 2


def test_instances_under_copy_stay_empty_while_their_greenlet_sleeps(copier):
    x = Plain()
    x.a, x.hook, x.b = [1], Switches(), [2]
    run = greenlet.greenlet(copier.deepcopy)
    memo = run.switch(x)
    assert vars(memo[id(x)]) == {}
    copied = run.switch("go on")
    assert vars(copied) == {"a": [1], "hook": ["switched", "go on"], "b": [2]}


# Hooks that enter their copy in the memo themselves

def test_hooks_of_one_copy_in_greenlets_that_return_in_any_order(copier):
    """The entry is made by a hook that is not the last that began."""
    class Hook:
        def __init__(self, turn):
            self.turn = turn

        def __deepcopy__(self, memo):
            memos.append(memo)
            if self.turn:
                greenlet.getcurrent().parent.switch()
            memo[id(self)] = "entered"
            return copier.deepcopy([self], memo)

    class Outer:
        def __deepcopy__(self, memo):
            runs = [greenlet.greenlet(lambda hook=hook: done.append(copier.deepcopy(hook, memo))) for hook in hooks]
            for run in runs:
                run.switch()
            memo[id(self)] = "outer"
            for run in runs:
                run.switch()
            return copier.deepcopy([self, *hooks], memo)

    memos, done = [], []
    hooks = [Hook(True), Hook(True)]
    copied = copier.deepcopy([Outer()])
    assert done == [["entered"], ["entered"]]
    assert copied == [["outer", ["entered"], ["entered"]]]


def test_after_hooks_in_greenlets_their_objects_are_nobodys(copier):
    """The first object dies, and another takes its address."""
    class Hook:
        def __deepcopy__(self, memo):
            greenlet.getcurrent().parent.switch()
            return self

    class Plain:
        pass

    class Outer:
        def __deepcopy__(self, memo):
            hooks = [Hook(), Hook()]
            address = id(hooks[0])
            runs = [greenlet.greenlet(lambda i=i: copier.deepcopy(hooks[i], memo) and None) for i in (0, 1)]
            for run in runs + runs:
                run.switch()
            assert all(run.dead for run in runs)
            hooks.clear()
            x[1] += [plain for plain in [Plain() for _ in range(100)] if id(plain) == address]
            memo[address] = "instead"
            return None

    x = [Outer(), []]
    copied = copier.deepcopy(x)
    if not x[1]:
        pytest.skip("no new object has the address")
    assert copied == [None, ["instead"]]
