"""python -m tests.ecosystem: the test suites of CPython and of well-known packages, with and without `calque.patch`, test by test.

Each suite runs in a process of its own, four times: plain, plain again (a test whose outcome differs between two plain runs is
unsteady, and proves nothing), patched, and once more with the calls counted. A test that comes out otherwise when patched is run plain
up to three times more; if it never comes out that way, it is a difference. Differences must be in expected.py with a reason, and
what is expected must occur. A suite that never calls copy is no proof: it is not in the table.

Exit status 0 only if nothing unexpected was found, and the patch was on to the end in every process that was patched.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

from rich.console import Console
from rich.table import Table

from .expected import EXPECTED
from .suites import CPYTHON, PACKAGES, QUICK, TOOLS

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 900  # seconds for one run of one suite
MOST_MEMORY = 8 << 30  # of one process: a copy without end must not take all that the machine has
MOST_LINES = 10  # about the differences of one suite
# In the names of tests: the time of day, addresses. They are others in each run.
PASSING = re.compile(r"\d\d:\d\d:\d\d|0x[0-9a-f]{6,}")
FAILED = ("failed", "error", "xpassed")
say = Console(stderr=True, highlight=False).print


# --- where suites come from


@dataclasses.dataclass
class Suite:
    name: str
    command: list  # without the interpreter
    python: str
    directory: pathlib.Path | None = None  # None: a fresh one
    path: list = dataclasses.field(default_factory=list)


def cpython_suites(python, wanted):
    """Those of the wanted modules that this interpreter's test package has."""
    wanted = [name for name in wanted if name.startswith(("test_", "unittest."))]
    question = "import importlib.util as u, sys\n" \
        "def there(name):\n try: return u.find_spec(name)\n except ImportError: return None\n" \
        "print(*(name for name in sys.argv[1:] if there(name)))"
    names = {name if name.startswith("unittest.") else f"test.{name}": name for name in wanted}
    found = subprocess.run([python, "-c", question, *names], capture_output=True, text=True, check=True).stdout.split()
    return [Suite(names[name], [str(HERE / "run_cpython.py"), name], python) for name in found]


def environment_for_packages(python, home, packages):
    """A virtual environment with the packages and what their tests need; its interpreter."""
    inside = home / "venv/bin/python"
    wanted = sorted({*TOOLS.split(), *(f"{p.name}=={p.version}" for p in packages), *(r for p in packages for r in p.requires.split())})
    note = home / "installed"
    if not note.exists() or not set(wanted) <= set(note.read_text().split()):
        say(f"-- a virtual environment for {len(packages)} packages in {home}")
        note.unlink(missing_ok=True)
        home.mkdir(parents=True, exist_ok=True)
        log = home / "pip.log"
        with log.open("w") as out:
            def run(*command):
                if subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False).returncode:
                    sys.exit(f"calque: {' '.join(command[:6])} ... failed, see {log}")
            if not inside.exists():
                run(python, "-m", "venv", str(home / "venv"))
            run(str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary", *wanted)
        note.write_text("\n".join(wanted))
    return str(inside)


def source_of(package, inside, home):
    """The unpacked source distribution, for packages whose wheel has no tests."""
    there = home / "sources" / f"{package.name}-{package.version}"
    if not there.exists():
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            subprocess.run([inside, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:",
                            "--no-build-isolation", "--dest", scratch, f"{package.name}=={package.version}"],
                           check=True, stdout=subprocess.DEVNULL)
            (archive,) = pathlib.Path(scratch).iterdir()
            with tarfile.open(archive) as tar:
                tar.extractall(f"{scratch}/unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
            (unpacked,) = pathlib.Path(scratch, "unpacked").iterdir()
            # What is tested is what is installed.
            for folder in [init.parent for init in unpacked.glob("*/__init__.py")]:
                if any((home / "venv").glob(f"lib/python*/site-packages/{folder.name}")):
                    shutil.rmtree(folder)
            there.parent.mkdir(exist_ok=True)
            shutil.move(unpacked, there)
    return there


def package_suite(package, inside, home):
    pytest = ["-m", "pytest", "-q", "-p", "calque_outcomes", "-o", "cache_dir=$TMPDIR/cache", "-o", "addopts=", "--tb=short", *package.arguments]
    if package.installed:
        return Suite(package.name, [*pytest, "--pyargs", *package.tests.split()], inside)
    there = source_of(package, inside, home)
    if package.django:
        return Suite(package.name, ["runtests.py", "--settings=calque_django", "--parallel=1", *package.tests.split()], inside,
                     there / "tests", [there / "tests"])
    return Suite(package.name, [*pytest, *package.tests.split()], inside, there)


# --- one run


@dataclasses.dataclass
class Run:
    outcomes: dict  # test: outcome
    reasons: dict
    seconds: float  # of the processor, with subprocesses
    problem: str
    notes: list


def read_lines(file):
    outcomes, reasons = {}, {}
    for line in file.read_text().splitlines() if file.exists() else ():
        with contextlib.suppress(ValueError):  # a crash cut it off
            test, outcome, reason = json.loads(line)
            test = PASSING.sub("*", test)
            name, again = test, 1
            while name in outcomes and not (outcome in FAILED and outcomes[name] == "passed"):  # a teardown may fail after all
                again += 1
                name = f"{test} #{again}"
            outcomes[name], reasons[name] = outcome, reason
    return outcomes, reasons


def run(suite, mode, options):
    scratch = pathlib.Path(tempfile.mkdtemp(prefix=f"{suite.name}-{mode}-", dir=options.scratch))
    notes, temporary = scratch / "notes", scratch / "tmp"
    notes.mkdir()
    temporary.mkdir()
    path = [HERE / "site", options.build / "python", *suite.path]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "CALQUE_ECO"))},
        "PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONHASHSEED": "0", "CALQUE_ECOSYSTEM": mode, "TMPDIR": str(temporary),
        "CALQUE_ECOSYSTEM_NOTES": str(notes), "CALQUE_ECOSYSTEM_OUTCOMES": str(scratch / "outcomes"),
        "PYTHONDONTWRITEBYTECODE": "1"}
    log = scratch / "log"
    with log.open("w") as out:
        process = subprocess.Popen([suite.python, "-X", "faulthandler", *suite.command], cwd=suite.directory or temporary, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        timer = threading.Timer(TIMEOUT, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what the suite left behind
    outcomes, reasons = read_lines(scratch / "outcomes")
    found = [json.loads(note.read_text() or "{}") for note in notes.glob(f"*.{mode}")]
    problem = ""
    if process.returncode < 0:
        problem = f"ended by signal {-process.returncode}"
    elif not outcomes:
        problem = f"ran no test, exit status {process.returncode}"
    elif mode == "patched" and not (notes / f"{process.pid}.patched").exists():
        problem = "its process did not end in good order: whether it was patched is not known"
    elif mode == "patched" and not all(note["on"] for note in found):
        problem = "a process had lost the patch when it ended"
    if problem:
        problem += f", see {log}"
    shutil.rmtree(temporary, ignore_errors=True)
    return Run(outcomes, reasons, used.ru_utime + used.ru_stime, problem, found)


# --- a suite, all its runs


@dataclasses.dataclass
class Report:
    suite: str
    plain: Run
    patched: Run
    calls: collections.Counter
    unsteady: dict
    differences: dict  # test: (plain, patched, why)
    problems: list
    processes: int

    def unexpected(self):
        return {test: found for test, found in self.differences.items() if not any(e.covers(self.suite, test, found[1]) for e in EXPECTED)}


def tell_apart(*runs):
    """The tests whose outcomes differ; a test that did not run at all has the outcome "missing"."""
    tests = dict.fromkeys(test for one in runs for test in one.outcomes)
    outcomes = {test: [one.outcomes.get(test, "missing") for one in runs] for test in tests}
    return {test: found for test, found in outcomes.items() if len(set(found)) > 1}


def examine(suite, options):
    plain, again, patched, counted = (run(suite, mode, options) for mode in ("plain", "plain", "patched", "counted"))
    unsteady = tell_apart(plain, again)
    differences = {test: found for test, found in tell_apart(plain, patched).items() if test not in unsteady}
    for _ in range(3):
        if not set(differences) - {test for test in differences for e in EXPECTED if e.covers(suite.name, test, differences[test][1])}:
            break
        once_more = run(suite, "plain", options)
        for test, (before, after) in list(differences.items()):
            if once_more.outcomes.get(test, "missing") == after:
                unsteady[test] = before, after
                del differences[test]
    calls = collections.Counter()
    for note in counted.notes:
        calls.update(note)
    problems = [f"{mode}: {one.problem}" for mode, one in (("plain", plain), ("patched", patched), ("counted", counted)) if one.problem]
    explained = {test: (*found, patched.reasons.get(test) or plain.reasons.get(test, "")) for test, found in differences.items()}
    return Report(suite.name, plain, patched, calls, unsteady, explained, problems, len(patched.notes))


# --- what is said of it


def counts(one):
    found = collections.Counter("failed" if outcome in FAILED else "passed" if outcome == "passed" else "skipped"
                                for outcome in one.outcomes.values())
    return f"{found['passed']}/{found['failed']}/{found['skipped']}"


COLUMNS = ["suite", "tests", "plain: passed/failed/skipped", "patched", "differences", "unsteady", "deepcopy", "copy", "replace", "processes",
           "CPU s plain", "patched"]


def row(report):
    expected = len(report.differences) - len(report.unexpected())
    differences = f"{len(report.differences)}" + (f" ({expected} expected)" if expected else "")
    return [report.suite, len(report.plain.outcomes), counts(report.plain), counts(report.patched), differences, len(report.unsteady),
            *(f"{report.calls[name]:,}" for name in ("deepcopy", "copy", "replace")), report.processes,
            f"{report.plain.seconds:.1f}", f"{report.patched.seconds:.1f}"]


def total(reports):
    rows = [row(report) for report in reports]
    return ["all", sum(r[1] for r in rows), *("/".join(str(sum(int(r[i].split("/")[k]) for r in rows)) for k in range(3)) for i in (2, 3)),
            sum(len(report.differences) for report in reports), sum(r[5] for r in rows),
            *(f"{sum(report.calls[name] for report in reports):,}" for name in ("deepcopy", "copy", "replace")), sum(r[9] for r in rows),
            *(f"{sum(getattr(report, which).seconds for report in reports):.1f}" for which in ("plain", "patched"))]


def not_occurred(reports):
    return [e for e in EXPECTED if e.when() for report in reports
            if report.suite == e.suite and not any(e.covers(e.suite, test, found[1]) for test, found in report.differences.items())]


def remarks(reports):
    """Lines of markdown on everything that is no plain agreement."""
    for report in reports:
        for problem in report.problems:
            yield f"- **{report.suite}: {problem}**"
        unexpected = report.unexpected()
        shown = {*report.differences} - {*list(unexpected)[MOST_LINES:]}
        for test, (plain, patched, why) in report.differences.items():
            if test not in shown:
                continue
            reason = next((e.reason for e in EXPECTED if e.covers(report.suite, test, patched)), None)
            yield f"- {report.suite}: `{test}` {plain}, patched {patched}: {reason or f'**not explained**: {why}'}"
        if len(unexpected) > MOST_LINES:
            yield f"- **{report.suite}: {len(unexpected) - MOST_LINES} more that are not explained**"
    for e in not_occurred(reports):
        yield f"- **{e.suite}: `{e.test}` was expected to be {e.outcome} and is not** ({e.reason})"
    for report in reports:
        for test, outcomes in report.unsteady.items():
            yield f"- {report.suite}: `{test}` is unsteady without the patch too: {', '.join(sorted(set(outcomes)))}"
    idle = [f"{report.suite} ({len(report.plain.outcomes)})" for report in reports if not report.calls.total()]
    if idle:
        yield f"- Never called copy, so no proof, and not in the table (tests): {', '.join(idle)}."


def markdown(reports, began, versions):
    busy = [report for report in reports if report.calls.total()]
    yield f"# Real programs under the patch: Python {platform.python_version()}, {datetime.date.today()}"
    yield ""
    arguments = "" if versions else " ARGS=--no-packages"
    yield f"`make ecosystem PYTHON=python{'.'.join(platform.python_version_tuple()[:2])}{arguments}`: {time.monotonic() - began:.0f} s. Each suite plain, plain again, patched and with " \
        "the calls counted. Calls are those that reached the functions of `copy` from outside calque; processes are those that were patched and " \
        "ended in good order; the seconds are the processor's, on a machine with other work on it."
    yield ""
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|---|" + "---:|" * (len(COLUMNS) - 1)
    for cells in [*map(row, busy), total(busy)]:
        yield "| " + " | ".join(map(str, cells)) + " |"
    yield ""
    yield from remarks(reports)
    if versions:
        yield ""
        yield f"Packages: {versions}."


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a build of calque for this interpreter, e.g. build/3.11.2")
    parser.add_argument("--suites", nargs="*", help="only those of these names; also others of CPython's test package, e.g. test_inspect")
    parser.add_argument("--quick", action="store_true", help="CPython's suites that copy the most, and no packages")
    parser.add_argument("--no-packages", action="store_true", help="CPython's suites only")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--results", type=pathlib.Path, help="a folder for the table of a full run")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it, and suites that send it would wait
    options.build = options.build.resolve()
    began = time.monotonic()
    home = options.build.parent / "ecosystem" / options.build.name
    options.scratch = home / "runs"
    shutil.rmtree(options.scratch, ignore_errors=True)
    options.scratch.mkdir(parents=True)

    python = getattr(sys, "_base_executable", sys.executable)
    suites = cpython_suites(python, options.suites or (QUICK if options.quick else CPYTHON))
    packages = [p for p in PACKAGES if (not options.suites or p.name in options.suites) and sys.version_info >= p.needs]
    versions = ""
    if options.quick or options.no_packages:
        packages = []
    if packages:
        inside = environment_for_packages(python, home, packages)
        suites = [package_suite(package, inside, home) for package in packages] + suites
        versions = ", ".join(f"{p.name} {p.version}" for p in packages)
    if not suites:
        parser.error("no such suite")

    reports = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(examine, suite, options) for suite in suites]):
            report = done.result()
            reports.append(report)
            verdict = "; ".join(report.problems) or (f"{len(report.unexpected())} DIFFERENCES" if report.unexpected() else "same")
            say(f"{report.suite}: {verdict}, {len(report.plain.outcomes)} tests, {report.calls.total():,} calls, "
                f"{report.plain.seconds:.1f} s, patched {report.patched.seconds:.1f} s")
    order = [suite.name for suite in suites]
    reports.sort(key=lambda report: order.index(report.suite))

    table = Table(*COLUMNS, title=f"Real programs under calque.patch, Python {platform.python_version()}")
    for column in table.columns[1:]:
        column.justify = "right"
    busy = [report for report in reports if report.calls.total()]
    for cells in [*map(row, busy), total(busy)]:
        table.add_row(*map(str, cells))
    Console(width=max(140, shutil.get_terminal_size().columns), highlight=False).print(table)
    for line in remarks(reports):
        print(line)
    text = "\n".join(markdown(reports, began, versions)) + "\n"
    (home / "table.md").write_text(text)
    if options.results and not options.suites and not options.quick:
        options.results.mkdir(parents=True, exist_ok=True)
        what = "ecosystem" if packages else "cpython-suites"
        name = f"{datetime.date.today()}-{what}-python-{'.'.join(platform.python_version_tuple()[:2])}.md"
        (options.results / name).write_text(text)
    wrong = sum(len(report.unexpected()) + len(report.problems) for report in reports) + len(not_occurred(reports))
    print(f"{len(reports)} suites, {sum(len(r.plain.outcomes) for r in reports):,} tests, {sum(r.calls.total() for r in reports):,} calls served, "
          f"{wrong} unexplained differences or problems, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
