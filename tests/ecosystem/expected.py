"""Differences between a suite with and without the patch that are known, each with its reason. One that does not occur is reported too."""

import dataclasses
import fnmatch
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Expected:
    suite: str
    test: str  # a pattern of fnmatch
    outcome: str  # with the patch
    reason: str
    when: Callable[[], bool] = lambda: True

    def covers(self, suite, test, outcome):
        return self.suite == suite and self.outcome == outcome and fnmatch.fnmatchcase(test, self.test) and self.when()


EXPECTED: list[Expected] = []
