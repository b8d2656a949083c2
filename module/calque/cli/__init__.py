"""The command line, `python -m calque COMMAND`.

    demo      real object graphs copied by `copy.deepcopy` and by calque, side by side (the package calque.demo)
    bench     the same for an object of the user's, and for `calque.prepare` of it
    explain   where the time of a copy of it goes
    info      what a bug report needs

`import calque` imports none of this.

    main.py      commands, options, exit status
    target.py    which object is meant: a file, module:object or file.py:object
    bench.py     times of one object, and whether the copies are the same
    info.py      versions, build, strategies, plugins, patch, environment
"""
