"""What the documents claim: options, files, commands and examples are there and work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dbt.cli.group import COMMANDS
from dbt.cli.run import OPTIONS

DOCUMENTS = ["README.md", "ARCHITECTURE.md", "HACKING.md", "CHANGELOG.md"]
FILE = re.compile(
    r"`((?:\.ci|bench|csrc|dbt|docs|guests|tests)/[\w./-]+|[\w-]+\.(?:md|toml|py|in))`"
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_exist(root: Path, name: str) -> None:
    for path in FILE.findall((root / name).read_text()):
        if "generated" not in path and path != "dbt/dbt-vmm":
            assert (root / path).exists(), f"{name} names {path}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_that_are_named_exist(root: Path, name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    text = (root / name).read_text()
    for target in re.findall(r"(?:`|^    .*)make ([a-z-]+)", text, re.MULTILINE):
        assert target in targets, f"{name} names make {target}"


def test_readme_lists_every_option_and_command(root: Path) -> None:
    text = (root / "README.md").read_text()
    rows = set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE))
    assert rows == {option.spelling for option in OPTIONS}
    for option in OPTIONS:
        if option.environment:
            assert option.environment in text
    for command in COMMANDS:
        assert f"| `dbt {command} " in text


def test_readmes_example_runs(root: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    assert examples
    for example in examples:
        done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "SYSCALL" in done.stdout
        assert done.stdout.splitlines()[-1].endswith(" 44")


def test_changelog_knows_this_version(root: Path) -> None:
    import dbt

    assert f"\n## {dbt.__version__}\n" in (root / "CHANGELOG.md").read_text()
