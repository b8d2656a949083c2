"""What calque.effects means, in Python: an oracle for tests, with the same names and the same semantics and none of the speed.

Written to be read. A running program is a list of fibers, innermost first; a fiber is a handler and a list of frames. Nothing is
shared with the native machine. What is not here is what only memory shows: a handler in `return (yield Resume(k, v))` stays.
"""

import functools
import inspect
import threading
import types


class OneShotError(RuntimeError):
    pass


class UnhandledEffect(RuntimeError):
    pass


class Effect:
    """Fields are the annotated names, as in calque.effects."""

    __match_args__ = ()

    def __init_subclass__(cls):
        if "__match_args__" not in cls.__dict__:
            own = [name for name in inspect.get_annotations(cls) if name not in cls.__mro__[1].__match_args__]
            cls.__match_args__ = (*cls.__mro__[1].__match_args__, *own)

    def __init__(self, *args, **kwargs):
        for name, value in (*zip(self.__match_args__, args), *kwargs.items()):
            setattr(self, name, value)


class Instruction:
    pass


def _node(name, base, *fields, defaults=0):
    def __init__(self, *args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        self.__dict__.update(bound.arguments)
        _check(self)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([
        inspect.Parameter(field, kind, default=None if i >= len(fields) - defaults else inspect.Parameter.empty)
        for i, field in enumerate(fields)])
    return type(name, (base,), {"__init__": __init__, "__match_args__": fields})


def _check(node):
    """What is wrong with a field is said where the node is made."""
    expected = {"k": Continuation, "effect": Effect, "exception": BaseException}
    for field in set(node.__match_args__) & set(expected):
        value = getattr(node, field)
        if not isinstance(value, expected[field]) and not (value is None and isinstance(node, GetHandlers)):
            raise TypeError(f"{field}: {value!r}")


Get = _node("Get", Effect, "key")
Put = _node("Put", Effect, "key", "value")
Modify = _node("Modify", Effect, "key", "function")
Ask = _node("Ask", Effect, "key")
Tell = _node("Tell", Effect, "message")
Resume = _node("Resume", Instruction, "k", "value", defaults=1)
ResumeThrow = _node("ResumeThrow", Instruction, "k", "exception")
Transfer = _node("Transfer", Instruction, "k", "value", defaults=1)
TransferThrow = _node("TransferThrow", Instruction, "k", "exception")
Pass = _node("Pass", Instruction, "effect", "k")
Delegate = _node("Delegate", Instruction)
GetContinuation = _node("GetContinuation", Instruction)
GetHandlers = _node("GetHandlers", Instruction, "k", defaults=1)
WithHandler = _node("WithHandler", Instruction, "handler", "body")
Pure = _node("Pure", Instruction, "value")


class Program:
    def __init__(self, function, args, kwargs):
        self.function, self.args, self.kwargs = function, args, kwargs


def do(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return Program(function, args, kwargs)

    call.decorated = function
    return call


class TypedHandler:
    def __init__(self, types, handler):
        self.types, self.handler = types, handler


def handles(*types):
    return lambda handler: TypedHandler(types, handler)


class State:
    types = (Get, Put, Modify)

    def __init__(self, initial=None, *, strict=False):
        self.store, self.strict = dict(initial or {}), strict

    def items(self):
        return dict(self.store)

    def answer(self, effect):
        if isinstance(effect, Put):
            self.store[effect.key] = effect.value
            return None
        old = self.store[effect.key] if self.strict else self.store.get(effect.key)
        if isinstance(effect, Modify):
            self.store[effect.key] = effect.function(old)
        return old


class Reader:
    types = (Ask,)

    def __init__(self, env=None):
        self.environment = dict(env or {})

    def env(self):
        return dict(self.environment)

    def answer(self, effect):
        return self.environment[effect.key]


class Writer:
    types = (Tell,)

    def __init__(self):
        self.log = []

    def logs(self):
        return list(self.log)

    def answer(self, effect):
        self.log.append(effect.message)


class _Fiber:
    def __init__(self, handler):
        self.handler, self.frames = handler, []

    def accepts(self, effect):
        return self.handler is not None and isinstance(effect, getattr(self.handler, "types", Effect))


class _Run:
    def __init__(self):
        self.thread, self.going_on = threading.get_ident(), True

    def check(self, k):
        if not k.fibers:
            raise OneShotError("resumed before")
        if k.run is not self and (k.run.going_on or k.run.thread != self.thread):
            raise RuntimeError("of another run")


class Continuation:
    """fibers: those taken off, innermost first; empty once resumed. Dropped, it closes them in that order."""

    def __init__(self, run, fibers, effect):
        self.run, self.fibers, self.effect = run, fibers, effect

    def take(self):
        fibers, self.fibers, self.effect = self.fibers, [], None
        return fibers

    def __del__(self):
        for fiber in self.take():
            while fiber.frames:
                fiber.frames.pop()


def _can_be_yielded(x):
    return isinstance(x, (Effect, Instruction, Program))


def _without_oracle(error):
    """Its traceback without the frames of this file, which would keep what they refer to alive."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return error.with_traceback(traceback)


class _Machine:
    """`stack` is the list of fibers, innermost first. A frame is a generator or a Continuation (an activation)."""

    def __init__(self):
        self.run, self.stack = _Run(), [_Fiber(None)]

    def go(self, x):
        """Runs x in the current fiber to the end of the whole program."""
        step = self.execute, x
        while True:
            try:
                kind, value = step[0](step[1])
            except BaseException as error:
                kind, value = "raise", _without_oracle(error)
            step = None
            if kind == "execute":
                step = self.execute, value
                continue
            while step is None:
                fiber = self.stack[0]
                if not fiber.frames:
                    if len(self.stack) == 1:
                        if kind == "raise":
                            try:
                                raise value
                            finally:
                                del value  # or this frame and the traceback would hold each other
                        return value
                    self.stack.pop(0)
                elif isinstance(fiber.frames[-1], Continuation):
                    k = fiber.frames.pop()
                    if kind == "raise" and k.fibers:
                        self.stack[:0] = k.take()
                    del k
                else:
                    step = (self.throw if kind == "raise" else self.send), value

    def send(self, value):
        return self.advance(self.stack[0].frames[-1].send, value)

    def throw(self, error):
        return self.advance(self.stack[0].frames[-1].throw, error)

    def advance(self, method, value):
        frames = self.stack[0].frames
        try:
            return "execute", method(value)
        except StopIteration as stop:
            frames.pop()
            return "deliver", stop.value
        except BaseException:
            frames.pop()
            raise

    def begin(self, result, decorated):
        if isinstance(result, types.GeneratorType):
            self.stack[0].frames.append(result)
            return "deliver", None
        if not decorated and _can_be_yielded(result):
            return "execute", result
        return "deliver", result

    def execute(self, x):
        if isinstance(x, Effect):
            return self.perform(x, self.boundary(x))
        if isinstance(x, Program):
            return self.begin(x.function(*x.args, **x.kwargs), True)
        if isinstance(x, Instruction):
            return getattr(self, type(x).__name__)(x)
        raise TypeError(f"cannot be yielded: {x!r}")

    def boundary(self, effect):
        for i, fiber in enumerate(self.stack):
            if fiber.accepts(effect):
                return i
        return None

    def perform(self, effect, i):
        if i is None:
            raise UnhandledEffect(type(effect).__name__)
        handler = self.stack[i].handler
        if hasattr(handler, "answer"):
            return "deliver", handler.answer(effect)
        taken, self.stack = self.stack[:i + 1], self.stack[i + 1:]
        return self.call_handler(handler, effect, Continuation(self.run, taken, effect))

    def call_handler(self, handler, effect, k):
        self.stack[0].frames.append(k)
        handler = getattr(handler, "handler", handler)
        decorated = isinstance(handler, types.FunctionType) and hasattr(handler, "decorated")
        return self.begin((handler.decorated if decorated else handler)(effect, k), decorated)

    def activation(self):
        """The index of the nearest one in the current fiber."""
        frames = self.stack[0].frames
        for i in reversed(range(len(frames))):
            if isinstance(frames[i], Continuation):
                return i
        raise RuntimeError("outside of a handler")

    def leave_handler(self, i):
        frames = self.stack[0].frames
        while len(frames) > i:
            frames.pop()

    def WithHandler(self, x):
        self.stack.insert(0, _Fiber(x.handler))
        return "execute", x.body

    def Resume(self, x):
        self.run.check(x.k)
        self.stack[:0] = x.k.take()
        return "deliver", x.value

    def ResumeThrow(self, x):
        self.run.check(x.k)
        self.stack[:0] = x.k.take()
        return "raise", x.exception

    def Transfer(self, x):
        mine = self.activation()
        self.run.check(x.k)
        taken = x.k.take()
        self.leave_handler(mine)
        self.stack[:0] = taken
        return "deliver", x.value

    def TransferThrow(self, x):
        self.Transfer(Transfer(x.k, None))
        return "raise", x.exception

    def Pass(self, x):
        mine = self.activation()
        self.run.check(x.k)
        taken = x.k.take()
        self.leave_handler(mine)
        i = self.boundary(x.effect)
        if i is None or hasattr(self.stack[i].handler, "answer"):
            self.stack[:0] = taken
            return self.perform(x.effect, None if i is None else i + len(taken))
        handler = self.stack[i].handler
        x.k.fibers, x.k.effect = [*taken, *self.stack[:i + 1]], x.effect
        self.stack = self.stack[i + 1:]
        return self.call_handler(handler, x.effect, x.k)

    def Delegate(self, x):
        k = self.stack[0].frames[self.activation()]
        self.run.check(k)
        return self.Pass(Pass(k.effect, k))

    def GetContinuation(self, x):
        return "deliver", self.stack[0].frames[self.activation()]

    def GetHandlers(self, x):
        fibers = self.stack if x.k is None else x.k.fibers
        return "deliver", [fiber.handler for fiber in fibers if fiber.handler is not None]

    def Pure(self, x):
        return "deliver", x.value


def run(program):
    machine = _Machine()
    try:
        return machine.go(program)
    finally:
        machine.run.going_on = False
