"""What a system call wrote into the guest's memory, from the table of system calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dbt.runtime.syscalls import Output, Size, table

Range = tuple[int, int]
Read = Callable[[int, int], bytes]
"""Guest memory at an address; fewer bytes where it is not mapped."""

_IOVEC_BYTES = 16
_VECTORS_MOST = 1024
_MESSAGE_BYTES = 56
_MESSAGE_ENTRY_BYTES = 64
_PAGE_BYTES = 4096
_ROWS = {call.number: call for call in table()}

CLONE_VM = 0x100


def written(number: int, arguments: Sequence[int], read: Read) -> Iterator[Range]:
    """The ranges of guest memory that a call may have written.

    Args:
        number: of the call.
        arguments: its six arguments.
        read: how guest memory is read, after the call.
    """
    call = _ROWS.get(number)
    if call is None:
        return
    for output in call.outputs:
        if arguments[output.argument]:
            yield from _ranges(output, arguments, read)


def _ranges(output: Output, arguments: Sequence[int], read: Read) -> Iterator[Range]:
    start = arguments[output.argument]
    other = arguments[output.other]
    match output.size:
        case Size.CONSTANT:
            yield start, output.scale_bytes
        case Size.ARGUMENT:
            yield start, other * output.scale_bytes
        case Size.POINTED:
            yield start, _word(read(other, 4))
        case Size.BITS:
            yield start, (other + 63) // 64 * 8
        case Size.IOVEC:
            yield from iovecs(start, other, read)
        case Size.MSGHDR:
            yield from _message(start, _MESSAGE_BYTES, read)
        case Size.MMSGHDR:
            for at in range(min(other, _VECTORS_MOST)):
                entry = start + at * _MESSAGE_ENTRY_BYTES
                yield from _message(entry, _MESSAGE_ENTRY_BYTES, read)
        case Size.IOCTL:
            yield start, max((other >> 16) & 0x3FFF, _PAGE_BYTES)


def _word(data: bytes) -> int:
    return int.from_bytes(data, "little")


def iovecs(start: int, count: int, read: Read) -> Iterator[Range]:
    """The ranges that an array of struct iovec names."""
    for at in range(min(count, _VECTORS_MOST)):
        data = read(start + at * _IOVEC_BYTES, _IOVEC_BYTES)
        if len(data) == _IOVEC_BYTES:
            yield _word(data[:8]), _word(data[8:])


def _message(start: int, entry_bytes: int, read: Read) -> Iterator[Range]:
    data = read(start, _MESSAGE_BYTES)
    if len(data) < _MESSAGE_BYTES:
        return
    name, name_bytes, vectors, count, control, control_bytes = (
        _word(data[at : at + size])
        for at, size in ((0, 8), (8, 4), (16, 8), (24, 8), (32, 8), (40, 8))
    )
    if name:
        yield name, name_bytes
    if control:
        yield control, control_bytes
    yield from iovecs(vectors, count, read)
    yield start, entry_bytes


def shares_memory(number: int, arguments: Sequence[int], read: Read) -> bool:
    """Whether a call ran another process in this memory while the caller waited (vfork)."""
    call = _ROWS.get(number)
    name = call.name if call is not None else ""
    if name == "vfork":
        return True
    flags = arguments[0] if name == "clone" else 0
    if name == "clone3":
        flags = _word(read(arguments[0], 8))
    return flags & CLONE_VM != 0


def name_of(number: int) -> str:
    """The name of a system call."""
    call = _ROWS.get(number)
    return call.name if call is not None else f"system call {number}"
