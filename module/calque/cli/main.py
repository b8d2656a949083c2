"""Commands, options and the exit status."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import calque
from calque.cli import target

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

ADVICE = "This table is printed with the library rich: `pip install calque[cli]`, or Debian's python3-rich. Or choose --json."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m calque",
        description="calque copies Python objects as the standard library's copy does, only faster.",
        epilog="Exit status: 0 if all went well, 1 if the object cannot be copied or a copy is not exact, 2 if the command line or a file "
        "is of no use. COMMAND --help says more.",
    )
    parser.add_argument("--version", action="version", version=f"calque {calque.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)

    commands.add_parser("demo", add_help=False, help="real object graphs copied by copy.deepcopy and by calque, side by side")

    bench = commands.add_parser(
        "bench", help="time copies of an object of yours",
        description="Time deep copies of one object by copy.deepcopy, calque.deepcopy and calque.prepare, in turn, and check that "
        "the copies are the same.")
    _add_target(bench)
    bench.add_argument("--rounds", type=_positive, default=7, metavar="N", help="rounds, of which the best counts (default: 7)")
    bench.add_argument("--json", action="store_true", help="print JSON instead of a table (needs no rich)")
    bench.set_defaults(run=_bench)

    explain = commands.add_parser(
        "explain", help="where the time of a copy of an object of yours goes",
        description="Copy one object and tell, by type and by path, how many objects there are, who copies them, how long that takes, "
        "what is slow and why, and what cannot be copied.")
    _add_target(explain)
    explain.add_argument("--failures", type=_positive, default=1, metavar="N",
                         help="how many objects that cannot be copied to look for; for each the copy is made once more (default: 1)")
    explain.add_argument("--html", type=Path, metavar="OUT", help="also write a page, complete in itself, with a chart of the time by path")
    explain.add_argument("--json", action="store_true", help="print JSON instead of text")
    explain.set_defaults(run=_explain)

    info = commands.add_parser("info", help="versions, build, plugins, patch: what a bug report needs",
                               description="Print what a bug report needs: versions, how calque was built and installed, the "
                               "strategies in use, plugins, the patch, environment variables.")
    info.add_argument("--json", action="store_true", help="print JSON")
    info.set_defaults(run=_info)
    return parser


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="OBJECT", help=target.HELP)
    parser.add_argument("--trust", action="store_true", help="read a pickle; whoever wrote it can run code here")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status. Raises SystemExit for --help (0) and wrong usage (2), as argparse does."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["demo"]:  # which has a command line of its own
            from calque.demo.cli import main as demo

            return demo(given[1:], prog="python -m calque demo")
        options = _parser().parse_args(given)
        run: Callable[[argparse.Namespace], int] = options.run
        status = run(options)
        sys.stdout.flush()
        return status
    except target.BadTarget as error:
        return _complain(error, USAGE)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # who reads has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED


def _complain(reason: object, status: int) -> int:
    print(f"calque: {reason}", file=sys.stderr)
    return status


def _bench(options: argparse.Namespace) -> int:
    if not options.json and importlib.util.find_spec("rich") is None:
        return _complain(ADVICE, USAGE)
    from calque.cli import bench

    x = target.find(options.target, options.trust)
    try:
        result = bench.measure(options.target, x, options.rounds, quiet=options.json)
    except bench.CannotBeCopied as error:
        return _complain(error, FAILED)
    if options.json:
        print(json.dumps(bench.as_json(result), indent=2))
    else:
        bench.print_table(result)
    return OK if result.verdict.exact else FAILED


def _explain(options: argparse.Namespace) -> int:
    if options.html is not None and not options.html.parent.is_dir():
        return _complain(f"--html {options.html}: there is no directory {options.html.parent}.", USAGE)
    report = calque.explain(target.find(options.target, options.trust), failures=options.failures)
    if options.html is not None:
        try:
            options.html.write_text(report.to_html(), encoding="utf-8")
        except OSError as error:
            return _complain(f"--html {options.html}: cannot be written ({error.strerror or error}).", USAGE)
    print(json.dumps(report.to_dict(), indent=2) if options.json else report)
    return OK if report.failure is None else FAILED


def _info(options: argparse.Namespace) -> int:
    from calque.cli import info

    found = info.collect()
    print(json.dumps(found, indent=2) if options.json else info.as_text(found))
    return OK
