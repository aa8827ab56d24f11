"""`dbt.translation_cache`: the units of a running process, their code and their links."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dbt
from dbt.decoder import decode
from dbt.errors import LaunchError
from dbt.tcache.cache import CachedUnit, TranslationCache
from tests.guests.processes import wait_until
from tests.profile.programs import compile_program
from tests.profile.test_live import WAIT_S, WORKS


@pytest.fixture(params=[(), ("--exact",)], ids=["sampled", "counted"])
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """The pid of a program that works until the test has ended."""
    program = compile_program(tmp_path, "works", WORKS)
    command = [sys.executable, "-m", "dbt", "profile", "-o", "/dev/null", *request.param]
    command += [str(program), str(tmp_path / "end")]
    # Units of several instructions, linked, whatever mode the tests are run in.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("DBT_")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"first words\n"
        (pid,) = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        try:
            yield int(pid)
        finally:
            (tmp_path / "end").touch()
            child.wait(WAIT_S)


def symbol(program: Path, name: str) -> int:
    """The address of a function."""
    for line in subprocess.check_output(["nm", program], text=True).splitlines():
        words = line.split()
        if words[-1] == name:
            return int(words[0], 16)
    raise LookupError(name)


def test_units_are_found_and_linked(running: int, tmp_path: Path) -> None:
    pc = symbol(tmp_path / "works", "burn")
    wait_until(lambda: dbt.translation_cache(running).at_guest(pc) is not None)
    cache = dbt.translation_cache(running)
    assert len(cache) > 100
    burn = cache.at_guest(pc)
    assert burn is not None and burn.instructions == len(decode(burn.code, burn.pc))
    assert cache.at_host(burn.host_pc) == cache.at_host(burn.host_end - 1) == burn
    assert cache.at_guest(burn.pc + 1) == burn
    # The loop leads back to its own unit, by a link.
    inside = min((unit for unit in cache if unit.pc > burn.pc), key=lambda unit: unit.pc)
    assert inside in {branch.unit for branch in cache.links(inside)}
    assert cache.disassemble(inside).count("\n") + 1 >= inside.instructions
    assert f"{inside.pc:#x}" in str(cache.listing(inside))
    assert cache.host_code(inside) == cache.host_code(inside)


def test_the_pid_of_dbt_stands_for_its_program(running: int, tmp_path: Path) -> None:
    parent = int(Path(f"/proc/{running}/stat").read_text().rpartition(")")[2].split()[1])
    pc = symbol(tmp_path / "works", "burn")
    wait_until(lambda: dbt.translation_cache(parent).at_guest(pc) is not None)
    burn = dbt.translation_cache(parent).at_guest(pc)
    cache = dbt.translation_cache(running)
    assert burn is not None and burn == cache.at_guest(pc)
    assert dbt.translation_cache(parent).host_code(burn) == cache.host_code(burn)


def test_ones_own_pid_is_told_as_it_is() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import dbt, os; dbt.translation_cache(os.getpid())"],
        stderr=subprocess.PIPE,
        text=True,
    ).stderr.splitlines()[-1]
    assert re.fullmatch(r"dbt\.errors\.LaunchError: process \d+ does not run under dbt", told)


def test_addresses_without_a_unit(running: int) -> None:
    cache = dbt.translation_cache(running)
    assert cache.at_guest(0x10) is None and cache.at_host(0x10) is None


def test_a_unit_whose_place_is_used_again_is_gone() -> None:
    def unit(number: int, host_pc: int, size: int) -> CachedUnit:
        return CachedUnit(number, 0x1000 + number, b"\x90", 1, host_pc, size)

    places = ((100, 20), (120, 20), (140, 20), (110, 25), (90, 10))
    units = [unit(number, *place) for number, place in enumerate(places)]
    cache = TranslationCache(units, lambda address, size: bytes(size))
    assert [one.number for one in cache] == [4, 3, 2]
    found = cache.at_host(115)
    assert found is not None and found.number == 3
    assert cache.at_guest(0x1000) is None


def test_a_jump_that_was_left_out_is_a_unit_without_room() -> None:
    def unit(number: int, host_pc: int, size: int) -> CachedUnit:
        return CachedUnit(number, 0x1000 + number, b"\xeb\x00", 1, host_pc, size)

    # Two jumps run on into what lies behind them; a third one's place is used by another unit.
    units = [unit(0, 140, 0), unit(1, 100, 0), unit(2, 100, 0), unit(3, 100, 20), unit(4, 140, 8)]
    cache = TranslationCache(units, lambda address, size: bytes(size))
    assert [one.number for one in cache] == [2, 1, 3, 4]
    found = cache.at_host(100)
    assert found is not None and found.number == 3
    assert all(cache.at_guest(0x1000 + number) is not None for number in (1, 2, 3))
    assert cache.at_guest(0x1000) is None


def test_a_process_that_is_not_profiled_is_told() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "dbt", "run", "/bin/cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(b"line\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"line\n"
        with pytest.raises(LaunchError, match="was not started by dbt profile"):
            dbt.translation_cache(child.pid)
        child.stdin.close()
