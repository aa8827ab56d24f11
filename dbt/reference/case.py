"""A case: a few instructions with the state and memory they need, and nothing else.

It is what the comparison narrows a difference down with, and what `--replay` reads back. The
translated side is a `Machine`, the other an oracle; both start from the case's state.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dbt._native import ffi, lib
from dbt.decoder.instruction import FLAG_NAMES, REGISTER_NAMES, iterate
from dbt.errors import DbtError, UsageError
from dbt.reference.oracle import EQUAL, FAULT, Oracle
from dbt.reference.verdict import Difference, Value
from dbt.runtime.machine import ExitReason, Machine
from dbt.tcache.settings import Settings

VERSION = 1
PAGE_BYTES = 4096
_STEPS_IN_ORDER = 64
_INSTRUCTION_MOST_BYTES = 15
_LEGACY_FEATURES = 3
_AREA_BYTES = 576
_VECTOR_AT, _X87_AT, _MXCSR_AT = 160, 32, 24


class Page(NamedTuple):
    """Guest memory of one page: PROT_ bits and contents."""

    protection: int
    data: bytes


PageSource = Callable[[int], Page | None]


@dataclass
class Case:
    """What a replay needs.

    Attributes:
        oracle: name of the oracle.
        settings: of the translator, those that are not the defaults.
        registers: general registers, rip, rflags, fs_base and gs_base by name.
        vector: the XSAVE area, in the standard format.
        features: its components.
        instructions: how many are run.
        pages: guest memory by address.
        note: the first line of the difference, for people.
        leads_to: where control goes behind the instructions, when that is what differs; else None.
    """

    oracle: str
    settings: dict[str, Any]
    registers: dict[str, int]
    vector: bytes
    features: int
    instructions: int
    pages: dict[int, Page] = field(default_factory=dict)
    note: str = ""
    leads_to: int | None = None

    def add_page(self, address: int, source: PageSource) -> None:
        """Takes the page of an address in, if there is one."""
        start = address & -PAGE_BYTES
        page = None if start in self.pages else source(start)
        if page is not None:
            self.pages[start] = page

    def to_bytes(self) -> bytes:
        """The case as a file."""
        document = {
            "dbt-compare": VERSION,
            "note": self.note,
            "oracle": self.oracle,
            "settings": self.settings,
            "registers": {name: hex(value) for name, value in self.registers.items()},
            "features": self.features,
            "vector": _packed(self.vector),
            "instructions": self.instructions,
            "leads_to": self.leads_to,
            "pages": {
                hex(address): [page.protection, _packed(page.data)]
                for address, page in sorted(self.pages.items())
            },
        }
        return (json.dumps(document, indent=1) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Case:
        """Reads a file back.

        Raises:
            UsageError: it is no replay file, or one of another version.
        """
        try:
            document = json.loads(data)
            if document["dbt-compare"] != VERSION:
                raise UsageError("this replay file is of another version")
            return cls(
                oracle=document["oracle"],
                settings=document["settings"],
                registers={name: int(text, 16) for name, text in document["registers"].items()},
                vector=_unpacked(document["vector"]),
                features=document["features"],
                instructions=document["instructions"],
                pages={
                    int(address, 16): Page(protection, _unpacked(text))
                    for address, (protection, text) in document["pages"].items()
                },
                note=document["note"],
                leads_to=document.get("leads_to"),
            )
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise UsageError(f"this is no replay file ({error})") from None


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def registers_of(state: Any) -> dict[str, int]:
    """The registers of a dbt_unit_record by name."""
    named = {name: int(state.registers[at]) for at, name in enumerate(REGISTER_NAMES)}
    named.update(
        rip=int(state.rip),
        rflags=int(state.rflags),
        fs_base=int(state.fs_base),
        gs_base=int(state.gs_base),
    )
    return named


def changed_settings(settings: Settings) -> dict[str, Any]:
    """Those that are not the defaults, for a file."""
    defaults = Settings()._asdict()
    return {name: value for name, value in settings._asdict().items() if value != defaults[name]}


class _Stopped(Exception):
    """The translated side did not get that far."""


class Translated:
    """The case on a Machine, which asks for pages when it meets them.

    Attributes:
        count: instructions that the last run got to.
    """

    def __init__(self, case: Case, settings: Settings, source: PageSource) -> None:
        self._case = case
        self._source = source
        self._machine = Machine(settings)
        self._inputs: dict[int, bool] = {}
        self.count = 0

    def close(self) -> None:
        """Ends the machine."""
        self._machine.close()

    def run(self, count: int, *, to_input: bool = False) -> str:
        """Runs so many instructions from the case's start; answers why it ended before, or "".

        Its state is in `registers` and `vector` then.

        Args:
            count: of the instructions.
            to_input: whether it ends behind the first whose outcome comes from outside.
        """
        machine = self._machine
        for address, page in self._case.pages.items():
            machine.write(address, page.data)
        for name, value in self._case.registers.items():
            machine.registers[name] = value
        machine.set_vector_state(self._case.vector)
        left = count
        self.count = 0
        while left > 0:
            is_last = to_input and self._is_at_input()
            end = machine.run(count=1 if to_input else left, timeout_s=60)
            left -= end.count
            self.count += end.count
            if end.reason is ExitReason.COUNT:
                if is_last:
                    break
                continue
            if end.reason is ExitReason.FETCH:
                missing = [end.rip, end.rip + 15]
            elif end.reason is ExitReason.FAULT:
                missing = [end.fault_address]
            else:
                return end.reason.name.lower()
            if not any(self._give(address) for address in missing):
                return f"{end.reason.name.lower()} at {end.rip:#x} (signal {end.signal})"
        return ""

    def _is_at_input(self) -> bool:
        rip = self._machine.registers["rip"]
        known = self._inputs.get(rip)
        if known is None:
            try:
                found = next(iterate(self._machine.read(rip, _INSTRUCTION_MOST_BYTES), rip))
            except (DbtError, StopIteration):
                return False
            known = self._inputs[rip] = "INPUT" in found.traits
        return known

    def pages(self) -> dict[int, Page]:
        """The case's pages as they are now."""
        return {
            address: Page(page.protection, self._machine.read(address, PAGE_BYTES))
            for address, page in self._case.pages.items()
        }

    def _give(self, address: int) -> bool:
        """Maps the page of an address, if there is one and it is missing."""
        start = address & -PAGE_BYTES
        if start in self._case.pages:
            return False
        page = self._source(start)
        if page is None:
            return False
        self._machine.map(start, PAGE_BYTES, page.protection)
        self._machine.write(start, page.data)
        self._case.pages[start] = page
        return True

    def registers(self) -> dict[str, int]:
        """The registers now."""
        return {name: self._machine.registers[name] for name in self._case.registers}

    def vector(self) -> bytes:
        """The XSAVE area now."""
        return self._machine.vector_state()

    def read(self, address: int, size_bytes: int) -> bytes:
        """Guest memory now."""
        return self._machine.read(address, size_bytes)


class Narrowing:
    """Finds the first instruction of a case whose outcome differs.

    Args:
        case: pages may be missing; they are added as they are met.
        oracle: its memory stands at the case's start, its log of stores ends there.
        settings: for the translated side.
        source: gives missing pages.
        executed: number of the case's first instruction.
    """

    def __init__(
        self, case: Case, oracle: Oracle, settings: Settings, source: PageSource, executed: int = 0
    ) -> None:
        self._case = case
        self._oracle = oracle
        self._executed = executed
        self._translated = Translated(case, settings, source)
        vector_bytes = len(case.vector)
        self._memory = ffi.new("uint8_t[]", 8192 + 64 + vector_bytes)
        self._record: Any = ffi.cast("dbt_record *", self._memory)
        self._record.vectors_at = 8192
        self._record.units_at = 4096
        self._record.vector_bytes = vector_bytes
        self._record.features = case.features
        # The point before the first instruction: the last one may be of what comes from outside.
        self._start: Any = ffi.cast("dbt_unit_record *", ffi.cast("char *", self._memory) + 4096)
        self._record.count = 1
        _fill(self._start, case.registers, executed)
        self._start.flags = lib.DBT_UNIT_RECORD_INPUT

    def close(self) -> None:
        """Ends the translated side."""
        self._translated.close()

    def find(self) -> tuple[int, str, tuple[Value, ...]] | None:
        """Answers instruction number (from 1), kind and values of the first difference, or None."""
        total = self._case.instructions
        if total <= _STEPS_IN_ORDER:
            for count in range(1, total + 1):
                found = self._differs(count)
                if found:
                    return count, *found
            return None
        if not self._differs(total):
            return None
        low, high = 0, total
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._differs(middle) else (middle, high)
        found = self._differs(high)
        return (high, *found) if found else None

    def pc_before(self, count: int) -> int:
        """Where the guest stands before instruction number count."""
        if count == 1:
            return self._case.registers["rip"]
        self._translated.run(count - 1)
        return self._translated.registers()["rip"]

    def _differs(self, count: int) -> tuple[str, tuple[Value, ...]] | None:
        why = self._translated.run(count)
        if why:
            return "fault", (Value("end", "none", why),)
        registers, vector = self._translated.registers(), self._translated.vector()
        _fill(ffi.addressof(self._record, "now"), registers, self._executed + count)
        self._record.now.vector = 1
        ffi.memmove(self._memory + 8192, vector, len(self._case.vector))
        oracle = self._oracle
        start_vector = ffi.from_buffer("uint8_t[]", self._case.vector)
        oracle.set_state(self._start, start_vector, self._case.features)
        status = oracle.run(self._record)
        try:
            if status == EQUAL:
                return self._memory_differs()
            outcome = oracle.outcome
            if status == FAULT:
                return "fault", (Value("end", f"fault (error {outcome.error})", "none"),)
            return "state", tuple(values_of(outcome, registers, vector))
        finally:
            oracle.roll_back(self._executed)

    def _memory_differs(self) -> tuple[str, tuple[Value, ...]] | None:
        for address, page in sorted(self._case.pages.items()):
            if not page.protection & 2:
                continue
            expected = self._oracle.read(address, PAGE_BYTES)
            actual = self._translated.read(address, PAGE_BYTES)
            if expected is None or expected == actual:
                continue
            return "memory", tuple(_memory_values(address, expected, actual))
        stored = {write.address & -PAGE_BYTES for write in self._oracle.writes()
                  if write.executed >= self._executed}  # fmt: skip
        for address in sorted(stored - self._case.pages.keys()):
            data = self._oracle.read(address, PAGE_BYTES)
            if data is not None:
                first = next(w for w in self._oracle.writes() if w.address & -PAGE_BYTES == address)
                at = first.address - address
                text = data[at : at + first.size_bytes].hex(" ")
                return "memory", (Value(f"[{first.address:#x}]", text, "not written"),)
        return None


def _fill(state: Any, registers: dict[str, int], executed: int) -> None:
    for at, name in enumerate(REGISTER_NAMES):
        state.registers[at] = registers[name]
    state.rip, state.rflags = registers["rip"], registers["rflags"]
    state.fs_base, state.gs_base = registers["fs_base"], registers["gs_base"]
    state.executed = executed


def _memory_values(start: int, expected: bytes, actual: bytes) -> Iterator[Value]:
    at = next(n for n in range(PAGE_BYTES) if expected[n] != actual[n])
    end = at
    while end < PAGE_BYTES and expected[end] != actual[end] and end - at < 16:
        end += 1
    yield Value(f"[{start + at:#x}]", expected[at:end].hex(" "), actual[at:end].hex(" "))


_FLAG_BITS = {name: int(getattr(lib, f"DBT_FLAG_{name}")) for name in FLAG_NAMES}


def flags_text(value: int) -> str:
    """Flags by name."""
    return " ".join(name for name, bit in _FLAG_BITS.items() if value & bit) or "none"


def values_of(outcome: Any, registers: dict[str, int], vector: bytes) -> Iterator[Value]:
    """What differs, by name: the reference's value is expected, the translation's actual.

    Args:
        outcome: a dbt_oracle_outcome with fields.
        registers: of the translated side.
        vector: its XSAVE area.
    """
    expected = registers_of(outcome.actual)
    for at, name in enumerate(REGISTER_NAMES):
        if outcome.fields >> at & 1:
            yield Value(name, hex(expected[name]), hex(registers[name]))
    if outcome.fields & lib.DBT_DIFFERS_RIP:
        yield Value("rip", hex(expected["rip"]), hex(registers["rip"]))
    if outcome.fields & lib.DBT_DIFFERS_FLAGS:
        compared = 0x244CD5 & ~outcome.flags_undefined
        yield Value(
            "flags",
            flags_text(expected["rflags"] & compared),
            flags_text(registers["rflags"] & compared),
        )
    if outcome.fields & lib.DBT_DIFFERS_BASES:
        for name in ("fs_base", "gs_base"):
            if expected[name] != registers[name]:
                yield Value(name, hex(expected[name]), hex(registers[name]))
    vectors = lib.DBT_DIFFERS_X87 | lib.DBT_DIFFERS_MXCSR | lib.DBT_DIFFERS_VECTOR
    if outcome.fields & vectors:
        name, start, size = _vector_field(outcome.vector_first)
        reference = bytes(ffi.buffer(outcome.vector))[start : start + size]
        yield Value(name, reference[::-1].hex(), vector[start : start + size][::-1].hex())


def _vector_field(at: int) -> tuple[str, int, int]:
    """Name, offset and size of the part of an XSAVE area that a byte belongs to."""
    if at < _MXCSR_AT:
        names = {0: ("fcw", 0, 2), 1: ("fcw", 0, 2), 2: ("fsw", 2, 2), 3: ("fsw", 2, 2)}
        return names.get(at, ("ftw", 4, 1))
    if at < _X87_AT:
        return "mxcsr", _MXCSR_AT, 4
    if at < _VECTOR_AT:
        number = (at - _X87_AT) // 16
        return f"st{number}", _X87_AT + 16 * number, 10
    if at < _VECTOR_AT + 256:
        number = (at - _VECTOR_AT) // 16
        return f"xmm{number}", _VECTOR_AT + 16 * number, 16
    return f"XSAVE area at {at:#x}", at & ~15, 16


def instruction_text(oracle: Oracle, pc: int) -> str:
    """The text of the guest instruction at an address, or empty."""
    instruction = oracle.instruction_at(pc)
    return "" if instruction is None else instruction.text


def initial_vector(settings: Settings) -> tuple[bytes, int]:
    """The XSAVE area that a machine begins with, and its components."""
    with Machine(settings) as machine:
        machine.run(1, count=1)  # no memory there: it only fills the vector state
        area = bytes(machine.vector_state())
    return area[:_AREA_BYTES], int.from_bytes(area[512:520], "little") | _LEGACY_FEATURES


@dataclass(frozen=True)
class Reached:
    """How far the translated side of a case gets, and what it is like there."""

    instructions: int
    goes_on: bool
    registers: dict[str, int]
    vector: bytes
    pages: dict[int, Page]


def reach(case: Case, settings: Settings) -> Reached:
    """Runs a case's translated side once, to the first outcome from outside or to its end."""
    pages = dict(case.pages)
    case.pages = {}
    has_input = _may_have_input(pages)
    translated = Translated(case, settings, pages.get)
    try:
        why = translated.run(case.instructions, to_input=has_input)
        count = translated.count - (why in ("syscall", "unsupported"))
        return Reached(
            count,
            not why and count < case.instructions,
            translated.registers(),
            translated.vector()[: len(case.vector)],
            {**pages, **translated.pages()},
        )
    finally:
        translated.close()
        case.pages = pages


_INPUT_BYTES = re.compile(rb"\x0f[\x01\x31\x33\xa2\xc7]")


def _may_have_input(pages: dict[int, Page]) -> bool:
    """Whether there are bytes like those of rdtsc, rdpmc, cpuid, rdrand or their neighbours."""
    return any(_INPUT_BYTES.search(page.data) for page in pages.values())


def replay(case: Case) -> tuple[Difference | None, int]:
    """Runs a case alone; answers its difference, or None, and how many instructions were run.

    Raises:
        DbtError: the oracle or the translated side cannot be started.
    """
    oracle = Oracle(case.oracle)
    settings = Settings(**_restored(case.settings))
    try:
        for address, page in case.pages.items():
            oracle.map(address, address + PAGE_BYTES, page.protection)
            oracle.write(address, page.data)
        pages = dict(case.pages)
        case.pages = {}
        narrowing = Narrowing(case, oracle, settings, pages.get)
        try:
            found = narrowing.find()
            if found is None:
                wrong = _led_astray(case, settings, pages)
                if wrong is None:
                    return None, case.instructions
                pc = case.registers["rip"]
                text = summary("control", "")
                return Difference("control", pc, None, "", (wrong,), text), case.instructions
            count, kind, values = found
            pc = narrowing.pc_before(count)
        finally:
            narrowing.close()
        text = instruction_text(oracle, pc)
        return (
            Difference(kind, case.registers["rip"], pc, text, values, summary(kind, text)),
            count,
        )
    finally:
        case.pages = pages
        oracle.close()


_STOP = b"\x0f\x0b"
_LINKED_RUNS = 3
_LINKED_TIMEOUT_S = 5.0


def _led_astray(case: Case, settings: Settings, pages: dict[int, Page]) -> Value | None:
    """Runs a case whose branch goes wrong once it is linked; answers where it went, or None.

    An instruction that ends the run stands where control has to go. Links are made as it is gone
    through, and used from the next time on.
    """
    target = case.leads_to
    if target is None:
        return None
    with Machine(settings) as machine:
        for address, page in pages.items():
            machine.map(address, PAGE_BYTES, page.protection)
            machine.write(address, page.data)
        machine.write(target, _STOP)
        machine.run(target, timeout_s=_LINKED_TIMEOUT_S)  # a unit that is there already is linked
        for _ in range(_LINKED_RUNS):
            for address, page in pages.items():
                if page.protection & 6 == 2:
                    machine.write(address, page.data)
            for name, value in case.registers.items():
                machine.registers[name] = value
            machine.set_vector_state(case.vector)
            try:
                rip = machine.run(timeout_s=_LINKED_TIMEOUT_S).rip
            except TimeoutError:
                return Value("rip", hex(target), "an endless loop")
            if rip != target:
                return Value("rip", hex(target), hex(rip))
    return None


def _restored(settings: dict[str, Any]) -> dict[str, Any]:
    restored = dict(settings)
    if restored.get("plant") is not None:
        restored["plant"] = tuple(restored["plant"])
    return restored


def summary(kind: str, text: str) -> str:
    """One line about a difference."""
    what = {
        "state": "another state",
        "memory": "other memory",
        "fault": "another fault",
        "control": "for another unit than its branch says: a wrong link",
    }[kind]
    return f"{text or 'the unit'} leaves {what}"
