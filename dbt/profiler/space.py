"""The address spaces of a session, and the arenas that their units were emitted into."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dbt._native import ffi
from dbt.profiler.collect import Image, UnitList
from dbt.profiler.model import Arena
from dbt.tcache.arenas import Placed, UnitPlaces

if TYPE_CHECKING:
    from dbt.runtime.session import Session

# dbt_profile_unit (csrc/core/profile.h): guest_pc, guest_bytes, host_bytes, own_bytes and host_pc
# are taken.
_UNIT = struct.Struct("<Q4xH4xH4xH6xQ")
assert _UNIT.size == ffi.sizeof("dbt_profile_unit")


class Spaces:
    """The address spaces of a session that has ended.

    Args:
        lists: the units of each, by region.
        images: the programs that ran in them, in the order they began.
        session: of both.
    """

    def __init__(
        self, lists: dict[int, UnitList], images: Sequence[Image], session: Session
    ) -> None:
        self._lists = lists
        self._images = images
        self._session = session
        self._places: dict[int, UnitPlaces] = {}

    def arenas(self) -> tuple[Arena, ...]:
        """The arenas of every program, as they were at its end."""
        return tuple(self._all_arenas())

    def _all_arenas(self) -> Iterator[Arena]:
        memory = self._session.memory
        images: dict[int, list[Image]] = defaultdict(list)
        for image in self._images:
            images[image.pid].append(image)
        used: dict[int, list[int]] = defaultdict(list)
        for slab in memory.slabs[0 : self._session.slabs_used]:
            used[slab.pid].append(slab.statistics.tc_bytes_used)
        for pid, programs in images.items():
            # A program has a slab of its own; where notes or slabs were lost, the last ones fit.
            together = zip(reversed(programs), reversed(used[pid]), strict=False)
            for image, size in reversed(list(together)):
                if image.region in self._lists:
                    for arena in self._space(image.region).arenas(size):
                        yield Arena(pid=pid, path=image.path, **vars(arena))

    def _space(self, region: int) -> UnitPlaces:
        if region not in self._places:
            units = self._lists[region]
            has_parent = units.parent is not None and units.parent in self._lists
            parent = self._space(units.parent) if has_parent and units.parent is not None else None
            data = ffi.buffer(units.rows, units.row_count * _UNIT.size)
            self._places[region] = UnitPlaces(
                (
                    Placed(pc, guest_bytes, host_pc, emitted + own_bytes)
                    for pc, guest_bytes, emitted, own_bytes, host_pc in _UNIT.iter_unpack(data)
                ),
                self._session.memory.configuration.tc_size_bytes,
                parent,
                units.inherited,
            )
        return self._places[region]
