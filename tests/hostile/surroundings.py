"""Actions on what a copy works with: its memo, the tables, the patch, the collector, the interpreter. See actions.py."""

import copy
import copyreg
import gc
import sys

from . import containers
from .actions import action, nested, parent, parents
from .world import GO_ON, bag, world


def entry(memo, key):
    try:
        return memo.get(key)
    except AttributeError:
        return None


# The memo -------------------------------------------------------------------------------------------------------------------------------------------

@action
def look_at_memo(self, memo):
    """The copies of what is in progress, half built, and of what is complete, are those that stdlib shows."""
    if memo is None:
        return GO_ON
    world.log(f"memo {type(memo).__name__}")
    for obj in [*parents(), self, containers.get(parent(), True), containers.get(parent(), False)]:
        found = entry(memo, id(obj))
        world.log(f"{type(obj).__name__} -> {type(found).__name__} of {len(containers.children(found))}")
        world.results.append(found)
    return GO_ON


@action
def keep_memo(self, memo):
    world.extra.append(memo)
    world.later.append(lambda: look_at_kept(memo))
    return GO_ON


def look_at_kept(memo):
    if memo is not None:
        for obj in parents():
            world.results.append(entry(memo, id(obj)))


@action
def use_memo_after_the_copy(self, memo):
    root = world.root
    world.later.append(lambda: nested("later", world.api.deepcopy, [root, [bag(1)]], memo))
    return GO_ON


@action
def write_to_memo_for_unvisited(self, memo):
    if memo is not None:
        for obj in parents():
            memo[id(containers.get(obj, False))] = ["from the memo"]
    return GO_ON


@action
def write_to_memo_for_visited(self, memo):
    if memo is not None:
        for obj in parents():
            v = containers.get(obj, True)
            memo[id(v)] = ["from the memo"]
            containers.put(obj, False, v)
    return GO_ON


@action
def write_to_memo_for_self(self, memo):
    if memo is not None:
        memo[id(self)] = ["from the memo"]
    return GO_ON


@action
def write_to_memo_for_parents(self, memo):
    if memo is not None:
        for obj in parents():
            memo[id(obj)] = ["from the memo"]
    return GO_ON


@action
def write_much_to_memo(self, memo):
    if memo is not None:
        for i in range(600):
            memo[-i - 1] = i
        for i in range(600):
            del memo[-i - 1]
    return GO_ON


@action
def clear_memo(self, memo):
    if memo is not None:
        memo.clear()
    return GO_ON


@action
def clear_memo_and_graph(self, memo):
    if memo is not None:
        memo.clear()
    for obj in parents():
        containers.clear(obj)
    gc.collect()
    return GO_ON


@action
def forget_originals(self, memo):
    """The list that keeps originals alive."""
    if memo is not None:
        kept = entry(memo, id(memo))
        if kept is not None:
            del kept[:]
    for obj in parents():
        containers.put(obj, True, None)
    gc.collect()
    return GO_ON


@action
def no_list_of_originals(self, memo):
    if memo is not None:
        memo[id(memo)] = "no list"
    return GO_ON


@action
def other_list_of_originals(self, memo):
    if memo is not None:
        memo[id(memo)] = []
    return GO_ON


@action(loose="the list of originals, which is copied too, has temporaries in it that calque does not make")
def memo_into_graph(self, memo):
    n = containers.get(parent(), False)
    if type(n) is list and memo is not None:
        n.append(memo)
    return GO_ON


@action
def memo_emptied_one_by_one(self, memo):
    if memo is not None:
        for key in list(memo):
            del memo[key]
        gc.collect()
    return GO_ON


@action
def add_to_copies_in_progress(self, memo):
    if memo is not None:
        for obj in parents():
            found = entry(memo, id(obj))
            if found is not None:
                containers.add(found, ["added to the copy"])
    return GO_ON


@action
def clear_copies_in_progress(self, memo):
    if memo is not None:
        for obj in parents():
            found = entry(memo, id(obj))
            if found is not None:
                containers.clear(found)
        gc.collect()
    return GO_ON


@action
def replace_in_copies_in_progress(self, memo):
    if memo is not None:
        for obj in parents():
            found = entry(memo, id(obj))
            if found is not None:
                containers.put(found, True, ["other"])
                containers.turn(found)
    return GO_ON


@action
def change_finished_copies(self, memo):
    if memo is not None:
        for obj in parents():
            found = entry(memo, id(containers.get(obj, True)))
            if type(found) is list:
                for child in list(found):
                    containers.clear(child)
                found.clear()
    return GO_ON


@action
def class_of_copies_in_progress(self, memo):
    class Other(world.plain):
        pass

    if memo is not None:
        for obj in parents():
            found = entry(memo, id(obj))
            if type(found) is world.plain:
                found.__class__ = Other
                found.early = [1]
    return GO_ON


# Tables ---------------------------------------------------------------------------------------------------------------------------------------------

MISSING = object()


def edit(table, key, value):
    before = table.get(key, MISSING)

    def undo():
        if before is MISSING:
            table.pop(key, None)
        else:
            table[key] = before
    world.undo.append(undo)
    if value is MISSING:
        table.pop(key, None)
    else:
        table[key] = value


def reduced(obj):
    world.log(f"reduced {type(obj).__name__}")
    return list, (["reduced"],)


def dispatched(obj, memo):
    world.log(f"dispatched {type(obj).__name__}")
    return ["dispatched"]


@action
def reducer_for_instances(self, memo):
    for cls in (world.plain, world.slots, set, type(self)):
        edit(copyreg.dispatch_table, cls, reduced)
    return GO_ON


@action
def reducer_for_tuples(self, memo):
    for cls in (tuple, list, dict, int):
        edit(copyreg.dispatch_table, cls, reduced)
    return GO_ON


@action
def dispatch_for_instances(self, memo):
    for cls in (world.plain, set, type(self)):
        edit(copy._deepcopy_dispatch, cls, dispatched)
    return GO_ON


@action
def dispatch_for_containers(self, memo):
    for cls in (dict, tuple, int):
        edit(copy._deepcopy_dispatch, cls, dispatched)
    return GO_ON


@action
def no_dispatch_for_lists(self, memo):
    for cls in (list, dict, tuple):
        edit(copy._deepcopy_dispatch, cls, MISSING)
    return GO_ON


@action
def register_handler(self, memo):
    """A handler of calque's; for stdlib, what comes nearest."""
    for cls in (world.plain, set):
        if world.name == "stdlib":
            edit(copy._deepcopy_dispatch, cls, dispatched)
        else:
            import calque
            calque.register(cls)(dispatched)
            world.undo.append(lambda cls=cls: calque.unregister(cls))
    return GO_ON


@action
def register_and_unregister(self, memo):
    if world.name != "stdlib":
        import calque
        for cls in (world.plain, world.slots, list, dict, tuple, set, type(self)):
            try:
                calque.register(cls)(dispatched)
            except ValueError:  # it is the hook
                continue
            calque.unregister(cls)
    return GO_ON


@action
def other_newobj(self, memo):
    before = copyreg.__newobj__
    world.undo.append(lambda: setattr(copyreg, "__newobj__", before))

    def __newobj__(cls, *args):
        world.log(f"newobj {cls.__name__}")
        return before(cls, *args)
    copyreg.__newobj__ = __newobj__
    return GO_ON


# The patch ------------------------------------------------------------------------------------------------------------------------------------------

def copy_by_the_module(memo):
    both = [world.root, shared_list()]
    world.extra.append(both)  # it is in the memo if its copy fails, and what takes its address would be found there
    nested("module", copy.deepcopy, both, memo)


@action
def patch(self, memo):
    if world.name != "stdlib":
        import calque
        calque.patch.enable()
        world.undo.append(calque.patch.disable)
    copy_by_the_module(memo)
    return GO_ON


@action
def unpatch(self, memo):
    if world.name != "stdlib":
        import calque
        calque.patch.disable()
    copy_by_the_module(memo)
    return GO_ON


@action
def patch_on_and_off(self, memo):
    if world.name != "stdlib":
        import calque
        with calque.patch:
            nested("module", copy.deepcopy, world.root, memo)
            nested("module", copy.deepcopy, world.root)
    else:
        nested("module", copy.deepcopy, world.root, memo)
        nested("module", copy.deepcopy, world.root)
    return GO_ON


def shared_list():
    return [1, [2]]


# The collector and the interpreter ------------------------------------------------------------------------------------------------------------------

@action
def collector_off(self, memo):
    gc.disable()
    return GO_ON


@action
def collector_on(self, memo):
    gc.enable()
    return GO_ON


@action
def collector_toggled(self, memo):
    world.log(f"collector {gc.isenabled()}")
    gc.disable()
    nested("n", world.api.deepcopy, containers.get(parent(), False), memo)
    world.log(f"collector {gc.isenabled()}")
    gc.enable()
    return GO_ON


@action
def collect(self, memo):
    for generation in (0, 1, 2):
        gc.collect(generation)
    return GO_ON


@action
def collector_eager(self, memo):
    before = gc.get_threshold()
    world.undo.append(lambda: gc.set_threshold(*before))
    gc.enable()
    gc.set_threshold(1, 1, 1)
    return GO_ON


@action
def freeze(self, memo):
    gc.freeze()
    return GO_ON


@action
def deeper_recursion(self, memo):
    limit = sys.getrecursionlimit()
    world.undo.append(lambda: sys.setrecursionlimit(limit))
    sys.setrecursionlimit(limit + 1000)
    return GO_ON


@action(loose="without frames of copy.py the limit is reached later")
def shallow_recursion(self, memo):
    limit = sys.getrecursionlimit()
    world.undo.append(lambda: sys.setrecursionlimit(limit))
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 40)
    return GO_ON


@action(loose="without frames of copy.py the limit is reached later")
def endless_recursion(self, memo):
    def down():
        return [world.api.deepcopy([Recursive()], memo)]

    class Recursive:
        def __deepcopy__(self, memo):
            return down()
    try:
        down()
    except RecursionError:
        pass
    return GO_ON


@action
def trace_from_here(self, memo):
    before = sys.gettrace()
    world.undo.append(lambda: sys.settrace(before))

    def tracer(frame, event, argument):
        return tracer
    sys.settrace(tracer)
    return GO_ON


def _found_by_collector():
    """Containers that the collector knows and the program does not: copies in progress among them. No tuples: the interpreter itself shows some
    before they are filled, and crashes."""
    for obj in gc.get_objects():
        if type(obj) in (list, dict, set, world.plain, world.slots) and id(obj) not in world.known:
            yield obj


@action(loose="what the collector shows of copies in progress is not stdlib's")
def look_at_all_objects(self, memo):
    for obj in _found_by_collector():
        repr(containers.children(obj)) if len(containers.children(obj)) < 3 else len(containers.children(obj))
    return GO_ON


@action(loose="what the collector shows of copies in progress is not stdlib's")
def change_all_objects(self, memo):
    visited = [containers.get(obj, True) for obj in parents()]
    near = {id(obj) for obj in gc.get_referrers(*visited)} | {id(obj) for obj in visited}
    for obj in _found_by_collector():
        if id(obj) not in near and type(obj) is list and 0 < len(obj) < 40 and any(type(child) is list for child in obj):
            obj.clear()
    return GO_ON


@action(loose="what the collector shows of copies in progress is not stdlib's")
def look_at_referrers(self, memo):
    for v in [containers.get(obj, True) for obj in parents()]:
        found = entry(memo, id(v)) if memo is not None else None
        for obj in gc.get_referrers(found if found is not None else v):
            if type(obj) in (list, dict):  # no tuples: the interpreter itself shows some before they are filled, and crashes
                len(obj), [child for child in obj]
    return GO_ON

