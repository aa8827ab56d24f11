"""Registers, flags, memory accesses and field positions against iced, over the enumerated set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import iced_x86
import pytest
from iced_x86 import OpAccess, OpKind, Register, RegisterExt, RflagsBits

from dbt.decoder.table import MAPS, rows
from tests.decode import encodings, native

MEMORY, ADDRESS, RIP_RELATIVE = 0x2, 0x4, 0x8
STRING, IMPLICIT, STACK, WRITES_MEMORY = 0x20, 0x40, 0x80, 0x100
NO_REGISTER: Final = 0xFF
FLAG_BITS: Final = (
    (RflagsBits.CF, 0x1),
    (RflagsBits.PF, 0x4),
    (RflagsBits.AF, 0x10),
    (RflagsBits.ZF, 0x40),
    (RflagsBits.SF, 0x80),
    (RflagsBits.IF, 0x200),
    (RflagsBits.DF, 0x400),
    (RflagsBits.OF, 0x800),
    (RflagsBits.AC, 0x40000),
)
# iced does not report TF and NT.
FLAG_MASK: Final = sum(bit for _, bit in FLAG_BITS)
WRITING: Final = frozenset(
    (OpAccess.WRITE, OpAccess.COND_WRITE, OpAccess.READ_WRITE, OpAccess.READ_COND_WRITE)
)
NO_ACCESS: Final = frozenset((OpAccess.NONE, OpAccess.NO_MEM_ACCESS))

# (mnemonics of our table, facets that differ, reason). A facet is one of the keys of `_facets`.
KNOWN: Final[tuple[tuple[str, str, str], ...]] = (
    ("sub xor", "reads", "zeroing idioms: the old value is listed as read all the same"),
    (
        "cmpsb cmps scasb scas",
        "flags-written flags-undefined",
        "decode.h: rep with count 0 writes no flags",
    ),
    (
        "rol ror rcl rcr shl shr sar shld shrd",
        "flags-written flags-undefined",
        "decode.h: a count in cl may be 0, then no flag is written (SDM, SAL/SAR/SHL/SHR)",
    ),
    ("pushf", "flags-read", "AC is listed although 66 leaves out the upper half"),
    (
        "popf",
        "flags-written flags-undefined",
        "IF and AC depend on IOPL and operand size (SDM, POPF table)",
    ),
    ("iret", "flags-written", "AC is listed although 66 leaves out the upper half"),
    ("xabort", "reads writes", "eax is written within a transaction only (SDM, XABORT)"),
    ("nop bndmov bndldx bndstx bndcl bndcu bndcn bndmk", "reads memory",
     "0F 1A and 0F 1B with bounds register 4 and up: one row with the valid ones"),
    ("rdssp", "reads", "the register is kept where shadow stacks are off (SDM, RDSSP)"),
    ("getsec", "reads writes", "leaf functions use ebx and ecx (SDM, volume 2D)"),
    ("mov", "immediate", "moffs: iced counts no immediate"),
    ("xlat", "address", "xlat has no ModRM: IMPLICIT stands for its memory"),
    ("clzero enclv encls enclu", "memory", "memory at rax, or named by a leaf function"),
    ("vmclear", "memory", "iced lists the VMCS as read only (SDM, VMCLEAR writes it)"),
)  # fmt: skip


def _general() -> dict[Any, tuple[int, int]]:
    """Register number and size in bytes by iced register."""
    result: dict[Any, tuple[int, int]] = {}
    registers: Any = range(Register.AL, Register.R15 + 1)
    for register in registers:
        full = RegisterExt.full_register(register)
        if Register.RAX <= full <= Register.R15:
            result[register] = (full - Register.RAX, RegisterExt.size(register))
    return result


GENERAL: Final = _general()


def _number(register: int) -> int:
    if register in GENERAL:
        return GENERAL[register][0]
    for first, last in (
        (Register.XMM0, Register.XMM31),
        (Register.YMM0, Register.YMM31),
        (Register.ZMM0, Register.ZMM31),
    ):
        if first <= register <= last:
            return register - first
    return NO_REGISTER


def _flags(mask: int) -> int:
    return sum(bit for theirs, bit in FLAG_BITS if mask & theirs)


def _registers(info: Any) -> tuple[int, int]:
    read = written = 0
    for used in info.used_registers():
        if used.register not in GENERAL:
            continue
        number, size = GENERAL[used.register]
        if used.access in (OpAccess.READ, OpAccess.COND_READ):
            read |= 1 << number
        elif used.access == OpAccess.WRITE:
            written |= 1 << number
            read |= (size < 4) << number
        else:
            read |= 1 << number
            written |= 1 << number
    return read, written


def _effect_facets(raw: Any, effects: Any, theirs: Any, info: Any) -> Iterator[str]:
    read, written = _registers(info)
    if read != effects.registers_read:
        yield "reads"
    if written != effects.registers_written:
        yield "writes"
    if _flags(theirs.rflags_read) != effects.flags_read & FLAG_MASK:
        yield "flags-read"
    changed = theirs.rflags_written | theirs.rflags_cleared | theirs.rflags_set
    if _flags(changed) != effects.flags_written & FLAG_MASK:
        yield "flags-written"
    if _flags(theirs.rflags_undefined) != effects.flags_undefined & FLAG_MASK:
        yield "flags-undefined"


def _memory_facets(raw: Any, theirs: Any, info: Any) -> Iterator[str]:
    accesses = [used.access for used in info.used_memory()]
    if any(access in WRITING for access in accesses) != bool(raw.traits & WRITES_MEMORY):
        yield "memory"
    any_access = any(access not in NO_ACCESS for access in accesses)
    if any_access != bool(raw.traits & (MEMORY | STRING | IMPLICIT | STACK)):
        yield "memory"
    kinds = [theirs.op_kind(k) for k in range(theirs.op_count)]
    if OpKind.MEMORY not in kinds:
        if raw.traits & ADDRESS:
            yield "address"
        return
    if not raw.traits & ADDRESS:
        # moffs addresses are immediates to us.
        if raw.map or not 0xA0 <= raw.opcode <= 0xA3:
            yield "address"
        return
    access = info.op_access(kinds.index(OpKind.MEMORY))
    if (access not in NO_ACCESS) != bool(raw.traits & MEMORY):
        yield "memory"
    displacement = raw.displacement
    if raw.traits & RIP_RELATIVE:
        displacement += raw.guest_pc + raw.length
    displacement &= 0xFFFF_FFFF if raw.address_bytes == 4 else 0xFFFF_FFFF_FFFF_FFFF
    index = _number(theirs.memory_index)
    expected = (
        _number(theirs.memory_base),
        index,
        theirs.memory_index_scale if index != NO_REGISTER else 1,
        theirs.memory_displacement,
        theirs.is_ip_rel_memory_operand,
    )
    found = (raw.base, raw.index, raw.scale, displacement, bool(raw.traits & RIP_RELATIVE))
    if expected != found:
        yield "address"


def _field_facets(raw: Any, offsets: Any) -> Iterator[str]:
    if raw.displacement_bytes and (
        (offsets.displacement_offset, offsets.displacement_size)
        != (raw.displacement_at, raw.displacement_bytes)
    ):
        yield "displacement"
    size = offsets.immediate_size + offsets.immediate_size2
    # The register in the upper half of an immediate byte is no immediate to iced.
    if size == 0 and raw.immediate_bytes == 1 and raw.map in (6, 7):
        return
    if size != raw.immediate_bytes or (size and offsets.immediate_offset != raw.immediate_at):
        yield "immediate"


def _sets() -> dict[str, Callable[[], Iterable[bytes]]]:
    some = (*encodings.modrm_bytes((0, 4), (0, 5), (0, 6), (1, 4), (2, 5)), *range(0xC0, 0x100))
    return {
        "legacy": lambda: encodings.legacy(some, (b"", b"\x48", b"\x45")),
        "address size": lambda: encodings.legacy(encodings.FEW_MODRM, (b"\x67",)),
        "vex": lambda: encodings.vex(encodings.FEW_MODRM, (0, 6)),
        "xop": lambda: encodings.xop(encodings.FEW_MODRM, (0, 6)),
        "evex": lambda: encodings.evex(encodings.FEW_MODRM, (0, 6), last=(0x08, 0x09, 0x18, 0x19)),
    }


SETS: Final = _sets()


def _covering(mnemonic: str, facet: str) -> tuple[str, str, str] | None:
    for row in KNOWN:
        if mnemonic in row[0].split() and facet in row[1].split():
            return row
    return None


@pytest.mark.slow
def test_against_iced() -> None:
    factory = iced_x86.InstructionInfoFactory()
    theirs = iced_x86.Instruction()
    unlisted: dict[tuple[str, str, str], str] = {}
    used: Counter[tuple[str, str, str]] = Counter()
    for inputs in SETS.values():
        for data in encodings.chunks(inputs()):
            raws, all_effects = native.instructions(data)
            decoder = iced_x86.Decoder(64, data, ip=native.PC)
            for at, (raw, effects) in enumerate(zip(raws, all_effects, strict=True)):
                if not raw.length:
                    continue
                decoder.position = at * native.STRIDE
                decoder.ip = native.PC
                decoder.decode_out(theirs)
                if not theirs.code:
                    continue
                info = factory.info(theirs)
                facets = {
                    *_effect_facets(raw, effects, theirs, info),
                    *_memory_facets(raw, theirs, info),
                    *_field_facets(raw, decoder.get_constant_offsets(theirs)),
                }
                if not facets:
                    continue
                mnemonic = rows()[raw.row - 1][1].mnemonic
                for facet in facets:
                    row = _covering(mnemonic, facet)
                    if row is not None:
                        used[row] += 1
                        continue
                    code = data[at * native.STRIDE :][: raw.length].hex(" ")
                    unlisted.setdefault(
                        (MAPS[raw.map][0], mnemonic, facet), f"{code}: {theirs}: {facet}"
                    )
    assert not unlisted, "\n".join(unlisted.values())
    assert not [row for row in KNOWN if not used[row]]
