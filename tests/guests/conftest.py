"""Which guest runs a session takes: one variant of each guest in every mode, or all of them."""

from __future__ import annotations

import os

import pytest

from tests.guests.execute import MODES
from tests.guests.table import GUESTS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes the (guest, variant, mode) combinations; DBT_TEST_FULL=1 asks for every variant."""
    if not {"guest", "variant", "mode"} <= set(metafunc.fixturenames):
        return
    everything = os.environ.get("DBT_TEST_FULL", "0") not in ("", "0")
    cases = [
        pytest.param(guest, variant, mode, id=f"{guest.identity}-{variant}-{mode}")
        for guest in GUESTS
        for number, variant in enumerate(guest.variants)
        for mode in MODES
        if everything or number == 0 or mode == "default"
    ]
    metafunc.parametrize(("guest", "variant", "mode"), cases)
