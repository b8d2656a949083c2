from collections.abc import Callable, Mapping
from types import GenericAlias
from typing import Any, ClassVar, Final, Generic, Literal, ParamSpec, TypeVar, final

from typing_extensions import dataclass_transform

_T = TypeVar("_T")
_P = ParamSpec("_P")

def run(program: Any, /, *, debug: Literal["off", "steps", "trace"] = ..., gil: Literal["hold", "release"] = ...) -> Any: ...
def do(function: Callable[_P, Any], /) -> Callable[_P, Program[Any]]: ...
def stats() -> dict[str, int]: ...
def _require_main_interpreter() -> None: ...

class OneShotError(RuntimeError): ...

class UnhandledEffect(RuntimeError):
    effect: Effect
    handlers: list[Any]

@dataclass_transform(eq_default=False)
class Effect:
    __match_args__: ClassVar[tuple[str, ...]]
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __init_subclass__(cls, **kwargs: Any) -> None: ...

@final
class Program(Generic[_T]):
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class DoFunction:
    def __call__(self, *args: Any, **kwargs: Any) -> Program[Any]: ...
    def __get__(self, instance: Any, owner: Any = ..., /) -> Any: ...

@final
class Continuation:
    @property
    def resumed(self) -> bool: ...

class NativeHandler: ...

@final
class TypedHandler:
    __wrapped__: Final[Callable[[Any, Continuation], Any]]
    types: Final[tuple[type[Effect], ...]]
    def __new__(cls, types: tuple[type[Effect], ...], handler: Callable[[Any, Continuation], Any]) -> TypedHandler: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

@final
class State(NativeHandler):
    def __new__(
        cls, initial: Mapping[Any, Any] | None = ..., *, strict: bool = ..., copy: Literal["in", "out", "both"] | None = ...
    ) -> State: ...
    def __setstate__(self, state: dict[Any, Any], /) -> None: ...
    def items(self) -> dict[Any, Any]: ...

@final
class Reader(NativeHandler):
    def __new__(cls, env: Mapping[Any, Any] | None = ...) -> Reader: ...
    def __setstate__(self, state: dict[Any, Any], /) -> None: ...
    def env(self) -> dict[Any, Any]: ...

@final
class Writer(NativeHandler):
    def __new__(cls) -> Writer: ...
    def __setstate__(self, state: list[Any], /) -> None: ...
    def logs(self) -> list[Any]: ...

@final
class Get(Effect):
    __match_args__: ClassVar[tuple[str, ...]]
    key: Final[Any]
    def __new__(cls, key: Any) -> Get: ...

@final
class Put(Effect):
    __match_args__: ClassVar[tuple[str, ...]]
    key: Final[Any]
    value: Final[Any]
    def __new__(cls, key: Any, value: Any) -> Put: ...

@final
class Modify(Effect):
    __match_args__: ClassVar[tuple[str, ...]]
    key: Final[Any]
    function: Final[Callable[[Any], Any]]
    def __new__(cls, key: Any, function: Callable[[Any], Any]) -> Modify: ...

@final
class Ask(Effect):
    __match_args__: ClassVar[tuple[str, ...]]
    key: Final[Any]
    def __new__(cls, key: Any) -> Ask: ...

@final
class Tell(Effect):
    __match_args__: ClassVar[tuple[str, ...]]
    message: Final[Any]
    def __new__(cls, message: Any) -> Tell: ...

@final
class Resume:
    __match_args__: ClassVar[tuple[str, ...]]
    k: Final[Continuation]
    value: Final[Any]
    def __new__(cls, k: Continuation, value: Any = ...) -> Resume: ...

@final
class ResumeThrow:
    __match_args__: ClassVar[tuple[str, ...]]
    k: Final[Continuation]
    exception: Final[BaseException]
    def __new__(cls, k: Continuation, exception: BaseException) -> ResumeThrow: ...

@final
class Transfer:
    __match_args__: ClassVar[tuple[str, ...]]
    k: Final[Continuation]
    value: Final[Any]
    def __new__(cls, k: Continuation, value: Any = ...) -> Transfer: ...

@final
class TransferThrow:
    __match_args__: ClassVar[tuple[str, ...]]
    k: Final[Continuation]
    exception: Final[BaseException]
    def __new__(cls, k: Continuation, exception: BaseException) -> TransferThrow: ...

@final
class Pass:
    __match_args__: ClassVar[tuple[str, ...]]
    effect: Final[Effect]
    k: Final[Continuation]
    def __new__(cls, effect: Effect, k: Continuation) -> Pass: ...

@final
class Delegate:
    __match_args__: ClassVar[tuple[str, ...]]
    def __new__(cls) -> Delegate: ...

@final
class GetContinuation:
    __match_args__: ClassVar[tuple[str, ...]]
    def __new__(cls) -> GetContinuation: ...

@final
class GetHandlers:
    __match_args__: ClassVar[tuple[str, ...]]
    k: Final[Continuation | None]
    def __new__(cls, k: Continuation | None = ...) -> GetHandlers: ...

@final
class GetTraceback:
    __match_args__: ClassVar[tuple[str, ...]]
    k: Final[Continuation]
    def __new__(cls, k: Continuation) -> GetTraceback: ...

@final
class WithHandler:
    __match_args__: ClassVar[tuple[str, ...]]
    handler: Final[Any]
    body: Final[Any]
    def __new__(cls, handler: Any, body: Any) -> WithHandler: ...

@final
class Pure:
    __match_args__: ClassVar[tuple[str, ...]]
    value: Final[Any]
    def __new__(cls, value: Any) -> Pure: ...
