"""What a user sees when something goes wrong: which exception, where it is raised, and that the run goes on."""

import traceback

import pytest


@pytest.mark.parametrize("how", ["Resume", "Transfer", "ResumeThrow", "TransferThrow", "Pass", "Delegate"])
def test_a_second_resume_is_an_error_at_that_yield(fx, A, how):
    def again(effect, k):
        if how in ("ResumeThrow", "TransferThrow"):
            return getattr(fx, how)(k, ValueError())
        return {"Pass": lambda: fx.Pass(effect, k), "Delegate": fx.Delegate}.get(how, lambda: getattr(fx, how)(k, 2))()

    @fx.do
    def handler(effect, k):
        first = yield fx.Resume(k, 1)
        try:
            yield again(effect, k)
        except fx.OneShotError as error:
            assert isinstance(error, RuntimeError)
            return first, "caught"

    assert fx.run(fx.WithHandler(handler, A())) == (1, "caught")


def test_an_effect_nobody_handles_is_an_error_at_the_yield(fx, A):
    @fx.do
    def program():
        try:
            yield A()
        except fx.UnhandledEffect as error:
            assert isinstance(error, RuntimeError)
            return "caught", (yield fx.Get("x"))

    assert fx.run(fx.WithHandler(fx.State({"x": 1}), program())) == ("caught", 1)
    with pytest.raises(fx.UnhandledEffect, match="A"):
        fx.run(A())


def test_unhandled_effect_says_what_and_who(effects):
    class Fetch(effects.Effect):
        pass

    @effects.handles(effects.Get)
    def typed(effect, k):
        pass

    def named(effect, k):
        return effects.Pass(effect, k)

    state, fetch = effects.State(), Fetch()
    with pytest.raises(effects.UnhandledEffect) as caught:
        effects.run(effects.WithHandler(typed, effects.WithHandler(state, fetch)))
    assert caught.value.effect is fetch and caught.value.handlers == [state, typed]
    assert "Fetch" in str(caught.value) and "State" in str(caught.value)
    with pytest.raises(effects.UnhandledEffect, match="none is in force"):
        effects.run(effects.WithHandler(named, fetch))


@pytest.mark.parametrize("how", ["Pass", "Delegate"])
def test_pass_with_nobody_outside_is_an_error_where_it_was_performed(fx, A, how):
    @fx.do
    def body():
        try:
            yield A()
        except fx.UnhandledEffect:
            return "body caught it"

    @fx.do
    def handler(effect, k):
        try:
            yield fx.Pass(effect, k) if how == "Pass" else fx.Delegate()
        except BaseException as error:
            assert isinstance(error, GeneratorExit)
            raise

    assert fx.run(fx.WithHandler(handler, body())) == "body caught it"


def test_the_exception_is_the_very_object(fx):
    raised = ValueError("x")

    @fx.do
    def leaf():
        raise raised
        yield

    @fx.do
    def root():
        yield leaf()

    with pytest.raises(ValueError) as caught:
        fx.run(fx.WithHandler(fx.State(), root()))
    assert caught.value is raised


def test_the_traceback_is_that_of_nested_calls(effects):
    class A(effects.Effect):
        pass

    @effects.do
    def leaf():
        yield A()

    @effects.do
    def middle():
        yield leaf()

    @effects.do
    def root():
        yield effects.WithHandler(handler, middle())

    @effects.do
    def handler(effect, k):
        yield effects.Pure(None)
        raise KeyError("handler")

    with pytest.raises(KeyError) as caught:
        effects.run(root())
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:] == ["root", "middle", "leaf", "handler"]
    assert caught.value.__context__ is None


def test_what_a_body_raises_comes_to_who_resumed(fx, A):
    @fx.do
    def body():
        yield A()
        raise KeyError("body")

    @fx.do
    def handler(effect, k):
        try:
            return (yield fx.Resume(k))
        except KeyError as error:
            return error.args[0]

    assert fx.run(fx.WithHandler(handler, body())) == "body"


@pytest.mark.parametrize("how", ["ResumeThrow", "TransferThrow"])
def test_an_exception_can_be_raised_at_the_effect(fx, A, how):
    boom = ValueError("boom")

    @fx.do
    def body():
        try:
            yield A()
        except ValueError as error:
            return error

    @fx.do
    def handler(effect, k):
        return (yield getattr(fx, how)(k, boom))

    assert fx.run(fx.WithHandler(handler, body())) is boom
    with pytest.raises(ValueError) as caught:
        fx.run(fx.WithHandler(handler, A()))
    assert caught.value is boom


@pytest.mark.parametrize("kind", ["generator", "plain", "later", "arity", "passed"])
def test_what_a_handler_raises_before_resuming_is_raised_at_the_effect(fx, A, kind):
    def raising(effect, k):
        raise KeyError("handler")

    @fx.do
    def generator(effect, k):
        raise KeyError("handler")
        yield

    @fx.do
    def later(effect, k):
        yield fx.Pure(1)
        raise KeyError("handler")

    @fx.do
    def passing(effect, k):
        yield fx.Pass(effect, k)

    @fx.do
    def body():
        try:
            yield A()
        except (KeyError, TypeError) as error:
            return type(error)

    handler = {"generator": generator, "plain": raising, "later": later, "arity": lambda effect: None, "passed": raising}[kind]
    inner = fx.WithHandler(passing, body()) if kind == "passed" else body()
    assert fx.run(fx.WithHandler(handler, inner)) is (TypeError if kind == "arity" else KeyError)


def test_what_a_body_does_not_catch_unwinds_it_to_the_caller_of_with_handler(fx, A):
    log = []

    @fx.do
    def body():
        try:
            yield A()
        finally:
            log.append("finally")

    def handler(effect, k):
        raise KeyError("handler")

    @fx.do
    def main():
        try:
            yield fx.WithHandler(handler, body())
        except KeyError:
            log.append("main")

    fx.run(main())
    assert log == ["finally", "main"]


def test_what_a_handler_raises_after_resuming_goes_to_its_caller(fx, A):
    log = []

    @fx.do
    def body():
        try:
            yield A()
        except BaseException:
            log.append("never")

    @fx.do
    def handler(effect, k):
        yield fx.Resume(k)
        raise KeyError("after")

    @fx.do
    def main():
        try:
            yield fx.WithHandler(handler, body())
        except KeyError as error:
            return error.args[0]

    assert fx.run(main()) == "after" and log == []


def test_a_kept_k_is_used_up_when_its_handler_raises(fx, A):
    kept = []

    @fx.do
    def handler(effect, k):
        kept.append(k)
        raise KeyError
        yield

    @fx.do
    def main():
        try:
            yield fx.WithHandler(handler, A())
        except KeyError:
            pass
        try:
            yield fx.Resume(kept[0], 1)
        except fx.OneShotError:
            return "used up"

    assert fx.run(main()) == "used up"


def test_an_outer_handlers_exception_lands_at_the_inner_handlers_yield(fx, A):
    def outer(effect, k):
        raise KeyError("outer")

    @fx.do
    def transparent(effect, k):
        return (yield fx.Resume(k, (yield A())))

    @fx.do
    def catching(effect, k):
        try:
            yield A()
        except KeyError as error:
            return (yield fx.Resume(k, error.args[0]))

    nest = fx.WithHandler
    assert fx.run(nest(outer, nest(catching, A()))) == "outer"
    assert fx.run(nest(outer, nest(transparent, nest(catching, A())))) == "outer"
    with pytest.raises(KeyError):
        fx.run(nest(outer, nest(transparent, A())))


def test_an_effect_a_handler_performs_and_nobody_handles_is_raised_in_the_handler(fx, A):
    @fx.do
    def handler(effect, k):
        try:
            yield fx.Ask("x")
        except fx.UnhandledEffect:
            return (yield fx.Resume(k, "handler caught it"))

    assert fx.run(fx.WithHandler(handler, A())) == "handler caught it"


def test_a_failed_handler_leaves_nothing_to_the_next_program(fx, A):
    def failing(effect, k):
        raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fx.run(fx.WithHandler(failing, A()))
        assert fx.run(fx.WithHandler(lambda effect, k: fx.Resume(k, 1), A())) == 1
        with pytest.raises(fx.UnhandledEffect):
            fx.run(A())


@pytest.mark.parametrize("make", [
    lambda fx, k: fx.GetContinuation(), lambda fx, k: fx.Delegate(), lambda fx, k: fx.Transfer(k, 1),
    lambda fx, k: fx.TransferThrow(k, ValueError()), lambda fx, k: fx.Pass(fx.Get(1), k)])
def test_instructions_for_handlers_are_errors_elsewhere(fx, A, make):
    kept = []

    @fx.do
    def main():
        yield fx.WithHandler(lambda effect, k: kept.append(k), A())
        try:
            yield make(fx, kept[0])
        except RuntimeError as error:
            assert not isinstance(error, (fx.OneShotError, fx.UnhandledEffect))
        return (yield fx.Resume(kept[0], "still good"))

    assert fx.run(main()) == "still good"


@pytest.mark.parametrize("junk", [1, "x", None])
def test_a_handler_has_to_be_callable(effects, junk):
    with pytest.raises(TypeError, match="handler must be callable"):
        effects.WithHandler(junk, effects.Pure(1))
    with pytest.raises(TypeError, match="handler must be callable"):
        effects.handles(effects.Get)(junk)


def test_a_body_has_to_be_a_program(effects):
    def generator():
        yield

    for junk in (1, None, generator(), generator, effects.do(generator)):
        with pytest.raises(TypeError):
            effects.WithHandler(effects.State(), junk)


def test_handles_wants_classes_of_effects(effects):
    for junk in (int, 1, effects.Resume, None, "Get"):
        with pytest.raises(TypeError):
            effects.handles(junk)(print)


def test_instructions_check_what_they_get(effects):
    def handler(effect, k):
        for wrong in (lambda: effects.Resume(1, 2), lambda: effects.Transfer(None), lambda: effects.Pass(k, effect),
                      lambda: effects.Pass(1, k), lambda: effects.ResumeThrow(k, 1), lambda: effects.TransferThrow(k, ValueError),
                      lambda: effects.GetTraceback(1), lambda: effects.GetHandlers(1), lambda: effects.Resume(), lambda: effects.Delegate(1)):
            with pytest.raises(TypeError):
                wrong()
        return effects.Resume(k, "checked")

    assert effects.run(effects.WithHandler(handler, effects.Get(1))) == "checked"


def test_get_traceback_says_where_k_waits(effects):
    class A(effects.Effect):
        pass

    @effects.do
    def leaf():
        yield A()

    @effects.do
    def middle():
        yield effects.WithHandler(effects.State(), leaf())

    @effects.do
    def root():
        yield middle()

    @effects.do
    def handler(effect, k):
        where = yield effects.GetTraceback(k)
        assert not k.resumed
        yield effects.Resume(k)
        assert k.resumed and (yield effects.GetTraceback(k)) == []
        return where

    where = effects.run(effects.WithHandler(handler, root()))
    assert [name for name, _, _ in where] == ["leaf", "middle", "root"]
    first = leaf.__wrapped__.__code__.co_firstlineno
    assert [line for _, _, line in where] == [first + 2, first + 6, first + 10]
    assert all(file == __file__ for _, file, _ in where)


def test_generators_that_yield_while_they_are_closed_are_reported(effects, monkeypatch):
    import sys

    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda about: reported.append(str(about.exc_value)))

    @effects.do
    def body():
        try:
            yield effects.Get("x")
        finally:
            yield effects.Get("y")

    assert effects.run(effects.WithHandler(lambda effect, k: "ended", body())) == "ended"
    assert reported == ["generator ignored GeneratorExit"]


def test_run_checks_its_options(effects):
    for wrong in (lambda: effects.run(), lambda: effects.run(effects.Pure(1), 2), lambda: effects.run(effects.Pure(1), other=2)):
        with pytest.raises(TypeError):
            wrong()
    for wrong in (lambda: effects.run(effects.Pure(1), debug="all"), lambda: effects.run(effects.Pure(1), gil=1),
                  lambda: effects.VM(debug="x"), lambda: effects.VM(gil="x")):
        with pytest.raises(ValueError):
            wrong()


def test_debug_levels(effects, capfd):
    program = effects.WithHandler(effects.State({"x": 1}), effects.Get("x"))
    assert effects.run(program, debug="off") == 1
    assert capfd.readouterr().err == ""
    assert effects.VM(debug="steps").run(program) == 1
    steps = capfd.readouterr().err.splitlines()
    assert steps == ["effects: HandleYield -> Continue", "effects: HandleYield -> Continue", "effects: Deliver -> Continue",
                     "effects: Return -> Continue", "effects: Deliver -> Continue", "effects: Return -> Done"]
    assert effects.run(program, debug="trace") == 1
    traced = capfd.readouterr().err
    assert "HandleYield(calque.effects.Get), fiber 2 with 0 frames, handled by calque.effects.State" in traced
    assert [line for line in traced.splitlines() if "->" in line] == steps
