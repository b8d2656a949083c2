"""What the hooks and the actions of a case know of the run they are in: the implementation, the graph, the trace.

Nothing here refers to an object of the graph except the root. A list of the nodes would give each of them a second reference, and calque treats
objects with one reference differently.
"""

import types

GO_ON = type("GoOn", (), {"__repr__": lambda self: "GO_ON"})()


class Cut(Exception):
    """A run that does not end by itself."""


class Plain:
    def __init__(self, v, x, n):
        self.v, self.x, self.n = v, x, n


class Slots:
    __slots__ = ("v", "x", "n", "__weakref__")

    def __init__(self, v, x, n):
        self.v, self.x, self.n = v, x, n


class World:
    def __init__(self):
        self.reset()

    def reset(self):
        self.armed = False
        self.api = None  # deepcopy and copy of the implementation
        self.name = ""  # stdlib or calque
        self.root = None
        self.chain = None  # the containers on the way from the root to the hostile object
        self.action = None
        self.when = 1  # the action runs at this call of the hook
        self.fired = 0
        self.next = None  # runs at the next call of a hook instead
        self.trace = []
        self.limbo = []  # what actions took out of the graph
        self.results = []  # what nested copies gave
        self.later = []  # runs after the copy
        self.undo = []  # runs at the very end
        self.memo = None  # kept by the spy, or given by the caller
        self.memo_factory = None
        self.target = 0  # id of the object whose memo entries are watched
        self.extra = []  # what must live as long as the run: weak references, say
        self.fresh = False  # classes are made for this run alone
        self.plain = Plain
        self.slots = Slots

    def log(self, text):
        self.trace.append(text)
        if len(self.trace) > 400:
            self.armed = False
            raise Cut


world = World()


def fire(hook, self=None, memo=None):
    """Called by each hook when it runs. GO_ON, or what the hook is to return instead of what it would."""
    if not world.armed:
        return GO_ON
    world.log(hook)
    if world.next is not None:
        function, world.next = world.next, None
        function()
        return GO_ON
    world.fired += 1
    if world.fired != world.when:
        return GO_ON
    return world.action(self, world.memo if memo is None else memo)


def fresh_classes():
    """Plain and Slots of one run, for actions that change classes."""
    return (type("Plain", (), {"__init__": Plain.__init__}),
            type("Slots", (), {"__init__": Slots.__init__, "__slots__": ("v", "x", "n", "__weakref__")}))


shared = [99]  # one object of the graph that has many references


def bag(number):
    """Siblings of a hostile object, one of each kind; nothing else refers to them."""
    kinds = [[number], {"k": [number]}, ([number],), world.plain([number], number, "n"), world.slots([number], number, "n"), {number},
             types.SimpleNamespace(a=[number])]
    kinds.append(kinds[0])
    return kinds
