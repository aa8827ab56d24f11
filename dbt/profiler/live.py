"""What a running session does right now: rates, shares and hot units since the last look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dbt.profiler.collect import PLACES, Collector
from dbt.profiler.figures import dispatches_by_reason
from dbt.profiler.names import Names

if TYPE_CHECKING:
    from dbt.runtime.session import Session
    from dbt.tcache.arenas import ArenaUse
    from dbt.tcache.statistics import ProcessStatistics, Statistics

_HOT_UNITS = 40


class HotUnit(NamedTuple):
    """A unit that samples found: its place in the guest, its bytes and its share of all samples."""

    pc: int
    function: str
    module: str
    share: float
    instructions: int
    code: bytes


class HotThread(NamedTuple):
    """A process, or one of its threads, with its samples so far."""

    pid: int
    tid: int
    name: str
    running: bool
    samples: int


class ProcessArena(NamedTuple):
    """An arena of a process, of its last one where it has ended."""

    pid: int
    name: str
    running: bool
    use: ArenaUse


class Look(NamedTuple):
    """What changed since the look before.

    Attributes:
        time_s: since the watch began.
        rates: dispatches to the VMM a second, by reason.
        translations_rate: how often the translator was asked, a second.
        hit_share: share of unit entries (of dispatches where none are counted) that needed no
            translation; None where there were none.
        counts_entries: whether hit_share is of unit entries.
        places: samples by where they found a thread.
        used_bytes: of the translation caches of processes that run.
        evictions: so far.
        units: hottest first.
        threads: of all processes.
        arenas: of all processes, first of those that run.
    """

    time_s: float
    rates: dict[str, float]
    translations_rate: float
    hit_share: float | None
    counts_entries: bool
    places: dict[str, int]
    used_bytes: int
    evictions: int
    units: tuple[HotUnit, ...]
    threads: tuple[HotThread, ...]
    arenas: tuple[ProcessArena, ...]


class Watch:
    """Looks at a session again and again.

    Args:
        session: made with a sample interval, or attached to; without a profile's memory there are
            counters only.
        collector: that takes the session's notes already; None makes one.
    """

    def __init__(self, session: Session, collector: Collector | None = None) -> None:
        self._session = session
        self._own = collector is None and session.is_profiled
        self._collector = Collector(session) if self._own else collector
        self._names = Names()
        self._before: tuple[float, Statistics, int] | None = None
        self._places_before: Counter[str] = Counter()
        self._lists: dict[int, Any] = {}

    def look(self) -> Look:
        """The session now, with rates since the look before."""
        collector = self._collector
        if collector is not None and self._own:
            collector.drain()
        statistics = self._session.statistics()
        time_s = collector.elapsed_s if collector is not None else _now_s()
        exact = collector is not None and collector.exact
        entries = sum(map(sum, collector.counters().values())) if collector and exact else 0
        then_s, then, then_entries = self._before or (time_s, statistics, entries)
        span_s = time_s - then_s
        reasons = dispatches_by_reason(statistics)
        earlier = dispatches_by_reason(then)
        changes = {name: reasons[name] - earlier[name] for name in reasons}
        translations = statistics.translations - then.translations
        of = entries - then_entries if exact else sum(changes.values())
        self._before = (time_s, statistics, entries)
        processes = self._session.processes()
        arenas = _arenas(processes)
        places = self._count_places()
        since = {place: places[place] - self._places_before[place] for place in PLACES}
        self._places_before = places
        return Look(
            time_s=time_s,
            rates={name: change / span_s if span_s else 0.0 for name, change in changes.items()},
            translations_rate=translations / span_s if span_s else 0.0,
            hit_share=max(0.0, 1 - translations / of) if of else None,
            counts_entries=exact,
            places=since,
            used_bytes=sum(arena.use.bytes_used for arena in arenas if arena.running),
            evictions=statistics.evictions,
            units=tuple(self._units()),
            threads=tuple(self._threads(processes)),
            arenas=arenas,
        )

    def _spots(self) -> list[tuple[Any, int]]:
        # The collector's own thread adds to them meanwhile.
        return list(self._collector.spots.copy().items()) if self._collector is not None else []

    def _count_places(self) -> Counter[str]:
        places: Counter[str] = Counter()
        for spot, weight in self._spots():
            places[spot.place] += weight
        return places

    def _units(self) -> Iterator[HotUnit]:
        if self._collector is None:
            return
        spots = self._spots()
        total = sum(weight for _, weight in spots) or 1
        heat: Counter[tuple[int, int, int]] = Counter()
        for spot, weight in spots:
            if spot.unit is not None:
                heat[spot.image, spot.region, spot.unit] += weight
        for (image_number, region, unit), weight in heat.most_common(_HOT_UNITS):
            found = self._row(region, unit)
            if found is None:
                continue
            row, code = found
            mapping = self._collector.images[image_number].mapping_at(row.guest_pc)
            place = self._names.place(mapping, row.guest_pc)
            yield HotUnit(
                pc=row.guest_pc,
                function=place.function,
                module=place.module.rpartition("/")[2],
                share=weight / total,
                instructions=row.instructions,
                code=code,
            )

    def _row(self, region: int, unit: int) -> tuple[Any, bytes] | None:
        for _ in range(2):
            units = self._lists.get(region)
            while units is not None and unit < units.inherited:
                units = self._lists.get(-1 if units.parent is None else units.parent)
            if units is not None and unit - units.inherited < units.row_count:
                row = units.rows[unit - units.inherited]
                return row, units.code[row.code_at : row.code_at + row.guest_bytes]
            assert self._collector is not None
            self._lists = self._collector.units()
        return None

    def _threads(self, processes: Sequence[ProcessStatistics]) -> Iterator[HotThread]:
        samples: Counter[tuple[int, int]] = Counter()
        if self._collector is not None:
            pids = [image.pid for image in list(self._collector.images)]
            for spot, weight in self._spots():
                if spot.image < len(pids):
                    samples[pids[spot.image], spot.tid] += weight
        for process in processes:
            tids = sorted(tid for pid, tid in samples if pid == process.pid)
            for tid in tids or [process.pid]:
                yield HotThread(
                    pid=process.pid,
                    tid=tid,
                    name=process.name,
                    running=process.running,
                    samples=samples[process.pid, tid],
                )

    @property
    def room_bytes(self) -> int:
        """The most that the translation cache of one process takes."""
        return int(self._session.memory.configuration.tc_size_bytes)

    @property
    def is_running(self) -> bool:
        """Whether a process of the session has not ended."""
        return self._session.is_running

    @property
    def is_sampled(self) -> bool:
        """Whether there are samples, and so hot units."""
        return self._collector is not None


def _arenas(processes: Sequence[ProcessStatistics]) -> tuple[ProcessArena, ...]:
    return tuple(
        ProcessArena(process.pid, process.name, process.running, use)
        for process in sorted(processes, key=lambda one: not one.running)
        for use in process.arenas
    )


def _now_s() -> float:
    import time

    return time.monotonic()
