# perf/chart.py: a run of make bench as one SVG bar chart, readable on light and on dark ground.
from __future__ import annotations

import html
import math
from typing import Any

import cases
from measure import STDLIB, SUBJECT
from targets import PEER, floor_over_stdlib, geomean, ratios

WIDTH, LEFT, RIGHT, TOP = 860, 150, 70, 74
BAR, GAP = 11, 12  # a bar's height, and what is between groups

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.small { font-size: 10px; fill: #57606a }
.title { font-size: 15px; font-weight: 600 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.one { stroke: #57606a; stroke-width: 1.5 }
.calque { fill: #0969da } .copium { fill: #bf8700 } .stdlib { fill: #8c959f } .floor { fill: none; stroke: #1a7f37; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .grid { stroke: #30363d } .one { stroke: #9198a1 }
  .calque { fill: #4493f8 } .copium { fill: #d29922 } .stdlib { fill: #656c76 } .floor { stroke: #3fb950 }
}
""".strip()


def bars_of(report: dict[str, Any], group: str) -> list[tuple[str, float]]:
    """Name and factor over stdlib, the top one first."""
    found: list[tuple[str, float | None]] = []
    ours = ratios(report, [group], STDLIB)
    theirs = {name: ours[name] / ratio for name, ratio in ratios(report, [group], PEER).items()}
    found.append((SUBJECT, geomean(ours.values()) if ours else None))
    found.append((PEER, geomean(theirs.values()) if theirs else None))
    found.append((STDLIB, 1.0))
    found.append(("floor", floor_over_stdlib(report, [group])))
    return [(name, factor) for name, factor in found if factor is not None]


def draw(report: dict[str, Any]) -> str:
    groups = [group for group in cases.GROUPS if ratios(report, [group], STDLIB)]
    bars = {group: bars_of(report, group) for group in groups}
    factors = [factor for found in bars.values() for _, factor in found]
    low, high = 0.5, max(10.0, 1.15 * max(factors, default=1))

    def x(factor: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(max(factor, low) / low) / math.log(high / low)

    body: list[str] = []
    y = TOP
    for group in groups:
        solid = [bar for bar in bars[group] if bar[0] != "floor"]
        height = BAR * len(solid)
        count = sum(entry["group"] == group for entry in report["cases"].values())
        body.append(f'<text x="{LEFT - 10}" y="{y + height / 2 + 1:.0f}" text-anchor="end">{html.escape(group)}</text>')
        plural = "case" if count == 1 else "cases"
        body.append(f'<text x="{LEFT - 10}" y="{y + height / 2 + 13:.0f}" text-anchor="end" class="small">{count} {plural}</text>')
        for i, (name, factor) in enumerate(solid):
            begin, end = sorted((x(low), x(factor)))
            top = y + i * BAR
            body.append(f'<rect class="{name}" x="{begin:.1f}" y="{top}" width="{max(end - begin, 1):.1f}" height="{BAR - 1}" rx="1.5"/>')
            body.append(f'<text x="{end + 4:.1f}" y="{top + BAR - 2}" class="small">{factor:.3g}</text>')
        for name, factor in bars[group]:
            if name == "floor":
                body.append(f'<path class="floor" d="M {x(factor):.1f} {y - 3} V {y + height + 2}"/>')
        y += height + GAP
    grid = []
    for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500):
        if tick <= high:
            kind = "one" if tick == 1 else "grid"
            grid.append(f'<path class="{kind}" d="M {x(tick):.1f} {TOP - 8} V {y - GAP + 6}"/>')
            grid.append(f'<text x="{x(tick):.1f}" y="{y + 6}" text-anchor="middle" class="small">{tick:g}x</text>')
    meta = report["meta"]
    versions = ", ".join(f"{name} {version}" for name, version in meta["versions"].items())
    legend, at = [], LEFT
    for name, text in ((SUBJECT, SUBJECT), (PEER, PEER), (STDLIB, "copy.deepcopy"), ("floor", "floor (straight-line rebuild)")):
        if any(name == bar for found in bars.values() for bar, _ in found):
            mark = f'<path class="floor" d="M {at + 6} 40 V 52"/>' if name == "floor" else f'<rect class="{name}" x="{at}" y="41" width="12" height="10"/>'
            legend.append(f'{mark}<text x="{at + 17}" y="50">{text}</text>')
            at += 40 + 7 * len(text)
    head = f'<text x="{LEFT}" y="24" class="title">Times faster than the standard library (geometric mean, logarithmic)</text>'
    foot = f'<text x="{LEFT}" y="{y + 26}" class="small">Python {meta["python"]}, {html.escape(versions)}; {html.escape(meta["cpu"])}; {meta["date"][:10]}</text>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 36}" width="{WIDTH}" height="{y + 36}" role="img" '
            'aria-label="Times faster than the standard library, by group of cases">',
            f"<style>{STYLE}</style>",
            head,
            *legend,
            *grid,
            *body,
            foot,
            "</svg>",
            "",
        ]
    )
