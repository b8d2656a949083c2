#!/usr/bin/env python3
# perf/bench.py: everything that perf/ measures in one run: times, floor, memory, threads, targets. `make bench` runs it.
#
#     perf/bench.py                 under 15 minutes; writes JSON, a table and a chart to perf/results/
#     perf/bench.py --quick         rough, some minutes
#     perf/bench.py --cases 'dict*' --results /tmp     some cases, elsewhere
from __future__ import annotations

import argparse
import datetime
import json
import pathlib
import sys
import time
from typing import Any

import bench_deepcopy
import chart
import extras
import floor
import measure
import setting
import targets
import workloads
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PASSES, ROUNDS = 2, 30
QUICK_PASSES, QUICK_ROUNDS = 1, 8


def floor_cases(chosen: list[workloads.Case]) -> list[str]:
    """Cycles are not freed by the release of the copy, so that they would not be in the floor's time."""
    wanted = [case.name for case in chosen if case.group in workloads.CORE]
    return [name for name in wanted if not name.startswith(("cyclic_", "graph-", "image"))]


def measure_all(options: argparse.Namespace, build: pathlib.Path | None) -> dict[str, Any]:
    native = setting.native(build)
    chosen = bench_deepcopy.select(options)
    on_floor = floor_cases(chosen) if floor.available(native) else []
    columns = (TextColumn("{task.description:32.32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        times = progress.add_task("times", total=options.passes * len(chosen))
        heights = progress.add_task("floor", total=options.passes * len(on_floor))
        rest = progress.add_task("memory, threads, large copies", total=None)

        # Called as a case begins.
        progress.update(times, completed=-1)
        report = bench_deepcopy.run(options, lambda text: progress.update(times, description=text.rpartition(": ")[2], advance=1))
        progress.update(times, description="times", completed=options.passes * len(chosen))
        report["floor"] = {}
        for _ in range(options.passes):
            for name in on_floor:
                progress.update(heights, description=f"floor: {name}")
                report["floor"][name] = floor.merge(report["floor"].get(name, {}), floor.child(name, options.rounds))
                progress.advance(heights)
        progress.update(heights, description="floor")
        if not (options.cases or options.group):
            others = extras.Extras(build, options.quick, lambda text: progress.update(rest, description=text, advance=1))
            progress.update(rest, total=others.steps())
            report["extras"] = others.everything()
            progress.update(rest, description="memory, threads, large copies", completed=others.steps())
    return report


def save(report: dict[str, Any], file: pathlib.Path) -> None:
    """JSON, a line per case."""
    parts = [f'"meta": {json.dumps(report["meta"], indent=1)}']
    for key in ("cases", "floor"):
        lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in report.get(key, {}).items()]
        parts.append('"%s": {\n%s\n}' % (key, ",\n".join(lines)))
    for key, entry in report.get("extras", {}).items():
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in entry.items()]
        parts.append('"%s": {\n%s\n}' % (f"extras {key}", ",\n".join(lines)))
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def floor_lines(report: dict[str, Any]) -> list[str]:
    rows = ["| case | floor | calque | ratio |", "|---|---:|---:|---:|"]
    for name in floor.CASES:
        if name in report["floor"]:
            entry = report["floor"][name]
            cells = [name, *(bench_deepcopy.time_text(entry[who]) for who in ("floor", measure.SUBJECT)), f"{floor.ratio(entry):.2f}"]
            rows.append(f"| {' | '.join(cells)} |")
    return rows


def page(report: dict[str, Any], table: bench_deepcopy.Table, picture: str) -> str:
    title, _, rest = bench_deepcopy.markdown(table).partition("\n## ")
    found = targets.verdicts(report)
    parts = [title.rstrip(), "", f"![Times faster than the standard library]({picture})", ""]
    parts += ["## Targets", "", targets.summary(found).capitalize() + ".", "", *targets.markdown(found), ""]
    if report.get("floor"):
        parts += ["## Floor", "", *floor_lines(report), ""]
    return "\n".join(parts) + "\n## " + rest


def main() -> int:
    parser = argparse.ArgumentParser(description="Times, floor, memory, threads, targets.")
    parser.add_argument("--cases", action="append", metavar="PATTERN", help="only these; may be repeated")
    parser.add_argument("--group", action="append", choices=list(workloads.GROUPS), help="only this group; may be repeated")
    parser.add_argument("--quick", action="store_true", help="one pass, few rounds: good for a factor, not for ten percent")
    parser.add_argument("--results", type=pathlib.Path, default=setting.HERE / "results", metavar="FOLDER")
    parser.add_argument("--note", default="", help="a remark that goes into the head")
    parser.add_argument("--show", type=pathlib.Path, metavar="FILE", help="measure nothing: show, and write the table and chart of, an earlier JSON")
    options = parser.parse_args()
    options.passes, options.rounds = (QUICK_PASSES, QUICK_ROUNDS) if options.quick else (PASSES, ROUNDS)
    options.json = None
    if options.show:
        report, stem = targets.load(options.show), options.show.stem
    else:
        build = setting.enter()
        if build is not None and (why := setting.plain_release(build)):
            sys.exit(f"this is not the build that users get, {why}: make build")
        begin = time.monotonic()
        report = measure_all(options, build)
        report["meta"]["seconds"] = round(time.monotonic() - begin)
        minor = ".".join(report["meta"]["python"].split(".")[:2])
        stem = f"{datetime.date.today().isoformat()}-bench-python-{minor}"
    options.results.mkdir(parents=True, exist_ok=True)
    files = {kind: options.results / f"{stem}.{kind}" for kind in ("json", "md", "svg")}
    table = bench_deepcopy.Table(report, None)
    if not options.show:
        save(report, files["json"])
    files["svg"].write_text(chart.draw(report))
    files["md"].write_text(page(report, table, files["svg"].name))
    bench_deepcopy.show(table)
    if report.get("extras"):
        print()
        extras.show(report["extras"])
    print("\n" + "\n".join(targets.plain(targets.verdicts(report))))
    print("\nwritten: " + ", ".join(str(file) for file in files.values()))
    return 1 if any(measure.SUBJECT in entry["wrong"] for entry in report["cases"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
