"""Every hook that can run during a copy. A hook is a function of a base class that returns a factory of hostile objects.

The base has no attributes of its own; where a position hashes the object, it gives all of them one hash. Each object has in `a` what hangs below it.
`fire()` says when a hook runs; what it returns, unless GO_ON, the hook returns.
"""

import copy
import copyreg

from .world import GO_ON, bag, fire, world

HOOKS = {}  # name -> function
ALONE = set()  # names of the hooks of copy.copy
UNHASHED = set()  # hooks whose object is a container that no set can hold


class Base:
    __slots__ = ()


class HashedBase:
    __slots__ = ()

    def __hash__(self):
        return 5

    def __eq__(self, other):
        return self is other


def hook(name, *, alone=False, unhashed=False):
    def register(function):
        HOOKS[name] = function
        if alone:
            ALONE.add(name)
        if unhashed:
            UNHASHED.add(name)
        return function
    return register


def filled(cls, *args):
    """A factory of instances with `a`, made past the hooks of the class."""
    def make():
        x = cls.__new__(cls, *args)
        object.__setattr__(x, "a", bag(100))
        return x
    return make


def answer(name, self, otherwise, memo=None):
    """What a hook returns that has nothing else to do."""
    out = fire(name, self, memo)
    return otherwise() if out is GO_ON else out


# __deepcopy__ ---------------------------------------------------------------------------------------------------------------------------------------

def with_copied_child(self, memo):
    made = object.__new__(type(self))
    made.a = world.api.deepcopy(self.a, memo)
    return made


@hook("__deepcopy__ before its children")
def _(base):
    class X(base):
        def __deepcopy__(self, memo):
            return answer("deepcopy", self, lambda: with_copied_child(self, memo), memo)
    return filled(X)


@hook("__deepcopy__ after its children")
def _(base):
    class X(base):
        def __deepcopy__(self, memo):
            made = with_copied_child(self, memo)
            return answer("deepcopy", self, lambda: made, memo)
    return filled(X)


@hook("__deepcopy__ that returns self")
def _(base):
    class X(base):
        def __deepcopy__(self, memo):
            return answer("deepcopy", self, lambda: self, memo)
    return filled(X)


@hook("__deepcopy__ that writes to the memo")
def _(base):
    class X(base):
        def __deepcopy__(self, memo):
            made = object.__new__(type(self))
            memo[id(self)] = made
            out = fire("deepcopy", self, memo)
            made.a = world.api.deepcopy(self.a, memo)
            return made if out is GO_ON else out
    return filled(X)


@hook("__deepcopy__ that gives a leaf")
def _(base):
    class X(base):
        def __deepcopy__(self, memo):
            return answer("deepcopy", self, lambda: 12345678, memo)
    return filled(X)


@hook("__deepcopy__ of the instance")
def _(base):
    class X(base):
        pass

    def make():
        x = filled(X)()
        x.__deepcopy__ = In(x)
        return x

    class In:
        def __init__(self, x):
            self.x = x

        def __call__(self, memo):
            return answer("deepcopy", self.x, lambda: "copied", memo)

        def __deepcopy__(self, memo):
            return self
    return make


@hook("__deepcopy__ as a property")
def _(base):
    class X(base):
        @property
        def __deepcopy__(self):
            return answer("property", self, lambda: None)
    return filled(X)


@hook("__deepcopy__ as a descriptor, called too")
def _(base):
    class Bound:
        def __init__(self, x):
            self.x = x

        def __call__(self, memo):
            fire("called", self.x, memo)
            return with_copied_child(self.x, memo)

    class Descriptor:
        def __get__(self, x, cls):
            return answer("get", x, lambda: Bound(x))

    class X(base):
        __deepcopy__ = Descriptor()
    return filled(X)


# The reduce protocol ----------------------------------------------------------------------------------------------------------------------------------

def remake(cls, *args):
    return object.__new__(cls)


@hook("__reduce__")
def _(base):
    class X(base):
        def __reduce__(self):
            return answer("reduce", self, lambda: (remake, (type(self), self.a), {"a": self.a}))
    return filled(X)


@hook("__reduce_ex__")
def _(base):
    class X(base):
        def __reduce_ex__(self, protocol):
            return answer("reduce_ex", self, lambda: (copyreg.__newobj__, (type(self),), {"a": self.a, "b": bag(101)}))
    return filled(X)


@hook("__reduce_ex__ that returns text")
def _(base):
    class X(base):
        def __reduce_ex__(self, protocol):
            return answer("reduce_ex", self, lambda: "text")
    return filled(X)


@hook("__reduce_ex__ as a property")
def _(base):
    class X(base):
        @property
        def __reduce_ex__(self):
            return answer("property", self, lambda: lambda protocol: (remake, (type(self),), {"a": self.a}))
    return filled(X)


@hook("__reduce_ex__ in the instance")
def _(base):
    class X(base):
        pass

    def make():
        x = filled(X)()
        object.__setattr__(x, "__reduce_ex__", lambda protocol: answer("reduce_ex", None, lambda: (list, ([1],))))
        return x
    return make


def collecting(fires=False):
    """What reduce makes: notes what is done to it."""
    class Collects:
        def __init__(self):
            self.items = []

        def append(self, item):
            out = fire("append", self) if fires else GO_ON
            self.items.append(item if out is GO_ON else out)

        def __setitem__(self, key, value):
            out = fire("setitem", self) if fires else GO_ON
            self.items.append((key, value if out is GO_ON else out))
    return Collects


@hook("items of __reduce__")
def _(base):
    class X(base):
        def __reduce__(self):
            return collecting(), (), None, self.each()

        def each(self):
            yield [1]
            out = fire("next", self)
            yield self.a if out is GO_ON else out
            yield [2]
    return filled(X)


@hook("pairs of __reduce__")
def _(base):
    class X(base):
        def __reduce__(self):
            return collecting(), (), None, None, self.each()

        def each(self):
            yield "k", [1]
            out = fire("next", self)
            yield ("l", self.a) if out is GO_ON else out
            yield (1, 2), [2]
    return filled(X)


@hook("iterator of __reduce__")
def _(base):
    class Iterator:
        def __init__(self, x):
            self.left = [[1], {"k": x.a}, ([2],)]
            self.x = x

        def __iter__(self):
            fire("iter", self.x)
            return self

        def __next__(self):
            out = fire("next", self.x)
            if out is not GO_ON:
                return out
            if not self.left:
                raise StopIteration
            return self.left.pop(0)

    class X(base):
        def __reduce__(self):
            return collecting(), (), None, Iterator(self)
    return filled(X)


@hook("append of what __reduce__ made")
def _(base):
    class X(base):
        def __reduce__(self):
            return collecting(True), (), None, iter([[1], self.a, [2]])
    return filled(X)


@hook("__setitem__ of what __reduce__ made")
def _(base):
    class X(base):
        def __reduce__(self):
            return collecting(True), (), None, None, iter([("k", [1]), ((1, 2), self.a), ("l", [2])])
    return filled(X)


@hook("arguments of __reduce__")
def _(base):
    class Args(tuple):
        def __iter__(self):
            fire("iter", self[0])
            return tuple.__iter__(self)

    class X(base):
        def __reduce__(self):
            return remake_from, Args((self, [1])), {"a": self.a}

    def remake_from(x, more):
        return object.__new__(X)
    X.__deepcopy__ = None
    X.__reduce__ = lambda self: (remake_from, Args(([2], [1])), {"a": self.a})
    return filled(X)


@hook("value of __reduce__ that iterates")
def _(base):
    class Value:
        def __init__(self, x):
            self.x = x

        def __iter__(self):
            out = fire("iter", self.x)
            return iter((remake, (type(self.x),), {"a": self.x.a})) if out is GO_ON else out

        @property
        def __class__(self):
            return answer("class", self.x, lambda: Value)

    class X(base):
        def __reduce__(self):
            return Value(self)
    return filled(X)


@hook("function of __reduce__")
def _(base):
    class X(base):
        def __reduce__(self):
            return make, (type(self), self.a), {"b": self.a}

    def make(cls, a):
        def new():
            x = object.__new__(cls)
            x.a = a
            return x
        return answer("made", None, new)
    return filled(X)


@hook("__getstate__")
def _(base):
    class X(base):
        def __getstate__(self):
            return answer("getstate", self, lambda: self.__dict__)
    return filled(X)


@hook("__getstate__ that makes a state")
def _(base):
    class X(base):
        def __getstate__(self):
            return answer("getstate", self, lambda: {"a": self.a, "b": bag(102)})
    return filled(X)


@hook("__getstate__ with slots")
def _(base):
    class X(base):
        __slots__ = ("a", "s")

        def __getstate__(self):
            return answer("getstate", self, lambda: (None, {"a": self.a, "s": bag(103)}))
    return filled(X)


@hook("__setstate__")
def _(base):
    class X(base):
        def __setstate__(self, state):
            fire("setstate", self)
            self.__dict__.update(state)
    return filled(X)


@hook("__setstate__ without a state of its own")
def _(base):
    class X(base):
        __slots__ = ("a",)

        def __setstate__(self, state):
            fire("setstate", self)
            self.a = state[1]["a"]
    return filled(X)


@hook("__setstate__ as a property")
def _(base):
    class X(base):
        @property
        def __setstate__(self):
            return answer("property", self, lambda: self.take)

        def take(self, state):
            self.__dict__.update(state)
    return filled(X)


@hook("state that is a mapping")
def _(base):
    class State(dict):
        def keys(self):
            fire("keys", None)
            return dict.keys(self)

        def __getitem__(self, key):
            fire("getitem", None)
            return dict.__getitem__(self, key)

        def items(self):
            fire("items", None)
            return dict.items(self)

        def __reduce_ex__(self, protocol):
            fire("reduce", None)
            return State, (), None, None, iter(list(dict.items(self)))

    class X(base):
        pass

    def make():
        x = filled(X)()
        x.__dict__ = State(x.__dict__)
        return x
    return make


@hook("state that is a tuple")
def _(base):
    class State(tuple):
        def __len__(self):
            fire("len", None)
            return tuple.__len__(self)

        def __iter__(self):
            fire("iter", None)
            return tuple.__iter__(self)

        def __deepcopy__(self, memo):
            return self

    class X(base):
        def __getstate__(self):
            return State(({"a": self.a}, None))
    return filled(X)


@hook("__new__")
def _(base):
    class X(base):
        def __new__(cls, *args):
            return answer("new", None, lambda: object.__new__(cls))
    return filled(X)


@hook("__new__ of something with attributes")
def _(base):
    class X(base):
        def __new__(cls):
            x = object.__new__(cls)
            if world.armed:
                x.b = [1]
                x.a = Finalized()
                x.a.x = x
            return answer("new", x, lambda: x)

    class Finalized:
        def __del__(self):
            fire("freed", None)
    return filled(X)


@hook("__getnewargs__")
def _(base):
    class X(base):
        def __new__(cls, *args):
            return object.__new__(cls)

        def __getnewargs__(self):
            return answer("getnewargs", self, lambda: (bag(104), 1))
    return filled(X)


@hook("__getnewargs_ex__")
def _(base):
    class X(base):
        def __new__(cls, *args, **kwargs):
            return object.__new__(cls)

        def __getnewargs_ex__(self):
            return answer("getnewargs_ex", self, lambda: ((bag(105),), {"k": [1]}))
    return filled(X)


@hook("reducer of copyreg")
def _(base):
    class X(base):
        pass

    def reducer(x):
        return answer("reducer", x, lambda: (remake, (X,), {"a": x.a}))

    def make():
        put(copyreg.dispatch_table, X, reducer)
        return filled(X)()
    return make


@hook("truth of a reducer of copyreg")
def _(base):
    class X(base):
        pass

    class Reducer:
        def __bool__(self):
            fire("bool", None)
            return True

        def __call__(self, x):
            return remake, (X,), {"a": x.a}

    def make():
        put(copyreg.dispatch_table, X, Reducer())
        return filled(X)()
    return make


@hook("entry of copy's dispatch table")
def _(base):
    class X(base):
        pass

    def copier(x, memo):
        return answer("dispatched", x, lambda: with_copied_child(x, memo), memo)

    def make():
        put(copy._deepcopy_dispatch, X, copier)
        return filled(X)()
    return make


@hook("registered handler")
def _(base):
    """For stdlib, what comes nearest: an entry of its dispatch table. The two are not given the same memo, so it is not passed on."""
    class X(base):
        pass

    def handler(x, memo):
        def made():
            y = object.__new__(type(x))
            y.a = memo.copy(x.a) if world.name != "stdlib" else copy.deepcopy(x.a, memo)
            return y
        return answer("handler", x, made)

    def make():
        if world.name == "stdlib":
            put(copy._deepcopy_dispatch, X, handler)
        else:
            import calque
            calque.register(X)(handler)
            world.undo.append(lambda: calque.unregister(X))
        return filled(X)()
    return make


def put(table, key, value):
    table[key] = value
    world.undo.append(lambda: table.pop(key, None))
