"""Machine: bare guest memory and registers, run by translation in a VMM process of their own.

The VMM is asked through the mailbox in session memory (csrc/core/session.h). Registers stand in the
mailbox between runs, so that reading and setting them costs no round trip.
"""

from __future__ import annotations

import enum
import errno
import os
import re
import signal
import threading
import time
import weakref
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

from dbt._native import check, ffi, lib
from dbt.errors import ArgumentError, AssemblyError, LaunchError, MachineError
from dbt.runtime.launch import VMM_PATH
from dbt.runtime.session import Session
from dbt.tcache.settings import Settings
from dbt.tcache.statistics import Statistics

_GENERAL = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
)
_PLAIN = ("rip", "rflags", "fs_base", "gs_base")
_PROTECTION = {"r": 1, "w": 2, "x": 4}

# Standard-format XSAVE area (SDM vol. 1, 13.4 and 13.5): offsets in bytes.
_FCW_AT, _MXCSR_AT, _XMM_AT = 0, 24, 160
_XSTATE_BV_AT, _YMM_HIGH_AT = 512, 576
_XSTATE_SSE, _XSTATE_AVX = 2, 4
_FCW_INITIAL, _MXCSR_INITIAL = 0x037F, 0x1F80

_QUIT_TIMEOUT_NS = 1_000_000_000
# A bare number as an address. Keystone 0.9.2 encodes it relative to rip, silently; with the index
# "riz" (none) it is the absolute address that was written.
_ABSOLUTE = re.compile(r"\[\s*([+-]?(?:0x[0-9a-fA-F]+|[0-9]+))\s*\]")


class ExitReason(enum.Enum):
    """Why a run ended."""

    UNTIL = lib.DBT_EXIT_UNTIL  #: rip stands at the until address
    COUNT = lib.DBT_EXIT_COUNT  #: count instructions were carried out
    SYSCALL = lib.DBT_EXIT_SYSCALL  #: rip stands after a syscall instruction
    FAULT = lib.DBT_EXIT_FAULT  #: rip stands at the instruction that faulted
    UNSUPPORTED = lib.DBT_EXIT_UNSUPPORTED  #: rip stands at an instruction the engine refuses
    FETCH = lib.DBT_EXIT_FETCH  #: there is no executable memory at rip


@dataclass(frozen=True)
class MachineExit:
    """How a run ended.

    Attributes:
        reason: why it ended.
        rip: where the guest stands.
        signal: FAULT: the signal that Linux gives for the fault, otherwise 0.
        fault_address: FAULT: the address as in siginfo, otherwise 0.
        count: instructions carried out, when the run was bounded, otherwise 0.
    """

    reason: ExitReason
    rip: int
    signal: int = 0
    fault_address: int = 0
    count: int = 0


class Registers(MutableMapping[str, int]):
    """The guest's registers by name.

    The names are rax to r15, rip, rflags, fs_base, gs_base, mxcsr, xmm0 to xmm15 and ymm0 to ymm15.
    Values are unsigned; setting an xmm register leaves the upper half of its ymm.
    """

    def __init__(self, session: Session) -> None:
        self._session = session  # keeps the memory below mapped
        self._mailbox: Any = ffi.addressof(session.memory, "mailbox")
        self.xsave: Any = ffi.buffer(self._mailbox.xsave)

    def __getitem__(self, name: str) -> int:
        if name in _GENERAL:
            return int(self._mailbox.registers[_GENERAL.index(name)])
        if name in _PLAIN:
            return int(getattr(self._mailbox, name))
        data = b"".join(self.xsave[at : at + size] for at, size in self._parts(name))
        return int.from_bytes(data, "little")

    def __setitem__(self, name: str, value: int) -> None:
        if name in _GENERAL or name in _PLAIN:
            if not -(1 << 63) <= value < 1 << 64:
                raise ArgumentError(f"{name}: {value:#x} does not fit")
            if name in _PLAIN:
                setattr(self._mailbox, name, value & (1 << 64) - 1)
            else:
                self._mailbox.registers[_GENERAL.index(name)] = value & (1 << 64) - 1
            return
        parts = self._parts(name)
        width = sum(size for _, size in parts)
        if not 0 <= value < 1 << 8 * width:
            raise ArgumentError(f"{name}: {value:#x} does not fit")
        data = value.to_bytes(width, "little")
        for at, size in parts:
            self.xsave[at : at + size], data = data[:size], data[size:]

    def __delitem__(self, name: str) -> None:
        raise TypeError("registers cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        yield from (*_GENERAL, *_PLAIN, "mxcsr")
        for number in range(16):
            yield f"ymm{number}"

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _parts(self, name: str) -> list[tuple[int, int]]:
        """Where a vector register lies in the XSAVE area, its component made present."""
        if name == "mxcsr":
            return [(_MXCSR_AT, 4)]
        kind, number = name[:3], name[3:]
        if kind not in ("xmm", "ymm") or not number.isdigit() or int(number) > 15:
            raise KeyError(name)
        low = (_XMM_AT + 16 * int(number), 16)
        if kind == "xmm":
            self._present(_XSTATE_SSE, _XMM_AT, 16 * 16)
            return [low]
        self._present(_XSTATE_SSE, _XMM_AT, 16 * 16)
        self._present(_XSTATE_AVX, _YMM_HIGH_AT, 16 * 16)
        return [low, (_YMM_HIGH_AT + 16 * int(number), 16)]

    def _present(self, component: int, at: int, size_bytes: int) -> None:
        """An absent component is in its initial state, whatever its bytes say: write that down."""
        mask = self.xsave[_XSTATE_BV_AT][0]
        if not mask & component:
            self.xsave[at : at + size_bytes] = bytes(size_bytes)
            self.xsave[_XSTATE_BV_AT] = bytes([mask | component])


class Machine:
    """Guest memory and registers without an operating system, run by translation.

    Nothing is mapped at first, and all registers are 0. The guest's system calls, privileged and
    unknown instructions and faults end a run instead of doing anything.

    Args:
        settings: for the translator; None takes the environment's (Settings.from_environment).

    Attributes:
        registers: the guest's, by name; they may be set between runs.
        pid: of the process that hosts the machine.

    Raises:
        LaunchError: the VMM cannot be started.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._session = Session(
            settings or Settings.from_environment(), lib.DBT_PERSONALITY_MACHINE
        )
        self._mailbox: Any = ffi.addressof(self._session.memory, "mailbox")
        self._lock = threading.Lock()
        xsave = ffi.buffer(self._mailbox.xsave)
        xsave[_FCW_AT : _FCW_AT + 2] = _FCW_INITIAL.to_bytes(2, "little")
        xsave[_MXCSR_AT : _MXCSR_AT + 4] = _MXCSR_INITIAL.to_bytes(4, "little")
        xsave[_XSTATE_BV_AT] = bytes([_XSTATE_SSE])
        self._mailbox.xsave_valid = 1
        self._mailbox.rflags = 0x202
        self.registers = Registers(self._session)
        try:
            self.pid = os.posix_spawn(
                VMM_PATH,
                [b"dbt-vmm", b"%d" % self._session.fd],
                os.environb,
                file_actions=[(os.POSIX_SPAWN_DUP2, self._session.fd, self._session.fd)],
                setpgroup=0,  # the terminal's Ctrl-C is for the program that embeds the machine
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            )
        except OSError as error:
            self._session.close()
            raise LaunchError(f"{VMM_PATH}: {error.strerror}") from None
        self._finalizer = weakref.finalize(self, _end_process, self.pid)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the machine and its process; its memory is gone."""
        if self._finalizer.alive:
            self._mailbox.command = lib.DBT_MACHINE_QUIT
            lib.dbt_ext_mailbox_post(self._mailbox)
            lib.dbt_ext_mailbox_wait(self._mailbox, self.pid, _QUIT_TIMEOUT_NS)
            self._finalizer()
            self._session.close()

    def map(self, address: int, size_bytes: int, protection: str | int = "rwx") -> None:
        """Maps zeroed guest memory.

        Args:
            address: of the first byte, a multiple of 4096.
            size_bytes: a multiple of 4096.
            protection: of "r", "w" and "x" those that apply, or PROT_ bits.

        Raises:
            MachineError: the range is not free.
        """
        self._range_request(lib.DBT_MACHINE_MAP, address, size_bytes, protection)

    def protect(self, address: int, size_bytes: int, protection: str | int) -> None:
        """Changes the protection of mapped guest memory; arguments as for `map`."""
        self._range_request(lib.DBT_MACHINE_PROTECT, address, size_bytes, protection)

    def unmap(self, address: int, size_bytes: int) -> None:
        """Unmaps guest memory; arguments as for `map`."""
        self._range_request(lib.DBT_MACHINE_UNMAP, address, size_bytes, 0)

    def read(self, address: int, size_bytes: int) -> bytes:
        """Reads guest memory, whatever its protection.

        Raises:
            NotMappedError: a part of the range is not mapped.
        """
        parts = []
        with self._lock:
            for at, size in _pieces(address, size_bytes):
                self._request(lib.DBT_MACHINE_READ, at, size)
                parts.append(bytes(ffi.buffer(self._mailbox.bounce, size)))
        return b"".join(parts)

    def write(self, address: int, data: bytes) -> None:
        """Writes guest memory, whatever its protection; code that lay there is translated anew.

        Raises:
            NotMappedError: a part of the range is not mapped.
        """
        with self._lock:
            for at, size in _pieces(address, len(data)):
                start = at - address
                ffi.buffer(self._mailbox.bounce, size)[:] = data[start : start + size]
                self._request(lib.DBT_MACHINE_WRITE, at, size)

    def assemble(self, text: str, address: int | None = None) -> bytes:
        """Assembles Intel syntax through Keystone, and writes the bytes when an address is given.

        Args:
            text: instructions and labels, separated by newlines or semicolons.
            address: guest address the code is for; None assembles for 0 and writes nothing.

        Returns:
            The machine code.

        Raises:
            AssemblyError: Keystone refuses the text.
        """
        code = assemble(text, address or 0)
        if address is not None:
            self.write(address, code)
        return code

    def run(
        self,
        start: int | None = None,
        *,
        until: int | None = None,
        count: int | None = None,
        timeout_s: float | None = None,
    ) -> MachineExit:
        """Runs the guest until something ends the run.

        Args:
            start: guest address to begin at; None goes on at rip.
            until: guest address to stop before.
            count: guest instructions to carry out at most.
            timeout_s: seconds after which the machine is ended for good; None for no limit.

        Raises:
            MachineError: the VMM has ended.
            TimeoutError: the time was up.
        """
        if count is not None and count < 1:
            raise ArgumentError("a run carries out one instruction at least")
        mailbox = self._mailbox
        with self._lock:
            if start is not None:
                mailbox.rip = start
            mailbox.has_until = until is not None
            mailbox.until = until or 0
            mailbox.count = count or 0
            self._request(lib.DBT_MACHINE_RUN, 0, 0, timeout_s)
            reason = ExitReason(mailbox.exit_reason)
            is_fault = reason is ExitReason.FAULT
            return MachineExit(
                reason=reason,
                rip=mailbox.rip,
                signal=mailbox.signal if is_fault else 0,
                fault_address=mailbox.fault_address if is_fault else 0,
                count=mailbox.count if count is not None else 0,
            )

    def vector_state(self) -> bytes:
        """The x87 and vector state: an XSAVE area in the standard format (SDM vol. 1, 13.4)."""
        return bytes(self.registers.xsave)

    def set_vector_state(self, area: bytes) -> None:
        """Sets the x87 and vector state; components the area does not hold become initial.

        Args:
            area: as `vector_state` answers it, or shorter.
        """
        self.registers.xsave[: len(area)] = area

    def statistics(self) -> Statistics:
        """What the machine's process has counted so far."""
        return self._session.statistics()

    def _range_request(
        self, command: int, address: int, size_bytes: int, protection: str | int
    ) -> None:
        if address % 4096 or size_bytes % 4096 or size_bytes <= 0:
            raise ArgumentError("a mapping begins and ends at multiples of 4096 bytes")
        with self._lock:
            self._mailbox.protection = _protection_bits(protection)
            self._request(command, address, size_bytes)

    def _request(
        self, command: int, address: int, size_bytes: int, timeout_s: float | None = None
    ) -> None:
        """Carries out one request; the lock is held."""
        if not self._finalizer.alive:
            raise MachineError("the machine is closed")
        mailbox = self._mailbox
        mailbox.command = command
        mailbox.address = address
        mailbox.size_bytes = size_bytes
        lib.dbt_ext_mailbox_post(mailbox)
        try:
            answer = self._wait(timeout_s)
        except BaseException:
            # Broken off by the user, say: the guest is still running and cannot be asked again.
            self._finalizer()
            raise
        if answer == -errno.ESRCH:
            raise MachineError(f"the machine's process has ended: {_end_of(self._finalizer())}")
        if answer == -errno.ETIMEDOUT:
            self._finalizer()
            raise TimeoutError(f"the guest was still running after {timeout_s} s")
        status = int(mailbox.status)
        where = f"{address:#x}, {size_bytes:#x} bytes"
        if status < -1000:
            raise MachineError(f"{where}: {os.strerror(-status - 1000)}")
        check(status, where)

    def _wait(self, timeout_s: float | None) -> int:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left_ns = -1
            if deadline is not None:
                left_ns = max(int((deadline - time.monotonic()) * 1e9), 0)
            answer = int(lib.dbt_ext_mailbox_wait(self._mailbox, self.pid, left_ns))
            if answer != -errno.EINTR:
                return answer


def assemble(text: str, address: int = 0) -> bytes:
    """Assembles Intel syntax for 64-bit mode through Keystone.

    A bare number in brackets is the absolute address that was written (`gs:[8]`, `[0x1000]`).

    Args:
        text: instructions and labels, separated by newlines or semicolons.
        address: guest address of the first byte.

    Raises:
        AssemblyError: Keystone refuses the text.
    """
    import keystone

    def absolute(match: re.Match[str]) -> str:
        # Beyond 32 bits only the moffs forms of mov exist, and those come out right.
        fits = -(1 << 31) <= int(match[1], 0) < 1 << 31
        return f"[riz*1+{match[1]}]" if fits else match[0]

    assembler = keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64)
    try:
        code, _ = assembler.asm(_ABSOLUTE.sub(absolute, text), address, as_bytes=True)
    except keystone.KsError as error:
        raise AssemblyError(f"{text.strip()!r}: {error}") from None
    if code is None:
        raise AssemblyError(f"{text.strip()!r}: there is no instruction")
    return bytes(code)


def _protection_bits(protection: str | int) -> int:
    if isinstance(protection, int):
        return protection
    unknown = set(protection) - set(_PROTECTION) - {"-"}
    if unknown:
        raise ArgumentError(f"{protection!r}: a protection is made of r, w and x")
    return sum(bit for letter, bit in _PROTECTION.items() if letter in protection)


def _pieces(address: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    """Cuts a range into pieces that fit the mailbox."""
    for done in range(0, size_bytes, lib.DBT_SESSION_BOUNCE_BYTES):
        yield address + done, min(lib.DBT_SESSION_BOUNCE_BYTES, size_bytes - done)


def _end_process(pid: int) -> int | None:
    """Ends and reaps a VMM; returns its wait status, or None when somebody else reaped it."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended == 0:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
    except (ChildProcessError, ProcessLookupError):
        return None
    return status


def _end_of(status: int | None) -> str:
    if status is None:
        return "status unknown"
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit status {os.WEXITSTATUS(status)}"
