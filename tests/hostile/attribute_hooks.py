"""Hooks of hooks.py that run when an attribute is looked for, set, or hidden: of the object, of its class, of the metaclass."""

from .hooks import answer, filled, hook
from .world import GO_ON, fire

NAMES = ("__deepcopy__", "__reduce_ex__", "__reduce__", "__getstate__", "__setstate__", "__dict__", "__class__")

for _name in NAMES:
    @hook(f"__getattribute__ for {_name}")
    def _(base, name=_name):
        class X(base):
            def __getattribute__(self, asked):
                if asked == name:
                    out = fire(f"getattribute {asked}", self)
                    if out is not GO_ON:
                        return out
                return object.__getattribute__(self, asked)
        return filled(X)

for _name in ("__deepcopy__", "__setstate__", "__getstate__"):
    @hook(f"__getattr__ for {_name}")
    def _(base, name=_name):
        class X(base):
            def __getattr__(self, asked):
                if asked == name:
                    out = fire(f"getattr {asked}", self)
                    if out is not GO_ON:
                        return out
                raise AttributeError(asked)
        return filled(X)

for _name in ("__new__", "__reduce__", "__copy__", "__deepcopy__"):
    @hook(f"metaclass __getattribute__ for {_name}", alone=_name == "__copy__")
    def _(base, name=_name):
        class Meta(type):
            def __getattribute__(cls, asked):
                if asked == name:
                    out = fire(f"of class {asked}", None)
                    if out is not GO_ON:
                        return out
                return type.__getattribute__(cls, asked)

        class X(base, metaclass=Meta):
            pass
        return filled(X)

for _name in ("__reduce__", "__copy__", "__slotnames__"):
    @hook(f"metaclass property {_name}", alone=_name == "__copy__")
    def _(base, name=_name):
        def get(cls):
            out = fire(f"of class {name}", None)
            if out is GO_ON:
                raise AttributeError(name)
            return out
        Meta = type("Meta", (type,), {name: property(get)})

        class X(base, metaclass=Meta):
            __slots__ = ("a",)
        return filled(X)


@hook("metaclass __hash__")
def _(base):
    class Meta(type):
        def __hash__(cls):
            fire("hash of class", None)
            return 11

    class X(base, metaclass=Meta):
        pass
    return filled(X)


@hook("metaclass __eq__")
def _(base):
    class Meta(type):
        def __hash__(cls):
            return hash(tuple)

        def __eq__(cls, other):
            fire(f"class compared with {other.__name__}", None)
            return cls is other

    class X(base, metaclass=Meta):
        pass
    return filled(X)


@hook("metaclass __setattr__")
def _(base):
    """copyreg stores the names of the slots in a class that it meets for the first time."""
    def make():
        class Meta(type):
            def __setattr__(cls, name, value):
                fire(f"set of class {name}", None)
                type.__setattr__(cls, name, value)

        class X(base, metaclass=Meta):
            __slots__ = ("a",)
        return filled(X)()
    return make


@hook("metaclass __getattr__")
def _(base):
    class Meta(type):
        def __getattr__(cls, name):
            out = fire(f"getattr of class {name}", None)
            if out is GO_ON:
                raise AttributeError(name)
            return out

    class X(base, metaclass=Meta):
        __slots__ = ("a",)
    return filled(X)


@hook("property __class__")
def _(base):
    class X(base):
        @property
        def __class__(self):
            return answer("class", self, lambda: list)
    return filled(X)


@hook("property __dict__")
def _(base):
    class X(base):
        @property
        def __dict__(self):
            return answer("dict", self, lambda: Attributes(self))

    class Attributes(dict):
        def __init__(self, x):
            self.x = x

        def update(self, state):
            fire("update", self.x)
            for name, value in state.items():
                setattr(self.x, name, value)
    return filled(X)


@hook("slot hidden by a descriptor")
def _(base):
    class Slotted(base):
        __slots__ = ("a", "b")

    class X(Slotted):
        __slots__ = ()

        @property
        def a(self):
            fire("get", self)
            return Slotted.a.__get__(self)

        @a.setter
        def a(self, value):
            fire("set", self)
            Slotted.a.__set__(self, value)
    return filled(X)


@hook("__setattr__ for slots")
def _(base):
    class X(base):
        __slots__ = ("a", "b", "c")

        def __setattr__(self, name, value):
            fire(f"set {name}", self)
            object.__setattr__(self, name, value)

    def make():
        x = filled(X)()
        x.c = [1]
        return x
    return make


class Name(str):
    """Hashes like the name it hides behind, so that looking for that name asks it."""

    def __hash__(self):
        return hash(str(self)[1:])

    def __eq__(self, other):
        fire(f"compared with {other}", None)
        return False


@hook("key in the dict of the instance")
def _(base):
    class X(base):
        pass

    def make():
        x = filled(X)()
        x.__dict__[Name("x__deepcopy__")] = [1]
        x.__dict__[Name("x__reduce_ex__")] = [2]
        return x
    return make


@hook("key in the dict of the class")
def _(base):
    def make():
        X = type("X", (base,), {Name("x__deepcopy__"): 1, Name("x__reduce_ex__"): 2, Name("x__getstate__"): 3})
        return filled(X)()
    return make
