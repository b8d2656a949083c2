"""What a hook may do while a copy runs. An action is a function of the hostile object and the memo, if there is one to be had.

It returns GO_ON, or what the hook returns instead of what it would. The graph is reached from `world.root`: `V` below is what was visited before
the object, `N` what will be after it, in the innermost container and in those around it.
"""

import gc
import os
import sys
import threading

try:
    import greenlet
except ImportError:
    greenlet = None
if "san.so" in os.environ.get("LD_PRELOAD", "") or hasattr(sys, "gettotalrefcount"):
    greenlet = None  # sanitizers do not follow stacks that move; the debug interpreter has greenlets of another build

from . import containers
from .positions import chain
from .world import GO_ON, bag, shared, world

ACTIONS = {}  # name -> function
FRESH = set()  # names of the actions that change classes: they get classes of their own
LOOSE = {}  # name -> why only crashes and the next copy are looked at


def action(function=None, *, fresh=False, loose=None):
    def register(function):
        name = function.__name__.strip("_")
        ACTIONS[name] = function
        if fresh:
            FRESH.add(name)
        if loose:
            LOOSE[name] = loose
        return function
    return register if function is None else register(function)


def parents():
    return chain(world.root, world.chain)


def parent():
    return parents()[-1]


def keep(obj):
    world.limbo.append(obj)
    return obj


def nested(what, function, *args):
    """A copy inside the copy; what it gave is compared, an error too."""
    try:
        world.results.append(function(*args))
        world.log(f"{what} done")
    except Exception as error:
        world.log(f"{what} raised {type(error).__name__}: {error}")


@action
def nothing(self, memo):
    return GO_ON


# Changes of the graph -------------------------------------------------------------------------------------------------------------------------------

@action
def clear_parents(self, memo):
    for obj in parents():
        containers.clear(obj)
    return GO_ON


@action
def clear_parents_and_collect(self, memo):
    for obj in reversed(parents()):
        containers.clear(obj)
    gc.collect()
    return GO_ON


@action
def clear_parent(self, memo):
    containers.clear(parent())
    return GO_ON


@action
def clear_root(self, memo):
    containers.clear(world.root)
    return GO_ON


@action
def clear_and_refill(self, memo):
    """What is made next may get the addresses of what was freed."""
    for obj in parents():
        containers.clear(obj)
        for i in range(30):
            containers.add(obj, bag(i))
    return GO_ON


@action
def extend_parents(self, memo):
    for obj in parents():
        containers.add(obj, bag(50))
        containers.add(obj, bag(51))
    return GO_ON


@action
def pop_from_parents(self, memo):
    for obj in parents():
        containers.pop(obj)
    return GO_ON


@action
def turn_parents(self, memo):
    for obj in parents():
        containers.turn(obj)
    return GO_ON


@action
def replace_visited(self, memo):
    for obj in parents():
        containers.put(obj, True, bag(52))
    return GO_ON


@action
def replace_unvisited(self, memo):
    for obj in parents():
        containers.put(obj, False, bag(53))
    return GO_ON


@action
def replace_visited_many_times(self, memo):
    for i in range(30):
        for obj in parents():
            containers.put(obj, True, [[i], {"k": [i]}, ([i],)])
    return GO_ON


@action
def swap_visited_and_unvisited(self, memo):
    for obj in parents():
        v, n = containers.get(obj, True), containers.get(obj, False)
        containers.put(obj, True, n)
        containers.put(obj, False, v)
    return GO_ON


@action
def move_visited_into_unvisited(self, memo):
    for obj in parents():
        v, n = containers.get(obj, True), containers.get(obj, False)
        if type(n) is list and type(v) is list and n is not v and n is not world.root:
            n.extend(reversed(v))
            v.clear()
    return GO_ON


@action
def wrap_visited_into_unvisited(self, memo):
    for obj in parents():
        v, n = containers.get(obj, True), containers.get(obj, False)
        if type(n) is list and type(v) is list and n is not v and n is not world.root:
            n += [(v[0], v[2]), {"k": v[1]}, world.plain(v[3], v[4], v[5])] if len(v) > 5 else [v]
            v.clear()
    return GO_ON


@action
def drop_visited_and_collect(self, memo):
    for obj in parents():
        containers.put(obj, True, None)
    gc.collect()
    return GO_ON


@action
def drop_unvisited_and_collect(self, memo):
    for obj in parents():
        containers.put(obj, False, None)
    gc.collect()
    return GO_ON


@action
def empty_visited(self, memo):
    for obj in parents():
        for child in containers.get(obj, True) or () if type(containers.get(obj, True)) is list else ():
            containers.clear(child)
    return GO_ON


@action
def empty_unvisited(self, memo):
    for obj in parents():
        for child in list(containers.get(obj, False)) if type(containers.get(obj, False)) is list else ():
            if child is not self and child is not world.root:
                containers.clear(child)
    return GO_ON


@action
def replace_dicts_of_instances(self, memo):
    for obj in [*parents(), self]:
        if containers.attributes(obj):
            try:
                obj.__dict__ = {"v": [54], "x": [55], "n": [56]}
            except Exception:
                pass
    return GO_ON


@action
def delete_attributes_of_self(self, memo):
    containers.clear(self) if containers.base(self) is None else None
    return GO_ON


@action
def change_self(self, memo):
    containers.put(self, True, bag(57))
    containers.add(self, [58])
    return GO_ON


@action
def meet_self_again(self, memo):
    for obj in parents():
        containers.put(obj, False, self)
    return GO_ON


@action
def root_into_unvisited(self, memo):
    n = containers.get(parent(), False)
    if type(n) is list:
        n.append(world.root)
        n.append((world.root,))
    return GO_ON


@action
def visited_again_at_the_end(self, memo):
    for obj in parents():
        containers.add(obj, containers.get(obj, True))
    return GO_ON


@action
def hide_visited_and_bring_it_back(self, memo):
    hidden = [(obj, containers.get(obj, True)) for obj in parents()]
    for obj, _ in hidden:
        containers.put(obj, True, None)
    gc.collect(0)

    def bring_back():
        for obj, child in hidden:
            containers.put(obj, False, child)
        hidden.clear()
    world.next = bring_back
    return GO_ON


@action
def drop_root(self, memo):
    """The caller still has it."""
    world.root = None
    gc.collect()
    return GO_ON


# Copies in the copy ---------------------------------------------------------------------------------------------------------------------------------

@action
def deepcopy_root(self, memo):
    nested("root", world.api.deepcopy, world.root)
    return GO_ON


@action
def deepcopy_self(self, memo):
    nested("self", world.api.deepcopy, self)
    return GO_ON


@action
def deepcopy_siblings(self, memo):
    for obj in parents():
        nested("v", world.api.deepcopy, containers.get(obj, True))
        nested("n", world.api.deepcopy, containers.get(obj, False))
    return GO_ON


@action
def deepcopy_root_with_empty_memo(self, memo):
    nested("root", world.api.deepcopy, world.root, {})
    return GO_ON


@action
def deepcopy_root_with_memo(self, memo):
    nested("root", world.api.deepcopy, world.root, memo)
    return GO_ON


@action
def deepcopy_self_with_memo(self, memo):
    nested("self", world.api.deepcopy, self, memo)
    return GO_ON


@action
def deepcopy_visited_with_memo(self, memo):
    nested("v", world.api.deepcopy, containers.get(parent(), True), memo)
    return GO_ON


@action
def deepcopy_unvisited_with_memo(self, memo):
    for obj in parents():
        nested("n", world.api.deepcopy, containers.get(obj, False), memo)
    return GO_ON


@action
def deepcopy_parents_with_memo(self, memo):
    for obj in reversed(parents()):
        nested("parent", world.api.deepcopy, obj, memo)
    return GO_ON


@action(loose="the list of originals, which is copied too, has temporaries in it that calque does not make")
def deepcopy_memo_with_memo(self, memo):
    nested("memo", world.api.deepcopy, [memo], memo)
    return GO_ON


@action
def copy_root(self, memo):
    nested("root", world.api.copy, world.root)
    return GO_ON


@action
def copy_self(self, memo):
    nested("self", world.api.copy, self)
    return GO_ON


@action
def many_other_copies(self, memo):
    for i in range(6):
        nested("other", world.api.deepcopy, [bag(i), {"k": bag(i)}, (shared, shared)])
    return GO_ON


@action
def failing_copy(self, memo):
    nested("failing", world.api.deepcopy, [bag(1), {"k": (bag(2), sys)}])
    fails = [bag(1), sys]
    world.extra.append(fails)  # it is in the memo, and what takes its address would be found there
    nested("failing", world.api.deepcopy, fails, memo)
    return GO_ON


@action
def failing_copy_that_ends_this_one(self, memo):
    world.api.deepcopy([bag(1), {"k": (bag(2), sys)}], memo)
    return GO_ON


@action
def return_nested_copy_of_root(self, memo):
    return world.api.deepcopy(world.root, memo)


# Switches -------------------------------------------------------------------------------------------------------------------------------------------

def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@action
def thread_copies_root(self, memo):
    in_thread(lambda: nested("thread", world.api.deepcopy, world.root))
    return GO_ON


@action
def thread_copies_with_memo(self, memo):
    in_thread(lambda: nested("thread", world.api.deepcopy, containers.get(parent(), False), memo))
    return GO_ON


@action
def thread_changes_graph(self, memo):
    in_thread(lambda: replace_visited_many_times(self, memo))
    in_thread(lambda: swap_visited_and_unvisited(self, memo))
    in_thread(lambda: extend_parents(self, memo))
    return GO_ON


def suspended(target, *args):
    """A greenlet that copies, and is left in the middle by the next hook; it goes on after this copy."""
    if greenlet is None:
        return GO_ON
    here = greenlet.getcurrent()
    other = greenlet.greenlet(lambda: nested("greenlet", target, *args))
    world.next = here.switch
    other.switch()
    world.later.append(lambda: None if other.dead else other.switch())
    return GO_ON


@action
def greenlet_suspended_in_copy_of_root(self, memo):
    return suspended(world.api.deepcopy, world.root)


@action
def greenlet_suspended_with_memo(self, memo):
    return suspended(world.api.deepcopy, [containers.get(parent(), False), self], memo)


@action
def greenlet_dropped_in_the_middle(self, memo):
    suspended(world.api.deepcopy, world.root)
    world.later.clear()
    return GO_ON


@action
def greenlet_clears_parents(self, memo):
    if greenlet is not None:
        greenlet.greenlet(lambda: clear_parents_and_collect(self, memo)).switch()
    return GO_ON
