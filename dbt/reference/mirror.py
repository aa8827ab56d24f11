"""The reference's memory, kept to that of the program: mappings, and what came in from outside.

State: the regions as the VMM told them last, and the program's memory as the kernel shows it.
Invariant: the reference maps what the program maps, under the same protection. Where a private
mapping of a file shows what is stored through a shared one, the reference lends it that memory.
"""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from dbt.reference import effects
from dbt.reference.oracle import Oracle

_PAGE_BYTES = 4096
_PROT_WRITE, _PROT_EXECUTE = 2, 4
_REGION_SHARED = 1
_REGION_GROWS_DOWN = 4
_MAP_ANONYMOUS = 0x20
_SHARED_WHOLE_BYTES = 1 << 20
_ADDRESSES_END = 1 << 47


@dataclass
class Region:
    """A mapping of the guest's, as the VMM tells it."""

    start: int
    end: int
    protection: int
    flags: int

    @property
    def is_shared(self) -> bool:
        """Whether others may see what is written there."""
        return bool(self.flags & _REGION_SHARED)

    @property
    def grows_down(self) -> bool:
        """Whether the kernel makes it larger where the program touches what lies below."""
        return bool(self.flags & _REGION_GROWS_DOWN)

    @property
    def is_writable(self) -> bool:
        """Whether the program may write there."""
        return bool(self.protection & _PROT_WRITE)


class Mirror:
    """The memory of one program and that of the oracle which follows it.

    Args:
        oracle: fresh; it stays the caller's.
        pid: the process whose memory is mirrored; it stands while the mirror is used.

    Attributes:
        regions: the program's mappings.
    """

    def __init__(self, oracle: Oracle, pid: int) -> None:
        self._oracle = oracle
        self._pid = pid
        self.regions: list[Region] = []
        self._private_files: set[str] = set()  # that are mapped, as _Mapping.file
        self._lent: dict[int, int] = {}  # page of a private mapping: the one whose memory it shows
        self._memory_fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        self._pagemap_fd = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY)

    def begin(self, told: Sequence[Region]) -> None:
        """Maps and loads what the program has at its start.

        Args:
            told: its mappings.
        """
        files = [(m.start, m.end) for m in self._look_at_files()]
        for region in told:
            self._oracle.map(region.start, region.end, region.protection)
            self.regions.append(region)
            self._oracle.load(self._memory_fd, region.start, region.end, self._pagemap_fd)
            for start, end in files:
                low, high = max(start, region.start), min(end, region.end)
                if low < high:
                    self._oracle.load(self._memory_fd, low, high)

    def close(self) -> None:
        """Gives the descriptors back."""
        for fd in (self._memory_fd, self._pagemap_fd):
            if fd >= 0:
                os.close(fd)
        self._memory_fd = self._pagemap_fd = -1

    def region_at(self, address: int) -> Region | None:
        """The guest's mapping at an address."""
        return next((r for r in self.regions if r.start <= address < r.end), None)

    def read(self, address: int, size_bytes: int) -> bytes:
        """What the program has at an address; empty where it has nothing."""
        try:
            return os.pread(self._memory_fd, size_bytes, address)
        except (OSError, OverflowError):
            return b""

    def load(self, start: int, size_bytes: int) -> None:
        """The reference takes over what the program has there."""
        if size_bytes > 0:
            end = min(start + size_bytes, _ADDRESSES_END)
            self._oracle.load(self._memory_fd, start, end)

    def load_all(self) -> None:
        """The reference takes over all memory that may change or hold code."""
        for region in self.regions:
            if region.protection & (_PROT_WRITE | _PROT_EXECUTE):
                self._oracle.load(self._memory_fd, region.start, region.end, self._pagemap_fd)

    def differs_where_written(self, dead: tuple[int, int]) -> int | None:
        """The first address that the reference wrote and where memory differs, or None.

        Args:
            dead: a range that does not count.
        """
        return self._oracle.compare_written(self._memory_fd, dead)

    def differs_in(self, region: Region, dead: tuple[int, int]) -> int | None:
        """The first address of a region where memory differs outside of `dead`, or None."""
        return self._oracle.compare_range(
            self._memory_fd, self._pagemap_fd, region.start, region.end, dead
        )

    def grow(self) -> None:
        """Maps what the kernel has added below mappings that grow down: zeros, to be stored to."""
        for region in self._grown(self.regions):
            self._oracle.map(region.start, region.end, region.protection)
            self.regions.append(region)

    def change(
        self, fresh: list[Region], number: int, arguments: Sequence[int], result: int
    ) -> None:
        """Brings the reference's mappings to what the VMM tells, and loads what is new.

        Args:
            fresh: the program's mappings now.
            number: of the system call that changed them.
            arguments: its own.
            result: what it answered, as a register holds it.
        """
        had_lent = bool(self._lent)
        touched = _touched(effects.name_of(number), arguments, result)
        fresh = fresh + self._grown(fresh)
        before = _Intervals(self.regions)
        after = _Intervals(fresh)
        bounds = sorted({*before.bounds(), *after.bounds(), *(touched or ())})
        for low, high in pairwise(bounds):
            old, new = before.at(low), after.at(low)
            is_touched = touched is not None and touched[0] <= low < touched[1]
            is_other = old is not None and new is not None and old.flags != new.flags
            if old is not None and (new is None or is_touched or is_other):
                self._oracle.unmap(low, high)
                self._take_back(low, high)
                old = None
            if new is None:
                continue
            if old is None:
                of = self._shown_at(low, high) if new.is_shared else None
                if of is None:
                    self._oracle.map(low, high, new.protection)
                else:
                    self._oracle.map_again(low, high, new.protection, of)
                self._load_mapping(number, arguments, low, high)
            elif old.protection != new.protection:
                self._oracle.protect(low, high, new.protection)
        self.regions = fresh
        if had_lent or not _is_anonymous(number, arguments):
            self._lend(self._look_at_files())

    def take_copies(self) -> None:
        """Pages of private mappings that the kernel has written are copies from now on."""
        if self._lent:
            self._oracle.take_copies(self._memory_fd, self._pagemap_fd)

    def drop(self, start: int, size_bytes: int) -> None:
        """The program gave up what it had stored there: zeros, or what the file has."""
        if self._lent:
            self._take_back(start, start + size_bytes)
            self._lend(self._look_at_files())
        self.load(start, size_bytes)

    def load_shared(self) -> None:
        """What system calls wrote into files shows in memory that is shared with them."""
        for region in self.regions:
            if region.is_shared:
                is_small = region.end - region.start <= _SHARED_WHOLE_BYTES
                pagemap_fd = -1 if is_small else self._pagemap_fd
                self._oracle.load(self._memory_fd, region.start, region.end, pagemap_fd)

    def load_file(self, fd: int) -> None:
        """What a system call wrote into a file shows in private mappings of it.

        Args:
            fd: the program's, of the file.
        """
        with contextlib.suppress(OSError):
            status = os.stat(f"/proc/{self._pid}/fd/{fd}")
            device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
            name = f"{device} {status.st_ino}"
            if name in self._private_files:
                for mapping in _mappings(self._pid):
                    if mapping.file == name and not mapping.is_shared:
                        self.load(mapping.start, mapping.size_bytes)

    def _grown(self, regions: Sequence[Region]) -> list[Region]:
        """What the kernel has added below regions that grow down, and the VMM has not told."""
        growing = [region for region in regions if region.grows_down]
        if not growing:
            return []
        mappings = list(_mappings(self._pid))
        grown = []
        for region in growing:
            below = max((r.end for r in regions if r.end <= region.start), default=0)
            starts = (m.start for m in mappings if m.start < region.start < m.end)
            start = max(next(starts, region.start), below)
            if start < region.start:
                grown.append(Region(start, region.start, region.protection, region.flags))
        return grown

    def _take_back(self, low: int, high: int) -> None:
        """Forgets what was lent to or from [low, high)."""
        for page, of in list(self._lent.items()):
            if low <= page < high or low <= of < high:
                del self._lent[page]

    def _look_at_files(self) -> list[_Mapping]:
        mappings = [mapping for mapping in _mappings(self._pid) if mapping.has_file]
        self._private_files = {m.file for m in mappings if not m.is_shared}
        return mappings

    def _lend(self, mappings: Sequence[_Mapping]) -> None:
        """Shows what shared mappings have in private ones of the same file."""
        if not any(region.is_shared for region in self.regions):
            return
        before = dict(self._lent)
        for view in (mapping for mapping in mappings if mapping.is_shared):
            for private in mappings:
                if not private.is_shared and private.file == view.file:
                    self._lend_file(private, view)
        if self._lent != before:
            self.take_copies()

    def _lend_file(self, private: _Mapping, view: _Mapping) -> None:
        first = max(private.offset, view.offset)
        last = min(private.offset + private.size_bytes, view.offset + view.size_bytes)
        low, high = (private.start + offset - private.offset for offset in (first, last))
        away = view.start + first - view.offset - low
        for region in self.regions:
            for shared in (region for region in self.regions if region.is_shared):
                start = max(low, region.start, shared.start - away)
                end = min(high, region.end, shared.end - away)
                pages = (p for p in range(start, end, _PAGE_BYTES) if p not in self._lent)
                for run_start, run_end in _runs(pages):
                    of = run_start + away
                    self._oracle.unmap(run_start, run_end)
                    self._oracle.map_again(run_start, run_end, region.protection, of, is_lent=True)
                    for page in range(run_start, run_end, _PAGE_BYTES):
                        self._lent[page] = page + away

    def _shown_at(self, low: int, high: int) -> int | None:
        """Where the reference has the memory of a shared mapping already, or None."""
        shared = [mapping for mapping in _mappings(self._pid) if mapping.is_shared]
        mine = next((m for m in shared if m.start <= low and high <= m.end), None)
        if mine is None:
            return None
        offset = mine.offset + low - mine.start
        for other in shared:
            start = other.start + offset - other.offset
            if other.file == mine.file and other.start <= start and start + high - low <= other.end:
                region = self.region_at(start)
                is_other = start + high - low <= low or high <= start
                if is_other and region is not None and start + high - low <= region.end:
                    return start
        return None

    def _load_mapping(self, number: int, arguments: Sequence[int], low: int, high: int) -> None:
        pagemap_fd = self._pagemap_fd if _is_anonymous(number, arguments) else -1
        self._oracle.load(self._memory_fd, low, high, pagemap_fd)


class _Intervals:
    """Regions by address."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = sorted(regions, key=lambda region: region.start)
        self._starts = [region.start for region in self._regions]

    def bounds(self) -> Iterator[int]:
        for region in self._regions:
            yield region.start
            yield region.end

    def at(self, address: int) -> Region | None:
        index = bisect_right(self._starts, address) - 1
        if index < 0 or self._regions[index].end <= address:
            return None
        return self._regions[index]


def _touched(name: str, arguments: Sequence[int], result: int) -> tuple[int, int] | None:
    """The range whose contents a successful memory call replaced."""
    if result >= (1 << 64) - 4095:
        return None
    start = arguments[0] if name == "remap_file_pages" else result
    sizes = {"mmap": arguments[1], "mremap": arguments[2], "remap_file_pages": arguments[1]}
    size = sizes.get(name)
    if size is None or not size:
        return None
    return start, start + size + -size % _PAGE_BYTES


def _is_anonymous(number: int, arguments: Sequence[int]) -> bool:
    """Whether a call maps nothing but fresh memory."""
    name = effects.name_of(number)
    return name == "brk" or (name == "mmap" and bool(arguments[3] & _MAP_ANONYMOUS))


def _runs(pages: Iterable[int]) -> list[list[int]]:
    """Ascending pages as ranges [start, end)."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and runs[-1][1] == page:
            runs[-1][1] += _PAGE_BYTES
        else:
            runs.append([page, page + _PAGE_BYTES])
    return runs


class _Mapping(NamedTuple):
    """A mapping as the kernel tells it: its file as device and inode, and where it begins there."""

    start: int
    end: int
    is_shared: bool
    has_file: bool
    file: str
    offset: int

    @property
    def size_bytes(self) -> int:
        return self.end - self.start


def _mappings(pid: int) -> Iterator[_Mapping]:
    """The mappings of a process."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps") as file:
        for line in file:
            addresses, permissions, offset, device, inode = line.split(maxsplit=5)[:5]
            start, _, end = addresses.partition("-")
            yield _Mapping(
                int(start, 16),
                int(end, 16),
                permissions[3] == "s",
                inode != "0",
                f"{device} {inode}",
                int(offset, 16),
            )
