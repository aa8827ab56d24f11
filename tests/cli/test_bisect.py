"""`dbt bisect` and the switches it turns: the search, programs that go wrong, one that does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dbt.cli.bisect import least_failing
from dbt.tcache.settings import CHAIN_ALL, Settings
from tests.guests.build import build
from tests.guests.execute import ROOT

# Stands in for a VMM with a fault: it ends otherwise than the program from a limit on.
FAULTY = """
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "core/session.h"
int main(int argc, char **argv)
{
    int access = PROT_READ | PROT_WRITE;
    dbt_session *session = mmap(0, sizeof *session, access, MAP_SHARED, atoi(argv[1]), 0);
    const dbt_configuration *configuration = &session->configuration;
    const char *kind = argv[argc - 1];
    if (argc < 5 || session == MAP_FAILED)
        return 99;
    session->slabs_claimed = 1;
    session->slabs[0].state = DBT_SLAB_ENDED;
    session->slabs[0].pid = 1;
    session->slabs[0].statistics.units_translated = 300;
    session->slabs[0].statistics.limit_unit_pc = 0x401234;
    strcpy(session->slabs[0].name, "true");
    if (*kind == 'h' && configuration->chain_until > 99)
        for (;;)
            ;
    return (*kind == 'c' && configuration->chain_until > 77) ||
           (*kind == 't' && configuration->cap_after > 888) || *kind == 'a';
}
"""

# What `dbt` does, with that one for the VMM.
WITH_FAULTY = """
import sys
import dbt.cli
import dbt.runtime.launch
dbt.runtime.launch.VMM_PATH = sys.argv.pop(1)
dbt.cli.main()
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("faulty")
    (directory / "faulty.c").write_text(FAULTY)
    program = directory / "faulty"
    include = str(ROOT / "csrc")
    subprocess.run(
        ["gcc", "-static", "-I", include, "-o", program, directory / "faulty.c"], check=True
    )
    return program


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.parametrize("least", [1, 2, 76, 77, 78, 500, 4000])
@pytest.mark.parametrize("guess", [0, 1, 77, 1000])
def test_the_search_finds_the_least_that_fails(least: int, guess: int) -> None:
    assert least_failing(lambda count: count >= least, guess) == least


def test_the_search_gives_up_when_nothing_fails() -> None:
    tried = []

    def fails(count: int) -> bool:
        tried.append(count)
        return False

    assert least_failing(fails, 3) is None
    assert max(tried) == CHAIN_ALL


@pytest.mark.parametrize(
    ("kind", "spelling", "least"),
    [("c", "--chain-until", 78), ("t", "--cap-after", 889), ("h", "--chain-until", 100)],
    ids=["link", "pair", "hang"],
)
def test_a_fault_is_found(faulty: Path, kind: str, spelling: str, least: int) -> None:
    done = call("-c", WITH_FAULTY, faulty, "bisect", "--timeout", "0.3", "/bin/true", kind)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"fails from {spelling} {least} on; unit number {least - 1}:",
        "  at guest 0x401234 in true",
    ]
    assert f"{spelling} {least}: fails" in done.stderr.splitlines()
    assert f"{spelling} {least - 1}: passes" in done.stderr.splitlines()


def test_a_fault_that_no_limit_takes_away_is_told(faulty: Path) -> None:
    done = call("-c", WITH_FAULTY, faulty, "bisect", "/bin/true", "a")
    assert (done.returncode, done.stdout.split(" and ")[0]) == (
        1,
        "it fails with --chain-until 0",
    )


def test_a_program_that_does_not_fail_is_told() -> None:
    done = call("-m", "dbt", "bisect", "/bin/echo", "fine")
    assert (done.returncode, done.stdout.split(":")[0]) == (1, "the program does not fail")


def test_only_the_first_units_are_linked() -> None:
    import dbt

    program = build("is_prime", "is_prime.S", "bare")
    linked = {
        until: dbt.run([program], settings=Settings(chain_until=until), capture_output=True)
        for until in (0, 3, CHAIN_ALL)
    }
    assert {result.stdout for result in linked.values()} == {b"1229\n"}
    made = {until: result.statistics.links_made for until, result in linked.items()}
    assert made[0] == 0 < made[3] < made[CHAIN_ALL]
    assert linked[0].statistics.table_fills == 0
    exits = {until: result.statistics.exits_continuation for until, result in linked.items()}
    assert exits[0] > exits[CHAIN_ALL]
    assert linked[3].statistics.limit_unit_pc != 0
    assert linked[CHAIN_ALL].statistics.limit_unit_pc == 0


def test_later_units_have_one_instruction() -> None:
    import dbt

    program = build("is_prime", "is_prime.S", "bare")
    counts = {}
    for after in (0, 3, CHAIN_ALL):
        result = dbt.run([program], settings=Settings(cap_after=after), capture_output=True)
        assert result.stdout == b"1229\n"
        counts[after] = result.statistics
    assert counts[0].units_translated == counts[0].guest_instructions_translated
    assert counts[3].guest_instructions_translated > counts[3].units_translated
    assert counts[3].units_translated > counts[CHAIN_ALL].units_translated
