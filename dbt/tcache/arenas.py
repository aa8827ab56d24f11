"""The arenas of a translation cache, as its process tells of them in session memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dbt._native import ffi, lib

_TRIES = 100


@dataclass(frozen=True)
class ArenaUse:
    """What one arena holds.

    Attributes:
        host_start: its address.
        bytes_reserved: of address space.
        bytes_used: in live chunks, whole ones.
        chunks_live: how many.
        units: in live chunks, those that were invalidated included.
        guest_start: lowest guest address that was ever translated into it.
        guest_end: behind the highest; where nothing was yet, both are the address it was made for.
    """

    host_start: int
    bytes_reserved: int
    bytes_used: int
    chunks_live: int
    units: int
    guest_start: int
    guest_end: int

    @property
    def host_end(self) -> int:
        """The address behind it."""
        return self.host_start + self.bytes_reserved

    @classmethod
    def read(cls, uses: Any) -> tuple[ArenaUse, ...]:
        """Copies the arenas of a process out of session memory, ordered by address.

        Each is of one moment, unless the process was killed or stopped while it wrote; two may be
        of different moments.

        Args:
            uses: a cffi reference to a dbt_arena_uses; it may be changing while it is read.
        """
        count = min(uses.count, lib.DBT_ARENAS_MAX)
        copies = (_read_one(uses.arenas[at]) for at in range(count))
        return tuple(
            sorted(
                (cls._of(copy, uses.chunk_bytes) for copy in copies if copy.host_start),
                key=lambda arena: arena.host_start,
            )
        )

    @classmethod
    def _of(cls, copy: Any, chunk_bytes: int) -> ArenaUse:
        return cls(
            host_start=copy.host_start,
            bytes_reserved=copy.size_bytes,
            bytes_used=copy.chunks_live * chunk_bytes,
            chunks_live=copy.chunks_live,
            units=copy.units,
            guest_start=copy.guest_start,
            guest_end=copy.guest_end,
        )


def _read_one(use: Any) -> Any:
    copy = ffi.new("dbt_arena_use *")
    for _ in range(_TRIES):
        before = use.changes
        copy[0] = use
        if before % 2 == 0 and use.changes == before:
            break
    return copy
