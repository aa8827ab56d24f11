"""Golden files: guest assembly, and the exact host code and state map expected for it.

A file holds cases. A case is a title line ``== title``, directives (``%word``), guest assembly for
GNU as in Intel syntax, and after a line ``=>`` what is expected, which `pytest --update-golden`
writes. Directives:

``%at ADDRESS``     guest address of the code, 0x401000 if not given
``%entry KIND``     body, return or jump
``%body first``     the body is translated before the entry asked for
``%fall``           fall-throughs are followed, as in a run
``%paired``         guest calls and returns use host calls and returns
``%wide``           paired returns use the larger table
``%counted``        units count their executions
``%check``          units check at their entry that their source has not changed
``%tsc``            C reads the time-stamp counter for the guest
``%stubs``          the stubs of the exits are shown too
``%far ADDRESS``    the assembly below stands there; the first exit above is linked to it
``%far-entry KIND`` by body, or by call
``%routines``       shows the miss routines, without any code
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dbt._native import ffi, lib
from dbt.translator.host_text import HostText
from dbt.translator.listing import Row, unit_rows
from dbt.translator.rules import RULES, Rule
from dbt.translator.translation import Options, Translation
from dbt.translator.unit import Entry, ExitKind, Item, TranslationUnit

DEFAULT_PC = 0x401000
TC_BYTES = 1 << 20
LOW_ARENA = 0x70000000 - TC_BYTES
"""Where csrc/core/tcache.c puts the arena for code below 2 GB when nothing is in the way."""
TABLES = 0x7FA80000
HOST_COLUMN, TEXT_COLUMN = 33, 45


@dataclass
class Case:
    """One case of a golden file, as it was read."""

    title: str
    lines: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def directive(self, name: str) -> str | None:
        """The argument of a directive, '' when it has none, None when it is absent."""
        for line in self.lines:
            word, _, argument = line.strip().partition(" ")
            if word == f"%{name}":
                return argument.strip()
        return None

    def assembly(self) -> tuple[str, str]:
        """The assembly before and behind %far."""
        parts: list[list[str]] = [[], []]
        at = 0
        for line in self.lines:
            if line.startswith("%far "):
                at = 1
            elif not line.strip().startswith("%"):
                parts[at].append(line)
        return "\n".join(parts[0]), "\n".join(parts[1])


@dataclass(frozen=True)
class Outcome:
    """What a case gave: the text, and the items and templates that it shows."""

    text: list[str]
    items: tuple[Item, ...]
    templates: frozenset[str]


def read(path: Path) -> tuple[list[str], list[Case]]:
    """Reads a golden file: the comment at its head, and its cases."""
    head: list[str] = []
    cases: list[Case] = []
    into = head
    for line in path.read_text().splitlines():
        if line.startswith("== "):
            cases.append(Case(line[3:]))
            into = cases[-1].lines
        elif line == "=>":
            into = cases[-1].expected
        else:
            into.append(line)
    for lines in [head, *(case.expected for case in cases), *(case.lines for case in cases)]:
        while lines and not lines[-1]:
            lines.pop()
    return head, cases


def write(path: Path, head: list[str], cases: list[Case]) -> None:
    """Writes a golden file anew."""
    blocks = ["\n".join(head)] if head else []
    for case in cases:
        blocks.append("\n".join([f"== {case.title}", *case.lines, "=>", *case.expected]))
    path.write_text("\n\n".join(blocks) + "\n")


def assemble(text: str) -> bytes:
    """Assembles guest code with GNU as; branches must name labels of the text."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["as", "--64", "-o", f"{folder}/guest.o", "-"],
            input=f".intel_syntax noprefix\n.text\n{text}\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        copy = ["objcopy", "-O", "binary", "-j", ".text", f"{folder}/guest.o", f"{folder}/guest"]
        subprocess.run(copy, check=True)
        return Path(f"{folder}/guest").read_bytes()


def poke(host: int, value: int) -> None:
    """Writes 8 bytes of a table or of emitted code."""
    ffi.buffer(ffi.cast("char *", host), 8)[:] = value.to_bytes(8, "little")


def rule_of(item: Item) -> Rule:
    """The rule that an item's class and facts select, found again by the order of the rows."""
    return next(
        rule
        for rule in RULES
        if rule.class_ == item.class_.name
        and item.facts.issuperset(rule.require)
        and item.facts.isdisjoint(rule.exclude)
    )


def expected_arena(pc: int) -> int:
    """Where the arena for code at a guest address goes when nothing is in the way."""
    return LOW_ARENA if pc < 1 << 31 else (pc & ~0x1FFFFFF) - 0x40000000


def run(case: Case) -> Outcome:
    """Translates the case's code and shows it."""
    if case.directive("routines") is not None:
        wide, counted = (case.directive(word) is not None for word in ("wide", "counted"))
        return _routines(Options(TC_BYTES, wide=wide, counted=counted))
    pc = int(case.directive("at") or hex(DEFAULT_PC), 0)
    entry = Entry[(case.directive("entry") or "body").upper()]
    near, far = (assemble(text) for text in case.assembly())
    options = Options(
        TC_BYTES,
        fall_through=case.directive("fall") is not None,
        paired=case.directive("paired") is not None,
        wide=case.directive("wide") is not None,
        counted=case.directive("counted") is not None,
        check=case.directive("check") is not None,
        tsc_callout=case.directive("tsc") is not None,
    )
    with Translation(near, pc, options) as translation:
        if case.directive("body"):
            translation.translate(pc)
        numbers = translation.translate(pc, entry)
        assert translation.arenas()[0][0] == expected_arena(pc), (
            "another mapping of this process stands where the arena belongs"
        )
        assert translation.table(Entry.RETURN) == TABLES, "something stands in the tables' place"
        if far:
            far_pc = int(case.directive("far") or "", 0)
            translation.add(far, far_pc)
            far_entry = Entry[(case.directive("far-entry") or "body").upper()]
            far_number = translation.translate(far_pc, far_entry)[0]
            translation.link(translation.unit(numbers[0]).exits[0].number, far_number)
        return _show(translation, numbers, case.directive("stubs") is not None)


def _show(translation: Translation, numbers: tuple[int, ...], stubs: bool) -> Outcome:
    units = [translation.unit(number) for number in numbers]
    start = units[0].host_start
    text = HostText(translation, place=lambda host: f"+{host - start:02x}")
    text.know(numbers)
    lines: list[str] = []
    templates: set[str] = set()
    for unit in units:
        lines.append(_heading(unit))
        if unit.entry == Entry.RETURN and unit.host_entry > unit.host_start:
            templates.add("return_miss_jump")
        if translation.options.counted and unit.entry in (Entry.RETURN, Entry.JUMP):
            templates.add("note_arrival")  # shown as the prologue's end
        for row in unit_rows(translation, unit, text):
            templates |= _check_templates(unit) if row.template == "check" else {row.template}
            lines += _row_lines(row, unit, start)
        if stubs:
            lines += _exit_lines(translation, unit, text, templates)
    items = tuple(item for unit in units for item in unit.items)
    return Outcome(lines, items, frozenset(templates - {""}))


def _check_templates(unit: TranslationUnit) -> set[str]:
    """Those that a unit's check is made of: the source in aligned pieces of 8, 4, 2 and 1 bytes."""
    templates = {"check_begin", "check_end"}
    at, end = unit.pc, unit.next_pc
    while at < end:
        piece = next(size for size in (8, 4, 2, 1) if at % size == 0 and size <= end - at)
        templates.add(f"check_{piece}")
        at += piece
    return templates


def _heading(unit: TranslationUnit) -> str:
    words = [f"TU@{unit.pc:#x}", *sorted(unit.flags - {"LIVE"})]
    if unit.entry != Entry.BODY:
        words.append(f"entry {unit.entry.name.lower()}")
    return " ".join(words)


def _row_lines(row: Row, unit: TranslationUnit, start: int) -> Iterator[str]:
    if row.guest:
        pc, code, text = row.guest
        rule = rule_of(next(item for item in unit.items if item.pc == pc))
        words = [row.class_, row.template, *rule.require]
        guest = f"{pc:x}  {code.hex(' ')}"
        yield f"  {guest:<{HOST_COLUMN + 14}}  {text:<{TEXT_COLUMN}}  {' '.join(words)}"
    elif row.template:
        yield f"  {row.template}"
    if row.host:
        line, state = row.host, row.state
        place = f"+{line.pc - start:02x}"
        host = f"      {place:<5} {line.code.hex(' '):<{HOST_COLUMN}}"
        yield f"{host}  {line.text:<{TEXT_COLUMN}}  {state if state else 'no state'}"


def _exit_lines(
    translation: Translation, unit: TranslationUnit, text: HostText, templates: set[str]
) -> Iterator[str]:
    for exit in unit.exits:
        if exit.kind == ExitKind.TABLE:
            parts = [("table_stub", exit.host_stub)]
        elif exit.kind == ExitKind.CHECK:
            parts = [("check_stub", exit.host_stub)]
        elif exit.kind == ExitKind.CONTINUATION:
            parts = [("call_stub" if exit.entry == Entry.CALL else "stub", exit.host_stub)]
        else:
            continue
        if exit.host_far:
            parts.append(("far_link", exit.host_far))
        for template, at in parts:
            templates.add(template)
            yield f"  {template} -> guest {exit.target:#x}" if exit.target else f"  {template}"
            for line in text.stub(at):
                state = translation.state_at(line.pc)
                host = f"            {line.code.hex(' '):<{HOST_COLUMN}}"
                yield f"{host}  {line.text:<{TEXT_COLUMN}}  {state}"


def _routines(options: Options) -> Outcome:
    lines: list[str] = []
    with Translation(b"\xc3", DEFAULT_PC, options) as translation:
        begin = lib.dbt_listing_routine(translation.handle, lib.DBT_LISTING_RETURN_MISS)
        middle = lib.dbt_listing_routine(translation.handle, lib.DBT_LISTING_JUMP_MISS)
        end = lib.dbt_listing_routines_end(translation.handle)
        text = HostText(translation, place=lambda host: f"+{host - begin:02x}")
        for kind, start, stop in (("return", begin, middle), ("jump", middle, end)):
            lines.append(f"  {kind}_miss, {kind}_hit")
            for line in text.lines(translation.host_code(start, stop - start), start):
                place = f"+{line.pc - begin:02x}"
                host = f"      {place:<5} {line.code.hex(' '):<{HOST_COLUMN}}"
                state = translation.state_at(line.pc)
                lines.append(f"{host}  {line.text:<{TEXT_COLUMN}}  {state}")
    hit = "return_hit_wide" if options.wide else "return_hit"
    misses = {f"{kind}_miss{'_counted' if options.counted else ''}" for kind in ("return", "jump")}
    return Outcome(lines, (), frozenset({hit, "jump_hit", *misses}))
