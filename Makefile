# The front door. Each target installs what is missing (apt or pip), builds, and does its job; the work is in .ci/.

# The interpreter, a command or a path; by default /usr/bin/python3, whose Boost.Python the system has.
PYTHON ?=
# A JSON, TOML, XML or pickle file for the demo.
FILE ?=
# More arguments for pytest, e.g. ARGS='-k memo'.
ARGS ?=
export PYTHON FILE ARGS

.PHONY: help build test demo lint matrix stress ecosystem instructions bench wheels clean

help:
	@echo 'make demo   [FILE=...]  copy real object graphs, and any JSON, TOML, XML or pickle file, beside copy.deepcopy'
	@echo 'make test   [ARGS=...]  run the tests; ARGS go to pytest'
	@echo 'make build              build; afterwards .venv/bin/python can import calque'
	@echo 'make matrix             run the tests on every Python from 3.10 to 3.14 that is here or can be had'
	@echo 'make stress             fuzz, mutants, sanitizers, public twins: under 40 minutes on two cores'
	@echo 'make ecosystem          the test suites of CPython and of known packages with calque in place of copy: under 40 minutes'
	@echo 'make instructions       count the instructions of a dozen copies: none may take 3 % more than its baseline'
	@echo 'make bench              measure times, floor, memory, threads beside the peer: perf/results/, under 15 minutes'
	@echo 'make lint               clang-format, clang-tidy, mypy, stubtest, ruff, and the rules of the house'
	@echo 'make wheels             source distribution and wheels for every Python that is here, each installed and tested: build/wheels'
	@echo 'make clean              remove what was built (fetched Boost sources stay in build/_boost)'
	@echo
	@echo 'PYTHON=<command or path> chooses another interpreter: it gets a build and a virtual environment of its own.'

build demo test lint matrix stress ecosystem instructions bench wheels:
	@.ci/$@

clean:
	@.ci/clean
