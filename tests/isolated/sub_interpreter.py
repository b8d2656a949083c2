"""sub_interpreter.py FIRST SHARING: import calque in a sub-interpreter, twice, and then copy in the main one. Prints a line for each.

FIRST is main or sub: who imports it first. SHARING is legacy (one GIL, and modules of the old kind are let in) or isolated (from 3.12 on).
"""

import copy
import datetime
import json
import sys

IMPORT = f"import sys; sys.path[:] = {sys.path!r}\nimport calque"


def sub_interpreters():
    """create(legacy) and run(interpreter, code), which gives "ErrorType: message" or "no error"."""
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters

        def run(interpreter, code):
            try:
                interpreters.run_string(interpreter, code)
            except interpreters.RunFailedError as error:
                return str(error).replace("<class 'ImportError'>", "ImportError")
            return "no error"

        return interpreters, lambda legacy: interpreters.create(isolated=not legacy), run

    def run(interpreter, code):
        failed = interpreters.exec(interpreter, code)
        return "no error" if failed is None else failed.formatted

    return interpreters, lambda legacy: interpreters.create("legacy" if legacy else "isolated"), run


def main(first, sharing):
    interpreters, create, run = sub_interpreters()
    if first == "main":
        import calque
    said = []
    for _ in range(2):
        interpreter = create(sharing == "legacy")
        said += [run(interpreter, IMPORT), run(interpreter, IMPORT)]
        interpreters.destroy(interpreter)
    import calque

    class A:
        pass

    a, shared = A(), [datetime.date(2000, 1, 1)]
    a.x, a.y, a.z = shared, {"k": (shared, {1, 2})}, a
    copied = calque.deepcopy(a)
    assert copied.x == shared and copied.x is not shared and copied.y["k"][0] is copied.x and copied.z is copied
    assert calque.patch.enable() and copy.deepcopy([shared]) == [shared] and calque.patch.disable()
    calque.register(A)(lambda obj, memo: memo.copy(obj.x))
    assert calque.deepcopy([a]) == [shared]
    print(json.dumps(said))


main(*sys.argv[1:])
