"""Each program of `make runtimes` once, where its compiler or machine is installed."""

from __future__ import annotations

import pytest

from tests.guests.execute import describe_difference, mode_of_session, run, run_native
from tests.runtimes.programs import PROGRAMS, Missing, Program


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_same_as_native(program: Program) -> None:
    if mode_of_session() in ("tiny", "cap1") and program.name.startswith(("java", "node")):
        pytest.skip("takes minutes in this mode")
    try:
        words = program.words()
    except Missing as missing:
        pytest.skip(str(missing))
    native = run_native(words, timeout_s=120)
    assert native.status == 0, native.stderr
    difference = describe_difference(native, run(words, mode=mode_of_session(), timeout_s=300))
    assert not difference, difference
