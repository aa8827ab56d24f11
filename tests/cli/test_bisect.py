"""`dbt bisect` and the switches it turns: the search, programs that go wrong, one that does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dbt.cli.bisect import least_failing
from dbt.tcache.settings import CHAIN_ALL, Settings
from tests.guests.build import build
from tests.guests.execute import ROOT

DBT = (sys.executable, "-m", "dbt")

# Goes wrong from a limit on that it reads in the session: a bug that only this mode shows.
PLANTED = """
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/session.h"
int main(int argc, char **argv)
{
    char name[64], link[64];
    dbt_session session;
    for (int fd = 3; argc == 2 && fd < 3000; fd++) {
        sprintf(name, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(name, link, sizeof link - 1);
        link[length > 0 ? length : 0] = 0;
        if (!strstr(link, "dbt-session") || pread(fd, &session, 256, 0) != 256)
            continue;
        return argv[1][0] == 'c' ? session.configuration.chain_until > 77
                                 : session.configuration.cap_after > 88;
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("planted")
    (directory / "planted.c").write_text(PLANTED)
    program = directory / "planted"
    include = str(ROOT / "csrc")
    subprocess.run(
        ["gcc", "-static", "-I", include, "-o", program, directory / "planted.c"], check=True
    )
    return program


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DBT, *words],
        input="",
        capture_output=True,
        text=True,
        timeout=120,
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "spelling", "least"), [("c", "--chain-until", 78), ("t", "--cap-after", 89)]
)
def test_a_planted_fault_is_found(planted: Path, kind: str, spelling: str, least: int) -> None:
    done = call("bisect", planted, kind)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"fails from {spelling} {least} on; unit number {least - 1}:"
    assert re.fullmatch(r"  at guest 0x[0-9a-f]+ in planted", lines[1])
    assert f"{spelling} {least}: fails" in done.stderr.splitlines()
    assert f"{spelling} {least - 1}: passes" in done.stderr.splitlines()


def test_a_program_that_does_not_fail_is_told(planted: Path) -> None:
    done = call("bisect", planted)
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
