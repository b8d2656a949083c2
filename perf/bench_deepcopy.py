# perf/bench_deepcopy.py: calque beside copy.deepcopy and the other implementations that are installed.
#
#     python perf/bench_deepcopy.py                       everything, some minutes
#     python perf/bench_deepcopy.py --quick               everything, rough
#     python perf/bench_deepcopy.py --cases 'dict*'       some cases
#     python perf/bench_deepcopy.py --compare old.json    against an earlier --json
#
# Every case runs in a process of its own (measure.py), once per pass; passes go through all cases, so that the
# measurements of a case lie minutes apart. A number is the best of all rounds of all passes. README.md has the rest.
from __future__ import annotations

import argparse
import datetime
import fnmatch
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import measure
import setting
import workloads
from measure import PEERS, STDLIB, SUBJECT

SLOW = 3.0  # below this over stdlib, a case is called slow

Results = dict[str, Any]


def child(*arguments: str) -> Any:
    command = [sys.executable, "-s", str(pathlib.Path(measure.__file__)), *arguments]
    done = subprocess.run(command, env=setting.environment(), capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def cpu_model() -> str:
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def version_of(name: str, module: Any) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(module, "__version__", "unknown"))


def describe(options: argparse.Namespace) -> Results:
    modules, absent = measure.implementations()
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "python": platform.python_version(),
        "compiler": platform.python_compiler(),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "platform": " ".join((platform.system(), platform.machine(), *platform.libc_ver())).strip(),
        "versions": {name: version_of(name, module) for name, module in modules.items() if name != STDLIB},
        "absent": absent,
        "note": options.note,
        "passes": options.passes,
        "rounds": options.rounds,
        "load_before": os.getloadavg()[0],
    }


def select(options: argparse.Namespace) -> list[workloads.Case]:
    groups = options.group or workloads.GROUPS
    patterns = options.cases or ["*"]

    def wanted(case: workloads.Case) -> bool:
        return case.group in groups and any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns)

    chosen = [case for case in workloads.CASES.values() if wanted(case)]
    if not chosen:
        sys.exit("no case matches; --list shows them all")
    order = list(workloads.GROUPS)
    return sorted(chosen, key=lambda case: order.index(case.group))


def fold(results: Results, case: workloads.Case, one: Results) -> None:
    """Takes in one pass: the best of each implementation stays."""
    entry = results.setdefault(case.name, {"group": case.group, "ns": {}, "passes": [], "wrong": {}})
    entry["passes"].append({name: {"best": round(ns, 2), "median": round(one["median"][name], 2)} for name, ns in one["best"].items()})
    entry["wrong"].update(one["wrong"])
    for name, ns in one["best"].items():
        entry["ns"][name] = round(min(ns, entry["ns"].get(name, math.inf)), 2)


def measured(case: workloads.Case, rounds: int) -> Iterable[Results]:
    """What the processes of one pass say of a case."""
    if not case.patched:
        yield child(case.name, "--rounds", str(rounds))
        return
    for name in measure.implementations()[0]:
        yield child(case.name, "--rounds", str(rounds), "--patched", name)


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def save(report: Results, file: pathlib.Path) -> None:
    """JSON, a line per case."""
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in report["cases"].items()]
    file.write_text('{"meta": %s,\n"cases": {\n%s\n}}\n' % (json.dumps(report["meta"], indent=1), ",\n".join(lines)))


def run(options: argparse.Namespace, tick: Callable[[str], None] = progress) -> Results:
    cases = select(options)
    report: Results = {"meta": describe(options), "cases": {}}
    report["meta"]["yardstick"] = child("yardstick")
    begin = time.monotonic()
    for number in range(1, options.passes + 1):
        for index, case in enumerate(cases, 1):
            tick(f"pass {number} of {options.passes}, {index} of {len(cases)}: {case.name}")
            for one in measured(case, options.rounds):
                fold(report["cases"], case, one)
        again = child("yardstick")
        report["meta"]["yardstick"] = {key: min(ns, again[key]) for key, ns in report["meta"]["yardstick"].items()}
        report["meta"].update(passes=number, load_after=os.getloadavg()[0], seconds=round(time.monotonic() - begin))
        if options.json:
            save(report, options.json)
    progress("")
    return report


# --- what the numbers say -------------------------------------------------------------------------------------------


def ratio(entry: Results, other: str) -> float | None:
    """How many times faster than `other`."""
    ns = entry["ns"]
    return ns[other] / ns[SUBJECT] if other in ns and SUBJECT in ns else None


def geomean(ratios: Iterable[float | None]) -> float | None:
    logarithms = [math.log(r) for r in ratios if r is not None]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else None


def time_text(ns: float | None) -> str:
    if ns is None:
        return "-"
    for unit, size in (("ns", 1.0), ("us", 1e3), ("ms", 1e6)):
        if ns < 1000 * size or unit == "ms":
            return f"{ns / size:.3g} {unit}" if ns < 100 * size else f"{ns / size:.0f} {unit}"
    raise AssertionError


def ratio_text(r: float | None) -> str:
    return "-" if r is None else f"{r:.2f}" if r < 10 else f"{r:.1f}"


def change(now: Results, then: Results) -> float | None:
    """How many times faster calque has become, the speed of the machine taken out by stdlib's times."""
    a, b = ratio(now, STDLIB), ratio(then, STDLIB)
    return a / b if a is not None and b is not None else None


class Table:
    def __init__(self, report: Results, old: Results | None) -> None:
        self.report = report
        self.old = old["cases"] if old else None
        self.others = [STDLIB, *(name for name in PEERS if name in report["meta"]["versions"])]
        self.cases: Results = report["cases"]

    def header(self) -> list[str]:
        times = [SUBJECT, *self.others]
        return ["case", *times, *(f"x {name}" for name in self.others), *(["x old"] if self.old is not None else [])]

    def row(self, name: str) -> list[str]:
        entry = self.cases[name]
        cells = [name, *(time_text(entry["ns"].get(who)) for who in (SUBJECT, *self.others))]
        cells += [ratio_text(ratio(entry, other)) for other in self.others]
        if self.old is not None:
            cells.append(ratio_text(change(entry, self.old[name])) if name in self.old else "new")
        return cells

    def mean_row(self, title: str, names: Sequence[str]) -> list[str]:
        entries = [self.cases[name] for name in names]
        cells = [f"{title} ({len(names)})", *("" for _ in (SUBJECT, *self.others))]
        cells += [ratio_text(geomean(ratio(entry, other) for entry in entries)) for other in self.others]
        if self.old is not None:
            cells.append(ratio_text(geomean(change(self.cases[name], self.old[name]) for name in names if name in self.old)))
        return cells

    def groups(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, entry in self.cases.items():
            found.setdefault(entry["group"], []).append(name)
        return found

    def means(self) -> list[list[str]]:
        groups = self.groups()
        rows = [self.mean_row(group, names) for group, names in groups.items()]
        core = [name for group in workloads.CORE for name in groups.get(group, [])]
        if core:
            rows.append(self.mean_row("core: memo to sample", core))
        rows.append(self.mean_row("all", list(self.cases)))
        return rows

    def losing(self) -> list[str]:
        lines = []
        for other in self.others[1:]:
            lines.append(self.below(other, 1, f"behind {other}"))
        lines.append(self.below(STDLIB, SLOW, f"less than {SLOW:g} times as fast as {STDLIB}"))
        return lines

    def below(self, other: str, limit: float, title: str) -> str:
        ratios = ((ratio(entry, other), name) for name, entry in self.cases.items())
        found = sorted((r, name) for r, name in ratios if r is not None and r < limit)
        return f"{title} in {len(found)} of {len(self.cases)}: " + (", ".join(f"{name} {ratio_text(r)}" for r, name in found) or "none")

    def wrong(self) -> list[str]:
        return [f"{name}: {who}: {what}; not timed" for name, entry in self.cases.items() for who, what in entry["wrong"].items()]

    def head(self) -> list[str]:
        meta = self.report["meta"]
        versions = ", ".join(f"{name} {version}" for name, version in meta["versions"].items())
        lines = [
            f"{meta['date']}, Python {meta['python']} ({meta['compiler']}), {versions}",
            f"{meta['cpu']}, {meta['cpus']} CPUs, load {meta['load_before']:.1f} before, {meta['load_after']:.1f} after; "
            f"best of {meta['passes']} processes per case, {meta['rounds']} rounds each, {meta['seconds']} s in all",
            f"yardstick: a METH_FASTCALL call costs {meta['yardstick']['call_ns']:.1f} ns, the loop around every call "
            f"{meta['yardstick']['loop_ns']:.1f} ns",
        ]
        lines += [f"not installed, so not in the table: {name}" for name in meta["absent"]]
        if meta["note"]:
            lines.append(meta["note"])
        return lines


def plain(rows: list[list[str]], widths: list[int]) -> list[str]:
    def line(row: list[str]) -> str:
        cells = [cell.rjust(width) for cell, width in zip(row, widths)]
        cells[0] = row[0].ljust(widths[0])
        return "  ".join(cells).rstrip()

    return [line(row) for row in rows]


def show(table: Table) -> None:
    body = [table.row(name) for name in table.cases]
    means = table.means()
    widths = [max(map(len, column)) for column in zip(table.header(), *body, *means)]
    print("\n".join([*table.head(), "", *plain([table.header(), *body], widths), "", "geometric means", *plain(means, widths), ""]))
    print("\n".join([*table.losing(), *table.wrong()]))


def markdown(table: Table) -> str:
    def lines_of(rows: list[list[str]]) -> list[str]:
        return [f"| {' | '.join(row)} |" for row in rows]

    def ratios_of(row: list[str]) -> list[str]:
        return [row[0], *row[2 + len(table.others) :]]

    def rule(cells: list[str]) -> str:
        return "|---|" + "---:|" * (len(cells) - 1)

    header = table.header()
    means = [ratios_of(["group", *header[1:]]), *map(ratios_of, table.means())]
    out = [f"# Python {table.report['meta']['python']}", ""]
    out += [f"- {line}" for line in table.head()]
    out += ["", "## Geometric means", "", *lines_of(means[:1]), rule(means[0]), *lines_of(means[1:]), ""]
    out += ["## Losing cases", "", *(f"- {line}" for line in (*table.losing(), *table.wrong())), ""]
    for group, names in table.groups().items():
        out += [f"## {group}", "", workloads.GROUPS[group][0].upper() + workloads.GROUPS[group][1:] + ".", ""]
        out += [*lines_of([header]), rule(header), *lines_of([table.row(name) for name in names]), ""]
    return "\n".join(out)


def list_cases(options: argparse.Namespace) -> None:
    group = ""
    for case in select(options):
        if case.group != group:
            group = case.group
            print(f"{group}: {workloads.GROUPS[group]}")
        print(f"    {case.name:24} {case.note}")


def main() -> int:
    parser = argparse.ArgumentParser(description="calque beside copy.deepcopy and its peers: a line per case, geometric means per group.")
    parser.add_argument("--cases", action="append", metavar="PATTERN", help="only these, e.g. 'dict*'; may be repeated")
    parser.add_argument("--group", action="append", choices=list(workloads.GROUPS), help="only this group; may be repeated")
    parser.add_argument("--rounds", type=int, help="rounds per process (30; with --quick 8)")
    parser.add_argument("--passes", type=int, help="processes per case, minutes apart (2; with --quick 1)")
    parser.add_argument("--quick", action="store_true", help="one pass, few rounds: good for a factor, not for ten percent")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="raw results, rewritten after every pass")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="the table for a results folder")
    parser.add_argument("--compare", type=pathlib.Path, metavar="FILE", help="an earlier --json: adds how many times faster calque became")
    parser.add_argument("--show", type=pathlib.Path, metavar="FILE", help="measure nothing, show an earlier --json")
    parser.add_argument("--note", default="", help="a remark that goes into head and JSON")
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    options = parser.parse_args()
    options.rounds = options.rounds or (8 if options.quick else 30)
    options.passes = options.passes or (1 if options.quick else 2)
    if options.list:
        list_cases(options)
        return 0
    setting.enter()
    old = json.loads(options.compare.read_text()) if options.compare else None
    if options.show:
        report = json.loads(options.show.read_text())
    else:
        if SUBJECT not in measure.implementations()[0]:
            sys.exit(f"{sys.executable} cannot import calque: `make build`, then use .venv/bin/python")
        report = run(options)
    table = Table(report, old)
    show(table)
    if options.markdown:
        options.markdown.write_text(markdown(table))
    return 1 if any(SUBJECT in entry["wrong"] for entry in report["cases"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
