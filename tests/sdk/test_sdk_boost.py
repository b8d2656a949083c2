"""calque/boost_python.hpp: classes wrapped with Boost.Python, their attributes, subclasses, pointers and containers."""

import copy
import gc
import weakref

import pytest

from support.plugins import Boom, boom, boost_arguments, hook
from support.probes import raised


# ---- values ------------------------------------------------------------------------------------------------------------

def test_a_value_is_copied_by_its_copy_constructor(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    mesh = shapes.Mesh("m")
    mesh.push(1.5)
    made = calque.deepcopy(mesh)
    assert type(made) is shapes.Mesh and made is not mesh
    assert (made.name, made.size()) == ("m", 1)
    made.push(2.5)
    made.name = "other"
    assert (mesh.name, mesh.size(), made.size()) == ("m", 1, 2)


def test_without_registration_it_is_what_it_is_under_stdlib(calque, shapes):
    for make in (shapes.Mesh, shapes.Lock):
        assert raised(calque.deepcopy, make()) == raised(copy.deepcopy, make())
    shapes.register("Mesh")
    shapes.undo()
    assert raised(calque.deepcopy, shapes.Mesh()) == raised(copy.deepcopy, shapes.Mesh())


@pytest.mark.parametrize("name", ["Point", "Wide"])
def test_plain_values(calque, shapes, pure, name):
    shapes.register(name, pure=pure)
    x = getattr(shapes, name)()
    made = calque.deepcopy([x, x, getattr(shapes, name)()])
    assert made[0] is made[1] is not x and made[2] is not made[0]
    if name == "Wide":
        assert all(y.is_aligned() for y in (x, *made))


def test_attributes_are_copied_deeply(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    mesh, other = shapes.Mesh("m"), shapes.Mesh("other")
    shared = [1]
    mesh.tags, mesh.same, mesh.other, mesh.outer = {"k": shared}, shared, other, (other, [mesh])
    made, = calque.deepcopy([mesh])
    assert made.tags["k"] is made.same == [1] and made.same is not shared
    assert made.other is made.outer[0] and made.other is not other and made.other.name == "other"
    assert made.outer[1][0] is made
    mesh.outer[1].clear(), made.outer[1].clear()


def test_an_attribute_that_leads_to_the_object_itself(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    mesh = shapes.Mesh()
    mesh.me = mesh
    made = calque.deepcopy(mesh)
    assert made.me is made
    del mesh.me, made.me


def test_a_shared_dict_of_attributes_stays_shared(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    mesh = shapes.Mesh()
    mesh.a = [1]
    x = [mesh.__dict__, mesh]
    made = calque.deepcopy(x)
    assert made[1].a is made[0]["a"]
    assert made[1].__dict__ is made[0]


def test_an_unfinished_copy_may_be_seen_and_written_to_by_a_hook(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    mesh = shapes.Mesh("m")
    seen = []

    def look(memo):
        made = memo[id(mesh)]
        seen.append((made.name, dict(made.__dict__)))
        made.b, made.mark = "overwritten", "kept"
        return "copied"

    mesh.a, mesh.b = hook(look), [2]
    made = calque.deepcopy(mesh)
    assert seen == [("m", {})]
    assert (made.a, made.b, made.mark) == ("copied", [2], "kept")
    del mesh.a


def test_python_subclasses_keep_class_and_attributes(calque, shapes, pure):
    class Mine(shapes.Mesh):
        __slots__ = ()

        def __init__(self, name):
            super().__init__(name)
            calls.append(name)

    class Below(Mine):
        pass

    calls = []
    shapes.register("Mesh", pure=pure)
    x, y = Mine("x"), Below("y")
    x.child, y.values = y, [1]
    made = calque.deepcopy(x)
    assert calls == ["x", "y"]
    assert type(made) is Mine and type(made.child) is Below
    assert (made.name, made.child.name, made.child.values) == ("x", "y", [1])
    assert made.child.values is not y.values


def test_subclasses_only_where_that_was_said(calque, shapes):
    class Mine(shapes.Mesh):
        pass

    shapes.register("Mesh", subclasses=False)
    assert type(calque.deepcopy(shapes.Mesh())) is shapes.Mesh
    assert raised(calque.deepcopy, Mine()) == raised(copy.deepcopy, Mine())


def test_a_subclass_with_a_hook_of_its_own(calque, shapes):
    class Mine(shapes.Mesh):
        def __deepcopy__(self, memo):
            return "of its own"

    shapes.register("Mesh")
    assert calque.deepcopy([Mine()]) == ["of its own"]


def test_weak_references_stay_with_the_original(calque, shapes):
    shapes.register("Mesh")
    mesh = shapes.Mesh()
    reference = mesh.reference = weakref.ref(mesh)
    made = calque.deepcopy(mesh)
    assert made.reference is reference and reference() is mesh
    assert weakref.getweakrefcount(made) == 0
    assert weakref.ref(made)() is made
    del mesh.reference, made.reference


def test_copies_live_as_long_as_they_are_held(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    before = shapes.living()
    mesh = shapes.Mesh()
    mesh.x = [shapes.Mesh()]
    made = calque.deepcopy([mesh, mesh])
    assert shapes.living()[0] == before[0] + 4
    del mesh, made
    assert shapes.living() == before


def test_copy_copy_shares_the_attributes(calque, shapes):
    shapes.register("Mesh")
    mesh = shapes.Mesh("m")
    mesh.push(1)
    mesh.x = [1]
    made = calque.copy(mesh)
    assert type(made) is shapes.Mesh and (made.name, made.size()) == ("m", 1)
    assert made.x is mesh.x and made.__dict__ is not mesh.__dict__
    made.push(2)
    assert mesh.size() == 1
    shapes.undo()
    shapes.register("Mesh", shallow=False)
    assert raised(calque.copy, mesh) == raised(copy.copy, mesh)


def test_copy_copy_keeps_the_class_of_a_python_subclass(calque, shapes):
    class Mine(shapes.Mesh):
        pass

    shapes.register("Mesh")
    mesh = Mine("m")
    mesh.x = [1]
    made = calque.copy(mesh)
    assert type(made) is Mine and made is not mesh and made.x is mesh.x
    shapes.undo()
    shapes.register("Mesh", subclasses=False)
    assert raised(calque.copy, mesh) == raised(copy.copy, mesh)


def test_a_memo_of_the_callers(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    mesh = shapes.Mesh()
    mesh.x = [1]
    memo = {}
    made = calque.deepcopy(mesh, memo)
    assert memo[id(mesh)] is made and memo[id(mesh.x)] is made.x
    assert calque.deepcopy(mesh, {id(mesh): "instead"}) == "instead"


# ---- what is refused -----------------------------------------------------------------------------------------------------

def test_a_class_derived_in_cpp_is_not_sliced(calque, shapes, pure):
    class Mine(shapes.Solid):
        pass

    shapes.register("Mesh", pure=pure)
    words = ("calque does not copy a {} as a Mesh, which would slice its C++ object: calque::register_copyable<>() is "
             "missing for its own class")
    assert raised(calque.deepcopy, [shapes.Solid("s")]) == (TypeError, words.format("Solid"))
    assert raised(calque.deepcopy, Mine("s")) == (TypeError, words.format("Mine"))
    shapes.register("Solid", pure=pure)
    solid = Mine("s")
    solid.faces = 8
    made = calque.deepcopy(solid)
    assert type(made) is Mine and (made.name, made.faces) == ("s", 8)


def test_what_stdlib_can_copy_by_pickling_is_left_to_it(calque, shapes, pure):
    x = shapes.Pickled("x")
    expected = copy.deepcopy(x).name
    assert expected == "x, pickled"
    assert calque.deepcopy(x).name == expected
    shapes.register("Mesh", pure=pure)
    made = calque.deepcopy([x])[0]
    assert type(made) is shapes.Pickled and made.name == expected


def test_an_instance_whose_class_forgot_the_base(calque, shapes, pure):
    class Forgetful(shapes.Mesh):
        def __init__(self):
            pass

    shapes.register("Mesh", pure=pure)
    expected = TypeError, "calque cannot copy this Forgetful, which holds no C++ object: has __init__ been called?"
    assert raised(calque.deepcopy, (Forgetful(),)) == expected
    assert raised(calque.deepcopy, shapes.Mesh.__new__(shapes.Mesh))[0] is TypeError


def test_an_instance_with_several_cpp_objects(calque, shapes):
    shapes.register("Mesh")
    mesh = shapes.Mesh("first")
    mesh.__init__("second")
    assert raised(calque.deepcopy, mesh) == (TypeError, "calque cannot copy this Mesh, which holds several C++ objects")
    assert raised(calque.copy, mesh) == (TypeError, "calque cannot copy this Mesh, which holds several C++ objects")


def test_a_reference_to_an_object_of_another(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    owner = shapes.Owner()
    assert raised(calque.deepcopy, owner.mesh()) == (
        TypeError, "calque cannot copy this Mesh, which refers to a C++ object that something else owns")


def test_an_exception_of_the_copy_constructor(calque, shapes):
    shapes.register("Mesh")
    before = shapes.living()
    x = [shapes.Mesh("lucky"), shapes.Mesh("unlucky")]
    assert raised(calque.deepcopy, x) == (RuntimeError, "an unlucky mesh")
    assert raised(calque.copy, x[1]) == (RuntimeError, "an unlucky mesh")
    del x
    assert shapes.living() == before


def test_python_code_in_a_copy_constructor(calque, shapes):
    shapes.register("Mesh")
    collected = []

    class Cyclic:
        def __del__(self):
            collected.append(calque.deepcopy([[1]]))

    cyclic = Cyclic()
    cyclic.me = cyclic
    gc.disable()
    del cyclic
    try:
        made = calque.deepcopy([[1], shapes.Mesh("curious"), [2], (3, [4])])
    finally:
        gc.enable()
    assert collected == [[[1]]]
    assert made[0] == [1] and made[1].name == "curious" and made[2:] == [[2], (3, [4])]


def test_an_error_in_an_attribute(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    before = shapes.living()
    mesh = shapes.Mesh()
    mesh.a, mesh.b = [1], hook(boom)
    assert raised(calque.deepcopy, [mesh]) == (Boom, "in a hook")
    del mesh
    assert shapes.living() == before


def test_a_handler_that_goes_during_a_copy_ends_its_frames(calque, shapes, pure):
    shapes.register("Mesh", pure=pure)
    mesh = shapes.Mesh("m")
    mesh.a = hook(lambda memo: shapes.undo())
    mesh.b = [1]
    made = calque.deepcopy(mesh)
    assert made.b == [1] and made.name == "m"
    assert raised(calque.deepcopy, mesh) == raised(copy.deepcopy, mesh)


def test_registering_twice_and_removing_twice(calque, shapes):
    shapes.register("Mesh")
    kind, words = raised(shapes.module.register, "Mesh")
    assert kind is ValueError and words.startswith("calque handler C++ class ")
    assert "type Mesh has a registered handler already" in words
    shapes.undo()
    assert raised(shapes.module.unregister, "Mesh") == (LookupError, "no handler is registered for type Mesh")


REFUSED = """
    #include <calque/boost_python.hpp>
    struct Lock { Lock() = default; Lock(const Lock&) = delete; };
    struct Value { int* raw = nullptr; };
    void copy_members(calque::DeepCopy& deep, Value& made) { deep(made.raw); }
    void use() {
        calque::register_copyable<Lock>();
        calque::register_copyable<Value, Lock>();
    }
"""
REASONS = (
    "calque::register_copyable<T>(): T has no copy constructor; register a handler of your own (calque/handler.hpp)",
    "calque::register_copyable<T, Bases...>(): a T is none of these",
    "calque: a raw pointer does not say who owns what it leads to; copy it by hand in copy_members()",
)


@pytest.mark.no_leak_check(reason="each repetition would call the compiler again")
def test_what_cannot_be_copied_does_not_compile(workshop, tmp_path):
    source = tmp_path / "refused.cpp"
    source.write_text(REFUSED)
    flags, _ = boost_arguments(workshop)
    said = workshop.try_to_compile(source, target=tmp_path / "refused.so", flags=[*flags, "-fsyntax-only"])
    assert isinstance(said, str), "it compiles"
    errors = [line for line in said.splitlines() if " error: " in line]
    assert len(errors) == len(REASONS), said
    for reason in REASONS:
        assert any("static" in line and reason in line for line in errors), said
