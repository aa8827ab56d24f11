"""Enumerations of encodings: every opcode of every map, in the combinations that matter.

Each generator yields inputs of native.STRIDE bytes, the instruction first, padding behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Final

from tests.decode.native import STRIDE

# SIB 24 (base rsp, no index), then bytes that serve as displacement and immediate.
TAIL: Final = bytes([0x24, *range(1, 12)]) + bytes(STRIDE)
ALL_MODRM: Final = tuple(range(256))
ONE_BYTE_PREFIXES: Final = frozenset(
    (0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3, *range(0x40, 0x50))
)
MANDATORY: Final = (b"", b"\x66", b"\xf3", b"\xf2")


def modrm_bytes(*pairs: tuple[int, int]) -> tuple[int, ...]:
    """ModRM bytes of the given (mod, rm) pairs with every reg."""
    return tuple(mod << 6 | reg << 3 | rm for mod, rm in pairs for reg in range(8))


# Each mod, rm 4 (SIB) and 5 (RIP-relative), and register forms.
SOME_MODRM: Final = modrm_bytes((0, 0), (0, 4), (0, 5), (1, 4), (2, 5), (3, 1), (3, 2))
FEW_MODRM: Final = (0x00, 0x04, 0x05, 0x0C, 0x44, 0x85, 0xC1, 0xD2, 0xF8)


def padded(code: bytes) -> bytes:
    """The instruction bytes with what follows them."""
    return (code + TAIL)[:STRIDE]


def chunks(inputs: Iterable[bytes], size: int = 1 << 18) -> Iterator[bytes]:
    """The inputs joined into large pieces."""
    piece = bytearray()
    for item in inputs:
        piece += item
        if len(piece) >= size * STRIDE:
            yield bytes(piece)
            piece = bytearray()
    if piece:
        yield bytes(piece)


def legacy(
    modrm: Sequence[int] = ALL_MODRM,
    rex: Sequence[bytes] = (b"", b"\x48"),
    mandatory: Sequence[bytes] = MANDATORY,
) -> Iterator[bytes]:
    """The one-byte, 0F, 0F38 and 0F3A maps."""
    for escape in (b"", b"\x0f", b"\x0f\x38", b"\x0f\x3a"):
        for opcode in range(256):
            if not escape and opcode in ONE_BYTE_PREFIXES | {0x0F, 0x62, 0xC4, 0xC5}:
                continue
            if escape == b"\x0f" and opcode in (0x0F, 0x38, 0x3A):
                continue
            for prefix, extra in product(mandatory, rex):
                head = prefix + extra + escape + bytes([opcode])
                for byte in modrm:
                    yield padded(head + bytes([byte]))


def legacy_32() -> Iterator[bytes]:
    """The same maps for 32-bit mode, where 40 to 4F, 62, C4 and C5 are opcodes."""
    for escape in (b"", b"\x0f", b"\x0f\x38", b"\x0f\x3a"):
        for opcode in range(256):
            if not escape and opcode in ONE_BYTE_PREFIXES - {*range(0x40, 0x50)} | {0x0F}:
                continue
            if escape == b"\x0f" and opcode in (0x0F, 0x38, 0x3A):
                continue
            for prefix in (*MANDATORY, b"\x67", b"\xf0", b"\x66\x67"):
                for byte in ALL_MODRM:
                    yield padded(prefix + escape + bytes([opcode, byte]))


def _payload(
    lead: int, maps: Sequence[int], modrm: Sequence[int], vvvv: Sequence[int]
) -> Iterator[bytes]:
    for number, opcode, prefix, w, length, register in product(
        maps, range(256), range(4), (0, 1), (0, 1), vvvv
    ):
        last = w << 7 | (register ^ 15) << 3 | length << 2 | prefix
        head = bytes([lead, 0xE0 | number, last, opcode])
        for byte in modrm:
            yield padded(head + bytes([byte]))


def vex(modrm: Sequence[int] = ALL_MODRM, vvvv: Sequence[int] = (0,)) -> Iterator[bytes]:
    """VEX maps 1, 2, 3 and 7, by the three-byte prefix."""
    return _payload(0xC4, (1, 2, 3, 7), modrm, vvvv)


def xop(modrm: Sequence[int] = ALL_MODRM, vvvv: Sequence[int] = (0,)) -> Iterator[bytes]:
    """XOP maps 8, 9 and A."""
    return _payload(0x8F, (8, 9, 10), modrm, vvvv)


def evex(
    modrm: Sequence[int] = SOME_MODRM,
    vvvv: Sequence[int] = (0,),
    lengths: Sequence[int] = range(4),
    last: Sequence[int] = (0x08, 0x09, 0x18, 0x19),
) -> Iterator[bytes]:
    """EVEX maps 1, 2, 3, 5 and 6; ``last`` holds z, b, V' and aaa of the last payload byte."""
    for number, opcode, prefix, w, length, low, register in product(
        (1, 2, 3, 5, 6), range(256), range(4), (0, 1), lengths, last, vvvv
    ):
        middle = w << 7 | (register ^ 15) << 3 | 4 | prefix
        head = bytes([0x62, 0xF0 | number, middle, low | length << 5, opcode])
        for byte in modrm:
            yield padded(head + bytes([byte]))


def vex_payloads() -> Iterator[bytes]:
    """Every value of the payload bytes that hold R, X, B and the map."""
    for first, opcode, byte in product(range(256), range(256), (0x00, 0xC0, 0xF8)):
        yield padded(bytes([0xC5, first, opcode, byte]))
        for last in (0x78, 0x79, 0xFB, 0x45):
            for lead in (0xC4, 0x8F):
                yield padded(bytes([lead, first, last, opcode, byte]))


def evex_payloads() -> Iterator[bytes]:
    """Every value of the first payload byte, many of the others, for opcodes of each kind."""
    middles = (0x7C, 0x7D, 0x7E, 0x7F, 0xFD, 0x78, 0x34)
    opcodes = (0x10, 0x28, 0x2D, 0x38, 0x41, 0x58, 0x64, 0x7B, 0x90, 0x92, 0xA2, 0xC2, 0xD6)
    for first, middle, opcode, low in product(
        range(256), middles, opcodes, (0x48, 0x08, 0x09, 0x18, 0x01, 0x89, 0x80)
    ):
        for byte in FEW_MODRM:
            yield padded(bytes([0x62, first, middle, low, opcode, byte]))


def three_d_now() -> Iterator[bytes]:
    """3DNow!: every suffix with every ModRM."""
    for byte, prefix in product(range(256), (b"", b"\x66", b"\xf3")):
        mod, rm = byte >> 6, byte & 7
        tail = b"\x24" if mod < 3 and rm == 4 else b""
        tail += bytes(4 if (mod, rm) == (0, 5) else (0, 1, 4, 0)[mod])
        for suffix in range(256):
            yield padded(prefix + b"\x0f\x0f" + bytes([byte]) + tail + bytes([suffix]))


def prefix_sequences() -> Iterator[bytes]:
    """All sequences of up to three prefixes before opcodes of each kind."""
    prefixes = (b"\x66", b"\x67", b"\xf0", b"\xf2", b"\xf3", b"\x64", b"\x2e", b"\x48", b"\x41")
    texts = (
        "01 03 81 86 87 90 a1 b8 c2 c7 cb cf d9 e3 e4 e8 50 63 68 6c 70 8f a4 f6 f7 ff 0f01 0f05 "
        "0f10 0f1e 0f20 0f22 0f38f0 0f38f1 0f80 0fa3 0fab 0fae 0fb1 0fb8 0fba 0fbc 0fc7 c5f810 "
        "c4e17810 62f17c4810 8fe97880"
    )
    heads = [bytes.fromhex(text) for text in texts.split(" ")]
    some = (0x00, 0x05, 0x08, 0x10, 0x20, 0x28, 0x38, 0x84, 0xC0, 0xD0, 0xE0, 0xF8)
    for count in (1, 2, 3):
        for sequence in product(prefixes, repeat=count):
            for head, byte in product(heads, some):
                yield padded(b"".join(sequence) + head + bytes([byte]))


def locked() -> Iterator[bytes]:
    """LOCK before everything."""
    for escape, opcode, prefix in product(
        (b"", b"\x0f", b"\x0f\x38"), range(256), (b"\xf0", b"\xf0\xf3", b"\xf0\x48")
    ):
        for byte in ALL_MODRM:
            yield padded(prefix + escape + bytes([opcode, byte]))
