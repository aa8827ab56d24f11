"""The soak for a moment, and its judgement on samples that are made up."""

from __future__ import annotations

import pytest
from rich.console import Console

from tests.servers.soak import NOISE_KIB, Sample, judge, soak


def _samples(
    *, memory: int = 0, cache: int = 0, descriptors: int = 0, both: bool = False
) -> list[tuple[Sample, ...]]:
    """Nine cycles, in each of which a translated server grows by so much, or a native one too."""
    return [
        (
            Sample(5000 + (memory * number if both else 0), 10, 3, 0),
            Sample(20_000 + memory * number, 10 + descriptors * number, 3, 2000 + cache * number),
        )
        for number in range(9)
    ]


def test_steady_and_common_growth_are_right() -> None:
    assert judge("server", _samples()) == []
    assert judge("server", _samples(memory=NOISE_KIB, both=True)) == []
    assert judge("server", _samples(memory=NOISE_KIB, cache=NOISE_KIB)) == []


def test_growth_is_found() -> None:
    (complaint,) = judge("server", _samples(memory=NOISE_KIB))
    assert "memory grew" in complaint
    (complaint,) = judge("server", _samples(descriptors=1))
    assert "more descriptors" in complaint


@pytest.mark.full
def test_soak() -> None:
    problems, samples = soak(5, Console(quiet=True))
    assert not problems
    assert samples
    for name, taken in samples.items():
        assert judge(name, taken) == []
