"""python -m tests.mutants BUILD: run the suite against each deliberate bug of a build with CALQUE_MUTANTS, and say which test caught it.

BUILD is the directory of the build (cmake -DCALQUE_MUTANTS=ON); the list of mutants is read from runtime/primitives/mutants.hpp.
Exit status 0 only if the tests asked pass without a mutant, and some fail with each one.
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
# Which test caught a mutant the last time. It is asked first, and what is freed is overwritten, so that who uses it is seen every time; the suite,
# which takes minutes, only if it is silent.
CAUGHT_BY = {
    "atomics_not_looked_up": "tests/test_deepcopy_decisions.py::test_atoms_in_a_given_memo_are_answered_from_it",
    "child_not_kept_at_safepoint": "tests/test_safepoints.py::test_a_list_cleared_by_another_thread_is_copied_up_to_there",
    "collector_not_given_back": "tests/test_memo_lifetime.py::test_a_loop_of_cyclic_copies_is_collected",
    "dict_clone_not_undone": "tests/test_containers.py::test_a_dict_that_changes_size_while_it_is_copied",
    "first_copy_forgotten_on_cycle": "tests/test_container_subclasses.py::test_tuple_inside_a_subclass_of_tuple_that_is_met_again_below_it",
    "flush_without_keepalive": "tests/test_extension_memo.py::test_a_cython_hook_with_a_dict_argument_is_called_once_with_a_dict",
    "frame_not_released_on_abort": "tests/test_ast.py::test_classes_changed_between_two_copies",
    "hostile_names_looked_up": "tests/hostile/test_found.py::test_a_class_whose_names_are_compared_by_python_code",
    "in_progress_not_noted": "tests/test_container_subclasses.py::test_tuple_inside_a_subclass_of_tuple_that_is_met_again_below_it",
    "instance_array_not_undone": "tests/test_etree.py::test_elements_are_copied_as_stdlib_copies_them",
    "instance_filled_early": "tests/test_containers.py::test_a_cycle_through_a_set_makes_two_sets",
    "instance_hook_ignored": "tests/test_deepcopy_decisions.py::test_deepcopy_hook_is_looked_up_on_the_instance",
    "key_before_value": "tests/test_containers.py::test_the_value_of_a_dict_is_copied_before_its_key",
    "list_published_after_children": "tests/test_ast.py::test_a_memo_of_the_callers",
    "memo_shared_with_nested_call": "tests/test_greenlets.py::test_two_copies_interleaved_inside_hooks_do_not_meet",
    "moved_object_not_owned": "tests/test_nested_moves.py::test_a_visited_object_that_a_hook_moves_keeps_its_one_copy",
    "nobody_has_a_turn": "tests/test_safepoints.py::test_another_thread_has_turns_during_a_copy",
    "other_writes_of_hook_missed": "tests/test_own_entries.py::test_an_older_entry_overwritten_beside_it_counts",
    "plan_kept_after_class_changed": "tests/test_ast.py::test_classes_changed_between_two_copies",
    "shared_tuple_not_memoized": "tests/test_container_subclasses.py::test_tuple_inside_a_subclass_of_tuple_that_is_met_again_below_it",
    "tables_read_once": "tests/test_ast.py::test_reducers_registered_for_a_class",
    "tuple_not_untracked": "tests/test_memo_handover.py::test_the_collector_does_not_know_a_tuple_under_way",
    "write_of_user_not_noticed": "tests/test_ast.py::test_hooks_in_the_middle_of_a_tree",
}


def mutants():
    source = (ROOT / "runtime/primitives/mutants.hpp").read_text()
    return re.findall(r'^ +X\((\w+),\s*"([^"]*)"\)', source, re.MULTILINE)


def run_tests(build, mutant, timeout, tests, **environment):
    """(verdict, the test that decided, seconds); verdict is passed, caught, crashed or hung."""
    environment = {**os.environ, **environment, "PYTHONPATH": str(build / "python"), "CALQUE_MUTANT": mutant}
    command = [sys.executable, "-X", "faulthandler", "-m", "pytest", *tests, "-x", "-v", "--tb=no", "-o", f"cache_dir={build / 'cache' / (mutant or 'none')}",
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


def run_suite(build, mutant, timeout):
    return run_tests(build, mutant, timeout, ["tests"])


def ask(build, mutant, timeout, tests):
    return run_tests(build, mutant, timeout, tests, PYTHONMALLOC="debug")


def run_mutant(build, mutant, timeout):
    first = CAUGHT_BY.get(mutant)
    seconds = 0
    if first:
        verdict, decided_by, seconds = ask(build, mutant, timeout, [first])
        if verdict in ("caught", "crashed", "hung"):
            return verdict, decided_by, seconds
    verdict, decided_by, more = run_suite(build, mutant, timeout)
    return verdict, decided_by, seconds + more


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

    # A mutant is caught by a test that passes without it.
    if any(name not in CAUGHT_BY for name, _ in wanted):
        verdict, decided_by, seconds = run_suite(build, "", options.timeout)
    else:
        verdict, decided_by, seconds = ask(build, "", options.timeout, sorted({CAUGHT_BY[name] for name, _ in wanted}))
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
                runs[name] = what, pool.submit(run_mutant, build, name, options.timeout)
        for name, (what, run) in runs.items():
            verdict, decided_by, seconds = run.result()
            caught = verdict in ("caught", "crashed", "hung")
            survived += not caught
            print(f"{name} ({what}): {verdict if caught else verdict.upper()} {decided_by} ({seconds:.0f} s)", flush=True)
    print(f"{len(runs) - survived} of {len(runs)} mutants caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
