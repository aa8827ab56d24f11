"""When returns change from the table of returns to host returns."""

from __future__ import annotations

import dbt
from tests.guests.build import build


def _units(returns: str) -> int:
    program = str(build("returns_change", "returns_change.S", "bare"))
    result = dbt.run([program], settings=dbt.Settings(returns=returns), capture_output=True)
    assert result.stdout == b"40000\n"
    return result.statistics.units_translated


def test_a_server_is_translated_anew() -> None:
    """What a program of many units and system calls still uses is translated once more, paired."""
    once = _units("table")
    assert once < _units("auto") < once + 100
