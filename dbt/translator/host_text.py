"""Emitted code as text, with names for what it refers to: exits, tables, context slots."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from dbt._native import check, ffi, lib
from dbt.decoder.instruction import REGISTER_NAMES, Instruction, InstructionClass, iterate
from dbt.translator.translation import Translation
from dbt.translator.unit import Entry, ExitKind

STUB_BYTES_MAX = 64
_SIZE = re.compile(r"\b(?:byte|word|dword|qword) ptr ")
_BRACKET = re.compile(r"(?:[cdefgs]s:)?\[[^\]]*\]")


@dataclass(frozen=True)
class HostLine:
    """One host instruction: its address, bytes and text."""

    pc: int
    code: bytes
    text: str


@cache
def context_slots() -> dict[int, str]:
    """The slots of the thread context by offset in bytes, named as in templates."""
    slots = {}
    raw: Any = ffi.new("dbt_listing_slot *")
    at = 0
    while lib.dbt_listing_slot_get(at, raw) == lib.DBT_OK:
        name = ffi.string(raw.name).decode()
        for number in range(raw.count):
            suffix = f".{REGISTER_NAMES[number]}" if raw.count > 1 else ""
            slots[raw.offset + 8 * number] = f"ctx.{name}{suffix}"
        at += 1
    check(lib.DBT_OK if slots else lib.DBT_ERROR_ARGUMENT, "the context's slots")
    return slots


def _slot(offset: int) -> str | None:
    slots = context_slots()
    if offset in slots:
        return slots[offset]
    below = offset & ~7
    if below in slots:
        return f"{slots[below]}+{offset - below}"
    # The counters are the last of them, and many.
    last = max(slots)
    return f"{slots[last]}+{offset - last:#x}" if offset > last else None


class HostText:
    """Names what emitted code refers to, for the units of one translation.

    Args:
        translation: where the code is.
        name: turns a guest address into text.
        place: turns a host address into text.
    """

    def __init__(
        self,
        translation: Translation,
        name: Callable[[int], str] = hex,
        place: Callable[[int], str] = hex,
    ) -> None:
        self._translation = translation
        self._name = name
        self._place = place
        self._targets: dict[int, str] = {}
        self._tables = {
            translation.table(entry): text
            for entry, text in (
                (Entry.RETURN, "returns"),
                (Entry.JUMP, "jumps"),
                (Entry.BODY, "second"),
            )
        }

    def know(self, numbers: tuple[int, ...]) -> None:
        """Learns the units that may be referred to: call it once all are there."""
        for number in numbers:
            unit = self._translation.unit(number)
            self._targets[unit.host_body] = f"TU@{self._name(unit.pc)}"
            if unit.entry == Entry.CALL:
                self._targets[unit.host_entry] = f"TU@{self._name(unit.pc)}"
        for number in numbers:
            for exit in self._translation.unit(number).exits:
                if exit.kind == ExitKind.TABLE:
                    self._targets[exit.host_stub] = "table stub"
                if exit.kind != ExitKind.CONTINUATION:
                    continue
                where = self._name(exit.target)
                self._targets[exit.host_stub] = f"continuation -> guest {where}"
                if exit.host_far:
                    self._targets[exit.host_far] = f"far TU@{where}"

    def lines(self, code: bytes, pc: int) -> list[HostLine]:
        """Takes emitted code apart.

        Args:
            code: whole host instructions.
            pc: host address of the first byte.
        """
        return [HostLine(i.pc, i.bytes, self._text(i)) for i in iterate(code, pc)]

    def stub(self, pc: int) -> list[HostLine]:
        """Takes the stub or far jump at a host address apart: it ends with its first jump."""
        ends = [start + size for start, size in self._translation.arenas() if start <= pc]
        size_bytes = min([STUB_BYTES_MAX, *(end - pc for end in ends if end > pc)])
        lines = []
        for instruction in iterate(self._translation.host_code(pc, size_bytes), pc):
            lines.append(HostLine(instruction.pc, instruction.bytes, self._text(instruction)))
            if instruction.class_ == InstructionClass.IJMP:
                break
        return lines

    def _text(self, instruction: Instruction) -> str:
        text = instruction.text
        if instruction.target is not None:
            target = self._targets.get(instruction.target) or self._place(instruction.target)
            return f"{text.split()[0]} {target}"
        named = self._memory(instruction)
        if named is None:
            return text
        return _BRACKET.sub(lambda _: named, _SIZE.sub("", text, count=1), count=1)

    def _memory(self, instruction: Instruction) -> str | None:
        """The memory operand by name, or None where it has none."""
        memory = instruction.memory
        if memory is None or instruction.address_bytes != 8:
            return None
        if memory.rip_relative:
            return self._literal(instruction.next_pc + memory.displacement, instruction)
        if "GS" in instruction.prefixes and memory.index is None:
            slot = _slot(memory.displacement)
            if slot is None or memory.base is None:
                return slot
            return f"[{slot} + {REGISTER_NAMES[memory.base]}]"
        if memory.base is not None or memory.index is None:
            return None
        for start, table in self._tables.items():
            if memory.displacement in (start, start + 8):
                inner = f"{table} + {REGISTER_NAMES[memory.index]}*{memory.scale}"
                return f"[{inner} + 8]" if memory.displacement > start else f"[{inner}]"
        return None

    def _literal(self, address: int, instruction: Instruction) -> str:
        address &= 0xFFFF_FFFF_FFFF_FFFF
        for start, size in self._translation.arenas():
            if start <= address < start + size:
                value = int.from_bytes(self._translation.host_code(address, 8), "little")
                return f"[literal {value:#x}]"
        segment = "fs:" if "FS" in instruction.prefixes else ""
        return f"{segment}[{address:#x}]"
