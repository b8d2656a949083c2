"""Sixteen threads copy while others register handlers, switch the patch, and edit the tables of copy and copyreg."""

import copy
import copyreg
import itertools
import threading

import pytest
from support.threads import Meanwhile, for_a_while, in_threads

pytestmark = pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")


class Thing:
    def __init__(self, value):
        self.value = value


class Special(Thing):
    pass


def graph(i):
    shared = [i]
    thing = Thing(shared)
    return [shared, {"k": shared, i: (shared, [i])}, thing, [thing, Special([i])], {i, i + 1}, thing]


def check(copied, i):
    """Of whichever handler was in force: those of the tests put the copy in the same place."""
    assert copied[0] == [i] and copied[1] == {"k": [i], i: ([i], [i])} and copied[4] == {i, i + 1}
    assert copied[0] is copied[1]["k"] is copied[1][i][0]
    assert copied[2] is copied[3][0] is copied[5]
    assert copied[2].value is copied[0]
    assert copied[3][1].value == [i]


def copies_of(deepcopy, more=()):
    def copies(i):
        for _ in for_a_while():
            for _ in range(10):
                x = graph(i)
                check(deepcopy(x), i)
                check(copy.deepcopy(x), i)
        for one in more:
            one()
    return copies


def test_handlers_come_and_go_while_sixteen_threads_copy(calque, quick_switches):
    count = itertools.count()

    def handle(obj, memo):
        made = type(obj).__new__(type(obj))
        made.value = memo.copy(obj.value)
        return made

    def register_and_unregister():
        calque.register(Thing, subclasses=bool(next(count) % 2))(handle)
        calque.unregister(Thing)

    def others():
        class Other(Thing):
            pass
        calque.register(Other)(lambda obj, memo: "other")
        assert calque.deepcopy([Other(1)]) == ["other"]
        calque.unregister(Other)
        assert calque.deepcopy([Other(1)])[0].value == 1

    with Meanwhile(register_and_unregister, others) as meanwhile:
        in_threads(16, copies_of(calque.deepcopy))
    assert meanwhile.calls > 10
    with pytest.raises(LookupError):
        calque.unregister(Thing)


def test_the_patch_goes_on_and_off_while_sixteen_threads_copy(calque, quick_switches):
    def block():
        with calque.patch:
            assert calque.patch.enabled()
            check(copy.deepcopy(graph(5)), 5)

    def on_and_off():
        calque.patch.enable()
        calque.patch.disable()

    with Meanwhile(block, on_and_off, block) as meanwhile:
        in_threads(16, copies_of(calque.deepcopy))
    assert meanwhile.calls > 10
    assert not calque.patch.enabled()
    assert copy.deepcopy([[1]]) == [[1]]


@pytest.mark.parametrize("table", ["copy._deepcopy_dispatch", "copyreg.dispatch_table"])
def test_tables_are_edited_while_sixteen_threads_copy(copier, quick_switches, table):
    lock = threading.Lock()

    def make(value):
        made = Thing.__new__(Thing)
        made.value = value
        return made

    def edit():
        with lock:
            if table == "copyreg.dispatch_table":
                copyreg.dispatch_table[Thing] = lambda thing: (make, (thing.value,))
            else:
                copy._deepcopy_dispatch[Thing] = lambda thing, memo: make(copier.deepcopy(thing.value, memo))
            copyreg.dispatch_table[object()] = None  # keys that nobody looks for
            check(copier.deepcopy(graph(5)), 5)  # by the new entry; meanwhile other threads are in it too
            for key in [key for key in copyreg.dispatch_table if type(key) is object]:
                del copyreg.dispatch_table[key]
            copy._deepcopy_dispatch.pop(Thing, None)
            copyreg.dispatch_table.pop(Thing, None)

    try:
        with Meanwhile(edit) as meanwhile:
            in_threads(16, copies_of(copier.deepcopy))
    finally:
        copy._deepcopy_dispatch.pop(Thing, None)
        copyreg.dispatch_table.pop(Thing, None)
    assert meanwhile.calls > 10


def test_classes_are_edited_while_sixteen_threads_copy(copier, quick_switches):
    def hook(self, memo):
        made = Thing.__new__(type(self))
        memo[id(self)] = made
        made.value = copier.deepcopy(self.value, memo)
        return made

    def edit():
        Thing.__deepcopy__ = hook
        Thing.__getstate__ = lambda self: vars(self)
        Thing.count = 1
        del Thing.__deepcopy__
        del Thing.__getstate__

    try:
        with Meanwhile(edit) as meanwhile:
            in_threads(16, copies_of(copier.deepcopy))
    finally:
        for name in ("__deepcopy__", "__getstate__", "count"):
            if name in vars(Thing):
                delattr(Thing, name)
    assert meanwhile.calls > 10


def test_a_registered_handler_is_dropped_while_another_thread_is_in_it(calque):
    """The function must outlive its registration: the handler unregisters itself and its class goes with it."""
    inside, go_on = threading.Event(), threading.Event()

    def registered():
        class Passing:
            pass

        def handle(obj, memo):
            inside.set()
            assert go_on.wait(60)
            return memo.copy([obj.__class__.__name__])

        calque.register(Passing)(handle)
        return Passing()

    x = [registered()]
    results = []
    thread = threading.Thread(target=lambda: results.append(calque.deepcopy(x)))
    thread.start()
    assert inside.wait(60)
    calque.unregister(type(x[0]))
    x.clear()
    go_on.set()
    thread.join()
    assert results == [[["Passing"]]]
