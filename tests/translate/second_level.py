"""The layout of the second-level table of indirect targets, as csrc/core/tables.c has it."""

from __future__ import annotations

ENTRIES = 2 * 65536
WAYS = 4
EMPTY_TAGS = frozenset({0, 0x100})


def places(pc: int) -> range:
    """The places where a guest address may stand."""
    first = 2 * ((pc + (pc >> 16 & 0xFFFF) * 72) & 0xFFFF)
    return range(first, first + WAYS)


def entry_of(value: int) -> tuple[int, int]:
    """Host entry and the low 16 bits of the guest address that a value was made from."""
    minus = int.from_bytes((value >> 48).to_bytes(2, "little"), "big")
    return value & (1 << 48) - 1, -minus & 0xFFFF
