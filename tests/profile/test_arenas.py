"""Arenas: their figures against the cache's own count and the mappings of a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import dbt
from dbt.profiler.file import load
from dbt.profiler.model import Profile
from dbt.tcache.arenas import Placed, UnitPlaces, arena_bytes, chunk_bytes
from tests.profile.programs import compile_program
from tests.profile.test_live import WAIT_S, WORKS

SIZE = 1 << 16
BASE = 0x7F0000000000


def check_sums(profile: Profile) -> None:
    """What is told of the arenas is what the cache counted."""
    f = profile.figures
    assert sum(arena.bytes_used for arena in profile.arenas) == f.tc_bytes_used
    assert sum(arena.bytes_reserved for arena in profile.arenas) == f.tc_bytes_reserved
    assert sum(arena.chunks_live for arena in profile.arenas) == f.chunks_live
    assert len(profile.arenas) == f.arenas == sum(p.figures.arenas for p in profile.processes)
    for arena in profile.arenas:
        assert arena.guest_start < arena.guest_end
        assert 0 <= arena.bytes_used <= arena.bytes_reserved


def test_the_arenas_of_a_tree_hold_what_the_cache_counts() -> None:
    command = ["/bin/sh", "-c", "ls / | sort; (echo; /bin/true); exec /bin/true"]
    profile = dbt.profile(command, capture_output=True)
    check_sums(profile)
    assert profile.figures.evictions == 0
    assert sum(arena.units for arena in profile.arenas) >= profile.figures.units_translated
    last = [a.path for a in profile.arenas if a.pid == profile.processes[0].pid]
    assert last[0].endswith("sh") and last[-1].endswith("true")


def test_with_evictions_too() -> None:
    settings = dbt.Settings(tc_size_bytes=SIZE)
    profile = dbt.profile(["/bin/sh", "-c", ":; (:)"], settings=settings)
    check_sums(profile)
    assert profile.figures.evictions > 0 and profile.figures.chunks_live > 0
    assert sum(arena.units for arena in profile.arenas) < profile.figures.units_translated


@pytest.mark.parametrize("size", ["64K", "3M", "64M"])
def test_they_lie_where_the_process_has_mapped_them(tmp_path: Path, size: str) -> None:
    program = compile_program(tmp_path, "works", WORKS)
    command = [sys.executable, "-m", "dbt", "profile", "-o", str(tmp_path / "profile")]
    command += ["--tc-size", size, str(program), str(tmp_path / "end")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None and child.stdout.readline() == b"first words\n"
        (pid,) = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        taken = [line.split()[:2] for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
        os.kill(int(pid), signal.SIGTERM)
        child.wait(WAIT_S)
    ranges = [tuple(int(end, 16) for end in span.split("-")) for span, way in taken if "w" in way]
    profile = load(tmp_path / "profile")
    assert profile.arenas
    check_sums(profile)
    for arena in profile.arenas:
        assert (arena.host_start, arena.host_start + arena.bytes_reserved) in ranges


def placed(*chunks: int) -> list[Placed]:
    """Units of half a chunk, each in a chunk by number; the second one of a chunk lies behind."""
    rows: list[Placed] = []
    half = chunk_bytes(SIZE) // 2
    filled: dict[int, int] = {}
    for number, chunk in enumerate(chunks):
        at = filled.get(chunk, 0) % 2
        filled[chunk] = at + 1
        rows.append(Placed(0x1000 + number, 1, BASE + (2 * chunk + at) * half, half))
    return rows


def test_chunks_that_were_filled_again_are_the_younger_ones() -> None:
    # Chunk 0 was emptied and filled again: of two that are live it is one, and chunk 1 is not.
    space = UnitPlaces(placed(0, 0, 1, 1, 2, 0), SIZE)
    (arena,) = space.arenas(2 * chunk_bytes(SIZE))
    assert (arena.chunks_live, arena.units) == (2, 2)
    assert (arena.host_start, arena.bytes_reserved) == (BASE, arena_bytes(SIZE))
    assert (arena.guest_start, arena.guest_end) == (0x1000, 0x1006)


def test_a_forked_child_has_what_its_parent_had_then() -> None:
    parent = UnitPlaces(placed(0, 0, 1, 1, 2, 2), SIZE)
    rows = placed(0, 0, 1, 1)
    child = UnitPlaces(rows[3:], SIZE, parent, inherited=3)
    (arena,) = child.arenas(SIZE)
    assert (arena.chunks_live, arena.units) == (2, 4)
    grandchild = UnitPlaces([], SIZE, child, inherited=4)
    assert grandchild.arenas(SIZE) == child.arenas(SIZE)
