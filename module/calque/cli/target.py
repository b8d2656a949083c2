"""The object that a command is about.

    data.json, .toml, .xml      what is in the file
    data.pickle, .pkl           the same, with --trust: reading a pickle runs the code that it names
    package.module:name         an object of a module, which is imported
    script.py:name              an object of a script, which is run, not as __main__
    ...:name.attribute          an attribute of it
    ...:name()                  what it returns when it is called without arguments; the last name only

Whatever is wrong with a target is a `BadTarget`, whose text is one sentence for the user.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from calque.demo.files import LOADERS, Unreadable, load

HELP = (f"a file ({', '.join(LOADERS)}), or module:object, or script.py:object; the object may be an attribute (module:a.b) and, with () "
        "behind it, is called. Modules and scripts are run")
PICKLES = (".pickle", ".pkl")


class BadTarget(Exception):
    """There is no such object, or it cannot be had; the message is a sentence for the user."""


def find(text: str, trust: bool) -> Any:
    """The object that `text` names. `trust`: a pickle may be read.

    Raises:
        BadTarget: it cannot be had.
    """
    path = Path(text)
    if path.suffix.lower() in LOADERS:
        if path.suffix.lower() in PICKLES and not trust:
            raise BadTarget(f"{text} is a pickle, and reading one runs whatever code it names; if you trust who wrote it, add --trust.")
        try:
            return load(path)
        except Unreadable as error:
            raise BadTarget(str(error)) from None
    where, colon, names = text.rpartition(":")
    if text.endswith(".py") or not colon:
        raise BadTarget(_advice(path))
    if Path(where).suffix.lower() in LOADERS:
        raise BadTarget(f"{where} is one object as a whole: leave out :{names}.")
    module = _script(Path(where)) if where.endswith(".py") else _module(where)
    return _object(module, where, names)


def _advice(path: Path) -> str:
    """What to write instead of a target without an object."""
    if path.suffix != ".py":
        known = ", ".join(LOADERS)
        return f"{path} does not say which object: expected a file that ends in {known}, or module:object, or script.py:object."
    try:
        body = ast.parse(path.read_bytes()).body
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror or error})."
    except (SyntaxError, ValueError) as error:
        return f"{path}: is no Python ({error})."
    made = [target.id for statement in body if isinstance(statement, ast.Assign) for target in statement.targets if isinstance(target, ast.Name)]
    made += [statement.name + "()" for statement in body if isinstance(statement, ast.FunctionDef) and not _needs_arguments(statement)]
    which = f", for example {path}:{made[0]}" if made else ""
    more = f" (it has {', '.join(made[:8])}{', ...' if made[8:] else ''})" if made[1:] else ""
    return f"{path} does not say which object: expected {path}:NAME{which}{more}."


def _needs_arguments(function: ast.FunctionDef) -> bool:
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > 0 or None in arguments.kw_defaults


def _module(name: str) -> ModuleType:
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise BadTarget(f"{name!r} is not the name of a module: expected module:object, or script.py:object.")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise BadTarget(f"there is no module {error.name}; modules are looked for in the current directory and where Python "
                            "has its packages.") from None
        raise BadTarget(_raised(f"importing {name}", error)) from None
    except (Exception, SystemExit) as error:
        raise BadTarget(_raised(f"importing {name}", error)) from None


def _script(path: Path) -> ModuleType:
    name = path.stem if path.stem.isidentifier() and path.stem not in sys.modules else "calque_target"
    if not path.is_file():
        raise BadTarget(f"{path}: cannot be read ({'it is a directory' if path.is_dir() else 'No such file or directory'}).")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # the name ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))  # as for a script: what lies beside it can be imported
    sys.modules[name] = module  # dataclasses and pickles look there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise BadTarget(_raised(f"running {path}", error)) from None
    return module


def _object(module: ModuleType, where: str, names: str) -> Any:
    path = names.removesuffix("()")
    if not path or not all(part.isidentifier() for part in path.split(".")):
        raise BadTarget(f"{names!r} is not the name of an object of {where}: expected a name, name.attribute, or name().")
    found: Any = module
    said, joint = where, ":"
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            what = f"{said} has no {part}"
            if found is module:
                public = [name for name in vars(module) if not name.startswith("_") and not isinstance(vars(module)[name], ModuleType)]
                what += f"; it has {', '.join(public[:8])}{', ...' if public[8:] else ''}" if public else ""
            raise BadTarget(f"{what}.") from None
        except Exception as error:  # a property
            raise BadTarget(_raised(f"{said}{joint}{part}", error)) from None
        said, joint = f"{said}{joint}{part}", "."
    if not names.endswith("()"):
        return found
    if not callable(found):
        raise BadTarget(f"{where}:{path} is a {type(found).__name__}, which cannot be called: leave out the ().")
    try:
        return found()
    except (Exception, SystemExit) as error:
        raise BadTarget(_raised(f"{where}:{path}()", error)) from None


def _raised(what: str, error: BaseException) -> str:
    """A sentence about an exception of the user's code, with the place where it was raised."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if not frame.filename.startswith("<") and Path(frame.filename) not in _OURS]
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{what} raised {type(error).__name__}{': ' + text if text else ''}{place}."


_OURS = {Path(__file__), Path(importlib.__file__ or "")}
