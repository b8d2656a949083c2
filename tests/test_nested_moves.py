"""Hooks that change the graph while it is copied: objects are moved, dropped, replaced and brought back.

An object with one reference cannot be met twice, unless user code moves it.  So every test has objects whose only reference is the place they are in,
and no local name refers to them while the copy runs.
"""

import collections
import copy
import copyreg
import gc
import types
import weakref

import pytest
from support.copiers import since
from support.topology import topology


class World:
    """The root and the functions of one run.  Hooks know their function by number: a graph contains nothing that differs from run to run."""

    root = None
    functions = []
    armed = False


class Act:
    """Runs a function on the root when it is met; the subclass says through which hook."""

    def __init__(self, function):
        self.number = len(World.functions)
        World.functions.append(function)

    def act(self):
        World.functions[self.number](World.root)


class ByDeepcopy(Act):
    def __deepcopy__(self, memo):
        self.act()
        return "hook"


class ByReduce(Act):
    def __reduce__(self):
        self.act()
        return str, ("hook",)


class ByGetstate(Act):
    def __getstate__(self):
        self.act()
        return {"state": "hook"}


class BySetstate(Act):
    def __reduce__(self):
        return BySetstate.__new__, (BySetstate,), self.number

    def __setstate__(self, number):
        self.number = number
        self.act()


class ByProperty(Act):
    @property
    def __deepcopy__(self):
        self.act()
        return lambda memo: "hook"


class ByHash(Act):
    """A member of a set, hashed again when the set is copied."""

    def __hash__(self):
        if World.armed:
            self.act()
        return 3

    def __reduce__(self):
        return ByHash.again, (self.number,)

    @classmethod
    def again(cls, number):
        self = cls.__new__(cls)
        self.number = number
        return self


HOOKS = (ByDeepcopy, ByReduce, ByGetstate, BySetstate, ByProperty)

MOVED = {
    "list": lambda: [1, [2]],
    "empty list": lambda: [],
    "dict": lambda: {"k": [1]},
    "flat dict": lambda: {"k": 1, "l": 2},
    "tuple": lambda: ([1], 2),
    "set": lambda: {1, 2},
    "frozenset": lambda: frozenset([(1, 2)]),
    "bytearray": lambda: bytearray(b"ab"),
    "instance": lambda: types.SimpleNamespace(a=[1]),
    "plain": lambda: _plain(),
    "slots": lambda: _slots(),
    "deque": lambda: collections.deque([[1]]),
    "namedtuple": lambda: Point([1]),
    "list subclass": lambda: ListSub([[1]]),
    "method": lambda: collections.UserList([1]).append,
    "exception": lambda: ValueError([1]),
}

Point = collections.namedtuple("Point", "a")


class ListSub(list):
    pass


class Plain:
    pass


class Slots:
    __slots__ = ("a", "b")


def _plain():
    x = Plain()
    x.a, x.b = [1], 2
    return x


def _slots():
    x = Slots()
    x.a, x.b = [1], 2
    return x


def run(deepcopy, build):
    """Builds a graph, copies it, and describes original and copy together; errors are a result."""
    World.functions = []
    World.root = build()
    World.armed = True
    try:
        copied = deepcopy(World.root)
    except Exception as error:
        copied = (type(error).__name__, str(error))
    finally:
        World.armed = False
        root, World.root, World.functions = World.root, None, []
    return topology(root, copied)


def assert_as_stdlib(copier, build):
    assert run(copier.deepcopy, build) == run(copy.deepcopy, build)


# Objects that were visited ---------------------------------------------------------------------------------------------------------------------------

def move_to_end(root):
    root.append(root.pop(0))


def move_into_list(root):
    root[-1].append(root.pop(0))


def move_into_dict(root):
    root[-2]["moved"] = root.pop(0)


def move_into_tuple(root):
    root.append((root.pop(0), 1))


def move_and_double(root):
    root += [root[0], [root.pop(0)]]


def move_out_and_in_again(root):
    moved = root.pop(0)
    root.insert(0, moved)


def swap_ends(root):
    root[0], root[-1] = root[-1], root[0]


def drop(root):
    root[0] = None


def drop_and_collect(root):
    root[0] = None
    gc.collect()


def replace_by_equal(root):
    root[0] = copy.copy(root[0])


def replace_many_times(root):
    for i in range(20):
        root[0] = [i]


def drop_and_refill(root):
    """Frees an object, then makes others that may get its address."""
    root[0] = None
    root += [[[i] for i in range(50)], [{"k": i} for i in range(20)], [(i, [i]) for i in range(20)]]


def clear_everything(root):
    root.clear()


def reverse(root):
    root.reverse()


def wrap(root):
    root[0] = [root[0], root[0]]


def empty_the_moved(root):
    if isinstance(root[0], list):
        root[0].clear()


MOVES = [function for name, function in sorted(globals().items()) if isinstance(function, types.FunctionType) and name.split("_")[0] in
         ("move", "swap", "drop", "replace", "clear", "reverse", "wrap", "empty")]


@pytest.mark.parametrize("move", MOVES, ids=lambda function: function.__name__)
@pytest.mark.parametrize("moved", MOVED)
def test_a_visited_object_that_a_hook_moves_keeps_its_one_copy(copier, moved, move):
    for hook in HOOKS:
        assert_as_stdlib(copier, lambda: [MOVED[moved](), hook(move), [0], {"k": [1]}, [2]])


@pytest.mark.parametrize("move", MOVES, ids=lambda function: function.__name__)
@pytest.mark.parametrize("moved", ["list", "dict", "tuple", "plain", "slots", "frozenset"])
def test_an_object_that_a_hook_moves_before_it_is_visited(copier, moved, move):
    for hook in HOOKS:
        assert_as_stdlib(copier, lambda: [hook(lambda root: move(root[-1])), [0], [MOVED[moved](), [1], {"k": 1}, [2]]])


@pytest.mark.parametrize("moved", MOVED)
def test_first_and_third_place_show_the_same_copy_after_a_move(copier, moved):
    """The only reference to the object is moved from place 0 to place 2: r[0] is r[2]."""

    class Move:
        def __reduce__(self):
            x[2], x[0] = x[0], None
            return str, ("hook",)

    x = [MOVED[moved](), Move(), None]
    copied = copier.deepcopy(x)
    assert copied[0] is copied[2]
    assert copied[0] is not x[2]


@pytest.mark.parametrize("moved", MOVED)
def test_a_child_of_a_visited_object_that_is_moved_keeps_its_copy(copier, moved):
    def build():
        def move(root):
            # Up to 3.12 an instance refers to its values or to a dict of them; which, depends on who asked for the dict.
            children = [*gc.get_referents(root[0]), *getattr(root[0], "__dict__", {}).values()]
            child = next((obj for obj in children if type(obj) is list), None)
            root[2] = child
            root[0] = None

        return [MOVED[moved](), ByReduce(move), None, [None]]

    assert_as_stdlib(copier, build)


@pytest.mark.parametrize("depth", [1, 2, 5, 50])
def test_a_deeply_nested_visited_object_that_is_moved_keeps_its_copy(copier, depth):
    def build():
        def move(root):
            inner = root[0]
            while type(inner[0]) is list:
                inner = inner[0]
            root[2] = inner.pop()

        x = [1, {"deepest": []}]
        for _ in range(depth):
            x = [x]
        return [x, ByReduce(move), None]

    assert_as_stdlib(copier, build)


def test_an_object_moved_by_each_of_many_hooks_has_one_copy(copier):
    def build():
        def move(root):
            place = next(i for i, obj in enumerate(root) if type(obj) is dict)
            moved = root[place]
            root[place] = None
            root[min(place + 2, len(root) - 1)] = moved

        root = [{"moved": [1]}]
        for _ in range(20):
            root += [ByReduce(move), None]
        return root

    assert_as_stdlib(copier, build)


def test_a_visited_object_hidden_in_a_local_name_and_brought_back_later(copier):
    def build():
        hidden = []
        return [[1], ByReduce(lambda root: hidden.append(root.pop(0))), [2], ByGetstate(lambda root: root.append(hidden.pop())), [3]]

    assert_as_stdlib(copier, build)


def test_an_object_moved_between_the_values_of_a_dict(copier):
    def build():
        def move(root):
            root["c"], root["a"] = root["a"], None

        return {"a": [1], "b": ByReduce(move), "c": None, "d": [2]}

    assert_as_stdlib(copier, build)


def test_an_object_moved_between_attributes(copier):
    def build():
        x = Plain()
        x.a, x.c = [1], None
        x.b = ByReduce(lambda root: move(root[0]))

        def move(x):
            x.c, x.a = x.a, None

        return [x, x]

    assert_as_stdlib(copier, build)


def test_an_attribute_set_by_a_hook_before_the_state_is_taken_is_copied(copier):
    def build():
        x = Plain()
        return [ByReduce(lambda root: setattr(root[1], "late", [1])), x, x]

    assert_as_stdlib(copier, build)


def test_an_attribute_set_by_a_hook_while_the_state_is_copied_follows_the_dict(copier):
    def build():
        x = Plain()
        x.a = [1]
        x.hook = ByReduce(lambda root: root[0].__dict__.__setitem__("a", [2]))
        x.b = [3]
        return [x, x]

    assert_as_stdlib(copier, build)


def test_an_attribute_added_while_the_state_is_copied_raises_as_stdlib_does(copier):
    def build():
        x = Plain()
        x.a = [1]
        x.hook = ByReduce(lambda root: setattr(root[0], "new", [2]))
        return [x]

    assert_as_stdlib(copier, build)


def test_a_slot_set_while_the_slots_are_copied(copier):
    def build():
        x = Slots()
        x.a = ByReduce(lambda root: setattr(root[0], "b", ["changed"]))
        x.b = ["first"]
        return [x, x]

    assert_as_stdlib(copier, build)


def test_a_slot_deleted_while_the_slots_are_copied(copier):
    def build():
        x = Slots()
        x.a = ByReduce(lambda root: delattr(root[0], "b"))
        x.b = ["first"]
        return [x, [None]]

    assert_as_stdlib(copier, build)


def test_the_class_of_an_instance_changed_while_its_state_is_copied(copier):
    class Other:
        pass

    def build():
        x = Plain()
        x.a = ByReduce(lambda root: setattr(root[0], "__class__", Other))
        x.b = [1]
        return [x, x]

    assert_as_stdlib(copier, build)


def test_the_dict_of_an_instance_replaced_while_it_is_copied(copier):
    def build():
        x = Plain()
        x.a = ByReduce(lambda root: setattr(root[0], "__dict__", {"other": [2]}))
        x.b = [1]
        return [x, x]

    assert_as_stdlib(copier, build)


def test_a_list_emptied_by_the_hook_of_its_item(copier):
    assert_as_stdlib(copier, lambda: [[ByReduce(lambda root: root[0].clear()), [1], [2]], [3]])


def test_a_list_that_grows_while_it_is_copied_is_followed(copier):
    def build():
        def grow(root):
            if len(root) < 30:
                root += [[len(root)], ByReduce(grow)]

        return [[0], ByReduce(grow)]

    assert_as_stdlib(copier, build)


def test_a_list_that_shrinks_while_it_is_copied_ends_early(copier):
    assert_as_stdlib(copier, lambda: [[0], ByReduce(lambda root: root.__delitem__(slice(2, None))), [1], [2], [3]])


def test_items_inserted_before_the_place_under_copy_shift_what_follows(copier):
    assert_as_stdlib(copier, lambda: [[0], ByReduce(lambda root: root.insert(0, ["new"]) if len(root) < 9 else None), [1], [2]])


def test_a_dict_that_changes_its_size_while_it_is_copied_raises(copier):
    for change in (lambda root: root[0].__setitem__("new", 1), lambda root: root[0].pop("a"), lambda root: root[0].clear(),
                   lambda root: (root[0].pop("a"), root[0].__setitem__("new", [1])), lambda root: root[0].update(a=["other"])):
        assert_as_stdlib(copier, lambda: [{"a": [1], "b": ByReduce(change), "c": [2]}])


def test_the_value_under_copy_replaced_in_its_dict(copier):
    assert_as_stdlib(copier, lambda: {"a": [ByReduce(lambda root: root.__setitem__("a", "other"))], "b": [1]})


def test_a_set_changed_while_its_members_are_copied(copier):
    class Member:
        def __init__(self, function):
            self.act = ByReduce(function)

        def __hash__(self):
            return 1

        def __reduce__(self):
            self.act.act()
            return str, ("member",)

    for change in (lambda root: root[0].clear(), lambda root: root[0].add(5)):
        assert_as_stdlib(copier, lambda: [{Member(change)}, [1]])


@pytest.mark.parametrize("make", [collections.deque, ListSub, collections.UserList], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("change", [lambda x: x.append([9]) if len(x) < 9 else None, lambda x: x.pop(), lambda x: x.clear(), lambda x: x.reverse()],
                         ids=["append", "pop", "clear", "reverse"])
def test_a_sequence_changed_while_it_is_copied(copier, make, change):
    assert_as_stdlib(copier, lambda: [make([[1], ByReduce(lambda root: change(root[0])), [2], [3]])])


def test_an_ordered_dict_changed_while_it_is_copied(copier):
    for change in (lambda x: x.move_to_end("a"), lambda x: x.pop("c"), lambda x: x.update(new=[1]), lambda x: x.clear()):
        assert_as_stdlib(copier, lambda: [collections.OrderedDict(a=[1], b=ByReduce(lambda root: change(root[0])), c=[2])])


def test_members_of_a_set_moved_elsewhere_by_the_hash_of_a_copy(copier):
    def build():
        def move(root):
            if root[0] is not None:
                root[2], root[0] = root[0], None

        return [[1], {ByHash(move)}, None]

    assert_as_stdlib(copier, build)


# Objects that die, and addresses that come back ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("hook", HOOKS, ids=lambda cls: cls.__name__)
def test_addresses_of_dropped_objects_are_not_taken_for_those_of_new_ones(copier, hook):
    """Each hook drops what was just copied and puts a new object in the next place."""

    def build():
        def renew(root):
            place = next(i for i, obj in enumerate(root) if obj == ["old"])
            root[place] = None
            root[place + 2] = ["old"] if place < 380 else ["last"]

        root = [["old"]]
        for _ in range(200):
            root += [hook(renew), None]
        return root

    assert_as_stdlib(copier, build)


@pytest.mark.parametrize("make", [lambda i: [i], lambda i: {"k": i}, lambda i: ([i],), lambda i: {"k": [i]}, lambda i: {i}, lambda i: types.SimpleNamespace(i=i)],
                         ids=["list", "dict", "tuple", "nested", "set", "namespace"])
def test_fresh_reduce_arguments_of_thousands_of_objects_are_copied_apart(copier, make):
    class Fresh:
        def __init__(self, number):
            self.number = number

        def __reduce__(self):
            return list, ([make(self.number), make(self.number)],)

    copied = copier.deepcopy([Fresh(i) for i in range(3000)])
    assert copied == [[make(i), make(i)] for i in range(3000)]
    assert len({id(pair[0]) for pair in copied} | {id(pair[1]) for pair in copied}) == 6000


@pytest.mark.parametrize("place", ["state", "slots", "listitems", "dictitems", "getnewargs", "getnewargs_ex"])
def test_fresh_parts_of_thousands_of_reduce_values_are_copied_apart(copier, place):
    class Target:
        __slots__ = ("got", "__dict__")

        def __init__(self, *args, **kwargs):
            self.got = [*args, *kwargs.values()]

        def append(self, item):
            self.got.append(item)

        def __setitem__(self, key, value):
            self.got.append(value)

    class Fresh:
        def __init__(self, number):
            self.number = number

        def __reduce__(self):
            i = self.number
            return {
                "state": lambda: (Target, (), {"a": [i], "b": {"k": [i]}}),
                "slots": lambda: (Target, (), (None, {"got": [[i], ([i],)]})),
                "listitems": lambda: (Target, (), None, iter([[i], [[i]]])),
                "dictitems": lambda: (Target, (), None, None, iter([("a", [i]), ("b", [[i]])])),
                "getnewargs": lambda: (copyreg.__newobj__, (NewTarget, [i], [[i]])),
                "getnewargs_ex": lambda: (copyreg.__newobj_ex__, (NewTarget, ([i],), {"k": [[i]]})),
            }[place]()

    class NewTarget(Target):
        def __new__(cls, *args, **kwargs):
            self = super().__new__(cls)
            self.got = [*args, *kwargs.values()]
            return self

    expected = copy.deepcopy([Fresh(i) for i in range(2000)])
    copied = copier.deepcopy([Fresh(i) for i in range(2000)])
    assert [obj.got for obj in copied] == [obj.got for obj in expected]
    assert [vars(obj) for obj in copied] == [vars(obj) for obj in expected]
    parts = [id(part) for obj in copied for part in (*obj.got, *vars(obj).values())]
    assert len(parts) == len(set(parts)) == 4000


def test_temporaries_made_and_freed_by_hooks_take_no_address_of_an_original(copier):
    class State:
        def __init__(self, number):
            self.number = number

        def __getstate__(self):
            for i in range(5):
                [i], {"k": i}, (i, [i])
            return {"number": self.number, "fresh": [[self.number], {"k": [self.number]}]}

    copied = copier.deepcopy([[State(i), [i], {"k": [i]}] for i in range(1500)])
    assert [(a.number, a.fresh, b, c) for a, b, c in copied] == [(i, [[i], {"k": [i]}], [i], {"k": [i]}) for i in range(1500)]


def test_an_original_dropped_by_a_later_hook_still_has_its_entry(copier):
    """It is copied while nobody watches, then dropped by the first hook: the memo that the second hook sees must still know it."""
    ids = []

    class Drop:
        def __deepcopy__(self, memo):
            ids.append(id(x[0]))
            entry = memo[ids[0]]
            x[0] = None
            return [entry]

    class Look:
        def __deepcopy__(self, memo):
            return [memo[ids[0]]]

    x = [[[1]], Drop(), [2], Look()]
    copied = copier.deepcopy(x)
    assert copied[1][0] is copied[0]
    assert copied[3][0] is copied[0]


def test_a_weakly_referenced_original_survives_the_hook_that_dropped_it(copier):
    class Weak(list):
        pass

    alive = []

    def build():
        def drop_it(root):
            ref = weakref.ref(root[0])
            root[0] = None
            gc.collect()
            alive.append(ref() is not None)

        return [Weak([[1]]), ByReduce(drop_it), [2]]

    run(copier.deepcopy, build)
    assert alive == [True]


def test_finalizers_of_dropped_originals_run_after_the_copy(copier):
    class Dying:
        def __del__(self):
            order.append("freed")

    order = []

    def build():
        def drop_it(root):
            root[0] = None
            order.append("dropped")

        return [Dying(), ByReduce(drop_it), ByReduce(lambda root: order.append("second hook"))]

    run(copier.deepcopy, build)
    assert order[:3] == ["dropped", "second hook", "freed"]


def test_an_object_that_a_hook_drops_while_its_own_children_are_copied(copier):
    def build():
        return [[[[ByReduce(lambda root: root.__setitem__(0, None)), [1]], [2]], [3]], [4]]

    assert_as_stdlib(copier, build)


@pytest.mark.parametrize("make", [lambda hook: [hook, [1]], lambda hook: (hook, [1]), lambda hook: {"h": hook, "k": [1]}, lambda hook: frozenset([hook]),
                                  lambda hook: Point(hook), lambda hook: types.SimpleNamespace(hook=hook, k=[1]), lambda hook: collections.deque([hook, [1]]),
                                  lambda hook: ListSub([hook, [1]]), lambda hook: ValueError(hook), lambda hook: collections.OrderedDict(h=hook, k=[1])],
                         ids=["list", "tuple", "dict", "frozenset", "namedtuple", "namespace", "deque", "list_subclass", "exception", "ordered_dict"])
def test_a_container_that_the_hook_inside_it_frees_is_copied_to_its_end(copier, make):
    """The only reference to the container goes away while its items are being copied."""

    def build():
        return [make(ByReduce(lambda root: root.clear())), [1]]

    assert_as_stdlib(copier, build)


@pytest.mark.skipif(since(3, 14), reason="a list iterator may hold its list in another way there")
def test_the_root_itself_may_lose_its_last_reference(copier):
    class Hook:
        def __deepcopy__(self, memo):
            box.clear()
            gc.collect()
            return "hook"

    box = [[[1], Hook(), [2]]]
    assert copier.deepcopy(box[0]) == [[1], "hook", [2]]


def test_a_copy_under_way_that_user_code_changes_through_the_memo(copier):
    class Hook:
        def __deepcopy__(self, memo):
            memo[id(x)].append("added")
            memo[id(x[0])].clear()
            memo[id(x[3])] = "preset"
            return "hook"

    x = [[1], [2], Hook(), [3]]
    assert copier.deepcopy(x) == [[], [2], "added", "hook", "preset"]


def test_a_copied_dict_under_way_that_user_code_changes_through_the_memo(copier):
    class Hook:
        def __deepcopy__(self, memo):
            partial = memo[id(x)]
            partial["b"] = "early"
            partial["extra"] = 1
            del partial["a"]
            return "hook"

    x = {"a": 1, "hook": Hook(), "b": [2], "c": 3}
    copied = copier.deepcopy(x)
    assert list(copied.items()) == [("b", [2]), ("extra", 1), ("hook", "hook"), ("c", 3)]


def test_an_instance_under_way_that_user_code_fills_through_the_memo(copier):
    class Hook:
        def __deepcopy__(self, memo):
            made = memo[id(x)]
            made.early = 1
            made.b = "overwritten"
            return "hook"

    x = Plain()
    x.a, x.hook, x.b = 1, Hook(), 2
    copied = copier.deepcopy(x)
    assert list(vars(copied).items()) == [("early", 1), ("b", 2), ("a", 1), ("hook", "hook")]


def test_an_instance_under_way_whose_class_user_code_changes_through_the_memo(copier):
    class Other(Plain):
        def __setstate__(self, state):
            self.got = state

    class Hook:
        def __deepcopy__(self, memo):
            memo[id(x)].__class__ = Other
            return "hook"

    x = Plain()
    x.a, x.hook = [1], Hook()
    copied = copier.deepcopy(x)
    assert type(copied) is Other
    assert copied.got == {"a": [1], "hook": "hook"}


def test_a_class_that_gets_a_hook_while_its_instances_are_copied(copier):
    class Late:
        pass

    class Hook:
        def __deepcopy__(self, memo):
            Late.__deepcopy__ = lambda self, memo: "late"
            return "hook"

    x = [Late(), Hook(), Late()]
    copied = copier.deepcopy(x)
    assert type(copied[0]) is Late
    assert copied[1:] == ["hook", "late"]


def test_a_class_that_loses_its_setstate_while_the_state_is_copied(copier):
    class Loses:
        def __setstate__(self, state):
            self.by_hook = state

    class Hook:
        def __deepcopy__(self, memo):
            if "__setstate__" in vars(Loses):
                del Loses.__setstate__
            return "hook"

    x = Loses()
    x.hook, x.other = Hook(), [1]
    assert vars(copier.deepcopy(x)) == {"hook": "hook", "other": [1]}


def test_a_class_that_gets_a_setstate_while_the_state_is_copied(copier):
    class Gets:
        pass

    class Hook:
        def __deepcopy__(self, memo):
            Gets.__setstate__ = lambda self, state: self.__dict__.update(by_hook=state)
            return "hook"

    x = Gets()
    x.hook, x.other = Hook(), [1]
    assert vars(copier.deepcopy(x)) == {"by_hook": {"hook": "hook", "other": [1]}}
