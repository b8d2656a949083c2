"""The demonstration: its checker must notice every kind of difference, and its exit status must tell.

The checker is tested with copies that are wrong on purpose, the command line with a wrong `calque.deepcopy` in place.
"""

import array
import collections
import copy
import datetime
import decimal
import enum
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref
import xml.etree.ElementTree as ElementTree

import calque
import pytest
from calque.demo import cli, compare, files, graphs, measure, memory, report

pytestmark = pytest.mark.no_leak_check("the demo is Python alone and keeps facts about the standard library between builds")


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Other(Plain):
    pass


class Slotted:
    __slots__ = ("first", "second")

    def __init__(self, first):
        self.first = first


class Named(str):
    pass


class Locked:
    def __init__(self):
        self.lock = threading.Lock()

    def __deepcopy__(self, memo):
        return Locked()


class Leaves:
    """Its copies leave a trace in the original, as the cache of a path does."""

    def __reduce_ex__(self, protocol):
        self.trace = True
        return Leaves, ()


class Colour(enum.Enum):
    RED = 1


def chain(depth):
    """Lists in lists, deeper than the standard library copies."""
    top = []
    for _ in range(depth):
        top = [top]
    return top


def copy_chain(top, wrap=lambda inner: [inner]):
    depth = 0
    while top:
        top, depth = top[0], depth + 1
    inner = []
    for _ in range(depth):
        inner = wrap(inner)
    return inner


def shared():
    one = [1]
    return {"a": one, "b": one}


# The checker


SAME = {
    "leaves": lambda: [None, 1, True, 1.5, float("nan"), -0.0, 2j, "text", b"bytes", range(3), ..., NotImplemented],
    "containers": lambda: {
        "list": [[], [1]],
        "tuple": ([1],),
        "set": {(1, 2), "x"},
        "deque": collections.deque([[1]], 5),
    },
    "mappings": lambda: [
        collections.OrderedDict(b=1, a=[]),
        collections.defaultdict(list, x=[1]),
        collections.Counter("aab"),
    ],
    "instances": lambda: [Plain(x=[1]), Slotted([2]), Named("name"), Colour.RED, shared],
    "state in C": lambda: [
        datetime.datetime(2000, 1, 1),
        decimal.Decimal("1.0"),
        array.array("i", [1, 2]),
        bytearray(b"x"),
    ],
    "cycle": lambda: [plain := Plain(), setattr(plain, "me", plain), {"again": plain}],
    "sharing": shared,
    "elements": lambda: ElementTree.fromstring("<a b='1'>text<c/>tail<c/></a>"),
    "set of instances": lambda: {Plain(x=[number]) for number in range(20)},
    "set that refers back": lambda: [plain := Plain(), {plain, Plain(to=plain)}],
    "frozensets": lambda: {frozenset({(1, frozenset())}), frozenset()},
    "a lock of its own": lambda: [Locked()],
    "method": lambda: Plain(x=1).__repr__,
    "weak reference": lambda: weakref.ref(shared),
}


@pytest.mark.parametrize("build", SAME.values(), ids=SAME.keys())
def test_two_copies_by_the_stdlib_are_the_same(build):
    source = build()
    assert compare.difference(copy.deepcopy(source), copy.deepcopy(source), source) is None
    assert compare.difference(build(), source) is None


def edit(part, **changes):
    """A wrong copy: a right one, changed afterwards."""

    def broken(source):
        copied = copy.deepcopy(source)
        vars(part(copied)).update(changes)
        return copied

    return broken


def then(change):
    def broken(source):
        copied = copy.deepcopy(source)
        return change(copied, source) or copied

    return broken


def put(key, value):
    return then(lambda copied, source: copied.__setitem__(key, value))


WRONG = {
    "value": (lambda: {"a": [1, 2]}, then(lambda c, s: c["a"].__setitem__(1, 3)), "$['a'][1]: 3 instead of 2"),
    "key": (lambda: {"a": 1}, then(lambda c, s: {"b": 1}), "$ key 0: 'b' instead of 'a'"),
    "negative zero": (lambda: [-0.0], put(0, 0.0), "0.0 instead of -0.0"),
    "bool for int": (lambda: [1], put(0, True), "type bool instead of int"),
    "type": (lambda: [(1, [])], then(lambda c, s: [[1, []]]), "$[0]: type list instead of tuple"),
    "subclass": (lambda: [Plain()], then(lambda c, s: setattr(c[0], "__class__", Other)), "Other instead of"),
    "dict subclass": (
        lambda: collections.OrderedDict(a=1),
        then(lambda c, s: dict(c)),
        "type dict instead of collections.",
    ),
    "length": (lambda: [1, 2], then(lambda c, s: c.pop() and None), "1 parts instead of 2"),
    "longer": (lambda: [1, 2], then(lambda c, s: c.append(3)), "3 parts instead of 2"),
    "lost sharing": (shared, put("b", [1]), "$['b']: this list is an object of its own"),
    "extra sharing": (
        lambda: [[1], [1]],
        then(lambda c, s: c.__setitem__(1, c[0])),
        "$[1]: this list is the same as elsewhere",
    ),
    "swapped sharing": (
        lambda: [a := [], b := [], a, b],
        then(lambda c, s: c.__setitem__(slice(2, 4), c[1::-1])),
        "wrong place",
    ),
    "the original's list": (
        lambda: [[1]],
        then(lambda c, s: c.__setitem__(0, s[0])),
        "$[0]: this list is the original's",
    ),
    "the original itself": (lambda: [[1]], lambda source: source, "$: this list is the original's"),
    "another of the original's": (
        lambda: [shared, chain],
        then(lambda c, s: c.__setitem__(0, chain)),
        "$[0]: this function is another object of the original",
    ),
    "a copied class": (lambda: [Plain], then(lambda c, s: [type("Plain", (), {})]), "the original's is expected"),
    "a copied string": (lambda: ["a string"], put(0, "-".join(["a string", ""])[:-1]), "the original's is expected"),
    "dict order": (lambda: {"a": 1, "b": 2}, then(lambda c, s: c.update(a=c.pop("a"))), "$ key 0: 'b' instead of 'a'"),
    "attribute order": (
        lambda: Plain(a=1, b=2),
        then(lambda c, s: setattr(c, "a", vars(c).pop("a"))),
        "'b' instead of 'a'",
    ),
    "missing attribute": (
        lambda: [Plain(a=1, b=2)],
        then(lambda c, s: delattr(c[0], "b")),
        "$[0].__dict__: 2 parts instead of 4",
    ),
    "extra attribute": (
        lambda: [Plain(a=1)],
        then(lambda c, s: setattr(c[0], "b", 1)),
        "$[0].__dict__: 4 parts instead of 2",
    ),
    "attribute's value": (lambda: [Plain(a=1)], edit(lambda c: c[0], a=2), "$[0].__dict__['a']: 2 instead of 1"),
    "slot's value": (lambda: Slotted(1), then(lambda c, s: setattr(c, "first", 2)), "$.first: 2 instead of 1"),
    "missing slot": (lambda: Slotted(1), then(lambda c, s: delattr(c, "first")), "$: has no .first"),
    "slot too many": (lambda: Slotted(1), then(lambda c, s: setattr(c, "second", 2)), "$: has .second in excess"),
    "set member": (lambda: {1, 2}, then(lambda c, s: {1, 3}), "the member 2 is not in the set"),
    "set size": (lambda: {1, 2}, then(lambda c, s: {1}), "$.__len__(): 1 instead of 2"),
    "inside a set": (lambda: {Plain(x=[1])}, then(lambda c, s: next(iter(c)).x.append(2)), "is not in the set"),
    "set member lost sharing": (
        lambda: [plain := Plain(), {plain}],
        then(lambda c, s: c.__setitem__(1, {Plain()})),
        "is not in the set",
    ),
    "OrderedDict order": (
        lambda: collections.OrderedDict(a=1, b=2),
        then(lambda c, s: c.move_to_end("a")),
        "$ key 0: 'b' instead of 'a'",
    ),
    "default factory": (
        lambda: collections.defaultdict(list),
        then(lambda c, s: setattr(c, "default_factory", None)),
        "$.default_factory: type NoneType instead of type",
    ),
    "maxlen": (lambda: collections.deque([1], 2), then(lambda c, s: collections.deque(c)), "$.maxlen"),
    "bytearray": (lambda: bytearray(b"ab"), then(lambda c, s: c.extend(b"c")), "b'abc' instead of b'ab'"),
    "text of a str subclass": (lambda: [Named("a")], put(0, Named("b")), "'b' instead of 'a'"),
    "date": (lambda: [datetime.date(2000, 1, 1)], put(0, datetime.date(2000, 1, 2)), "$[0].__reduce_ex__(4)[1]"),
    "array": (lambda: [array.array("i", [1])], put(0, array.array("i", [2])), "$[0].__reduce_ex__(4)[1]"),
    "element's text": (
        lambda: ElementTree.XML("<a>b</a>"),
        then(lambda c, s: setattr(c, "text", "c")),
        "$.text: 'c' instead of",
    ),
    "element's attribute": (lambda: ElementTree.XML("<a b='1'/>"), then(lambda c, s: c.set("b", "2")), "$.attrib['b']"),
    "element's child": (
        lambda: ElementTree.XML("<a><b/></a>"),
        then(lambda c, s: c.remove(c[0])),
        "3 parts instead of 4",
    ),
}


@pytest.mark.parametrize("build, broken, words", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_copy_is_noticed_and_named(build, broken, words):
    source = build()
    wrong = compare.difference(copy.deepcopy(source), broken(source), source)
    assert wrong is not None and words in wrong


def test_the_checker_walks_deeper_than_the_recursion_limit():
    first, second = chain(100_000), chain(100_000)
    assert compare.difference(first, second) is None
    assert len(compare.reachable(first)) == 100_001
    assert compare.difference(first, chain(99_999)).startswith("$...[0][0]")


def test_what_may_be_shared_with_the_original_is_told_from_what_may_not():
    plain = Plain(x=1)
    source = [(1, "x"), Colour.RED, decimal.Decimal(1), Plain, plain, ([1],)]
    assert compare.shared_mutable(source, copy.deepcopy(source)) is None
    assert "Plain is the original's" in compare.shared_mutable(source, [plain])
    assert compare.shared_mutable(source, [source[5]]) == "$[0][0]: this list is the original's"


# The verdict


def test_an_exact_copy_is_exact_and_its_objects_are_counted():
    assert measure.judge(shared, copy.deepcopy, copy.deepcopy) == measure.Verdict(True, 5)


def test_a_changed_source_is_not_exact():
    def destructive(source):
        copied = copy.deepcopy(source)
        source["a"].append(2)
        return copied

    verdict = measure.judge(shared, copy.deepcopy, destructive)
    assert not verdict.exact and "the source was changed: $['a']: 2 parts instead of 1" in verdict.note


def test_what_the_stdlib_leaves_in_a_source_may_be_left_and_must_be():
    assert measure.judge(Leaves, copy.deepcopy, copy.deepcopy).exact


def test_failures_are_the_same_only_with_type_and_text():
    def refuse(error):
        def deepcopy(source):
            raise error

        return deepcopy

    one, text, kind = refuse(TypeError("no")), refuse(TypeError("not")), refuse(ValueError("no"))
    assert measure.judge(shared, one, one) == measure.Verdict(True, 5, "both end in TypeError: no")
    for other in (text, kind, copy.deepcopy):
        assert not measure.judge(shared, one, other).exact
        assert not measure.judge(shared, other, one).exact


def test_beyond_the_stdlibs_recursion_the_copy_is_checked_against_the_source():
    def build():
        return chain(5000)

    verdict = measure.judge(build, copy.deepcopy, copy_chain)
    assert verdict.exact and verdict.by_source and verdict.note.startswith("stdlib ends in RecursionError")
    wrong = measure.judge(build, copy.deepcopy, lambda top: copy_chain(top, lambda inner: (inner,)))
    assert not wrong.exact and "type tuple instead of list" in wrong.note
    same = measure.judge(build, copy.deepcopy, lambda top: top)
    assert not same.exact and "this list is the original's" in same.note


def test_times_are_per_copy_and_an_exception_has_its_name():
    calls = collections.Counter()

    def count(source):
        calls["count"] += 1

    def refuse(source):
        raise LookupError

    nanoseconds, name = measure.best_times(list, [count, refuse], rounds=2)
    assert name == "LookupError"
    assert 0 < nanoseconds < measure.SHORTEST_SAMPLE_NS and calls["count"] > 100


# Graphs and files


@pytest.mark.parametrize("graph", graphs.GRAPHS, ids=lambda graph: graph.name)
def test_a_graph_is_real_repeatable_and_copied_the_same_by_the_stdlib_twice(graph):
    assert len(graph.title) <= 24, "the table has to fit into 80 columns"
    try:
        first, second = graph.build(), graph.build()
    except graphs.Unavailable as reason:
        pytest.skip(str(reason))
    assert compare.difference(first, second) is None
    if graph.name != "handlers":
        assert compare.difference(copy.deepcopy(first), copy.deepcopy(first), first) is None


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def test_files_are_read_by_their_ending(write):
    assert files.load(write("a.json", b'{"a": [1]}')) == {"a": [1]}
    assert files.load(write("a.XML", b"<a><b/></a>")).getroot()[0].tag == "b"
    assert files.load(write("a.pkl", pickle.dumps(shared()))) == shared()
    if sys.version_info >= (3, 11):
        assert files.load(write("a.toml", b"a = [1]")) == {"a": [1]}


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("a.json", b'{"a": 1,}', "cannot be read as json"),
        ("a.json", b"[" * 100_000, "RecursionError"),
        ("a.json", b"\xff", "cannot be read as json"),
        ("a.toml", b"a = ", "cannot be read as toml" if sys.version_info >= (3, 11) else "needs Python 3.11"),
        ("a.xml", b"<a><b></a>", "mismatched tag"),
        ("a.pickle", b"", "EOFError"),
        ("a.pickle", b"cno_such_module\nThing\n.", "ModuleNotFoundError"),
        ("a.yaml", b"a: 1", "does not end in .json, .toml, .xml"),
    ],
)
def test_a_file_that_is_of_no_use_gets_one_sentence_and_status_2(write, capsys, name, content, words):
    path = write(name, content)
    assert cli.main(["--json", str(path)]) == 2
    output, errors = capsys.readouterr()
    assert output == "" and errors.startswith(f"{path}: ") and words in errors and errors.count("\n") == 1


def test_a_missing_file_and_a_directory_get_one_sentence(tmp_path):
    with pytest.raises(files.Unreadable, match="No such file"):
        files.load(tmp_path / "none.json")
    (tmp_path / "directory.json").mkdir()
    with pytest.raises(files.Unreadable, match="directory"):
        files.load(tmp_path / "directory.json")


# The command line


def test_memory_is_measured_in_a_child_and_a_dead_child_is_reported(write):
    for each in memory.measure("openapi", ["stdlib", "calque"]):
        assert each.signal == 0 and (each.growth is None or each.growth >= 0)
    deadly = write("deadly.pickle", b"csignal\nraise_signal\n(I%d\ntR." % signal.SIGKILL)
    assert memory.measure(str(deadly), ["stdlib"]) == [memory.Memory(None, signal.SIGKILL)]
    with pytest.raises(RuntimeError, match="No such file"):
        memory.measure("no_such_graph.json", ["stdlib"])


def test_the_status_is_0_if_every_copy_is_exact_and_1_if_one_is_not(monkeypatch, capsys):
    monkeypatch.setattr(calque, "deepcopy", copy.deepcopy)
    assert cli.main(["--json", "--rounds", "1", "--graph", "openapi", "--graph", "handlers"]) == 0
    fine = json.loads(capsys.readouterr().out)
    assert fine["exact"] and [row["graph"] for row in fine["graphs"]] == [
        "OpenAPI description",
        "logging handlers (locks)",
    ]
    assert fine["graphs"][0]["ratio"] > 0 and fine["graphs"][1]["seconds"] == {"stdlib": None, "calque": None}

    monkeypatch.setattr(calque, "deepcopy", lambda source: json.loads(json.dumps(source)))  # loses sharing, copies strings
    assert cli.main(["--json", "--rounds", "1", "--graph", "openapi"]) == 1
    broken = json.loads(capsys.readouterr().out)
    assert not broken["exact"] and "calque's copy differs: $" in broken["graphs"][0]["note"]


def test_an_implementation_that_dies_is_reported_and_the_other_still_judged(monkeypatch, write, capsys):
    path = write("a.json", b"[[1]]")
    monkeypatch.setattr(calque, "deepcopy", copy.deepcopy)
    alive, dead = memory.Memory(1), memory.Memory(None, signal.SIGSEGV)
    monkeypatch.setattr(memory, "measure", lambda target, names: [dead, alive])
    assert cli.main(["--json", "--files-only", str(path)]) == 0
    row = json.loads(capsys.readouterr().out)["graphs"][0]
    assert row["checked_against"] == "the source" and "SIGSEGV" in row["note"]
    monkeypatch.setattr(memory, "measure", lambda target, names: [alive, dead])
    assert cli.main(["--json", "--files-only", str(path)]) == 1
    assert "calque ends in SIGSEGV" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["--graph", "nonsense"], ["--rounds", "0"], ["--rounds", "x"], ["--files-only"], ["--nonsense"]],
    ids=" ".join,
)
def test_wrong_usage_has_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2 and capsys.readouterr().err


def test_help_warns_of_pickles(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 0 and "reading a pickle runs the code it names" in words


def test_without_rich_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    assert cli.main([]) == 2
    assert capsys.readouterr().err == report.ADVICE + "\n"


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def test_importing_calque_imports_neither_the_demo_nor_rich():
    found = run("-c", "import calque, sys; print(sorted({'calque.demo', 'rich'} & set(sys.modules)))")
    assert found.stdout == "[]\n", found.stderr


def test_the_table_fits_80_columns_and_a_real_run_is_exact(write):
    pytest.importorskip("rich", reason="the table is printed with rich")
    path = write("numbers.json", b"[[1, 2.5], {}, null]")
    found = run("-m", "calque.demo", "--graph", "rows", "--graph", "handlers", "--rounds", "2", str(path), COLUMNS="80")
    assert found.returncode == 0, found.stdout + found.stderr
    lines = found.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for title in ("numbers.json", "rows of typed columns", "logging handlers (locks)"):
        assert sum(line.startswith(title) and line.rstrip().endswith("yes") for line in lines) == 1
    assert "geometric mean of ratios" in found.stdout and found.stderr == ""
