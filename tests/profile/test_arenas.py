"""Arenas: what is told of them against the mappings and the pages that a process really has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import dbt
from dbt._native import ffi, lib
from dbt.profiler.model import Profile
from dbt.runtime.session import Session
from dbt.tcache.arenas import ArenaUse
from tests.guests.processes import wait_until
from tests.profile.programs import DIES, compile_program

PAGE = 4096
CHUNK = 8192  # of the smallest caches
TINY = 1 << 16
LEAST_UNIT = 40  # bytes of a chunk for each unit that there is a record for
FAR = 0x2000_0000_0000

#: Waits for ever.
WAITS = """\
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    puts("here");
    fflush(stdout);
    pause();
    return 0;
}
"""

#: Three processes, the children with work that their parent has not done; each waits for ever.
FORKS = """\
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
    char text[64];
    if (fork() == 0) {
        if (fork() == 0) {
            snprintf(text, sizeof text, "%g %lld\\n", 1.5, atoll("12"));
        }
        qsort(text, 8, 1, (int (*)(const void *, const void *))atoi);
        write(1, "here\\n", 5);
        pause();
    }
    write(1, "here\\n", 5);
    pause();
    return 0;
}
"""

#: Takes the addresses for itself where the arena for code below 2 GB lies, and with an argument
#: those of an arena for code far away, which is not used again.
MAPS_OVER = """\
#include <sys/mman.h>
#include <unistd.h>
static char *map(unsigned long start, unsigned long end, int protection)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    return mmap((void *)start, end - start, protection, flags, -1, 0);
}
int main(int argc, char **argv)
{
    int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    char *far = map(0x200000000000, 0x200000001000, all);
    *far = (char)0xc3;
    ((void (*)(void))far)();
    *map(0x6f000000, 0x70000000, PROT_READ | PROT_WRITE) = 1;
    if (argc > 1) {
        *map(0x1fffc0000000, 0x1fffc2000000, PROT_READ | PROT_WRITE) = 1;
    }
    write(1, "here\\n", 5);
    pause();
    return 0;
}
"""


def settle(pid: int) -> None:
    """Waits until a process sleeps: then it translates nothing any more."""
    stat = Path(f"/proc/{pid}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "S")


@contextmanager
def running(*words: str | Path, lines: int = 1, how: str = "run") -> Iterator[int]:
    """Runs a program under dbt up to its first lines of output, and kills it afterwards.

    Answers the pid of what was started: under `dbt run`, of the program itself.
    """
    command = [sys.executable, "-m", "dbt", how, *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        try:
            assert child.stdout is not None
            for _ in range(lines):
                assert child.stdout.readline()
            yield child.pid
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def mappings(pid: int) -> list[list[str]]:
    """The lines of a process's maps, in words."""
    return [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]


def executable_ranges(pid: int) -> set[tuple[int, int]]:
    """What a process may write and execute: its arenas, and a page of routines, left out here."""
    found = set()
    for span, way, *_ in mappings(pid):
        start, end = (int(address, 16) for address in span.split("-"))
        if way.startswith("rwx") and end - start > PAGE:
            found.add((start, end))
    return found


def chunks_in_memory(pid: int, arena: ArenaUse) -> int:
    """Chunks of an arena that have a page."""
    pages = arena.bytes_reserved // PAGE
    with open(f"/proc/{pid}/pagemap", "rb") as file:
        file.seek(arena.host_start // PAGE * 8)
        words = memoryview(file.read(8 * pages)).cast("Q")
    # Bit 63: in memory; bit 62: in the swap.
    return len({at * PAGE // CHUNK for at, word in enumerate(words) if word >> 62})


def check_memory(pid: int, arenas: tuple[ArenaUse, ...]) -> None:
    """The arenas of a sleeping process with a cache of TINY are all it has mapped and filled."""
    assert {(arena.host_start, arena.host_end) for arena in arenas} == executable_ranges(pid)
    for arena in arenas:
        assert arena.bytes_used == arena.chunks_live * CHUNK
        assert arena.chunks_live == chunks_in_memory(pid, arena)
        assert arena.units <= arena.chunks_live * CHUNK // LEAST_UNIT
    assert sum(arena.bytes_used for arena in arenas) <= TINY


def test_a_cache_that_evicts_has_the_chunks_that_are_told(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "waits", WAITS)
    with running("--tc-size", "64K", program) as pid:
        settle(pid)
        (process,) = dbt.processes(pid)
        assert process.statistics.evictions > 8
        check_memory(pid, process.arenas)
        low, high = process.arenas  # the program's, and that of its libraries
        assert low.chunks_live > 0 and high.chunks_live > 0
        for arena, name in ((low, "waits"), (high, "libc.so.6"), (high, "ld-linux-x86-64.so.2")):
            spans = [words[0] for words in mappings(pid) if words[-1].endswith(name)]
            start, end = (int(spans[at].split("-")[at], 16) for at in (0, -1))
            assert arena.guest_start < end and start < arena.guest_end
        assert low.guest_end < 0x80000000 < high.guest_start


def test_each_process_of_a_tree_has_its_own(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "forks", FORKS)
    with running("--tc-size", "64K", program, lines=3) as pid:
        processes = dbt.processes(pid)
        assert len(processes) == 3
        for process in processes:
            settle(process.pid)
        processes = dbt.processes(pid)
        for process in processes:
            check_memory(process.pid, process.arenas)
            assert process.running
        assert len({process.arenas for process in processes}) == 3
        assert len({(a.host_start, a.host_end) for p in processes for a in p.arenas}) == 2


def test_what_was_told_stays_when_the_process_is_killed(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "waits", WAITS)
    with running("--tc-size", "64K", program) as pid:
        settle(pid)
        with Session.attach(pid) as session:
            (before,) = session.processes()
            check_memory(pid, before.arenas)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not session.is_running)
            (after,) = session.processes()
            assert before.running and not after.running
            assert after.arenas == before.arenas


@pytest.mark.parametrize("kept", [1, 0])
def test_an_arena_that_gives_way_is_told_where_it_has_gone(tmp_path: Path, kept: int) -> None:
    program = compile_program(tmp_path, "maps_over", MAPS_OVER)
    with running("--tc-size", "64K", program, *([] if kept else ["far"])) as pid:
        settle(pid)
        (process,) = dbt.processes(pid)
        check_memory(pid, process.arenas)
        low, *far, _ = process.arenas
        assert low.host_end <= 0x6F000000 and 0 < low.units < 100
        assert [(a.guest_start, a.guest_end, a.units) for a in far] == [(FAR, FAR + 1, 1)][:kept]


def test_every_unit_is_counted_in_the_arena_that_it_lies_in(tmp_path: Path) -> None:
    """Where units lie is noted apart from what the arenas count."""
    program = compile_program(tmp_path, "waits", WAITS)
    with running("-o", "/dev/null", program, how="profile") as dbt_pid:
        (process,) = dbt.processes(dbt_pid)
        settle(process.pid)
        cache = dbt.translation_cache(process.pid)
    assert len(cache) > 3000
    lying: Counter[ArenaUse | None] = Counter(cache.arena_of(unit.host_pc) for unit in cache)
    assert lying == {arena: arena.units for arena in cache.arenas}
    for arena in cache.arenas:
        own = [unit for unit in cache if cache.arena_of(unit.host_pc) == arena]
        assert arena.guest_start == min(unit.pc for unit in own)
        assert arena.guest_end == max(unit.pc + len(unit.code) for unit in own)
        assert cache.arena_of(arena.host_start - 1) is None
        assert cache.arena_of(arena.host_end) is None


def check_sums(profile: Profile) -> None:
    """What is told of the arenas is what the cache counted."""
    f = profile.figures
    assert sum(arena.bytes_used for arena in profile.arenas) == f.tc_bytes_used
    assert sum(arena.bytes_reserved for arena in profile.arenas) == f.tc_bytes_reserved
    assert sum(arena.chunks_live for arena in profile.arenas) == f.chunks_live > 0
    assert len(profile.arenas) == f.arenas == sum(p.figures.arenas for p in profile.processes)
    for arena in profile.arenas:
        assert arena.guest_start < arena.guest_end
        assert 0 <= arena.bytes_used <= arena.bytes_reserved


def test_a_profile_has_the_arenas_of_every_program() -> None:
    command = ["/bin/sh", "-c", "ls / | sort; (echo; /bin/true); exec /bin/true"]
    profile = dbt.profile(command, capture_output=True)
    check_sums(profile)
    assert profile.figures.evictions == 0
    programs: dict[int, list[str]] = {}
    for arena in profile.arenas:
        names = programs.setdefault(arena.pid, [])
        if names[-1:] != [Path(arena.path).name]:
            names.append(Path(arena.path).name)
    shell = programs[profile.processes[0].pid]
    assert shell[-1] == "true" and len(shell) == 2
    assert sorted(names[-1] for names in programs.values()) == ["ls", "sort", "true", "true"]
    # Units that forked children have inherited count with them, too.
    assert sum(arena.units for arena in profile.arenas) > profile.figures.units_translated


def test_a_profile_of_a_single_program_has_its_units() -> None:
    profile = dbt.profile(["/bin/true"], capture_output=True)
    check_sums(profile)
    assert sum(arena.units for arena in profile.arenas) == profile.figures.units_translated


def test_a_profile_with_evictions() -> None:
    settings = dbt.Settings(tc_size_bytes=TINY)
    profile = dbt.profile(["/bin/sh", "-c", ":; (:)"], settings=settings)
    check_sums(profile)
    assert profile.figures.evictions > 0
    assert sum(arena.units for arena in profile.arenas) < profile.figures.units_translated


@pytest.mark.parametrize("how", ["k", "c"])
def test_a_profile_of_what_was_killed(tmp_path: Path, how: str) -> None:
    profile = dbt.profile([compile_program(tmp_path, "dies", DIES), how])
    assert profile.signal is not None
    check_sums(profile)
    assert sum(arena.units for arena in profile.arenas) == profile.figures.units_translated


@pytest.mark.parametrize("size", [1 << 16, 3 << 20, 64 << 20, 1 << 30])
def test_sizes(size: int) -> None:
    profile = dbt.profile(["/bin/true"], settings=dbt.Settings(tc_size_bytes=size))
    check_sums(profile)
    for arena in profile.arenas:
        assert arena.bytes_reserved == min(size, lib.DBT_ARENA_BYTES_MAX)


def test_a_place_without_an_arena_is_none() -> None:
    uses = ffi.new("dbt_arena_uses *")
    uses.chunk_bytes = CHUNK
    uses.count = 3
    for at, host_start in enumerate((0x9000_0000, 0, 0x7000_0000)):
        uses.arenas[at].host_start = host_start
        uses.arenas[at].size_bytes = TINY
        uses.arenas[at].chunks_live = 1 + at
    uses.arenas[3].host_start = 0x1000_0000
    uses.arenas[2].changes = 7  # its process was killed while it wrote
    found = ArenaUse.read(uses)
    assert [(one.host_start, one.bytes_used) for one in found] == [
        (0x7000_0000, 3 * CHUNK),
        (0x9000_0000, CHUNK),
    ]
