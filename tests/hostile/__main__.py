"""python -m tests.hostile: hostile objects, each hook crossed with each action at each place of a graph; see harness.py."""

import argparse
import json
import re
import sys
import time

from . import harness


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--child":
        options, start, count, progress = json.loads(sys.argv[2])
        return harness.child(options, start, count, progress)
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--hook", action="append", help="only hooks that match this pattern")
    parser.add_argument("--action", action="append", help="only actions that match this pattern")
    parser.add_argument("--position", action="append", help="only positions that match this pattern")
    parser.add_argument("--mode", action="append", choices=harness.MODES)
    parser.add_argument("--every", type=int, default=1, help="one case of so many (default 1: all)")
    parser.add_argument("--seed", type=int, default=0, help="which one of so many")
    parser.add_argument("--case", help="one case by its whole name, in this process")
    parser.add_argument("--show", action="store_true", help="with --case: all that the two runs gave")
    parser.add_argument("--count", action="store_true", help="only tell how many cases there are")
    parser.add_argument("--batch", type=int, default=4000, help="cases per child process (default 4000)")
    parser.add_argument("--brief", action="store_true", help="one line per failure")
    options = parser.parse_args()
    if options.case:
        sys.setrecursionlimit(600)
        what = harness.difference(harness.Case(*options.case.split(" / ")))
        if options.show:
            for name in ("stdlib", "calque"):
                outcome = harness.run(harness.Case(*options.case.split(" / ")), name)
                print(name, json.dumps(outcome, indent=1))
        print(what or "the same")
        return 1 if what else 0

    def matching(names, patterns):
        return [name for name in names if any(re.search(pattern, name) for pattern in patterns)] if patterns else None

    chosen = {"wanted_hooks": matching(harness.HOOKS, options.hook), "wanted_actions": matching(harness.ACTIONS, options.action),
              "wanted_positions": matching(harness.POSITIONS, options.position), "wanted_modes": options.mode, "every": options.every, "seed": options.seed}
    print(f"{len(harness.HOOKS)} hooks, {len(harness.ACTIONS)} actions, {len(harness.POSITIONS)} positions, {sum(1 for _ in harness.cases(**chosen))} cases",
          flush=True)
    if options.count:
        return 0
    began = time.monotonic()

    def on_failure(case, what):
        lines = what.splitlines()
        print(f"{case}: " + (lines[0] + " " + " | ".join(line.strip() for line in lines[-2:]) if options.brief else what), flush=True)

    result = harness.run_cases(batch=options.batch, on_failure=on_failure, **chosen)
    print(f"{result.run} cases, {len(result.failures)} failures, {result.stopped} without a result in copy itself, {time.monotonic() - began:.0f} s")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
