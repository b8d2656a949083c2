"""calque/boost_python.hpp: what C++ objects hold of Python objects and of each other, copied deeply."""

import collections
import threading

import pytest

from support.plugins import Boom, boom, hook, run_child
from support.probes import Hook, raised


# ---- the same C++ object ---------------------------------------------------------------------------------------------------

def test_a_shared_pointer_holds_a_new_object(calque, shapes, pure):
    shapes.register("Node", pure=pure)
    node = shapes.Node("n")
    node.attribute = [1]
    made = calque.deepcopy(node)
    assert type(made) is shapes.Node and made.name == "n" and made.attribute == [1]
    assert made.address() != node.address()


def two_wrappers(shapes):
    """Two Python objects that hold one C++ object, which is somebody's child as well."""
    top = shapes.make_chain(2)
    return top, top.children()[0], top.children()[0]


def test_wrappers_of_one_object_become_wrappers_of_one_object(calque, shapes, pure):
    shapes.register("Node", pure=pure)
    top, one, two = two_wrappers(shapes)
    assert one is not two and one.address() == two.address()
    one.mark, two.mark = "one", "two"
    made = calque.deepcopy([one, (two,), top])
    assert made[0] is not made[1][0]
    assert made[0].address() == made[1][0].address() == made[2].children()[0].address() != one.address()
    assert (made[0].mark, made[1][0].mark) == ("one", "two")


@pytest.mark.parametrize("memo", [dict, collections.UserDict, None])
def test_they_do_so_with_any_memo_and_through_hooks(calque, shapes, memo):
    shapes.register("Node")
    top, one, two = two_wrappers(shapes)
    nested = []
    x = [one, hook(lambda memo: nested.append(calque.deepcopy([two, top], memo))), top, two]
    made = calque.deepcopy(x, memo and memo())
    (two_copy, top_copy), = nested
    assert made[2] is top_copy and made[3] is two_copy
    assert made[0].address() == made[3].address() == made[2].children()[0].address()


def test_another_copy_makes_another_object(calque, shapes):
    shapes.register("Node")
    top, one, two = two_wrappers(shapes)
    first, second = calque.deepcopy([one, two]), calque.deepcopy([one, two])
    assert first[0].address() == first[1].address()
    assert second[0].address() == second[1].address()
    assert len({one.address(), first[0].address(), second[0].address()}) == 3


def test_objects_live_as_long_as_their_copies_are_held(calque, shapes):
    shapes.register("Node")
    before = shapes.living()
    top, one, two = two_wrappers(shapes)
    made = calque.deepcopy([top, one, two])
    assert shapes.living()[1] == before[1] + 4
    del made
    assert shapes.living()[1] == before[1] + 2
    made = calque.deepcopy(top)
    del top, one, two, made
    assert shapes.living() == before


def test_an_error_leaves_nothing_behind(calque, shapes):
    shapes.register("Node")
    before = shapes.living()
    top, one, two = two_wrappers(shapes)
    one.payload = hook(boom)
    for x in ([one, two], [top], two):
        assert raised(calque.deepcopy, x) == (Boom, "in a hook")
    del x, top, one, two
    assert shapes.living() == before


def test_copy_copy_makes_an_object_by_the_copy_constructor(calque, shapes):
    shapes.register("Node")
    node = shapes.Node("n")
    node.payload, node.attribute = [1], [2]
    made = calque.copy(node)
    assert made.address() != node.address() and made.name == "n"
    assert made.payload is node.payload and made.attribute is node.attribute


# ---- graphs of shared pointers ---------------------------------------------------------------------------------------------

def test_children_and_parents_in_cpp(calque, shapes):
    shapes.register("Node")
    top = shapes.make_chain(3)
    middle = top.children()[0]
    middle.payload = [top, middle]
    made = calque.deepcopy(top)
    new_middle, = made.children()
    assert new_middle.address() != middle.address()
    assert new_middle.parent().address() == made.address()
    assert new_middle.children()[0].parent().address() == new_middle.address()
    assert new_middle.payload[0] is made
    assert new_middle.payload[1].address() == new_middle.address()
    for x in (middle, new_middle):
        x.payload.clear()


def test_a_parent_that_nobody_owns_expires_with_the_copying(calque, shapes):
    shapes.register("Node")
    top = shapes.make_chain(2)
    child = top.children()[0]
    assert calque.deepcopy(child).parent() is None
    made = calque.deepcopy([child, top])
    assert made[0].parent().address() == made[1].address()


def test_children_from_python_keep_their_attributes(calque, shapes):
    class Mine(shapes.Node):
        pass

    shapes.register("Node")
    top, child = Mine("top"), Mine("child")
    child.attribute = [1]
    top.add(child)
    assert top.children()[0] is child
    made = calque.deepcopy(top)
    new_child, = made.children()
    assert type(new_child) is Mine and new_child is not child
    assert new_child.attribute == [1] and new_child.attribute is not child.attribute
    made = calque.deepcopy([child, top])
    assert made[1].children()[0] is made[0]


def test_a_node_that_is_its_own_child(calque, shapes):
    shapes.register("Node")
    node = shapes.Node("n")
    node.add(node)
    made = calque.deepcopy(node)
    assert made.children()[0] is made and made is not node
    chain = shapes.make_chain(1)
    for x in (node, made):
        shapes.cut_chain(x)
    assert chain.children() == []


def test_pointers_to_const(calque, shapes):
    shapes.register("Node")
    top, twin = shapes.make_chain(1), shapes.make_chain(1)
    top.set_twin(twin)
    made = calque.deepcopy([top, twin])
    assert made[0].is_twin_of(made[1]) and not made[0].is_twin_of(twin)


def test_python_objects_in_cpp_objects(calque, shapes):
    shapes.register("Node")
    log = []
    node = shapes.Node("n")
    shared = [Hook("a", log)]
    node.payload, node.attribute = {"k": shared, "me": node}, shared
    made = calque.deepcopy(node)
    assert log == ["a"]
    assert made.payload["k"] is made.attribute is not shared
    assert made.payload["me"] is made
    node.payload = made.payload = None


def test_boost_shared_pointers(calque, shapes, pure):
    shapes.register("Old", pure=pure)
    old = shapes.Old()
    other = shapes.again(old, old)
    old.payload = [old]
    assert other.payload is old.payload and other is not old
    made = calque.deepcopy([old, other])
    assert made[0] is not made[1]
    assert made[0].payload is made[1].payload is not old.payload
    assert made[0].payload[0] is made[0]
    old.payload = made[0].payload = None


@pytest.mark.no_leak_check(reason="the body runs in a process of its own")
def test_long_chains(compiled_shapes):
    assert run_child({"shapes": compiled_shapes}, "shapes", "main thread", """
        plugin.register("Node"), plugin.register("Mesh")
        meshes = None
        for i in range(300_000):
            mesh = plugin.Mesh()
            mesh.below, meshes = meshes, mesh
        made, depth = calque.deepcopy(meshes), 0
        while made is not None:
            made, depth = made.below, depth + 1
        print(depth)
        made = calque.deepcopy(plugin.make_chain(200))
        for depth in range(200):
            made = (made.children() or [None])[0]
        print(made)
        top = plugin.make_chain(1_000_000)
        for attempt in range(2):
            try:
                calque.deepcopy(top)
            except RecursionError as error:
                print(error)
        print(plugin.living()[1])
        """) == ["300000", "None", *["too many nested copies: the thread's C stack is nearly used up"] * 2, "1000000"]


def test_threads_copy_the_same_graph(calque, shapes, quick_switches):
    shapes.register("Node")
    top, one, two = two_wrappers(shapes)
    one.payload = [Hook("a", []) for _ in range(5)]
    failures = []

    def work():
        for _ in range(50):
            made = calque.deepcopy([one, hook(lambda memo: "x"), top, two])
            addresses = {made[0].address(), made[2].children()[0].address(), made[3].address()}
            if len(addresses) != 1 or one.address() in addresses:
                failures.append(addresses)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# ---- hierarchies -------------------------------------------------------------------------------------------------------------

def test_an_object_behind_a_pointer_to_its_base(calque, shapes, pure):
    shapes.register("Ball", pure=pure)
    ball = shapes.make_shape("ball")
    assert type(ball) is shapes.Ball
    ball.name, ball.radius, ball.attribute = "b", 7, [1]
    made = calque.deepcopy(ball)
    assert type(made) is shapes.Ball and made.kind() == "ball"
    assert (made.name, made.radius, made.attribute) == ("b", 7, [1])
    made.radius = 8
    assert ball.radius == 7


def test_a_derived_class_that_nobody_has_registered(calque, shapes, pure):
    shapes.register("Ball", pure=pure)
    shape = shapes.secret_ball()
    assert shape.kind() == "secret" and type(shape) is shapes.Ball
    kind, words = raised(calque.deepcopy, shape)
    assert kind is TypeError
    assert "does not copy a C++ object of class" in words and "Secret as a " in words and "Ball, which would slice it" in words
    assert raised(calque.copy, shape) == (kind, words)


def test_containers_of_pointers_to_a_base(calque, shapes):
    shapes.register("Ball", "Group")
    group, ball = shapes.Group(), shapes.make_shape("ball")
    ball.radius = 5
    group.add(ball)
    made = calque.deepcopy([group, ball])
    assert made[0].at(0) is made[1] and made[1].radius == 5
    group = shapes.Group()
    group.add(shapes.make_shape("secret"))
    assert raised(calque.deepcopy, group)[0] in (TypeError, RuntimeError)


@pytest.mark.parametrize("kind", ["Animal", "Bird"], ids=["by value", "behind a shared pointer"])
def test_virtual_functions_in_python(calque, shapes, pure, kind):
    class Dog(getattr(shapes, kind)):
        def sound(self):
            return self.word

    def hear(animal):
        return animal.hear() if kind == "Bird" else shapes.hear(animal)

    shapes.register(f"Py{kind}", pure=pure)
    dog = Dog()
    dog.word, dog.legs = "woof", 3
    made = calque.deepcopy(dog)
    made.word = "wau"
    assert (hear(dog), hear(made), made.legs) == ("woof", "wau", 3)
    del dog
    assert hear(made) == "wau"
    plain = calque.deepcopy(getattr(shapes, kind)())
    assert hear(plain) == "..."


# ---- containers --------------------------------------------------------------------------------------------------------------

def test_every_container_is_copied_deeply(calque, shapes):
    shapes.register("Box")
    box, x = shapes.Box(), ["x"]
    box.fill(x)
    made, y = calque.deepcopy([box, x])
    assert y == x and y is not x
    assert len(made.places()) == 16 and all(place is y for place in made.places())
    assert all(place is x for place in box.places())
    assert made.keeps_the_rest() and box.keeps_the_rest()


def test_a_container_leads_back_to_its_object(calque, shapes):
    shapes.register("Box")
    box = shapes.Box()
    cell = [box]
    box.fill(cell)
    made = calque.deepcopy(box)
    assert made.places()[0][0] is made
    made.places()[0].clear(), cell.clear()


def test_a_container_is_empty_while_its_elements_are_copied(calque, shapes):
    shapes.register("Box")
    box, sizes = shapes.Box(), []

    def look(memo):
        made = memo[id(box)]
        sizes.append(made.vector_size())
        made.push("written by a hook")
        return "copied"

    box.push(hook(look))
    box.push([1])
    made = calque.deepcopy(box)
    assert sizes == [0]
    assert made.vector_size() == 2
    box.clear()


def test_a_wrapped_container(calque, shapes, pure):
    shapes.register("Objects", pure=pure)
    objects, x = shapes.Objects(), [1]
    for element in (x, x, objects):
        objects.append(element)
    made = calque.deepcopy(objects)
    assert made.at(0) is made.at(1) == [1] and made.at(0) is not x
    assert made.at(2) is made
    assert calque.copy(objects).at(0) is x
    objects.clear(), made.clear()
    failing = shapes.Objects()
    failing.append(hook(boom))
    assert raised(calque.deepcopy, failing) == (Boom, "in a hook")


def test_a_memo_that_holds_what_cpp_cannot(calque, shapes):
    shapes.register("Box", "Node")
    box = shapes.Box()
    box.fill(["x"])
    inner = box.places()[0]
    assert calque.deepcopy(box, {id(inner): "replaced"}).places()[0] == "replaced"
    assert raised(calque.deepcopy, box, {id(box.list()): 5}) == (
        TypeError, "the copy of a list is a int, which C++ cannot hold in its place")
    top, child = shapes.Node("top"), shapes.Node("child")
    top.add(child)
    kind, words = raised(calque.deepcopy, top, {id(child): 5})
    assert kind is TypeError and words.endswith("cannot be made of the copy of its Python object, a int")
