"""python -m tests.mutants BUILD: run the suite against each deliberate bug of a build with CALQUE_MUTANTS, and say which test caught it.

BUILD is the directory of the build (cmake -DCALQUE_MUTANTS=ON); the list of mutants is read from runtime/primitives/mutants.hpp.
Exit status 0 only if the suite passes without a mutant and fails with each one.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A mutant that copies without end would take all memory of the machine, and another process might be the one that is killed for it.
MOST_MEMORY = 3 << 30
# Left out because they take minutes, need a build of their own, or ask for nothing that a mutant could touch.
LEFT_OUT = ["tests/test_depth.py", "tests/test_demo.py", "tests/sdk", "tests/test_examples.py", "tests/fuzz", "tests/hostile/test_cross.py"]
# Mutants that break nothing on some versions, and why.
NOT_ON = {
    "collector_not_given_back": lambda: sys.version_info >= (3, 12) and "collections start only at the eval breaker",
    "instance_array_not_undone": lambda: sys.version_info < (3, 11) and "an unfinished dict shows none of its values",
    "atomics_not_looked_up": lambda: sys.version_info >= (3, 14) and "deepcopy returns atomics before it asks the memo",
}


def mutants():
    source = (ROOT / "runtime/primitives/mutants.hpp").read_text()
    return re.findall(r'^ +X\((\w+),\s*"([^"]*)"\)', source, re.MULTILINE)


def run_suite(build, mutant, timeout):
    """(verdict, the test that decided, seconds); verdict is passed, caught, crashed or hung."""
    environment = dict(os.environ, PYTHONPATH=str(build / "python"), CALQUE_MUTANT=mutant)
    command = [sys.executable, "-X", "faulthandler", "-m", "pytest", "tests", "-x", "-v", "--tb=no", "-o", f"cache_dir={build / 'cache' / (mutant or 'none')}",
               *(f"--ignore={path}" for path in LEFT_OUT)]
    began = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                              errors="replace")
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
        output = output.decode(errors="replace") if isinstance(output, bytes) else output
        status = None
    seconds = time.monotonic() - began
    started = re.findall(r"^(tests/\S+::.+?)(?: (?:PASSED|SKIPPED|XFAIL|FAILED|ERROR)| $|$)", output, re.MULTILINE)
    failed = re.search(r"^(tests/\S+::.+?) (?:FAILED|ERROR)", output, re.MULTILINE)
    if status == 0:
        return "passed", "", seconds
    if status is None:
        return "hung", started[-1] if started else "(before the first test)", seconds
    if status == 1 and failed:
        return "caught", failed.group(1), seconds
    if status < 0 and started:
        return "crashed", started[-1], seconds
    return "broken", output[-2000:], seconds


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", help="one mutant instead of all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one run of the suite (default 600)")
    options = parser.parse_args()
    build = options.build.resolve()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))  # the runs inherit it
    wanted = [(name, what) for name, what in mutants() if options.only in (None, name)]
    if not wanted:
        parser.error(f"no mutant is called {options.only}")

    verdict, decided_by, seconds = run_suite(build, "", options.timeout)
    print(f"no mutant: {verdict} {decided_by} ({seconds:.0f} s)", flush=True)
    if verdict != "passed":
        return 1
    survived = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = {}
        for name, what in wanted:
            reason = NOT_ON.get(name, lambda: "")()
            if reason:
                print(f"{name}: left out, {reason}")
            else:
                runs[name] = what, pool.submit(run_suite, build, name, options.timeout)
        for name, (what, run) in runs.items():
            verdict, decided_by, seconds = run.result()
            caught = verdict in ("caught", "crashed", "hung")
            survived += not caught
            print(f"{name} ({what}): {verdict if caught else verdict.upper()} {decided_by} ({seconds:.0f} s)", flush=True)
    print(f"{len(runs) - survived} of {len(runs)} mutants caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
