#!/usr/bin/env python3
# perf/count_statement.py: how many instructions a statement takes, by library and by function, counted by callgrind.
#
#     perf/count_statement.py --setup 'x = [[1], [2]]' 'calque.deepcopy(x)'
#     perf/count_statement.py --per 1000 --setup '...' 'fx.run(...)'       per thousandth of a statement
#
# Counted is a function around the statement, called from C after some calls that are not: neither the interpreter's start is in it nor a loop.
# `calque`, `fx` (calque.effects) and `sdk` (perf/cpp/sdk) can be used without importing them. What stands in HACKING.md
# about single statements comes from here; whole copies are count_instructions.py's.
from __future__ import annotations

import argparse
import collections
import operator
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import count_instructions
import setting

WARM_UP, CALLS = 5, 20

CHILD = """
import gc
import calque
import calque_perf
from calque import effects as fx
{sdk}
{setup}
def statement(_):
    {statement}
gc.disable()
for _ in range({warm_up}):
    statement(None)
calque_perf.count(statement, None, {calls}, "statement")
"""


def counts_of(source: str, folder: pathlib.Path) -> dict[tuple[str, str], float]:
    """Instructions by (library, function), of one call."""
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder / 'dump'}", "-q"]
    command += [sys.executable, "-s", "-c", source]
    done = subprocess.run(command, env=setting.environment(), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the statement ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    file = count_instructions.dumps_of(folder)["statement"][0]
    text = subprocess.run(["callgrind_annotate", "--threshold=100", str(file)], capture_output=True, text=True).stdout
    found: dict[tuple[str, str], float] = collections.defaultdict(float)
    rows = re.findall(r"^ *([\d,]+) \( *[\d.]+%\)  (?!PROGRAM TOTALS)(.*?)(?: \[(.*)\])?$", text, re.MULTILINE)
    # The library is not written of every row: of a call of a function by itself ("'2") and of a part that another file's line inlined.
    named = [(re.sub(r"'\d+$", "", place.partition(":")[2] or place), library, n) for n, place, library in rows]
    library_of = {function: os.path.basename(library) for function, library, _ in named if library}
    for function, _, instructions in named:
        found[library_of.get(function, "?"), function] += int(instructions.replace(",", "")) / CALLS
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Instructions of a statement, by library and by function.")
    parser.add_argument("statement", help="what is counted")
    parser.add_argument("--setup", default="", help="what runs before it, once")
    parser.add_argument("--per", type=int, default=1, metavar="N", help="the statement does N of what is of interest")
    parser.add_argument("--lines", type=int, default=20, help="of the table of functions (default 20)")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("this needs valgrind")
    build = setting.enter()
    setting.native(build)
    sdk = "import calque_perf_sdk as sdk" if "sdk." in options.setup + options.statement else ""
    if sdk:
        setting.native(build, "calque_perf_sdk")

    source = CHILD.format(sdk=sdk, setup=options.setup, statement=options.statement.replace("\n", "\n    "), warm_up=WARM_UP, calls=CALLS)
    with tempfile.TemporaryDirectory(prefix="calque-count-") as scratch:
        counts = {place: n / options.per for place, n in counts_of(source, pathlib.Path(scratch)).items()}
    total = sum(counts.values())
    libraries: dict[str, float] = collections.defaultdict(float)
    for (library, _), instructions in counts.items():
        libraries[library] += instructions
    print(f"{total:,.0f} instructions")
    for library, instructions in sorted(libraries.items(), key=operator.itemgetter(1), reverse=True):
        if instructions >= total / 100:
            print(f"{instructions:10,.0f} {instructions / total:6.1%}  {library}")
    print()
    for (library, function), instructions in sorted(counts.items(), key=operator.itemgetter(1), reverse=True)[:options.lines]:
        print(f"{instructions:10,.1f}  {function[:100]}  [{library}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
