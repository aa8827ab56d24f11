"""A program for the fuzzer: code, registers, memory and vector state, made from a few numbers.

Where memory lies is the same for all programs of one layout: code, data and stack, and data so far
away that translated code does not reach it by a displacement.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from dbt.decoder.instruction import REGISTER_NAMES, Instruction
from dbt.decoder.table import rows
from tests.fuzz.encode import Operands, first, instruction_of

PAGE_BYTES: Final = 4096
MASK: Final = (1 << 64) - 1
STACK_BYTES: Final = 2 * PAGE_BYTES
DATA_BYTES: Final = 4 * PAGE_BYTES
CODE_BYTES: Final = 2 * PAGE_BYTES
MOST_STEPS: Final = 120
_CODE_AT: Final = PAGE_BYTES - 64
_EDGES: Final = (
    *(0, 1, MASK, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1, 0xFFFFFFFF, 0x80, 0x7F, 0xFF, 2),
    *(0x8000, 0x7FFF, 0xFFFF, 0x8000000080000000, 0x0101010101010101, 64, 63, 31),
)
_FLAGS: Final = 0x8D5 | 0x400
_FIXED_FLAGS: Final = 0x202


EXCLUDED: Final = {
    "vmcall": "a hypervisor may answer it, and write into the code",
    "vmmcall": "the same",
    "vmgexit": "an Intel processor takes it for vmmcall",
    "wrpkru": "may take the VMM's own memory away",
    "xrstor": "the same, by its PKRU component",
    "xrstors": "the same",
}
"""Rows that are not tried, by mnemonic, with the reason."""


@dataclass(frozen=True)
class Layout:
    """Where the guest's memory lies: guest addresses of the first bytes."""

    code: int
    data: int
    stack: int
    far: int

    def regions(self) -> tuple[tuple[int, int, int], ...]:
        """Address, size in bytes and PROT_ bits of everything that is mapped."""
        return (
            (self.code, CODE_BYTES, 5),
            (self.data, DATA_BYTES, 3),
            (self.stack, STACK_BYTES, 3),
            (self.far, PAGE_BYTES, 3),
        )


LAYOUTS: Final = (
    Layout(code=0x401000, data=0x600000, stack=0x700000, far=0x7000_0000),
    Layout(0x2A12_3456_0000, 0x2A12_3500_0000, 0x2A12_4000_0000, 0x2A12_A000_0000),
)


@dataclass(frozen=True)
class Program:
    """Code and the state it starts from; everything else follows from the two seeds.

    Attributes:
        code: guest bytes, which begin at ``pc``.
        registers: values by name; what is not named is 0.
        memory_seed: of the contents of data and stack; 0: zeros.
        vector_seed: of the vector state; 0: its initial one.
        layout: number of one of LAYOUTS.
        starts: offsets of the instructions.
        rows: row numbers that the instructions were made from.
    """

    code: bytes
    registers: dict[str, int] = field(default_factory=dict)
    memory_seed: int = 0
    vector_seed: int = 0
    layout: int = 0
    starts: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()

    @property
    def place(self) -> Layout:
        """Where memory lies."""
        return LAYOUTS[self.layout]

    @property
    def pc(self) -> int:
        """Guest address of the first instruction: a page ends soon behind it."""
        return self.place.code + _CODE_AT

    def memory(self) -> dict[int, bytes]:
        """The contents of all that is mapped, by address."""
        place = self.place
        noise = random.Random(self.memory_seed)
        data = bytearray(_elements(noise, DATA_BYTES) if self.memory_seed else bytes(DATA_BYTES))
        stack = bytearray(_elements(noise, STACK_BYTES) if self.memory_seed else bytes(STACK_BYTES))
        targets = [self.pc + at for at in self.starts] or [self.pc]
        words = [*targets[1:], place.data + 0x1000, place.stack + 0x800, 3, 0x246]
        if self.memory_seed:
            for slot in range(24):
                at = STACK_BYTES // 2 + 8 * slot
                stack[at : at + 8] = noise.choice(words).to_bytes(8, "little")
            for slot in range(0, DATA_BYTES, 512):
                data[slot : slot + 8] = noise.choice(words).to_bytes(8, "little")
        code = bytes(_CODE_AT) + self.code
        return {
            place.code: code + bytes(CODE_BYTES - len(code)),
            place.data: bytes(data),
            place.stack: bytes(stack),
            place.far: bytes(data[:PAGE_BYTES]),
        }

    def instructions(self) -> list[Instruction]:
        """The instructions, as they were laid out."""
        ends = (*self.starts[1:], len(self.code))
        found = []
        for start, end in zip(self.starts, ends, strict=True):
            instruction = first(self.code[start:end], self.pc + start)
            if instruction is not None:
                found.append(instruction)
        return found

    def text(self) -> str:
        """A listing for people."""
        ends = (*self.starts[1:], len(self.code))
        lines = []
        for start, end in zip(self.starts, ends, strict=True):
            code = self.code[start:end]
            found = first(code, self.pc + start)
            lines.append(f"{self.pc + start:x}  {code.hex(' '):<36} {found.text if found else '?'}")
        return "\n".join(lines)


_FLOATS: Final = tuple(
    value.to_bytes(8, "little")
    for value in (
        *(0x3FF0000000000000, 0xBFF0000000000000, 0x7FF0000000000000, 0xFFF8000000000000),
        *(0x0000000000000001, 0x8000000000000000, 0x3F8000003F800000, 0x7F800000FF800000),
        *(0x40490FDB3DCCCCCD, 0x7FC0000000000001, 0x0080000000000001, 0x4059000000000000),
        *(0x3C003C00BC007C00, 0x0001020304050607, 0, MASK),
    )
)


def _elements(noise: random.Random, size_bytes: int) -> bytes:
    """Numbers of all kinds, that instructions may find interesting, in words of 8 bytes."""
    text = bytearray(noise.randbytes(size_bytes))
    for at in range(0, size_bytes, 8):
        match noise.randrange(6):
            case 0:
                text[at : at + 8] = noise.choice(_FLOATS)
            case 1:
                text[at : at + 8] = noise.randrange(256).to_bytes(8, "little")
    return bytes(text)


_LEGACY_AT: Final = 160
_XSTATE_AT: Final = 512


def vector_state(seed: int, initial: bytes, components: dict[int, tuple[int, int]]) -> bytes:
    """An XSAVE area.

    Args:
        seed: of its contents; 0: the initial state.
        initial: the machine's area in its initial state.
        components: offset and size in bytes of those beyond SSE, by number.
    """
    if not seed:
        return initial
    noise = random.Random(seed)
    area = bytearray(initial)
    control = 0x37F
    if noise.random() < 0.3:
        control = 0x37F & ~noise.choice((0, 0x300, 0x200)) | noise.choice((0, 0x400, 0x800, 0xC00))
    if noise.random() < 0.05:
        control &= ~noise.choice((1, 4, 0x20, 0x3F))
    status = noise.randrange(8) << 11 | (noise.getrandbits(16) & 0x4700)
    area[0:2] = control.to_bytes(2, "little")
    area[2:4] = status.to_bytes(2, "little")
    area[4] = noise.choice((0, 0xFF, 0xFF, 0x0F, noise.getrandbits(8)))
    mxcsr = 0x1F80
    if noise.random() < 0.3:
        mxcsr |= noise.choice((0x2000, 0x4000, 0x6000, 0x8000, 0x40, 0x8040))
    if noise.random() < 0.05:
        mxcsr &= ~noise.choice((0x80, 0x1000, 0x1F80))
    area[24:28] = mxcsr.to_bytes(4, "little")
    for number in range(8):
        exponent = noise.choice((0x3FFF, 0x4005, 0, 0x7FFF, 0xBFFF, noise.getrandbits(16)))
        fraction = noise.getrandbits(64) | (1 << 63 if exponent & 0x7FFF else 0)
        at = 32 + 16 * number
        area[at : at + 10] = fraction.to_bytes(8, "little") + exponent.to_bytes(2, "little")
    area[_LEGACY_AT : _LEGACY_AT + 256] = _elements(noise, 256)
    present = 3
    for number, (start, size_bytes) in components.items():
        area[start : start + size_bytes] = _elements(noise, size_bytes)
        present |= 1 << number
    area[_XSTATE_AT : _XSTATE_AT + 8] = present.to_bytes(8, "little")
    return bytes(area)


@dataclass
class Draft:
    """Registers, and what they are good for, while a program is laid out."""

    values: dict[str, int]
    kinds: list[str]

    def of_kind(self, kind: str) -> list[int]:
        """The registers that hold such a thing."""
        return [number for number in range(16) if self.kinds[number] == kind]

    def forget(self, instruction: Instruction) -> None:
        """Registers that it writes hold anything afterwards."""
        for name in instruction.registers_written:
            if name != "rsp":
                self.kinds[REGISTER_NAMES.index(name)] = "any"


_STRING_REGISTERS: Final = (6, 7, 3)


def registers_of(seed: int, layout: Layout) -> Draft:
    """Registers that suit many instructions: addresses of data, small numbers, edges, noise."""
    noise = random.Random(seed)
    values, kinds = {}, []
    for number, name in enumerate(REGISTER_NAMES):
        kind = noise.choice(("pointer", "pointer", "index", "edge", "any", "code"))
        if number == 4:
            kind = "stack"
        elif number in _STRING_REGISTERS and noise.random() < 0.8:
            kind = "pointer"
        elif number == 1 and noise.random() < 0.7:
            kind = "index"
        if not seed and kind == "any":
            kind = "index"
        kinds.append(kind)
        values[name] = {
            "pointer": layout.data + 0x1000 + noise.choice((64, 64, 8, 1)) * noise.randrange(60),
            "index": noise.randrange(12),
            "edge": noise.choice(_EDGES),
            "any": noise.getrandbits(64),
            "code": noise.randrange(1 << 20),
            "stack": layout.stack + STACK_BYTES // 2 + 8 * noise.randrange(3),
        }[kind]
    values["rflags"] = noise.getrandbits(32) & _FLAGS | _FIXED_FLAGS
    if noise.random() < 0.85:
        values["rflags"] &= ~0x400
    values["fs_base"] = noise.choice((0, layout.data, layout.data + 0x800))
    values["gs_base"] = noise.choice((0, 64, layout.data, layout.data + 0x800, 0x1000))
    return Draft(values, kinds)


def assemble(
    picks: list[tuple[int, int]],
    register_seed: int,
    memory_seed: int,
    vector_seed: int,
    layout: int,
) -> Program:
    """Lays a program out.

    Args:
        picks: row number and noise of each instruction.
        register_seed: of the registers.
        memory_seed: as in Program.
        vector_seed: likewise.
        layout: likewise.
    """
    place = LAYOUTS[layout]
    draft = registers_of(register_seed, place)
    codes = draft.of_kind("code")
    parts: list[bytes] = []
    used: list[tuple[int, int]] = []
    pc = place.code + _CODE_AT
    limit = CODE_BYTES - _CODE_AT - 64
    at = 0
    for number, noise in picks:
        near = place.data + 0x1000 + noise % 0x800 - (pc + at)
        far = place.far + 0x100 - (pc + at)
        operands = Operands(
            pointers=draft.of_kind("pointer"),
            indexes=draft.of_kind("index"),
            codes=draft.of_kind("code"),
            near=(near, near & -64, far) if far < 1 << 31 else (near,),
            absolute=(place.data + 0x1040, place.far + 0x40) if place.far < 1 << 31 else (),
        )
        code = instruction_of(number, noise, operands)
        if code is None or at + len(code) > limit:
            continue
        found = first(code)
        if found is not None:
            draft.forget(found)
        parts.append(code)
        used.append((number, noise))
        at += len(code)
    starts = [sum(map(len, parts[:n])) for n in range(len(parts) + 1)]
    parts.append(b"\x0f\x0b")
    for n, (number, noise) in enumerate(used):
        parts[n] = _aimed(parts[n], n, starts, noise + number)
    for register in codes:
        target = starts[draft.values[REGISTER_NAMES[register]] % len(starts)]
        draft.values[REGISTER_NAMES[register]] = pc + target
    rows_used = tuple(number for number, _ in used)
    return Program(
        b"".join(parts), draft.values, memory_seed, vector_seed, layout, tuple(starts), rows_used
    )


_AIMED: Final = ("JCC", "LOOP", "JMP", "CALL", "XBEGIN")


def _aimed(code: bytes, number: int, starts: list[int], noise: int) -> bytes:
    """A relative branch gets another instruction as its target, mostly one further on."""
    found = first(code)
    if found is None or found.class_.name not in _AIMED:
        return code
    size = found.immediate_bytes
    after = starts[number] + len(code)
    later = starts[number + 1 :]
    targets = later if noise % 8 else starts
    reach = [t for t in targets if -(1 << 8 * size - 1) <= t - after < 1 << 8 * size - 1]
    target = reach[noise // 8 % len(reach)] if reach else after
    start = found.immediate_at
    text = (target - after).to_bytes(size, "little", signed=True)
    return code[:start] + text + code[start + size :]


def row_name(number: int) -> str:
    """A row for people."""
    return rows()[number][1].mnemonic
