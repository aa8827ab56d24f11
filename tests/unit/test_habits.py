"""Habits that a machine can check: lengths, and things that have no place in a source file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

LINE_MAX = {".py": 100}
LINE_MAX_OTHER = 130  # a declaration and the comment beside it
FILE_LINES_MAX = 600
PRAGMA = re.compile(r"  # (type: ignore|noqa)\b.*")  # for a tool; ruff does not count it either
DIRECTORIES = ("bench", "csrc", "dbt", "docs", "guests", "tests")
SUFFIXES = {".py", ".c", ".cc", ".h", ".S", ".inc", ".md", ".toml", ".txt", ""}
# Tables are one row a line, and rows may be long.
TABLES = re.compile(
    r"^dbt/(decoder/table_|runtime/syscalls)|^tests/decode/|^bench/workloads/|\.txt$"
)

BANNED = {
    "a home directory": re.compile(r"/(home|Users)/\w+/|/root/"),
    "an unfinished part": re.compile(r"\b(FIX" r"ME|TO" r"DO|XX" r"X|TEMPO" r"RARY)\b"),
    "a merge conflict": re.compile(r"^(<{7}|>{7}) ", re.MULTILINE),
    "a breakpoint": re.compile(r"\bbreak" r"point\(\)|import p" r"db\b"),
}


def text_files(root: Path) -> Iterator[tuple[str, str]]:
    top = (path for path in root.iterdir() if path.is_file())
    deep = (path for name in DIRECTORIES for path in (root / name).rglob("*") if path.is_file())
    for path in sorted([*top, *deep]):
        relative = path.relative_to(root).as_posix()
        if path.suffix not in SUFFIXES or "__pycache__" in relative or "generated/" in relative:
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            yield relative, data.decode()


def test_nothing_banned_stands_in_a_file(root: Path) -> None:
    here = Path(__file__).relative_to(root).as_posix()
    banned = BANNED | {"the path of this checkout": re.compile(re.escape(f"{root}/"))}
    for name, text in text_files(root):
        if name in (here, "LICENSE"):
            continue
        for what, pattern in banned.items():
            found = pattern.search(text)
            assert found is None, f"{name} holds {what}: {found and found[0]!r}"


def test_lines_are_short_and_clean(root: Path) -> None:
    found = []
    for name, text in text_files(root):
        if name.endswith((".md", ".toml")) or name == "LICENSE" or TABLES.search(name):
            continue
        line_max = LINE_MAX.get(Path(name).suffix, LINE_MAX_OTHER)
        for number, line in enumerate(text.splitlines(), 1):
            seen = PRAGMA.sub("", line)
            if len(seen) > line_max and "http" not in line:
                found.append(f"{name}:{number} has {len(seen)} columns")
            if line != line.rstrip():
                found.append(f"{name}:{number} ends in a blank")
    assert found == []


def test_files_stay_readable(root: Path) -> None:
    for name, text in text_files(root):
        lines = text.count("\n")
        if name.endswith((".py", ".c", ".h", ".S")) and not TABLES.search(name):
            if lines > FILE_LINES_MAX:
                warnings.warn(f"{name} has {lines} lines", stacklevel=1)
            assert lines <= 2 * FILE_LINES_MAX, f"{name} has {lines} lines: split it"


def test_sources_open_with_their_job(root: Path) -> None:
    for name, text in text_files(root):
        if name.startswith("csrc/") and name.endswith((".c", ".h", ".S")):
            assert text.startswith("/* Job: "), name
        elif name.startswith("dbt/") and name.endswith(".py"):
            assert text.startswith(('"""', 'r"""')), name
