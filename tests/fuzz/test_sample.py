"""A sample of `make fuzz` with fixed seeds, and the programs that it found once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import dbt
from dbt.decoder.instruction import InstructionClass
from tests.fuzz import c_programs
from tests.fuzz.cases import CASES, Case
from tests.fuzz.explore import MODES, Findings, search, sweep
from tests.fuzz.sides import Sides


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    """All sides, with Unicorn where it is installed."""
    unicorn = bool(pytest.importorskip("unicorn"))
    with Sides(unicorn=unicorn) as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_was_found_once_is_equal(sides: Sides, case: Case) -> None:
    settings = dbt.Settings(**case.settings)  # type: ignore[arg-type]
    sides.check(case.program, settings)


@pytest.mark.parametrize("turn", range(len(MODES)))
def test_random_sequences_are_equal(sides: Sides, turn: int) -> None:
    findings = Findings()
    failed = search(sides, findings, turn, 30, unicorn=True)
    assert failed is None, f"{failed.why}\n{failed}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3, 4, 6])
def test_c_programs_are_equal(seed: int, tmp_path: Path) -> None:
    if not c_programs.is_there():
        pytest.skip("csmith is not installed")
    ended, found = c_programs.check(seed, tmp_path)
    assert ended
    assert found is None, found.why


@pytest.mark.full
def test_every_row_of_the_table_is_equal(sides: Sides) -> None:
    findings = Findings()
    sweep(sides, findings, 1, unicorn=True)
    assert not findings.failures, "\n".join(str(case) for case in findings.failures)
    assert set(findings.classes) == {class_.name for class_ in InstructionClass}
    assert len(findings.done) > 1000
