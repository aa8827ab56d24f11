"""The opcode table itself: its notation, its order, and its agreement with the C header."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dbt._native import lib
from dbt.decoder import InstructionClass, Mode
from dbt.decoder import instruction as view
from dbt.decoder.render import render
from dbt.decoder.table import MAPS, rows
from dbt.decoder.table_format import ATTRIBUTES, parse

HEADER = Path(__file__).resolve().parent.parent.parent / "csrc" / "core" / "decode.h"


def _array(text: str, name: str) -> list[int]:
    body = re.search(rf"\b{name}\[[^=]*= \{{(.*?)\n\}};", text, re.DOTALL)
    assert body is not None
    plain = re.sub(r"/\*.*?\*/", "", body[1])
    return [int(word, 16) for word in re.findall(r"0x[0-9a-f]+", plain)]


def test_every_row_can_be_chosen(tmp_path: Path) -> None:
    """A row that an earlier one hides in both modes is a mistake."""
    render(tmp_path)
    text = (tmp_path / "decode_data.h").read_text()
    nodes = _array(text, "dbt_decode_nodes")
    chosen: set[int] = set()
    seen: set[int] = set()
    left = _array(text, "dbt_decode_entries")
    while left:
        entry = left.pop()
        if entry < 0x8000:
            chosen.add(entry)
        elif entry not in seen:
            seen.add(entry)
            at = entry & 0x7FFF
            left += nodes[at + 1 : at + 2 + (nodes[at] >> 8)]
    hidden = [
        f"{MAPS[number][0]} {row.opcode:02x} {row.mnemonic}"
        for index, (number, row) in enumerate(rows(), start=1)
        if index not in chosen
    ]
    assert not hidden


def test_rendering_leaves_unchanged_files_alone(tmp_path: Path) -> None:
    render(tmp_path)
    before = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    render(tmp_path)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == before
    assert len(before) == 2


def test_maps_are_numbered_as_in_the_header() -> None:
    for number, (name, _) in enumerate(MAPS):
        assert getattr(lib, f"DBT_MAP_{name}") == number
    assert len(MAPS) == lib.DBT_MAP_COUNT


def test_classes_and_modes_are_numbered_as_in_the_header() -> None:
    for class_ in InstructionClass:
        assert getattr(lib, f"DBT_CLASS_{class_.name}") == class_
    assert len(InstructionClass) == lib.DBT_CLASS_COUNT
    assert (lib.DBT_MODE_64, lib.DBT_MODE_32) == (Mode.BITS_64, Mode.BITS_32)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("PREFIX", view.PREFIX_NAMES),
        ("TRAIT", view.TRAIT_NAMES),
        ("FLAG", (*view.FLAG_NAMES, "STATUS")),
    ],
)
def test_names_are_those_of_the_header(kind: str, names: tuple[str, ...]) -> None:
    found = re.findall(rf"#define DBT_{kind}_(\w+)", HEADER.read_text())
    assert sorted(found) == sorted(names)


@pytest.mark.parametrize(
    "line",
    [
        "90 | nop |",
        "90 XX | nop | |",
        "90 | nop | !Ev |",
        "90 | nop | Ev | nonsense",
        "9G | nop | |",
    ],
)
def test_what_the_grammar_does_not_cover_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="opcode table: "):
        list(parse(line))


def test_every_attribute_is_used() -> None:
    used = {name for _, row in rows() for name in row.attributes}
    assert set(ATTRIBUTES) <= used
