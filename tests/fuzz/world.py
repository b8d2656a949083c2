"""What the hooks of a graph know of the run they are in: the implementation, the way to other objects, the trace.

Nothing here refers to a node except `root` and `limbo`.  A list of all nodes would give every object a second reference, and an implementation
that treats objects with one reference differently would never be seen doing so.
"""

import ast
import copy
import gc
import types


class World:
    """One run of one implementation over one graph."""

    def __init__(self):
        self.reset(copy)

    def reset(self, implementation):
        self.implementation = implementation
        self.root = None
        self.labels = {}  # id of a node -> its number in the recipe
        self.actions = {}  # number -> what its hook does
        self.calls = {}
        self.trace = []
        self.freed = []
        self.limbo = []
        self.kept_memos = []
        self.held = []  # presets: a memo entry of an object that dies would be found for whatever gets its address
        self.budget = 40
        self.depth = 0
        self.active = False
        self.memo_given = None  # by the caller of deepcopy


world = World()

CONTAINERS = (list, dict)


def label(obj):
    number = world.labels.get(id(obj))
    return "?" if number is None else f"#{number}"


def children(obj):
    """The objects a walk can go to; sets are left out because their order is nobody's business."""
    kind = type(obj)
    if kind in (list, tuple):
        return obj
    if kind is dict:
        return list(obj.values())
    if isinstance(obj, ast.AST):
        return list(vars(obj).values())
    if isinstance(obj, types.SimpleNamespace) or kind.__name__ in ("Plain", "Slots", "Data"):
        return [getattr(obj, name) for name in ("a", "b") if hasattr(obj, name)]
    return ()


def walk(path):
    """Follows the digits of `path` from the root."""
    obj = world.root
    while path:
        below = children(obj)
        if not below:
            break
        obj = below[path % len(below)]
        path //= 7
    return obj


def walk_to_container(path, kinds=CONTAINERS):
    obj = found = world.root
    while path:
        below = children(obj)
        if not below:
            break
        obj = below[path % len(below)]
        if type(obj) in kinds:
            found = obj
        path //= 7
    return found


def reachable(*roots):
    """The ids of everything below the roots."""
    seen = set()
    todo = list(roots)
    while todo:
        obj = todo.pop()
        if id(obj) in seen or isinstance(obj, (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)):
            continue
        seen.add(id(obj))
        todo.extend(gc.get_referents(obj))
    return seen


def forget_labels_of_freed():
    """An id may belong to another object as soon as its first one is freed."""
    seen = reachable(world.root, *world.limbo)
    world.labels = {key: value for key, value in world.labels.items() if key in seen}


def put(container, index, obj):
    if type(container) is list:
        container.insert(index % (len(container) + 1), obj)
    elif type(container) is dict and container:
        container[list(container)[index % len(container)]] = obj


def take(container, index):
    """Takes an item out; a dict keeps its size, because a copy under way would stop with RuntimeError."""
    if type(container) is list and container:
        return container.pop(index % len(container))
    if type(container) is dict and container:
        key = list(container)[index % len(container)]
        obj, container[key] = container[key], 0
        return obj
    return 0
