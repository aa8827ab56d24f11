"""Reports of profiles: schema, text, comparison."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import dbt
from dbt.cli.report import FORMATS
from dbt.errors import DbtError
from dbt.profiler import schema, text
from dbt.profiler.exports import EXPORTS
from dbt.profiler.file import ProfileFileError, load, save
from dbt.profiler.model import Profile
from tests.profile.programs import CALLERS, compile_program

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


#: Where a profile's file is damaged, with what, and what is said of it.
DAMAGES: dict[str, tuple[tuple[str | int, ...], object, str]] = {
    "text for a number": (("figures", "samples"), "x", "figures.samples is no integer"),
    "a fraction": (("figures", "samples"), 1.5, "figures.samples is no integer"),
    "a flag": (("figures", "samples"), True, "figures.samples is no integer"),
    "a number without end": (("duration_s",), float("inf"), "duration_s is out of range"),
    "a large number": (("figures", "samples"), 1 << 64, "figures.samples is out of range"),
    "no address": (("units", 0, "pc"), None, "units[0].pc is no integer"),
    "a negative address": (("units", 0, "pc"), -1, "units[0].pc is no address"),
    "no code": (("units", 0, "code"), "0g", "units[0].code is no code"),
    "half a pair": (("functions", 0, "name"), "\ud800", "functions[0].name is no text"),
    "a block": (
        ("coverage", 0, "blocks", 0),
        [1, 2],
        "coverage[0].blocks[0] is no list of 3 integers",
    ),
    "a caller": (("calls", 0, "caller"), 10**9, "calls[0].caller is no place in functions"),
    "a callee": (("calls", 0, "callee"), -1, "calls[0].callee is no place in functions"),
    "no calls": (("calls", 0, "calls"), 0, "calls[0].calls is no number of calls"),
    "no functions": (("functions",), [], "calls[0].caller is no place in functions"),
    "no list": (("units",), {}, "units is no list"),
    "no object": (("figures",), [], "figures is no object"),
    "missing": (("figures",), {}, "figures.guest_instructions_translated is missing"),
    "another field": (("figures", "new"), 1, "figures has fields that are not known"),
    "a count": (("processes", 0, "syscalls", "read"), "1", "processes[0].syscalls['read'] is no"),
    "a name": (("host_code", 0, "names"), [], "host_code[0].blocks name functions that are"),
}


@pytest.fixture(scope="module")
def counted_tree(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tree of a small profile in which everything has a row."""
    program = compile_program(tmp_path_factory.mktemp("counted"), "program", CALLERS)
    tree: dict[str, Any] = json.loads(json.dumps(dbt.profile([program], exact=True).to_dict()))
    return tree


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_values_are_refused(
    counted_tree: dict[str, Any], tmp_path: Path, damage: tuple[tuple[str | int, ...], object, str]
) -> None:
    place, value, wanted = damage
    tree = copy.deepcopy(counted_tree)
    at: Any = tree
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    path = tmp_path / "profile"
    path.write_text(json.dumps(tree))
    with pytest.raises(ProfileFileError) as told:
        load(path)
    assert str(told.value).startswith(f"{path}: this profile is damaged: {wanted}")
    assert "\n" not in str(told.value)


def test_every_value_of_a_file_is_kept(counted_tree: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "profile"
    path.write_text(json.dumps(counted_tree))
    assert json.loads(json.dumps(load(path).to_dict())) == counted_tree


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[" * 100_000, '{"a":' * 100_000, "1" * 5000, "\xff"],
    ids=["empty", "object", "lists", "objects", "digits", "no text"],
)
def test_what_is_no_profile_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profile"
    path.write_bytes(text.encode("latin-1"))
    done = subprocess.run([*REPORT, str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"dbt: {path}: this is no profile\n")


def test_drcov_refuses_a_block_outside_of_its_module(profile: Profile) -> None:
    odd = replace(profile.coverage[0], blocks=((profile.coverage[0].start - 1, 1, 1),))
    with pytest.raises(DbtError, match="outside of its module"):
        EXPORTS["drcov"](replace(profile, coverage=(odd,)))


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
