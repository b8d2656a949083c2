"""calque.register: handlers written in Python, and the memo that they receive."""

import collections
import copy
import gc
import weakref

import pytest

from support.probes import Hook, Reduces, raised


class Plain:
    pass


def holding(**values):
    x = Plain()
    vars(x).update(values)
    return x


class Registrations:
    """calque.register that can take back whatever was registered through it."""

    def __init__(self, calque):
        self.calque = calque
        self.classes = []

    def __call__(self, cls, **options):
        if cls in self.classes:
            self.undo(cls)
        self.classes.append(cls)
        return self.calque.register(cls, **options)

    def undo(self, only=None):
        for cls in [cls for cls in self.classes if only in (None, cls)]:
            self.classes.remove(cls)
            try:
                self.calque.unregister(cls)
            except LookupError:
                pass  # the test did


@pytest.fixture
def register(calque):
    registrations = Registrations(calque)
    yield registrations
    registrations.undo()


# ---- which handler is called -------------------------------------------------------------------------------------------------

def test_a_registered_handler_makes_the_copies(calque, register):
    @register(Plain)
    def handler(x, memo):
        return ["copied", x.name]

    assert calque.deepcopy(holding(name="n")) == ["copied", "n"]
    assert calque.deepcopy([{"k": (holding(name=1),)}]) == [{"k": (["copied", 1],)}]


def test_register_gives_the_function_back(calque, register):
    def handler(x, memo):
        return x

    assert register(Plain)(handler) is handler


def test_the_handler_gets_the_object_and_a_memo_by_position(calque, register):
    calls = []

    @register(Plain)
    def handler(*args, **kwargs):
        calls.append((args, kwargs))
        return None

    x = holding()
    calque.deepcopy(x)
    (args, kwargs), = calls
    assert len(args) == 2 and kwargs == {} and args[0] is x and type(args[1]) is calque.Memo


def test_exact_types_only(calque, register):
    class Derived(Plain):
        pass

    @register(Plain)
    def handler(x, memo):
        return "handled"

    assert calque.deepcopy(Plain()) == "handled"
    assert type(calque.deepcopy(Derived())) is Derived


def test_subclasses_when_asked_for(calque, register):
    class Base:
        pass

    class Derived(Base):
        pass

    class Hooked(Base):
        def __deepcopy__(self, memo):
            return "hook"

    class Own(Derived):
        pass

    @register(Base, subclasses=True)
    def handler(x, memo):
        return "base", type(x)

    @register(Own)
    def own(x, memo):
        return "own"

    assert calque.deepcopy(Base()) == ("base", Base)
    assert calque.deepcopy(Derived()) == ("base", Derived)
    assert calque.deepcopy(Hooked()) == "hook"
    assert calque.deepcopy(Own()) == "own"
    calque.unregister(Base)
    calque.unregister(Own)
    assert type(calque.deepcopy(Derived())) is Derived


def test_a_handler_comes_before_deepcopy_copyreg_and_reduce(calque, register, monkeypatch):
    import copyreg

    class Hooked:
        def __deepcopy__(self, memo):
            return "hook"

        def __reduce_ex__(self, protocol):
            return "reduced"

    monkeypatch.setitem(copyreg.dispatch_table, Hooked, lambda x: "table")
    assert calque.deepcopy(Hooked()) == "hook"
    register(Hooked)(lambda x, memo: "handler")
    assert calque.deepcopy(Hooked()) == "handler"
    assert copy.deepcopy(Hooked()) == "hook"
    calque.unregister(Hooked)
    assert calque.deepcopy(Hooked()) == "hook"


def test_the_memo_is_asked_before_the_handler(calque, register):
    @register(Plain)
    def handler(x, memo):
        raise AssertionError("the memo knew")

    x = holding()
    assert calque.deepcopy(x, {id(x): "known"}) == "known"


def test_a_handler_registered_after_a_copy_counts_and_so_does_its_removal(calque, register):
    x = holding(a=[1])
    assert calque.deepcopy(x).a == [1]
    register(Plain)(lambda x, memo: "handler")
    assert calque.deepcopy([x]) == ["handler"]
    calque.unregister(Plain)
    assert calque.deepcopy(x).a == [1]


def test_a_handler_registered_during_a_copy_counts_from_then_on(calque, register):
    x, y = holding(), holding()
    late = Hook("register", [], lambda self, memo: register(Plain)(lambda x, memo: "late") and "registered")
    result = calque.deepcopy([x, late, y, x])
    assert type(result[0]) is Plain and result[1:3] == ["registered", "late"] and result[3] is result[0]


def test_a_handler_that_unregisters_itself(calque, register):
    @register(Plain)
    def handler(x, memo):
        calque.unregister(Plain)
        return "once"

    result = calque.deepcopy([holding(), holding()])
    assert result[0] == "once" and type(result[1]) is Plain


def test_registering_twice_and_unregistering_nothing_are_errors(calque, register):
    register(Plain)(lambda x, memo: "first")
    assert raised(calque.register(Plain), lambda x, memo: "second")[0] is ValueError
    assert calque.deepcopy(Plain()) == "first"
    calque.unregister(Plain)
    assert raised(calque.unregister, Plain)[0] is LookupError


@pytest.mark.parametrize("cls", [5, None, "Plain", Plain()], ids=["int", "None", "str", "instance"])
def test_only_classes_can_have_handlers(calque, cls):
    assert raised(lambda: calque.register(cls)(lambda x, memo: x))[0] is TypeError
    assert raised(calque.unregister, cls)[0] is TypeError


@pytest.mark.parametrize("fn", [5, None, "handler"], ids=repr)
def test_only_callables_can_be_handlers(calque, fn):
    assert raised(calque.register(Plain), fn)[0] is TypeError
    assert type(calque.deepcopy(Plain())) is Plain


def test_any_callable_can_be_a_handler(calque, register):
    class Handler:
        def __call__(self, x, memo):
            return "object"

        def method(self, x, memo):
            return "method"

    register(Plain)(Handler())
    assert calque.deepcopy(Plain()) == "object"
    register(Plain)(Handler().method)
    assert calque.deepcopy(Plain()) == "method"


def test_unregister_releases_the_handler(calque, register):
    def handler(x, memo):
        return x

    ref = weakref.ref(handler)
    register(Plain)(handler)
    del handler
    gc.collect()
    assert ref() is not None
    calque.unregister(Plain)
    gc.collect()
    assert ref() is None


def test_a_class_with_a_handler_can_still_be_forgotten(calque):
    """Registered, used and unregistered, a class is collected like any other."""
    class Local:
        pass

    calque.register(Local)(lambda x, memo: "local")
    assert calque.deepcopy(Local()) == "local"
    calque.unregister(Local)
    ref = weakref.ref(Local)
    del Local
    gc.collect()
    assert ref() is None


# ---- what the copy becomes -----------------------------------------------------------------------------------------------------

def test_the_result_is_remembered(calque, register):
    calls = []

    @register(Plain)
    def handler(x, memo):
        calls.append(x)
        return ["copy"]

    x = holding()
    y = calque.deepcopy([x, x, {"k": x}])
    assert y[0] is y[1] is y[2]["k"] and len(calls) == 1


def test_the_result_is_in_a_memo_that_the_caller_gave(calque, register):
    register(Plain)(lambda x, memo: ["copy"])
    x = holding()
    for memo in ({}, collections.UserDict()):
        y = calque.deepcopy([x], memo)
        assert memo[id(x)] is y[0]
        assert any(item is x for item in memo[id(memo)])


@pytest.mark.parametrize("result", [None, 5, "text", NotImplemented], ids=repr)
def test_a_handler_may_return_anything(calque, register, result):
    register(Plain)(lambda x, memo: result)
    assert calque.deepcopy(holding()) is result
    assert calque.deepcopy((holding(),))[0] is result


def test_a_handler_that_returns_its_object_leaves_containers_as_they_may_stay(calque, register):
    register(Plain)(lambda x, memo: x)
    x = (holding(), 1)
    assert calque.deepcopy(x) is x
    assert calque.deepcopy([x])[0] is x


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, StopIteration, KeyboardInterrupt])
def test_an_error_of_a_handler_propagates_once(calque, register, kind):
    error = kind("mine")
    calls = []

    @register(Plain)
    def handler(x, memo):
        calls.append(1)
        raise error

    with pytest.raises(kind) as caught:
        calque.deepcopy([{"k": (holding(),)}])
    assert caught.value is error and calls == [1]
    assert caught.value.__context__ is None
    error.__traceback__ = None


def test_a_handler_with_the_wrong_signature(calque, register):
    register(Plain)(lambda x: x)
    kind, text = raised(calque.deepcopy, holding())
    assert kind is TypeError and "takes 1 positional argument but 2 were given" in text


# ---- memo.copy ------------------------------------------------------------------------------------------------------------------

def test_memo_copy_copies_children_with_the_sharing_of_the_whole(calque, register):
    @register(Plain)
    def handler(x, memo):
        return holding(a=memo.copy(x.a), handled=True)

    shared = [1]
    x = holding(a=shared)
    y = calque.deepcopy([shared, x, shared, holding(a=(shared, x))])
    assert y[1].a is y[0] is y[2] is y[3].a[0] and y[0] is not shared
    assert y[3].a[1] is y[1] and y[1].handled


def test_memo_copy_of_atoms_hooks_and_failures(calque, register):
    log = []

    @register(Plain)
    def handler(x, memo):
        return memo.copy(x.child)

    assert calque.deepcopy(holding(child=5)) == 5
    assert calque.deepcopy(holding(child=Hook("h", log))).label == "h" and log == ["h"]
    assert raised(calque.deepcopy, holding(child=Hook("f", [], lambda self, memo: 1 / 0)))[0] is ZeroDivisionError
    assert raised(calque.deepcopy, holding(child=pytest))[0] is TypeError


def test_handlers_nest_through_memo_copy(calque, register):
    @register(Plain)
    def handler(x, memo):
        return [x.name, memo.copy(x.child)]

    x = None
    for name in range(50):
        x = holding(name=name, child=x)
    y = calque.deepcopy(x)
    for name in reversed(range(50)):
        assert y[0] == name
        y = y[1]
    assert y is None


def test_a_handler_closes_a_cycle_by_entering_its_copy_first(calque, register):
    @register(Plain)
    def handler(x, memo):
        y = Plain()
        memo[id(x)] = y
        y.child = memo.copy(x.child)
        return y

    x = Plain()
    x.child = [x]
    y = calque.deepcopy(x)
    assert y is not x and y.child[0] is y
    z = calque.deepcopy([x, x.child])
    assert z[0].child is z[1] and z[1][0] is z[0]


def test_calque_deepcopy_with_the_memo_works_as_memo_copy(calque, register):
    """Code that was written for __deepcopy__ hands its memo to deepcopy."""
    @register(Plain)
    def handler(x, memo):
        return holding(a=calque.deepcopy(x.a, memo))

    shared = [1]
    y = calque.deepcopy([shared, holding(a=shared)])
    assert y[1].a == [1] and y[1].a is y[0]


def test_a_nested_copy_without_the_memo_is_a_copy_of_its_own(calque, register):
    @register(Plain)
    def handler(x, memo):
        return holding(a=calque.deepcopy(x.a))

    shared = [1]
    x = holding(a=shared)
    y = calque.deepcopy([shared, x, shared, x])
    assert y[0] is y[2] is not shared and y[1].a == [1] and y[1].a is not y[0] and y[3] is y[1]


# ---- the memo as a mapping -----------------------------------------------------------------------------------------------------------

def with_memo(calque, register, action, around=()):
    """Run `action(memo, x)` inside a handler; give back what it returned."""
    results = []

    @register(Plain)
    def handler(x, memo):
        results.append(action(memo, x))
        return "copied"

    x = Plain()
    assert calque.deepcopy([*around, x])[-1] == "copied"
    return results[0]


def test_memo_answers_for_what_was_copied_already(calque, register):
    before, after = [1], [2]

    def action(memo, x):
        got = memo[id(before)]
        assert got == [1] and got is not before
        assert memo.get(id(before)) is got and memo.get(id(after)) is None and memo.get(id(after), "no") == "no"
        assert id(before) in memo and id(after) not in memo and id(x) not in memo
        assert raised(lambda: memo[id(after)])[0] is KeyError
        return True

    assert with_memo(calque, register, action, [before])


def test_memo_can_be_iterated_like_a_dict(calque, register):
    one, two = [1], [2]

    def action(memo, x):
        keys = list(memo)
        assert id(one) in keys and id(two) in keys and len(memo) == len(keys) == len(set(keys))
        assert list(memo.keys()) == keys
        assert [memo[key] for key in keys] == list(memo.values())
        assert list(memo.items()) == list(zip(keys, memo.values()))
        assert keys.index(id(one)) < keys.index(id(two))
        return True

    assert with_memo(calque, register, action, [one, two])


def test_memo_can_be_written(calque, register):
    key, later = [1], [2]

    @register(Plain)
    def handler(x, memo):
        memo[id(later)] = "planted"
        assert memo[id(later)] == "planted"
        assert memo.setdefault(id(later), "other") == "planted"
        assert memo.setdefault(id(key), "default") == "default" and memo[id(key)] == "default"
        assert memo.pop(id(key)) == "default" and id(key) not in memo
        assert memo.pop(id(key), "gone") == "gone"
        assert raised(memo.pop, id(key))[0] is KeyError
        memo[id(key)] = 1
        del memo[id(key)]
        assert id(key) not in memo
        assert raised(memo.__delitem__, id(key))[0] is KeyError
        return "copied"

    assert calque.deepcopy([Plain(), later, key]) == ["copied", "planted", [1]]


def test_memo_entries_that_a_handler_removes_are_copied_again(calque, register):
    child = [1]

    @register(Plain)
    def handler(x, memo):
        memo.pop(id(child))
        return "copied"

    y = calque.deepcopy([child, Plain(), child])
    assert y[0] == y[2] == [1] and y[0] is not y[2]


def test_a_memo_cleared_by_a_handler_loses_sharing_but_nothing_fails(calque, register):
    child = [1]

    @register(Plain)
    def handler(x, memo):
        memo.clear()
        return "copied"

    y = calque.deepcopy([child, Plain(), child, [child]])
    assert y == [[1], "copied", [1], [[1]]] and y[0] is not y[2] and y[3][0] is y[2]


def test_a_falsy_value_in_the_memo_is_a_value(calque, register):
    child = [1]

    @register(Plain)
    def handler(x, memo):
        memo[id(child)] = None
        assert memo[id(child)] is None and id(child) in memo and memo.get(id(child), "default") is None
        return memo.copy(child)

    assert calque.deepcopy(Plain()) is None


def test_memo_of_a_caller_is_seen_through_the_proxy(calque, register):
    preset = object()
    memo_given = {id(preset): "preset"}

    @register(Plain)
    def handler(x, memo):
        assert memo[id(preset)] == "preset"
        memo["any key"] = "written"
        return memo.copy(preset)

    assert calque.deepcopy(Plain(), memo_given) == "preset"
    assert memo_given["any key"] == "written"


def test_keep_alive_keeps_an_object_until_the_copy_ends(calque, register):
    alive = []

    class Temporary:
        pass

    @register(Plain)
    def handler(x, memo):
        if not alive:
            temporary = Temporary()
            alive.append(weakref.ref(temporary))
            memo.keep_alive(temporary)
        else:
            gc.collect()
            assert alive[0]() is not None
        return "copied"

    calque.deepcopy([Plain(), [Plain()]])
    gc.collect()
    assert alive[0]() is None


def test_temporaries_copied_through_the_memo_do_not_share_ids(calque, register):
    """memo.copy of a temporary must keep it alive: its id is in the memo, the next temporary may not get it."""
    @register(Plain)
    def handler(x, memo):
        return [memo.copy([i]) for i in range(100)]

    assert calque.deepcopy(Plain()) == [[i] for i in range(100)]


def test_keep_alive_reaches_the_caller_s_memo(calque, register):
    kept = object()

    @register(Plain)
    def handler(x, memo):
        memo.keep_alive(kept)
        return "copied"

    memo = {}
    calque.deepcopy(Plain(), memo)
    assert any(item is kept for item in memo[id(memo)])


# ---- after the copy --------------------------------------------------------------------------------------------------------------------

USES = {
    "copy": lambda memo: memo.copy([]), "keep_alive": lambda memo: memo.keep_alive([]), "get": lambda memo: memo.get(1),
    "getitem": lambda memo: memo[1], "setitem": lambda memo: memo.__setitem__(1, 2), "delitem": lambda memo: memo.__delitem__(1),
    "contains": lambda memo: 1 in memo, "len": len, "iter": iter, "keys": lambda memo: memo.keys(),
    "values": lambda memo: memo.values(), "items": lambda memo: memo.items(), "pop": lambda memo: memo.pop(1, None),
    "setdefault": lambda memo: memo.setdefault(1, 2), "clear": lambda memo: memo.clear()}


@pytest.mark.parametrize("use", USES)
def test_a_memo_kept_after_the_copy_is_disconnected(calque, register, use):
    kept = []
    register(Plain)(lambda x, memo: kept.append(memo))
    calque.deepcopy([1, Plain()])
    assert raised(USES[use], kept[0])[0] is ReferenceError
    calque.deepcopy([Plain()])
    assert raised(USES[use], kept[0])[0] is ReferenceError


@pytest.mark.parametrize("use", USES)
def test_a_memo_kept_after_a_failed_copy_is_disconnected(calque, register, use):
    kept = []

    @register(Plain)
    def handler(x, memo):
        kept.append(memo)
        raise LookupError("out")

    assert raised(calque.deepcopy, [Plain()])[0] is LookupError
    assert raised(USES[use], kept[0])[0] is ReferenceError


def test_a_disconnected_memo_given_to_deepcopy(calque, register):
    kept = []
    register(Plain)(lambda x, memo: kept.append(memo))
    calque.deepcopy(Plain())
    assert raised(calque.deepcopy, [1], kept[0])[0] is ReferenceError


def test_a_view_or_iterator_of_the_memo_kept_after_the_copy_is_harmless(calque, register):
    kept = []

    @register(Plain)
    def handler(x, memo):
        kept.extend([iter(memo), memo.keys(), memo.values(), memo.items()])

    calque.deepcopy([[1], Plain()])
    for item in kept:
        try:
            list(item)
        except (ReferenceError, RuntimeError):
            pass


def test_the_memo_is_usable_while_its_copy_runs_also_after_the_handler_returned(calque, register):
    kept = []
    first = [1]

    @register(Plain)
    def handler(x, memo):
        kept.append(memo)
        if len(kept) > 1:
            assert kept[0][id(first)] == [1]
        return "copied"

    assert calque.deepcopy([first, Plain(), Plain()]) == [[1], "copied", "copied"]
    assert len(kept) == 2


def test_memos_of_nested_copies_are_separate(calque, register):
    seen = []

    class Inner:
        pass

    inner = [5]

    @register(Inner)
    def inner_handler(x, memo):
        seen.append(id(inner) in memo)
        return "inner"

    @register(Plain)
    def outer_handler(x, memo):
        assert id(inner) in memo
        assert calque.deepcopy(Inner()) == "inner"
        assert id(inner) in memo
        return "outer"

    assert calque.deepcopy([inner, Plain(), Inner()]) == [[5], "outer", "inner"]
    assert seen == [False, True]


def test_memo_cannot_be_made_by_hand(calque):
    assert raised(calque.Memo)[0] in (TypeError, RuntimeError)


def test_a_handler_under_the_reduce_protocol_and_in_sets(calque, register):
    register(Plain)(lambda x, memo: ("copied",))
    assert calque.deepcopy({Plain()}) == {("copied",)}
    assert calque.deepcopy(Reduces((list, ((Plain(),),)))) == [("copied",)]
    assert calque.deepcopy(Reduces((list, (), None, [Plain()]))) == [("copied",)]


def test_a_memo_held_by_the_copy_itself_makes_no_cycle_that_stays(calque, register):
    class Copy:
        pass

    refs = []

    @register(Plain)
    def handler(x, memo):
        y = Copy()
        y.memo = memo
        refs.append(weakref.ref(y))
        return y

    y = calque.deepcopy([Plain()])
    assert raised(y[0].memo.get, 1)[0] is ReferenceError
    del y
    gc.collect()
    assert refs[0]() is None


# ---- more than a function ----------------------------------------------------------------------------------------------------

def test_a_shallow_function_serves_copy_copy(calque, register):
    @register(Plain, shallow=lambda x: ("shallow", x))
    def handler(x, memo):
        return "deep"

    x = Plain()
    assert calque.copy(x) == ("shallow", x)
    assert calque.deepcopy(x) == "deep"
    class Heir(Plain):
        pass
    assert type(calque.copy(Heir())) is Heir


def test_a_shallow_function_for_subclasses(calque, register):
    class Heir(Plain):
        pass

    class Own(Plain):
        def __copy__(self):
            return "own"

    class Below(Heir):
        pass

    assert type(calque.copy(Heir())) is Heir
    register(Plain, subclasses=True, shallow=lambda x: "shallow")(lambda x, memo: "deep")
    assert [calque.copy(cls()) for cls in (Plain, Heir, Below, Own)] == ["shallow", "shallow", "shallow", "own"]
    register.undo()
    assert type(calque.copy(Heir())) is Heir


def test_a_handler_without_shallow_leaves_copy_copy_alone(calque, register):
    register(Plain, subclasses=True)(lambda x, memo: "deep")
    assert type(calque.copy(Plain())) is Plain


def test_an_error_of_a_shallow_function_propagates(calque, register):
    def fail(x):
        raise KeyError("no")

    register(Plain, shallow=fail)(lambda x, memo: x)
    assert raised(calque.copy, Plain()) == (KeyError, "'no'")


def test_a_shallow_function_may_unregister_itself(calque, register):
    def shallow(x):
        register.undo(Plain)
        return "once"

    register(Plain, shallow=shallow)(lambda x, memo: x)
    x = Plain()
    assert calque.copy(x) == "once"
    assert type(calque.copy(x)) is Plain


@pytest.mark.parametrize("wrong", [5, "name", []])
def test_a_shallow_that_is_no_function_is_refused(calque, wrong):
    kind, text = raised(calque.register, Plain, shallow=wrong)
    assert kind is TypeError and text == f"expected a function shallow(obj) for Plain, got {type(wrong).__name__}, which is not callable"


def test_exact_dict_hands_out_the_dict_of_hooks(calque, register):
    seen = []

    @register(Plain, exact_dict=True)
    def handler(x, memo):
        seen.append(memo)
        return copy.deepcopy(x.part, memo) if hasattr(x, "part") else calque.deepcopy([], memo)

    log = []
    shared = []
    x = [shared, Hook("h", log, lambda self, memo: seen.append(memo) or self), holding(part=[shared]), holding()]
    y = calque.deepcopy(x)
    assert [type(memo) for memo in seen] == [dict] * 3
    assert seen[0] is seen[1] is seen[2]
    assert y[2][0] is y[0]
    assert seen[0][id(x[2])] is y[2]


def test_exact_dict_with_the_mapping_of_the_caller(calque, register):
    seen = []
    register(Plain, exact_dict=True)(lambda x, memo: seen.append(memo))
    memo = collections.UserDict()
    calque.deepcopy([Plain()], memo)
    assert seen == [memo] and seen[0] is memo


def test_a_handler_for_exact_instances_stays_so_beside_one_for_subclasses(calque, register):
    class Other:
        pass

    class Heir(Plain):
        pass

    register(Other, subclasses=True, shallow=lambda x: "other")(lambda x, memo: "other")
    register(Plain, shallow=lambda x: "plain")(lambda x, memo: "plain")
    for copied in (calque.deepcopy, calque.copy):
        assert [copied(Other()), copied(Plain())] == ["other", "plain"]
        assert type(copied(Heir())) is Heir
