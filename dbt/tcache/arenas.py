"""The arenas of a translation cache, found again by where its units were emitted.

The first unit of an arena stands in its first chunk, chunks are filled upwards, and the oldest one
is emptied first (csrc/core/tcache.c). So the list of units, and how much of the cache is in use,
say which chunks are live.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dbt._native import lib

_PAGE_BYTES = 4096


class Placed(NamedTuple):
    """Where a unit was emitted: guest address and bytes, address and bytes of the body."""

    guest_pc: int
    guest_bytes: int
    host_pc: int
    host_bytes: int


@dataclass(frozen=True)
class ArenaUse:
    """What one arena holds.

    Attributes:
        host_start: its address.
        bytes_reserved: of address space.
        bytes_used: in live chunks, whole ones.
        chunks_live: how many.
        units: in live chunks, those that were invalidated included.
        guest_start: lowest guest address that was translated into it.
        guest_end: behind the highest.
    """

    host_start: int
    bytes_reserved: int
    bytes_used: int
    chunks_live: int
    units: int
    guest_start: int
    guest_end: int


class _Run(NamedTuple):
    """Units emitted one behind the other into one chunk, from number `first` on."""

    first: int
    units: int
    arena: int
    chunk: int
    host_start: int
    host_end: int
    guest_start: int
    guest_end: int


def chunk_bytes(tc_size_bytes: int) -> int:
    """Bytes of a chunk in a cache of a size."""
    chunk: int = lib.DBT_CHUNK_BYTES_MIN
    while chunk * lib.DBT_CHUNKS_WANTED < tc_size_bytes:
        chunk *= 2
    return chunk


def arena_bytes(tc_size_bytes: int) -> int:
    """Bytes of address space that an arena of a cache of a size reserves."""
    size = min(tc_size_bytes, int(lib.DBT_ARENA_BYTES_MAX))
    return size - size % chunk_bytes(tc_size_bytes)


class UnitPlaces:
    """The units of one address space, in the order in which they were translated.

    Args:
        placed: those that are not inherited.
        tc_size_bytes: the size that was asked for.
        parent: of the space this one was forked from, or None.
        inherited: how many of the parent's units are this one's, too.
    """

    def __init__(
        self,
        placed: Iterable[Placed],
        tc_size_bytes: int,
        parent: UnitPlaces | None = None,
        inherited: int = 0,
    ) -> None:
        self._chunk_bytes = chunk_bytes(tc_size_bytes)
        self._arena_bytes = arena_bytes(tc_size_bytes)
        self._rows = list(placed)
        self._first = inherited if parent is not None else 0
        self._arenas: list[int] = list(parent._arenas) if parent is not None else []
        self._find_arenas()
        self._runs: list[_Run] = parent._runs_before(inherited) if parent is not None else []
        self._runs += self._join(self._rows, self._first)

    def _arena_of(self, host_pc: int) -> int | None:
        at = bisect_right(self._arenas, host_pc) - 1
        if at >= 0 and host_pc < self._arenas[at] + self._arena_bytes:
            return self._arenas[at]
        return None

    def _find_arenas(self) -> None:
        for page in sorted({row.host_pc // _PAGE_BYTES for row in self._rows}):
            if self._arena_of(page * _PAGE_BYTES) is None:
                insort(self._arenas, page * _PAGE_BYTES)

    def _join(self, rows: list[Placed], first: int) -> list[_Run]:
        runs: list[_Run] = []
        at = 0
        while at < len(rows):
            begin, row = at, rows[at]
            arena = self._arena_of(row.host_pc)
            assert arena is not None
            chunk = row.host_pc - (row.host_pc - arena) % self._chunk_bytes
            end, guest_start, guest_end = row.host_pc, row.guest_pc, row.guest_pc
            while at < len(rows) and end <= rows[at].host_pc < chunk + self._chunk_bytes:
                row = rows[at]
                end = row.host_pc + row.host_bytes
                guest_start = min(guest_start, row.guest_pc)
                guest_end = max(guest_end, row.guest_pc + row.guest_bytes)
                at += 1
            host_start = rows[begin].host_pc
            runs.append(
                _Run(
                    first + begin,
                    at - begin,
                    arena,
                    chunk,
                    host_start,
                    end,
                    guest_start,
                    guest_end,
                )
            )
        return runs

    def _runs_before(self, number: int) -> list[_Run]:
        """The runs of the units with lower numbers; the last one is cut where it goes on."""
        whole = [run for run in self._runs if run.first + run.units <= number]
        done = whole[-1].first + whole[-1].units if whole else 0
        if done < number and done >= self._first:
            rows = self._rows[done - self._first : number - self._first]
            whole += self._join(rows, done)
        return whole

    def arenas(self, used_bytes: int) -> tuple[ArenaUse, ...]:
        """Its arenas by address.

        Args:
            used_bytes: of the cache, in live chunks; those filled last are taken for them.
        """
        births: dict[int, int] = {}
        filled: dict[int, int] = {}
        units: dict[int, int] = {}
        for run in self._runs:
            if run.host_start < filled.get(run.chunk, 1 << 64):
                # It is new, or was emptied and is filled again from its start.
                births[run.chunk] = run.first
                units[run.chunk] = 0
            filled[run.chunk] = run.host_end
            units[run.chunk] += run.units
        newest = sorted(births, key=lambda chunk: births[chunk], reverse=True)
        live = newest[: used_bytes // self._chunk_bytes]
        return tuple(self._use(arena, live, units) for arena in self._arenas_in_use())

    def _arenas_in_use(self) -> list[int]:
        return sorted({run.arena for run in self._runs})

    def _use(self, arena: int, live: list[int], units: dict[int, int]) -> ArenaUse:
        chunks = [chunk for chunk in live if arena <= chunk < arena + self._arena_bytes]
        runs = [run for run in self._runs if run.arena == arena]
        return ArenaUse(
            host_start=arena,
            bytes_reserved=self._arena_bytes,
            bytes_used=len(chunks) * self._chunk_bytes,
            chunks_live=len(chunks),
            units=sum(units[chunk] for chunk in chunks),
            guest_start=min(run.guest_start for run in runs),
            guest_end=max(run.guest_end for run in runs),
        )
