"""The worked example of ARCHITECTURE.md: its listings are what `dbt translate` prints.

A listing stands behind a comment that holds its command::

    <!-- listing: dbt translate build/is_prime --at is_prime -->

`pytest --update-golden tests/unit/test_worked_example.py` writes the listings anew.
"""

from __future__ import annotations

import difflib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests.build import build

DOCUMENT = "ARCHITECTURE.md"
LISTING = re.compile(
    r"<!-- listing: (?P<command>dbt translate .*?) -->\n```text\n(?P<text>.*?)```\n", re.DOTALL
)
HOT_LOOP = ("0x401060", "0x401069")
ENTRY = "dbt translate build/is_prime --at is_prime"


def printed(command: str) -> str:
    """What a `dbt translate` command prints, the program being the guest as the tests build it."""
    program = str(build("is_prime", "is_prime.S", "bare"))
    words = [program if word == "build/is_prime" else word for word in shlex.split(command)[1:]]
    done = subprocess.run([sys.executable, "-m", "dbt", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def units_of(listing: str) -> dict[str, list[str]]:
    """The units of a listing by guest address, each as its lines."""
    units = {}
    for block in listing.rstrip("\n").split("\n\n"):
        lines = block.splitlines()
        found = re.match(r"TU@(0x[0-9a-f]+)", lines[0])
        assert found, lines[0]
        units[found[1]] = lines
    return units


def test_listings_are_what_is_printed(root: Path, update_golden: bool) -> None:
    path = root / DOCUMENT
    text = path.read_text()
    found = list(LISTING.finditer(text))
    assert len(found) == text.count("<!-- listing:") >= 3
    if update_golden:

        def renewed(match: re.Match[str]) -> str:
            head = match[0].partition("```text\n")[0]
            return f"{head}```text\n{printed(match['command'])}```\n"

        path.write_text(LISTING.sub(renewed, text))
        return
    for match in found:
        wanted = printed(match["command"])
        difference = "\n".join(
            difflib.unified_diff(
                match["text"].splitlines(), wanted.splitlines(), DOCUMENT, "printed", lineterm=""
            )
        )
        assert not difference, f"`{match['command']}` prints something else now:\n{difference}"


def split_row(line: str) -> tuple[str, str, str]:
    """Guest part, class and host part of a listing's row."""
    guest, middle, host = line.split("|")
    return guest.strip(), (middle.split() or [""])[0], host.strip()


def test_hot_loop_is_as_the_text_says() -> None:
    """Eight instructions become eight, six with the same bytes, linked to each other."""
    units = units_of(printed(ENTRY))
    rows = [split_row(line) for pc in HOT_LOOP for line in units[pc] if "|" in line]
    assert [class_ for _, class_, _ in rows] == ["IDENT"] * 4 + ["JCC"] + ["IDENT"] * 2 + ["JCC"]
    for guest, class_, host in rows:
        guest_bytes = re.split(r" {2,}", guest)[1]
        host_bytes, host_text = re.split(r" {2,}", host)[1:3]
        assert (guest_bytes == host_bytes) == (class_ == "IDENT"), (guest, host)
        assert class_ == "IDENT" or re.search(r"TU@0x4010(60|75) ", host_text), host_text
    assert units[HOT_LOOP[0]][-1].strip().startswith(f"(runs on into TU@{HOT_LOOP[1]} ")


@pytest.mark.parametrize("class_", ["IDENT", "JCC", "RET"])
def test_classes_of_the_example_are_shown(root: Path, class_: str) -> None:
    first = LISTING.search((root / DOCUMENT).read_text())
    assert first is not None
    assert any(split_row(line)[1] == class_ for line in first["text"].splitlines() if "|" in line)


def test_command_that_builds_the_example_does(root: Path, tmp_path: Path) -> None:
    """The compiler line of the document gives the addresses that its listings show."""
    found = re.search(r"^    (gcc .*) -o build/is_prime (.*)$", (root / DOCUMENT).read_text(), re.M)
    assert found is not None
    program = tmp_path / "is_prime"
    subprocess.run([*shlex.split(found[1]), "-o", str(program), found[2]], cwd=root, check=True)
    command = [sys.executable, "-m", "dbt", "translate", str(program), "--at", "is_prime"]
    assert subprocess.check_output(command, text=True) == printed(ENTRY)
