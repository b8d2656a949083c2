"""The command line of the demonstration, and its exit status."""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import calque
from calque.demo import memory, report
from calque.demo.files import LOADERS, Unreadable, load
from calque.demo.graphs import GRAPHS, Graph, Unavailable
from calque.demo.measure import DeepCopy, Failure, Verdict, best_times, judge

EXACT, INEXACT, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Copy real object graphs with copy.deepcopy and with calque.deepcopy, check that the copies are "
        "the same, and print what each took in time and memory.",
        epilog="Exit status: 0 if every graph was copied exactly, 1 if one was not, 2 if the command or a file is of no use.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help=f"files to copy as well, told apart by their ending ({', '.join(LOADERS)}); "
        "reading a pickle runs the code it names: give only pickles that you trust",
    )
    names = ", ".join(graph.name for graph in GRAPHS)
    parser.add_argument("--graph", action="append", metavar="NAME", help=f"only this graph, may be repeated: {names}")
    parser.add_argument("--files-only", action="store_true", help="only the FILEs, none of the graphs")
    parser.add_argument("--rounds", type=_positive, default=7, metavar="N", help="rounds per graph, the best counts (default: 7)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table (needs no rich)")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def _chosen(options: argparse.Namespace, parser: argparse.ArgumentParser) -> list[Graph]:
    known = {graph.name: graph for graph in GRAPHS}
    for name in options.graph or ():
        if name not in known:
            parser.error(f"argument --graph: expected one of {', '.join(known)}, got {name!r}")
    if options.files_only:
        if options.graph or not options.files:
            parser.error("argument --files-only: needs a FILE, and excludes --graph")
        return []
    return [known[name] for name in dict.fromkeys(options.graph)] if options.graph else list(GRAPHS)


def main(arguments: Sequence[str] | None = None, prog: str = "python -m calque.demo") -> int:
    """Run the demonstration; return 0 if every copy was exact, 1 if not, 2 for input that is of no use.

    Like every argparse program it raises SystemExit for --help (status 0) and wrong usage (status 2).
    """
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    graphs = _chosen(options, parser)
    if not options.json and importlib.util.find_spec("rich") is None:
        print(report.ADVICE, file=sys.stderr)
        return UNUSABLE
    try:
        for path in options.files:
            load(path)
        files = [Graph(str(path.resolve()), path.name, partial(load, path)) for path in options.files]
        return run([*files, *graphs], options.rounds, options.json)
    except Unreadable as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the table has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED


def run(graphs: list[Graph], rounds: int, in_json: bool) -> int:
    """Measure and judge the graphs, print the report, and return the exit status."""
    found = report.Report(rounds)
    if in_json:
        for graph in graphs:
            _row(graph, found, lambda text: None)
        print(json.dumps(report.as_json(found), indent=2))
    else:
        with report.progress(3 * len(graphs)) as step:
            for graph in graphs:
                _row(graph, found, step)
        report.print_table(found)
    return EXACT if found.exact else INEXACT


def _row(graph: Graph, found: report.Report, step: Callable[[str], None]) -> None:
    """Add the row of one graph to the report, or the reason why there is none. Calls `step` three times."""
    step(f"{graph.title}: memory")
    try:
        graph.build()
    except Unavailable as error:
        found.skipped[graph.title] = str(error)
        for _ in range(2):
            step(graph.title)
        return
    used = memory.measure(graph.name, ["stdlib", "calque"])
    step(f"{graph.title}: exact?")
    fatal = [_signal_name(each.signal) for each in used]
    if fatal[1]:  # it would end this process too
        also = f"stdlib in {fatal[0]}" if fatal[0] else "stdlib does not"
        verdict = Verdict(False, 0, f"calque ends in {fatal[1]}, which ends the process; {also}")
        found.results.append(report.Result(graph.title, [fatal[0] or "not run", fatal[1]], used, verdict))
        step(graph.title)
        return
    if fatal[0]:
        verdict = judge(graph.build, Failure(f"{fatal[0]}, which ends the process", too_deep=True), calque.deepcopy)
    else:
        verdict = judge(graph.build, copy.deepcopy, calque.deepcopy)
    step(f"{graph.title}: time")
    contenders: list[DeepCopy] = [calque.deepcopy] if fatal[0] else [copy.deepcopy, calque.deepcopy]
    times = best_times(graph.build, contenders, found.rounds)
    if fatal[0]:
        times.insert(0, fatal[0])
    found.results.append(report.Result(graph.title, times, used, verdict))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}" if number else ""
