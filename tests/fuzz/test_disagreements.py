"""Where Unicorn is wrong the processor proves it: it agrees with the translation."""

from __future__ import annotations

import pytest

import dbt
from tests.fuzz.disagreements import WRONG, Wrong, excuse
from tests.fuzz.encode import first
from tests.fuzz.program import LAYOUTS, Program
from tests.fuzz.sides import Differs, Sides

pytest.importorskip("unicorn")

_SETTINGS = dbt.Settings(returns="table")


@pytest.mark.parametrize("row", WRONG, ids=lambda row: row.code)
def test_unicorn_is_wrong_and_the_processor_says_so(
    row: Wrong, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = bytes.fromhex(row.code)
    found = first(code)
    assert found is not None and row.applies(found) and excuse("unicorn", found) == row.why
    registers = {"rsp": LAYOUTS[0].stack + 0x1010, **dict(row.registers)}
    program = Program(code + b"\x0f\x0b", registers, 1, vector_seed=6, starts=(0, len(code)))
    with Sides() as sides:
        sides.check(program, _SETTINGS)
        monkeypatch.setattr("tests.fuzz.disagreements.excuse", lambda *_: "")
        with pytest.raises(Differs, match="unicorn"):
            sides.check(program, _SETTINGS)
