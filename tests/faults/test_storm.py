"""None of a million signals is lost, whatever they meet: `guests/signal_storm.c`, kind by kind."""

from __future__ import annotations

import pytest

from tests.guests.build import build
from tests.guests.execute import mode_of_session, run

KINDS = ("busy", "blocked", "queue", "wake")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_storm_sample(kind: str) -> None:
    _storm(kind, 20_000)


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_storm(kind: str) -> None:
    _storm(kind, 1_000_000)


def _storm(kind: str, signals: int) -> None:
    program = build("signal_storm", "signal_storm.c", "pie")
    outcome = run([str(program), kind, str(signals)], mode=mode_of_session(), timeout_s=900)
    assert (outcome.status, outcome.stdout) == (0, f"{kind} none lost\n".encode()), outcome
