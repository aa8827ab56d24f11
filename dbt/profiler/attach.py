"""Running sessions from outside: their processes, and the translation cache of one of them."""

from __future__ import annotations

import os

from dbt.errors import LaunchError
from dbt.profiler.collect import Collector
from dbt.runtime.session import Session
from dbt.tcache.cache import CachedUnit, TranslationCache
from dbt.tcache.statistics import ProcessStatistics


def processes(pid: int) -> tuple[ProcessStatistics, ...]:
    """What every process of a running session has counted so far, and what its arenas hold.

    Args:
        pid: of any process of the session, or of the dbt that started it.

    Returns:
        The processes in the order they started, as they are now.

    Raises:
        LaunchError: there is no such process, it does not run under dbt, or may not be looked at.
    """
    with Session.attach(pid) as session:
        return session.processes()


def translation_cache(pid: int) -> TranslationCache:
    """The units that a running process has translated.

    Args:
        pid: of a process that `dbt profile`, or `dbt.profile`, has started, or a child of it; that
            of the dbt itself stands for the process that it has started.

    Returns:
        Its cache as it is now; make another one to see it later.

    Raises:
        LaunchError: there is no such process, or it has ended, or is not profiled, or may not be
            looked at.
    """
    with Session.attach(pid) as session:
        if not session.is_profiled:
            raise LaunchError(
                f"process {pid} was not started by dbt profile: nothing notes its units"
            )
        collector = Collector(session)
        collector.drain(last=True)
        pid = _program(session, pid)
        regions = [i.region for i in collector.images if i.pid == pid and i.region is not None]
        if not regions:
            raise LaunchError(f"process {pid} is not one of the session's programs")
        units = tuple(_units(collector, regions[-1]))
        arenas = next((p.arenas for p in session.processes() if p.pid == pid), ())
    path = f"/proc/{pid}/mem"

    def read_host(address: int, size_bytes: int) -> bytes:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, size_bytes, address)
        finally:
            os.close(descriptor)

    return TranslationCache(units, read_host, arenas)


def _program(session: Session, pid: int) -> int:
    """The process that a pid stands for: itself, or the one that this dbt has started."""
    processes = session.processes()
    if any(process.pid == pid for process in processes):
        return pid
    for process in processes:
        if process.parent_pid == pid:
            if not process.running:
                raise LaunchError(f"process {process.pid}, which {pid} has started, has ended")
            return process.pid
    return pid


def _units(collector: Collector, region: int) -> list[CachedUnit]:
    """Those of one list, and those that it has inherited."""
    lists = collector.units()
    found: list[CachedUnit] = []
    end = 1 << 32
    at: int | None = region
    while at is not None and at in lists:
        units = lists[at]
        for index in range(min(units.row_count, max(end - units.inherited, 0))):
            row = units.rows[index]
            found.append(
                CachedUnit(
                    number=units.inherited + index,
                    pc=row.guest_pc,
                    code=units.code[row.code_at : row.code_at + row.guest_bytes],
                    instructions=row.instructions,
                    host_pc=row.host_pc,
                    host_bytes=row.host_bytes + row.own_bytes,
                )
            )
        end = units.inherited
        at = units.parent
    return found
