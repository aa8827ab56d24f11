"""Settings: sizes as users write them, and the ranges."""

from __future__ import annotations

import pytest

from dbt.errors import UsageError
from dbt.tcache.settings import Settings, parse_count, parse_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("65536", 65536), ("64K", 65536), ("64k", 65536), ("16M", 1 << 24), ("1G", 1 << 30)],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "K", "-1", "1.5M", "1KB", "64 K", "1T", "²K"])
def test_wrong_sizes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no size"):
        parse_size(text)


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("12", 12), ("0x10", 16)])
def test_counts(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "-1", "x", "1.0"])
def test_wrong_counts_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no count"):
        parse_count(text)


def test_the_ends_of_every_range_are_accepted() -> None:
    Settings(tc_size_bytes=64 << 10, unit_cap=1, chain_until=0, cap_after=0).validated()
    Settings(tc_size_bytes=1 << 30, unit_cap=128, chain_until=0xFFFFFFFF).validated()


@pytest.mark.parametrize(
    "settings",
    [
        Settings(tc_size_bytes=(64 << 10) - 1),
        Settings(tc_size_bytes=(1 << 30) + 1),
        Settings(unit_cap=0),
        Settings(unit_cap=129),
        Settings(chain_until=-1),
        Settings(chain_until=1 << 32),
        Settings(cap_after=-1),
        Settings(cap_after=1 << 32),
    ],
)
def test_values_out_of_range_are_refused(settings: Settings) -> None:
    with pytest.raises(UsageError):
        settings.validated()
