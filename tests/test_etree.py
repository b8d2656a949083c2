"""Elements of `_elementtree`: their `__deepcopy__` is C and takes a dict; what they share, and in which order, is theirs to say."""

import collections
import copy
import sys
import warnings
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.skipif(ElementTree.Element.__module__ != "xml.etree.ElementTree" or isinstance(ElementTree.Element.__init__, type(lambda: 0)),
                                reason="Element is not the one written in C")


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def tree(width=3, depth=3):
    """Built by hand: no parser is needed, so expat is not either."""
    element = ElementTree.Element("tag", {"depth": str(depth), "a": "b"})
    element.text, element.tail = f"text {depth}", f"tail {depth}"
    if depth:
        element.extend(tree(width, depth - 1) for _ in range(width))
    return element


def described(*roots):
    """Tags, attributes, texts, children and who is who."""
    numbers, lines, todo = {}, [], list(roots)
    alive = []

    def number(obj):
        if obj is None or type(obj) in (str, int):
            return obj
        if id(obj) not in numbers:
            numbers[id(obj)] = len(numbers)
            alive.append(obj)
            todo.append(obj)
        return numbers[id(obj)]

    lines.append([number(root) for root in roots])
    done = set()
    while todo:
        obj = todo.pop(0)
        if id(obj) in done:
            continue
        done.add(id(obj))
        if ElementTree.iselement(obj):
            lines.append((type(obj).__name__, number(obj.tag), number(obj.text), number(obj.tail), dict(obj.attrib), [number(child) for child in obj],
                          number(getattr(obj, "__dict__", None))))
        elif isinstance(obj, dict):
            lines.append((type(obj).__name__, [(key, number(value)) for key, value in obj.items()]))
        elif isinstance(obj, (list, tuple)):
            lines.append((type(obj).__name__, [number(item) for item in obj]))
        else:
            lines.append(type(obj).__name__)
    return lines


def assert_as_stdlib(copier, make):
    def run(deepcopy):
        x = make()
        try:
            copied = deepcopy(x)
        except Exception as error:
            copied = (type(error).__name__, str(error))
        return described(x, copied)

    assert run(copier.deepcopy) == run(copy.deepcopy)


def with_shared_child():
    parent, child = tree(1, 1), tree(1, 0)
    parent.append(child)
    parent.append(child)
    return [parent, child, [parent]]


def with_objects_in_text():
    element = ElementTree.Element("tag")
    shared = [1]
    element.text, element.tail = shared, (shared, 2)
    element.attrib["k"] = "v"
    return [shared, element, {"k": shared}]


def with_elements_in_everything():
    element = tree(1, 1)
    return {"list": [element], "tuple": (element, tree(0, 0)), "dict": {"k": element}, "again": element}


def with_attrib_shared():
    element = tree(0, 0)
    return [element.attrib, element]


def with_a_subclass():
    class Sub(ElementTree.Element):
        pass

    element = Sub("sub")
    element.extra = [1]
    element.append(tree(1, 1))
    return [element, element.extra]


def in_a_cycle_through_text():
    element = ElementTree.Element("tag")
    holder = [element]
    element.text = holder
    return holder


def empty_element():
    return ElementTree.Element("")


def comment_and_instruction():
    element = ElementTree.Element("tag")
    element.append(ElementTree.Comment("comment"))
    element.append(ElementTree.ProcessingInstruction("target", "text"))
    return element


def in_an_instance():
    x = collections.UserDict(tree=ElementTree.ElementTree(tree(2, 2)))
    x.root = x["tree"].getroot()
    return x


def with_an_element_removed_twice():
    parent = tree(4, 1)
    child = parent[1]
    parent.remove(child)
    return [parent, child]


GRAPHS = [tree, with_shared_child, with_objects_in_text, with_elements_in_everything, with_attrib_shared, with_a_subclass, in_a_cycle_through_text,
          empty_element, comment_and_instruction, in_an_instance, with_an_element_removed_twice, lambda: [tree(2, 2)] * 3, lambda: tree(1, 60),
          lambda: tree(300, 1)]


@pytest.mark.parametrize("make", GRAPHS, ids=lambda function: function.__name__)
def test_elements_are_copied_as_stdlib_copies_them(copier, make):
    assert_as_stdlib(copier, make)


def test_a_shared_element_of_a_list_is_copied_once(copier):
    element = tree()
    copied = copier.deepcopy([element, (element,), element])
    assert copied[0] is copied[1][0] is copied[2]
    assert copied[0] is not element
    assert ElementTree.tostring(copied[0]) == ElementTree.tostring(element)


def test_an_element_at_the_top_is_copied(copier):
    element = tree()
    copied = copier.deepcopy(element)
    assert copied is not element
    assert ElementTree.tostring(copied) == ElementTree.tostring(element)
    assert not {id(child) for child in element.iter()} & {id(child) for child in copied.iter()}


def test_an_element_copies_with_a_given_dict(copier):
    element = tree(1, 1)
    memo = {}
    copied = copier.deepcopy([element], memo)
    assert memo[id(element)] is copied[0]
    assert memo[id(element[0])] is copied[0][0]


@pytest.mark.parametrize("memo", [collections.UserDict, lambda: type("Memo", (), {"get": lambda self, key, default: default,
                                                                                  "__setitem__": lambda self, key, value: None})()], ids=["UserDict", "class"])
def test_an_element_refuses_a_memo_that_is_no_dict_as_under_stdlib(copier, memo):
    def message(deepcopy):
        with pytest.raises(TypeError) as caught:
            deepcopy([tree(0, 0)], memo())
        return str(caught.value)

    assert message(copier.deepcopy) == message(copy.deepcopy)


def test_objects_under_elements_share_with_the_graph_around(copier):
    class Hook:
        def __deepcopy__(self, memo):
            seen.append((type(memo), id(before) in memo))
            return "hook"

    seen = []
    before = [1]
    element = ElementTree.Element("tag")
    element.text, element.tail = Hook(), before
    copied = copier.deepcopy([before, element, before])
    assert seen == [(dict, True)]
    assert copied[1].tail is copied[0] is copied[2]
    assert copied[1].text == "hook"


def test_a_hook_under_an_element_that_fails_fails_the_copy(copier):
    element = tree(2, 1)
    element[1].text = memoryview(b"")
    with pytest.raises(TypeError, match="memoryview"):
        copier.deepcopy([[1], element])
    element[1].text = "text"
    assert copier.deepcopy([element])[0][1].text == "text"


def test_references_to_elements_are_given_back(copier):
    element = tree(2, 2)
    before = [sys.getrefcount(obj) for obj in element.iter()]
    for _ in range(5):
        copier.deepcopy([element, element])
    assert [sys.getrefcount(obj) for obj in element.iter()] == before


def test_a_shallow_copy_of_an_element_shares_its_children(copier):
    element = tree(2, 1)
    copied = copier.copy(element)
    assert copied is not element
    assert all(a is b for a, b in zip(copied, element, strict=True))
