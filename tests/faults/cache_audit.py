"""Checks a translation cache against itself: every link, list, table slot and unit."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

from dbt._native import check, ffi, lib
from dbt.tcache.arenas import ArenaUse
from dbt.translator.translation import Translation
from dbt.translator.unit import Entry, Where
from tests.translate import second_level

LIVE, TRANSIENT, THUNK, FALLS = 1, 2, 4, 8
NONE = lib.DBT_LISTING_NONE
MASK = (1 << 64) - 1


def live_units(translation: Translation) -> dict[int, Any]:
    """All live units by number, as dbt_listing_unit."""
    found = {}
    raw = ffi.new("dbt_listing_unit *")
    for number in range(lib.dbt_listing_unit_limit(translation.handle)):
        check(lib.dbt_listing_unit_get(translation.handle, number, raw), "a unit")
        if raw.flags & LIVE:
            found[number] = raw
            raw = ffi.new("dbt_listing_unit *")
    return found


def exit_of(translation: Translation, number: int) -> Any:
    """An exit as dbt_listing_exit."""
    raw = ffi.new("dbt_listing_exit *")
    check(lib.dbt_listing_exit_get(translation.handle, number, raw), "an exit")
    return raw


def read_table(translation: Translation, entry: Entry) -> list[int]:
    """The numbers of a table: 65536, or the pairs of the second level."""
    count = 2 * second_level.ENTRIES if entry == Entry.BODY else 65536
    code = translation.host_code(translation.table(entry), 8 * count)
    return list(struct.unpack(f"<{count}Q", code))


def link_target(translation: Translation, exit: Any) -> int:
    """Where the rel32 of an exit leads, through its far jump if there is one."""
    (offset,) = struct.unpack("<i", translation.host_code(exit.host_patch, 4))
    target = int(exit.host_patch + 4 + offset) & MASK
    if exit.host_far and target == exit.host_far:
        (far,) = struct.unpack("<Q", translation.host_code(exit.host_far + 8, 8))
        return int(far)
    return target


def audit(translation: Translation) -> dict[int, Any]:
    """Checks everything; answers the live units."""
    units = live_units(translation)
    _check_memory(units)
    for number, unit in units.items():
        _check_lookup(translation, number, unit, units)
        _check_exits(translation, number, unit, units)
        _check_incoming(translation, number, unit, units)
        if unit.falls_from != NONE and unit.falls_from in units:
            before = units[unit.falls_from]
            assert before.flags & FALLS and before.host_end == unit.host_start
    falling = {n for n, unit in units.items() if unit.flags & FALLS}
    assert falling <= {unit.falls_from for unit in units.values()}, "a unit runs into nothing"
    _check_tables(translation, units)
    _check_arenas(translation, units)
    return units


def _check_memory(units: dict[int, Any]) -> None:
    spans = sorted((unit.host_start, unit.host_end) for unit in units.values())
    for (_, end), (start, _) in pairwise(spans):
        assert end <= start, "two live units overlap"


def _check_arenas(translation: Translation, units: dict[int, Any]) -> None:
    """What is told of the arenas; where nothing was invalidated, live units are all there are."""
    uses = lib.dbt_listing_arenas(translation.handle)
    counted = translation.statistics()
    found = 0
    for arena in ArenaUse.read(uses):
        own = [u for u in units.values() if arena.host_start <= u.host_start < arena.host_end]
        found += len(own)
        chunks = {(u.host_start - arena.host_start) // uses.chunk_bytes for u in own}
        assert len(chunks) <= arena.chunks_live <= arena.bytes_reserved // uses.chunk_bytes
        emitted = [u for u in own if not u.flags & THUNK]
        assert arena.units >= len(emitted)
        assert arena.units == len(emitted) or counted["units_invalidated"]
        for unit in emitted:
            assert arena.guest_start <= unit.guest_pc
            assert unit.guest_pc + unit.guest_bytes <= arena.guest_end
    assert found == len(units), "a unit in no arena"
    assert sum(arena.bytes_used for arena in ArenaUse.read(uses)) == counted["tc_bytes_used"]


def _check_lookup(translation: Translation, number: int, unit: Any, units: dict[int, Any]) -> None:
    body = translation.lookup(unit.guest_pc)
    if unit.flags & THUNK:
        assert unit.entry != Entry.BODY
    else:
        assert body is not None, "not found"
        if body != number:  # a return point is translated again behind each of its calls
            assert Entry.RETURN in (unit.entry, units[body].entry), "two bodies"
    assert translation.lookup(unit.guest_pc, Entry(unit.entry)) is not None
    if unit.host_body < unit.host_end:
        state = translation.state_at(unit.host_body)
        assert state is not None
        assert state.guest_pc == unit.guest_pc or state.where == Where.TARGET


def _check_exits(translation: Translation, number: int, unit: Any, units: dict[int, Any]) -> None:
    for n in range(unit.first_exit, unit.first_exit + unit.exit_count):
        exit = exit_of(translation, n)
        assert exit.unit == number
        if not exit.host_patch:
            assert exit.linked == NONE
            continue
        target = link_target(translation, exit)
        if exit.linked == NONE:
            assert target == exit.host_stub, "an exit that is not linked leads past its stub"
        else:
            assert exit.linked in units, "a link to a unit that is gone"
            linked = units[exit.linked]
            call = exit.entry == Entry.CALL
            assert target == (linked.host_entry if call else linked.host_body)
            assert linked.guest_pc == exit.guest_target
        for place in filter(None, (exit.host_stub, exit.host_far)):
            state = translation.state_at(place)
            assert state is not None and state.guest_pc == exit.guest_target


def _check_incoming(
    translation: Translation, number: int, unit: Any, units: dict[int, Any]
) -> None:
    n, seen = unit.incoming, set[int]()
    while n != NONE:
        assert n not in seen, "a list that runs in a circle"
        seen.add(n)
        exit = exit_of(translation, n)
        assert exit.linked == number and exit.unit in units
        n = exit.next
    linked = (
        {
            n
            for other in units.values()
            for n in range(other.first_exit, other.first_exit + other.exit_count)
            if exit_of(translation, n).linked == number
        }
        if len(units) < 200
        else seen
    )
    assert linked == seen


def _check_tables(translation: Translation, units: dict[int, Any]) -> None:
    by_entry = {unit.host_entry: unit for unit in units.values() if unit.entry != Entry.BODY}
    misses = {
        Entry.RETURN: lib.dbt_listing_routine(translation.handle, lib.DBT_LISTING_RETURN_MISS),
        Entry.JUMP: lib.dbt_listing_routine(translation.handle, lib.DBT_LISTING_JUMP_MISS),
    }
    for entry, miss in misses.items():
        for slot, value in enumerate(read_table(translation, entry)):
            if value != miss:
                assert value in by_entry, f"slot {slot:#x} of the {entry.name} table is stale"
                assert by_entry[value].entry == entry
                assert by_entry[value].guest_pc & 0xFFFF == slot & 0xFFFF
    second = read_table(translation, Entry.BODY)
    for place in range(second_level.ENTRIES):
        tag, value = second[2 * place : 2 * place + 2]
        if tag not in second_level.EMPTY_TAGS:
            host, low = second_level.entry_of(value)
            assert host in by_entry, "an entry of the second level is stale"
            pc = by_entry[host].guest_pc
            assert pc & 0xFFFF == low
            assert place in second_level.places(pc)
            assert (-tag - pc) & MASK == by_entry[host].entry
