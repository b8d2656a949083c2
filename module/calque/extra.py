"""Many copies in one call.

    calque.extra.replicate(board, 1000)            # [calque.deepcopy(board) for _ in range(1000)]
    calque.extra.repeatcall(random.random, 1000)   # [random.random() for _ in range(1000)]
"""

from __future__ import annotations

from ._calque import repeatcall, replicate

__all__ = ["repeatcall", "replicate"]
