"""Bare guests on a Machine: the same verdict, as an object and from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import dbt
from dbt.reference.compare import compare_code

pytest.importorskip("unicorn")

ORACLES = ("unicorn", "hardware")
LOOP = bytes.fromhex("b964000000 31c0 01c8 50 58 ffc9 75f8 0f05")


@pytest.mark.parametrize("oracle", ORACLES)
def test_a_loop_is_equal_up_to_its_system_call(oracle: str) -> None:
    verdict = compare_code(LOOP, oracle=oracle)
    assert verdict.equal, str(verdict)
    assert verdict.coverage.instructions == 2 + 100 * 5


@pytest.mark.parametrize("oracle", ORACLES)
def test_a_planted_bug_is_found_by_bisection(oracle: str) -> None:
    settings = dbt.Settings(plant=("flag", 0x40100B))
    difference = compare_code(LOOP, oracle=oracle, settings=settings).difference
    assert difference is not None
    assert difference.pc == 0x40100B
    assert difference.values[0].name == "flags"


def test_registers_can_be_given() -> None:
    verdict = compare_code(bytes.fromhex("4801d8 0f05"), registers={"rax": 3, "rbx": 4})
    assert verdict.equal


@pytest.mark.parametrize("oracle", ORACLES)
def test_what_comes_from_outside_is_an_input(oracle: str) -> None:
    # mov ecx, 5; l: push rcx; rdtsc; mov rbx, rax; xor eax, eax; cpuid; pop rcx; dec ecx; jnz l
    code = bytes.fromhex("b905000000 51 0f31 4889c3 31c0 0fa2 59 ffc9 75f1 0f05")
    verdict = compare_code(code, oracle=oracle)
    assert verdict.equal, str(verdict)
    assert verdict.coverage.inputs == 10
    assert verdict.coverage.instructions == 1 + 5 * 8


@pytest.mark.parametrize("oracle", ORACLES)
def test_a_bug_behind_an_input_is_found(oracle: str) -> None:
    code = bytes.fromhex("0f31 4889c3 4801d0 0f05")
    settings = dbt.Settings(plant=("flag", 0x401005))
    verdict = compare_code(code, oracle=oracle, settings=settings)
    assert verdict.difference is not None and verdict.difference.pc == 0x401005


def test_the_command_line_takes_bytes_and_replays(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dbt", "compare"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*command, "--hex", LOOP.hex()],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith("dbt: equal (unicorn): 502 instructions")
    wrong = subprocess.run(
        [*command, "--hex", "zz"], env=environment, capture_output=True, check=False
    )
    assert wrong.returncode == 2
