"""Makes a `Profile` of what a `Collector` has: names for addresses, sums, and the hottest first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dbt import _version
from dbt._native import ffi, lib
from dbt.decoder.instruction import InstructionClass
from dbt.profiler import model
from dbt.profiler.calls import Calls, Site
from dbt.profiler.collect import PLACES, Collector, Image, Mapping
from dbt.profiler.figures import Executed, dispatches_by_reason, figures, per_thousand
from dbt.profiler.names import Names
from dbt.profiler.space import arenas_of_programs

if TYPE_CHECKING:
    from dbt.runtime.session import Session

UNITS_MOST = 200
LINES_MOST = 500
STACKS_MOST = 5000
# Of the execution: reading the line tables of the rest takes longer than it tells.
LINES_SHARE = 0.9995


class Outcome(NamedTuple):
    """How the run ended, for the profile.

    Attributes:
        exit_status: of the first process, or None.
        signal: that ended it, or None.
        user_s: processor time of the session's processes in user mode.
        system_s: in the kernel.
        duration_s: by the clock.
    """

    exit_status: int | None
    signal: int | None
    user_s: float
    system_s: float
    duration_s: float


class Listed(NamedTuple):
    """One translated unit with what was counted of it.

    Attributes:
        region: the number of the list that its process works with.
        pid: of that process.
        row: a dbt_profile_unit.
        code: its guest bytes.
        executions: how often it was entered, 0 where nothing is counted.
        samples: that found a thread in its body.
    """

    region: int
    pid: int
    row: Any
    code: bytes
    executions: int
    samples: int


def build(
    collector: Collector, session: Session, command: Sequence[str], outcome: Outcome
) -> model.Profile:
    """Makes the profile of a session that has ended.

    Args:
        collector: stopped.
        session: its session.
        command: the program and its arguments.
        outcome: how the first process ended, and the times.
    """
    return _Builder(collector, session).profile(command, outcome)


class _Builder:
    def __init__(self, collector: Collector, session: Session) -> None:
        self.collector = collector
        self.session = session
        self.exact = collector.exact
        self.names = Names()
        self.lists = collector.units()
        self.counts = collector.counters() if self.exact else {}
        self.branches = collector.branches() if self.exact else {}
        self.image_of_region: dict[int, Image] = {}
        for image in collector.images:
            if image.region is not None:
                self.image_of_region.setdefault(image.region, image)
        self.unit_samples: Counter[tuple[int, int]] = Counter()
        for spot, weight in collector.spots.items():
            if spot.unit is not None:
                self.unit_samples[spot.region, spot.unit] += weight
        self.listed = list(self._list_units())
        self.pid_of_image = [image.pid for image in collector.images]
        self.samples_of = self._sum_samples()
        self.executed_of = self._sum_executed()
        self.arenas = tuple(arenas_of_programs(session, collector.images))

    def _row(self, region: int, number: int) -> tuple[Any, bytes] | None:
        """The description of a unit by its number, from its own list or one it has inherited."""
        units = self.lists.get(region)
        while units is not None and number < units.inherited:
            units = None if units.parent is None else self.lists.get(units.parent)
        if units is None or number - units.inherited >= units.row_count:
            return None
        row = units.rows[number - units.inherited]
        return row, units.code[row.code_at : row.code_at + row.guest_bytes]

    def _list_units(self) -> Iterator[Listed]:
        for region, units in self.lists.items():
            executed = self.counts.get(region)
            own = range(units.inherited, units.inherited + units.row_count)
            inherited = set()
            if executed is not None:
                inherited = {n for n in range(min(units.inherited, len(executed))) if executed[n]}
            inherited |= {n for r, n in self.unit_samples if r == region and n < units.inherited}
            for number in (*sorted(inherited), *own):
                found = self._row(region, number)
                if found is not None:
                    count = executed[number] if executed and number < len(executed) else 0
                    samples = self.unit_samples[region, number]
                    yield Listed(region, units.pid, *found, count, samples)

    def _mapping(self, region: int, pc: int) -> Mapping | None:
        image = self.image_of_region.get(region)
        return image.mapping_at(pc) if image is not None else None

    def profile(self, command: Sequence[str], outcome: Outcome) -> model.Profile:
        collector = self.collector
        calls = self._calls()
        functions, modules, lines = self._places(calls)
        functions = model.hottest(functions, len(functions))
        processes = self._processes()
        mix_class, mix_extension = self._mixes()
        return model.Profile(
            format=model.FORMAT,
            version=model.VERSION,
            dbt_version=_version.VERSION,
            command=tuple(command),
            exact=self.exact,
            interval_us=int(self.session.profile.interval_us),
            duration_s=round(outcome.duration_s, 6),
            user_s=round(outcome.user_s, 6),
            system_s=round(outcome.system_s, 6),
            exit_status=outcome.exit_status,
            signal=outcome.signal,
            missing=tuple(self._missing()),
            figures=figures(
                self.session.statistics(),
                self._total_executed(),
                self._retranslated(*{units.pid for units in self.lists.values()}),
                {place: sum(by[place] for by in self.samples_of.values()) for place in PLACES},
                self.arenas,
            ),
            dispatches=tuple(self._dispatches(processes)),
            arenas=self.arenas,
            processes=processes,
            course=tuple(
                model.CoursePoint(
                    round(step.time_s, 4),
                    step.entries,
                    step.statistics.units_translated,
                    step.statistics.translations,
                    sum(dispatches_by_reason(step.statistics).values()),
                    step.statistics.tc_bytes_used,
                    step.statistics.evictions,
                    *step.samples,
                )
                for step in collector.course
            ),
            modules=tuple(model.hottest(modules, len(modules))),
            functions=tuple(functions),
            lines=tuple(model.hottest(lines, LINES_MOST)),
            units=tuple(self._hot_units()),
            calls=tuple(calls.calls(functions)),
            branches=tuple(calls.branches()),
            stacks=tuple(self._stacks()),
            mix_class=mix_class,
            mix_extension=mix_extension,
            coverage=tuple(self._coverage()),
            host_code=tuple(self._host_code()),
        )

    def _missing(self) -> Iterator[str]:
        collector = self.collector
        if collector.lost_slots:
            yield (f"{collector.lost_slots} slots of notes were lost: samples, or names of modules")
        if any(units.is_full for units in self.lists.values()):
            most = lib.DBT_PROFILE_UNITS
            yield (
                f"of a process only the first {most:,} units are listed and counted, "
                "and how many it translated again is not known"
            )
        counts = self.session.profile.counts[0 : self.session.slabs_used]
        unsampled = sum(count.threads_not_sampled for count in counts)
        if unsampled:
            yield f"{unsampled} threads were not sampled: the kernel gave them no timer"
        uncounted = sum(count.threads_not_counted for count in counts)
        if uncounted:
            yield f"what {uncounted} threads executed was not counted: there was no room"
        if collector.lost_branches:
            yield (
                f"{collector.lost_branches:,} executions of indirect branches are in no list, "
                "nor the calls among them: there was no room"
            )
        if self.session.memory.slabs_claimed > lib.DBT_SESSION_SLABS:
            yield (
                f"more than {lib.DBT_SESSION_SLABS} programs ran: counts of some stand with others"
            )

    # Sums.

    def _sum_samples(self) -> dict[int, Counter[str]]:
        found: dict[int, Counter[str]] = defaultdict(Counter)
        for spot, weight in self.collector.spots.items():
            found[self.pid_of_image[spot.image]][spot.place] += weight
        return found

    def _sum_executed(self) -> dict[int, Executed]:
        found: dict[int, Executed] = defaultdict(Executed)
        for unit in self.listed:
            if unit.executions:
                found[unit.pid] = found[unit.pid].plus(Executed.of(unit.row, unit.executions))
        for region, units in self.lists.items():
            executed = found[units.pid]
            found[units.pid] = executed._replace(
                instructions=executed.instructions - self.collector.taken_back[region],
                second_lookups=executed.second_lookups + self.collector.second_lookups[region],
            )
        return found

    def _total_executed(self) -> Executed | None:
        total = Executed()
        for executed in self.executed_of.values():
            total = total.plus(executed)
        return total if self.exact else None

    def _retranslated(self, *pids: int) -> int | None:
        again = 0
        for units in self.lists.values():
            if units.pid in pids:
                if units.is_full:
                    return None
                rows = (units.rows[n].guest_pc for n in range(units.row_count))
                again += units.row_count - len(set(rows))
        return again

    def _processes(self) -> tuple[model.Process, ...]:
        from dbt.runtime.syscalls import table

        names = {call.number: call.name for call in table()}
        calls, callouts, started = self._counts_by_pid()
        paths = {image.pid: image.path for image in self.collector.images}
        found = []
        for process in self.session.processes():
            pid = process.pid
            found.append(
                model.Process(
                    pid=pid,
                    parent_pid=process.parent_pid,
                    name=process.name,
                    path=paths.get(pid, ""),
                    figures=figures(
                        process.statistics,
                        self.executed_of[pid] if self.exact else None,
                        self._retranslated(pid),
                        self.samples_of[pid],
                        [arena for arena in self.arenas if arena.pid == pid],
                    ),
                    syscalls={
                        names.get(number, f"call {number}"): count
                        for number, count in calls[pid].most_common()
                    },
                    callouts={
                        InstructionClass(number).name: count
                        for number, count in callouts[pid].most_common()
                    },
                    threads=tuple(self._threads(pid)),
                    threads_started=started[pid],
                )
            )
        return tuple(found)

    def _dispatches(self, processes: Sequence[model.Process]) -> Iterator[model.Dispatches]:
        executed = self._total_executed()
        entries = executed.entries if executed else None
        named = {"syscall": Counter[str](), "callout": Counter[str]()}
        for process in processes:
            named["syscall"].update(process.syscalls)
            named["callout"].update(process.callouts)
        for reason, count in dispatches_by_reason(self.session.statistics()).items():
            parts = named.get(reason, Counter({"": count}))
            for name, part in parts.most_common():
                if part:
                    yield model.Dispatches(reason, name, part, per_thousand(part, entries))

    def _counts_by_pid(
        self,
    ) -> tuple[dict[int, Counter[int]], dict[int, Counter[int]], Counter[int]]:
        calls: dict[int, Counter[int]] = defaultdict(Counter)
        callouts: dict[int, Counter[int]] = defaultdict(Counter)
        started: Counter[int] = Counter()
        memory = self.session.memory
        for number in range(self.session.slabs_used):
            pid = memory.slabs[number].pid
            counts = self.session.profile.counts[number]
            calls[pid].update(_nonzero(counts.syscalls))
            callouts[pid].update(_nonzero(counts.callouts))
            # Each program of a process counts the thread that began it; they are one and the same.
            again = 1 if started[pid] and counts.threads_started else 0
            started[pid] += counts.threads_started - again
        return calls, callouts, started

    def _threads(self, pid: int) -> Iterator[model.Thread]:
        by_thread: dict[int, Counter[str]] = defaultdict(Counter)
        for spot, weight in self.collector.spots.items():
            if self.pid_of_image[spot.image] == pid:
                by_thread[spot.tid][spot.place] += weight
        for tid, places in sorted(by_thread.items()):
            yield model.Thread(tid, places.total(), *(places[place] for place in PLACES))

    # Places in the guest.

    def _calls(self) -> Calls:
        calls = Calls(self.names, self._mapping)
        if not self.exact:
            return calls
        for unit in self.listed:
            if unit.executions:
                calls.add_direct(Site(unit.region, unit.pid, unit.row, unit.code), unit.executions)
        for region, branches in self.branches.items():
            for (number, target), count in branches.items():
                found = self._row(region, number)
                if found is not None:
                    site = Site(region, self.lists[region].pid, *found)
                    calls.add_indirect(site, target, count)
        return calls

    def _places(
        self, calls: Calls
    ) -> tuple[list[model.Function], list[model.Module], list[model.SourceLine]]:
        from dbt.profiler.places import Places

        places = Places(self.names, self.exact)
        for spot, weight in self.collector.spots.items():
            mapping = self.collector.images[spot.image].mapping_at(spot.pc)
            places.add_samples(mapping, spot.pc, weight)
        if self.exact:
            left = LINES_SHARE * sum(u.executions * u.row.instructions for u in self.listed)
            for unit in sorted(self.listed, key=lambda u: -u.executions * u.row.instructions):
                if not unit.executions:
                    break
                mapping = self._mapping(unit.region, unit.row.guest_pc)
                places.add_executions(mapping, unit.row, unit.executions)
                if left > 0:
                    places.add_lines(mapping, unit.row, unit.code, unit.executions)
                left -= unit.executions * unit.row.instructions
        return places.functions(calls.totals()), places.modules(), places.lines()

    def _hot_units(self) -> Iterator[model.Unit]:
        def heat(unit: Listed) -> tuple[int, int]:
            return unit.executions * unit.row.instructions, unit.samples

        hot = sorted((u for u in self.listed if heat(u) != (0, 0)), key=heat, reverse=True)
        for unit in hot[:UNITS_MOST]:
            row = unit.row
            mapping = self._mapping(unit.region, row.guest_pc)
            place = self.names.place(mapping, row.guest_pc)
            line = self.names.line(mapping, row.guest_pc)
            yield model.Unit(
                pid=unit.pid,
                pc=row.guest_pc,
                module=place.module,
                offset=place.offset,
                function=place.function,
                source=line.source if line else None,
                line=line.line if line else None,
                samples=unit.samples,
                executions=unit.executions if self.exact else None,
                instructions=row.instructions,
                guest_bytes=row.guest_bytes,
                host_bytes=row.host_bytes,
                host_instructions=row.host_instructions,
                code=unit.code.hex(),
            )

    def _stacks(self) -> Iterator[model.Stack]:
        stacks: Counter[tuple[str, ...]] = Counter()
        for spot, weight in self.collector.spots.items():
            image = self.collector.images[spot.image]
            stacks[self.names.frames(image, spot)] += weight
        for frames, weight in stacks.most_common(STACKS_MOST):
            yield model.Stack(frames, weight)

    def _mixes(self) -> tuple[tuple[model.Mix, ...], tuple[model.Mix, ...]]:
        if not self.exact:
            return (), ()
        from dbt.profiler.mix import mixes

        return mixes((unit.code, unit.executions) for unit in self.listed if unit.executions)

    def _coverage(self) -> Iterator[model.Coverage]:
        blocks: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
        for unit in self.listed:
            if self.exact and not unit.executions:
                continue
            mapping = self._mapping(unit.region, unit.row.guest_pc)
            if mapping is not None and mapping.path.startswith("/"):
                offset = unit.row.guest_pc - mapping.start + mapping.offset
                key = self.names.file(mapping.path).address(offset), unit.row.guest_bytes
                blocks[mapping.path][key] += unit.executions if self.exact else 1
        for path, found in sorted(blocks.items()):
            rows = sorted(found.items())
            start, end = self.names.file(path).extent
            yield model.Coverage(
                path,
                start,
                end or rows[-1][0][0] + rows[-1][0][1],
                tuple((address, size, n if self.exact else 1) for (address, size), n in rows),
            )

    def _host_code(self) -> Iterator[model.HostCode]:
        for region, units in self.lists.items():
            names: dict[str, int] = {}
            blocks = []
            for at in range(units.row_count):
                row = units.rows[at]
                place = self.names.place(self._mapping(region, row.guest_pc), row.guest_pc)
                name = names.setdefault(place.function, len(names))
                size_bytes = row.host_bytes + row.own_bytes
                blocks.append((row.host_pc, size_bytes, row.guest_pc, name))
            if blocks:
                yield model.HostCode(units.pid, tuple(names), tuple(blocks))


def _nonzero(counts: Any) -> dict[int, int]:
    values = memoryview(ffi.buffer(counts)).cast("Q")
    return {number: value for number, value in enumerate(values) if value}
