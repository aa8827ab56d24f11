"""The translation cache under pressure: full, invalidated, spread over memory, out of room."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from dbt.errors import ArgumentError, NoRoomError
from dbt.translator.translation import Options, Translation
from dbt.translator.unit import Entry, Exit
from tests.faults.cache_audit import (
    FALLS,
    NONE,
    audit,
    exit_of,
    link_target,
    live_units,
    read_table,
)

PC = 0x401000
SMALL = 64 << 10
PAGE = 0x1000
CODE_BYTES = 0x20000


def random_program(seed: int, size_bytes: int = CODE_BYTES, span: int = 0x4000) -> bytes:
    """Code full of short blocks that branch to each other."""
    noise = random.Random(seed)
    code = bytearray()
    while len(code) < size_bytes - 32:
        code += noise.choice([b"\x89\xf8", b"\xff\xc9", b"\x85\xd2", b"\x90", b"\x48\x8d\x04\x0f"])
        target = (noise.randrange(-span, span) & ~15) - (len(code) & 15)
        kind = noise.random()
        if kind < 0.3:
            code += b"\x0f" + bytes([0x80 | noise.randrange(16)])
        elif kind < 0.4:
            code += b"\xe9"
        elif kind < 0.5:
            code += b"\xe8"
        elif kind < 0.55:
            code += noise.choice([b"\xc3", b"\xff\xd0", b"\xff\xe0"])
            continue
        else:
            continue
        at = len(code) + 4
        target = min(max(at + target, 0), size_bytes - 64) & ~15
        code += (target - at).to_bytes(4, "little", signed=True)
    return bytes(code.ljust(size_bytes, b"\xc3"))


def visit(translation: Translation, pc: int, entry: Entry) -> None:
    """What the dispatcher does on an arrival: translate, enter the table, link what waits."""
    emitted = translation.translate(pc, entry)
    if entry in (Entry.RETURN, Entry.JUMP):
        number = translation.lookup(pc, entry)
        assert number is not None
        translation.fill_table(number)
    for number in emitted[:2]:
        for exit in translation.unit(number).exits:
            target = translation.lookup(exit.target, exit.entry) if exit.host_patch else None
            if target is not None and exit.linked is None:
                translation.link(exit.number, target)


def wander(translation: Translation, seed: int, count: int, size_bytes: int = CODE_BYTES) -> None:
    noise = random.Random(seed)
    for _ in range(count):
        pc = PC + (noise.randrange(size_bytes - 64) & ~15)
        visit(translation, pc, noise.choice(list(Entry)))


@pytest.mark.parametrize("paired", [False, True], ids=["table", "paired"])
@pytest.mark.parametrize("cap", [1, 4, 32])
@pytest.mark.parametrize("fall_through", [False, True], ids=["jumps", "falls"])
def test_a_full_cache_evicts_and_stays_whole(cap: int, fall_through: bool, paired: bool) -> None:
    options = Options(SMALL, cap, fall_through=fall_through, paired=paired)
    with Translation(random_program(cap), PC, options) as translation:
        for round_ in range(7):
            wander(translation, round_, 300)
            audit(translation)
        counted = translation.statistics()
    assert counted["evictions"] > 8
    assert 500 < counted["units_evicted"] < counted["units_translated"]
    assert counted["units_translated"] > 1500
    assert counted["links_made"] > counted["links_broken"] > 0
    assert counted["tc_bytes_used"] <= SMALL


def test_the_largest_units_fit_the_smallest_cache() -> None:
    """The longest expansions there are, as many in a unit as may be."""
    code = bytes.fromhex("65f3480fc7c89065678b043b" * 3) * 400
    swapped = bytes.fromhex("6567480fc70c3e656748a565676748a5") * 400
    for program in (code, swapped):
        with Translation(program, PC, Options(SMALL, 128)) as translation:
            for offset in range(0, len(program), 97):
                translation.translate(PC + offset)
            audit(translation)


@pytest.mark.parametrize("cap", [1, 32])
def test_empty_units_do_not_outgrow_their_records(cap: int) -> None:
    """A jump to what follows is left out: hundreds of units in no room at all."""
    program = b"\xeb\x00" * 4000 + b"\xc3"
    with Translation(program, PC, Options(SMALL, cap)) as translation:
        for offset in range(0, len(program), 2):
            translation.translate(PC + offset)
        units = audit(translation)
    assert any(unit.host_start == unit.host_end for unit in units.values())


def fallen(units: dict[int, Any], dropped: set[int]) -> set[int]:
    """The dropped units and all that run into them."""
    result = set(dropped)
    for number in dropped:
        before = units[number].falls_from
        while before != NONE and before in units and before not in result:
            assert units[before].flags & FALLS
            result.add(before)
            before = units[before].falls_from
    return result


@pytest.mark.parametrize("paired", [False, True], ids=["table", "paired"])
def test_invalidation_drops_exactly_what_overlaps(paired: bool) -> None:
    noise = random.Random(1)
    with Translation(random_program(7), PC, Options(1 << 20, 8, paired=paired)) as translation:
        for round_ in range(12):
            wander(translation, round_, 150)
            before = audit(translation)
            start = PC + noise.randrange(CODE_BYTES)
            end = start + noise.choice([1, 7, 64, PAGE, 3 * PAGE])
            overlapping = {
                number
                for number, unit in before.items()
                if unit.guest_pc < end and unit.guest_pc + unit.guest_bytes > start
            }
            translation.invalidate(start, end)
            after = audit(translation)
            assert set(before) - set(after) == fallen(before, overlapping)
            assert set(after) <= set(before)


def test_a_unit_on_two_pages_is_dropped_with_either() -> None:
    code = b"\x90" * 2 * PAGE + b"\xc3"
    for touched in (PC + PAGE - 1, PC + PAGE):
        with Translation(code, PC, Options(SMALL, 32)) as translation:
            pc = PC + PAGE - 8
            number = translation.translate(pc)[0]
            assert translation.unit(number).next_pc > PC + PAGE
            translation.invalidate(touched, touched + 1)
            assert translation.lookup(pc) is None
            audit(translation)


def test_an_empty_range_invalidates_nothing() -> None:
    with Translation(b"\x90\xc3", PC) as translation:
        translation.translate(PC)
        translation.invalidate(PC, PC)
        translation.invalidate(PC + 1, PC)
        translation.invalidate(PC + 2, PC + PAGE)
        translation.invalidate(PC - PAGE, PC)
        assert translation.lookup(PC) is not None
        translation.invalidate(0, (1 << 64) - 1)
        assert live_units(translation) == {}


@pytest.mark.parametrize("entry", [Entry.RETURN, Entry.JUMP])
def test_table_entries_go_with_their_units(entry: Entry) -> None:
    with Translation(random_program(3), PC, Options(SMALL, 8)) as translation:
        empty = read_table(translation, entry)
        visit(translation, PC, entry)
        assert read_table(translation, entry) != empty
        translation.invalidate(PC, PC + CODE_BYTES)
        assert read_table(translation, entry) == empty
        visit(translation, PC, entry)
        first = translation.lookup(PC, entry)
        assert first is not None
        born = translation.unit(first).host_start
        for seed in range(20):
            wander(translation, seed, 100)
            audit(translation)
            if translation.lookup(PC, entry) is None:
                break
        assert translation.lookup(PC, entry) is None, "never evicted"
        assert born not in read_table(translation, entry)


def test_an_exit_of_a_dropped_unit_is_not_linked() -> None:
    """It may still be taken, by a thread that was inside; a link would outlive its memory."""
    options = Options(SMALL, 1, fall_through=False)
    with Translation(b"\x74\x00\x90\xc3" * 4, PC, options) as translation:
        exit = translation.unit(translation.translate(PC)[0]).exits[0]
        target = translation.translate(PC + 2)[0]
        translation.invalidate(PC, PC + 1)
        with pytest.raises(NoRoomError):
            translation.link(exit.number, target)
        audit(translation)


def test_two_addresses_of_one_slot_replace_each_other() -> None:
    other = PC + 0x10000
    with Translation(random_program(3), PC, Options(1 << 20, 8)) as translation:
        for pc in (PC, other, PC):
            visit(translation, pc, Entry.JUMP)
            number = translation.lookup(pc, Entry.JUMP)
            assert number is not None
            slot = read_table(translation, Entry.JUMP)[PC & 0xFFFF]
            assert slot == translation.unit(number).host_entry
        translation.invalidate(other, other + 1)
        audit(translation)


FAR_PC = 0x3000_0000_0000


def far_pair(options: Options) -> Translation:
    """Code at two places too far apart for a rel32 between their arenas."""
    translation = Translation(b"\xeb\x00\xc3" + b"\x90" * 64, PC, options)
    translation.add(b"\x90\xc3" * 64, FAR_PC)
    return translation


def test_far_links_go_through_a_literal_and_are_used_again() -> None:
    """Relinking takes no new room, however often."""
    with far_pair(Options(1 << 20, fall_through=False, paired=False)) as translation:
        exit = translation.unit(translation.translate(PC)[0]).exits[0]
        places = set()
        for _ in range(2000):
            number = translation.translate(FAR_PC)[0]
            unit = translation.unit(number)
            assert abs(unit.host_body - exit.host_patch) > 1 << 31
            translation.link(exit.number, number)
            linked = exit_of(translation, exit.number)
            assert link_target(translation, linked) == unit.host_body
            places.add(linked.host_far)
            state = translation.state_at(linked.host_far)
            assert state is not None and state.guest_pc == exit.target
            translation.invalidate(FAR_PC, FAR_PC + 1)
            assert link_target(translation, exit_of(translation, exit.number)) == exit.host_stub
        assert len(places) == 1
        assert places != {0}


def test_a_far_link_without_room_is_refused() -> None:
    """Then the exit stays with its stub, which still is right."""
    code = b"\x74\x00" * 2000 + b"\xc3"
    options = Options(SMALL, 1, fall_through=False, paired=False)
    with Translation(code, PC, options) as translation:
        translation.add(b"\xc3", FAR_PC)
        exits: list[Exit] = []
        for n in range(130):
            number = translation.translate(PC + 2 * n)[0]
            exits += translation.unit(number).exits
        far = translation.translate(FAR_PC)[0]
        refused = 0
        for exit in exits:
            if translation.exit(exit.number).linked is not None:
                continue
            try:
                translation.link(exit.number, far)
            except NoRoomError:
                refused += 1
                raw = exit_of(translation, exit.number)
                assert link_target(translation, raw) == raw.host_stub
        linked = [exit for exit in exits if translation.exit(exit.number).linked == far]
        assert linked
        assert {exit_of(translation, exit.number).host_far for exit in linked}.isdisjoint({0})


def test_code_far_apart_gets_arenas_of_its_own() -> None:
    code = bytes.fromhex("488b0500100000c3")  # mov rax, [rip + 0x1000]; ret
    places = (PC, 0x2_0000_0000, FAR_PC, 0x7FFF_0000_0000)
    with Translation(code, places[0]) as translation:
        for pc in places[1:]:
            translation.add(code, pc)
        for pc in places:
            unit = translation.unit(translation.translate(pc)[0])
            assert unit.items[0].template == "pcrel_near"
            assert abs(unit.host_start - pc) < 1 << 31
        assert len(translation.arenas()) == 4
        audit(translation)


def test_engines_side_by_side_do_not_meet() -> None:
    """An arena or a table whose place is taken goes elsewhere."""
    translations = [Translation(random_program(n), PC, Options(1 << 20)) for n in range(4)]
    try:
        for translation in translations:
            wander(translation, 1, 50)
        spans = sorted(
            span
            for translation in translations
            for span in [*translation.arenas(), (translation.table(Entry.RETURN), 0x200000)]
        )
        for (start, size), (following, _) in pairwise(spans):
            assert start + size <= following
        for translation in translations:
            assert translation.table(Entry.RETURN) + 0x200000 <= 1 << 31
            audit(translation)
    finally:
        for translation in translations:
            translation.close()


def test_without_chaining_nothing_is_linked() -> None:
    with Translation(random_program(5), PC, Options(SMALL, 8, chain=False)) as translation:
        for offset in range(0, 0x2000, 16):
            translation.translate(PC + offset)
        for unit in audit(translation).values():
            assert not unit.flags & FALLS
            for n in range(unit.first_exit, unit.first_exit + unit.exit_count):
                assert exit_of(translation, n).linked == NONE
        assert translation.statistics()["links_made"] == 0


@pytest.mark.parametrize(
    "options",
    [
        Options(tc_size_bytes=SMALL - 1),
        Options(tc_size_bytes=(1 << 30) + 1),
        Options(unit_cap=0),
        Options(unit_cap=129),
    ],
)
def test_settings_out_of_range_are_refused(options: Options) -> None:
    with pytest.raises(ArgumentError):
        Translation(b"\xc3", PC, options)


def test_memory_is_given_back() -> None:
    """A thousand engines, one after the other, at the same addresses."""
    first = None
    for _ in range(300):
        with Translation(b"\xc3", PC, Options(1 << 20)) as translation:
            translation.translate(PC)
            place = (translation.arenas(), translation.table(Entry.RETURN))
            first = first or place
            assert place == first
