"""Prologues, miss routines and tables, run in Unicorn: who arrives where, and in what state."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from unicorn import x86_const as x86

from dbt._native import lib
from dbt.decoder.instruction import REGISTER_NAMES
from dbt.translator.translation import Options, Translation
from dbt.translator.unit import Entry
from tests.translate import emulator, golden, second_level
from tests.translate.emulator import (
    MASK,
    STACK,
    STACK_POINTER,
    Guest,
    HostRun,
    Machine,
    Native,
)

SITE = 0x401000
TARGETS = (0x402468, 0x7F12_3456_2468, 0xFFFF_2468, 0x1_0000_2468, 0x7FFF_FFFF_2468)
MISS_IDS = {Entry.RETURN: lib.DBT_LISTING_RETURN_MISS, Entry.JUMP: lib.DBT_LISTING_JUMP_MISS}
SITES = {Entry.RETURN: "ret", Entry.JUMP: "jmp rax"}
ENTRIES = pytest.mark.parametrize("entry", SITES, ids=lambda entry: entry.name.lower())


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine.shared()


@dataclass
class Place:
    """A site that branches indirectly, and a unit for one target, entered in the tables."""

    run: HostRun
    body: int
    site: int


def guest_to(entry: Entry, target: int, noise: random.Random) -> Guest:
    registers = {name: noise.getrandbits(64) for name in REGISTER_NAMES}
    registers["rsp"] = STACK_POINTER
    guest = Guest(registers, flags=noise.getrandbits(12) & 0x8D5)
    if entry == Entry.RETURN:
        guest.memory[STACK_POINTER] = target.to_bytes(8, "little")
    else:
        registers["rax"] = target
    return guest


def after_branch(machine: Machine, entry: Entry, guest: Guest, target: int, seed: int) -> Native:
    """The states before and after the branch; nothing is asked of the emulator's own branches."""
    machine.load(guest, seed)
    before = emulator.Snapshot(SITE, machine.registers(), machine.flags(), machine.memory())
    registers = list(before.registers)
    if entry == Entry.RETURN:
        registers[4] += 8
    after = emulator.Snapshot(target, tuple(registers), before.flags, before.memory)
    return Native((before, after), faults=target >> 48 != 0)


def arrive(
    machine: Machine, entry: Entry, known: int, wanted: int, *, table: bool, second: bool = True
) -> Iterator[Place]:
    """As arrive_with, in all ways of returning."""
    for paired, wide, counted in itertools.product((False, True), repeat=3):
        options = Options(paired=paired, wide=wide, counted=counted)
        yield from arrive_with(machine, entry, known, wanted, options, table, second)


def arrive_with(
    machine: Machine,
    entry: Entry,
    known: int,
    wanted: int,
    options: Options,
    table: bool,
    second: bool,
) -> Iterator[Place]:
    """Branches to ``wanted`` with a unit for ``known`` in the cache.

    ``table``: its prologue stands in the table; ``second``: it stands in the second level.
    """
    code = golden.assemble(SITES[entry])
    with Translation(code, SITE, options._replace(fall_through=False)) as translation:
        translation.add(golden.assemble("nop\nret"), known)
        site = translation.unit(translation.translate(SITE)[0])
        number = translation.translate(known, entry)[0]
        unit = translation.unit(number)
        if table or second:
            translation.fill_table(number)
        if not table:
            mask = 0x3FFFF if entry == Entry.RETURN and options.paired and options.wide else 0xFFFF
            slot = translation.table(entry) + (known & mask) * 8
            golden.poke(slot, lib_routine(translation, entry))
        if not second:
            empty_second(translation, known)
        noise = random.Random(known ^ wanted)
        guest = guest_to(entry, wanted, noise)
        ranges = machine.map_host(translation)
        try:
            native = after_branch(machine, entry, guest, wanted, known)
            title = f"{entry.name} {known:#x} {wanted:#x}"
            run = HostRun(machine, translation, native, title, options.paired)
            emulator.start_host(run, guest, known)
            yield Place(run, unit.host_body, site.host_body)
        finally:
            for address, size in ranges:
                machine.uc.mem_unmap(address, size)


def lib_routine(translation: Translation, entry: Entry) -> int:
    return int(lib.dbt_listing_routine(translation.handle, MISS_IDS[entry]))


def empty_second(translation: Translation, pc: int) -> None:
    for place in second_level.places(pc):
        golden.poke(translation.table(Entry.BODY) + place * 16, 0)


def finish(place: Place) -> bool:
    """Runs to the body, to the exit routine or to a fault; whether it was the body."""
    run = place.run
    run.run(place.site, until=place.body)
    if run.faulted:
        return False
    pc = run.machine.uc.reg_read(x86.UC_X86_REG_RIP)
    final = run.native.after
    if pc == place.body:
        found = run.recover(place.body)
        assert found == final
        assert run.machine.registers() == final.registers, "a register is not back at the body"
        assert run.slot("self") == emulator.CONTEXT
        return True
    assert pc == run.exit_routine
    difference = run.final().difference(final)
    assert not difference, difference
    return False


@ENTRIES
@pytest.mark.parametrize("target", TARGETS, ids=hex)
def test_a_match_arrives_at_the_body(machine: Machine, entry: Entry, target: int) -> None:
    for place in arrive(machine, entry, target, target, table=True):
        assert finish(place)


@ENTRIES
@pytest.mark.parametrize("target", TARGETS, ids=hex)
def test_the_second_level_arrives_at_the_body(machine: Machine, entry: Entry, target: int) -> None:
    for place in arrive(machine, entry, target, target, table=False):
        assert finish(place)


@ENTRIES
@pytest.mark.parametrize("known", TARGETS, ids=hex)
@pytest.mark.parametrize("bit", [16, 17, 31, 32, 33, 46, 47])
def test_a_mismatch_leaves_with_the_address(
    machine: Machine, entry: Entry, known: int, bit: int
) -> None:
    """The low 16 bits index the table; each bit above them is compared."""
    wanted = known ^ 1 << bit
    for place in arrive(machine, entry, known, wanted, table=True):
        assert not finish(place)
        assert place.run.slot("exit_id") & 0xFFFFFFFF == MISS_IDS[entry]


@ENTRIES
def test_an_empty_slot_leaves_with_the_address(machine: Machine, entry: Entry) -> None:
    for place in arrive(machine, entry, 0x402468, 0x402468, table=False, second=False):
        assert not finish(place)


@ENTRIES
@pytest.mark.parametrize("wanted", [0, 1, MASK, MASK - 1, MASK ^ 0xFFFF, 1 << 63, 0xDEAD << 48])
def test_no_odd_address_is_found(machine: Machine, entry: Entry, wanted: int) -> None:
    """An empty slot of the second level matches no address whatever."""
    for place in arrive(machine, entry, 0x402468, wanted, table=True):
        assert not finish(place)


@ENTRIES
@pytest.mark.parametrize("bit", [*range(48, 64)])
def test_an_address_that_is_not_canonical_is_not_taken_for_another(
    machine: Machine, entry: Entry, bit: int
) -> None:
    """The low 48 bits are those of a unit: its prologue faults, with the guest at that address."""
    known = 0x402468
    for place in arrive(machine, entry, known, known ^ 1 << bit, table=True):
        assert not finish(place)
        assert place.run.faulted
        assert place.run.slot("rip") == known ^ 1 << bit


@ENTRIES
@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("wanted", [0x402468, 0x412468])
def test_a_lookup_in_the_second_level_is_counted(
    machine: Machine, entry: Entry, table: bool, wanted: int
) -> None:
    counted = Options(counted=True)
    for place in arrive_with(machine, entry, 0x402468, wanted, counted, table, True):
        finish(place)
        missed = not table or wanted != 0x402468
        assert machine.counters[emulator.SECOND_LOOKUPS] == missed
        note = emulator.NOTED // 8
        # Of the note the target alone: looking at the state on the way has cleared the site.
        if wanted == 0x402468:
            assert machine.counters[note + 1] == wanted
            assert place.run.slot("noted") == emulator.NOTED + 16
        else:
            assert place.run.slot("noted") == emulator.NOTED


def test_the_red_zone_is_left_alone(machine: Machine) -> None:
    """Only what ret itself leaves below the stack pointer is read, nothing is written there."""
    options = Options(paired=False)
    for place in arrive_with(machine, Entry.RETURN, 0x402468, 0x402468, options, True, True):
        before = bytes(machine.stack[: STACK_POINTER - STACK])
        assert finish(place)
        assert bytes(machine.stack[: STACK_POINTER - STACK]) == before
