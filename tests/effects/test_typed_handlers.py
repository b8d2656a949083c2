"""Handlers that say which classes of effects they want."""

import pytest

from effects.bodies import plus


def test_typed_handlers_are_not_asked_about_others(fx, A, B):
    asked = []

    class SubA(A):
        pass

    @fx.handles(A)
    @fx.do
    def typed(effect, k):
        asked.append(type(effect).__name__)
        yield fx.Transfer(k, "typed")

    @fx.handles(B, fx.Get)
    def other(effect, k):
        asked.append(type(effect).__name__)
        return fx.Transfer(k, "other")

    @fx.do
    def body():
        return [(yield A(1)), (yield B(1)), (yield SubA(1)), (yield fx.Get("x")), (yield A(2))]

    for handlers in ([typed, other], [other, typed]):
        asked.clear()
        assert fx.run(fx.WithHandler(handlers[0], fx.WithHandler(handlers[1], body()))) == ["typed", "other", "typed", "other", "typed"]
        assert asked == ["A", "B", "SubA", "Get", "A"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_declared_types_and_pass_come_to_the_same(fx, A, B, order, times):
    def handlers_for(style, log):
        def make(cls, name):
            @fx.do
            def declared(effect, k):
                log.append(name)
                return (yield fx.Resume(k, (name, effect.v)))

            @fx.do
            def passing(effect, k):
                if not isinstance(effect, cls):
                    yield fx.Pass(effect, k)
                log.append(name)
                return (yield fx.Resume(k, (name, effect.v)))

            return fx.handles(cls)(declared) if style == "declared" else passing

        made = [make(A, "a"), make(B, "b")]
        return [made[i] for i in order]

    @fx.do
    def body():
        answers = []
        for i in range(times):
            answers += [(yield A(i)), (yield B(i))]
        return answers

    results = []
    for style in ("declared", "passing"):
        log = []
        outer, inner = handlers_for(style, log)
        results.append((fx.run(fx.WithHandler(outer, fx.WithHandler(inner, body()))), log))
    assert results[0] == results[1]
    assert results[0][0] == [("a" if j == 0 else "b", i) for i in range(times) for j in (0, 1)]


def test_handles_asks_again_when_bases_change(fx, A, B):
    class Switching(A):
        pass

    class Base(B):
        pass

    @fx.handles(A)
    def handler(effect, k):
        return fx.Transfer(k, "a")

    def outcome():
        try:
            return fx.run(fx.WithHandler(handler, Switching(1)))
        except fx.UnhandledEffect:
            return "unhandled"

    assert outcome() == "a"
    Switching.__bases__ = (Base,)
    assert outcome() == "unhandled"
    Switching.__bases__ = (A,)
    assert outcome() == "a"


def test_handles_effect_is_everything(fx, A):
    @fx.handles(fx.Effect)
    def handler(effect, k):
        return fx.Resume(k, 1)

    assert fx.run(fx.WithHandler(handler, plus(fx, A(1), 1))) == 2 and fx.run(fx.WithHandler(handler, fx.Get(1))) == 1
