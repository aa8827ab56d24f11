"""Bugs planted in the translator are found, and named by the instruction they were planted at."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

import dbt
from dbt.reference.case import Case
from dbt.reference.compare import replay
from dbt.reference.verdict import Verdict
from tests.guests.build import build

pytest.importorskip("unicorn")

ORACLES = ("unicorn", "hardware")
KINDS = {
    "length": "state",
    "flag": "state",
    "scratch": "state",
    "target": "state",
    "store": "memory",
    "link": "control",
}
FIRST_VALUE = {
    "length": "rip",
    "flag": "flags",
    "scratch": "rax",
    "target": "rdx",
    "store": "[0x",
    "link": "rip",
}


def _guest(kind: str | None = None) -> Path:
    name = "plants_stale" if kind == "stale" else "plants"
    return build(name, f"{name}.S", "bare")


def _symbol(name: str) -> int:
    with _guest(name).open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        (symbol,) = table.get_symbol_by_name(name) or []
        return int(symbol["st_value"])


def _compare(oracle: str, kind: str | None = None) -> Verdict:
    plant = (kind, _symbol(kind)) if kind else None
    settings = dbt.Settings(plant=plant)
    return dbt.compare([_guest(kind)], oracle=oracle, settings=settings, quiet=True)


@pytest.mark.parametrize("oracle", ORACLES)
def test_nothing_is_found_where_nothing_was_planted(oracle: str) -> None:
    verdict = _compare(oracle)
    assert verdict.equal, str(verdict)
    assert verdict.exit_status == 100
    assert verdict.coverage.syscalls == 2
    assert verdict.coverage.instructions > 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("oracle", ORACLES)
def test_a_planted_bug_is_found(kind: str, oracle: str) -> None:
    verdict = _compare(oracle, kind)
    difference = verdict.difference
    assert difference is not None
    assert difference.kind == KINDS[kind]
    assert difference.values[0].name.startswith(FIRST_VALUE[kind])
    if kind == "link":
        assert difference.values[0].expected == hex(_symbol("link"))
    else:
        assert difference.pc == _symbol(kind), str(verdict)
    assert hex(difference.unit_pc) in str(verdict)


@pytest.mark.parametrize("oracle", ORACLES)
def test_code_that_stays_in_use_is_found(oracle: str) -> None:
    """A case of it cannot be replayed alone: what is wrong is that the unit is still there."""
    verdict = _compare(oracle, "stale")
    difference = verdict.difference
    assert difference is not None, str(verdict)
    assert (difference.kind, difference.pc) == ("state", None)
    assert difference.unit_pc == _symbol("stale") - 1
    assert "stale" in difference.summary
    assert [(value.name, value.expected, value.actual) for value in difference.values] == [
        ("rdx", "0x4", "0x5")
    ]


@pytest.mark.parametrize("every", [3, 50, "syscall", "instruction"])
@pytest.mark.parametrize("oracle", ORACLES)
def test_a_coarser_or_finer_look_finds_it_too(every: int | str, oracle: str) -> None:
    settings = dbt.Settings(plant=("flag", _symbol("flag")))
    verdict = dbt.compare([_guest()], oracle=oracle, settings=settings, every=every, quiet=True)
    difference = verdict.difference
    assert difference is not None, str(verdict)
    if (every, oracle) == ("syscall", "hardware"):
        assert difference.values[0].name == "rbx"
        assert "--every tu" in difference.summary
        assert verdict.replay == b""
    else:
        assert difference.pc == _symbol("flag"), str(verdict)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("oracle", ORACLES)
def test_its_case_is_small_and_replays(kind: str, oracle: str, tmp_path: Path) -> None:
    verdict = _compare(oracle, kind)
    assert len(verdict.replay) < 8192
    path = tmp_path / "case.json"
    path.write_bytes(verdict.replay)
    again = replay(path)
    assert verdict.difference is not None and again.difference is not None
    assert (again.difference.kind, again.difference.pc) == (KINDS[kind], verdict.difference.pc)
    if kind == "link":
        assert again.difference.values[0].expected == verdict.difference.values[0].expected
    else:
        assert again.difference.values == verdict.difference.values


def test_the_listing_shows_the_code_with_its_bug() -> None:
    difference = _compare("unicorn", "flag").difference
    assert difference is not None
    assert "cmc" in difference.listing


def test_a_case_without_its_bug_replays_as_equal(tmp_path: Path) -> None:
    case = Case.from_bytes(_compare("unicorn", "target").replay)
    case.settings = {}
    path = tmp_path / "case.json"
    path.write_bytes(case.to_bytes())
    assert replay(path).equal
