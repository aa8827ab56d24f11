"""Names for guest addresses: functions and source lines of ELF files, demangled.

Names come from the symbol table, of the file itself or of its debug file (/usr/lib/debug); where a
file is stripped, from the dynamic symbols; and where those leave a gap, a function is told by its
start in .eh_frame_hdr. Lines come from DWARF, read for the addresses that are asked for.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from elftools.common.exceptions import DWARFError, ELFError
from elftools.elf.elffile import ELFFile

_DEBUG_DIRECTORY = "/usr/lib/debug"
_FUNCTION_TYPES = (2, 10)  # STT_FUNC, STT_GNU_IFUNC
_SYMBOL = struct.Struct("<IBBHQQ")
_SHN_UNDEFINED = 0
_SHF_EXECINSTR = 4
# An entry of .eh_frame_hdr's table: two signed 32-bit offsets from the header (LSB 10.6.2).
_TABLE_ENTRY = struct.Struct("<ii")
_TABLE_ENCODING = 0x3B
# What pyelftools raises where debug information is not as it should be.
_DAMAGE = (DWARFError, ELFError, KeyError, IndexError, ValueError, AttributeError)


class Function(NamedTuple):
    """A function of a file: its name, demangled, and the address of its start in the file."""

    name: str
    start: int


class Line(NamedTuple):
    """A line of source."""

    source: str
    line: int


class _Symbol(NamedTuple):
    start: int
    end: int
    name: str


@lru_cache(maxsize=65536)
def demangle(name: str) -> str:
    """A symbol's name as its programmer wrote it: C++, Rust, Swift; others stay as they are.

    Args:
        name: as it stands in a symbol table, without a version.
    """
    if not name.startswith(("_Z", "_R", "__Z", "$s")):
        return name
    import pydemumble

    return str(pydemumble.demangle(name)) or name


class ObjectFile:
    """One ELF file that guest code was mapped from.

    Args:
        path: of the file; one that cannot be read has no names.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = os.path.basename(path) or path

    @cached_property
    def _elf(self) -> ELFFile | None:
        return _open(self.path)

    @cached_property
    def _debug(self) -> ELFFile | None:
        """The file that has the line tables: this one, or its debug file."""
        if self._elf is None:
            return None
        if self._elf.get_section_by_name(".debug_info") is not None:
            return self._elf
        for path in _debug_paths(self.path, self._elf):
            found = _open(path)
            if found is not None:
                return found
        return None

    @cached_property
    def _segments(self) -> list[tuple[int, int, int]]:
        if self._elf is None:
            return []
        return [
            (segment["p_offset"], segment["p_filesz"], segment["p_vaddr"])
            for segment in self._elf.iter_segments()
            if segment["p_type"] == "PT_LOAD"
        ]

    @property
    def extent(self) -> tuple[int, int]:
        """The lowest address of the file and the one behind its highest; 0, 0: not known."""
        if not self._segments:
            return 0, 0
        start = min(address for _, _, address in self._segments)
        return start, max(address + size for _, size, address in self._segments)

    def address(self, offset: int) -> int:
        """The address in the file (as linked) of an offset in it; the offset where none is."""
        for start, size_bytes, address in self._segments:
            if start <= offset < start + size_bytes:
                return int(address + offset - start)
        return offset

    @cached_property
    def _bytes(self) -> bytes:
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except OSError:
            return b""

    def follows_call(self, offset: int) -> bool:
        """Whether a call instruction ends at an offset in the file (SDM vol. 2A, CALL)."""
        before = self._bytes[max(offset - 7, 0) : offset]
        if before[-5:-4] == b"\xe8":
            return True
        # FF /2 with a register, or a memory operand of up to six more bytes.
        return any(
            before[-size] == 0xFF and before[1 - size] >> 3 & 7 == 2
            for size in (2, 3, 4, 6, 7)
            if len(before) >= size
        )

    @cached_property
    def _symbols(self) -> tuple[list[int], list[_Symbol]]:
        found: dict[int, _Symbol] = {}
        for elf in (self._elf, self._debug):
            if elf is None:
                continue
            for section_name in (".dynsym", ".symtab"):
                for symbol in _read_symbols(elf, section_name):
                    earlier = found.get(symbol.start)
                    # The shortest name is the one a programmer knows (memcpy, not __memcpy_avx).
                    if earlier is None or symbol.end > earlier.end:
                        found[symbol.start] = symbol
        for start in self._starts():
            found.setdefault(start, _Symbol(start, 0, ""))
        ordered = [found[start] for start in sorted(found)]
        return [symbol.start for symbol in ordered], ordered

    def _starts(self) -> list[int]:
        """Where functions begin, as .eh_frame_hdr has it: also in stripped files."""
        section = self._elf.get_section_by_name(".eh_frame_hdr") if self._elf is not None else None
        if section is None or section["sh_type"] == "SHT_NOBITS":
            return []
        data, base = section.data(), section["sh_addr"]
        # Version 1, pointer as pcrel sdata4, count as udata4, table as datarel sdata4.
        if data[:4] != bytes([1, 0x1B, 3, _TABLE_ENCODING]):
            return []
        count = int.from_bytes(data[8:12], "little")
        table = data[12 : 12 + count * _TABLE_ENTRY.size]
        table = table[: len(table) - len(table) % _TABLE_ENTRY.size]
        return [base + start for start, _ in _TABLE_ENTRY.iter_unpack(table)]

    def function(self, offset: int) -> Function | None:
        """The function that an offset in the file lies in; None where nothing tells it.

        Args:
            offset: in bytes, as a mapping of the file counts.
        """
        address = self.address(offset)
        starts, symbols = self._symbols
        at = bisect_right(starts, address) - 1
        if at < 0:
            return self._section(address)
        symbol = symbols[at]
        if symbol.name and address < max(symbol.end, symbol.start + 1):
            return Function(demangle(symbol.name), symbol.start)
        if not symbol.name or symbol.end <= symbol.start:
            name = demangle(symbol.name) if symbol.name else f"function at {symbol.start:#x}"
            return Function(name, symbol.start)
        return self._section(address)

    @cached_property
    def _code_sections(self) -> list[tuple[int, int, str]]:
        if self._elf is None:
            return []
        return [
            (section["sh_addr"], section["sh_addr"] + section["sh_size"], section.name)
            for section in self._elf.iter_sections()
            if section["sh_flags"] & _SHF_EXECINSTR
        ]

    def _section(self, address: int) -> Function | None:
        for start, end, name in self._code_sections:
            if start <= address < end:
                return Function(f"{name} section", start)
        return None

    @cached_property
    def _dwarf(self) -> Any:
        if self._debug is None or self._debug.get_section_by_name(".debug_line") is None:
            return None
        try:
            return self._debug.get_dwarf_info(follow_links=False)
        except (ELFError, DWARFError, OSError, ValueError):
            return None

    @cached_property
    def _aranges(self) -> Any:
        try:
            return self._dwarf.get_aranges() if self._dwarf is not None else None
        except (DWARFError, ELFError, ValueError):
            return None

    @cached_property
    def _tables(self) -> dict[int, list[tuple[int, Line | None]]]:
        return {}

    def _unit_offset(self, address: int) -> int | None:
        if self._aranges is not None:
            offset = self._aranges.cu_offset_at_addr(address)
            if offset is not None:
                return int(offset)
        for start, end, offset in self._unit_ranges:
            if start <= address < end:
                return offset
        return None

    @cached_property
    def _unit_ranges(self) -> list[tuple[int, int, int]]:
        """Address ranges of the compilation units that have one each; for files without aranges."""
        found: list[tuple[int, int, int]] = []
        if self._aranges is not None:
            return found
        try:
            for unit in self._dwarf.iter_CUs():
                top = unit.get_top_DIE().attributes
                if "DW_AT_low_pc" in top and "DW_AT_high_pc" in top:
                    low, high = top["DW_AT_low_pc"].value, top["DW_AT_high_pc"]
                    end = high.value if high.form == "DW_FORM_addr" else low + high.value
                    found.append((low, end, unit.cu_offset))
        except (DWARFError, ELFError, KeyError, ValueError):
            pass
        return found

    def line(self, offset: int) -> Line | None:
        """The source line of an offset in the file, where there is DWARF; else None."""
        return self.line_at(self.address(offset))

    @property
    def has_lines(self) -> bool:
        """Whether there are line tables, in the file or in its debug file."""
        return self._dwarf is not None

    def line_at(self, address: int) -> Line | None:
        """The source line of an address in the file, as it was linked."""
        if self._dwarf is None:
            return None
        unit_offset = self._unit_offset(address)
        if unit_offset is None:
            return None
        table = self._table(unit_offset)
        at = bisect_right(table, address, key=lambda row: row[0]) - 1
        return table[at][1] if at >= 0 else None

    def _table(self, unit_offset: int) -> list[tuple[int, Line | None]]:
        """The line table of a compilation unit; empty where it is damaged."""
        if unit_offset not in self._tables:
            try:
                self._tables[unit_offset] = _line_table(self._dwarf, unit_offset)
            except _DAMAGE:
                self._tables[unit_offset] = []
        return self._tables[unit_offset]

    def lines(self, executed: Iterable[int]) -> dict[Line, list[int]]:
        """The lines that code was made for, with their addresses in the file.

        A file with DWARF in itself tells all of them. A debug file is that of an installed library
        or program, often a large one: of it only the compilation units that were executed count.

        Args:
            executed: addresses in the file, as it was linked.
        """
        if self._dwarf is None:
            return {}
        if self._debug is self._elf:
            units = self._all_units()
        else:
            offsets = map(self._unit_offset, executed)
            units = sorted({offset for offset in offsets if offset is not None})
        found: dict[Line, list[int]] = {}
        for unit_offset in units:
            for address, line in self._table(unit_offset):
                if line is not None:
                    found.setdefault(line, []).append(address)
        return found

    def _all_units(self) -> list[int]:
        found: list[int] = []
        with suppress(*_DAMAGE):
            found += (unit.cu_offset for unit in self._dwarf.iter_CUs())
        return found


def _open(path: str) -> ELFFile | None:
    try:
        # Closed with the last reference: reading goes on as long as names are asked for.
        return ELFFile(open(path, "rb"))
    except (OSError, ELFError, ValueError):
        return None


def _debug_paths(path: str, elf: ELFFile) -> list[str]:
    """Where the debug file of a stripped one may lie (GDB manual, Separate Debug Files)."""
    paths = []
    note: Any = elf.get_section_by_name(".note.gnu.build-id")
    if note is not None:
        for entry in note.iter_notes():
            if entry["n_type"] == "NT_GNU_BUILD_ID":
                digits = entry["n_desc"]
                paths.append(f"{_DEBUG_DIRECTORY}/.build-id/{digits[:2]}/{digits[2:]}.debug")
    link = elf.get_section_by_name(".gnu_debuglink")
    if link is not None:
        name = os.fsdecode(link.data().partition(b"\0")[0])
        directory = os.path.dirname(path)
        paths += [
            os.path.join(directory, name),
            os.path.join(directory, ".debug", name),
            os.path.join(_DEBUG_DIRECTORY + directory, name),
        ]
    return [found for found in paths if os.path.abspath(found) != os.path.abspath(path)]


def _read_symbols(elf: ELFFile, section_name: str) -> list[_Symbol]:
    section = elf.get_section_by_name(section_name)
    if section is None or section["sh_type"] == "SHT_NOBITS":
        return []
    names = elf.get_section(section["sh_link"]).data()
    data = section.data()
    found = []
    for name_at, info, _, index, start, size in _SYMBOL.iter_unpack(
        data[: len(data) - len(data) % _SYMBOL.size]
    ):
        if info & 15 in _FUNCTION_TYPES and index != _SHN_UNDEFINED:
            name = names[name_at : names.index(b"\0", name_at)].decode(errors="replace")
            found.append(_Symbol(start, start + size, name.partition("@")[0]))
    return found


def _line_table(dwarf: Any, unit_offset: int) -> list[tuple[int, Line | None]]:
    """(address, line from there on) of one compilation unit, sorted; None ends a stretch."""
    unit = dwarf.get_CU_at(unit_offset)
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return []
    names = _file_names(unit, program)
    rows: list[tuple[int, Line | None]] = []
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if state.end_sequence:
            rows.append((state.address, None))
        elif state.line:
            rows.append((state.address, Line(names.get(state.file, "?"), state.line)))
    # Where one stretch ends and another begins, the beginning counts.
    rows.sort(key=lambda row: (row[0], row[1] is not None))
    return rows


def _file_names(unit: Any, program: Any) -> dict[int, str]:
    header = program.header
    top = unit.get_top_DIE().attributes
    home = _text(top["DW_AT_comp_dir"].value) if "DW_AT_comp_dir" in top else ""
    directories = [_text(name) for name in header["include_directory"]]
    first = 0 if header["version"] >= 5 else 1
    if first:
        directories.insert(0, home)
    names = {}
    for number, entry in enumerate(header["file_entry"], first):
        directory = directories[entry.dir_index] if entry.dir_index < len(directories) else ""
        names[number] = os.path.normpath(os.path.join(home, directory, _text(entry.name)))
    return names


def _text(value: Any) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)
