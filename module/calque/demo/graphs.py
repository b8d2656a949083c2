"""The object graphs of the demonstration: real data that every Python installation carries.

A builder takes nothing and returns a fresh graph; two calls return equal graphs that share only what the program itself
shares (classes, functions, strings). What costs time to find out is kept between calls as plain text and tuples.
"""

from __future__ import annotations

import argparse
import ast
import email.message
import email.utils
import encodings.aliases
import fractions
import graphlib
import html.entities
import importlib
import importlib.metadata
import importlib.util
import inspect
import io
import json
import keyword
import logging
import logging.config
import logging.handlers
import mimetypes
import pathlib
import pkgutil
import sys
import sysconfig
import tokenize
import uuid
import xml.etree.ElementTree as ElementTree
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple


class Unavailable(Exception):
    """This Python has not got the data for a graph; the message is a sentence that says what is missing."""


@dataclass(frozen=True)
class Graph:
    """One row of the table."""

    name: str
    """For the command line: lower case, no spaces."""
    title: str
    """For the table: at most 24 characters."""
    build: Callable[[], object]
    """Returns a fresh graph. Raises Unavailable if this Python has not got the data."""


# What the standard library says about itself


@cache
def sources(package: str) -> tuple[tuple[str, str], ...]:
    """Return (module name, source text) for a package of the standard library and the modules directly in it.

    Raises Unavailable where Python is installed without its sources.
    """
    found = []
    for name in [package, *_submodules(package)]:
        spec = importlib.util.find_spec(name)
        loader: Any = spec.loader if spec else None
        text = loader.get_source(name) if hasattr(loader, "get_source") else None
        if text:
            found.append((name, text))
    if not found:
        raise Unavailable(f"this Python is installed without the source of {package}")
    return tuple(found)


def _submodules(package: str) -> list[str]:
    paths = getattr(importlib.import_module(package), "__path__", [])
    return sorted(f"{package}.{each.name}" for each in pkgutil.iter_modules(paths) if not each.name.startswith("__"))


@cache
def imports() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (module name, names of the modules it imports) for some packages of the standard library."""
    found = []
    for package in (
        "asyncio",
        "concurrent",
        "email",
        "http",
        "json",
        "logging",
        "multiprocessing",
        "unittest",
        "urllib",
        "xml",
    ):
        for name, text in sources(package):
            wanted: set[str] = set()
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    wanted.update(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    wanted.add(("." * node.level + (node.module or "")) if node.level else str(node.module))
            found.append((name, tuple(sorted(wanted))))
    return tuple(found)


CATALOG = """
argparse base64 bisect calendar codecs colorsys configparser copyreg csv dataclasses dis email.utils fnmatch functools
glob gzip heapq html inspect io json keyword linecache locale logging lzma mimetypes ntpath os pickle pickletools
pkgutil platform posixpath pprint random reprlib secrets shlex shutil signal socket statistics string struct subprocess
tempfile textwrap threading timeit tokenize traceback types unittest.mock urllib.parse urllib.request uuid warnings
weakref zipfile
""".split()


def functions() -> Iterator[tuple[ModuleType, str, inspect.Signature]]:
    """Yield (module, name, signature) for the public functions of the modules in CATALOG; the signatures are fresh."""
    for name in CATALOG:
        try:
            module = importlib.import_module(name)
        except ImportError:  # some builds of Python lack a library behind a module
            continue
        for public in sorted(getattr(module, "__all__", None) or vars(module)):
            each = getattr(module, public, None)
            if inspect.isfunction(each) and not public.startswith("_") and each.__module__ == name:
                yield module, public, inspect.signature(each)


# The graphs


def syntax_trees() -> dict[str, ast.Module]:
    """Syntax trees of the modules of asyncio, by name."""
    return {name: ast.parse(text, name) for name, text in sources("asyncio")}


def tokens() -> dict[str, list[tokenize.TokenInfo]]:
    """The modules of json and tokenize, cut into tokens: named tuples."""
    programs = sources("json") + sources("tokenize")
    return {name: list(tokenize.generate_tokens(io.StringIO(text).readline)) for name, text in programs}


def _to_xml(node: ast.AST) -> ElementTree.Element:
    element = ElementTree.Element(type(node).__name__)
    for name in node._attributes:
        element.set(name, str(getattr(node, name)))
    for name, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                child = _to_xml(each)
                child.set("field", name)
                element.append(child)
            elif each is not None:
                ElementTree.SubElement(element, name).text = repr(each)
    return element


@cache
def _document() -> bytes:
    root = ElementTree.Element("package", name="json")
    for name, text in sources("json"):
        module = _to_xml(ast.parse(text))
        module.set("name", name)
        root.append(module)
    return ElementTree.tostring(root)


def element() -> ElementTree.Element:
    """The modules of json as elements of XML, one for each node of their syntax trees."""
    return ElementTree.fromstring(_document())


class Index(NamedTuple):
    """An ElementTree with the look-up tables that programs keep beside one."""

    tree: ElementTree.ElementTree
    parents: dict[ElementTree.Element, ElementTree.Element]
    by_tag: dict[str, list[ElementTree.Element]]


def element_index() -> Index:
    """The same as a tree, with tables by tag and from child to parent, which share its elements."""
    tree = ElementTree.ElementTree(element())
    by_tag = defaultdict(list)
    for each in tree.iter():
        by_tag[each.tag].append(each)
    return Index(tree, {child: parent for parent in tree.iter() for child in parent}, by_tag)


@cache
def _tables() -> str:
    return json.dumps(
        {
            "build": {name: value for name, value in sysconfig.get_config_vars().items() if isinstance(value, (str, int))},
            "encodings": {alias: {"codec": name, "known": True} for alias, name in encodings.aliases.aliases.items()},
            "entities": [{"name": name, "text": text, "code": [*map(ord, text)]} for name, text in html.entities.html5.items()],
            "keywords": {"hard": keyword.kwlist, "soft": keyword.softkwlist},
            "media": [{"suffix": suffix, "type": kind.split("/")} for suffix, kind in mimetypes.types_map.items()],
            "modules": sorted(sys.stdlib_module_names),
            "paths": sysconfig.get_paths(),
        }
    )


def parsed_json() -> Any:
    """Tables of the standard library, read from JSON."""
    return json.loads(_tables())


@cache
def _lock_file() -> str:
    quote = json.dumps  # a JSON string is a TOML string
    lines = [f"version = {quote(sys.version.split()[0])}", f"requires = {quote(f'>={sys.version_info.major}')}"]
    for name, wanted in imports():
        path = pathlib.Path(getattr(importlib.util.find_spec(name), "origin", None) or "")
        changed = datetime.fromtimestamp(path.stat().st_mtime if path.is_file() else 0, timezone.utc)
        lines += ["[[module]]", f"name = {quote(name)}", f"changed = {changed.isoformat(timespec='seconds')}"]
        lines += [f"dependencies = [{', '.join(f'{{ name = {quote(each)} }}' for each in wanted)}]"]
    return "\n".join(lines)


def parsed_toml() -> Any:
    """A file like those in which package managers note versions, read from TOML. Raises Unavailable before Python 3.11."""
    try:
        import tomllib
    except ModuleNotFoundError:
        raise Unavailable("tomllib is part of Python 3.11 and newer") from None
    return tomllib.loads(_lock_file())


def _schema(parameter: inspect.Parameter) -> dict[str, Any]:
    default = parameter.default
    if default is parameter.empty:
        return {}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    if type(default) in kinds:
        return {"type": kinds[type(default)], "default": default}
    return {"nullable": True} if default is None else {"x-default-type": type(default).__name__}


def openapi() -> dict[str, Any]:
    """An OpenAPI description of the standard library: a path per function; the responses are shared by all of them."""
    responses = {
        str(code): {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
        for code, text in ((200, "the result"), (400, "TypeError or ValueError"), (500, "another exception"))
    }
    paths: dict[str, Any] = {}
    for module, name, signature in functions():
        summary = (inspect.getdoc(getattr(module, name)) or "").partition("\n")[0]
        parameters = [
            {"name": each.name, "in": "query", "required": each.default is each.empty, "schema": _schema(each)}
            for each in signature.parameters.values()
        ]
        operation = {"operationId": f"{module.__name__}.{name}", "summary": summary, "tags": [module.__name__]}
        paths[f"/{module.__name__}/{name}"] = {"post": {**operation, "parameters": parameters, "responses": responses}}
    info = {"title": "The Python standard library", "version": sys.version.split()[0]}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"responses": responses}}


def argument_parser() -> argparse.ArgumentParser:
    """A command line for the standard library: a command per module, in it one per function, with its parameters."""
    parser = argparse.ArgumentParser(prog="stdlib", description="Call a function of the standard library.")
    modules = parser.add_subparsers(title="modules", metavar="MODULE", required=True)
    commands: dict[str, Any] = {}
    for module, name, signature in functions():
        if module.__name__ not in commands:
            command = modules.add_parser(module.__name__, help=(module.__doc__ or "").partition("\n")[0].replace("%", "%%"))
            commands[module.__name__] = command.add_subparsers(title="functions", metavar="FUNCTION")
        command = commands[module.__name__].add_parser(name, add_help=False)
        required, optional = command.add_argument_group("required"), command.add_argument_group("optional")
        for each in signature.parameters.values():
            if each.default is each.empty:
                several: Any = {"nargs": "*"} if each.kind is each.VAR_POSITIONAL else {}
                required.add_argument(each.name, **several)
            elif isinstance(each.default, bool):
                optional.add_argument(f"--{each.name}", action="store_true", default=each.default)
            else:
                kind = type(each.default) if isinstance(each.default, (int, float)) else str
                optional.add_argument(f"--{each.name}", type=kind, default=each.default)
    return parser


def signatures() -> dict[str, inspect.Signature]:
    """Signatures of functions of the standard library, by name."""
    return {f"{module.__name__}.{name}": signature for module, name, signature in functions()}


@dataclass
class Package:
    """A distribution, or a package of the standard library."""

    name: str
    version: str
    files: list[File] = field(default_factory=list)
    requires: list[Requirement] = field(default_factory=list)
    required_by: list[Package] = field(default_factory=list)
    headers: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class File:
    """A file of a package; it knows its package, as a row of a database knows its parent."""

    package: Package
    path: tuple[str, ...]
    size: int | None = None
    hash: str | None = None


@dataclass
class Requirement:
    """What a package asks for; `found` if it is here."""

    text: str
    found: Package | None = None


def packages() -> dict[str, Package]:
    """The installed distributions as dataclasses, and packages of the standard library, which every machine has."""
    found: dict[str, Package] = {}
    for distribution in importlib.metadata.distributions():
        metadata = distribution.metadata
        name = metadata["Name"]
        if name is None or name in found:
            continue
        package = found[name] = Package(name, distribution.version)
        package.headers = {header: [str(each) for each in metadata.get_all(header) or ()] for header in sorted(set(metadata))}
        package.requires = [Requirement(text) for text in distribution.requires or ()]
        for path in (distribution.files or ())[:2000]:
            digest = path.hash.value if path.hash else None
            package.files.append(File(package, tuple(path.parts), path.size, digest))
    for name, wanted in imports():
        package = found.setdefault(name.partition(".")[0], Package(name.partition(".")[0], sys.version.split()[0]))
        package.files.append(File(package, tuple(name.split("."))))
        package.requires += [Requirement(each) for each in wanted]
    for package in found.values():
        for requirement in package.requires:
            end = next((at for at, sign in enumerate(requirement.text) if not (sign.isalnum() or sign in "-_")), None)
            requirement.found = found.get(requirement.text[:end])
            if requirement.found is not None and package not in requirement.found.required_by[-1:]:
                requirement.found.required_by.append(package)
    return found


@cache
def _log_calls() -> tuple[tuple[str, str, int, str], ...]:
    """Return (module, logging method, line, message) for the logging calls in the sources of the standard library."""
    found = []
    for package in ("asyncio", "concurrent.futures", "multiprocessing", "unittest"):
        for name, text in sources(package):
            for node in ast.walk(ast.parse(text)):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                    continue
                message = node.args[0]
                if node.func.attr in ("debug", "info", "warning", "error", "critical") and isinstance(message, ast.Constant):
                    if isinstance(message.value, str):
                        found.append((name, node.func.attr, node.lineno, message.value))
    return tuple(found)


def logging_setup() -> dict[str, Any]:
    """A `dictConfig` for the loggers of the standard library, its formatters and filters as objects, and log records.

    The loggers themselves are in it too: they copy as themselves. Handlers are not, see `logging_handlers`.
    """
    style: dict[str, Any] = {
        "brief": {"format": "%(levelname)s %(message)s"},
        "full": {"format": "{asctime} {name}:{lineno} {message}", "style": "{", "datefmt": "%H:%M:%S"},
    }
    configuration = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": style,
        "filters": {name: {"name": name} for name, _ in imports()},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "brief", "stream": "ext://sys.stderr"},
            "file": {"class": "logging.handlers.RotatingFileHandler", "formatter": "full", "maxBytes": 1 << 20},
        },
        "loggers": {
            name: {"level": "DEBUG" if "." in name else "INFO", "handlers": ["console", "file"], "propagate": False}
            for name in sorted(sys.stdlib_module_names)
        },
        "root": {"level": "WARNING", "handlers": ["console"]},
    }
    maker = vars(logging.config)["dictConfigClass"](configuration)  # typeshed has it as of 2026 only
    records = [
        logging.makeLogRecord(
            {
                "name": name,
                "levelname": level.upper(),
                "levelno": getattr(logging, level.upper()),
                "lineno": line,
                "msg": message,
                "created": 0.0,
                "msecs": 0.0,
                "relativeCreated": 0.0,
                "taskName": None,
            }
        )
        for name, level, line, message in _log_calls()
    ]
    return {
        "configuration": configuration,
        "formatters": {name: maker.configure_formatter(dict(each)) for name, each in style.items()},
        "filters": [logging.Filter(name) for name, _ in imports()],
        "loggers": [logging.getLogger(name) for name in ("asyncio", "concurrent.futures", "root")],
        "records": records,
    }


def logging_handlers() -> list[logging.Handler]:
    """Handlers hold locks, which do not copy: both implementations have to say so, in the same words."""
    return [logging.NullHandler(), logging.StreamHandler(io.StringIO()), logging.handlers.MemoryHandler(100)]


class Row(NamedTuple):
    """A source file of the standard library, in the types that a database driver returns."""

    key: uuid.UUID
    path: pathlib.PurePath
    bytes: int
    kib: Decimal
    share: fractions.Fraction
    changed: datetime
    day: date
    clock: time
    age: timedelta
    suffixes: frozenset[str]


def rows() -> list[Row]:
    """A row for each file of the standard library. Raises Unavailable where it comes without files."""
    top = pathlib.Path(sysconfig.get_path("stdlib"))
    files = sorted(path for pattern in ("*.py", "*/*.py") for path in top.glob(pattern) if "-packages" not in path.parts[-2])
    if not files:
        raise Unavailable("this Python is installed without the files of its standard library")
    sizes = [path.stat() for path in files]
    total, newest = sum(each.st_size for each in sizes), max(each.st_mtime for each in sizes)
    found = []
    for path, facts in zip(files, sizes, strict=False):
        changed = datetime.fromtimestamp(facts.st_mtime, timezone.utc)
        found.append(
            Row(
                key=uuid.uuid5(uuid.NAMESPACE_URL, path.as_uri()),
                path=pathlib.PurePosixPath(path.relative_to(top)),
                bytes=facts.st_size,
                kib=(Decimal(facts.st_size) / 1024).quantize(Decimal("0.01")),
                share=fractions.Fraction(facts.st_size, total),
                changed=changed,
                day=changed.date(),
                clock=changed.time(),
                age=timedelta(seconds=newest - facts.st_mtime),
                suffixes=frozenset(path.suffixes),
            )
        )
    return found


def mail() -> email.message.EmailMessage:
    """A digest of the standard library's documentation: multipart, with attachments and forwarded messages."""
    digest = _letter("The standard library, module by module", "The documentation of some modules is attached.")
    for name, text in sources("email"):
        module = importlib.import_module(name)
        letter = _letter(name, inspect.getdoc(module) or name)
        letter["In-Reply-To"] = digest["Message-ID"]
        letter.add_alternative(f"<pre>{html.escape(text[:4000])}</pre>", subtype="html")
        letter.add_attachment(text.encode(), maintype="text", subtype="x-python", filename=f"{name}.py")
        digest.add_attachment(letter)
    return digest


def _letter(subject: str, text: str) -> email.message.EmailMessage:
    letter = email.message.EmailMessage()
    letter["Subject"] = subject
    letter["From"] = "Docs <docs@example.org>"
    letter["To"] = "Readers <readers@example.org>, Archive <archive@example.org>"
    letter["Date"] = email.utils.format_datetime(datetime(2000, 1, 1, tzinfo=timezone.utc))
    letter["Message-ID"] = f"<{subject.replace(' ', '.')}@example.org>"
    letter.set_content(text)
    return letter


def import_order() -> dict[str, Any]:
    """The imports of the standard library as `graphlib` keeps them (nodes with slots), and statistics on them."""
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter(dict(imports()))
    wanted = Counter(each for _, several in imports() for each in several)
    first = OrderedDict((name, set(several)) for name, several in imports())
    return {"sorter": sorter, "wanted": wanted, "first": first}


GRAPHS: tuple[Graph, ...] = (
    Graph("ast", "syntax trees of asyncio", syntax_trees),
    Graph("tokens", "tokenized programs", tokens),
    Graph("element", "XML element tree in C", element),
    Graph("xml", "ElementTree with index", element_index),
    Graph("json", "parsed JSON", parsed_json),
    Graph("toml", "parsed TOML", parsed_toml),
    Graph("openapi", "OpenAPI description", openapi),
    Graph("argparse", "argparse parser", argument_parser),
    Graph("signatures", "function signatures", signatures),
    Graph("packages", "packages as dataclasses", packages),
    Graph("rows", "rows of typed columns", rows),
    Graph("email", "email message", mail),
    Graph("imports", "graph of imports", import_order),
    Graph("logging", "logging configuration", logging_setup),
    Graph("handlers", "logging handlers (locks)", logging_handlers),
)
