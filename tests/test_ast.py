"""Nodes of syntax trees: handlers/ast.cpp. What stdlib makes of the same tree, or of the same scenario, is the expectation."""

import ast
import copy
import copyreg
import gc
import inspect
import textwrap
import warnings

import pytest

import calque as calque_module
from support.copiers import Copier
from support.probes import outcome
from support.topology import assert_copies_alike, topology

SOURCE = '''
@decorate(1)
class A(B, metaclass=M):
    """text"""
    x: int = 1
    async def f(self, a, /, b=2, *c: int, d=3, **e) -> str:
        async with a as b, c: await d
        async for x in y: yield x
        return [x async for x in a if 1 < x <= 3 != 4] or {**b, "k": f"{x!r:>{w}}"} or {1, *z} or (yield from t)
try:
    import a.b as c; from . import d
except (E, F) as g:
    raise g from None
else:
    global h; del h[1:2, ...]
finally:
    i += 1j; j = k = lambda *a, **k: (a if not b else -c) @ d
while True:
    if (n := 10) in m is not o: break
    assert x, "no"
    continue
with open(p) as q: pass
match v:
    case {"a": [1, *_], **r} | None | B(c, d=e) if f: nonlocal_ = b"bytes"
'''


NEW = ast.AST.__new__
INIT = ast.Name.__init__


def described(copier, build):
    """What comes of deepcopy(build()): the outcome with its identities, and the warnings given."""
    x = build()
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        how, *what = outcome(copier.deepcopy, x)
    if how == "result":
        what = [topology(x, what[0])]
    return how, *what, [(w.category, str(w.message)) for w in given]


def assert_like_stdlib(copier, build):
    assert described(copier, build) == described(Copier("stdlib"), build)


def name(**attributes):
    node = ast.Name("a", ast.Load())
    vars(node).update(attributes)
    return node


def emptied(node, *order):
    """The node with these attributes only, in this order."""
    values = dict(vars(node))
    vars(node).clear()
    vars(node).update((key, values.get(key)) for key in order)
    return node


def hung(node):
    node.parent = [node, vars(node)]
    return node


class Leaf:
    """Does something when it is copied: `action(leaf, memo)` gives the copy."""

    action = None

    def __deepcopy__(self, memo):
        return Leaf.action(self, memo)


# ---- trees ------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("source", [SOURCE, inspect.getsource(textwrap), ""], ids=["each kind", "a module", "nothing"])
def test_trees(copier, source):
    tree = ast.parse(source, type_comments=True)
    y = copier.deepcopy(tree)
    assert ast.dump(y, include_attributes=True) == ast.dump(tree, include_attributes=True)
    assert_copies_alike(tree, copy.deepcopy(tree), y)


def made(cls):
    """An instance without arguments, or None where the class takes none (ast.Index and the like, which make others)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        how, *what = outcome(cls)
    return what[0] if how == "result" else None


def test_every_class_of_nodes_made_without_arguments(copier):
    classes = [cls for cls in vars(ast).values() if isinstance(cls, type) and issubclass(cls, ast.AST)]
    assert_like_stdlib(copier, lambda: [made(cls) for cls in classes + classes])


@pytest.mark.parametrize("build", [
    lambda: name(extra=[1], parent={}),
    lambda: emptied(name(), "ctx", "id"),
    lambda: emptied(name(), "id"),
    lambda: emptied(name()),
    lambda: emptied(name(lineno=1), "lineno", "id", "ctx"),
    lambda: emptied(ast.Call(ast.Load(), [], []), "func"),
    lambda: emptied(ast.arguments([], [], None, [], [], None, []), "args", "posonlyargs"),
    lambda: name(**{"not a name": [1], "": 2}),
    lambda: hung(name()),
    lambda: [x := name(a=[1]), x, vars(x), [vars(x)]],
    lambda: [vars(x := name(a=[1])), x],
    lambda: [name().ctx, ast.Load(), ast.Store()] * 2,
    lambda: [x := ast.Load(), vars(x), x],
    lambda: vars(x := name()).__setitem__(3, [x]) or x,
    lambda: vars(x := name()).__setitem__(Key(), [x]) or x,
], ids=["extra attributes", "fields in another order", "a field less", "no field", "fields last", "two missing", "wrong order, some missing",
        "odd names", "cycle", "dict after the node", "dict before the node", "singletons", "dict of a singleton", "a key that is no string",
        "a key with a hook"])
def test_nodes_as_programs_change_them(copier, build):
    assert_like_stdlib(copier, build)
    assert_like_stdlib(copier, lambda: ast.Module([ast.parse("a = f(b, *c)"), build(), name(), build()], []))  # of classes met before


class Key(str):
    def __deepcopy__(self, memo):
        return Key("copied")


def test_attributes_that_were_deleted_in_the_middle(copier):
    def build():
        x = name(**{f"a{i}": [i] for i in range(20)})
        for i in (0, 3, 7, 19):
            del vars(x)[f"a{i}"]
        return [x, ast.Expr(x)]
    assert_like_stdlib(copier, build)


# ---- hooks and classes ------------------------------------------------------------------------------------------------------------

def hooked(*args):
    return list, ([1],)


@pytest.mark.parametrize("attribute", ["__deepcopy__", "__reduce_ex__", "__reduce__", "__setstate__", "__getstate__", "__dict__", "__class__"])
def test_hooks_of_an_instance(copier, attribute):
    def build():
        plain, with_hook, uninterned = name(a=[1]), name(a=[2]), name(a=[3])
        vars(with_hook)[attribute] = hooked
        vars(uninterned)["".join([attribute[:4], attribute[4:]])] = hooked
        return ast.Module([plain, with_hook, uninterned], [])
    assert_like_stdlib(copier, build)


def init(self, *args, **kwargs):
    INIT(self, "from init", *args[1:], **kwargs)


def setattribute(self, key, value):
    object.__setattr__(self, key, [value])


def getattribute(self, key):
    return object.__getattribute__(self, key)


CHANGES = {
    "__deepcopy__": lambda self, memo: "deepcopied",
    "__reduce__": lambda self: (list, ([1],)),
    "__reduce_ex__": lambda self, protocol: (list, ([2],)),
    "__setstate__": lambda self, state: self.__dict__.update(state, added=1),
    "__getstate__": lambda self: {"id": "state"},
    "__init__": init,
    "__new__": lambda cls, *args: NEW(ast.Tuple),
    "__getattribute__": getattribute,
    "__getattr__": lambda self, key: (_ for _ in ()).throw(AttributeError(key)),
    "__setattr__": setattribute,
    "__dict__": property(lambda self: {"id": "dict"}),
    "__class__": property(lambda self: ast.Constant),
    "id": property(lambda self: "property", lambda self, value: vars(self).__setitem__("set", value)),
    "ctx": None,
    "extra": property(lambda self: "property"),
    "_fields": ("id", "ctx", "extra"),
    "_attributes": ("id", "__deepcopy__"),
    "__slotnames__": ["id"],
}


def made_of(cls):
    x = NEW(cls)
    object.__getattribute__(x, "__dict__").update(id=["a"], ctx=ast.Load(), extra=[1])
    return x


# What type.__setattr__ cannot set in all classes, or, of the classes in C, cannot take back.
ONLY_FROM_THE_START = ("__new__", "__dict__", "__class__")


@pytest.mark.parametrize("attribute", [a for a in CHANGES if a not in ONLY_FROM_THE_START])
@pytest.mark.parametrize("where", ["of its own", "of the base", "of all nodes"])
def test_classes_changed_between_two_copies(copier, attribute, where, monkeypatch):
    class Node(ast.Name):
        pass

    x = made_of(Node)
    assert_like_stdlib(copier, lambda: x)  # a plan is made
    cls = {"of its own": Node, "of the base": ast.Name, "of all nodes": ast.AST}[where]
    monkeypatch.setattr(cls, attribute, CHANGES[attribute], raising=False)
    assert_like_stdlib(copier, lambda: [x])
    monkeypatch.undo()
    assert_like_stdlib(copier, lambda: [x, x])


@pytest.mark.parametrize("attribute", CHANGES)
def test_classes_of_a_program(copier, attribute):
    cls = type("Node", (ast.Name,), {attribute: CHANGES[attribute]})
    x = made_of(cls)
    assert_like_stdlib(copier, lambda: [x, x])


@pytest.mark.parametrize("fields", [["id", "ctx"], ("id", 1), ("id", "id"), ("__deepcopy__",), ("__setstate__", "id"), ("__dict__",), None, 5, (), "ab"],
                         ids=repr)
def test_odd_fields(copier, fields):
    class Node(ast.AST):
        _fields = fields

    x = NEW(Node)
    vars(x).update(id=[1], ctx=[2], __setstate__=3)
    assert_like_stdlib(copier, lambda: [x])


def test_subclasses(copier):
    class Slotted(ast.Name):
        __slots__ = ("slot", "ctx")

    class More(ast.Name):
        _fields = ("id", "ctx", "more")

    class Weak(ast.AST):
        _fields = ("a",)
        _field_types = {"a": int}

    class Meta(type):
        def __call__(cls, *args):
            return [cls.__name__, *args]

    class OfMeta(ast.AST, metaclass=Meta):
        pass

    for cls in (Slotted, More, Weak, OfMeta):
        def build():
            x = NEW(cls)
            vars(x).update(id=[1], a=[2])
            if cls is Slotted:
                x.slot = [3]
            return [x, x]
        assert_like_stdlib(copier, build)
        assert "__slotnames__" not in vars(cls)


def test_reducers_registered_for_a_class(copier, monkeypatch):
    def tree():
        return ast.parse("a + 1")

    assert_like_stdlib(copier, tree)
    monkeypatch.setitem(copyreg.dispatch_table, ast.Constant, lambda node: (ast.Name, ("registered",)))
    assert_like_stdlib(copier, tree)
    monkeypatch.undo()
    monkeypatch.setitem(copy._deepcopy_dispatch, ast.Constant, lambda node, memo: "dispatched")
    assert_like_stdlib(copier, tree)


# ---- Python code in the middle ----------------------------------------------------------------------------------------------------

def tree_with_leaves():
    tree = ast.parse("f(a, b)[1] = c\nd")
    call = tree.body[0].targets[0].value
    call.args.append(Leaf())
    call.extra = [Leaf(), call]
    tree.body[0].value.ctx = Leaf()
    tree.extra = Leaf()
    return tree


def play(copier, action, build=tree_with_leaves):
    """The log of what `action(log, nodes, leaf, memo)` does at each leaf, with the outcome."""
    tree = build()
    nodes = list(ast.walk(tree))
    log = []

    def act(leaf, memo):
        log.append([described_node(memo.get(id(node))) for node in nodes])
        return action(nodes, leaf, memo)

    Leaf.action = act
    try:
        log.append(described(copier, lambda: tree))
    finally:
        Leaf.action = None
    return log


def described_node(node):
    return None if node is None else (type(node).__name__, sorted((k, type(v).__name__) for k, v in vars(node).items()))


def change_call(nodes, leaf, memo):
    call = next(node for node in nodes if isinstance(node, ast.Call))
    vars(call)["late"] = [1]
    return leaf


def replace_a_value(nodes, leaf, memo):
    call = next(node for node in nodes if isinstance(node, ast.Call))
    call.lineno = ["replaced"]
    call.extra = "replaced"
    return leaf


def clear_all(nodes, leaf, memo):
    for node in nodes:
        vars(node).pop("lineno", None)
    return leaf


def give_new_dicts(nodes, leaf, memo):
    for node in nodes:
        if node._fields:  # a singleton would keep it for good
            node.__dict__ = {"id": [1], "ctx": [2]}
    gc.collect()
    return leaf


def write_to_copies(nodes, leaf, memo):
    for node in nodes:
        if id(node) in memo:
            memo[id(node)].seen = True
    return leaf


def fail(nodes, leaf, memo):
    raise LookupError("in the middle")


def copy_again(nodes, leaf, memo):
    return [copy.deepcopy(nodes[0].body[-1], memo), copy.deepcopy(nodes[0].body[-1])]


ACTIONS = [lambda nodes, leaf, memo: leaf, lambda nodes, leaf, memo: [1], change_call, replace_a_value, clear_all, give_new_dicts, write_to_copies,
           fail, copy_again]


@pytest.mark.parametrize("action", ACTIONS, ids=["look", "look and copy", *[a.__name__ for a in ACTIONS[2:]]])
def test_hooks_in_the_middle_of_a_tree(copier, action):
    assert play(copier, action) == play(Copier("stdlib"), action)


@pytest.mark.parametrize("change", ["__setstate__", "__setattr__", "__reduce__", "__init__", "_fields"])
def test_a_class_changed_in_the_middle_of_a_tree(copier, change, monkeypatch):
    def change_class(nodes, leaf, memo):
        monkeypatch.setattr(ast.Call, change, CHANGES[change], raising=False)
        return leaf

    logs = []
    for each in (copier, Copier("stdlib")):
        with monkeypatch.context():
            logs.append(play(each, change_class))
        monkeypatch.undo()
    assert logs[0] == logs[1]


def test_a_memo_of_the_callers(copier):
    tree = ast.parse("a = b(c)")
    known = tree.body[0].value
    roles = {id(x): i for i, x in enumerate(ast.walk(tree))} | {id(vars(x)): -i for i, x in enumerate(ast.walk(tree), 1)}
    for first in ({}, {id(known): "known"}, {id(vars(known)): {"id": "state"}}):
        memo = dict(first)
        y = copier.deepcopy(tree, memo)
        expected = dict(first)
        z = copy.deepcopy(tree, expected)
        assert topology(tree, y) == topology(tree, z)
        assert [roles.get(key) for key in memo] == [roles.get(key) for key in expected]


# ---- that trees go this way at all ------------------------------------------------------------------------------------------------

def test_the_dict_of_a_node_is_no_object_of_its_own(calque):
    """What the protocol would copy as a child, and enter in the memo: README.md, "Exact"."""
    if calque_module._calque._strategies["type_version"] != "internals":
        pytest.skip("no plan can be trusted without version tags")
    tree = ast.parse(SOURCE)
    tree.last = Leaf()
    for _ in range(2):  # each class is met for the first time, and then known
        memos = []
        Leaf.action = lambda leaf, memo: memos.append(dict(memo))
        calque.deepcopy(tree)
        assert id(tree.body) in memos[0]
        assert not [node for node in ast.walk(tree) if id(vars(node)) in memos[0]]
