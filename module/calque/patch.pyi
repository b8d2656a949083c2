from collections.abc import Callable
from types import ModuleType, TracebackType

__all__ = ["disable", "enable", "enabled"]

def enable(*, notes: bool = ...) -> bool: ...
def disable() -> bool: ...
def enabled() -> bool: ...

class Patch(ModuleType):
    enable: Callable[..., bool]
    disable: Callable[[], bool]
    enabled: Callable[[], bool]
    def __enter__(self) -> Patch: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
