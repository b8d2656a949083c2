#!/usr/bin/env python3
# perf/dropin.py: programs that do not know of calque, with CALQUE_PATCH=1 and without it.
#
#     perf/dropin.py                    every program whose library is installed, and what the start of an interpreter costs
#     perf/dropin.py deap networkx      some of them
#     perf/dropin.py --rounds 3 --starts 50 --write
#
# It wants an interpreter in which calque is installed, or the environment of a build: python -m pip install calque
# networkx pydantic deap marshmallow django. Every figure is from a process of its own, in which a program works a fixed
# number of times and keeps the best; processes with the variable and without it take turns. A process with it must have
# been patched, one without it must not have imported calque, and both must have come to the same result.
from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

VARIABLE = "CALQUE_PATCH"
TURNS = 7  # of a program within a process
Work = Callable[[], object]  # what is timed; it returns what must be the same with and without calque


# --- the programs: each is set up once and gives back the work ----------------------------------------------------------


def asdict() -> Work:
    @dataclasses.dataclass
    class Line:
        article: str
        price: Decimal
        tags: set[str]

    @dataclasses.dataclass
    class Order:
        number: int
        at: datetime.datetime
        lines: list[Line]
        notes: dict[str, list[str]]

    at = datetime.datetime(2026, 1, 1)
    orders = [Order(n, at + datetime.timedelta(n), [Line("nail", Decimal(n), {"a", "b"}) for _ in range(5)], {"x": ["y"]})
              for n in range(100)]
    return lambda: [dataclasses.asdict(order) for order in orders]


def pydantic_defaults() -> Work:
    import pydantic

    class Settings(pydantic.BaseModel):
        name: str
        limits: dict[str, dict[str, int]] = {"cpu": {"soft": 1, "hard": 2}, "memory": {"soft": 1, "hard": 2}}
        hosts: list[dict[str, Any]] = [{"name": "a", "ports": [80, 443]}, {"name": "b", "ports": [8080]}]
        labels: list[str] = []

    return lambda: [Settings(name="x").model_dump() for _ in range(500)]


def pydantic_copies() -> Work:
    import pydantic

    class Item(pydantic.BaseModel):
        name: str
        tags: list[str]

    class Basket(pydantic.BaseModel):
        items: list[Item]

    basket = Basket(items=[Item(name=str(n), tags=["a", "b"]) for n in range(100)])
    return lambda: basket.model_copy(deep=True).model_dump()


def networkx_graph() -> Work:
    import networkx

    graph = networkx.gnp_random_graph(150, 0.05, seed=1, directed=True)
    for a, b, data in graph.edges(data=True):
        data.update(weight=a * b, labels=["x", {"way": (a, b)}])
    return lambda: sorted(graph.to_undirected().edges(data="weight"))


def deap_evolution() -> Work:
    import random

    from deap import algorithms, base, creator, tools

    creator.create("Fitness", base.Fitness, weights=(1.0,))
    creator.create("Individual", list, fitness=creator.Fitness)
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, creator.Individual, toolbox.bit, 50)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("evaluate", lambda individual: (sum(individual),))
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.05)
    toolbox.register("select", tools.selTournament, tournsize=3)

    def work() -> object:
        random.seed(7)
        population, _ = algorithms.eaSimple(toolbox.population(n=100), toolbox, 0.5, 0.2, ngen=10, verbose=False)
        return [list(individual) for individual in population]

    return work


def marshmallow_schemas() -> Work:
    from marshmallow import Schema, fields

    class Author(Schema):
        name = fields.Str(required=True)
        email = fields.Email()

    class Book(Schema):
        title = fields.Str()
        published = fields.Date()
        pages = fields.Int(load_default=0)
        author = fields.Nested(Author)

    return lambda: [Book().load({"title": "a", "author": {"name": "b"}}) for _ in range(100)]


def django_forms() -> Work:
    import django
    from django import forms
    from django.conf import settings

    settings.configure(USE_I18N=False)
    django.setup()

    class Contact(forms.Form):
        name = forms.CharField(max_length=20)
        mail = forms.EmailField(required=False)
        kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")])
        amount = forms.DecimalField(min_value=0)

    def work() -> object:
        made = [Contact({"name": "x", "kind": "a", "amount": "3"}) for _ in range(50)]
        return [form.is_valid() for form in made]

    return work


# name -> (what it shows, the distribution it needs, the program)
PROGRAMS: dict[str, tuple[str, str | None, Callable[[], Work]]] = {
    "asdict": ("dataclasses.asdict of 100 orders of 5 lines", None, asdict),
    "pydantic-defaults": ("500 models with three mutable defaults, dumped", "pydantic", pydantic_defaults),
    "pydantic-copy": ("model_copy(deep=True) of 100 models, dumped", "pydantic", pydantic_copies),
    "networkx": ("to_undirected() of 150 nodes, 1,100 edges with attributes", "networkx", networkx_graph),
    "deap": ("eaSimple, 10 generations of 100 individuals", "deap", deap_evolution),
    "marshmallow": ("100 schemas made, and a book loaded by each", "marshmallow", marshmallow_schemas),
    "django": ("50 forms made and validated", "django", django_forms),
}


# --- in the child -------------------------------------------------------------------------------------------------------


def child(name: str) -> None:
    work = PROGRAMS[name][2]()
    result = repr(work())
    best = math.inf
    for _ in range(TURNS):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    calque = sys.modules.get("calque")
    print(json.dumps({"seconds": best, "patched": calque is not None and calque.patch.enabled(), "result": result}))


# --- in the parent ------------------------------------------------------------------------------------------------------


def environment(patched: bool) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CALQUE_")}
    # Sets print in one order.
    return clean | {"PYTHONHASHSEED": "0"} | ({VARIABLE: "1"} if patched else {})


def run(name: str, patched: bool) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, "--child", name], env=environment(patched), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{name}, {VARIABLE}={int(patched)}: status {done.returncode}\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["patched"] is not patched:
        sys.exit(f"{name}: with {VARIABLE}={int(patched)} calque's patch is {'on' if found['patched'] else 'off'} in {sys.executable}. "
                 f"Is calque installed there, with its calque_autopatch.pth? {done.stderr.strip()}")
    return found


def measure(name: str, rounds: int) -> tuple[float, float]:
    """Seconds without and with the variable, the best of the rounds."""
    best = [math.inf, math.inf]
    results = set()
    for number in range(rounds):
        for patched in (False, True) if number % 2 == 0 else (True, False):
            found = run(name, patched)
            best[patched] = min(best[patched], found["seconds"])
            results.add(found["result"])
    if len(results) != 1:
        sys.exit(f"{name} does not come to the same result every time, or not with calque")
    return best[0], best[1]


def starts(count: int) -> dict[str, float]:
    """Milliseconds of a start of the interpreter, the median and the best, with the line and without it; the variable is not set.

    A folder with the line and one without are handed to site.addsitedir in turn in new processes, and the call is timed there: the
    start as a whole takes a hundred times as long and varies by more than what is looked for. It is timed too, with the variable.
    """
    import tempfile

    line = next((path for path in (pathlib.Path(folder) / "calque_autopatch.pth"
                                   for folder in [*sys.path, pathlib.Path(__file__).parent.parent / "module"]) if path.exists()), None)
    if line is None:
        sys.exit("calque_autopatch.pth is neither installed nor in this source tree")
    code = ("import site, sys, time\nbegin = time.perf_counter()\nsite.addsitedir(sys.argv[1])\n"
            "print(time.perf_counter() - begin)")
    found: dict[str, list[float]] = {"a folder with the line": [], "an empty folder": [], "a start, without the variable": [],
                                     f"a start, {VARIABLE}=1": []}
    with tempfile.TemporaryDirectory() as scratch:
        folders = pathlib.Path(scratch, "with"), pathlib.Path(scratch, "without")
        for folder in folders:
            folder.mkdir()
        (folders[0] / line.name).write_text(line.read_text())
        for _ in range(count):
            for label, folder in zip(found, folders):
                done = subprocess.run([sys.executable, "-c", code, folder], env=environment(False), capture_output=True, text=True, check=True)
                found[label].append(float(done.stdout))
            for label, patched in zip(list(found)[2:], (False, True)):
                begin = time.perf_counter()
                subprocess.run([sys.executable, "-c", ""], env=environment(patched), check=True)
                found[label].append(time.perf_counter() - begin)
    return {f"{label}, {which}": 1000 * pick(values) for label, values in found.items()
            for which, pick in (("best", min), ("median", lambda values: sorted(values)[len(values) // 2]))}


def version(distribution: str | None) -> str | None:
    if distribution is None:
        return ""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Programs that do not know of calque, with CALQUE_PATCH=1 and without it.")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"some of {', '.join(PROGRAMS)}; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="processes per program with and without the variable (default: 5)")
    parser.add_argument("--starts", type=int, default=0, metavar="N", help="also time N starts of the interpreter")
    parser.add_argument("--write", action="store_true", help="keep the tables in perf/results")
    parser.add_argument("--child", choices=PROGRAMS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    for name in options.programs:
        if name not in PROGRAMS:
            parser.error(f"expected one of {', '.join(PROGRAMS)}, got {name!r}")
    lines = ["| program | version | ms without | ms with CALQUE_PATCH=1 | ratio |", "|---|---|---:|---:|---:|"]
    missing = []
    print(*lines, sep="\n")
    for name in options.programs or PROGRAMS:
        what, distribution, _ = PROGRAMS[name]
        installed = version(distribution)
        if installed is None:
            missing.append(distribution)
            continue
        without, with_it = measure(name, options.rounds)
        lines.append(f"| {name}: {what} | {installed} | {1000 * without:.2f} | {1000 * with_it:.2f} | {without / with_it:.2f} |")
        print(lines[-1], flush=True)
    if missing:
        lines += ["", f"Not installed, so not measured: {', '.join(sorted(set(filter(None, missing))))}."]
        print(*lines[-2:], sep="\n")
    if options.starts:
        table = ["", "| start of the interpreter, ms | |", "|---|---:|"]
        table += [f"| {label} | {value:.3f} |" for label, value in starts(options.starts).items()]
        lines += table
        print(*table, sep="\n")
    if options.write:
        python = f"{platform.python_version_tuple()[0]}.{platform.python_version_tuple()[1]}"
        target = pathlib.Path(__file__).parent / "results" / f"{datetime.date.today()}-dropin-python-{python}.md"
        how = (f"`perf/dropin.py --rounds {options.rounds} --starts {options.starts}`, Python {platform.python_version()}, "
               f"{platform.system()} {platform.machine()}.")
        target.write_text("\n".join(["# Programs that do not know of calque", "", how, "", *lines]) + "\n")
        print(f"\nwritten: {target}")


if __name__ == "__main__":
    main()
