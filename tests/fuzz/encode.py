"""Encodes a row of the opcode table as random bytes: one instruction, whatever its map.

What is made is decoded again; only bytes that the decoder finds in the wanted row are given out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from dbt.decoder.instruction import Instruction, iterate
from dbt.decoder.table import MAPS, rows
from dbt.decoder.table_format import Row
from dbt.errors import DbtError

T = TypeVar("T")
_TRIES: Final = 24
_REFUSED_BYTES: Final = 4
_MANDATORY: Final = (b"", b"\x66", b"\xf3", b"\xf2")
_LEGACY: Final = {"ONE_BYTE": b"", "0F": b"\x0f", "0F38": b"\x0f\x38", "0F3A": b"\x0f\x3a"}
_VEX_MAPS: Final = {"VEX_0F": 1, "VEX_0F38": 2, "VEX_0F3A": 3, "VEX_7": 7}
_XOP_MAPS: Final = {"XOP_8": 8, "XOP_9": 9, "XOP_A": 10}
_EVEX_MAPS: Final = {"EVEX_0F": 1, "EVEX_0F38": 2, "EVEX_0F3A": 3, "EVEX_5": 5, "EVEX_6": 6}
RSP, RBP = 4, 5


class Choices:
    """Decides everything that is left open, alike for the same number; 0: the first of all."""

    def __init__(self, noise: int) -> None:
        self._random = random.Random(noise) if noise else None

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""
        return self._random.randrange(count) if self._random else 0

    def one_of(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def often(self, percent: int) -> bool:
        """True so often; never for 0."""
        return self.below(100) >= 100 - percent

    def bytes(self, count: int) -> bytes:
        """Noise."""
        return self._random.randbytes(count) if self._random else bytes(count)


@dataclass(frozen=True)
class Operands:
    """What registers are good for where an instruction stands.

    Attributes:
        pointers: registers that hold the address of data.
        indexes: registers that hold small numbers.
        codes: registers that hold the address of an instruction.
        near: displacements from the instruction's end to data, for RIP-relative operands.
        absolute: addresses of data below 2 GB, or none.
    """

    pointers: Sequence[int]
    indexes: Sequence[int]
    codes: Sequence[int]
    near: Sequence[int]
    absolute: Sequence[int]


def instruction_of(number: int, noise: int, operands: Operands) -> bytes | None:
    """One encoding of a row.

    Args:
        number: of the row, from 0.
        noise: decides what the row leaves open.
        operands: what memory operands may use.

    Returns:
        The bytes, or None where none was found that the decoder reads as this row. A row that
        64-bit mode lacks gives bytes that are no instruction.
    """
    map_number, row = rows()[number]
    choices = Choices(noise)
    for _ in range(_TRIES):
        code = _candidate(MAPS[map_number][0], row, choices, operands)
        found = first(code)
        if found is not None and found.mnemonic == "int" and found.immediate == 0x80:
            continue  # a system call
        if found is None and "no64" in row.attributes:
            return code[:_REFUSED_BYTES]
        if found is not None and found.row == number + 1:
            return found.bytes
        if not noise:
            choices = Choices(number + 1)
    return None


def first(code: bytes, pc: int = 0) -> Instruction | None:
    """The first instruction of some bytes, or None where they are none."""
    try:
        return next(iterate(code, pc))
    except (DbtError, StopIteration):
        return None


@dataclass(frozen=True)
class _Modrm:
    """ModRM and what follows it, with the bits that prefixes carry (as they are, not inverted)."""

    text: bytes
    r: int
    x: int
    b: int


def _modrm(row: Row, choices: Choices, operands: Operands, disp8_bytes: int) -> _Modrm:
    reg = choices.one_of(row.reg) if row.reg else choices.below(8)
    r = choices.below(2)
    is_memory = row.memory if row.memory is not None else choices.often(50)
    if not is_memory:
        rm = choices.one_of(row.rm) if row.rm else choices.below(8)
        if row.mnemonic in ("jmp", "call") and operands.codes and choices.often(90):
            full = choices.one_of(operands.codes)
            return _Modrm(bytes([0xC0 | reg << 3 | full & 7]), r, 0, full >> 3)
        b = choices.below(2) if not row.rm else 0
        return _Modrm(bytes([0xC0 | reg << 3 | rm]), r, choices.below(2), b)
    return _memory(reg, r, row, choices, operands, disp8_bytes)


def _memory(
    reg: int, r: int, row: Row, choices: Choices, operands: Operands, disp8_bytes: int
) -> _Modrm:
    codes = [operand.code for operand in row.operands]
    needs_sib = "Mx" in codes or "Ms" in codes
    kind = choices.below(10)
    if kind == 9 and not needs_sib and operands.near:
        displacement = choices.one_of(operands.near)
        return _Modrm(bytes([reg << 3 | 5]) + displacement.to_bytes(4, "little", signed=True),
                      r, 0, 0)  # fmt: skip
    if kind == 8 and operands.absolute and not needs_sib:
        address = choices.one_of(operands.absolute)
        return _Modrm(bytes([reg << 3 | 4, 0x25]) + address.to_bytes(4, "little"), r, 0, 0)
    base = choices.one_of(operands.pointers) if operands.pointers else choices.below(16)
    if choices.often(5):
        base = choices.below(16)
    mod = 1 if base & 7 == RBP else 0
    offset = b""
    match choices.below(4):
        case 1 | 2:
            mod = 1
        case 3:
            mod = 2
    if mod == 1:
        offset = bytes([choices.one_of((0, 1, 8, 0x40, 0xF0, 0xFF, 0x7F))])
        if disp8_bytes > 1:
            offset = bytes([choices.one_of((0, 1, 2, 0xFF, 0xFE))])
    elif mod == 2:
        value = choices.one_of((0, 64, 256, -64, 4, -4096, 1024, 3))
        offset = value.to_bytes(4, "little", signed=True)
    if not needs_sib and base & 7 != RSP and choices.often(60):
        return _Modrm(bytes([mod << 6 | reg << 3 | base & 7]) + offset, r, 0, base >> 3)
    index = RSP
    if needs_sib:
        index = choices.below(16)
    elif operands.indexes and choices.often(70):
        index = choices.one_of(operands.indexes)
    sib = choices.below(4) << 6 | (index & 7) << 3 | base & 7
    return _Modrm(bytes([mod << 6 | reg << 3 | 4, sib]) + offset, r, index >> 3, base >> 3)


def _prefix_number(row: Row) -> int:
    return row.prefix if row.prefix is not None else 0


def _candidate(name: str, row: Row, choices: Choices, operands: Operands) -> bytes:
    if name in _LEGACY:
        return _legacy(_LEGACY[name], row, choices, operands)
    if name == "3DNOW":
        modrm = _modrm(row, choices, operands, 1)
        rex = _rex(0, modrm)
        return rex + b"\x0f\x0f" + modrm.text + bytes([row.opcode])
    if name in _EVEX_MAPS:
        return _evex(_EVEX_MAPS[name], row, choices, operands)
    return _vex(name, row, choices, operands)


def _rex(w: int, modrm: _Modrm) -> bytes:
    bits = w << 3 | modrm.r << 2 | modrm.x << 1 | modrm.b
    return bytes([0x40 | bits]) if bits else b""


def _override(choices: Choices) -> bytes:
    """Prefixes that may stand before anything with an operand in memory."""
    text = b""
    if choices.often(12):
        text += choices.one_of((b"\x64", b"\x65", b"\x65", b"\x3e"))
    if choices.often(4):
        text += b"\x67"
    return text


def _legacy(escape: bytes, row: Row, choices: Choices, operands: Operands) -> bytes:
    prefixes = []
    if row.prefix is not None:
        prefixes.append(_MANDATORY[row.prefix])
    elif "no66" not in row.attributes and choices.often(20):
        prefixes.append(b"\x66")
    if "rep" in row.attributes and choices.often(50):
        prefixes.append(choices.one_of((b"\xf3", b"\xf2")))
    modrm = _modrm(row, choices, operands, 1)
    is_memory = modrm.text[0] < 0xC0
    if is_memory and "lock" in row.attributes and choices.often(25):
        prefixes.append(b"\xf0")
    if is_memory or "string" in row.attributes or "implicit" in row.attributes:
        prefixes.append(_override(choices))
    w = row.w if row.w is not None else choices.below(2)
    b = row.b if row.b is not None else modrm.b
    rex = bytes([0x40 | w << 3 | modrm.r << 2 | modrm.x << 1 | b])
    if rex == b"\x40" and not choices.often(10):
        rex = b""
    return b"".join(prefixes) + rex + escape + bytes([row.opcode]) + modrm.text + choices.bytes(10)


def _length(row: Row, choices: Choices) -> int:
    return choices.one_of(row.lengths) if row.lengths else choices.below(2)


def _vex(name: str, row: Row, choices: Choices, operands: Operands) -> bytes:
    modrm = _modrm(row, choices, operands, 1)
    is_xop = name in _XOP_MAPS
    number = _XOP_MAPS[name] if is_xop else _VEX_MAPS[name]
    w = row.w if row.w is not None else choices.below(2)
    vvvv = choices.below(16) if _uses_vvvv(row) else 0
    last = (vvvv ^ 15) << 3 | _length(row, choices) << 2 | _prefix_number(row)
    tail = bytes([row.opcode]) + modrm.text + choices.bytes(8)
    head = _override(choices) if modrm.text[0] < 0xC0 else b""
    if number == 1 and not (w or modrm.x or modrm.b) and choices.often(70):
        return head + bytes([0xC5, (modrm.r ^ 1) << 7 | last]) + tail
    inverted = (modrm.r << 7 | modrm.x << 6 | modrm.b << 5) ^ 0xE0
    return head + bytes([0x8F if is_xop else 0xC4, inverted | number, w << 7 | last]) + tail


def _uses_vvvv(row: Row) -> bool:
    return any(operand.code[0] in "HB" or operand.code in ("KH", "TH") for operand in row.operands)


def _evex(number: int, row: Row, choices: Choices, operands: Operands) -> bytes:
    modrm = _modrm(row, choices, operands, 64)
    w = row.w if row.w is not None else choices.below(2)
    vvvv = choices.below(16) if _uses_vvvv(row) else 0
    high = choices.below(2) if any(o.code[0] in "HL" for o in row.operands) else 0
    is_memory = modrm.text[0] < 0xC0
    if "Mx" in [operand.code for operand in row.operands]:
        high = choices.below(2)  # of the index
    length = choices.one_of(row.lengths) if row.lengths else choices.below(3)
    mask = 0
    if "kk" in row.attributes or ("k" in row.attributes and choices.often(50)):
        mask = 1 + choices.below(7)
    zero = int(mask != 0 and "z_" in row.attributes and not is_memory and choices.often(40))
    extra = 0
    if is_memory:
        extra = int(any(a in row.attributes for a in ("bc2", "bc4", "bc8")) and choices.often(30))
    elif "er" in row.attributes or "sae" in row.attributes:
        extra = int(choices.often(25))
        if extra and "er" in row.attributes:
            length = choices.below(4)
    r2 = choices.below(2) if any(operand.code[0] == "V" for operand in row.operands) else 0
    first_byte = ((modrm.r << 7 | modrm.x << 6 | modrm.b << 5 | r2 << 4) ^ 0xF0) | number
    second = w << 7 | (vvvv ^ 15) << 3 | 4 | _prefix_number(row)
    third = zero << 7 | length << 5 | extra << 4 | (high ^ 1) << 3 | mask
    head = _override(choices) if is_memory else b""
    text = bytes([0x62, first_byte, second, third, row.opcode])
    return head + text + modrm.text + choices.bytes(8)
