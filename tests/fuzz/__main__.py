"""python -m tests.fuzz --graphs N --seed S --memo KIND: compare an implementation with `copy` on random graphs."""

import argparse
import collections
import faulthandler
import gc
import importlib
import sys
import time

from . import graphs, harness, mutants


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000, help="how many graphs (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first graph; the next ones count up")
    parser.add_argument("--memo", choices=(*graphs.MEMO_KINDS, "all"), default="all")
    parser.add_argument("--subject", default="calque", help="the module to compare with copy, or mutant:NAME")
    parser.add_argument("--power", action="store_true", help="instead: tell for each mutant in how many graphs it is found")
    parser.add_argument("--stop", type=int, default=3, help="stop after this many differing graphs (default 3)")
    parser.add_argument("--whole", action="store_true", help="print failing graphs as they are, without making them smaller")
    parser.add_argument("--show", action="store_true", help="print the graph of each seed before it is copied")
    options = parser.parse_args()
    faulthandler.enable()
    memo_kinds = graphs.MEMO_KINDS if options.memo == "all" else (options.memo,)
    if options.power:
        return power(options, memo_kinds)
    if options.subject.startswith("mutant:"):
        implementation = mutants.load(options.subject[len("mutant:"):])
    else:
        implementation = importlib.import_module(options.subject)

    gc.freeze()  # the modules: else each graph's collections would look at them

    def on_graph(number):
        if number % 50 == 0:  # it starts a thread each time
            faulthandler.dump_traceback_later(120, exit=True)
        if options.show:
            print(graphs.generate(number), flush=True)

    failed = False
    for memo_kind in memo_kinds:
        found = []

        def on_difference(recipe, difference):
            found.append(recipe.seed)
            print(f"{recipe}\n{difference}" if options.whole else harness.report(recipe, implementation, memo_kind, options.subject), flush=True)
            return len(found) >= options.stop

        began = time.perf_counter()
        differing, skipped = harness.fuzz(implementation, memo_kind, options.seed, options.graphs, on_difference, on_graph=on_graph)
        print(f"memo {memo_kind}: {options.graphs} graphs from seed {options.seed}, {differing} differ, {skipped} skipped (RecursionError in copy), "
              f"{time.perf_counter() - began:.1f} s", flush=True)
        failed |= differing > 0
    return 1 if failed else 0


def power(options, memo_kinds):
    unseen = []
    print(f"graphs that differ, of {options.graphs}, per memo kind")
    for name in mutants.MUTANTS:
        mutant = mutants.load(name)
        counts = collections.Counter()
        for memo_kind in memo_kinds:
            counts[memo_kind], _ = harness.fuzz(mutant, memo_kind, options.seed, options.graphs, lambda recipe, difference: False)
        print(f"{name:36} " + "  ".join(f"{kind} {counts[kind]}" for kind in memo_kinds), flush=True)
        if not any(counts.values()):
            unseen.append(name)
    print("not found: " + (", ".join(unseen) or "none"))
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
