"""calque.Report as a page of HTML. The page is explain.html, beside this file; what differs from report to report is data in it.

Names of classes, keys and messages are anybody's text. They enter the page in two ways only: escaped by html.escape, or
as JSON in a script element of a type that browsers do not run, where no `<` is left; the page's script sets them as text. A
policy in the page forbids it to load or send anything.
"""

from __future__ import annotations

import html
import json
import pathlib
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._explain import Report

# In JSON these stand in strings only. U+2028 and U+2029 end lines in scripts.
_ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def page(report: Report) -> str:
    """See Report.to_html."""
    template = string.Template((pathlib.Path(__file__).parent / "explain.html").read_text(encoding="utf-8"))
    data = json.dumps(report.to_dict()).translate(_ESCAPED)
    return template.substitute(root=_escaped(report.root), text=_escaped(str(report)), data=data)


def _escaped(text: str) -> str:
    return html.escape("".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text))
