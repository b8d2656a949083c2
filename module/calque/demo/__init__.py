"""The demonstration: real object graphs copied by `copy.deepcopy` and by `calque.deepcopy`, side by side.

`python -m calque demo [FILE ...]` builds graphs out of what every Python installation has (the standard library's own
sources, documentation and tables), copies each with both functions, checks that the copies are the same, and prints
what each took in time and memory. `import calque` imports neither this package nor the library `rich` that it prints
with.

    graphs.py   the graphs, and where their data comes from
    files.py    a JSON, TOML, XML or pickle file of the user's
    compare.py  are two graphs the same? values, types, order, and which objects are shared
    measure.py  times, and the verdict on one graph
    memory.py   peak memory of one copy, in a process of its own
    report.py   the table and the JSON
    cli.py      the command line and the exit status
"""
