"""The sides of a fuzzed program: translated on a Machine, and the references; how they compare."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import dbt
from dbt._native import ffi, lib
from dbt.decoder.instruction import REGISTER_NAMES, Instruction
from dbt.errors import MachineError
from dbt.reference.case import registers_of, values_of
from dbt.reference.oracle import EQUAL, FAULT, Oracle
from dbt.runtime.machine import ExitReason, Machine, MachineExit
from tests.fuzz import disagreements
from tests.fuzz.encode import first
from tests.fuzz.program import LAYOUTS, MOST_STEPS, STACK_BYTES, Program, vector_state

_NAMES: Final = (*REGISTER_NAMES, "rip", "rflags", "fs_base", "gs_base")
_TIMEOUT_S: Final = 20
_PKRU: Final = 1 << 9
_FLAGS_COMPARED: Final = 0x244CD5
_TF: Final = 0x100
_AC: Final = 0x40000
_VECTORS_AT: Final = 8192
_HEADER_AT: Final = 512
_CANONICAL_END, _CANONICAL_AGAIN = 1 << 47, (1 << 64) - (1 << 47)
_X87_POINTERS: Final = (6, 24)
"""The last x87 instruction, which is the host's (docs/limits.md)."""


class Differs(AssertionError):
    """A program whose sides differ; the message says in what."""


class _Faulted(Differs):
    """A reference that raised an exception where the translated side went on."""

    def __init__(self, message: str, address: int) -> None:
        super().__init__(message)
        self.address = address


@dataclass(frozen=True)
class State:
    """What one side ends with."""

    registers: dict[str, int]
    vector: bytes
    memory: dict[int, bytes]


@dataclass(frozen=True)
class Outcome:
    """How the translated side ended.

    Attributes:
        count: instructions before the one that ended it.
        end: what that was.
        before: the state before it.
        ending: the state it ended with.
    """

    count: int
    end: MachineExit
    before: State
    ending: State


class Translated:
    """A machine with one layout's memory.

    Args:
        settings: of the translator.
        layout: number of the layout.
    """

    def __init__(self, settings: dbt.Settings, layout: int) -> None:
        self.settings = settings
        self._layout = layout
        self._machine = self._fresh()

    def _fresh(self) -> Machine:
        machine = Machine(self.settings)
        for address, size_bytes, protection in LAYOUTS[self._layout].regions():
            machine.map(address, size_bytes, protection)
        return machine

    def close(self) -> None:
        """Ends the machine."""
        self._machine.close()

    def holds(self, address: int) -> bool:
        """Whether the machine's process has memory there that is not the guest's."""
        if any(at <= address < at + size for at, size, _ in LAYOUTS[self._layout].regions()):
            return False
        with open(f"/proc/{self._machine.pid}/maps") as file:
            for line in file:
                start, _, end = line.split()[0].partition("-")
                if int(start, 16) <= address < int(end, 16):
                    return True
        return False

    def load(self, program: Program, sides: Sides) -> None:
        """Puts a program and its state in."""
        for address, data in program.memory().items():
            self._machine.write(address, data)
        registers = self._machine.registers
        for name in _NAMES:
            registers[name] = program.registers.get(name, 0)
        registers["rip"] = program.pc
        registers["rflags"] = program.registers.get("rflags", 0) | 0x202
        self._machine.set_vector_state(sides.vector(program.vector_seed))

    def run(self, count: int | None = None) -> MachineExit:
        """Runs on, a number of instructions or to the end."""
        try:
            return self._machine.run(count=count, timeout_s=_TIMEOUT_S)
        except (MachineError, TimeoutError) as error:
            self._machine.close()
            self._machine = self._fresh()
            raise Differs(f"translated: {error}") from None

    def registers(self) -> dict[str, int]:
        """Now."""
        return {name: self._machine.registers[name] for name in _NAMES}

    def vector(self) -> bytes:
        """The XSAVE area now."""
        return self._machine.vector_state()

    def memory(self) -> dict[int, bytes]:
        """All that is mapped, now."""
        regions = LAYOUTS[self._layout].regions()
        return {address: self._machine.read(address, size) for address, size, _ in regions}

    def state(self) -> State:
        """All of it."""
        return State(self.registers(), self.vector(), self.memory())


class Reference:
    """An oracle with one layout's memory."""

    def __init__(self, name: str, layout: int, vector_bytes: int, features: int) -> None:
        self.oracle = Oracle(name)
        self.name = name
        self._layout = layout
        for address, size_bytes, protection in LAYOUTS[layout].regions():
            self.oracle.map(address, address + size_bytes, protection)
        self._block = ffi.new("uint8_t[]", _VECTORS_AT + 64 + vector_bytes)
        self._record: Any = ffi.cast("dbt_record *", self._block)
        self._record.units_at = 4096
        self._record.vectors_at = _VECTORS_AT
        self._record.vector_bytes = vector_bytes
        self._record.features = features
        self._unit: Any = ffi.cast("dbt_unit_record *", ffi.cast("char *", self._block) + 4096)

    def close(self) -> None:
        """Gives everything back."""
        self.oracle.close()

    def load(self, memory: dict[int, bytes]) -> None:
        """Puts memory in."""
        for address, data in memory.items():
            self.oracle.write(address, data)

    def set_state(self, state: State) -> None:
        """Puts registers and vector state in."""
        self.oracle.forget_writes()
        _fill(self._unit, state.registers, 0)
        vector = ffi.from_buffer("uint8_t[]", state.vector)
        self.oracle.set_state(self._unit, vector, self._record.features)

    def run(
        self,
        start: dict[str, int],
        vector: bytes,
        count: int,
        after: State,
        *,
        has_input: bool = False,
    ) -> None:
        """Runs from a state, and compares with where the translated side got to."""
        oracle = self.oracle
        self.set_state(State(start, vector, {}))
        self._record.count = int(has_input)
        self._unit.flags = lib.DBT_UNIT_RECORD_INPUT
        now = ffi.addressof(self._record, "now")
        _fill(now, after.registers, count)
        self._record.now.vector = 1
        ffi.memmove(self._block + _VECTORS_AT, after.vector, self._record.vector_bytes)
        status = oracle.run(self._record)
        if status == FAULT:
            outcome = oracle.outcome
            raise _Faulted(
                f"{self.name}: a fault (error {outcome.error}) at {outcome.actual.rip:#x}, "
                f"instruction {outcome.actual.executed}, of {count}",
                outcome.guest_fault_address,
            )
        if status != EQUAL:
            differ = values_of(oracle.outcome, after.registers, after.vector)
            text = "; ".join(f"{v.name} is {v.actual}, not {v.expected}" for v in differ)
            flags = (oracle.outcome.actual.rflags ^ after.registers["rflags"]) & _FLAGS_COMPARED
            raise Differs(
                f"{self.name}: after {oracle.outcome.actual.executed}: {text} (flags {flags:#x})"
            )

    def check_memory(self, memory: dict[int, bytes], dead: tuple[int, int] = (0, 0)) -> None:
        """Compares memory with the translated side's, a dead range apart."""
        for address, data in memory.items():
            mine = self.oracle.read(address, len(data))
            assert mine is not None
            mine, data = _alive(address, mine, dead), _alive(address, data, dead)
            if mine != data:
                at = next(n for n in range(len(data)) if mine[n] != data[n])
                raise Differs(
                    f"{self.name}: [{address + at:#x}] is {data[at:at + 8].hex()}, "
                    f"not {mine[at:at + 8].hex()}"
                )  # fmt: skip

    def check_fault(self, end: MachineExit, ending: State) -> None:
        """The next instruction has to raise what the translated side raised."""
        is_fetch = end.reason is ExitReason.FETCH
        number = signal.SIGSEGV if is_fetch else end.signal
        address = end.rip if is_fetch else end.fault_address
        if not self.oracle.raises_all and disagreements.may_lack_fault(number, address):
            return
        if not self.oracle.raises():
            raise Differs(f"{self.name}: no {_end_text(end)}")
        if not self.oracle.raises_all or not _is_canonical(end.rip):
            return  # the latter is reported behind the branch that led there (docs/limits.md)
        outcome = self.oracle.outcome
        if (outcome.error, outcome.guest_fault_address) != (number, address):
            raise Differs(
                f"{self.name}: {_end_text(end)}, but signal {outcome.error} there "
                f"(address {outcome.guest_fault_address:#x})"
            )
        vector = bytes(ffi.buffer(outcome.vector))[: len(ending.vector)]
        known = State(registers_of(outcome.actual), self._merged(vector, ending.vector), {})
        text = _state_text(ending, known, _FLAGS_COMPARED)
        if text:
            raise Differs(f"{self.name}: at the fault {text}")

    def _merged(self, vector: bytes, other: bytes) -> bytes:
        """The components that are compared from one area, everything else from another."""
        area = bytearray(other)
        area[: _HEADER_AT - 48] = vector[: _HEADER_AT - 48]
        if self._record.features & ~3:
            area[_HEADER_AT + 64 :] = vector[_HEADER_AT + 64 :]
        return bytes(area)


def _is_canonical(address: int) -> bool:
    return not _CANONICAL_END <= address < _CANONICAL_AGAIN


def _is_step_trap(program: Program, end: MachineExit) -> bool:
    """Whether the guest trapped itself: by its trap flag, not by int3 or int1."""
    at = end.rip - program.pc - 1
    return (
        end.reason is ExitReason.FAULT
        and end.signal == signal.SIGTRAP
        and program.code[max(at, 0) : at + 1] not in (b"\xcc", b"\xf1")
    )


def _done_at_end(program: Program, end: MachineExit) -> int:
    """Whether the last instruction counts as done although it ended the run."""
    at = end.rip - program.pc
    is_overflow = at - 2 in program.starts and program.code[at - 2 : at] == b"\xcd\x04"
    is_trap = end.reason is ExitReason.FAULT and (end.signal == signal.SIGTRAP or is_overflow)
    is_branch = end.reason is ExitReason.FETCH and not _is_canonical(end.rip)
    return int(is_trap or is_branch or end.reason in (ExitReason.SYSCALL, ExitReason.UNSUPPORTED))


def _end_text(end: MachineExit) -> str:
    if end.reason is ExitReason.FAULT:
        return f"signal {end.signal} at {end.rip:#x} (address {end.fault_address:#x})"
    return f"{end.reason.name.lower()} at {end.rip:#x}"


def _fill(state: Any, registers: dict[str, int], executed: int) -> None:
    for at, name in enumerate(REGISTER_NAMES):
        state.registers[at] = registers[name]
    state.rip, state.rflags = registers["rip"], registers["rflags"]
    state.fs_base, state.gs_base = registers["fs_base"], registers["gs_base"]
    state.executed = executed


def _components(machine: Machine) -> dict[int, tuple[int, int]]:
    """Offset and size in bytes of the components that are used, from cpuid (SDM vol. 1, 13.2)."""
    machine.map(0x10000, 4096)
    machine.write(0x10000, b"\x0f\xa2\x0f\x05")
    found = {}
    for number in (2, 5, 6, 7):
        machine.registers["rax"], machine.registers["rcx"] = 0xD, number
        machine.run(0x10000, count=1)
        size_bytes, at = machine.registers["rax"], machine.registers["rbx"]
        if size_bytes:
            found[number] = (at, size_bytes)
    return found


class Sides:
    """All sides, kept for many programs.

    Args:
        unicorn: whether Unicorn is asked too.
    """

    def __init__(self, *, unicorn: bool = True) -> None:
        self._machines: dict[tuple[dbt.Settings, int], Translated] = {}
        self._references: dict[tuple[str, int], Reference] = {}
        self.names = ("hardware", "unicorn") if unicorn else ("hardware",)
        with Machine() as machine:
            self._components = _components(machine)
            self._initial = bytes(machine.vector_state())
        end = max((at + size for at, size in self._components.values()), default=576)
        self._vector_bytes = (end + 63) & -64
        self._features = 3 | sum(1 << number for number in self._components)
        self.programs = self.instructions = 0

    def close(self) -> None:
        """Ends all of them."""
        for machine in self._machines.values():
            machine.close()
        for reference in self._references.values():
            reference.close()

    def __enter__(self) -> Sides:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def vector(self, seed: int) -> bytes:
        """A vector state."""
        return vector_state(seed, self._initial, self._components)[: self._vector_bytes]

    def machine(self, settings: dbt.Settings, layout: int) -> Translated:
        """The machine for some settings."""
        key = (settings, layout)
        if key not in self._machines:
            self._machines[key] = Translated(settings, layout)
        return self._machines[key]

    def reference(self, name: str, layout: int) -> Reference:
        """An oracle."""
        key = (name, layout)
        if key not in self._references:
            self._references[key] = Reference(
                name, layout, self._vector_bytes, self._features if name == "hardware" else 3
            )
        return self._references[key]

    def check(self, program: Program, settings: dbt.Settings, *, unicorn: bool = True) -> int:
        """Runs a program on all sides; answers how many instructions were carried out.

        Raises:
            Differs: two of them do not agree.
        """
        translated = self.machine(settings, program.layout)
        try:
            return self._check(program, translated, unicorn)
        except _Faulted as fault:
            if translated.holds(fault.address):
                return 0  # a stray pointer into the VMM's own memory (docs/limits.md)
            raise
        finally:
            if any(disagreements.uses_selectors(found) for found in program.instructions()):
                self._drop(program.layout)

    def _drop(self, layout: int) -> None:
        """The next program of a layout finds fresh sides: selectors would stay as they are."""
        for key in [key for key in self._machines if key[1] == layout]:
            self._machines.pop(key).close()
        for name in self.names:
            reference = self._references.pop((name, layout), None)
            if reference is not None:
                reference.close()

    def _check(self, program: Program, translated: Translated, unicorn: bool) -> int:
        settings = translated.settings
        if self._is_stepped(program):
            count = self._follow(program, translated, "hardware")
        else:
            outcome = self._counted(program, translated)
            count = outcome.count
            self._whole(program, outcome, _dead(program, settings))
            self._chained(program, translated, outcome)
        if unicorn and "unicorn" in self.names:
            self._follow(program, translated, "unicorn")
        self.programs += 1
        self.instructions += count
        return count

    @staticmethod
    def _is_stepped(program: Program) -> bool:
        return any(
            {"INPUT", "SAVES"} & found.traits or found.class_.name == "XBEGIN"
            for found in program.instructions()
        )

    def _counted(self, program: Program, translated: Translated) -> Outcome:
        """A first run, whose length is bounded, and with it the number of instructions."""
        translated.load(program, self)
        end = translated.run(MOST_STEPS)
        ending = before = translated.state()
        count = end.count - _done_at_end(program, end)
        if end.reason is not ExitReason.COUNT:
            translated.load(program, self)
            if count:
                translated.run(count)
            before = translated.state()
        return Outcome(count, end, before, ending)

    def _whole(self, program: Program, outcome: Outcome, dead: tuple[int, int]) -> None:
        hardware = self.reference("hardware", program.layout)
        hardware.load(program.memory())
        before, ending = outcome.before, outcome.ending
        if _has_trap_flag(before.registers) or _is_step_trap(program, outcome.end):
            return
        hardware.run(_start(program), self.vector(program.vector_seed), outcome.count, before)
        hardware.check_memory(before.memory, dead)
        if outcome.end.reason in (ExitReason.FAULT, ExitReason.FETCH):
            hardware.check_fault(outcome.end, ending)
            hardware.check_memory(ending.memory, dead)

    def _chained(self, program: Program, translated: Translated, outcome: Outcome) -> None:
        """Twice without a bound: units are linked now, and entered through tables."""
        expected = outcome.end
        dead = _dead(program, translated.settings)
        if expected.reason is ExitReason.COUNT:
            return
        for turn in ("cold", "warm"):
            translated.load(program, self)
            end = translated.run()
            after = translated.state()
            if (end.reason, end.rip, end.signal, end.fault_address) != (
                expected.reason, expected.rip, expected.signal, expected.fault_address
            ):  # fmt: skip
                raise Differs(f"chained, {turn}: {_end_text(end)}, not {_end_text(expected)}")
            differences = _state_text(after, outcome.ending, dead=dead)
            if differences:
                raise Differs(f"chained, {turn}: {differences}")

    def _follow(self, program: Program, translated: Translated, name: str) -> int:
        """Instruction by instruction, each of the reference's from the translated side's state."""
        reference = self.reference(name, program.layout)
        dead = _dead(program, translated.settings)
        translated.load(program, self)
        reference.load(program.memory())
        before = State(translated.registers(), translated.vector(), {})
        for count in range(MOST_STEPS):
            rip = before.registers["rip"]
            instruction = first(reference.oracle.read(rip, 15) or b"", rip)
            end = translated.run(1)
            after = State(translated.registers(), translated.vector(), {})
            is_over = end.reason in (ExitReason.SYSCALL, ExitReason.UNSUPPORTED)
            is_over = is_over or not _is_canonical(end.rip) or _is_step_trap(program, end)
            if is_over or _has_trap_flag(after.registers):
                return count
            excuse = disagreements.excuse(name, instruction, _mxcsr(before.vector))
            if end.reason in (ExitReason.FAULT, ExitReason.FETCH):
                if not excuse:
                    reference.set_state(before)
                    reference.check_fault(end, after)
                return count
            if not excuse:
                reference.run(before.registers, before.vector, 1, after, has_input=True)
            self._adopt_memory(reference, translated, instruction, bool(excuse), dead)
            before = after
        return MOST_STEPS

    @staticmethod
    def _adopt_memory(
        reference: Reference,
        translated: Translated,
        instruction: Instruction | None,
        skip: bool,
        dead: tuple[int, int],
    ) -> None:
        traits = instruction.traits if instruction is not None else frozenset()
        if skip or "SAVES" in traits:
            reference.load(translated.memory())
        elif {"WRITES_MEMORY", "STACK"} & traits or instruction is None:
            reference.check_memory(translated.memory(), dead)


def _dead(program: Program, settings: dbt.Settings) -> tuple[int, int]:
    """Where paired returns may have written: they write below the red zone (docs/limits.md)."""
    if settings.returns == "table":
        return 0, 0
    return program.place.stack, program.place.stack + STACK_BYTES // 2


def _mxcsr(area: bytes) -> int:
    return int.from_bytes(area[24:28], "little")


def _start(program: Program) -> dict[str, int]:
    registers = {name: program.registers.get(name, 0) for name in _NAMES}
    registers["rip"] = program.pc
    registers["rflags"] |= 0x202
    return registers


def _has_trap_flag(registers: dict[str, int]) -> bool:
    """A guest that traps itself cannot be stepped by the references."""
    return bool(registers["rflags"] & _TF)


def _alive(address: int, data: bytes, dead: tuple[int, int]) -> bytes:
    """Memory from an address on, the dead range blanked: all of it lies in one region."""
    if not address <= dead[0] < address + len(data):
        return data
    start, end = dead[0] - address, dead[1] - address
    return data[:start] + bytes(end - start) + data[end:]


def _state_text(
    left: State, right: State, flags: int = -1, dead: tuple[int, int] = (0, 0)
) -> str:
    return "; ".join(_differences(left, right, flags, dead))


def _without_pointers(area: bytes) -> bytes:
    return area[: _X87_POINTERS[0]] + bytes(18) + area[_X87_POINTERS[1] :]


def _differences(
    left: State, right: State, flags: int, dead: tuple[int, int]
) -> Iterator[str]:
    for name, value in left.registers.items():
        mask = flags if name == "rflags" else -1
        if (right.registers[name] ^ value) & mask:
            yield f"{name} is {value:#x}, not {right.registers[name]:#x}"
    areas = (_without_pointers(left.vector), _without_pointers(right.vector))
    for at in range(0, len(left.vector), 8):
        mine, other = (area[at : at + 8] for area in areas)
        if mine != other:
            yield f"XSAVE area at {at}: {mine.hex()}, not {other.hex()}"
    for address, other in right.memory.items():
        data, other = _alive(address, left.memory[address], dead), _alive(address, other, dead)
        if data != other:
            at = next(n for n in range(len(data)) if data[n] != other[n])
            yield f"[{address + at:#x}] is {data[at:at + 8].hex()}, not {other[at:at + 8].hex()}"
