"""Runs one guest instruction twice in Unicorn: as it is, and as the host code emitted for it.

The host code runs instruction by instruction. Before each of them the guest state that the state
map gives for that host pc is put together, once here and once by the engine's own recovery, and
must be the guest's state before or after the instruction, to the last register, flag and byte of
memory.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

import cffi  # type: ignore[import-untyped,unused-ignore]
import unicorn as unicorn_module
from unicorn import x86_const as x86

from dbt._native import check, lib
from dbt._native import ffi as dbt_ffi
from dbt.decoder.instruction import REGISTER_NAMES, Instruction, iterate
from dbt.errors import DbtError
from dbt.translator.host_text import context_slots
from dbt.translator.translation import Options, Translation
from dbt.translator.unit import Entry, ExitKind, Where

CONTEXT = 0x5200_0000
NOTED = 1024  # where the next indirect branch is noted; SITE is 0
SECOND_LOOKUPS, FIRST_COUNTER = 1, 2  # words of dbt_profile_counters
STACK = 0x5100_0000
DATA = 0x5000_0000
STACK_BYTES = 0x4000
DATA_BYTES = 0x4000
STACK_POINTER = STACK + 0x2000
"""Memory at the same address here and in the emulator, since recovery reads the real one. Below
4 GB, so that instructions with 32-bit addresses reach it, and above the heap of a Python
that stands at a fixed address."""

unicorn: Any = unicorn_module  # its annotations come and go between versions

PAGE = 0x1000
MASK = (1 << 64) - 1
STATUS_FLAGS = 0x8D5
DIRECTION_FLAG = 0x400
STEPS_MAX = 200

_IDS = [getattr(x86, f"UC_X86_REG_{name.upper()}") for name in REGISTER_NAMES]
_XMM = [getattr(x86, f"UC_X86_REG_XMM{n}") for n in range(16)]
_MAP_FIXED_NOREPLACE, _MAP_ANONYMOUS, _MAP_PRIVATE = 0x100000, 0x20, 2
_ffi = cffi.FFI()
_ffi.cdef("void *mmap(void *, size_t, int, int, int, long);")
_libc: Any = _ffi.dlopen(None)
_SLOT = {name.removeprefix("ctx."): offset for offset, name in context_slots().items()}
COUNTERS = CONTEXT + _SLOT["counters_at"]


class Mismatch(AssertionError):
    """The translated instruction did something else, or the state map is wrong."""


@dataclass
class Guest:
    """The guest state that a run begins with.

    ``memory`` is content to be put at addresses (bytes by guest address) on top of random bytes.
    """

    registers: dict[str, int]
    flags: int = 2
    gs_base: int = DATA
    fs_base: int = DATA
    memory: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """What counts as the guest's state: registers, flags, vectors, and all memory."""

    rip: int
    registers: tuple[int, ...]
    flags: int
    memory: tuple[bytes, ...]

    def without(self, dead: int | None) -> Snapshot:
        """The same with 8 bytes of the stack taken as 0, which no guest can rely on."""
        if dead is None:
            return self
        at = dead - STACK
        stack = self.memory[0][:at] + bytes(8) + self.memory[0][at + 8 :]
        return replace(self, memory=(stack, *self.memory[1:]))

    def difference(self, other: Snapshot) -> str:
        """What differs, as a short text; '' when nothing does."""
        parts = [f"rip {self.rip:#x} / {other.rip:#x}"] if self.rip != other.rip else []
        for name, a, b in zip(REGISTER_NAMES, self.registers, other.registers, strict=True):
            parts += [f"{name} {a:#x} / {b:#x}"] if a != b else []
        if self.flags != other.flags:
            parts.append(f"flags {self.flags:#x} / {other.flags:#x}")
        parts += [
            f"memory region {n}"
            for n, (a, b) in enumerate(zip(self.memory, other.memory, strict=True))
            if a != b
        ]
        return ", ".join(parts)


def _real_memory(address: int, size_bytes: int) -> memoryview:
    flags = _MAP_FIXED_NOREPLACE | _MAP_ANONYMOUS | _MAP_PRIVATE
    got = _libc.mmap(_ffi.cast("void *", address), size_bytes, 3, flags, -1, 0)
    assert int(_ffi.cast("uintptr_t", got)) == address, "the emulator's memory is taken"
    return memoryview(_ffi.buffer(got, size_bytes))


class Machine:
    """Unicorn with the memory that guest and host code share. One for a whole test run."""

    _one: Machine | None = None

    @classmethod
    def shared(cls) -> Machine:
        """The only one, since its memory has fixed addresses."""
        if cls._one is None:
            cls._one = cls()
        return cls._one

    def __init__(self) -> None:
        self.context = _real_memory(CONTEXT, PAGE)
        self.counters = _real_memory(COUNTERS, PAGE).cast("Q")
        self.stack = _real_memory(STACK, STACK_BYTES)
        self.data = _real_memory(DATA, DATA_BYTES)
        self.uc = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        ours = ((CONTEXT, PAGE), (COUNTERS, PAGE), (STACK, STACK_BYTES), (DATA, DATA_BYTES))
        for address, size in ours:
            self.uc.mem_map_ptr(address, size, unicorn.UC_PROT_ALL, address)
        self.pages: set[int] = set()
        assert lib.dbt_listing_context_bytes() == PAGE

    def map_pages(self, address: int, size_bytes: int = 16) -> None:
        """Maps guest pages that hold an operand or a branch target, until `forget`."""
        for page in range(address & -PAGE, address + size_bytes, PAGE):
            page &= MASK
            shared = any(a <= page < a + n for a, n in ((STACK, STACK_BYTES), (DATA, DATA_BYTES)))
            if page not in self.pages and not shared and page < 1 << 47:
                self.uc.mem_map(page, PAGE)
                self.pages.add(page)

    def forget(self) -> None:
        """Unmaps what map_pages mapped."""
        for page in self.pages:
            self.uc.mem_unmap(page, PAGE)
        self.pages.clear()

    def map_host(self, translation: Translation) -> list[tuple[int, int]]:
        """Maps arenas, tables and routines where they are in this process."""
        handle = translation.handle
        routines = lib.dbt_listing_routine(handle, lib.DBT_LISTING_RETURN_MISS) & -PAGE
        ranges = [*translation.arenas(), (routines, PAGE)]
        first, second = translation.table(Entry.RETURN), translation.table(Entry.BODY)
        ranges.append((second, first + 0x200000 - second))
        for address, size in ranges:
            self.uc.mem_map_ptr(address, size, unicorn.UC_PROT_ALL, address)
        return ranges

    def write(self, address: int, data: bytes) -> None:
        """Writes guest memory."""
        self.uc.mem_write(address, data)

    def load(self, guest: Guest, seed: int) -> None:
        """Puts a guest state into registers and memory."""
        noise = random.Random(seed)
        self.data[:] = noise.randbytes(DATA_BYTES)
        self.stack[:] = noise.randbytes(STACK_BYTES)
        for page in sorted(self.pages):
            self.write(page, noise.randbytes(PAGE))
        for address, content in guest.memory.items():
            self.write(address, content)
        self.uc.reg_write_batch(
            [(_IDS[REGISTER_NAMES.index(name)], value) for name, value in guest.registers.items()]
        )
        self.uc.reg_write(x86.UC_X86_REG_EFLAGS, guest.flags | 0x202)
        self.uc.reg_write(x86.UC_X86_REG_FS_BASE, guest.fs_base)
        for register in _XMM:
            self.uc.reg_write(register, noise.getrandbits(128))

    def registers(self) -> tuple[int, ...]:
        """The host registers as they are."""
        return tuple(self.uc.reg_read(register) for register in _IDS)

    def flags(self) -> int:
        """The status flags and the direction flag."""
        return int(self.uc.reg_read(x86.UC_X86_REG_EFLAGS)) & (STATUS_FLAGS | DIRECTION_FLAG)

    def memory(self) -> tuple[bytes, ...]:
        """All memory that guest code can see, and the vector registers."""
        vectors = b"".join(self.uc.reg_read(r).to_bytes(16, "little") for r in _XMM)
        pages = (bytes(self.uc.mem_read(page, PAGE)) for page in sorted(self.pages))
        return (bytes(self.stack), bytes(self.data), vectors, *pages)

    def step(self, pc: int) -> tuple[int, bool]:
        """Runs one instruction: the pc after it, and whether it faulted.

        Unicorn does not always say so: what neither moves on nor counts rcx down has faulted.
        """
        count = self.uc.reg_read(x86.UC_X86_REG_RCX)
        try:
            self.uc.emu_start(pc, 0, count=1)
        except unicorn.UcError as error:
            after = int(self.uc.reg_read(x86.UC_X86_REG_RIP))
            fetched = error.errno in (unicorn.UC_ERR_FETCH_UNMAPPED, unicorn.UC_ERR_FETCH_PROT)
            return (after, False) if fetched and after != pc else (pc, True)
        after = int(self.uc.reg_read(x86.UC_X86_REG_RIP))
        return after, after == pc and count == self.uc.reg_read(x86.UC_X86_REG_RCX)


@dataclass(frozen=True)
class Native:
    """What the instruction itself does: the states it passes through, and whether it faults."""

    states: tuple[Snapshot, ...]
    faults: bool

    @property
    def after(self) -> Snapshot:
        """The state after the instruction, or before it when it faults."""
        return self.states[-1]

    def dead_slot(self) -> int:
        """Where a host call or return leaves its own address: right below the red zone."""
        return min(state.registers[4] for state in self.states) - 136

    def without(self, dead: int | None) -> Native:
        """The same without regard to a dead slot."""
        return Native(tuple(state.without(dead) for state in self.states), self.faults)


def run_native(machine: Machine, code: bytes, pc: int, guest: Guest, seed: int) -> Native:
    """Runs the guest instruction as it is, with the guest's gs base."""
    machine.load(guest, seed)
    machine.write(pc, code)
    machine.uc.reg_write(x86.UC_X86_REG_GS_BASE, guest.gs_base)
    machine.uc.ctl_flush_tb()
    states = [Snapshot(pc, machine.registers(), machine.flags(), machine.memory())]
    at = pc
    for _ in range(STEPS_MAX):
        at, faults = machine.step(at)
        if faults:
            return Native(tuple(states), True)
        states.append(Snapshot(at, machine.registers(), machine.flags(), machine.memory()))
        if at != pc or not _repeats(code):
            return Native(tuple(states), False)
    raise Mismatch("the guest instruction does not end")


def text_of(code: bytes, pc: int) -> str:
    """The first instruction as text."""
    try:
        return next(iterate(code, pc)).text
    except DbtError:
        return "(bad)"


def _repeats(code: bytes) -> bool:
    try:
        instruction = next(iterate(code, 0))
    except DbtError:
        return False
    return "STRING" in instruction.traits and bool(instruction.prefixes & {"REP", "REPNE"})


class HostRun:
    """Runs emitted code and checks the state map at each step.

    Args:
        machine: the emulator.
        translation: where the code was emitted; mapped by the caller.
        native: what may be seen.
        title: for messages.
        paired: whether a dead stack slot may hold a host address.
    """

    def __init__(
        self,
        machine: Machine,
        translation: Translation,
        native: Native,
        title: str,
        paired: bool = False,
    ) -> None:
        self.machine = machine
        self.translation = translation
        self.dead = native.dead_slot() if paired else None
        self.native = native.without(self.dead)
        self.title = title
        self.trace: list[str] = []
        self.boundaries = 0
        self.lost_flags = 0
        self.faulted = False
        handle = translation.handle
        self.exit_routine = lib.dbt_listing_routine(handle, lib.DBT_LISTING_EXIT_ROUTINE)
        self._context = _ffi.cast("char *", CONTEXT)

    def fail(self, what: str) -> None:
        """Reports with the host instructions run so far."""
        raise Mismatch(f"{self.title}: {what}\n" + "\n".join(self.trace))

    def slot(self, name: str) -> int:
        """A slot of the context, 8 bytes."""
        at = _SLOT[name]
        return int.from_bytes(self.machine.context[at : at + 8], "little")

    def set_slot(self, name: str, value: int) -> None:
        """Writes a slot of the context."""
        at = _SLOT[name]
        self.machine.context[at : at + 8] = (value & MASK).to_bytes(8, "little")

    def recover(self, host_pc: int) -> Snapshot:
        """The guest state at a host pc, by the map, and by the engine: they must agree."""
        host = self.machine.registers()
        state = self.translation.state_at(host_pc)
        if state is None or state.host_offset:
            self.fail(f"no state at host {host_pc:#x}: {state}")
        assert state is not None
        registers = list(host)
        for name in state.spilled:
            registers[REGISTER_NAMES.index(name)] = self.slot(f"spill.{name}")
        registers[4] += state.low_bytes
        rip = state.guest_pc
        if state.where == Where.KEY:
            rip = self.slot("key")
        elif state.where == Where.STACK:
            at = registers[4] - 8 - STACK
            rip = int.from_bytes(self.machine.stack[at : at + 8], "little")
        assert rip is not None
        flags = self.machine.flags()
        if state.flags_lost:
            self.lost_flags += 1
            # Nothing of them may be needed.
            flags ^= STATUS_FLAGS
        status = lib.dbt_listing_recover(
            self.translation.handle, dbt_ffi.cast("void *", CONTEXT), host, host_pc, flags
        )
        check(status, f"{self.title}: recovery at {host_pc:#x}")
        names = (*(f"registers.{name}" for name in REGISTER_NAMES), "rip")
        recovered = tuple(map(self.slot, names))
        if state.flags_lost:
            # The instruction has been carried out.
            registers, rip = list(recovered[:-1]), recovered[-1]
            flags = self.slot("rflags")
        elif recovered != (*registers, rip):
            self.fail(f"the engine recovers something else at {host_pc:#x}: {state}")
        snapshot = Snapshot(rip, tuple(registers), flags, self.machine.memory())
        return snapshot.without(self.dead)

    def check_boundary(self, host_pc: int) -> Snapshot:
        """The state at a host pc must be one that the guest instruction passes through."""
        self.boundaries += 1
        found = self.recover(host_pc)
        if found not in self.native.states:
            differences = [found.difference(state) for state in self.native.states[:3]]
            self.fail(f"the state at host {host_pc:#x} is none of the guest's: {differences}")
        return found

    def run(self, host_pc: int, until: int) -> None:
        """Runs from a host pc to another, or to the exit routine, or to a fault.

        The guest state never goes back: once the instruction counts as done, it stays done.
        """
        done = 0
        for _ in range(STEPS_MAX):
            if host_pc == self.exit_routine:
                return
            found = self.check_boundary(host_pc)
            at = max(n for n, state in enumerate(self.native.states) if state == found)
            if at < done:
                self.fail(f"the state at host {host_pc:#x} goes back")
            done = at
            if host_pc == until:
                return
            self.trace.append(self._show(host_pc))
            host_pc, faults = self.machine.step(host_pc)
            if faults:
                if not self.native.faults:
                    self.fail("the host code faults, the instruction does not")
                self.check_boundary(host_pc)
                self.faulted = True
                return
        self.fail("the host code does not end")

    def _show(self, host_pc: int) -> str:
        code = self.translation.host_code(host_pc, 15)
        text = next(iterate(code, host_pc)).text
        return f"  {host_pc:#x} {text:40} {self.translation.state_at(host_pc)}"

    def final(self) -> Snapshot:
        """The guest state at the exit routine: everything is back in its register."""
        exit_id = self.slot("exit_id") & 0xFFFFFFFF
        if exit_id < 16:
            rip = self.slot("key")
        else:
            rip = self.translation.exit(exit_id - 16).target
        registers, memory = self.machine.registers(), self.machine.memory()
        return Snapshot(rip, registers, self.machine.flags(), memory).without(self.dead)

    def exit_kind(self) -> ExitKind | None:
        """The kind of the exit taken, None for the miss routines."""
        exit_id = self.slot("exit_id") & 0xFFFFFFFF
        return self.translation.exit(exit_id - 16).kind if exit_id >= 16 else None


def start_host(run: HostRun, guest: Guest, seed: int) -> None:
    """Puts the guest state into the machine as it is when emitted code begins."""
    machine = run.machine
    machine.context[:] = random.Random(~seed).randbytes(len(machine.context))
    context = dbt_ffi.cast("void *", CONTEXT)
    lib.dbt_listing_attach(run.translation.handle, context)
    run.set_slot("guest_gs_base", guest.gs_base)
    run.set_slot("noted", NOTED)
    machine.counters[:3] = memoryview(bytes(24)).cast("Q")
    machine.load(guest, seed)
    machine.uc.reg_write(x86.UC_X86_REG_GS_BASE, CONTEXT)
    machine.uc.ctl_flush_tb()


CALLS_OUT = frozenset({"syscall", "callout", "unsupported"})


def compare(
    machine: Machine, code: bytes, pc: int, guest: Guest, seed: int, ways: Options | None = None
) -> HostRun:
    """Runs one guest instruction both ways and checks everything.

    Args:
        machine: the emulator; pages that the instruction touches must be mapped.
        code: the instruction's bytes.
        pc: its guest address, mapped.
        guest: the state before it.
        seed: for the memory's content.
        ways: the settings paired, wide and counted.

    Returns:
        The host run, for more questions.

    Raises:
        Mismatch: the two differ, or a state is wrong.
    """
    options = (ways or Options())._replace(unit_cap=1, chain=False, fall_through=False)
    with Translation(code, pc, options) as translation:
        unit = translation.unit(translation.translate(pc)[0])
        item = unit.items[0]
        title = f"{code.hex(' ')} {text_of(code, pc)} [{item.template}]"
        leaves = item.template in CALLS_OUT
        native = run_native(machine, code, pc, guest, seed)
        if leaves:
            native = Native(native.states[:1], False)
        ranges = machine.map_host(translation)
        try:
            run = HostRun(machine, translation, native, title, options.paired)
            start_host(run, guest, seed)
            run.run(unit.host_body, until=0)
            if native.faults:
                if not run.faulted:
                    run.fail("the instruction faults, the host code does not")
            else:
                difference = run.final().difference(run.native.after)
                if difference:
                    run.fail(f"the outcome differs: {difference}")
                if int(machine.uc.reg_read(x86.UC_X86_REG_GS_BASE)) != CONTEXT:
                    run.fail("gs base is not the context's afterwards")
                kind = run.exit_kind()
                if leaves != (kind is not None and kind != ExitKind.CONTINUATION):
                    run.fail(f"left by {kind}")
        finally:
            for address, size in ranges:
                machine.uc.mem_unmap(address, size)
    return run


def natural_offset(instruction: Instruction, registers: dict[str, int]) -> int | None:
    """The offset that an instruction computes for its operand, before any segment base."""
    value = [registers[name] for name in REGISTER_NAMES]
    memory = instruction.memory
    opcode = (instruction.map, instruction.opcode)
    if memory is not None:
        if memory.rip_relative:
            offset = instruction.next_pc + memory.displacement
        else:
            base = 0 if memory.base is None else value[memory.base]
            index = 0 if memory.index is None else value[memory.index] * memory.scale
            offset = base + index + memory.displacement
    elif "STRING" in instruction.traits:
        offset = value[6]
    elif opcode == ("ONE_BYTE", 0xD7):
        offset = value[3] + (value[0] & 0xFF)
    elif "IMPLICIT" in instruction.traits and instruction.immediate_bytes:
        offset = instruction.immediate
    elif "IMPLICIT" in instruction.traits:
        offset = value[7]
    else:
        return None
    return offset & (MASK >> 32 if instruction.address_bytes == 4 else MASK)
