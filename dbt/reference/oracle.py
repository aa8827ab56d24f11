"""The oracles: who runs the guest a second time.

An oracle is a dbt_oracle of csrc/ext, told what the outside world did to the guest and asked to run
through batches of a record. A third one needs an open function here and a dbt_oracle_kind there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from dbt._native import ffi, lib
from dbt.decoder.instruction import Instruction, iterate
from dbt.errors import DbtError, LaunchError, UsageError

NAMES = ("unicorn", "hardware")

EQUAL = lib.DBT_ORACLE_EQUAL
DIFFERS = lib.DBT_ORACLE_DIFFERS
FAULT = lib.DBT_ORACLE_FAULT


class Write(NamedTuple):
    """A store of the reference: where, how wide, and how many instructions came before."""

    address: int
    size_bytes: int
    executed: int


class Oracle:
    """A reference that runs a recorded guest again.

    Args:
        name: one of NAMES.

    Raises:
        UsageError: there is no such oracle.
        LaunchError: it cannot be started here; the message says what is missing.

    Attributes:
        name: as given.
        raises_all: whether it raises every fault and knows every instruction of this processor.
    """

    def __init__(self, name: str) -> None:
        if name not in NAMES:
            raise UsageError(f"{name!r} is no oracle; there are {', '.join(NAMES)}")
        self.name = name
        self.raises_all = name == "hardware"
        self._oracle: Any = _unicorn() if name == "unicorn" else _hardware()
        self.outcome: Any = ffi.new("dbt_oracle_outcome *")

    def close(self) -> None:
        """Gives everything back."""
        if self._oracle is not None:
            lib.dbt_oracle_close(self._oracle)
            self._oracle = None

    def map(self, start: int, end: int, protection: int) -> None:
        """Maps zeroed guest memory [start, end) with PROT_ bits."""
        self._check(lib.dbt_oracle_map(self._oracle, start, end, protection), start)

    def map_again(
        self, start: int, end: int, protection: int, of: int, *, is_lent: bool = False
    ) -> None:
        """Maps [start, end) to the guest memory that is mapped at ``of`` already.

        Args:
            start: guest address.
            end: guest address.
            protection: PROT_ bits.
            of: guest address.
            is_lent: whether a page becomes a copy where the reference stores to it.
        """
        status = lib.dbt_oracle_map_again(self._oracle, start, end, protection, of, is_lent)
        self._check(status, start)

    def take_copies(self, memory_fd: int, pagemap_fd: int) -> None:
        """Copies pages that are lent, and that a process has got copies of meanwhile."""
        self._check(lib.dbt_oracle_take_copies(self._oracle, memory_fd, pagemap_fd), 0)

    def unmap(self, start: int, end: int) -> None:
        """Unmaps what is mapped in [start, end)."""
        self._check(lib.dbt_oracle_unmap(self._oracle, start, end), start)

    def protect(self, start: int, end: int, protection: int) -> None:
        """Changes the protection of what is mapped in [start, end)."""
        self._check(lib.dbt_oracle_protect(self._oracle, start, end, protection), start)

    def load(self, memory_fd: int, start: int, end: int, pagemap_fd: int = -1) -> int:
        """Copies [start, end) from a process; with a pagemap only present pages."""
        return int(lib.dbt_oracle_load(self._oracle, memory_fd, pagemap_fd, start, end))

    def read(self, address: int, size_bytes: int) -> bytes | None:
        """Guest memory, or None where it is not mapped."""
        buffer = ffi.new("uint8_t[]", size_bytes)
        if lib.dbt_oracle_read(self._oracle, address, buffer, size_bytes):
            return None
        return bytes(ffi.buffer(buffer))

    def instruction_at(self, address: int) -> Instruction | None:
        """The guest's instruction, or None where nothing is mapped or the bytes are none."""
        code = next((c for n in (15, 8, 4, 2, 1) if (c := self.read(address, n))), b"")
        try:
            return next(iterate(code, address))
        except (DbtError, StopIteration):
            return None

    def write(self, address: int, data: bytes) -> None:
        """Writes guest memory, whatever its protection."""
        self._check(lib.dbt_oracle_write_memory(self._oracle, address, data, len(data)), address)

    def set_state(self, state: Any, vector: Any, features: int) -> None:
        """Sets all registers: a dbt_unit_record, and an XSAVE area or NULL to leave vectors."""
        lib.dbt_oracle_set_state(self._oracle, state, vector, features)

    def run(self, record: Any) -> int:
        """Runs through a record's batch; answers EQUAL, DIFFERS, FAULT; details are in outcome."""
        lib.dbt_oracle_run(self._oracle, record, self.outcome)
        return int(self.outcome.status)

    def raises(self) -> bool:
        """Whether the next instruction raises an exception; the state at it is in outcome then."""
        return bool(lib.dbt_oracle_raises(self._oracle, self.outcome) == 1)

    def writes(self) -> Iterator[Write]:
        """What the reference stored since it was forgotten, newest first."""
        out = ffi.new("dbt_oracle_write **")
        count = lib.dbt_oracle_writes(self._oracle, out)
        for at in range(count - 1, -1, -1):
            entry = out[0][at]
            yield Write(entry.guest_address, entry.size_bytes, entry.executed)

    def last_write(self, address: int) -> Write | None:
        """The newest of the stores that cover an address."""
        return next(
            (w for w in self.writes() if w.address <= address < w.address + w.size_bytes), None
        )

    def forget_writes(self) -> None:
        """Empties the log of stores."""
        lib.dbt_oracle_forget_writes(self._oracle)

    def roll_back(self, executed: int) -> None:
        """Takes back the stores of all instructions from that number on."""
        self._check(lib.dbt_oracle_roll_back(self._oracle, executed), 0)

    def compare_written(self, memory_fd: int, dead: tuple[int, int]) -> int | None:
        """First address at which a page that was written differs from a process's; None: none.

        Args:
            memory_fd: of the process's /proc/PID/mem.
            dead: a range that is not compared (below the red zone).
        """
        address = ffi.new("uint64_t *")
        found = lib.dbt_oracle_compare_written(self._oracle, memory_fd, *dead, address)
        self._check(min(found, 0), 0)
        return int(address[0]) if found else None

    def compare_range(
        self, memory_fd: int, pagemap_fd: int, start: int, end: int, dead: tuple[int, int]
    ) -> int | None:
        """The same for all present pages of [start, end)."""
        address = ffi.new("uint64_t *")
        found = lib.dbt_oracle_compare_range(
            self._oracle, memory_fd, pagemap_fd, start, end, *dead, address
        )
        self._check(min(found, 0), start)
        return int(address[0]) if found else None

    def _check(self, status: int, address: int) -> None:
        if status < 0:
            raise LaunchError(f"the {self.name} oracle failed at {address:#x} (error {-status})")


def _unicorn() -> Any:
    try:
        from unicorn import x86_const as ids
        from unicorn.unicorn_py3 import unicorn as binding
    except ImportError:
        raise LaunchError("the package `unicorn` is not installed") from None
    names = [
        *("RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI"),
        *(f"R{number}" for number in range(8, 16)),
        *("RIP", "EFLAGS", "FS_BASE", "GS_BASE"),
        *(f"XMM{number}" for number in range(16)),
        *(f"FP{number}" for number in range(8)),
        *("FPCW", "FPSW", "FPTAG", "MXCSR"),
    ]
    numbers = [getattr(ids, f"UC_X86_REG_{name}") for name in names]
    error = ffi.new("char[256]")
    library = os.fsencode(binding.uclib._name)
    oracle = lib.dbt_oracle_unicorn(library, numbers, len(numbers), error)
    if oracle == ffi.NULL:
        raise LaunchError(f"Unicorn: {ffi.string(error).decode(errors='replace')}")
    return oracle


def _hardware() -> Any:
    error = ffi.new("char[256]")
    oracle = lib.dbt_oracle_hardware(error)
    if oracle == ffi.NULL:
        raise LaunchError(ffi.string(error).decode(errors="replace"))
    return oracle
