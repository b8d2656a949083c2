"""record, replay, Log: what a program performed, and running it again with the same answers.

A recorder is installed around what is innermost in a program, below the handlers it is wrapped in. It performs each effect again for those, so they do what they
would have done, and writes down the effect and the answer: deep copies, for what is written down must not change when the program goes on.

In a replay no handler in Python is run: the log answers in its place, and so a test needs no network. State, Reader and Writer do run, from the
stores they had at the beginning, for programs change values in place, which no log of effects sees. Which of the two it was is found
out by a *tap* below each native handler: an effect that gets as far as there is the native handler's to answer.
"""

from __future__ import annotations

import pickle
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

from .._effects import (
    Ask,
    Continuation,
    Effect,
    Get,
    Modify,
    NativeHandler,
    Pass,
    Put,
    Resume,
    ResumeThrow,
    State,
    Tell,
    Transfer,
    TypedHandler,
    WithHandler,
    do,
    run,
)
from ._choices import DivergenceError, around, copy_if_possible, same_effect

_NATIVE = (Get, Put, Modify, Ask, Tell)


class Entry(NamedTuple):
    """An effect, and what came of it."""

    #: A copy of the effect, as it was performed.
    effect: Effect
    #: "answered", "raised", or "ended": a handler ended the program.
    outcome: str
    #: A copy of the answer; the exception; or None.
    value: Any
    #: State, Reader or Writer answered.
    native: bool

    def __str__(self) -> str:
        said = {"answered": f"-> {self.value!r}", "raised": f"raised {self.value!r}", "ended": "ended the program"}[self.outcome]
        return f"{self.effect!r} {said}"


class Log:
    """What `record` wrote down. It can be pickled if what is in it can.

    Attributes:
        entries: a list of `Entry`, in the order in which the effects were performed.
        result: what the program returned, or None.
        error: what it raised, or None.
    """

    def __init__(self, program: Any) -> None:
        self.entries: list[Entry] = []
        self.result: Any = None
        self.error: Exception | None = None
        self._program = program

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __getitem__(self, index: int) -> Entry:
        return self.entries[index]

    def __str__(self) -> str:
        width = len(str(len(self.entries)))
        lines = [f"{i:{width}}  {entry}" for i, entry in enumerate(self.entries)]
        end = f"returned {self.result!r}" if self.error is None else f"raised {self.error!r}"
        return "\n".join([*lines, f"{'':{width}}  {end}"])

    def __repr__(self) -> str:
        return f"<Log of {len(self.entries)} effects>"

    def __getstate__(self) -> dict[str, Any]:
        # The program is for at(): one that cannot be pickled is left behind.
        state = dict(self.__dict__)
        try:
            pickle.dumps(state["_program"])
        except Exception:
            state["_program"] = None
        return state

    def at(self, index: int, program: Any = None) -> dict[Any, Any]:
        """What State held after effect `index` (from 0): the program is replayed up to there.

        Args:
            index: a number below `len(log)`; negative ones count from the end.
            program: the program, if the log was unpickled without it.

        Returns:
            A new dict. Where the program has several States, the inner ones win.

        Raises:
            IndexError: there is no such effect.
            ValueError: the log has no program, and none is given.
            DivergenceError: the program does something else now.
        """
        if not -len(self.entries) <= index < len(self.entries):
            raise IndexError(f"expected an effect from 0 to {len(self.entries) - 1}, got {index}")
        program = self._program if program is None else program
        if program is None:
            raise ValueError("this log was unpickled without its program: log.at(index, program)")
        replayed = _Replay(program, self, stop_after=index % len(self.entries))
        replayed.run()
        return replayed.state_there


class _Recorder:
    """The handlers of one recorded run."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.under_way: Any = None  # the effect performed again, until somebody answers
        self.native = False

    def tap(self, effect: Any, k: Continuation) -> Pass:
        self.native |= effect is self.under_way
        return Pass(effect, k)

    @do
    def record(self, effect: Any, k: Continuation) -> Generator[Any, Any, Any]:
        entries = self.log.entries
        number = len(entries)
        entries.append(Entry(copy_if_possible(effect), "ended", None, False))
        self.under_way, self.native = effect, False
        try:
            answer = yield effect
        except Exception as error:
            entries[number] = entries[number]._replace(outcome="raised", value=error, native=self.native)
            raise
        entries[number] = entries[number]._replace(outcome="answered", value=copy_if_possible(answer), native=self.native)
        return (yield Resume(k, answer))


def record(program: Any) -> Log:
    """Run a program, and write down each effect it performs with what came of it.

    Args:
        program: as for `run`, wrapped in its handlers: `WithHandler(State(), WithHandler(over_http, service()))`. What is
            answered inside of the innermost one is not written down. State, Reader and Writer among them are copied: theirs
            are not changed.

    Returns:
        The log. If the program raised an Exception, that is `log.error`, and is not raised.
    """
    handlers, body = around(program)
    log = Log(program)
    recorder = _Recorder(log)
    body = WithHandler(recorder.record, body)
    for handler in reversed(handlers):
        if isinstance(handler, NativeHandler):
            body = WithHandler(TypedHandler(_NATIVE, recorder.tap), body)
        body = WithHandler(handler, body)
    try:
        log.result = run(body)
    except Exception as error:
        log.error = error
    return log


class _Replay:
    """The handler of one replay."""

    def __init__(self, program: Any, log: Log, stop_after: int | None = None) -> None:
        handlers, self.body = around(program)
        self.handlers = [handler for handler in handlers if isinstance(handler, NativeHandler)]
        self.log = log
        self.stop_after = stop_after
        self.position = 0
        self.ended = False
        self.failure: DivergenceError | None = None
        self.state_there: dict[Any, Any] = {}

    def run(self) -> Any:
        body = WithHandler(self.answer, self.body)
        for handler in reversed(self.handlers):
            body = WithHandler(handler, body)
        result = None
        try:
            result = run(body)
        except Exception:
            if self.failure is None and not self.ended:
                raise
        if self.failure is None and not self.ended and self.position < len(self.log):
            self.failure = DivergenceError(self.position, self.log[self.position].effect, None)
        if self.failure is not None:
            raise self.failure
        return result

    def answer(self, effect: Any, k: Continuation) -> Any:
        entry = self.log[self.position] if self.position < len(self.log) else None
        if entry is None or not same_effect(entry.effect, effect):
            self.failure = DivergenceError(self.position, None if entry is None else entry.effect, effect)
            return None  # gives the program up: it could catch an exception
        last = self.position == self.stop_after
        self.position += 1
        if entry.outcome == "ended":
            self.ended = True
        if entry.native:
            return self.look(effect, k) if last else Pass(effect, k)
        if last or self.ended:
            self.take_state()
            return None
        if entry.outcome == "raised":
            return ResumeThrow(k, entry.value)
        return Transfer(k, copy_if_possible(entry.value))

    @do
    def look(self, effect: Any, k: Continuation) -> Generator[Any, Any, None]:
        try:
            yield effect
        except Exception:
            pass  # the State is what it is
        self.take_state()

    def take_state(self) -> None:
        self.ended = True
        for handler in self.handlers:
            if isinstance(handler, State):
                self.state_there.update(copy_if_possible(handler.items()))


def replay(program: Any, log: Log) -> Any:
    """Run a program again, with the answers of the log in place of its handlers in Python.

    State, Reader and Writer that the program is wrapped in do run, as copies. What else a handler in Python did (change State, wrap the
    result) is not done again; where one ended the program, the replay ends with the recorded result.

    Args:
        program: deterministic; with the handlers it was recorded with, or without those in Python.
        log: of `record`, also an unpickled one.

    Returns:
        What the program returns.

    Raises:
        DivergenceError: the program performs something else than the log says, or ends earlier or later.
        What the program raises.
    """
    replayed = _Replay(program, log)
    result = replayed.run()
    if replayed.ended:
        if log.error is not None:
            raise log.error
        return log.result
    return result
