"""Recipes of graphs: plain data made from a seed, built into objects as often as wanted, printed, and made smaller while they still fail."""

import random

from . import kinds
from .world import reachable

MEMO_KINDS = ("none", "dict", "userdict", "mapping", "tracingdict", "defaultdict", "preset")
_TAKES_LATE_EDGES = ("list", "dict", "dict_int_keys", "plain", "data", "list_sub", "dict_sub", "space", "slots_and_dict", "key")
ACTING = {"hook", "hash_hook", "instance_hook", "state", "falsy_state", "set_state", "new_args", "new_args_ex", "reduce", "plain_reduce", "registered",
           "nesting_key"}


class Recipe:
    """nodes: (kind, children, parameter); edges: (from, to) added at the end; actions: number -> what its hook does."""

    def __init__(self, seed, nodes, edges, actions, presets, collecting):
        self.seed = seed
        self.nodes = nodes
        self.edges = edges
        self.actions = actions
        self.presets = presets
        self.collecting = collecting

    def __str__(self):
        lines = [f"seed {self.seed}, garbage collection {'on' if self.collecting else 'off'}, presets {self.presets}"]
        for number, (kind, kids, parameter) in enumerate(self.nodes):
            if kind is not None:
                lines.append(f"  #{number} = {kind}{'/' + parameter if parameter else ''} {list(kids)}"
                             + "".join(f"\n        {action}" for action in self.actions.get(number, ())))
        lines += [f"  #{a} gets #{b} at the end" for a, b in self.edges]
        return "\n".join(lines)

    def replaced(self, **changes):
        return Recipe(**{**self.__dict__, **changes})


def generate(seed):
    """Mostly a tree, so that most objects have one reference; some sharing, some cycles, some hooks that act."""
    rng = random.Random(seed)
    size = rng.choice((3, 5, 8, 12, 12, 16, 24, 40))
    names = sorted(kinds.BUILDERS)
    hostile = rng.random() < 0.7
    sharing = rng.choice((0.05, 0.2, 0.5))
    nodes, actions, hashable = [], {}, set()
    unused = []
    for number in range(size):
        kind = rng.choice(kinds.FREQUENT) if rng.random() < 0.5 else rng.choice(names)
        (least, most), group, _ = kinds.BUILDERS[kind]
        if group == "rare" and rng.random() < 0.9:
            kind, (least, most), group = "list", (0, 5), "late"
        kids = []
        for _ in range(rng.randint(least, most)):
            pool = [kid for kid in unused if kid in hashable] if group == "keys" else unused
            if pool and rng.random() > sharing:
                kid = pool.pop(rng.randrange(len(pool)))
                if pool is not unused:
                    unused.remove(kid)
            else:
                pool = sorted(hashable) if group == "keys" else range(number)
                if not pool:
                    continue
                kid = rng.choice(pool)
            kids.append(kid)
        if kind in kinds.HASHABLE_LEAVES or kind in kinds.HASHABLE_IF_CHILDREN_ARE and all(kid in hashable for kid in kids):
            hashable.add(number)
        parameter = ""
        if kind == "hook":
            parameter = rng.choice(kinds.HOOK_MODES if rng.random() < 0.97 else kinds.RARE_HOOK_MODES)
        elif kind == "reduce":
            parameter = rng.choice(kinds.REDUCE_MODES if rng.random() < 0.97 else kinds.RARE_REDUCE_MODES)
        if hostile and kind in ACTING and rng.random() < 0.8:
            actions[number] = [(rng.choice(kinds.ACTIONS if rng.random() < 0.98 else kinds.RARE_ACTIONS),
                                rng.randrange(7**5), rng.randrange(7**5), rng.randrange(6)) for _ in range(rng.randint(1, 4))]
        nodes.append((kind, tuple(kids), parameter))
        unused.append(number)
    edges = []
    takers = [number for number, node in enumerate(nodes) if node[0] in _TAKES_LATE_EDGES]
    if takers:
        edges = [(rng.choice(takers), rng.randrange(size)) for _ in range(rng.choice((0, 0, 1, 2, 4)))]
    rng.shuffle(unused)
    nodes.append((rng.choice(("list", "list", "list", "dict", "tuple", "plain_root")), tuple(unused), ""))
    presets = [(rng.randrange(size), rng.choice(("text", "list", "node"))) for _ in range(rng.randint(1, 3))]
    return Recipe(seed, nodes, edges, actions, presets, rng.random() < 0.3)


def _add(obj, other, index):
    if type(obj) in (list, kinds.ListSub):
        obj.append(other)
    elif type(obj) in (dict, kinds.DictSub):
        obj["late%d" % index] = other
    else:
        obj.c = other


def build(recipe):
    """Returns root, labels, presets and the nodes that have a preset; unless the caller keeps those, nothing else refers to a node."""
    built, labels = [], {}
    for number, (kind, kids, parameter) in enumerate(recipe.nodes):
        found = [built[kid] for kid in kids]
        if kind is None:
            obj = None
        elif kind == "plain_root":
            obj = kinds.Plain()
            obj.a, obj.b = found[0::2], found[1::2]
        else:
            obj = kinds.BUILDERS[kind][2](number, found, parameter)
        built.append(obj)
        if obj is not None and type(obj) not in (bool, type) and not (type(obj) is int and -5 <= obj <= 256) and obj != () and obj != frozenset():
            labels.setdefault(id(obj), number)
        del obj, found
    for index, (number, other) in enumerate(recipe.edges):
        if recipe.nodes[number][0] in _TAKES_LATE_EDGES:
            _add(built[number], built[other], index)
    presets, preset_nodes = {}, []
    for number, how in recipe.presets:
        obj = built[number]
        if obj is not None and not isinstance(obj, (bool, type, kinds.enum.Enum)) and not (type(obj) is int and -5 <= obj <= 256):
            presets[id(obj)] = "preset" if how == "text" else ["preset", number] if how == "list" else built[-1]
            preset_nodes.append(obj)
        del obj
    root = built[-1]
    built.clear()
    # A node that its parent did not take (equal keys, say) is gone by now, and its id may come back as that of another object.
    alive = reachable(root)
    return root, {key: number for key, number in labels.items() if key in alive}, presets, preset_nodes


def shrink(recipe, fails):
    """Takes away nodes, edges and actions as long as `fails(recipe)` stays true."""
    progress = True
    while progress:
        progress = False
        for candidate in _smaller(recipe):
            try:
                still = fails(candidate)
            except Exception:
                still = False  # e.g. a set whose members cannot be hashed any more
            if still:
                recipe, progress = candidate, True
                break
    return recipe


def _smaller(recipe):
    if recipe.collecting:
        yield recipe.replaced(collecting=False)
    for number in sorted(recipe.actions):
        yield recipe.replaced(actions={key: value for key, value in recipe.actions.items() if key != number})
    for index in range(len(recipe.edges)):
        yield recipe.replaced(edges=recipe.edges[:index] + recipe.edges[index + 1:])
    for index in range(len(recipe.presets)):
        yield recipe.replaced(presets=recipe.presets[:index] + recipe.presets[index + 1:])
    for number in reversed(range(len(recipe.nodes))):
        kind, kids, parameter = recipe.nodes[number]
        if kind is not None and number != len(recipe.nodes) - 1:
            # A node is replaced by None in its parents, and its children move up to the root.
            nodes = list(recipe.nodes)
            nodes[number] = (None, (), "")
            yield recipe.replaced(nodes=nodes, actions={key: value for key, value in recipe.actions.items() if key != number})
            root_kind, root_kids, _ = nodes[-1]
            if kids and kind != "list":
                nodes = list(nodes)
                nodes[-1] = (root_kind, tuple(kid for kid in root_kids if kid != number) + kids, "")
                yield recipe.replaced(nodes=nodes, actions={key: value for key, value in recipe.actions.items() if key != number})
    for number, (kind, kids, parameter) in enumerate(recipe.nodes):
        for index in range(len(kids)):
            nodes = list(recipe.nodes)
            nodes[number] = (kind, kids[:index] + kids[index + 1:], parameter)
            yield recipe.replaced(nodes=nodes)
    for number, actions in sorted(recipe.actions.items()):
        for index in range(len(actions)):
            if len(actions) > 1:
                yield recipe.replaced(actions={**recipe.actions, number: actions[:index] + actions[index + 1:]})
