"""The script that PyQBDI's launcher loads into a program: runs its main, or a program without a C
library, as instrumented code.

    python -m pyqbdipreload -- bench/instrumented.py PROGRAM ARGUMENTS…

The launcher's Python is not the benchmarks': this file imports nothing of theirs. It says in a file
that the program has gone through PyQBDI, since one that cannot be preloaded into runs natively.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import struct
from typing import Any

#: Names a file into which VISITED is written when a program begins to run instrumented.
REPORT = "BENCH_INSTRUMENTED_REPORT"
VISITED = b"instrumented\n"
#: Names a static program that is run in the place of the one that was preloaded into.
BARE = "BENCH_INSTRUMENTED_BARE"
#: The exit status when PyQBDI could not run the program to its end.
FAILED = 125

_PAGE = 4096
_STACK_BYTES = 1 << 20
_LOAD = 1
_FIXED_NOREPLACE_PRIVATE_ANONYMOUS = 0x100022

if REPORT in os.environ:
    pyqbdi: Any = importlib.import_module("pyqbdi")  # it has no types; it must be known beforehand


def pyqbdipreload_on_run(vm: Any, start: int, stop: int) -> None:
    """Called in the place of main.

    Args:
        vm: PyQBDI's.
        start: main's address.
        stop: where main returns to.
    """
    bare = os.environ.get(BARE)
    if bare is not None:
        start, stop = _load(bare, vm), 0
    with open(os.environ[REPORT], "ab") as report:
        report.write(VISITED)
    if not vm.run(start, stop) or bare is not None:
        os._exit(FAILED)  # a bare program ends by a system call
    ctypes.CDLL(None).fflush(None)
    os._exit(vm.getGPRState().rax & 0xFF)


def _load(path: str, vm: Any) -> int:
    """Maps a static program, has it instrumented, and gives it a stack; returns where it starts."""
    with open(path, "rb") as file:
        data = file.read()
    entry, table = struct.unpack_from("<QQ", data, 24)
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _, offset, address, _, in_file, in_memory, _ = struct.unpack_from(
            "<IIQQQQQQ", data, table + number * size
        )
        if kind == _LOAD:
            first = address & -_PAGE
            end = address + in_memory + _PAGE - 1 & -_PAGE
            _map(first, end - first)
            ctypes.memmove(address, data[offset : offset + in_file], in_file)
            vm.addInstrumentedRange(first, end)
    state = vm.getGPRState()
    pyqbdi.allocateVirtualStack(state, _STACK_BYTES)
    vm.setGPRState(state)
    return int(entry)


def _map(start: int, size_bytes: int) -> None:
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    words = (ctypes.c_void_p(start), ctypes.c_size_t(size_bytes))
    found = libc.mmap(*words, 7, _FIXED_NOREPLACE_PRIVATE_ANONYMOUS, -1, ctypes.c_long(0))
    if found != start:
        os._exit(FAILED)
