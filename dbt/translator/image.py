"""`Image`: the code and the symbols of an ELF file, by the addresses that the file itself gives."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.errors import UsageError

_EXECUTE = 1  # PF_X, elf(5)
_FUNCTION_TYPES = ("STT_FUNC", "STT_NOTYPE", "STT_GNU_IFUNC")


@dataclass(frozen=True)
class Symbol:
    """A name for code: its address and its size in bytes, 0 when the file does not say."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Segment:
    """Executable bytes of the file at a guest address."""

    address: int
    code: bytes


class Image:
    """An ELF file for x86-64.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or is no such file; the message says why.
    """

    def __init__(self, path: Path) -> None:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile

        self.path = path
        try:
            with path.open("rb") as stream:
                self._read(ELFFile(stream))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        except ELFError:
            raise UsageError(f"{path}: not an ELF file") from None
        if not self.segments:
            raise UsageError(f"{path}: there is no executable segment")

    def _read(self, elf: Any) -> None:
        if elf["e_machine"] != "EM_X86_64" or elf.elfclass != 64:
            raise UsageError(f"{self.path}: not for x86-64")
        self.entry = int(elf["e_entry"])
        self.segments = tuple(
            Segment(int(segment["p_vaddr"]), bytes(segment.data()))
            for segment in elf.iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_flags"] & _EXECUTE
        )
        found: dict[str, Symbol] = {}
        for name in (".dynsym", ".symtab"):
            section = elf.get_section_by_name(name)
            for symbol in section.iter_symbols() if section is not None else ():
                self._learn(symbol, found)
        self.symbols = found
        self._by_address = sorted(found.values(), key=lambda symbol: symbol.address)

    def _learn(self, symbol: Any, found: dict[str, Symbol]) -> None:
        if symbol["st_shndx"] == "SHN_UNDEF" or symbol["st_info"]["type"] not in _FUNCTION_TYPES:
            return
        address = int(symbol["st_value"])
        if symbol.name and self.segment_at(address) is not None:
            found[symbol.name] = Symbol(symbol.name, address, int(symbol["st_size"]))

    def segment_at(self, address: int) -> Segment | None:
        """The executable segment that holds a guest address, or None."""
        for segment in self.segments:
            if segment.address <= address < segment.address + len(segment.code):
                return segment
        return None

    def find(self, where: int | str | None) -> int:
        """Turns a place as a user names it into a guest address.

        Args:
            where: an address, ``symbol`` or ``symbol+offset``, or None for the entry point.

        Raises:
            UsageError: there is no such symbol, or no code at the address.
        """
        address = self.entry if where is None else where
        if isinstance(address, str):
            address = self._symbol_address(address)
        if self.segment_at(address) is None:
            raise UsageError(f"{self.path}: there is no code at {address:#x}")
        return address

    def _symbol_address(self, text: str) -> int:
        name, offset = text, 0
        split = re.fullmatch(r"(.+)\+(0x[0-9a-fA-F]+|\d+)", text)
        if split and text not in self.symbols:
            name, offset = split[1], int(split[2], 0)
        symbol = self.symbols.get(name)
        if symbol is None:
            near = sorted(other for other in self.symbols if name.lower() in other.lower())[:3]
            hint = f" (there is {', '.join(near)})" if near else ""
            raise UsageError(f"{self.path}: there is no symbol {name!r}{hint}")
        return symbol.address + offset

    def function_at(self, address: int) -> Symbol | None:
        """The symbol whose extent holds an address, or None."""
        at = bisect.bisect_right(self._by_address, address, key=lambda symbol: symbol.address)
        for symbol in reversed(self._by_address[max(0, at - 16) : at]):
            if symbol.address <= address < symbol.address + symbol.size:
                return symbol
        return None

    def _at(self, address: int) -> Symbol | None:
        """A symbol at exactly that address, sized or not."""
        at = bisect.bisect_left(self._by_address, address, key=lambda symbol: symbol.address)
        found = self._by_address[at : at + 1]
        return found[0] if found and found[0].address == address else None

    def label(self, address: int) -> str | None:
        """``symbol`` or ``symbol+0x…`` for an address inside a function, or None."""
        symbol = self.function_at(address) or self._at(address)
        if symbol is None:
            return None
        offset = address - symbol.address
        return f"{symbol.name}+{offset:#x}" if offset else symbol.name
