"""`dbt run`'s two parsers: the plain one and click's agree, and variables go under options."""

from __future__ import annotations

from typing import Any

import pytest

from dbt.cli import run_command
from dbt.cli.run import OPTIONS, Request, parse_plain
from dbt.errors import UsageError
from dbt.tcache.settings import Settings

PLAIN = [
    ["ls"],
    ["--", "ls", "-l"],
    ["--stats", "ls", "--no-chain"],
    ["--tc-size", "64K", "--tu-cap=1", "ls"],
    ["--no-chain", "--no-follow", "--chain-until", "7", "--cap-after=9", "--", "-odd-"],
    ["ls", "--", "x"],
    ["--die-with-parent", "ls"],
    ["--stats", "--die-with-parent", "ls"],
]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        if option.environment:
            monkeypatch.delenv(option.environment, raising=False)


def parse_with_click(words: list[str], monkeypatch: pytest.MonkeyPatch) -> Request:
    seen: list[Any] = []
    monkeypatch.setattr(run_command, "start", seen.append)
    run_command.command.main(list(words), standalone_mode=False)
    request: Request = seen[0]
    return request


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
def test_both_parsers_agree(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = parse_plain(words)
    assert plain is not None
    assert plain == parse_with_click(words, monkeypatch)


def test_values_arrive() -> None:
    assert parse_plain(["--tc-size=2M", "--tu-cap", "9", "--no-chain", "--stats", "a", "b"]) == (
        Settings(tc_size_bytes=2 << 20, unit_cap=9, chain=False),
        True,
        ("a", "b"),
        False,
    )
    dying = parse_plain(["--die-with-parent", "a"])
    assert dying is not None
    assert (dying.stats, dying.die_with_parent) == (False, True)


@pytest.mark.parametrize(
    "words", [[], ["--help"], ["-h", "ls"], ["--tc", "1M", "ls"], ["--tu-cap"]]
)
def test_what_is_not_plain_is_left_to_click(words: list[str]) -> None:
    assert parse_plain(words) is None


def test_options_go_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_TC_SIZE", "128K")
    monkeypatch.setenv("DBT_TU_CAP", "3")
    monkeypatch.setenv("DBT_NO_CHAIN", "1")
    request = parse_plain(["--tu-cap", "4", "ls"])
    assert request is not None
    assert request.settings == Settings(tc_size_bytes=128 << 10, unit_cap=4, chain=False)


@pytest.mark.parametrize("text", ["", "0", "no", "False"])
def test_a_flags_variable_can_say_no(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_NO_CHAIN", text)
    assert Settings.from_environment() == Settings()


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_TU_CAP", "many")
    with pytest.raises(UsageError, match=r"^DBT_TU_CAP: "):
        Settings.from_environment()
