"""Remote(program): a program run by another process, and the handler that has Dask's `distributed` do it.

A program of a module's @do function is data: the function's name and arguments. So it is pickled, sent, and run there; no generator ever is. What it
performs has to be handled in it (it brings its handlers), but for Tell: messages are collected there, and told here when it is back.

    result       comes back, and so does an exception: the same class and arguments, pickled
    logs         are told here, in their order, also when the program failed
    cancelling   the task that waits cancels the work there, if it has not begun
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Generator
from typing import Any

from .._effects import Continuation, Effect, Resume, ResumeThrow, Tell, TypedHandler, UnhandledEffect, WithHandler, Writer, do, run
from ._tasks import Await


class Remote(Effect):
    """Effect: what `program` comes to, run somewhere else. It has to be picklable, and to bring its handlers."""

    program: Any


class RemoteError(RuntimeError):
    """A program that ran somewhere else raised what cannot be pickled. The message has its class and text."""


def run_there(pickled: bytes) -> bytes:
    """In the other process: runs a program; what came of it, pickled as (result, exception, messages told)."""
    log = Writer()
    result, error = None, None
    try:
        result = run(WithHandler(log, pickle.loads(pickled)))
    except Exception as raised:
        error = raised
    try:
        return pickle.dumps((result, error, log.logs()))
    except Exception as problem:
        what = f"returned what cannot be pickled ({problem})" if error is None else f"raised {type(error).__name__}: {error}"
        return pickle.dumps((None, RemoteError(f"the program {what}"), []))


async def _result_of(future: Any) -> bytes:
    """Of a future of distributed, without a thread of its own."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def tell() -> None:
        if not done.done():
            done.set_result(None)

    future.add_done_callback(lambda _: loop.call_soon_threadsafe(tell))
    try:
        await done
    except asyncio.CancelledError:
        future.cancel()
        raise
    result: bytes = future.result()
    return result


def dask(client: Any) -> TypedHandler:
    """A handler that answers Remote by a `distributed.Client`.

    Under `Tasks` or `run_async` other tasks run while one waits; elsewhere it waits. A worker that dies is distributed's to
    replace; what it raises when it gives up is raised at the effect.

    Args:
        client: a `distributed.Client` (the synchronous one); calque has to be installed where its workers are.

    Raises:
        TypeError: it has no `submit`.
    """
    if not callable(getattr(client, "submit", None)):
        raise TypeError(f"expected a distributed.Client, got {type(client).__name__}")

    @do
    def submitting(effect: Remote, k: Continuation) -> Generator[Any, Any, Any]:
        future = client.submit(run_there, pickle.dumps(effect.program), pure=False)
        waiting = _result_of(future)
        try:
            answer = yield Await(waiting)
        except UnhandledEffect:
            waiting.close()
            answer = future.result()
        result, error, messages = pickle.loads(answer)
        for message in messages:
            yield Tell(message)
        if error is not None:
            return (yield ResumeThrow(k, error))
        return (yield Resume(k, result))

    return TypedHandler((Remote,), submitting)
