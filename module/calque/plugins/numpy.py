"""numpy's arrays and scalars under calque. Importing this module registers their handlers.

    import calque.plugins.numpy

The copy of an array is the one that `copy.deepcopy` or `copy.copy` makes with the same numpy: layout, flags, dtype, the
objects in it, their order, what is shared with what. Subclasses of `numpy.ndarray`, and `numpy.void`, are copied by their
own `__deepcopy__`, as ever. Other scalars are their own copies; numpy before 2.4 makes new ones of equal value.

Raises:
    ImportError: numpy is not installed, or calque was built without numpy's headers, or for another numpy. The message
        says what to do.
"""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["register", "unregister"]


def _what_to_do(error: Exception) -> str:
    if find_spec("calque.plugins._numpy") is None:
        return ("this calque was built without numpy's headers: build it again where numpy is installed,"
                " with CALQUE_NUMPY=ON in the environment of pip install")
    if find_spec("numpy") is None:
        return "calque.plugins.numpy needs numpy: pip install numpy"
    return f"calque.plugins.numpy was built for another numpy than the one here: build calque again, against this one ({error})"


try:
    from ._numpy import register, unregister
except (ImportError, RuntimeError) as error:  # RuntimeError: numpy's, about versions
    raise ImportError(_what_to_do(error), name=__name__) from error

register()
