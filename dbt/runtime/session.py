"""Session memory: the memfd that controller and VMM share (csrc/core/session.h)."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from dbt._native import ffi, lib
from dbt.errors import LaunchError
from dbt.tcache.settings import PLANTS, Settings

if TYPE_CHECKING:
    from dbt.tcache.arenas import ArenaUse
    from dbt.tcache.statistics import ProcessStatistics, Statistics

# Programs take low descriptors for granted (a shell's redirections are 3 to 9): stay clear.
_FD_AT_LEAST = 1000
_PAGE_BYTES = 4096
_MEMORY_NAME = "dbt-session"
_PROFILE_BYTES = 1 << 40


class ProgramArenas(NamedTuple):
    """The arenas of one program: a process from its start or execve on.

    Attributes:
        pid: of the process.
        path: of the program; empty where it is longer than 255 bytes.
        arenas: now, or at its end.
    """

    pid: int
    path: str
    arenas: tuple[ArenaUse, ...]


class Session:
    """One session's memory, mapped here and inherited by the VMM through its descriptor.

    Args:
        settings: for the translator; copied in.
        personality: DBT_PERSONALITY_LINUX or DBT_PERSONALITY_MACHINE.
        record_bytes: of memory behind the session's for the record of a run; 0 for none.
        die_with: pid of the first program's parent, when the program shall die with it; else 0.
        sample_interval_us: processor time between a profile's samples of a thread; 0: no profile.
        counts: whether units count their executions, in a profile.

    Raises:
        UsageError: a setting is out of its range.
        LaunchError: the kernel gives no memory file.
    """

    def __init__(
        self,
        settings: Settings,
        personality: int = lib.DBT_PERSONALITY_LINUX,
        record_bytes: int = 0,
        die_with: int = 0,
        sample_interval_us: int = 0,
        counts: bool = False,
    ) -> None:
        self.fd = -1
        settings.validated()
        size_bytes = ffi.sizeof("dbt_session")
        self.record_at = size_bytes + -size_bytes % _PAGE_BYTES
        if record_bytes:
            size_bytes = self.record_at + record_bytes
        file_bytes = size_bytes
        if sample_interval_us:
            size_bytes = self.record_at + ffi.sizeof("dbt_profile")
            file_bytes = self.record_at + _profile_bytes()
        try:
            self.fd = _memory_file(file_bytes)
        except OSError as error:
            raise LaunchError(f"session memory: {error.strerror}") from None
        self.memory: Any = _mapped(self.fd, size_bytes)
        configuration = self.memory.configuration
        configuration.personality = personality
        configuration.flags = _flags(settings)
        configuration.tc_size_bytes = settings.tc_size_bytes
        configuration.unit_cap = settings.unit_cap
        configuration.chain_until = settings.chain_until
        configuration.cap_after = settings.cap_after
        configuration.translation_budget = settings.translation_budget
        configuration.die_with = die_with
        configuration.cpu = lib.DBT_CPU_HOST if settings.cpu == "host" else lib.DBT_CPU_LEVEL_2
        if settings.plant is not None:
            configuration.plant = 1 + PLANTS.index(settings.plant[0])
            configuration.plant_pc = settings.plant[1]
        if record_bytes:
            configuration.record_bytes = record_bytes
            configuration.flags |= lib.DBT_CONFIG_RECORD
        if sample_interval_us:
            configuration.profile_bytes = file_bytes - self.record_at
            configuration.flags |= lib.DBT_CONFIG_COUNT if counts else 0
            self._open_profile(configuration.profile_bytes, sample_interval_us)
        self.memory.size_bytes = size_bytes
        self.memory.version = lib.DBT_SESSION_VERSION
        self.memory.magic = lib.DBT_SESSION_MAGIC

    def _open_profile(self, room_bytes: int, interval_us: int) -> None:
        profile = self.profile
        profile.interval_us = interval_us
        profile.size_bytes = room_bytes
        head_bytes = ffi.sizeof("dbt_profile")
        profile.free_at = head_bytes + -head_bytes % _PAGE_BYTES

    @property
    def profile(self) -> Any:
        """The profile's memory, a dbt_profile; only where one was asked for."""
        return ffi.cast("dbt_profile *", ffi.cast("char *", self.memory) + self.record_at)

    @classmethod
    def attach(cls, pid: int) -> Session:
        """The session that a running process belongs to, or that it supervises.

        Args:
            pid: of a translated program, or of the dbt that started it.

        Raises:
            LaunchError: it has no session, or not one of this version, or it may not be looked at.
        """
        session = cls.__new__(cls)
        session.fd = -1
        session.fd = _open_session_of(pid)
        size_bytes = ffi.sizeof("dbt_session")
        session.record_at = size_bytes + -size_bytes % _PAGE_BYTES
        session.memory = _mapped(session.fd, size_bytes)
        if (session.memory.magic, session.memory.version) != (
            lib.DBT_SESSION_MAGIC,
            lib.DBT_SESSION_VERSION,
        ):
            raise LaunchError(f"process {pid} runs under another version of dbt")
        if session.is_profiled:
            size_bytes = session.record_at + ffi.sizeof("dbt_profile")
            session.memory = _mapped(session.fd, size_bytes)
        return session

    @property
    def is_profiled(self) -> bool:
        """Whether the session has a profile's memory."""
        return bool(self.memory.configuration.profile_bytes)

    def close(self) -> None:
        """Gives the descriptor back; the memory stays readable as long as this object lives."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def slabs_used(self) -> int:
        """How many slabs processes have taken, from the first on."""
        return min(int(self.memory.slabs_claimed), int(lib.DBT_SESSION_SLABS))

    def processes(self) -> tuple[ProcessStatistics, ...]:
        """What every process of the session has counted so far, in the order they started.

        A program claims a slab of its own at execve; here the slabs of one pid are one process,
        with the name of its last program. After DBT_SESSION_SLABS programs, a new one goes on in
        the slab of one that has ended, and adds to its counts.
        """
        from dbt.tcache.statistics import ProcessStatistics, Statistics, ThreadCharge

        found: dict[int, ProcessStatistics] = {}
        for slab, arenas in self._slabs_with_arenas():
            earlier = found.get(slab.pid)
            counted = Statistics.read(slab.statistics)
            found[slab.pid] = ProcessStatistics(
                pid=slab.pid,
                parent_pid=earlier.parent_pid if earlier else slab.parent_pid,
                name=ffi.string(slab.name).decode(errors="replace"),
                running=_is_running(slab),
                statistics=Statistics.sum([earlier.statistics, counted]) if earlier else counted,
                threads=(*(earlier.threads if earlier else ()), *ThreadCharge.read(slab.charges)),
                arenas=arenas,
            )
        return tuple(found.values())

    @property
    def is_running(self) -> bool:
        """Whether a process of the session has not ended."""
        return any(map(_is_running, self.memory.slabs[0 : self.slabs_used]))

    def programs(self) -> Iterator[ProgramArenas]:
        """The arenas of every program, in the order they started."""
        for slab, arenas in self._slabs_with_arenas():
            yield ProgramArenas(slab.pid, os.fsdecode(ffi.string(slab.path)), arenas)

    def statistics(self) -> Statistics:
        """The sum over all processes."""
        from dbt.tcache.statistics import Statistics

        return Statistics.total(slab.statistics for _, slab in self._slabs())

    def _slabs(self) -> Iterator[tuple[int, Any]]:
        """Those in which a process has counted, with their numbers."""
        for number, slab in enumerate(self.memory.slabs[0 : self.slabs_used]):
            if slab.state not in (lib.DBT_SLAB_FREE, lib.DBT_SLAB_CLAIMED):
                yield number, slab

    def _slabs_with_arenas(self) -> Iterator[tuple[Any, tuple[ArenaUse, ...]]]:
        from dbt.tcache.arenas import ArenaUse

        for number, slab in self._slabs():
            yield slab, ArenaUse.read(self.memory.arenas[number]) if slab.has_arenas else ()


def _is_running(slab: Any) -> bool:
    return bool(slab.state == lib.DBT_SLAB_RUNNING) and _is_alive(slab.pid)


def _is_alive(pid: int) -> bool:
    # A process that a signal has ended could not say so in its slab.
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def _profile_bytes() -> int:
    """Room for a profile: only what is written of it costs memory."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit == resource.RLIM_INFINITY:
        return _PROFILE_BYTES
    least: int = ffi.sizeof("dbt_profile") + _PAGE_BYTES
    return min(_PROFILE_BYTES, max(limit - (1 << 20), least))


def _flags(settings: Settings) -> int:
    flags = 0
    if settings.chain:
        flags |= lib.DBT_CONFIG_CHAIN
    if settings.follow:
        flags |= lib.DBT_CONFIG_FOLLOW
    if settings.fall_through:
        flags |= lib.DBT_CONFIG_FALL_THROUGH
    if settings.returns == "paired":
        flags |= lib.DBT_CONFIG_PAIRED
    if settings.returns == "auto":
        flags |= lib.DBT_CONFIG_PAIR_LARGE
    if settings.self_check == "always":
        flags |= lib.DBT_CONFIG_CHECK_ALL
    if settings.self_check == "never":
        flags |= lib.DBT_CONFIG_CHECK_NONE
    if settings.tsc == "callout":
        flags |= lib.DBT_CONFIG_TSC_CALLOUT
    return flags


def _mapped(fd: int, size_bytes: int) -> Any:
    """The session behind a descriptor; it is unmapped with the last reference to this pointer."""
    memory = lib.dbt_ext_map(fd, size_bytes)
    if memory == ffi.NULL:
        raise LaunchError("session memory: it cannot be mapped")
    return ffi.gc(
        ffi.cast("dbt_session *", memory), lambda start: lib.dbt_ext_unmap(start, size_bytes)
    )


def _open_session_of(pid: int) -> int:
    directory = f"/proc/{pid}/fd"
    try:
        for name in os.listdir(directory):
            # A descriptor may have been closed since, as our own of the directory has.
            with suppress(FileNotFoundError):
                if os.readlink(f"{directory}/{name}").startswith(f"/memfd:{_MEMORY_NAME} "):
                    return os.open(f"{directory}/{name}", os.O_RDWR | os.O_CLOEXEC)
        os.stat(directory)
    except OSError as error:
        reason = "there is no such process" if isinstance(error, FileNotFoundError) else None
        raise LaunchError(f"process {pid}: {reason or error.strerror}") from None
    raise LaunchError(f"process {pid} does not run under dbt")


def _memory_file(size_bytes: int) -> int:
    """A memory file at a high descriptor that execve closes unless it is made inheritable."""
    low = os.memfd_create(_MEMORY_NAME, os.MFD_CLOEXEC)
    try:
        os.ftruncate(low, size_bytes)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        wanted = _FD_AT_LEAST
        if limit != resource.RLIM_INFINITY and wanted >= limit:
            wanted = max(limit - 1, 3)
        return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, wanted)
    finally:
        os.close(low)
