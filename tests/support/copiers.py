"""The two implementations every behavioural test runs against, behind one face."""

import copy
import importlib
import sys

NAMES = ("stdlib", "calque")


def since(major, minor):
    """True if the running interpreter is at least this version: for expectations that changed."""
    return sys.version_info >= (major, minor)


def reference_replace(obj, /, **changes):
    """What copy.replace of 3.13 does, for interpreters whose copy has none."""
    cls = obj.__class__
    replacer = getattr(cls, "__replace__", None)
    if replacer is None:
        raise TypeError(f"replace() does not support {cls.__name__} objects")
    return replacer(obj, **changes)


class Copier:
    """deepcopy, copy, replace and Error of one implementation.

    `name` is "stdlib" or "calque". `replace_is_reference` tells that `replace` is the function above.
    """

    def __init__(self, name):
        module = copy if name == "stdlib" else importlib.import_module(name)
        self.name = name
        self.deepcopy = module.deepcopy
        self.copy = module.copy
        self.Error = module.Error
        self.replace_is_reference = name == "stdlib" and not hasattr(copy, "replace")
        self.replace = reference_replace if self.replace_is_reference else module.replace

    def __repr__(self):
        return f"<copier {self.name}>"
