"""Comparing a program, or a bare guest, translated against a reference."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dbt.decoder.instruction import REGISTER_NAMES
from dbt.errors import DbtError, UsageError
from dbt.reference.case import (
    PAGE_BYTES,
    Case,
    Narrowing,
    Page,
    changed_settings,
    initial_vector,
    instruction_text,
    reach,
    registers_of,
    summary,
    values_of,
)
from dbt.reference.case import replay as replay_case
from dbt.reference.follow import Follower, Found
from dbt.reference.oracle import Oracle
from dbt.reference.verdict import Coverage, Difference, Value, Verdict
from dbt.runtime.launch import resolve
from dbt.tcache.settings import PLANTS, Settings

if TYPE_CHECKING:
    from pathlib import Path


def compare(
    command: Sequence[str | bytes | os.PathLike[str]],
    *,
    oracle: str = "unicorn",
    settings: Settings | None = None,
    every: str | int = "tu",
    env: Mapping[str, str] | None = None,
    quiet: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Verdict:
    """Runs a program translated, once, and a reference behind it, to the first difference.

    Args:
        command: the program, searched for as a shell does, and its arguments.
        oracle: "unicorn" (the program then sees a processor without AVX) or "hardware".
        settings: for the translator; None takes the environment's.
        every: what lies between two states that are compared: "tu", a number of units, "syscall",
            or "instruction" (units of one instruction each, then).
        env: the program's environment; None takes this process's own.
        quiet: whether the program gets no input and its output is dropped.
        progress: called now and then with the instructions compared so far.

    Raises:
        UsageError: the command is empty, or there is no such oracle.
        ProgramNotFoundError: there is no such program.
        NotExecutableError: it cannot be run.
        LaunchError: the oracle cannot be used here.
    """
    words = [os.fsencode(word) for word in command]
    if not words:
        raise UsageError("no program was named")
    settings = _settings_for(oracle, settings)
    units, settings = _granularity(every, settings)
    if settings.returns == "auto":
        # Paired returns write below the red zone, which a comparison would have to look away from.
        settings = settings._replace(returns="table")
    started = time.monotonic()
    reference = Oracle(oracle)
    try:
        follower = Follower(
            reference,
            resolve(words),
            settings,
            environment=None if env is None else dict(env),
            every=units,
            quiet=quiet,
            progress=progress,
        )
        try:
            found = follower.follow()
            if found is None:
                difference, case, status = None, None, follower.status()
            else:
                difference, case = _explained(follower, found)
                status = None
            return Verdict(
                oracle=oracle,
                coverage=follower.coverage(),
                difference=difference,
                exit_status=status if status is not None and status >= 0 else None,
                signal=-status if status is not None and status < 0 else None,
                seconds=time.monotonic() - started,
                replay=case.to_bytes() if case is not None else b"",
            )
        finally:
            follower.close()
    finally:
        reference.close()


_EVERY = {"syscall": 0, "tu": 1, "instruction": 1}


def _granularity(every: str | int, settings: Settings) -> tuple[int, Settings]:
    """How many units lie between two that are compared, and the settings for it.

    Raises:
        UsageError: it says nothing of the kind.
    """
    units = _EVERY.get(every) if isinstance(every, str) else every
    if units is None or not 0 <= units < 1 << 31:
        raise UsageError(
            f"{every!r} is no granularity; there are {', '.join(_EVERY)} and numbers of units"
        )
    return units, settings._replace(unit_cap=1) if every == "instruction" else settings


def _settings_for(oracle: str, settings: Settings | None) -> Settings:
    """The settings given, or the environment's, with a processor that the oracle has too."""
    settings = settings or Settings.from_environment()
    return settings._replace(cpu="x86-64-v2") if oracle == "unicorn" else settings


def compare_code(
    code: bytes,
    *,
    pc: int = 0x401000,
    registers: Mapping[str, int] | None = None,
    count: int = 100_000,
    oracle: str = "unicorn",
    settings: Settings | None = None,
) -> Verdict:
    """Runs a bare guest on a `Machine` and on a reference, to the first difference.

    It ends at a system call, a fault, or after ``count`` instructions. Memory is the code's own
    pages and a stack of 64 KiB, readable, writable and executable; rsp stands in its middle.

    Args:
        code: of the guest.
        pc: guest address of its first byte, where it begins.
        registers: values by name, for those that are not to be 0.
        count: guest instructions at most.
        oracle: "unicorn" or "hardware".
        settings: for the translator; None takes the environment's.
    """
    settings = _settings_for(oracle, settings)
    started = time.monotonic()
    low = pc & -PAGE_BYTES
    end = pc + len(code)
    image = bytes(pc - low) + code + bytes(-end % PAGE_BYTES)
    case = Case(oracle, changed_settings(settings), _bare_registers(pc, registers), b"", 0, count)
    for at in range(0, len(image), PAGE_BYTES):
        case.pages[low + at] = Page(_ALL, image[at : at + PAGE_BYTES])
    for address in range(_BARE_STACK, _BARE_STACK + _BARE_STACK_BYTES, PAGE_BYTES):
        case.pages[address] = Page(_ALL, bytes(PAGE_BYTES))
    case.vector, case.features = initial_vector(settings)
    total = inputs = 0
    while True:
        reached = reach(case, settings)
        case.instructions = max(reached.instructions, 1)
        difference, done = replay_case(case)
        total += done - (difference is not None)
        if difference is not None:
            case.note = difference.summary
        if difference is not None or not reached.goes_on:
            break
        # What comes from outside differs each time: the next stretch starts from what came here.
        inputs += 1
        case = replace(
            case,
            registers=reached.registers,
            vector=reached.vector,
            pages=reached.pages,
            instructions=count - total,
        )
    return Verdict(
        oracle=oracle,
        coverage=Coverage(instructions=total, inputs=inputs),
        difference=difference,
        seconds=time.monotonic() - started,
        replay=case.to_bytes() if difference is not None else b"",
    )


_ALL = 7
_BARE_STACK, _BARE_STACK_BYTES = 0x7000_0000, 0x10000


def _bare_registers(pc: int, given: Mapping[str, int] | None) -> dict[str, int]:
    names = (*REGISTER_NAMES, "fs_base", "gs_base")
    registers = dict.fromkeys(names, 0)
    registers.update(rsp=_BARE_STACK + _BARE_STACK_BYTES // 2, rip=pc, rflags=0x202)
    registers.update(given or {})
    return registers


def replay(path: Path) -> Verdict:
    """Runs the case of a replay file alone.

    Raises:
        UsageError: it is no replay file.
    """
    try:
        case = Case.from_bytes(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    started = time.monotonic()
    difference, count = replay_case(case)
    return Verdict(
        oracle=case.oracle,
        coverage=Coverage(instructions=count - (difference is not None), units=1),
        difference=difference,
        seconds=time.monotonic() - started,
        replay=case.to_bytes(),
    )


class _Place:
    """The stretch of a batch in which a difference came about."""

    def __init__(self, follower: Follower, found: Found) -> None:
        start, end = _stretch(follower, found)
        self.state = follower.state_at(start)
        self.vector = follower.vector_before(start)
        self.pc = int(self.state.rip)
        self.executed = int(self.state.executed)
        self.instructions = int(follower.state_at(end).executed) - self.executed


def _stretch(follower: Follower, found: Found) -> tuple[int, int]:
    """The points between which a difference came about, with instructions in between."""
    end = found.point
    if found.kind == "memory":
        count = follower.record.count
        write = follower.oracle.last_write(found.address)
        if write is None:
            return -1, count
        end = next((n for n in range(count) if follower.units[n].executed > write.executed), count)
    executed = follower.state_at(end).executed
    start = end - 1
    while start >= 0 and follower.units[start].executed == executed:
        start -= 1
    return start, end


def _explained(follower: Follower, found: Found) -> tuple[Difference, Case | None]:
    """Narrows a difference down to the instruction, and makes its case."""
    place = _Place(follower, found)
    oracle = follower.oracle
    coarse = _coarse_values(follower, found)
    if oracle.outcome.is_unlogged:
        place_text = f"within {place.instructions:,} instructions; --every tu finds which"
        return Difference(
            found.kind, place.pc, None, "", coarse, f"{found.summary}, {place_text}"
        ), None
    oracle.roll_back(place.executed)
    case = Case(
        oracle=oracle.name,
        settings=changed_settings(follower.settings),
        registers=registers_of(place.state),
        vector=place.vector,
        features=int(follower.record.features),
        instructions=max(place.instructions, 1),
    )

    def source(address: int) -> Page | None:
        region = follower.mirror.region_at(address)
        data = oracle.read(address, PAGE_BYTES)
        return None if region is None or data is None else Page(region.protection, data)

    kind, values, pc, hint = found.kind, coarse, None, ""
    try:
        narrowing = Narrowing(case, oracle, follower.settings, source, place.executed)
        try:
            first = narrowing.find() if place.instructions else None
            if first is not None:
                count, kind, values = first
                pc = narrowing.pc_before(count)
            elif kind == "state" and [value.name for value in coarse] == ["rip"]:
                kind = "control"
                case.leads_to = int(coarse[0].expected, 16)
                case.add_page(case.leads_to, source)
            elif place.instructions:
                hint = ", but not when it is translated anew: the code of before may be stale"
        finally:
            narrowing.close()
    except DbtError as error:
        values = (*values, Value("(the case alone)", "runs", str(error)))
    text = instruction_text(oracle, pc) if pc is not None else ""
    case.note = summary(kind, text) + hint
    difference = Difference(
        kind=kind,
        unit_pc=place.pc,
        pc=pc,
        instruction=text,
        values=values,
        summary=f"{case.note} ({found.summary})" if pc is None else case.note,
        listing=_listing(oracle, place.pc, case.instructions, follower.settings),
    )
    return difference, case


def _coarse_values(follower: Follower, found: Found) -> tuple[Value, ...]:
    if found.kind != "state":
        return (Value(found.kind, "", found.summary),)
    registers = registers_of(follower.state_at(found.point))
    vector = follower.vector_before(found.point)
    return tuple(values_of(follower.oracle.outcome, registers, vector))


def _listing(oracle: Oracle, pc: int, instructions: int, settings: Settings) -> str:
    """Guest and host code of a unit, as `dbt translate` shows them."""
    from dbt.decoder.instruction import iterate
    from dbt.translator import listing
    from dbt.translator.translation import Options

    code = next((c for n in (512, 128, 32, 16) if (c := oracle.read(pc, n))), b"")
    size_bytes = 0
    try:
        for number, instruction in enumerate(iterate(code, pc), start=1):
            size_bytes = instruction.next_pc - pc
            if number == instructions:
                break
        plant = settings.plant
        options = Options(
            unit_cap=settings.unit_cap,
            plant=(0, 0) if plant is None else (1 + PLANTS.index(plant[0]), plant[1]),
        )
        return str(listing.of_bytes(code[:size_bytes], pc, options))
    except DbtError as error:
        return str(error)
