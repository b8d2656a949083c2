"""Transaction and Abort.

A transaction is a handler between its body and the State outside. It keeps a *journal*: for each key that the body has touched, the value
as the body sees it, a deep copy made at the first touch. Nothing outside changes until the body has returned; then the journal is
put. So giving up is forgetting the journal, and costs nothing; and State is as before to the last nested value, because the body
never had its hands on those. The other way round (let the body work on the values, keep copies to put back) would leave what was
changed in a list that a key not touched refers to as well.

All copies of one transaction are made with one memo: two keys that share a list share its copy.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from .._effects import Continuation, Effect, Get, Modify, Put, Transfer, TypedHandler, WithHandler, do
from ._copying import copied


class Abort(Effect):
    """Effect: end the transaction around it; State is as before, and the Transaction evaluates to `value`."""

    value: Any = None


class _Aborted:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Journal:
    """The handler of one transaction."""

    def __init__(self) -> None:
        self.values: dict[Any, Any] = {}  # of the keys touched, as the body sees them
        self.originals: dict[Any, Any] = {}  # of those that were read, as they are outside
        self.memo: dict[int, Any] = {}

    def __call__(self, effect: Any, k: Continuation) -> Any:
        if isinstance(effect, Abort):
            return _Aborted(effect.value)
        if type(effect) is Put:
            self.values[effect.key] = effect.value
            return Transfer(k)
        return self.answer(effect, k) if effect.key in self.values else self.touch(effect, k)

    def answer(self, effect: Any, k: Continuation) -> Transfer:
        value = self.values[effect.key]
        if type(effect) is Modify:
            self.values[effect.key] = effect.function(value)
        return Transfer(k, value)

    @do
    def touch(self, effect: Any, k: Continuation) -> Generator[Any, Any, Any]:
        original = yield Get(effect.key)
        self.values[effect.key] = copied(effect.key, original, self.memo)
        self.originals[effect.key] = original
        yield self.answer(effect, k)

    @do
    def put(self) -> Generator[Any, Any, None]:
        done: list[Any] = []
        try:
            for key, value in self.values.items():
                if key in self.originals:
                    if self.originals[key] is value:
                        continue  # an atom that was only read
                else:
                    try:
                        self.originals[key] = yield Get(key)
                    except KeyError:
                        pass  # a new key of a strict State
                yield Put(key, value)
                done.append(key)
        except BaseException:
            for key in reversed(done):
                if key in self.originals:
                    yield Put(key, self.originals[key])
            raise


@do
def Transaction(body: Any) -> Generator[Any, Any, Any]:
    """Run the body so that all it does to State is done, or nothing.

    Inside, a key that is touched for the first time is read from the State outside, and deep-copied; from then on Get, Put
    and Modify of that key are answered here. When the body returns, what has been touched is put outside. When it
    raises, or performs `Abort()`, nothing is: State is as before, also inside of its values. The cost goes with the keys touched,
    not with the State.

    Values that were touched are others afterwards, equal but not identical; what one of them shared with the value of a
    key that was not touched, it shares no more. Transactions may be nested: the inner one puts into the outer one.

    Returns:
        What the body returns, or the value of Abort.

    Raises:
        UncopyableValue: at the Get or Modify that touched it, for a value that cannot be copied. Put copies nothing.
        What the body raises. What a Put outside raises; those before it are taken back by Puts of the old values (of a new key,
        None).
    """
    journal = _Journal()
    result = yield WithHandler(TypedHandler((Get, Put, Modify, Abort), journal), body)
    if type(result) is _Aborted:
        return result.value
    yield journal.put()
    return result
