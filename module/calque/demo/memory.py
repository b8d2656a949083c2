"""Peak memory of one deep copy, in a process of its own: `python -m calque.demo.memory stdlib|calque GRAPH|FILE`.

The figure is the growth of the resident set from just before the copy to its peak while the copy is made: `VmHWM`
after it, reset before it through `/proc/self/clear_refs`, minus `VmRSS` before it. (`ru_maxrss` is of no use for this:
it cannot be reset, so what building the graph took would hide the copy, and a child inherits it from its parent.)
Memory that was free before the copy and is used by it does not count; both implementations start from the same state.
"""

from __future__ import annotations

import copy
import gc
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METHOD = "peak resident memory (VmHWM) over that before the copy (VmRSS), in a process of its own"


@dataclass(frozen=True)
class Memory:
    """What a child process found out about one implementation on one graph."""

    growth: int | None
    """Peak growth in bytes; None if the copy fails or this system does not tell."""
    signal: int = 0
    """The signal that ended the child during the copy, 0 for none."""


def measure(target: str, implementations: list[str]) -> list[Memory]:
    """Run one child per implementation, at the same time, on a graph's name or a file's path.

    Raises RuntimeError with the child's words if one fails for a reason of its own.
    """
    command = [sys.executable, "-m", "calque.demo.memory"]
    children = [
        subprocess.Popen([*command, name, target], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in implementations
    ]
    found = []
    for child in children:
        output, errors = child.communicate()
        if child.returncode < 0:
            found.append(Memory(None, -child.returncode))
        elif child.returncode:
            raise RuntimeError(f"the process that measures memory failed: {errors.decode(errors='replace').strip()}")
        else:
            found.append(Memory(json.loads(output)["growth"]))
    return found


def _status() -> dict[str, int]:
    """Read the sizes in /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}


def growth_of(deepcopy: Any, source: object, keep: list[object]) -> int | None:
    """Return the peak growth of this process while `source` is copied, in bytes; None if it raises or cannot be told.

    The copy is appended to `keep`.
    """
    try:
        deepcopy([[]])  # what an implementation allocates once per process is not the copy's
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = _status()["VmRSS"]
        keep.append(deepcopy(source))
        peak = _status()["VmHWM"]
    except Exception:
        return None
    return max(0, peak - before)


def main() -> None:
    """Copy what the command line names, print the growth as JSON, and end the process."""
    import calque
    from calque.demo.files import load
    from calque.demo.graphs import GRAPHS

    implementation, target = sys.argv[1:]
    build = next((graph.build for graph in GRAPHS if graph.name == target), lambda: load(Path(target)))
    deepcopy = calque.deepcopy if implementation == "calque" else copy.deepcopy
    source = build()
    keep: list[object] = []
    print(json.dumps({"growth": growth_of(deepcopy, source, keep)}), flush=True)
    os._exit(0)  # nobody needs the graphs freed


if __name__ == "__main__":
    main()
