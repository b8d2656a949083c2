"""Programs made of a body and a handler in Python: Listen, Local, Try, WithObserve. Anybody could write them so."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from .._effects import Ask, Continuation, Effect, Pass, Tell, Transfer, TypedHandler, WithHandler, do


class Ok(NamedTuple):
    """What `Try` evaluates to when the body returns."""

    #: What it returned.
    value: Any


class Err(NamedTuple):
    """What `Try` evaluates to when the body raises."""

    #: What it raised: the very object.
    error: Exception


@do
def Try(body: Any) -> Generator[Any, Any, Ok | Err]:
    """Run the body: `Ok(value)` if it returns, `Err(error)` if it raises an Exception.

    What is no Exception (KeyboardInterrupt, GeneratorExit, ...) is raised on.
    """
    try:
        return Ok((yield body))
    except Exception as error:
        return Err(error)


@do
def Listen(body: Any) -> Generator[Any, Any, tuple[Any, list[Any]]]:
    """Run the body: what it returns, and the list of the messages it told.

    The messages go on to the handlers outside, so there has to be one.
    """
    heard: list[Any] = []

    def listening(effect: Tell, k: Continuation) -> Pass:
        heard.append(effect.message)
        return Pass(effect, k)

    return (yield WithHandler(TypedHandler((Tell,), listening), body)), heard


def Local(env: Mapping[Any, Any], body: Any) -> WithHandler:
    """The body with other answers to Ask: `env` has those, and the handlers outside all others.

    Raises:
        TypeError: `env` is no mapping.
    """
    if not isinstance(env, Mapping):
        raise TypeError(f"expected a mapping of what Ask is answered with, got {type(env).__name__}")
    answers = dict(env)

    def answering(effect: Ask, k: Continuation) -> Transfer | Pass:
        return Transfer(k, answers[effect.key]) if effect.key in answers else Pass(effect, k)

    return WithHandler(TypedHandler((Ask,), answering), body)


def WithObserve(callback: Callable[[Effect], object], body: Any) -> Any:
    """The body, watched: `callback(effect)` is called with each effect that leaves it, before it is answered.

    Effects that a handler inside the body answers do not leave it. The callback's result is ignored. If it raises, the
    body is given up, and the exception is raised where WithObserve was yielded; the body cannot catch it.

    Raises:
        TypeError: the callback is not callable.
    """
    if not callable(callback):
        raise TypeError(f"callback must be callable, and {type(callback).__name__} is not")
    return _observed(callback, body)


@do
def _observed(callback: Callable[[Effect], object], body: Any) -> Generator[Any, Any, Any]:
    failed: list[BaseException] = []

    def observing(effect: Effect, k: Continuation) -> Pass | None:
        try:
            callback(effect)
        except BaseException as error:
            failed.append(error)
            del k  # gives the body up now: the error's traceback keeps this frame
            return None
        return Pass(effect, k)

    result = yield WithHandler(observing, body)
    if failed:
        raise failed.pop()
    return result
