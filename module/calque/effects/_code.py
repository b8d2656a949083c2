"""What the native machine wants to know of a generator function's code. Called by it, once for each code object."""

import dis
import sys
from types import CodeType
from typing import NamedTuple


class _Handler(NamedTuple):
    start: int
    end: int
    target: int


def _exception_table(code: CodeType) -> list[_Handler]:
    """The entries of co_exceptiontable (Objects/exception_handling_notes.txt, 3.11), in bytes."""
    if sys.version_info < (3, 11):
        return []
    numbers: list[int] = []
    table = iter(code.co_exceptiontable)
    for byte in table:
        number = byte & 63
        while byte & 64:
            byte = next(table)
            number = number << 6 | byte & 63
        numbers.append(number)
    return [_Handler(2 * start, 2 * (start + length), 2 * target)
            for start, length, target in zip(numbers[0::4], numbers[1::4], numbers[2::4])]


def _is_stop_iteration_guard(instructions: dict[int, dis.Instruction], target: int) -> bool:
    """From 3.12 on every generator is enclosed in a handler that turns StopIteration into RuntimeError."""
    found = instructions.get(target)
    return found is not None and found.opname == "CALL_INTRINSIC_1" and found.arg == 3


def _enclosed(code: CodeType, instructions: list[dis.Instruction]) -> list[_Handler]:
    if sys.version_info < (3, 11):
        # Blocks are pushed at run time: one anywhere, and nothing is a tail.
        blocks = any(each.opname.startswith("SETUP_") for each in instructions)
        return [_Handler(0, len(code.co_code), 0)] if blocks else []
    by_offset = {each.offset: each for each in instructions}
    return [each for each in _exception_table(code) if not _is_stop_iteration_guard(by_offset, each.target)]


def _returns(rest: list[dis.Instruction]) -> bool:
    """RETURN_VALUE, or a store and a load of one name before it."""
    names = [each.opname for each in rest[:3]]
    if names[:1] == ["RETURN_VALUE"]:
        return True
    if names[:2] == ["STORE_FAST_LOAD_FAST", "RETURN_VALUE"]:
        stored, loaded = rest[0].argval
        return bool(stored == loaded)
    return (len(names) == 3 and names[0] == "STORE_FAST" and names[1] in ("LOAD_FAST", "LOAD_FAST_BORROW")
            and names[2] == "RETURN_VALUE" and rest[0].argval == rest[1].argval)


def tail_yields(code: CodeType) -> bytes:
    """A byte for each two bytes of bytecode, 1 where f_lasti is while the generator waits to return what it is sent; b"" if nowhere."""
    everything = list(dis.get_instructions(code))
    instructions = [each for each in everything if each.opname not in ("CACHE", "EXTENDED_ARG", "NOP", "RESUME", "NOT_TAKEN")]
    enclosed = _enclosed(code, everything)
    places = bytearray(len(code.co_code) // 2)
    for i, one in enumerate(instructions):
        if one.opname != "YIELD_VALUE" or not _returns(instructions[i + 1:i + 4]):
            continue
        if any(each.start <= one.offset < each.end for each in enclosed):
            continue
        # f_lasti names the yield, or, from 3.13 on, what follows it.
        places[one.offset // 2] = 1
        places[one.offset // 2 + 1] = 1
    return bytes(places) if any(places) else b""


def closing_runs_code(code: CodeType) -> bool:
    """Whether something may happen when the generator is closed: it has a `try` or `with`, or delegates to another."""
    everything = list(dis.get_instructions(code))
    return bool(_enclosed(code, everything)) or any(each.opname in ("SEND", "YIELD_FROM") for each in everything)


def facts(code: CodeType) -> tuple[bytes, bool]:
    return tail_yields(code), closing_runs_code(code)
