"""Random programs, and an interpreter that runs one with either implementation: a difference is a bug of one of them.

    python -m effects.random_programs 100000        # in tests/, with calque on the path; seeds 0, 1, ...

A program is a tree of tuples. `World` interprets it with the names of the oracle or of calque.effects, and keeps a log of all that can be
seen: which statement ran with which value, which handler was asked, which `finally` ran, in which order. Two runs agree if
outcome, log and stores do.
"""

import importlib
import random
import sys
from collections import Counter

KEYS = ("a", "b", "c")
FUEL = 400
USERS = 4


class Fail(Exception):
    pass


class Other(Exception):
    pass


class OutOfFuel(BaseException):
    pass


RAISED = {"Fail": Fail, "Other": Other}


class Maker:
    """One statement per method make_*; `size` says how many are left."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.size = self.random.choice((8, 20, 45))
        self.handlers = 0

    def chance(self, probability):
        return self.random.random() < probability

    def value(self):
        return self.random.randrange(10)

    def some_users(self):
        return [self.random.randrange(USERS) for _ in range(self.random.randint(1, 2))]

    def block(self, depth, in_handler=False):
        return [self.statement(depth, in_handler) for _ in range(self.random.randint(1, 4 if depth < 3 else 2))]

    def statement(self, depth, in_handler):
        self.size -= 1
        choices = ["effect"] * 6 + ["user"] * 6 + ["raise", "handlers", "resume_kept", "pure"]
        if self.chance(0.15):
            choices += ["junk", "outside", "return"]
        if in_handler:
            choices += ["answer"] * 12
        if self.size > 0 and depth <= 6:
            choices += ["call"] * 4 + ["with"] * 8 + ["try"] * 4 + ["finally"] * 3 + ["nested_run"]
        return getattr(self, "make_" + self.random.choice(choices))(depth, in_handler)

    def make_effect(self, depth, in_handler):
        kind = self.random.choice(("Get", "Get", "Put", "Put", "Modify", "Ask", "Tell"))
        key = self.random.choice((*KEYS, "missing")) if self.chance(0.9) else []
        return "effect", kind, key, self.random.choice((self.value(), "raise"))

    def make_user(self, depth, in_handler):
        return "user", self.random.randrange(USERS), self.value()

    def make_pure(self, depth, in_handler):
        return "pure", self.value()

    def make_junk(self, depth, in_handler):
        return ("junk",)

    def make_return(self, depth, in_handler):
        return "return", self.value()

    def make_raise(self, depth, in_handler):
        return "raise", self.random.choice(list(RAISED)), self.value()

    def make_handlers(self, depth, in_handler):
        return ("handlers",)

    def make_outside(self, depth, in_handler):
        return "answer", self.random.choice(("delegate", "get_continuation", "transfer_kept", "pass_kept")), self.value()

    def make_resume_kept(self, depth, in_handler):
        return "resume_kept", self.value(), self.chance(0.2)

    def make_call(self, depth, in_handler):
        return "call", self.block(depth + 1, in_handler and self.chance(0.5))

    def make_nested_run(self, depth, in_handler):
        return "nested_run", self.block(depth + 2, in_handler and self.chance(0.3))

    def make_with(self, depth, in_handler):
        return "with", self.handler(depth + 1), self.block(depth + 1)

    def make_try(self, depth, in_handler):
        caught = self.random.choice(("Fail", "Other", "all", "machine"))
        return "try", caught, self.block(depth + 1, in_handler), self.block(depth + 1, in_handler)

    def make_finally(self, depth, in_handler):
        return "finally", self.block(depth + 1, in_handler), self.value()

    def make_answer(self, depth, in_handler):
        return "answer", self.random.choice((
            "resume", "resume", "resume", "tail", "tail", "tail_named", "tail_in_try", "transfer", "transfer", "transfer",
            "resume_throw", "transfer_throw", "pass", "pass", "pass_other", "delegate", "again", "abandon", "abandon", "keep",
            "get_continuation", "perform", "transfer_kept", "handlers_of_k")), self.value()

    def handler(self, depth):
        self.handlers += 1
        name = self.handlers
        native = self.random.choice(("State", "Reader", "Writer", None, None, None, None, None))
        if native:
            return "native", native, name, self.chance(0.2)
        types = self.some_users() if self.chance(0.4) else None
        if types is not None and self.chance(0.3):
            types.append("Get")
        if self.chance(0.3):
            how = self.random.choice(("resume", "transfer", "pass", "value", "raise", "delegate", "program", "effect", "arity", "raw"))
            return "plain", name, types, how, self.value(), self.block(depth + 2, True) if how in ("program", "raw") else []
        script = self.block(depth + 1, True) if self.chance(0.7) else []
        ending = "answer", self.random.choice(("tail", "tail", "transfer", "resume", "pass", "abandon")), self.value()
        return "python", name, types, self.some_users() if self.chance(0.5) else None, [*script, ending]


class World:
    """Runs a program with one implementation."""

    def __init__(self, fx):
        self.fx = fx
        self.log = []
        self.kept = []
        self.natives = []
        self.names = {}
        self.fuel = FUEL
        self.users = []
        for i in range(USERS):
            base = self.users[0] if i == USERS - 1 else fx.Effect
            self.users.append(type(f"User{i}", (base,), {"__annotations__": {"v": int}} if base is fx.Effect else {}))

    def note(self, *what):
        self.log.append(what)
        self.fuel -= 1
        if self.fuel < 0:
            raise OutOfFuel

    def show(self, value):
        """As it is in the log: nothing that only one implementation has."""
        if isinstance(value, self.fx.Effect):
            return type(value).__name__, [self.show(getattr(value, name)) for name in value.__match_args__]
        if isinstance(value, (list, tuple)):
            return [self.show(each) for each in value]
        if isinstance(value, BaseException):
            shown = type(value).__name__
            return (shown, *map(self.show, value.args)) if isinstance(value, (Fail, Other)) else shown
        if value is None or isinstance(value, (int, str)):
            return value
        return self.names.get(id(value)) or type(value).__name__

    def program(self, block, effect=None, k=None):
        @self.fx.do
        def program():
            return value_of((yield from self.run_block(block, effect, k)))

        return program()

    def run_block(self, block, effect, k):
        """A generator; a Return means that the function has to return."""
        result = 0
        for statement in block:
            self.note(statement[0])
            done = yield from getattr(self, "do_" + statement[0])(effect, k, *statement[1:])
            if isinstance(done, Return):
                return done
            self.note(statement[0], self.show(done))
            result = done
        return result

    def do_effect(self, effect, k, kind, key, value):
        fx = self.fx
        if kind in ("Get", "Ask"):
            return (yield getattr(fx, kind)(key))
        if kind == "Put":
            return (yield fx.Put(key, value))
        if kind == "Tell":
            return (yield fx.Tell(value))

        def function(old):
            self.note("function", self.show(old))
            if value == "raise":
                raise Fail("function")
            return value

        return (yield fx.Modify(key, function))

    def do_user(self, effect, k, which, value):
        return (yield self.users[which](value))

    def do_pure(self, effect, k, value):
        return (yield self.fx.Pure(value))

    def do_junk(self, effect, k):
        return (yield object())

    def do_return(self, effect, k, value):
        return Return(value)
        yield

    def do_raise(self, effect, k, which, value):
        raise RAISED[which](value)
        yield

    def do_handlers(self, effect, k):
        return (yield self.fx.GetHandlers())

    def do_call(self, effect, k, block):
        return (yield self.program(block, effect, k))

    def do_nested_run(self, effect, k, block):
        try:
            return self.fx.run(self.program(block, effect, k))
        except Exception as error:
            return self.show(error)
        yield

    def do_with(self, effect, k, handler, block):
        return (yield self.fx.WithHandler(self.handler(handler), self.program(block, effect, k)))

    def do_try(self, effect, k, caught, block, otherwise):
        classes = {"all": Exception, "machine": (RuntimeError, TypeError, KeyError)}.get(caught) or RAISED[caught]
        try:
            return (yield from self.run_block(block, effect, k))
        except classes as error:
            self.note("caught", self.show(error))
            return (yield from self.run_block(otherwise, effect, k))

    def do_finally(self, effect, k, block, value):
        try:
            return (yield from self.run_block(block, effect, k))
        finally:
            self.log.append(("finally", value))

    def do_resume_kept(self, effect, k, value, last):
        if not self.kept:
            return None
        kept = self.kept.pop() if last else self.kept[0]
        return (yield self.fx.Resume(kept, value))

    def do_answer(self, effect, k, how, value):
        """What a handler does with k. Without one (k is None) it is an error most of the time, which is wanted."""
        fx = self.fx
        if how == "resume":
            return [value, (yield fx.Resume(k, value))]
        if how in ("tail", "tail_named"):
            return Return((yield fx.Resume(k, value)))
        if how == "tail_in_try":
            try:
                return (yield fx.Resume(k, value))
            finally:
                self.log.append(("after resume", value))
        if how == "again":
            first = yield fx.Resume(k, value)
            return [first, (yield fx.Resume(k, value))]
        if how == "abandon":
            return Return([value])
        if how == "keep":
            self.kept.append(k if k is not None else (yield fx.GetContinuation()))
            return Return(value)
        if how == "get_continuation":
            return (yield fx.GetContinuation()) is k
        if how == "perform":
            return (yield effect if effect is not None else fx.Get("a"))
        if how == "handlers_of_k":
            return (yield fx.GetHandlers(k))
        if how in ("transfer_kept", "pass_kept"):
            if not self.kept:
                return None
            return (yield fx.Transfer(self.kept[0], value) if how == "transfer_kept" else fx.Pass(self.users[0](value), self.kept[0]))
        return (yield self.instruction(how, effect, k, value))

    def instruction(self, how, effect, k, value):
        fx = self.fx
        if how == "resume":
            return fx.Resume(k, value)
        if how == "transfer":
            return fx.Transfer(k, value)
        if how in ("resume_throw", "transfer_throw"):
            return (fx.ResumeThrow if how == "resume_throw" else fx.TransferThrow)(k, Fail(value))
        if how == "pass":
            return fx.Pass(effect, k)
        if how == "pass_other":
            return fx.Pass(self.users[value % USERS](value) if value < 7 else fx.Get("a"), k)
        assert how == "delegate"
        return fx.Delegate()

    def handler(self, description):
        kind, *rest = description
        made = getattr(self, kind + "_handler")(*rest)
        self.names[id(made)] = f"{kind} handler {rest[1] if kind == 'native' else rest[0]}"
        self.natives.append(made)  # all are kept, so that no address is used twice
        return made

    def native_handler(self, kind, name, strict):
        fx = self.fx
        if kind == "State":
            return fx.State({"a": name}, strict=strict)
        return fx.Reader({"a": name, "b": "reader"}) if kind == "Reader" else fx.Writer()

    def typed(self, types, handler):
        if types is None:
            return handler
        return self.fx.handles(*(self.fx.Get if each == "Get" else self.users[each] for each in types))(handler)

    def python_handler(self, name, types, only, script):
        fx = self.fx
        ending = script[-1][1]

        @fx.do
        def handler(effect, k):
            self.note("asked", name, self.show(effect))
            if only is not None and not isinstance(effect, tuple(self.users[each] for each in only)):
                yield fx.Pass(effect, k)
            done = yield from self.run_block(script[:-1], effect, k)
            if isinstance(done, Return):
                return done.value
            # Written out, for these are what the machine recognises.
            if ending == "tail":
                return (yield fx.Resume(k, script[-1][2]))
            return value_of((yield from self.run_block(script[-1:], effect, k)))

        return self.typed(types, handler)

    def plain_handler(self, name, types, how, value, block):
        def handler(effect, k):
            self.note("asked", name, self.show(effect))
            if how == "value":
                return value
            if how == "raise":
                raise Other(value)
            if how == "program":
                return self.program(block, effect, k)
            if how == "raw":
                return self.run_block(block, effect, k)
            if how == "effect":
                return self.users[value % USERS](value)
            return self.instruction(how, effect, k, value)

        return self.typed(types, (lambda effect: None) if how == "arity" else handler)

    def outcome(self, program):
        try:
            return "returned", self.show(self.fx.run(program))
        except (Exception, OutOfFuel) as error:
            return "raised", self.show(error)

    def everything(self, tree):
        """All that can be seen of a program, run from the outside, and once more for what it has kept."""
        first = self.outcome(self.program(tree))
        self.fuel = FUEL
        again = self.outcome(self.program([("resume_kept", 1, True), ("resume_kept", 2, False)]))
        self.log.append("dropping")
        while self.kept:
            self.kept.pop(0)
        stores = [getattr(native, method)() for native in self.natives for method in ("items", "env", "logs") if hasattr(native, method)]
        return first, again, self.log, [self.show(list(store.items()) if isinstance(store, dict) else store) for store in stores]


class Return:
    """What a statement returns to its block to end the function."""

    def __init__(self, value):
        self.value = value.value if isinstance(value, Return) else value


def value_of(done):
    return done.value if isinstance(done, Return) else done


def tree_of(seed):
    """Most programs run under handlers for everything, or they would end at their first effect."""
    maker = Maker(seed)
    tree = maker.block(0)
    for native in ("State", "Reader", "Writer"):
        if maker.chance(0.8):
            tree = [("with", ("native", native, -len(native), False), tree)]
    if maker.chance(0.8):
        how = maker.random.choice(("tail", "transfer", "resume"))
        users = list(range(USERS))
        tree = [("with", ("python", 0, users, None, [("answer", how, maker.value())]), tree)]
    return tree


def difference(seed):
    """None, or what the oracle and calque.effects say about the program of this seed."""
    tree = tree_of(seed)
    expected, found = (World(importlib.import_module(name)).everything(tree) for name in ("effects.oracle", "calque.effects"))
    return None if expected == found else (tree, expected, found)


def main():
    count = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    seen = Counter()
    for seed in range(first, first + count):
        different = difference(seed)
        if different is not None:
            print(f"seed {seed}:", *different, sep="\n")
            return 1
        (kind, value), *_ = World(importlib.import_module("calque.effects")).everything(tree_of(seed)) if seed % 100 == 0 else [("", "")]
        seen[kind, value[0] if kind == "raised" and isinstance(value, tuple) else value if kind == "raised" else ""] += 1
    print(f"{count} programs from seed {first}: no difference")
    print("one in a hundred:", {f"{kind} {value}".strip(): n for (kind, value), n in seen.most_common() if kind})
    return 0


if __name__ == "__main__":
    sys.exit(main())
