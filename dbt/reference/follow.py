"""Follows a recorded run with an oracle: batch by batch, and what the outside world did in between.

The program runs translated, once, with real system calls. Its VMM stops at the end of each batch;
while it stands, the oracle runs the same instructions, and memory that either side wrote is
compared. Effects of system calls and signal frames are copied into the reference.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbt._native import ffi, lib
from dbt.decoder.instruction import iterate
from dbt.errors import DbtError, LaunchError
from dbt.reference import effects
from dbt.reference.mirror import Mirror, Region
from dbt.reference.oracle import EQUAL, FAULT, Oracle
from dbt.reference.verdict import Coverage
from dbt.runtime.launch import VMM_PATH, Program, vmm_arguments
from dbt.runtime.session import Session
from dbt.tcache.settings import Settings

UNIT_CAPACITY = 16384
VECTOR_CAPACITY = 2048
_RECORD_BYTES = 64 << 20
_PAGE_BYTES = 4096
_RED_ZONE_BYTES = 128
_DEAD_BYTES = 1 << 20
_FULL_CHECK_S = 5.0
_FREE_CHECK_S = 1.0
_ANNOUNCE_S = 0.5  # that another process may take from a write to saying so
_INSTRUCTION_MOST_BYTES = 15
_UNICORN_INVALID = 10
_TRAP_FLAG = 0x100
_FILE_WRITES = frozenset(("write", "writev", "pwrite64", "pwritev", "pwritev2"))
_FILE_ARGUMENT = dict.fromkeys((*_FILE_WRITES, "sendfile", "ftruncate", "fallocate"), 0) | {
    "copy_file_range": 2,
    "splice": 2,
}
_CHILD_WAITS = frozenset(("wait4", "waitid"))
_REASONS = {
    lib.DBT_RECORD_THREAD: "everything from the start of a thread on",
    lib.DBT_RECORD_EXECUTE: "everything from the execution of another program on",
    lib.DBT_RECORD_REFUSED: "everything from where dbt refused to go on",
    lib.DBT_RECORD_FILLED: "everything from where the kernel fills memory behind calls on",
    lib.DBT_RECORD_SHARED: "everything from the start of a process that shares code on",
}


@dataclass(frozen=True)
class Found:
    """A difference, where it was met: what the narrowing starts from.

    Attributes:
        kind: as in Difference.
        point: number of the unit record in the batch that the reference did not match; for memory
            the number of units in the batch.
        address: of the first byte that differs (memory), or of the instruction (fault).
        summary: one line.
    """

    kind: str
    point: int
    address: int
    summary: str


@dataclass
class _Counts:
    instructions: int = 0
    units: int = 0
    syscalls: int = 0
    signals: int = 0
    inputs: int = 0
    not_covered: dict[str, None] = field(default_factory=dict)


class Follower:
    """One program, run translated, with an oracle behind it.

    Args:
        oracle: fresh; it stays the caller's.
        program: to be run.
        settings: for the translator.
        environment: of the program; None takes this process's.
        every: units between two that are compared; 0: system calls and signals alone.
        quiet: whether it gets no input and its output is dropped.
        progress: called now and then with the instructions compared so far.

    Attributes:
        oracle: the one given.
        record: the dbt_record of the run.
        base: the state the batch at hand started from, a dbt_unit_record.
        base_vector: its XSAVE area.
    """

    def __init__(
        self,
        oracle: Oracle,
        program: Program,
        settings: Settings,
        *,
        environment: dict[str, str] | None = None,
        every: int = 1,
        quiet: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.oracle = oracle
        self.settings = settings
        self._progress = progress
        self._session = Session(settings, record_bytes=_RECORD_BYTES)
        self.record: Any = ffi.cast(
            "dbt_record *", ffi.cast("char *", self._session.memory) + self._session.record_at
        )
        self.record.unit_capacity = UNIT_CAPACITY
        self.record.vector_capacity = VECTOR_CAPACITY
        self.record.every = every
        self.record.units_at = 4096
        unit_bytes = UNIT_CAPACITY * ffi.sizeof("dbt_unit_record")
        self.record.vectors_at = 4096 + unit_bytes + -unit_bytes % _PAGE_BYTES
        self.units: Any = ffi.cast("dbt_unit_record *", ffi.cast("char *", self.record) + 4096)
        self.base: Any = ffi.new("dbt_unit_record *")
        self.base_vector = b""
        self._counts = _Counts()
        self._checked_at = time.monotonic()
        self._foreign_writes = 0
        self._syscall: tuple[int, tuple[int, ...]] | None = None
        self._mirror: Mirror | None = None
        self._process = self._start(program, environment, quiet)

    def _start(self, program: Program, environment: dict[str, str] | None, quiet: bool) -> Any:
        import subprocess

        from dbt.reference.personality import without_randomization

        nothing = subprocess.DEVNULL if quiet else None
        with without_randomization():
            return subprocess.Popen(
                vmm_arguments(self._session, program),
                executable=VMM_PATH,
                pass_fds=(self._session.fd,),
                env=environment,
                stdin=nothing,
                stdout=nothing,
                stderr=nothing,
            )

    def close(self) -> None:
        """Ends the program, if it still runs, and gives everything back."""
        if self._mirror is not None:
            self._mirror.close()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._session.close()

    @property
    def mirror(self) -> Mirror:
        """The program's memory and the reference's, once it has begun."""
        assert self._mirror is not None
        return self._mirror

    def coverage(self) -> Coverage:
        """How much was compared so far."""
        counts = self._counts
        return Coverage(
            counts.instructions,
            counts.units,
            counts.syscalls,
            counts.signals,
            counts.inputs,
            tuple(counts.not_covered),
        )

    def status(self) -> int:
        """Lets the program go on by itself to its end; answers as subprocess.Popen.wait does."""
        while self._process.poll() is None:
            lib.dbt_ext_record_take(self.record)
            if not self._wait():
                break
        return int(self._process.wait())

    def follow(self) -> Found | None:
        """Follows to the end of the record; answers the first difference, or None.

        Raises:
            LaunchError: the program could not be started, or an oracle failed.
        """
        while self._wait():
            event = self.record.event
            if self.record.now.rflags & _TRAP_FLAG:
                self._not_covered("everything from where the program sets the trap flag on")
                return None
            if event == lib.DBT_EVENT_END:
                return self._end()
            handler = {
                lib.DBT_EVENT_START: self._begin,
                lib.DBT_EVENT_FULL: self._full,
                lib.DBT_EVENT_ENTER: self._enter,
                lib.DBT_EVENT_LEAVE: self._leave,
                lib.DBT_EVENT_SIGNAL: self._signal,
                lib.DBT_EVENT_FRAME: self._frame,
            }[event]
            if self._mirror is not None:
                self._mirror.grow()
            found = handler()
            if found is not None:
                if self._is_beyond(found):
                    return None
                return found
            if self._progress is not None:
                self._progress(self._counts.instructions)
            lib.dbt_ext_record_take(self.record)
        if self.record.forks:
            self._not_covered(f"{self.record.forks} child processes")
        return None

    def _wait(self) -> bool:
        while True:
            answer = lib.dbt_ext_record_wait(self.record, self._process.pid)
            if answer == 0:
                return True
            if answer == -errno.ESRCH:
                return False

    def _not_covered(self, what: str) -> None:
        self._counts.not_covered.setdefault(what)

    # Events.

    def _begin(self) -> Found | None:
        self._mirror = Mirror(self.oracle, self._process.pid)
        self._mirror.begin(self._told_regions())
        self._adopt()
        return None

    def _full(self) -> Found | None:
        count = self.record.count
        found = self._run()
        if found is not None:
            return found
        if count and self.units[count - 1].flags & lib.DBT_UNIT_RECORD_SAVES:
            self._take_saved()
        found = self._compare_memory()
        if found is None:
            self._go_on()
        return found

    def _enter(self) -> Found | None:
        self._counts.syscalls += 1
        record = self.record
        self._syscall = (record.number, tuple(record.arguments))
        found = self._run() or self._compare_memory()
        name = effects.name_of(record.number)
        last = name in ("exit_group", "exit", "execve", "execveat")
        patience_s = _FREE_CHECK_S if self.oracle.outcome.is_unlogged else _FULL_CHECK_S
        if found is None and (last or time.monotonic() - self._checked_at > patience_s):
            found = self._compare_all()
        if found is None:
            self._go_on()
        return found

    def _leave(self) -> Found | None:
        assert self._syscall is not None
        number, arguments = self._syscall
        self._syscall = None
        if self.record.region_count:
            result = int(self.record.now.registers[0])
            self.mirror.change(self._told_regions(), number, arguments, result)
        self.mirror.take_copies()
        for start, size_bytes in effects.written(number, arguments, self.mirror.read):
            self.mirror.load(start, size_bytes)
        self.mirror.load_shared()
        if (at := _FILE_ARGUMENT.get(effects.name_of(number))) is not None:
            self.mirror.load_file(arguments[at] & 0xFFFFFFFF)
        if self._may_write_itself(number, arguments):
            self.mirror.load_all()
        if effects.name_of(number) == "madvise":
            self.mirror.drop(arguments[0], arguments[1])
        if effects.name_of(number) == "process_madvise":
            for start, size_bytes in effects.iovecs(arguments[1], arguments[2], self.mirror.read):
                self.mirror.drop(start, size_bytes)
        if effects.shares_memory(number, arguments, self.mirror.read):
            self.mirror.load_all()
            self._not_covered("a child process in the program's own memory")
        self._adopt()
        return None

    def _signal(self) -> Found | None:
        self._counts.signals += 1
        if self._syscall is not None:
            return None  # it ends the process from within a call
        found = self._run()
        if found is not None and (self._is_trap(found) or self._is_at_branch(found)):
            found = None
        elif found is None and self.record.is_synchronous and not self.oracle.raises():
            found = self._lacking_fault()
            if found is None:
                self.oracle.roll_back(self.record.now.executed)  # what should not have been done
        found = found or self._compare_memory()
        if found is not None:
            return found
        if not self.record.is_synchronous:
            self._not_covered("when signals from outside arrive")
        self._go_on()
        return None

    def _is_trap(self, found: Found) -> bool:
        """Whether the reference stopped at a trap that the translation has gone through.

        The processor reports a trap behind its instruction (SDM vol. 3, 6.5).
        """
        if found.kind != "fault" or found.point != self.record.count:
            return False
        length = int(self.record.now.rip) - found.address
        if not self.record.is_synchronous or not 0 <= length <= _INSTRUCTION_MOST_BYTES:
            return False
        code = self.oracle.read(found.address, length)
        return not length or (
            code is not None and next(iterate(code, found.address)).class_.name == "TRAP"
        )

    def _is_at_branch(self, found: Found) -> bool:
        """Whether the reference stopped at the branch behind which the translation faults.

        So it is where a branch leads to an address that is not canonical (docs/limits.md).
        """
        is_canonical = not 1 << 47 <= int(self.record.now.rip) < (1 << 64) - (1 << 47)
        if found.kind != "fault" or found.point != self.record.count or is_canonical:
            return False
        self._not_covered("branches to addresses that are not canonical")
        return True

    def _lacking_fault(self) -> Found | None:
        pc = int(self.record.now.rip)
        name = signal.Signals(self.record.signal).name
        if self.record.signal == signal.SIGBUS:
            self._not_covered("the ends of mapped files")
            return None
        if not self.oracle.raises_all and self._may_lack(pc):
            self._not_covered(f"faults that {self.oracle.name} does not raise")
            return None
        if not self.record.count and self.record.now.executed == self.base[0].executed:
            # Sent from outside with the words of a fault, straight behind a system call.
            self._not_covered("when signals from outside arrive")
            return None
        instruction = self.oracle.instruction_at(pc)
        if instruction is not None and "INPUT" in instruction.traits:
            # Like what it would answer: the counter, say, taken away by prctl(PR_SET_TSC).
            self._not_covered("faults of instructions whose outcome is an input")
            return None
        text = f" ({instruction.text})" if instruction is not None else ""
        return Found(
            "fault", self.record.count, pc, f"{name} at {pc:#x}{text} that the reference lacks"
        )

    def _may_lack(self, pc: int) -> bool:
        """Whether the fault at an instruction is of a kind that Unicorn's processor does not have.

        It runs at privilege level 0, without canonical addresses, alignment or the ends of files.
        """
        instruction = self.oracle.instruction_at(pc)
        if instruction is None:
            return True
        if self.record.signal == signal.SIGFPE and "VECTOR" in instruction.traits:
            return True
        accesses = {"MEMORY", "STACK", "STRING", "IMPLICIT"} & instruction.traits
        if instruction.class_.name in ("IDENT", "PCREL") and not accesses:
            return False
        return (
            self.record.signal != signal.SIGSEGV
            or self.record.fault_address % _PAGE_BYTES == 0  # 0, or the second page of an access
            or (instruction.class_.name not in ("IDENT", "PCREL"))
        )

    def _is_beyond(self, found: Found) -> bool:
        """Whether the oracle met an instruction that it does not know."""
        if found.kind != "fault" or self.oracle.raises_all:
            return False
        code = self.oracle.read(found.address, _INSTRUCTION_MOST_BYTES)
        if self.oracle.outcome.error != _UNICORN_INVALID or code is None:
            return False
        try:
            text = next(iterate(code, found.address)).text
        except (DbtError, StopIteration):
            return False
        self._not_covered(
            f"everything from {found.address:#x} on: {self.oracle.name} does not know `{text}`"
        )
        return True

    def _frame(self) -> Found | None:
        self.mirror.take_copies()
        self.mirror.load(self.record.range_start, self.record.range_end - self.record.range_start)
        self._adopt()
        return None

    def _end(self) -> Found | None:
        self._not_covered(_REASONS[self.record.reason])
        if self.record.reason != lib.DBT_RECORD_THREAD or self._syscall is not None:
            return None  # the guest whose state this was has gone, or stands within a call
        return self._run() or self._compare_memory()

    # Steps.

    def _vectors(self, slot: int) -> Any:
        start = self.record.vectors_at + slot * self.record.vector_bytes
        return ffi.cast("uint8_t *", self.record) + start

    def state_at(self, point: int) -> Any:
        """What a unit of the batch found, a dbt_unit_record: -1 is the base, the count now."""
        if point < 0:
            return self.base[0]
        return self.units[point] if point < self.record.count else self.record.now

    def vector_before(self, point: int) -> bytes:
        """The XSAVE area that a unit found: the last one recorded up to it."""
        if point == self.record.count and self.record.now.vector:
            return bytes(ffi.buffer(self._vectors(0), self.record.vector_bytes))
        for number in range(point, -1, -1):
            slot = self.units[number].vector if number < self.record.count else 0
            if slot:
                return bytes(ffi.buffer(self._vectors(slot), self.record.vector_bytes))
        return self.base_vector

    def _remember_base(self) -> None:
        self.base[0] = self.record.now
        self.base_vector = bytes(ffi.buffer(self._vectors(0), self.record.vector_bytes))

    def _adopt(self) -> None:
        """The reference takes over the state of now."""
        self.oracle.set_state(
            ffi.addressof(self.record, "now"), self._vectors(0), self.record.features
        )
        self.oracle.forget_writes()
        self._remember_base()

    def _go_on(self) -> None:
        self.oracle.forget_writes()
        self._remember_base()

    def _run(self) -> Found | None:
        status = self.oracle.run(self.record)
        outcome = self.oracle.outcome
        self._counts.instructions += outcome.instructions
        self._counts.inputs += outcome.inputs
        self._counts.units += min(outcome.point, self.record.count)
        if status == EQUAL:
            return None
        if status == FAULT:
            is_call = self.oracle.name == "hardware" and outcome.error == signal.SIGSYS
            what = "makes a system call" if is_call else f"faults (error {outcome.error})"
            return Found("fault", outcome.point, outcome.actual.rip, f"the reference {what}")
        if outcome.fields == 0:
            raise LaunchError(f"the {self.oracle.name} oracle failed (error {outcome.error})")
        return Found("state", outcome.point, 0, "the state differs")

    def _dead(self) -> tuple[int, int]:
        end = max(int(self.record.now.registers[4]) - _RED_ZONE_BYTES, 0)
        return max(end - _DEAD_BYTES, 0), end

    def _compare_memory(self) -> Found | None:
        while True:
            address = self.mirror.differs_where_written(self._dead())
            if address is None or not self._was_dead(address):
                return self._found_memory(address)
            self.mirror.load(address, 8)

    def _was_dead(self, address: int) -> bool:
        """Whether an address lay below the red zone since the reference stored there last.

        What such memory holds is anybody's: a signal frame could have been there, or what paired
        returns leave.
        """
        write = self.oracle.last_write(address)
        written = -1 if write is None else write.executed
        for number in range(self.record.count - 1, -1, -1):
            unit = self.units[number]
            if unit.executed <= written:
                return False
            top = unit.registers[4] - _RED_ZONE_BYTES
            if top - _DEAD_BYTES <= address < top:
                return True
        return False

    def _found_memory(self, address: int | None) -> Found | None:
        if address is None:
            return None
        region = self.mirror.region_at(address)
        if region is not None and region.is_shared:
            self._not_covered("memory shared with others")
            self.mirror.load(region.start, region.end - region.start)
            return None
        if self._was_written_from_outside():
            self._not_covered("what other processes write into the program's memory")
            self.mirror.load_all()
            return None
        return Found("memory", self.record.count, address, f"memory at {address:#x} differs")

    def _was_written_from_outside(self) -> bool:
        """Whether another process has written into the program's memory since this was asked last.

        Those that can are its children; they say so just after they have.
        """
        limit = time.monotonic() + (_ANNOUNCE_S if self.record.forks else 0)
        while True:
            writes = sum(
                slab.foreign_writes
                for slab in self._session.memory.slabs[0 : self._session.slabs_used]
                if slab.pid == self._process.pid
            )
            if writes != self._foreign_writes:
                self._foreign_writes = writes
                return True
            if time.monotonic() >= limit:
                return False
            time.sleep(0.001)

    def _compare_all(self) -> Found | None:
        self._checked_at = time.monotonic()
        for region in self.mirror.regions:
            if not region.is_writable or region.is_shared:
                continue
            found = self._found_memory(self.mirror.differs_in(region, self._dead()))
            if found is not None:
                return found
        return None

    def _take_saved(self) -> None:
        """Processor state that the last instruction stored: it holds addresses of host code."""
        last = self.record.now.executed - 1
        stored = []
        for write in self.oracle.writes():
            if write.executed != last:
                break
            stored.append((write.address, write.address + write.size_bytes))
        if not stored:
            return
        start = min(low for low, _ in stored)
        size_bytes = max(high for _, high in stored) - start
        if size_bytes >= 256:
            size_bytes = max(size_bytes, self.record.vector_bytes)
        self.mirror.load(start, size_bytes)
        self._not_covered("the contents of save areas of the processor's state")

    # Mappings.

    def _told_regions(self) -> list[Region]:
        told = ffi.cast("dbt_record_region *", self.units)
        return [
            Region(told[at].guest_start, told[at].guest_end, told[at].protection, told[at].flags)
            for at in range(self.record.region_count)
        ]

    def _may_write_itself(self, number: int, arguments: Sequence[int]) -> bool:
        """Whether a call may have written the program's memory by a way of another process's."""
        name = effects.name_of(number)
        if name in _FILE_WRITES:
            with contextlib.suppress(OSError):
                fd = arguments[0] & 0xFFFFFFFF
                return os.readlink(f"/proc/{self._process.pid}/fd/{fd}").endswith("/mem")
        return name == "process_vm_writev" or (name in _CHILD_WAITS and self.record.forks > 0)
