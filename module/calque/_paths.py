"""Where the build of a plugin finds calque."""

from __future__ import annotations

import os

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def get_include() -> str:
    """The directory to name with -I: it holds `calque/abi.h` and the other headers of the SDK."""
    return os.path.join(_PACKAGE, "include")


def get_cmake_dir() -> str:
    """The directory of calqueConfig.cmake: `cmake -Dcalque_DIR=...`, then `find_package(calque CONFIG)`."""
    return os.path.join(_PACKAGE, "cmake")
