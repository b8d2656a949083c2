"""run_cpython.py MODULE...: the tests of modules of CPython's test package, with their outcomes noted.

Granted is the processor (threads that copy weak dictionaries for seconds, from 3.12 on), and no other resource: no network, no audio, no big memory.
"""

import faulthandler
import importlib
import sys
import unittest

from calque_outcomes import Outcomes, Recording


class Result(Recording, unittest.TestResult):
    pass


def main(modules):
    faulthandler.enable()
    from test import support
    support.use_resources = ["cpu"]
    result = Result()
    result.outcomes = Outcomes()
    support._run_suite = lambda suite: suite.run(result)
    for name in modules:
        # As `python -m test` does: a module's test_main prepares things, and hands its tests to support.
        test_main = getattr(importlib.import_module(name), "test_main", None)
        if test_main is not None and hasattr(support, "run_unittest"):
            test_main()
        else:
            unittest.defaultTestLoader.loadTestsFromName(name).run(result)


if __name__ == "__main__":
    main(sys.argv[1:])
