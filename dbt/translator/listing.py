"""`Listing`: guest code and the code emitted for it, side by side.

A listing shows what a warm run has in the cache: every unit that direct branches and returns reach
inside the given range, with its exits linked; what lies outside is a continuation.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.decoder.instruction import InstructionClass, iterate
from dbt.errors import NotMappedError
from dbt.translator.host_text import HostLine, HostText
from dbt.translator.image import Image
from dbt.translator.translation import Options, Translation
from dbt.translator.unit import Entry, ExitKind, Item, State, TranslationUnit

UNITS_MAX_ALONE = 64
"""How many units are listed from an address that belongs to no known function."""
UNITS_MAX = 4096

_CACHE_BYTES = 1 << 24
_CALLS = (InstructionClass.CALL, InstructionClass.ICALL)


@dataclass(frozen=True)
class Row:
    """One line of a listing: a host instruction, and in the first of an item its guest side.

    ``guest`` and ``host`` are (address, bytes, text) or None; ``state`` is what the state map says
    for the host pc.
    """

    guest: tuple[int, bytes, str] | None
    class_: str
    template: str
    host: HostLine | None
    state: State | None


@dataclass(frozen=True)
class ListedUnit:
    """A unit with the rows that show it, and the text that names its guest address."""

    unit: TranslationUnit
    name: str
    rows: tuple[Row, ...]
    falls_to: str = ""


@dataclass(frozen=True)
class Listing:
    """Units in the order in which they stand in the cache, ready to be printed.

    ``unfinished`` says that more units are reachable than are shown.
    """

    units: tuple[ListedUnit, ...]
    unfinished: bool = False

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all units."""
        return tuple(row for listed in self.units for row in listed.rows)

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def to_json(self) -> str:
        """The listing for other programs: a JSON array of units, bytes in hexadecimal."""
        return json.dumps([_json_unit(listed) for listed in self.units], indent=1)


def of_bytes(code: bytes, pc: int, options: Options | None = None) -> Listing:
    """Translates all that direct branches reach from the first of the given bytes.

    Args:
        code: guest bytes.
        pc: guest address of the first.
        options: how to translate; the default has a cache that holds everything.

    Raises:
        NotMappedError: the bytes hold no whole instruction.
    """
    return listing(code, pc, (pc,), options)


def of_file(path: Path, where: int | str | None, options: Options | None = None) -> Listing:
    """Translates code of an ELF file, at the addresses that the file gives.

    Args:
        path: a program or a library.
        where: guest address, symbol or ``symbol+offset``; None: the entry point. Inside a known
            function the whole function is listed, else up to UNITS_MAX_ALONE units.
        options: how to translate; the default has a cache that holds everything.

    Raises:
        UsageError: the file cannot be used, or has nothing there.
        NotMappedError: there is no whole instruction at the address.
    """
    image = Image(path)
    pc = image.find(where)
    segment = image.segment_at(pc)
    assert segment is not None
    function = image.function_at(pc)
    extent = (segment.address, segment.address + len(segment.code))
    limit = UNITS_MAX_ALONE
    if function is not None:
        extent = (function.address, function.address + function.size)
        limit = UNITS_MAX

    def name(address: int) -> str:
        label = image.label(address)
        return f"{address:#x} <{label}>" if label else hex(address)

    return listing(
        segment.code, segment.address, (pc,), options, extent=extent, limit=limit, name=name
    )


def listing(
    code: bytes,
    base: int,
    entry_pcs: Sequence[int],
    options: Options | None = None,
    *,
    extent: tuple[int, int] | None = None,
    limit: int = UNITS_MAX,
    name: Callable[[int], str] = hex,
) -> Listing:
    """Translates all that direct branches and returns reach from some addresses.

    Args:
        code: guest bytes.
        base: guest address of the first byte.
        entry_pcs: guest addresses to begin at.
        options: how to translate.
        extent: guest addresses [start, end) outside which nothing is followed; default: the code.
        limit: units at most.
        name: turns a guest address into text.

    Raises:
        NotMappedError: there is no whole instruction at one of entry_pcs.
    """
    extent = extent or (base, base + len(code))
    with Translation(code, base, options or Options(tc_size_bytes=_CACHE_BYTES)) as translation:
        numbers, unfinished = _translate_all(translation, entry_pcs, extent, limit)
        _link_all(translation, numbers)
        text = HostText(translation, name)
        text.know(tuple(numbers))
        units = sorted((translation.unit(n) for n in numbers), key=lambda unit: unit.host_start)
        listed = tuple(_listed(translation, unit, text, name) for unit in units)
    return Listing(listed, unfinished)


def _translate_all(
    translation: Translation, entry_pcs: Sequence[int], extent: tuple[int, int], limit: int
) -> tuple[list[int], bool]:
    """Translates as runs would: branch targets first, then what calls return to."""
    numbers: list[int] = []
    branches, returns = deque((pc, Entry.BODY) for pc in entry_pcs), deque[tuple[int, Entry]]()
    while branches or returns:
        pc, entry = branches.popleft() if branches else returns.popleft()
        if len(numbers) >= limit:
            return numbers, True
        try:
            emitted = translation.translate(pc, entry)
        except NotMappedError:
            if pc in entry_pcs:
                raise
            continue
        numbers += emitted
        for unit in map(translation.unit, emitted):
            branches += [
                (exit.target, exit.entry)
                for exit in unit.exits
                if exit.kind == ExitKind.CONTINUATION and _inside(exit.target, extent)
            ]
            calls = [item for item in unit.items if item.class_ in _CALLS]
            returns += [(i.next_pc, Entry.RETURN) for i in calls if _inside(i.next_pc, extent)]
    return numbers, False


def _inside(pc: int, extent: tuple[int, int]) -> bool:
    return extent[0] <= pc < extent[1]


def _link_all(translation: Translation, numbers: Sequence[int]) -> None:
    for number in numbers:
        for exit in translation.unit(number).exits:
            target = translation.lookup(exit.target, exit.entry)
            if exit.host_patch and exit.linked is None and target is not None:
                translation.link(exit.number, target)


def _guest_text(item: Item) -> str:
    if item.class_ == InstructionClass.INVALID:
        return "(bad)"
    return next(iterate(item.code, item.pc)).text


def _part_rows(
    translation: Translation,
    text: HostText,
    host_pc: int,
    code: bytes,
    what: tuple[tuple[int, bytes, str] | None, str, str],
) -> Iterator[Row]:
    guest, class_, template = what
    lines = text.lines(code, host_pc)
    for line in lines:
        yield Row(guest, class_, template, line, translation.state_at(line.pc))
        guest, class_, template = None, "", ""
    if not lines and guest is not None:
        yield Row(guest, class_, template, None, None)


def unit_rows(translation: Translation, unit: TranslationUnit, text: HostText) -> Iterator[Row]:
    """The rows that show one unit: what stands before its items, they, and the jump at its end."""
    prologue = f"{unit.entry.name.lower()}_prologue"
    yield from _part_rows(translation, text, unit.host_start, unit.prologue, (None, "", prologue))
    yield from _part_rows(translation, text, unit.host_body, unit.head, (None, "", "check"))
    for item in sorted((*unit.items, *unit.inserted), key=lambda item: item.host_pc):
        guest = (item.pc, item.code, _guest_text(item)) if item.code else None
        what = (guest, item.class_.name if item.code else "", item.template)
        yield from _part_rows(translation, text, item.host_pc, item.host_code, what)
    tail = unit.tail
    yield from _part_rows(translation, text, unit.host_end - len(tail), tail, (None, "", "jump"))


def _listed(
    translation: Translation, unit: TranslationUnit, text: HostText, name: Callable[[int], str]
) -> ListedUnit:
    rows = tuple(unit_rows(translation, unit, text))
    falls_to = ""
    if "FALLS" in unit.flags:
        last = unit.items[-1]
        target = next(iterate(last.code, last.pc)).target
        jumps = last.class_ == InstructionClass.JMP and target is not None
        falls_to = name(target if jumps and target is not None else unit.next_pc)
    return ListedUnit(unit, name(unit.pc), rows, falls_to)


def _hex(code: bytes) -> str:
    return code.hex(" ")


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _heading(listed: ListedUnit) -> str:
    unit = listed.unit
    kind = ", entry only" if "THUNK" in unit.flags else ""
    code = len(unit.code) if unit.items else 0
    return (
        f"TU@{listed.name}{kind}: {_plural(len(unit.items), 'instruction')}, "
        f"{_plural(code, 'guest byte')} -> {_plural(len(unit.host_code), 'host byte')}"
    )


def _lines(listing: Listing) -> Iterator[str]:
    """Plain text in columns, as wide as the widest entry that is not odd."""
    guests = [row.guest for row in listing.rows if row.guest]
    hosts = [row.host for row in listing.rows if row.host]
    guest_bytes = _width([_hex(code) for _, code, _ in guests], 29)
    guest_text = _width([text for _, _, text in guests], 40)
    host_bytes = _width([_hex(line.code) for line in hosts], 30)
    address = max([len(hex(pc)) for pc, _, _ in guests], default=0)
    class_ = _width([row.class_ for row in listing.rows], 10)
    template = _width([row.template for row in listing.rows], 15)
    first = True
    for listed in listing.units:
        if not first:
            yield ""
        first = False
        yield _heading(listed)
        for row in listed.rows:
            guest = " " * (address + guest_bytes + guest_text + 4)
            if row.guest:
                pc, code, text = row.guest
                guest = f"{pc:#{address}x}  {_hex(code):{guest_bytes}}  {text:{guest_text}}"
            middle = f"{row.class_:{class_}}  {row.template:{template}}"
            host = ""
            if row.host:
                line = row.host
                host = f"{line.pc:#x}  {_hex(line.code):{host_bytes}}  {line.text}"
            yield f"  {guest} | {middle} | {host}".rstrip()
        if listed.falls_to:
            yield f"  (runs on into TU@{listed.falls_to})"
    if listing.unfinished:
        yield ""
        yield "(more units are reachable; name a function or another address to see them)"


def _width(texts: Sequence[str], widest: int) -> int:
    return min(widest, max(map(len, texts), default=0))


def _json_unit(listed: ListedUnit) -> dict[str, Any]:
    unit = listed.unit
    return {
        "guest": {"pc": unit.pc, "code": unit.code.hex(), "name": listed.name},
        "host": {
            "start": unit.host_start,
            "body": unit.host_body,
            "code": unit.host_code.hex(),
        },
        "entry": unit.entry.name.lower(),
        "flags": sorted(flag.lower() for flag in unit.flags),
        "exits": [
            {"kind": e.kind.name.lower(), "target": e.target, "linked": e.linked is not None}
            for e in unit.exits
        ],
        "rows": [_json_row(row) for row in listed.rows],
    }


def _json_row(row: Row) -> dict[str, Any]:
    result: dict[str, Any] = {"class": row.class_, "template": row.template}
    if row.guest:
        pc, code, text = row.guest
        result["guest"] = {"pc": pc, "code": code.hex(), "text": text}
    if row.host:
        line = row.host
        result["host"] = {"pc": line.pc, "code": line.code.hex(), "text": line.text}
    if row.state:
        result["state"] = {
            "where": row.state.where.name.lower(),
            "spilled": list(row.state.spilled),
            "flags_lost": row.state.flags_lost,
        }
    return result
