"""What a profiled session tells while it runs: notes out of the ring, counters over time, units.

A `Collector` reads the profile's memory (csrc/core/profile.h); it writes nothing there and nobody
waits for it. After the session's end it holds everything that a profile is made from.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from dbt._native import ffi, lib

if TYPE_CHECKING:
    from dbt.runtime.session import Session
    from dbt.tcache.statistics import Statistics

#: Where a sample found its thread, by the number the VMM gives it.
PLACES = ("tc", "lookup", "translate", "vmm", "kernel")

DRAIN_INTERVAL_S = 0.2
_COURSE_POINTS_MOST = 512
_SLOT_WORDS = 1 + lib.DBT_PROFILE_SLOT_WORDS
_KIND_BITS = 8
_BRANCHES_HEAD = struct.Struct("<QI")  # branches_lost, branch_count
_HEAD_BYTES = ffi.offsetof("dbt_profile_counters", "executions")


class Spot(NamedTuple):
    """Samples that found the same are one spot.

    Attributes:
        image: number of the program image (`Image`) that the thread ran.
        tid: the thread.
        place: one of PLACES.
        pc: guest address; 0 where none is known.
        region: of the list that the unit stands in; and its number there, or None.
        unit: see region.
        syscall: number of the system call, where place is "kernel"; else None.
        callers: return addresses of the frame pointer's chain, innermost first; not judged.
    """

    image: int
    tid: int
    place: str
    pc: int
    region: int
    unit: int | None
    syscall: int | None
    callers: tuple[int, ...]


class Mapping(NamedTuple):
    """A file mapped executable: guest addresses, offset in the file, path."""

    start: int
    end: int
    offset: int
    path: str


@dataclass
class Image:
    """A process between two points: its start or execve, and its end or next execve.

    Attributes:
        pid: of the process.
        parent_pid: of who forked it.
        path: of the program; empty when it is not known.
        region: of its list of units, or None.
        began_s: since the session's start.
        begins: whether it was executed, and not forked from another.
        mappings: of files that may be executed, those of its parent included.
    """

    pid: int
    parent_pid: int
    path: str
    region: int | None
    began_s: float
    begins: bool
    mappings: list[Mapping] = field(default_factory=list)

    def mapping_at(self, pc: int) -> Mapping | None:
        """The mapping that holds a guest address; the newest where there are several."""
        for mapping in reversed(self.mappings):
            if mapping.start <= pc < mapping.end:
                return mapping
        return None


class CourseStep(NamedTuple):
    """The session's counters at one moment, and the samples since the moment before."""

    time_s: float
    entries: int | None
    statistics: Statistics
    samples: tuple[int, ...]


class UnitList(NamedTuple):
    """One region's units, columns as arrays; the code is shared by all.

    Attributes:
        pid: of the process that translated them.
        parent: the region in which the first `inherited` stand, or None.
        inherited: how many those are; they are not in the columns.
        is_full: whether units are missing.
        rows: dbt_profile_unit structs, the first being number `inherited`.
        row_count: how many.
        code: the guest bytes that `code_at` counts in.
    """

    pid: int
    parent: int | None
    inherited: int
    is_full: bool
    rows: Any
    row_count: int
    code: bytes


class Collector:
    """Collects what one session notes, in a thread of its own, until it is stopped.

    Args:
        session: made with a sample interval.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._profile = session.profile
        self._words = memoryview(ffi.buffer(self._profile.slots)).cast("Q")
        self._tail = 0
        self._hole = -1
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._place_counts = [0] * len(PLACES)
        self._place_reported = [0] * len(PLACES)
        self._current: dict[int, int] = {}
        self._course_every_s = DRAIN_INTERVAL_S / 2
        self._course_next_s = 0.0
        self.started_ns = time.monotonic_ns()
        self.exact = bool(session.memory.configuration.flags & lib.DBT_CONFIG_COUNT)
        self.taken_back: Counter[int] = Counter()
        self.second_lookups: Counter[int] = Counter()
        self.lost_branches = 0
        self.spots: Counter[Spot] = Counter()
        self.images: list[Image] = []
        self.course: list[CourseStep] = []
        self.lost_slots = 0
        self.peak_bytes = 0

    @property
    def elapsed_s(self) -> float:
        """Seconds since this collector was made."""
        return (time.monotonic_ns() - self.started_ns) / 1e9

    def start(self) -> None:
        """Begins to collect; call it once the session's first process has been forked."""
        self._thread = threading.Thread(target=self._run, name="dbt-profile", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes in what is left, and ends."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self.drain(last=True)
        self._add_course()

    def _run(self) -> None:
        # However rare the course's points become, the ring must not run over.
        while not self._stopping.wait(min(self._course_every_s, DRAIN_INTERVAL_S)):
            self.drain()
            if self.elapsed_s >= self._course_next_s:
                self._add_course()

    def _add_course(self) -> None:
        statistics = self._session.statistics()
        self.peak_bytes = max(self.peak_bytes, statistics.tc_bytes_used)
        since = tuple(
            now - before
            for now, before in zip(self._place_counts, self._place_reported, strict=True)
        )
        self._place_reported = list(self._place_counts)
        entries = sum(map(sum, self.counters().values())) if self.exact else None
        self.course.append(CourseStep(self.elapsed_s, entries, statistics, since))
        if len(self.course) >= _COURSE_POINTS_MOST:
            self._thin_course()
        self._course_next_s = self.elapsed_s + self._course_every_s

    def _thin_course(self) -> None:
        """Keeps every second point, and takes half as many from now on."""
        kept = []
        for first, second in zip(self.course[::2], self.course[1::2], strict=False):
            samples = tuple(a + b for a, b in zip(first.samples, second.samples, strict=True))
            kept.append(second._replace(samples=samples))
        self.course = kept
        self._course_every_s = min(self._course_every_s * 2, 5.0)

    def drain(self, last: bool = False) -> None:
        """Takes all whole notes out of the ring.

        Args:
            last: whether nobody writes any more, so that holes will not be filled.
        """
        head = self._profile.head
        if head - self._tail > lib.DBT_PROFILE_SLOTS:
            # Overtaken: what is left is in the newer half, from some note's start on.
            resumed = head - lib.DBT_PROFILE_SLOTS // 2
            self.lost_slots += resumed - self._tail
            self._tail = resumed
        while self._tail < head:
            taken = self._take_note(head)
            if taken == 0:
                # A writer may be about to fill this slot, or it was killed.
                if not last and self._hole != self._tail:
                    self._hole = self._tail
                    return
                self.lost_slots += 1
                taken = 1
            self._tail += taken

    def _slot(self, position: int) -> tuple[int, memoryview]:
        at = position % lib.DBT_PROFILE_SLOTS * _SLOT_WORDS
        stamp = self._words[at]
        kind = stamp & ((1 << _KIND_BITS) - 1) if stamp >> _KIND_BITS == position + 1 else 0
        return kind, self._words[at + 1 : at + _SLOT_WORDS]

    def _take_note(self, head: int) -> int:
        """Takes the note at the tail; answers how many slots it had, 0 when it is not whole."""
        kind, words = self._slot(self._tail)
        if kind == 0:
            return 0
        count = 1
        text = b""
        while self._tail + count < head:
            more, rest = self._slot(self._tail + count)
            if more == 0:
                return 0
            if more != lib.DBT_NOTE_TEXT:
                break
            text += bytes(rest)
            count += 1
        if kind == lib.DBT_NOTE_SAMPLE:
            self._add_sample(words, text)
        elif kind == lib.DBT_NOTE_MODULE:
            image = self._image(words[0] & 0xFFFFFFFF)
            image.mappings.append(Mapping(words[2], words[3], words[4], _path(text)))
        elif kind == lib.DBT_NOTE_PROCESS:
            self._add_process(words, text)
        return count

    def _image(self, pid: int) -> Image:
        if pid not in self._current:
            # Its note was lost.
            self._current[pid] = len(self.images)
            self.images.append(Image(pid, 0, "", None, self.elapsed_s, True))
        return self.images[self._current[pid]]

    def _add_process(self, words: memoryview, text: bytes) -> None:
        pid, parent_pid = words[0] & 0xFFFFFFFF, words[0] >> 32
        begins = bool(words[3])
        region = words[2] if words[2] < lib.DBT_PROFILE_REGIONS else None
        began_s = (words[1] - self.started_ns) / 1e9
        image = Image(pid, parent_pid, _path(text), region, began_s, begins)
        if not begins and parent_pid in self._current:
            image.mappings = list(self._image(parent_pid).mappings)
        self._current[pid] = len(self.images)
        self.images.append(image)

    def _add_sample(self, words: memoryview, text: bytes) -> None:
        pid, tid = words[0] & 0xFFFFFFFF, words[0] >> 32
        unit, region = words[3] & 0xFFFFFFFF, words[3] >> 32
        weight, place = words[4] & 0xFFFFFFFF, words[4] >> 32
        callers = array("Q", text[: 8 * words[6]])
        self._image(pid)
        spot = Spot(
            image=self._current[pid],
            tid=tid,
            place=PLACES[place],
            pc=words[2],
            region=region,
            unit=None if unit == lib.DBT_PROFILE_NO_UNIT else unit,
            syscall=words[5] if place == lib.DBT_SAMPLED_KERNEL else None,
            callers=tuple(callers),
        )
        self.spots[spot] += weight
        self._place_counts[place] += weight

    def units(self) -> dict[int, UnitList]:
        """The lists of units, by the number of their region."""
        found = {}
        for number in range(min(self._profile.region_count, lib.DBT_PROFILE_REGIONS)):
            region = self._profile.regions[number]
            if region.kind == lib.DBT_PROFILE_REGION_UNITS:
                found[number] = self._read_units(region)
        return found

    def counters(self) -> dict[int, array[int]]:
        """Executions by number of unit, by the region of the list that counts them.

        Sets `taken_back`, instructions that were counted and not executed, and `second_lookups`,
        indirect branches that the first level did not settle, by region likewise.
        """
        self.taken_back = Counter()
        self.second_lookups = Counter()
        found: dict[int, array[int]] = {}
        fd = self._session.fd
        for number in range(min(self._profile.region_count, lib.DBT_PROFILE_REGIONS)):
            region = self._profile.regions[number]
            if region.kind != lib.DBT_PROFILE_REGION_COUNTERS:
                continue
            units = self._profile.regions[region.parent]
            at = self._session.record_at + units.at
            used = int.from_bytes(os.pread(fd, 4, at), "little")
            data = _read(fd, _HEAD_BYTES + 8 * used, self._session.record_at + region.at)
            head = ffi.from_buffer("dbt_profile_counters *", data, require_writable=False)
            self.taken_back[region.parent] += head.taken_back
            self.second_lookups[region.parent] += head.second_lookups
            values = array("Q", data[_HEAD_BYTES:])
            earlier = found.get(region.parent)
            if earlier is not None:
                values = array("Q", map(sum, zip_longest(earlier, values, fillvalue=0)))
            found[region.parent] = values
        return found

    def branches(self) -> dict[int, Counter[tuple[int, int]]]:
        """Executions of indirect branches, by unit and target, by region of the list of units.

        Sets `lost_branches`: executions for which there was no room.
        """
        self.lost_branches = 0
        found: dict[int, Counter[tuple[int, int]]] = {}
        first = ffi.offsetof("dbt_profile_counters", "branches_lost")
        notes_at = ffi.offsetof("dbt_profile_counters", "notes")
        last = ffi.offsetof("dbt_profile_counters", "guard")
        branches_at = ffi.offsetof("dbt_profile_counters", "branches")
        for number in range(min(self._profile.region_count, lib.DBT_PROFILE_REGIONS)):
            region = self._profile.regions[number]
            if region.kind != lib.DBT_PROFILE_REGION_COUNTERS:
                continue
            at = self._session.record_at + region.at
            data = _read(self._session.fd, last - first, at + first)
            lost, count = _BRANCHES_HEAD.unpack_from(data)
            self.lost_branches += lost
            sums = found.setdefault(region.parent, Counter())
            notes = memoryview(data)[notes_at - first :].cast("Q")
            for site, target in zip(notes[::2], notes[1::2], strict=True):
                if site:
                    sums[site - 1, target] += 1
            for branch in self._read_branches(at + branches_at, count):
                sums[branch.site, branch.guest_target] += branch.count
        return found

    def _read_branches(self, at: int, count: int) -> Any:
        rows = ffi.new("dbt_profile_branch[]", count)
        data = _read(self._session.fd, count * ffi.sizeof("dbt_profile_branch"), at)
        ffi.memmove(rows, data, len(data))
        return rows

    def _read_units(self, region: Any) -> UnitList:
        at = self._session.record_at + region.at
        fd = self._session.fd
        head = ffi.new("dbt_profile_units *")
        head_bytes = ffi.offsetof("dbt_profile_units", "units")
        ffi.memmove(head, os.pread(fd, head_bytes, at), head_bytes)
        inherited: int = region.inherited
        unit_bytes = ffi.sizeof("dbt_profile_unit")
        count = head.count - inherited
        rows = ffi.new("dbt_profile_unit[]", max(count, 1))
        data = _read(fd, count * unit_bytes, at + head_bytes + inherited * unit_bytes)
        ffi.memmove(rows, data, len(data))
        code_at = at + ffi.offsetof("dbt_profile_units", "code")
        parent: int = region.parent
        return UnitList(
            pid=region.pid,
            parent=parent if parent < lib.DBT_PROFILE_REGIONS else None,
            inherited=inherited,
            is_full=bool(head.is_full),
            rows=rows,
            row_count=count,
            code=_read(fd, head.code_bytes, code_at),
        )


def _path(text: bytes) -> str:
    return os.fsdecode(text.partition(b"\0")[0])


def _read(fd: int, size_bytes: int, at: int) -> bytes:
    """Reads a stretch of a file; a read of the kernel's ends at 2 GiB."""
    parts = []
    while size_bytes > 0:
        part = os.pread(fd, min(size_bytes, 1 << 24), at)
        if not part:
            break
        parts.append(part)
        at += len(part)
        size_bytes -= len(part)
    return b"".join(parts)
