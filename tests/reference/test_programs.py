"""Programs run to their end, equal to the reference."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import dbt
from dbt.reference.verdict import Verdict
from tests.guests.build import build

pytest.importorskip("unicorn")


def _equal(command: Sequence[str], oracle: str = "unicorn") -> Verdict:
    verdict = dbt.compare(command, oracle=oracle, quiet=True)
    assert verdict.equal, str(verdict)
    return verdict


def test_a_static_program_is_equal() -> None:
    verdict = _equal([str(build("clocks", "clocks.c", "static"))])
    assert verdict.exit_status == 0
    assert verdict.coverage.instructions > 10000
    assert verdict.coverage.not_covered == ()


def test_a_dynamic_program_is_equal() -> None:
    verdict = _equal([str(build("switches", "switches.c", "pie"))])
    assert verdict.coverage.syscalls > 20


def test_children_are_told_apart() -> None:
    verdict = _equal(["/bin/sh", "-c", "(exit 2); exit 3"])
    assert verdict.exit_status == 3
    assert "1 child processes" in verdict.coverage.not_covered
