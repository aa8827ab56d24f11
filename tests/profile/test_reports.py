"""Reports of profiles: schema, text, comparison."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import dbt
from dbt.cli.report import FORMATS
from dbt.profiler import schema, text
from dbt.profiler.file import save
from dbt.profiler.model import Profile

REPORT = (sys.executable, "-m", "dbt", "report")


@pytest.fixture(scope="module")
def profile(directory: Path) -> Profile:
    """A profile of that program, kept as `profile` in the directory."""
    found = dbt.profile([directory / "program"])
    save(found, directory / "profile")
    return found


def test_the_schema_is_the_one_that_is_published(root: Path) -> None:
    assert (root / "docs" / "profile.schema.json").read_text() == schema.text()


def test_profiles_fit_their_schema(profile: Profile) -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())
    tree = json.loads(json.dumps(profile.to_dict()))
    jsonschema.validate(tree, schema.schema())
    del tree["figures"]["samples"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, schema.schema())


def test_every_figure_is_defined(root: Path, profile: Profile) -> None:
    told = (root / "docs" / "profile.md").read_text()
    assert not [name for name in profile.to_dict()["figures"] if f"`{name}`" not in told]


def test_the_summary_names_what_counts(profile: Profile) -> None:
    told = text.summary(profile)
    assert "translated code" in told and " hot  program  program.c:" in told
    assert f"{profile.figures.dispatches:,} to the VMM" in told


def test_dispatches_have_a_rate_for_each_reason(directory: Path) -> None:
    # Its argument makes it short.
    exact = dbt.profile([directory / "program", "short"], exact=True)
    f = exact.figures
    assert f.tu_entries
    for reason in ("continuation", "indirect_miss", "syscall", "callout", "signal", "fault"):
        rows = [row for row in exact.dispatches if row.reason == reason]
        count = getattr(f, f"dispatches_{reason}")
        assert sum(row.dispatches for row in rows) == count
        rate = getattr(f, f"dispatches_{reason}_per_thousand_entries")
        assert rate == pytest.approx(1000 * count / f.tu_entries)
        assert sum(row.per_thousand_entries or 0 for row in rows) == pytest.approx(rate)
    names = {(row.reason, row.name) for row in exact.dispatches}
    assert {("syscall", "mmap"), ("callout", "CPUID"), ("continuation", "")} <= names
    told = text.report(exact)
    assert f"({f.dispatches_continuation_per_thousand_entries:.4f})" in told
    assert "system calls, and per thousand unit entries" in told
    assert "arenas of the translation cache" in told
    other = dbt.profile(["/bin/true"], exact=True)
    assert "syscall mmap per thousand entries" in text.compare(exact, other)
    assert "dispatches_syscall_per_thousand_entries" in text.compare(exact, other)
    sampled = dbt.profile(["/bin/true"])
    assert sampled.figures.dispatches_syscall_per_thousand_entries is None
    assert sampled.dispatches and sampled.dispatches[0].per_thousand_entries is None
    assert "syscall mmap " in text.compare(sampled, exact)


def test_report_commands(directory: Path, profile: Profile) -> None:
    path = str(directory / "profile")
    shown = subprocess.run([*REPORT, path], capture_output=True, text=True, check=True).stdout
    assert "hottest units" in shown and "system calls" in shown
    told = subprocess.run([*REPORT, path, "--format", "json"], capture_output=True, check=True)
    assert json.loads(told.stdout) == json.loads((directory / "profile").read_text())
    wrong = subprocess.run([*REPORT, "/nowhere"], capture_output=True, text=True)
    assert wrong.returncode == 1 and wrong.stderr == "dbt: /nowhere: No such file or directory\n"


def test_a_closed_standard_output_is_one_line(directory: Path, profile: Profile) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *REPORT, str(directory / "profile")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 1 and told.stderr == "dbt: standard output: Bad file descriptor\n"


@pytest.mark.parametrize("way", [*(way for way in FORMATS if way != "lcov"), "compared"])
def test_names_that_are_no_utf8_are_reported(
    directory: Path, profile: Profile, tmp_path: Path, way: str
) -> None:
    hot = replace(profile.functions[0], name=os.fsdecode(b"f\xff"))
    stack = replace(profile.stacks[0], frames=(os.fsdecode(b"f\xff"),))
    odd = replace(
        profile,
        command=(os.fsdecode(b"p\xff"),),
        functions=(hot, *profile.functions[1:]),
        stacks=(stack, *profile.stacks[1:]),
    )
    path = tmp_path / "profile"
    save(odd, path)
    words = [str(path)] if way == "compared" else ["--format", way]
    subprocess.run([*REPORT, str(path), *words], stdout=subprocess.DEVNULL, check=True)


def test_two_profiles_are_compared(directory: Path, profile: Profile) -> None:
    save(dbt.profile(["/bin/true"]), directory / "other")
    command = [*REPORT, str(directory / "profile"), str(directory / "other")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.split()}
    assert rows["units_translated"][1] == f"{profile.figures.units_translated:,}"
    assert rows["hot"][-1].startswith("-")
