"""Algebraic effects: programs say what they want, handlers say what that means.

A program is a call of a `@do` generator function. It yields effects, and whoever runs it chooses the handlers that answer
them: the same program runs against a database or against a dict.

>>> from calque.effects import Ask, Get, Put, Reader, State, Tell, WithHandler, Writer, do, run
>>> @do
... def program():
...     n = yield Get("n")
...     yield Put("n", n + 1)
...     yield Tell(f"saw {n}")
...     return (yield Ask("name")), n
>>> run(WithHandler(State({"n": 1}), WithHandler(Reader({"name": "x"}), WithHandler(Writer(), program()))))
('x', 1)

What a yield means
    an effect        the nearest handler that accepts it answers; the yield evaluates to the answer, or raises
    a program        it is called; the yield evaluates to what it returns. Depth is limited by memory only
    an instruction   WithHandler, Resume, Transfer, Pass, ...: see each one's help
    anything else    TypeError, raised at the yield

Handlers
    State, Reader and Writer are native. Any callable `handler(effect, k)` is one too, usually a `@do` function, or a plain one
    that returns an instruction or a value. It is asked about every effect below it, so it says `Pass(effect, k)` to what it does not
    know, or is decorated with `@handles(Fetch)` and never asked. It sees effects of the body it is installed for and none
    of its own. `k` is the rest of the body, with this handler still in force in it:

    Resume(k, v)         the effect evaluates to v; the yield evaluates to what the body returns at its end
    Transfer(k, v)       the same, and the handler ends here: what the body returns is its result.
                         `return (yield Resume(k, v))`, outside of try and with, is recognised and does the same
    ResumeThrow, TransferThrow   the effect raises an exception instead
    return v             without resuming: the body is given up, and WithHandler evaluates to v. The body's `finally` blocks run
    raise                if k was not resumed yet: raised at the effect, where the body may catch it; else out of WithHandler.
                         (OCaml does not do the former. A body can so handle what goes wrong in the service it uses.)
    yield another effect outer handlers answer it

    k can be resumed once; the second time raises OneShotError at that yield. It may be kept, and resumed later in the same run, or after
    that run has ended in another one of the same thread.

Bodies with something around them, each a program or a WithHandler
    Try(body)                    Ok(value), or Err(exception)
    Listen(body)                 what it returns, and the messages it told
    Local(env, body)             other answers to Ask
    WithObserve(callback, body)  callback(effect) sees each effect that leaves the body
    Transaction(body)            all it does to State is done, or nothing; Abort(value) ends it

Programs run more than once, or beside each other
    run_all, first, sample       for programs that perform Choose(options)
    record, replay               a Log of what was performed and answered; its State at any point
    Tasks(program), run_async    for programs that perform Spawn, Gather, Race, Cancel, Pause, Await, Acquire and Release
    dask(client)                 a handler of Remote(program): run by another process

What to know
    - Exceptions are the objects that were raised, with one traceback through all generators they left.
    - A body that is given up is closed when the last reference to its k goes, from the innermost generator out. One that yields while it is
      closed makes Python report "generator ignored GeneratorExit" by sys.unraisablehook, as for any generator.
    - A `run` inside a program or handler is a run of its own: its effects do not reach the handlers outside.
    - Runs in several threads, or greenlets, do not know of each other.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .._effects import (
    Ask as Ask,
    Continuation as Continuation,
    Delegate as Delegate,
    Effect as Effect,
    Get as Get,
    GetContinuation as GetContinuation,
    GetHandlers as GetHandlers,
    GetTraceback as GetTraceback,
    Modify as Modify,
    NativeHandler as NativeHandler,
    OneShotError as OneShotError,
    Pass as Pass,
    Program as Program,
    Pure as Pure,
    Put as Put,
    Reader as Reader,
    Resume as Resume,
    ResumeThrow as ResumeThrow,
    State as State,
    Tell as Tell,
    Transfer as Transfer,
    TransferThrow as TransferThrow,
    TypedHandler as TypedHandler,
    UnhandledEffect as UnhandledEffect,
    WithHandler as WithHandler,
    Writer as Writer,
    _require_main_interpreter as _require_main_interpreter,
    do as do,
    run as run,
    stats as stats,
)

from ._bodies import Err as Err, Listen as Listen, Local as Local, Ok as Ok, Try as Try, WithObserve as WithObserve
from ._choices import (
    Choose as Choose,
    DivergenceError as DivergenceError,
    first as first,
    run_all as run_all,
    sample as sample,
)
from ._copying import UncopyableValue as UncopyableValue
from ._logs import Entry as Entry, Log as Log, record as record, replay as replay
from ._remote import Remote as Remote, RemoteError as RemoteError, dask as dask
from ._tasks import (
    Acquire as Acquire,
    Await as Await,
    Cancel as Cancel,
    Cancelled as Cancelled,
    Deadlock as Deadlock,
    Gather as Gather,
    Pause as Pause,
    Race as Race,
    Release as Release,
    Semaphore as Semaphore,
    Spawn as Spawn,
    Task as Task,
    Tasks as Tasks,
    run_async as run_async,
)
from ._transactions import Abort as Abort, Transaction as Transaction

_require_main_interpreter()

__all__ = [
    "VM", "Abort", "Acquire", "Ask", "Await", "Cancel", "Cancelled", "Choose", "Continuation", "Deadlock", "Delegate",
    "DivergenceError", "Effect", "Entry", "Err", "Gather", "Get", "GetContinuation", "GetHandlers", "GetTraceback", "Listen",
    "Local", "Log", "Modify", "NativeHandler", "Ok", "OneShotError", "Pass", "Pause", "Program", "Pure", "Put", "Race", "Reader", "Release",
    "Remote", "RemoteError",
    "Resume", "ResumeThrow", "Semaphore", "Spawn", "State", "Stdlib", "Task", "Tasks", "Tell", "Transaction", "Transfer",
    "TransferThrow", "Try", "TypedHandler", "UncopyableValue", "UnhandledEffect", "WithHandler", "WithObserve", "Writer", "dask", "do",
    "first", "handles", "record", "replay", "run", "run_all", "run_async", "sample", "stats", "with_handlers",
]


def handles(*types: type[Effect]) -> Callable[[Callable[[Any, Continuation], Any]], TypedHandler]:
    """Decorator: the handler is asked about effects of these classes, and their subclasses, only.

    Raises:
        TypeError: not a class of effects, or the handler is not callable.
    """
    def decorate(handler: Callable[[Any, Continuation], Any]) -> TypedHandler:
        return TypedHandler(types, handler)

    return decorate


def with_handlers(handlers: Iterable[Any], body: Any) -> Any:
    """`body` under several handlers, the first outermost; `body` itself if there are none."""
    for handler in reversed(list(handlers)):
        body = WithHandler(handler, body)
    return body


class Stdlib(NamedTuple):
    """The three native handlers, new ones: `WithHandler(s.state, WithHandler(s.reader, WithHandler(s.writer, body)))`."""

    state: State
    reader: Reader
    writer: Writer


class VM:
    """`run` with options that stay: VM(debug="steps").run(program). It holds nothing of a run, so threads may share one.

    Attributes:
        py_store: a dict for whoever runs programs; never read here.
    """

    def __init__(self, *, debug: str = "off", gil: str = "hold") -> None:
        if debug not in ("off", "steps", "trace"):
            raise ValueError(f"unknown debug level: {debug!r}")
        if gil not in ("hold", "release"):
            raise ValueError(f"unknown gil policy: {gil!r}")
        self._options: dict[str, Any] = {"debug": debug, "gil": gil}
        self.py_store: dict[Any, Any] = {}

    def run(self, program: Any) -> Any:
        """Run a program to its end: see `calque.effects.run`."""
        return run(program, **self._options)

    def stdlib(self, state: Any = None, env: Any = None) -> Stdlib:
        """New handlers: State(state), Reader(env), Writer()."""
        return Stdlib(State(state), Reader(env), Writer())

    def stats(self) -> dict[str, int]:
        """Fibers in use and kept, of the process: see `calque.effects.stats`."""
        return stats()


# Where people find them: in tracebacks, in pickles, in help().
for _public in (globals()[name] for name in __all__):
    if getattr(_public, "__module__", "").startswith(f"{__name__}._"):
        _public.__module__ = __name__
del _public
