"""Layers: what a file may import or include (the order of directories in ARCHITECTURE.md)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

# Headers that come with a freestanding compiler.
COMPILER = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "limits.h", "cpuid.h"}
# The kernel's own interface is plain structs and constants.
KERNEL = ("linux/", "asm/", "asm-generic/")
MAY_INCLUDE = {
    "core": ("core/", "generated/"),
    "linux": ("core/", "generated/", "linux/"),
    "vmm": ("core/", "generated/", "linux/", "vmm/"),
}


@pytest.mark.parametrize("directory", MAY_INCLUDE)
def test_c_files_include_only_lower_layers(root: Path, directory: str) -> None:
    for path in sorted((root / "csrc" / directory).iterdir()):
        for line in re.findall(r'^\s*#\s*include\s+([<"].*?[>"])', path.read_text(), re.MULTILINE):
            name = line[1:-1]
            if line.startswith("<"):
                kernel = directory != "core" and name.startswith(KERNEL)
                assert name in COMPILER or kernel, f"{path.name} includes {line}"
            else:
                assert name.startswith(MAY_INCLUDE[directory]), f"{path.name} includes {line}"


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_only_native_imports_the_extension(root: Path) -> None:
    importers = {
        path.name
        for path in (root / "dbt").rglob("*.py")
        if any(name.startswith("dbt._engine") for name in imported_names(path))
    }
    assert importers == {"_native.py"}


def test_python_layers(root: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_stays_light() -> None:
    """Whoever imports dbt pays for what is used, when it is used."""
    program = "import sys, dbt; print(*sorted(sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    heavy = {"_cffi_backend", "capstone", "click", "keystone", "unicorn", "elftools", "dbt._native"}
    assert heavy.isdisjoint(loaded)


def test_running_a_program_loads_no_heavy_module() -> None:
    """`dbt run` stands before every program: its start is part of theirs."""
    program = (
        "import sys; from dbt.cli.run import parse_plain; import dbt.runtime.launch;"
        "assert parse_plain(['ls']); print(*sorted(sys.modules))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    heavy = {"capstone", "click", "keystone", "unicorn", "elftools", "inspect", "subprocess"}
    assert heavy.isdisjoint(loaded)
