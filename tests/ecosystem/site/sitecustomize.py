"""On the path of every process of a suite, so that subprocesses which the tests start are patched as well.

CALQUE_ECOSYSTEM says what happens to copy's functions:
    plain      nothing; calque is not even imported
    patched    calque.patch.enable()
    counted    calque does the work and each call is counted: what reaches copy's functions from outside or from hooks. A code
               object that counts is put into the functions themselves, so who imported them long ago is counted too

A process that ends in good order leaves a note in CALQUE_ECOSYSTEM_NOTES: whether the patch was on to the end, and its counts.
"""

import os
import sys

FUNCTIONS = {
    "deepcopy": "def deepcopy(x, memo=None, _nil=[]): calque_called('deepcopy'); return calque.deepcopy(x, memo, _nil)",
    "copy": "def copy(x): calque_called('copy'); return calque.copy(x)",
    "replace": "def replace(obj, /, **changes): calque_called('replace'); return calque.replace(obj, **changes)",
}

NOT_COUNTED = {"_pytest", "pluggy"}  # a suite that never copies would not show as one


def note(name, **facts):
    import json
    with open(os.path.join(os.environ["CALQUE_ECOSYSTEM_NOTES"], f"{os.getpid()}.{name}"), "w") as file:
        json.dump(facts, file)


def patch():
    import atexit

    try:
        import calque
    except ImportError as error:
        if "sub-interpreter" in str(error):  # of a patched process: calque serves the main interpreter only
            return
        raise
    calque.patch.enable()
    started = os.getpid()
    # A forked child that comes to an orderly end is another process, which had the patch from its parent.
    atexit.register(lambda: note("patched", on=calque.patch.enabled(), forked=os.getpid() != started))


def count():
    import atexit
    import collections
    import copy

    import calque
    called = collections.Counter()

    def calque_called(name):
        caller = sys._getframe(2).f_globals.get("__name__", "")
        if caller.partition(".")[0] not in NOT_COUNTED:
            called[name] += 1

    names = vars(copy)
    names.update(calque=calque, calque_called=calque_called)
    for name, text in FUNCTIONS.items():
        if name in names:
            made = {}
            exec(text, made)
            names[name].__code__ = made[name].__code__
    atexit.register(lambda: note("counted", **called))


{"patched": patch, "counted": count}.get(os.environ.get("CALQUE_ECOSYSTEM"), lambda: None)()
