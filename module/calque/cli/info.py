"""What a bug report needs. Uses nothing but the standard library."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
import sysconfig
from collections import Counter
from pathlib import Path
from typing import Any

import calque
from calque import _calque, _plugins

# Libraries whose versions matter: calque has code for them, or they have code for stacks and copies.
LIBRARIES = ("numpy", "greenlet", "gevent", "copium", "rich")


def collect() -> dict[str, Any]:
    """Everything, in JSON types, by section."""
    return {
        "calque": _installation(),
        "build": dict(_calque._build),
        "python": _python(),
        "patch": _patch(),
        "strategies": dict(sorted(_calque._strategies.items())),
        "plugins": _plugin_list(),
        "handlers": dict(sorted(Counter(each.source for each in calque.handlers()).items())),
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "environment": {name: value for name, value in sorted(os.environ.items())
                        if name.startswith("CALQUE_") or (name.startswith("PYTHON") and name != "PYTHONSTARTUP")},
    }


def as_text(found: dict[str, Any]) -> str:
    """The same, for people."""
    lines = []
    for section, values in found.items():
        lines.append(section)
        width = max(map(len, values), default=0)
        lines += [f"  {name:{width}}  {_word(value)}" for name, value in values.items()] or ["  none"]
    return "\n".join(lines)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _installation() -> dict[str, Any]:
    package = Path(calque.__file__).parent
    try:
        distribution = importlib.metadata.distribution("calque")
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        editable = origin.get("dir_info", {}).get("editable", False)
        how = "editable" if editable else f"installed by {(distribution.read_text('INSTALLER') or 'somebody').strip()}"
    except importlib.metadata.PackageNotFoundError:
        how = "not installed: found on the path"
    return {"version": calque.__version__, "path": str(package), "how": how, "extension": Path(_calque.__file__).name}


def _python() -> dict[str, Any]:
    libc = " ".join(platform.libc_ver())
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return {
        "version": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "virtual environment": sys.prefix != sys.base_prefix,
        "platform": f"{platform.platform()}{f', {libc}' if libc.strip() else ''}",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "debug build": bool(sysconfig.get_config_var("Py_DEBUG")),
        "GIL": "on" if gil else "off",
    }


def _patch() -> dict[str, Any]:
    lines = [str(path) for folder in dict.fromkeys(sys.path) if (path := Path(folder or ".") / "calque_autopatch.pth").is_file()]
    return {"copy is served by calque": calque.patch.enabled(), "CALQUE_PATCH": os.environ.get("CALQUE_PATCH"),
            "calque_autopatch.pth": lines, "read at the start": sys.modules.get("calque._autopatch") is not None}


def _plugin_list() -> dict[str, Any]:
    """By the library they are for: what is loaded when a copy meets it."""
    found: dict[str, Any] = {top: [plugin] for top, (plugin, _) in _plugins._OWN.items() if _plugins.has_own(top)}
    for entry in importlib.metadata.entry_points(group=_plugins.GROUP):
        found.setdefault(entry.name, []).append(entry.value)
    off = os.environ.get(_plugins.OFF, "") not in ("", "0")
    return {"switched off": off, **{f"for {top}": [f"{each} ({'loaded' if each.partition(':')[0] in sys.modules else 'not loaded'})"
                                                   for each in plugins] for top, plugins in sorted(found.items())}}
