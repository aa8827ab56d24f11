"""`Instruction`, the IR of one guest instruction, and `decode`, which makes them from bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property
from typing import Any, Final

from dbt._native import check, ffi, lib
from dbt.decoder.table import MAPS, rows
from dbt.decoder.table_format import Row

REGISTER_NAMES: Final = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
)
FLAG_NAMES: Final = ("CF", "PF", "AF", "ZF", "SF", "TF", "IF", "DF", "OF", "NT", "AC")
PREFIX_NAMES: Final = (
    *("OPERAND", "ADDRESS", "LOCK", "REPNE", "REP", "FS", "GS", "REX"),
    *("VEX2", "VEX3", "XOP", "EVEX", "CS", "DS", "ES", "SS"),
)
TRAIT_NAMES: Final = (
    *("MODRM", "MEMORY", "ADDRESS", "RIP_RELATIVE", "VSIB", "STRING", "IMPLICIT", "STACK"),
    *("WRITES_MEMORY", "FUSIBLE", "TOO_LONG", "INPUT", "SAVES", "VECTOR"),
)
_FLAG_BITS: Final = tuple((getattr(lib, f"DBT_FLAG_{name}"), name) for name in FLAG_NAMES)
_PREFIX_BITS: Final = tuple((getattr(lib, f"DBT_PREFIX_{name}"), name) for name in PREFIX_NAMES)
_TRAIT_BITS: Final = tuple((getattr(lib, f"DBT_TRAIT_{name}"), name) for name in TRAIT_NAMES)
_BRANCHES: Final = ("JCC", "LOOP", "JMP", "CALL", "XBEGIN")


class Mode(IntEnum):
    """The processor mode that bytes are decoded for; only 64-bit mode is proven."""

    BITS_64 = 0
    BITS_32 = 1


class InstructionClass(IntEnum):
    """The translator's view of an instruction: which rules apply (csrc/core/decode.h)."""

    IDENT = 0
    PCREL = 1
    JCC = 2
    LOOP = 3
    JMP = 4
    CALL = 5
    RET = 6
    IJMP = 7
    ICALL = 8
    FAR = 9
    SYSCALL = 10
    SYSENTER = 11
    TRAP = 12
    CPUID = 13
    GSBASE = 14
    SEGMENT = 15
    POPF = 16
    XBEGIN = 17
    PRIVILEGED = 18
    SENSITIVE = 19
    INVALID = 20


@dataclass(frozen=True)
class MemoryOperand:
    """The memory operand that ModRM names.

    ``base`` and ``index`` are register numbers or None; displacement is in bytes, relative to the
    end of the instruction where ``rip_relative``.
    """

    base: int | None
    index: int | None
    scale: int
    displacement: int
    rip_relative: bool


@dataclass(frozen=True)
class Instruction:
    """One decoded guest instruction.

    Positions (``..._at``) are byte offsets from the first byte, 0 where there is no such field;
    registers and flags are sets of names, the registers in their 64-bit spelling.
    """

    pc: int
    bytes: bytes
    mode: Mode
    class_: InstructionClass
    map: str
    opcode: int
    row: int
    prefixes: frozenset[str]
    traits: frozenset[str]
    opcode_at: int
    modrm_at: int
    sib_at: int
    displacement_at: int
    displacement_bytes: int
    immediate_at: int
    immediate_bytes: int
    immediate: int
    operand_bytes: int
    address_bytes: int
    target: int | None
    memory: MemoryOperand | None
    registers_read: frozenset[str]
    registers_written: frozenset[str]
    flags_read: frozenset[str]
    flags_written: frozenset[str]
    flags_undefined: frozenset[str]

    @property
    def length(self) -> int:
        """How many bytes the instruction has."""
        return len(self.bytes)

    @property
    def next_pc(self) -> int:
        """The address of the instruction behind this one."""
        return self.pc + len(self.bytes)

    @property
    def table_row(self) -> Row:
        """The row of the opcode table that describes this instruction."""
        return rows()[self.row - 1][1]

    @property
    def mnemonic(self) -> str:
        """The opcode table's name for this instruction (one for all operand sizes)."""
        return self.table_row.mnemonic

    @cached_property
    def text(self) -> str:
        """The instruction as Capstone prints it, or the table's name where Capstone knows none."""
        for found in _capstone(self.mode).disasm_lite(self.bytes, self.pc):
            return f"{found[2]} {found[3]}".rstrip()
        return self.mnemonic

    def __str__(self) -> str:
        return f"{self.pc:x}: {self.text}"


@cache
def _capstone(mode: Mode) -> Any:
    import capstone

    bits = capstone.CS_MODE_64 if mode == Mode.BITS_64 else capstone.CS_MODE_32
    return capstone.Cs(capstone.CS_ARCH_X86, bits)


@cache
def _names(mask: int, bits: tuple[tuple[int, str], ...]) -> frozenset[str]:
    return frozenset(name for bit, name in bits if mask & bit)


@cache
def _registers(mask: int) -> frozenset[str]:
    return frozenset(REGISTER_NAMES[n] for n in range(16) if mask >> n & 1)


def _memory(raw: Any) -> MemoryOperand | None:
    if not raw.traits & lib.DBT_TRAIT_ADDRESS:
        return None
    return MemoryOperand(
        base=None if raw.base == lib.DBT_NO_REGISTER else raw.base,
        index=None if raw.index == lib.DBT_NO_REGISTER else raw.index,
        scale=raw.scale,
        displacement=raw.displacement,
        rip_relative=bool(raw.traits & lib.DBT_TRAIT_RIP_RELATIVE),
    )


def _view(raw: Any, effects: Any, data: bytes, mode: Mode) -> Instruction:
    class_ = InstructionClass(raw.class_)
    return Instruction(
        pc=raw.guest_pc,
        bytes=data,
        mode=mode,
        class_=class_,
        map=MAPS[raw.map][0],
        opcode=raw.opcode,
        row=raw.row,
        prefixes=_names(raw.prefixes, _PREFIX_BITS),
        traits=_names(raw.traits, _TRAIT_BITS),
        opcode_at=raw.opcode_at,
        modrm_at=raw.modrm_at,
        sib_at=raw.sib_at,
        displacement_at=raw.displacement_at,
        displacement_bytes=raw.displacement_bytes,
        immediate_at=raw.immediate_at,
        immediate_bytes=raw.immediate_bytes,
        immediate=raw.immediate,
        operand_bytes=raw.operand_bytes,
        address_bytes=raw.address_bytes,
        target=raw.branch_target if class_.name in _BRANCHES else None,
        memory=_memory(raw),
        registers_read=_registers(effects.registers_read),
        registers_written=_registers(effects.registers_written),
        flags_read=_names(effects.flags_read, _FLAG_BITS),
        flags_written=_names(effects.flags_written, _FLAG_BITS),
        flags_undefined=_names(effects.flags_undefined, _FLAG_BITS),
    )


def iterate(code: bytes, pc: int = 0, mode: int | Mode = 64) -> Iterator[Instruction]:
    """Decodes instructions one after the other.

    Args:
        code: guest bytes.
        pc: guest address of the first byte.
        mode: 64 or 32 (or a `Mode`).

    Returns:
        An iterator over the instructions, ending where the bytes end.

    Raises:
        InvalidInstructionError: bytes that raise #UD; the message names their address.
        TruncatedInstructionError: the bytes end inside an instruction.
        ValueError: mode is neither 64 nor 32.
    """
    if not isinstance(mode, Mode):
        if mode not in (64, 32):
            raise ValueError(f"mode {mode}: 64 or 32 is expected")
        mode = Mode.BITS_64 if mode == 64 else Mode.BITS_32
    return _iterate(bytes(code), pc, mode)


def _iterate(code: bytes, pc: int, mode: Mode) -> Iterator[Instruction]:
    raw = ffi.new("dbt_instruction *")
    effects = ffi.new("dbt_effects *")
    buffer = ffi.from_buffer(code)
    at = 0
    while at < len(code):
        address = (pc + at) & 0xFFFF_FFFF_FFFF_FFFF
        status = lib.dbt_instruction_decode(buffer + at, len(code) - at, address, mode, raw)
        if status != lib.DBT_OK:
            check(status, f"{address:#x}: {code[at : at + 15].hex(' ')}")
        lib.dbt_instruction_effects(raw, effects)
        yield _view(raw, effects, code[at : at + raw.length], mode)
        at += raw.length


def decode(code: bytes, pc: int = 0, mode: int | Mode = 64) -> list[Instruction]:
    """Decodes all of the given bytes.

    Args:
        code: guest bytes, whole instructions.
        pc: guest address of the first byte.
        mode: 64 or 32 (or a `Mode`).

    Returns:
        The instructions in order.

    Raises:
        InvalidInstructionError: bytes that raise #UD; the message names their address.
        TruncatedInstructionError: the bytes end inside an instruction.
        ValueError: mode is neither 64 nor 32.
    """
    return list(iterate(code, pc, mode))
