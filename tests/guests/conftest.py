"""Which guest runs there are: every variant in every mode; a session without `full` takes fewer."""

from __future__ import annotations

import pytest

from tests.guests.execute import MODES, mode_of_session
from tests.guests.table import GUESTS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes the (guest, variant, mode) combinations.

    The first variant in every mode and all variants in the default mode are for every session, the
    rest is marked `full`. A session that asks for one mode by the environment gets that one alone.
    """
    asked = mode_of_session()
    if "profiled_mode" in metafunc.fixturenames:
        profiled = [
            pytest.param(guest, guest.variants[0], mode, id=f"{guest.identity}-{mode}", marks=marks)
            for guest in GUESTS
            for mode, marks in _profiled_modes(asked).items()
        ]
        metafunc.parametrize(("guest", "variant", "profiled_mode"), profiled)
        return
    if not {"guest", "variant", "mode"} <= set(metafunc.fixturenames):
        return
    cases = [
        pytest.param(
            guest,
            variant,
            mode,
            id=f"{guest.identity}-{variant}-{mode}",
            marks=() if number == 0 or mode == "default" else (pytest.mark.full,),
        )
        for guest in GUESTS
        for number, variant in enumerate(guest.variants)
        for mode in (MODES if asked == "default" else (asked,))
    ]
    metafunc.parametrize(("guest", "variant", "mode"), cases)


def _profiled_modes(asked: str) -> dict[str, tuple[pytest.MarkDecorator, ...]]:
    """The modes that guests are profiled in, with their marks."""
    if asked != "default":
        return {asked: ()}
    return {mode: () if mode == "default" else (pytest.mark.full,) for mode in MODES}
