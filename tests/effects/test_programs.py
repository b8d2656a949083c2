"""Programs: what @do and run do, and what a yield means."""

import enum

import pytest


def test_a_program_returns_its_value(fx):
    @fx.do
    def add(a, b):
        return (yield fx.Pure(a)) + b

    assert fx.run(add(3, 4)) == 7


def test_a_do_function_without_yield_returns_its_value(fx):
    assert fx.run(fx.do(lambda a, *, b=1: (a, b))("x", b=2)) == ("x", 2)


def test_nothing_runs_when_a_program_is_made(fx):
    ran = []

    @fx.do
    def program():
        ran.append(1)
        yield fx.Pure(None)

    made = program()
    assert ran == []
    fx.run(made)
    assert ran == [1]


def test_a_program_can_be_run_again(fx):
    @fx.do
    def program():
        return [(yield fx.Pure(1))]

    made = program()
    assert fx.run(made) == fx.run(made) == [1]
    assert fx.run(made) is not fx.run(made)


def test_a_program_yields_programs(fx):
    @fx.do
    def leaf(n):
        return (yield fx.Pure(n)) * 2

    @fx.do
    def middle(n):
        return (yield leaf(n)) + (yield leaf(n + 1))

    @fx.do
    def root():
        return [(yield middle(1)), (yield middle(10))]

    assert fx.run(root()) == [6, 42]


def test_arguments_reach_the_function(fx):
    @fx.do
    def program(a, b=2, *rest, c, d=4, **more):
        yield fx.Pure(None)
        return a, b, rest, c, d, more

    assert fx.run(program(1, c=3)) == (1, 2, (), 3, 4, {})
    assert fx.run(program(1, 9, 8, 7, 6, 5, c=3, e=0)) == (1, 9, (8, 7, 6, 5), 3, 4, {"e": 0})


def test_wrong_arguments_are_raised_at_the_yield(fx):
    @fx.do
    def leaf(a):
        yield fx.Pure(a)

    @fx.do
    def root():
        try:
            yield leaf()
        except TypeError as error:
            return "missing" in str(error)

    assert fx.run(root()) is True
    with pytest.raises(TypeError, match="missing"):
        fx.run(leaf())


@pytest.mark.parametrize("value", [0, 7, 10**40, "", "text", None, True, 1.5, (), [1]])
def test_values_come_back_as_the_same_object(fx, value):
    assert fx.run(fx.Pure(value)) is value


def test_members_and_subclasses_are_not_converted(fx):
    class Color(enum.IntEnum):
        RED = 1

    class Text(str):
        pass

    text = Text("x")
    state = fx.State({"color": Color.RED})

    @fx.do
    def program():
        yield fx.Put("text", text)
        return (yield fx.Get("color")), (yield fx.Get("text"))

    color, back = fx.run(fx.WithHandler(state, program()))
    assert color is Color.RED and back is text


def test_methods_can_be_programs(fx):
    class Service:
        name = "service"

        @fx.do
        def greet(self, greeting):
            return f"{(yield fx.Pure(greeting))} {self.name}"

        @staticmethod
        @fx.do
        def shout(text):
            return (yield fx.Pure(text)).upper()

    assert fx.run(Service().greet("hello")) == "hello service"
    assert fx.run(Service.shout("a")) == "A"


def test_what_cannot_be_yielded_is_a_type_error_at_the_yield(fx):
    def generator():
        yield fx.Pure(1)

    @fx.do
    def program(junk):
        try:
            yield junk
        except TypeError:
            return (yield fx.Pure("caught"))

    for junk in (42, "Get", None, object(), generator(), fx.Pure, [fx.Pure(1)]):
        assert fx.run(program(junk)) == "caught"


def test_run_rejects_what_is_no_program(fx):
    @fx.do
    def function():
        yield fx.Pure(1)

    def generator():
        yield fx.Pure(1)

    for junk in (42, None, generator(), function):
        with pytest.raises(TypeError):
            fx.run(junk)


def test_generator_functions_keep_their_names(effects):
    @effects.do
    def program(a):
        """What it does."""
        yield effects.Pure(a)

    assert program.__name__ == "program" and program.__doc__ == "What it does."
    assert program.__wrapped__.__name__ == "program" and program.__module__ == __name__
    assert effects.do(program) is program
    assert "program" in repr(program) and "program" in repr(program(1))


def test_do_refuses_async_functions(effects):
    async def coroutine():
        pass

    async def generator():
        yield

    for wrong in (coroutine, generator, 42):
        with pytest.raises(TypeError):
            effects.do(wrong)


def test_fields_of_effects(fx):
    class Fetch(fx.Effect):
        url: str
        tries: int = 3

    class Post(Fetch):
        body: bytes = b""

    assert Fetch.__match_args__ == ("url", "tries") and Post.__match_args__ == ("url", "tries", "body")
    fetch = Fetch("x")
    assert (fetch.url, fetch.tries) == ("x", 3)
    post = Post("y", tries=1, body=b"z")
    assert (post.url, post.tries, post.body) == ("y", 1, b"z")


def test_wrong_fields_are_type_errors(effects):
    class Fetch(effects.Effect):
        url: str
        tries: int = 3

    for args, kwargs in ((), {}), ((1, 2, 3), {}), ((1,), {"url": 2}), ((1,), {"other": 2}):
        with pytest.raises(TypeError):
            Fetch(*args, **kwargs)
        with pytest.raises(TypeError):
            Fetch.__init__(Fetch.__new__(Fetch), *args, **kwargs)
    assert repr(Fetch("u")) == "%s(url='u', tries=3)" % Fetch.__qualname__


def test_effects_with_an_init_of_their_own(fx):
    import dataclasses

    class Legacy(fx.Effect):
        def __init__(self, value):
            self.doubled = value * 2

    @dataclasses.dataclass(frozen=True)
    class Frozen(fx.Effect):
        a: int
        b: list = dataclasses.field(default_factory=list)

    class Late(fx.Effect):
        a: int

    assert Legacy(4).doubled == 8
    assert Frozen(1) == Frozen(1, []) and Frozen(1).b == []
    Late.__init__ = lambda self: setattr(self, "a", "late")
    assert Late().a == "late"


def test_native_effects_have_fields_and_take_names(effects):
    assert isinstance(effects.Get("x"), effects.Effect) and not isinstance(effects.Pure(1), effects.Effect)
    put = effects.Put(value=1, key="k")
    assert (put.key, put.value) == ("k", 1) and repr(put) == "Put('k', 1)"
    assert effects.Put.__match_args__ == ("key", "value")
    for wrong in (lambda: effects.Get(), lambda: effects.Get(1, 2), lambda: effects.Get(1, key=2), lambda: effects.Put(1, val=2),
                  lambda: effects.Get.__new__(effects.Get), lambda: effects.Effect.__new__(effects.Get),
                  lambda: effects.Continuation(), lambda: effects.Program(), lambda: effects.NativeHandler()):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(AttributeError):
        put.key = 2
    with pytest.raises(TypeError):
        type("Sub", (effects.Get,), {})


def test_effects_are_copied_by_their_fields(effects):
    import copy
    import pickle

    import calque

    put = effects.Put("k", [1])
    for made in (copy.deepcopy(put), calque.deepcopy(put), pickle.loads(pickle.dumps(put))):
        assert type(made) is effects.Put and (made.key, made.value) == ("k", [1]) and made.value is not put.value


def test_recursion_uses_no_stack(effects):
    @effects.do
    def count(n):
        return 0 if n == 0 else 1 + (yield count(n - 1))

    assert effects.run(count(100_000)) == 100_000


def test_an_exception_leaves_a_deep_recursion(effects):
    @effects.do
    def count(n):
        if n == 0:
            raise KeyError("bottom")
        yield count(n - 1)

    with pytest.raises(KeyError, match="bottom"):
        effects.run(count(10_000))
