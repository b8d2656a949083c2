"""What came of each test, for pytest (this module is a plugin) and unittest (`Recording` is a mixin for a TestResult).

One line of JSON per test into CALQUE_ECOSYSTEM_OUTCOMES, at once: a crash leaves what came before it.
"""

import json
import os
import traceback


class Outcomes:
    def __init__(self):
        self.file = open(os.environ["CALQUE_ECOSYSTEM_OUTCOMES"], "a")
        self.owner = os.getpid()

    def write(self, test, outcome, why=""):
        if os.getpid() == self.owner:  # a test may fork
            self.file.write(json.dumps([test, outcome, why[:300]]) + "\n")
            self.file.flush()


class Recording:
    outcomes = None

    def startTest(self, test):
        super().startTest(test)
        self.running, self.found = test, []

    def stopTest(self, test):
        super().stopTest(test)
        failure = [found for found in self.found if found[0] in ("failed", "error")]
        self.outcomes.write(test.id(), *(failure or self.found or [("passed", "")])[0])
        self.running = None

    def note(self, test, outcome, why=""):
        if getattr(self, "running", None) is None:  # of a class or a module, before its tests
            self.outcomes.write(test.id(), outcome, why)
        else:
            self.found.append((outcome, why))

    def addFailure(self, test, err):
        self.note(test, "failed", what(err))

    def addError(self, test, err):
        self.note(test, "error", what(err))

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addExpectedFailure(self, test, err):
        self.note(test, "xfailed")

    def addUnexpectedSuccess(self, test):
        self.note(test, "xpassed")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note(test, "failed" if issubclass(err[0], test.failureException) else "error", f"{subtest.id()}: {what(err)}")


def what(error):
    kind, value = error[:2]
    return "".join(traceback.format_exception_only(kind, value)).strip().partition("\n")[0]


class Plugin(Outcomes):
    def pytest_collectreport(self, report):
        if report.failed:
            self.write(report.nodeid or "(collection)", "error", reason(report))

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        outcome = "error" if report.when != "call" and report.failed else report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "xfailed" if report.skipped else "xpassed"
        self.write(report.nodeid, outcome, reason(report) if report.failed else "")


def reason(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.partition("\n")[0] if crash else str(report.longrepr).strip().rpartition("\n")[2]


def pytest_configure(config):
    config.pluginmanager.register(Plugin())
