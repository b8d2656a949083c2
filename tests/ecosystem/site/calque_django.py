"""Settings for Django's own tests: its SQLite ones, and a test runner that notes the outcomes."""

import unittest

from calque_outcomes import Outcomes, Recording
from django.test.runner import DiscoverRunner
from test_sqlite import *  # noqa: F403  of Django's tests

TEST_RUNNER = "calque_django.Runner"


class Runner(DiscoverRunner):
    def get_resultclass(self):
        class Result(Recording, unittest.TextTestResult):
            outcomes = Outcomes()
        return Result
