"""Differential fuzzing: random object graphs, copied by `copy` and by another implementation, must give the same of everything observable.

`graphs` makes a recipe (plain data) from a seed and builds the graph of a recipe; `kinds` has the classes of the nodes, whose hooks change the
graph while it is copied; `world` is what hooks know of the run; `fingerprint` turns objects into comparable data; `harness` runs and compares;
`mutants` are wrong implementations that the fuzzer has to find.
"""
