"""The matrix's quick sample in the session's mode, and its table."""

from __future__ import annotations

import os

import pytest

from tests.guests.execute import mode_of_session
from tests.matrix.inputs import SCRIPTS
from tests.matrix.program import Context, Program, context
from tests.matrix.programs import PROGRAMS
from tests.matrix.run import try_program


@pytest.fixture(scope="module")
def small() -> Context:
    """Inputs that take no time."""
    return context("least" if mode_of_session() == "tiny" else "small")


@pytest.mark.parametrize(
    "program", [program for program in PROGRAMS if program.sample], ids=lambda program: program.name
)
def test_sample(program: Program, small: Context) -> None:
    row = try_program(program, small, mode_of_session())
    if row.result == "missing":
        pytest.skip(row.detail)
    assert row.result == "same", row.detail


def test_names_are_unique_and_packages_listed() -> None:
    names = [program.name for program in PROGRAMS]
    assert len(set(names)) == len(names) >= 100
    lines = (SCRIPTS.parent / "packages.txt").read_text().splitlines()
    listed = {line for line in lines if not line.startswith("#")}
    assert {program.package for program in PROGRAMS} <= listed
    assert lines[1:] == sorted(lines[1:])


def test_a_difference_is_found(small: Context) -> None:
    """The comparison itself can fail: a program that prints its pid differs from run to run."""
    program = Program("pid", "dash", lambda _: ["/bin/sh", "-c", "echo $$ $PPID"])
    row = try_program(program, small, None)
    assert row.result == "different"
    assert "stdout" in row.detail


def test_a_missing_program_names_its_package(small: Context) -> None:
    program = Program("nothing", "some-package", lambda _: ["/usr/bin/nothing-of-that-name"])
    row = try_program(program, small, None)
    assert (row.result, row.good) == ("missing", False)
    assert "some-package" in row.detail
    assert os.path.isabs(program.command(small)[0])
