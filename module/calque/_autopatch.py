"""`CALQUE_PATCH=1 python app.py`: the patch for a program that does not know of calque.

An installed calque has a file `calque_autopatch.pth` beside the package. Every start of the interpreter runs the line in it (module
`site`), which imports this module where the variable is set; without the variable it imports nothing.

    CALQUE_PATCH=1               calque.patch.enable(), before the program begins
    CALQUE_PATCH=0, empty, unset nothing
    anything else                nothing, and a line on stderr

An interpreter that starts must start: whatever goes wrong here is one line on stderr, and `copy` stays the standard library's.

Child processes inherit the variable, and so do other interpreters among them: those with a calque are patched, those without do not
know it. `python -E` and `-I` mean that the environment shall not change what a program does, so the variable does not count; with `-S`
nobody reads the line. In a virtual environment the calque installed there counts (and the system's, if the environment sees those
packages); an editable install has the line too. A sub-interpreter cannot have calque, and says so where the variable is set.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "CALQUE_PATCH"


def _say(sentence: str) -> None:
    # If stderr is closed or full this fails, and the line in the .pth file keeps that to itself.
    sys.stderr.write(f"calque: {' '.join(sentence.split())}\n")


def _apply(value: str) -> None:
    if value in ("", "0"):
        return
    if value != "1":
        _say(f"{VARIABLE} expects 1 (copy is patched) or 0 (it is not), and is {value!r}; copy is as it was")
        return
    from . import patch

    try:
        patch.enable()
    except RuntimeError as error:
        _say(f"{VARIABLE}=1, and copy is as it was: {error}")


_apply(os.environ.get(VARIABLE, ""))
