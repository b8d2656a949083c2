"""`python -m calque`: what it prints, its exit status, and one sentence, not a traceback, for what users get wrong."""

import copy
import json
import os
import pickle
import subprocess
import sys
import textwrap

import pytest

from calque.cli import bench, info, main as cli, target

pytestmark = pytest.mark.no_leak_check(reason="it imports users' modules and rich, and runs processes")

needs_rich = pytest.mark.skipif(not __import__("importlib.util").util.find_spec("rich"), reason="the tables are printed with rich")


def run(*arguments, folder=None, **variables):
    return subprocess.run([sys.executable, "-m", "calque", *map(str, arguments)], capture_output=True, text=True, cwd=folder, timeout=300,
                          env={**os.environ, "COLUMNS": "100", **variables}, encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """A directory with a module, a script, and files of data."""
    (tmp_path / "settings.py").write_text(textwrap.dedent("""
        import dataclasses, threading
        CONFIG = {"a": [1, 2], "b": {"c": (1, [2])}}
        class Thing:
            part = {"deep": [[1]]}
            @property
            def bad(self):
                raise KeyError("no")
        thing = Thing()
        def make():
            return [CONFIG, CONFIG]
        def wrong():
            raise ValueError("not today")
        def needs(x):
            return x
        locked = {"users": [{"lock": threading.Lock()}]}
        number = 5
    """))
    (tmp_path / "beside.py").write_text("VALUE = [1]\n")
    (tmp_path / "script.py").write_text(textwrap.dedent("""
        import dataclasses
        import beside
        @dataclasses.dataclass
        class Point:
            x: int
            y: "int" = 0
        points = [Point(i) for i in range(5)]
        assert __name__ != "__main__"
    """))
    (tmp_path / "ends.py").write_text("raise SystemExit('bye')\n")
    (tmp_path / "fails.py").write_text("x = 1\n1 / 0\n")
    (tmp_path / "bad.py").write_text("x = (\n")
    (tmp_path / "needs.py").write_text("import no_such_library\n")
    (tmp_path / "data.json").write_text('{"a": [1, {"b": null}]}')
    (tmp_path / "broken.json").write_text('{"a": ')
    (tmp_path / "data.pickle").write_bytes(pickle.dumps([1, [2]]))
    return tmp_path


@pytest.fixture
def inside(project, monkeypatch):
    """The project as the current directory, in this process."""
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))
    yield project
    for name in ("settings", "script", "beside", "ends", "fails", "bad", "needs", "calque_target"):
        sys.modules.pop(name, None)


# ---- which object --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, expected", [
    ("settings:CONFIG", {"a": [1, 2], "b": {"c": (1, [2])}}),
    ("settings:thing.part", {"deep": [[1]]}),
    ("settings.py:Thing.part", {"deep": [[1]]}),
    ("settings:make()", [{"a": [1, 2], "b": {"c": (1, [2])}}] * 2),
    ("settings:number", 5),
    ("./script.py:beside.VALUE", [1]),
    ("data.json", {"a": [1, {"b": None}]}),
])
def test_a_target_names_an_object(inside, text, expected):
    assert target.find(text, trust=False) == expected


def test_a_script_is_run_with_what_lies_beside_it(project, monkeypatch):
    found = run("bench", project / "script.py:points", "--rounds", 1, "--json", folder="/")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["exact"]


def test_a_pickle_is_read_only_if_told_so(inside):
    with pytest.raises(target.BadTarget, match="data.pickle is a pickle, and reading one runs whatever code it names; .* add --trust"):
        target.find("data.pickle", trust=False)
    assert target.find("data.pickle", trust=True) == [1, [2]]


WRONG = {
    "nothing.json": r"nothing.json: cannot be read \(No such file or directory\)",
    "broken.json": r"broken.json: cannot be read as json",
    "data.csv": r"data.csv does not say which object: expected a file that ends in .json.* or module:object, or script.py:object",
    "data.json:a": r"data.json is one object as a whole: leave out :a",
    "settings": r"settings does not say which object",
    "settings.py": r"settings.py does not say which object: expected settings.py:NAME, for example settings.py:CONFIG "
                   r"\(it has CONFIG, thing, locked, number, make\(\), wrong\(\)\)",
    "bad.py": r"bad.py: is no Python \(.*line 1\)",
    "nothing.py": r"nothing.py: cannot be read \(No such file or directory\)",
    "nothing.py:x": r"nothing.py: cannot be read \(No such file or directory\)",
    "no_such_module:x": r"there is no module no_such_module; modules are looked for in the current directory",
    "settings.sub:x": r"there is no module settings\.sub|importing settings.sub raised",
    "set tings:x": r"'set tings' is not the name of a module",
    ":x": r"'' is not the name of a module",
    "needs:x": r"importing needs raised ModuleNotFoundError: No module named 'no_such_library' \(.*needs.py, line 1\)",
    "fails:x": r"importing fails raised ZeroDivisionError: division by zero \(.*fails.py, line 2\)",
    "fails.py:x": r"running fails.py raised ZeroDivisionError: division by zero \(.*fails.py, line 2\)",
    "ends:x": r"importing ends raised SystemExit: bye \(.*ends.py, line 1\)",
    "bad:x": r"importing bad raised SyntaxError: .*bad.py, line 1\)\.$",
    "settings:nothing": r"settings has no nothing; it has CONFIG, Thing, thing, make, wrong, needs, locked, number\.$",
    "settings:thing.nothing": r"settings:thing has no nothing\.$",
    "settings:thing.bad": r"settings:thing\.bad raised KeyError: 'no' \(.*settings.py, line 8\)",
    "settings:": r"'' is not the name of an object of settings",
    "settings:a b": r"'a b' is not the name of an object of settings: expected a name, name.attribute, or name\(\)",
    "settings:make().x": r"'make\(\)\.x' is not the name of an object",
    "settings:CONFIG()": r"settings:CONFIG is a dict, which cannot be called: leave out the \(\)",
    "settings:wrong()": r"settings:wrong\(\) raised ValueError: not today \(.*settings.py, line 13\)",
    "settings:needs()": r"settings:needs\(\) raised TypeError: .*missing 1 required positional argument: 'x'",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_target_is_one_sentence(inside, text, capsys):
    with pytest.raises(target.BadTarget, match=WRONG[text]):
        target.find(text, trust=False)
    sys.modules.pop("settings", None)
    assert cli.main(["bench", "--json", text]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("calque: ") and said.err.count("\n") == 1


# ---- bench ---------------------------------------------------------------------------------------------------------------

def test_bench_in_json(inside, capsys):
    assert cli.main(["bench", "settings:CONFIG", "--rounds", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["exact"] and found["objects"] == 10 and found["rounds"] == 2 and found["object"] == "settings:CONFIG"
    assert list(found["copiers"]) == ["copy.deepcopy", "calque.deepcopy", "calque.prepare"]
    for row in found["copiers"].values():
        assert row["seconds"] > 0 and row["instead"] is None
        assert row["ratio"] == pytest.approx(found["copiers"]["copy.deepcopy"]["seconds"] / row["seconds"])


@needs_rich
def test_bench_prints_a_table_of_80_columns(project):
    found = run("bench", "settings:make()", "--rounds", 1, folder=project, COLUMNS="80")
    assert found.returncode == 0 and found.stderr == "", found.stderr
    lines = found.stdout.splitlines()
    assert max(map(len, lines)) <= 80 and lines[0].startswith("settings:make(): 11 objects;")
    for name in ("copy.deepcopy", "calque.deepcopy", "calque.prepare"):
        assert sum(line.startswith(name) and line.rstrip().endswith("x") for line in lines) == 1
    assert "calque's copy is the same as copy.deepcopy's." in lines


def test_what_cannot_be_copied_has_status_1(inside, capsys):
    assert cli.main(["bench", "settings:locked", "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err == (
        "calque: settings:locked cannot be copied: TypeError at $['users'][0]['lock']: cannot pickle '_thread.lock' object\n")


def test_a_copy_that_is_not_exact_has_status_1(inside, monkeypatch, capsys):
    monkeypatch.setattr(bench.calque, "deepcopy", lambda x: json.loads(json.dumps(x)))
    assert cli.main(["bench", "settings:make()", "--json", "--rounds", "1"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["exact"] and "calque's copy differs" in found["note"]


def test_stdlib_is_measured_and_not_the_patch(inside, monkeypatch, capsys):
    """Also where CALQUE_PATCH=1 started the process; afterwards the patch is as it was."""
    seen = []
    monkeypatch.setattr(bench, "interleaved", lambda contenders, rounds, step: seen.append(bench.calque.patch.enabled()) or [1.0, 1.0, 1.0])
    with bench.calque.patch:
        pass
    assert bench.calque.patch.enable()
    try:
        assert cli.main(["bench", "settings:CONFIG", "--json"]) == 0
        assert seen == [False] and bench.calque.patch.enabled()
    finally:
        bench.calque.patch.disable()


def test_only_what_the_standard_library_can_copy_has_a_ratio(inside, monkeypatch, capsys):
    root = last = []
    for _ in range(20_000):
        last.append([])
        last = last[0]
    result = bench.measure("deep", root, 1, quiet=True)
    assert result.times["copy.deepcopy"] == "RecursionError" and result.ratio("calque.deepcopy") is None
    assert result.verdict.exact and result.verdict.by_source
    assert bench.as_json(result)["copiers"]["copy.deepcopy"] == {"seconds": None, "instead": "RecursionError", "ratio": None}


@pytest.mark.parametrize("nanoseconds, text", [(1.234, "1.23 ns"), (12.34, "12.3 ns"), (123.4, "123 ns"), (999.6, "1.00 us"), (1500, "1.50 us"),
                                               (2.5e6, "2.50 ms"), (3e9, "3.00 s"), (4e12, "4000.00 s")])
def test_durations(nanoseconds, text):
    assert bench.duration(nanoseconds) == text


# ---- explain -------------------------------------------------------------------------------------------------------------

class FakeReport:
    """What main.py uses of calque.Report."""

    failure = None

    def __init__(self, x, failures):
        self.x, self.failures = x, failures

    def __str__(self):
        return f"table of {self.x}" + (f", {self.failures} failures" if self.failures != 1 else "")

    def to_dict(self):
        return {"x": self.x}

    def to_html(self):
        return f"<p>{self.x} \N{GREEK SMALL LETTER MU}s</p>"


def test_explain_prints_the_report_and_writes_the_page(inside, monkeypatch, capsys):
    monkeypatch.setattr(cli.calque, "explain", FakeReport)
    assert cli.main(["explain", "settings:number"]) == 0 and capsys.readouterr().out == "table of 5\n"
    assert cli.main(["explain", "settings:number", "--json", "--html", "out.html"]) == 0
    assert json.loads(capsys.readouterr().out) == {"x": 5}
    assert (inside / "out.html").read_text(encoding="utf-8") == "<p>5 \N{GREEK SMALL LETTER MU}s</p>"
    monkeypatch.setattr(FakeReport, "failure", "something")
    assert cli.main(["explain", "settings:number"]) == 1 and capsys.readouterr().out == "table of 5\n"
    assert cli.main(["explain", "settings:number", "--failures", "7"]) == 1 and capsys.readouterr().out == "table of 5, 7 failures\n"


@pytest.mark.parametrize("out, words", [("no/such/out.html", "there is no directory no/such"), (".", "cannot be written (Is a directory)")])
def test_a_page_that_cannot_be_written(inside, monkeypatch, capsys, out, words):
    monkeypatch.setattr(cli.calque, "explain", FakeReport)
    assert cli.main(["explain", "settings:number", "--html", out]) == 2
    said = capsys.readouterr()
    assert said.err == f"calque: --html {out}: {words}.\n" and said.out == ""


def test_explain_for_real(project):
    found = run("explain", "settings:CONFIG", "--html", "out.html", folder=project)
    assert (found.returncode, found.stderr) == (0, "") and "dict" in found.stdout
    assert (project / "out.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    found = run("explain", "settings:locked", "--json", folder=project)
    assert (found.returncode, found.stderr) == (1, "")
    assert json.loads(found.stdout)["failure"]["path"] == "$['users'][0]['lock']"


# ---- info ----------------------------------------------------------------------------------------------------------------

def test_info_is_what_a_bug_report_needs():
    found = run("info", "--json", CALQUE_PATCH="0", CALQUE_DISABLE_PLUGINS="1")
    assert found.returncode == 0, found.stderr
    facts = json.loads(found.stdout)
    import calque

    assert facts["calque"]["version"] == calque.__version__ and facts["strategies"] == calque._calque._strategies
    assert facts["python"]["version"] == sys.version.replace("\n", " ")
    assert facts["build"]["plugins' ABI"] == "1.0" and facts["build"]["Boost"].split(".")[0] == "1" and facts["build"]["compiler"]
    assert facts["build"]["Boost.Python"] in ("built in", "a shared library")
    assert facts["environment"]["CALQUE_PATCH"] == "0" and facts["plugins"]["switched off"] is True
    assert facts["patch"]["copy is served by calque"] is False and facts["handlers"]["builtin"] > 20
    text = run("info").stdout
    for word in ("strategies", "plugins", "patch", calque.__version__, facts["build"]["compiler"], sys.executable):
        assert word in text


def test_info_needs_no_rich_and_tells_of_the_patch(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    import calque

    with calque.patch:
        found = info.collect()
    assert found["patch"]["copy is served by calque"] is True
    assert "copy is served by calque  yes" in info.as_text(found)


def test_info_lists_plugins(tmp_path):
    (tmp_path / "shapely_calque-1.dist-info").mkdir()
    (tmp_path / "shapely_calque-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shapely-calque\nVersion: 1\n")
    (tmp_path / "shapely_calque-1.dist-info" / "entry_points.txt").write_text("[calque.handlers]\nshapely = shapely_calque:register\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    facts = json.loads(run("info", "--json", PYTHONPATH=path, CALQUE_DISABLE_PLUGINS="").stdout)
    assert facts["plugins"]["for shapely"] == ["shapely_calque:register (not loaded)"] and facts["plugins"]["switched off"] is False


# ---- the command line ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["bench"], ["bench", "a:b", "--rounds", "0"], ["info", "x"], ["demo", "--nonsense"],
                                       ["explain"]], ids=" ".join)
def test_wrong_usage_has_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    said = capsys.readouterr()
    assert stop.value.code == 2 and said.err.startswith("usage: python -m calque") and said.out == ""


@pytest.mark.parametrize("arguments, words", [
    (["--help"], ["demo", "bench", "explain", "info", "Exit status: 0"]),
    (["bench", "--help"], ["module:object", "script.py:object", ".json", "--trust", "--rounds", "Modules and scripts are run"]),
    (["explain", "--help"], ["--html", "OBJECT"]),
    (["info", "--help"], ["bug report"]),
    (["demo", "--help"], ["python -m calque demo", "reading a pickle runs the code"]),
    (["--version"], ["calque 0."]),
], ids=lambda value: " ".join(value) if value[0] != "calque 0." else "")
def test_help(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    said = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 0
    for word in words:
        assert word in said


def test_demo_is_the_demonstration(monkeypatch, capsys):
    import calque

    monkeypatch.setattr(calque, "deepcopy", copy.deepcopy)
    assert cli.main(["demo", "--json", "--rounds", "1", "--graph", "handlers"]) == 0
    assert [row["graph"] for row in json.loads(capsys.readouterr().out)["graphs"]] == ["logging handlers (locks)"]


def test_without_rich_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["bench", "json:decoder"]) == 2
    assert capsys.readouterr().err == f"calque: {cli.ADVICE}\n" and "calque[cli]" in cli.ADVICE


def test_ctrl_c_and_a_reader_that_has_gone(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(info, "collect", interrupted)
    assert cli.main(["info"]) == 130 and capsys.readouterr().err == "Interrupted.\n"
    done = subprocess.run(f"'{sys.executable}' -m calque info | true", shell=True, capture_output=True, text=True, timeout=100)
    assert done.stderr == ""


def test_importing_calque_imports_no_command():
    done = subprocess.run([sys.executable, "-c", "import calque, sys; print([n for n in sys.modules if n.startswith(('calque.cli', 'argparse'))])"],
                          capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
