"""Micro benchmarks of the Python API: decode throughput over real code, round trips of a Machine.

python -m pytest bench/test_micro.py      (needs pytest-benchmark)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.guests.build import build
from tests.guests.execute import on_processors

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytest.importorskip("pytest_benchmark")


def text_section(path: Path, size_bytes: int) -> tuple[bytes, int]:
    """The start of an ELF file's .text and its address."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".text")
        assert section is not None
        return section.data()[:size_bytes], section["sh_addr"]


@pytest.fixture(scope="module")
def code() -> tuple[bytes, int]:
    """Whole instructions of a static program: libc's own code."""
    from dbt import decode
    from dbt.errors import DbtError

    data, start = text_section(build("static_tls", "static_tls.c", "static"), 16384)
    for cut in range(15):
        try:
            decode(data[: len(data) - cut], start)
        except DbtError:
            continue
        return data[: len(data) - cut], start
    raise AssertionError("no instruction boundary near the end")


def test_decode_throughput(benchmark: BenchmarkFixture, code: tuple[bytes, int]) -> None:
    """Bytes to Instruction objects; the report holds instructions a second."""
    from dbt import decode

    instructions = benchmark(lambda: decode(*code))
    assert sum(one.length for one in instructions) == len(code[0])
    benchmark.extra_info["instructions"] = len(instructions)


def test_decode_one(benchmark: BenchmarkFixture) -> None:
    """The round trip for a single instruction."""
    from dbt import decode

    (one,) = benchmark(lambda: decode(b"\x48\x8b\x84\xcb\x10\x20\x30\x40", 0x400000))
    assert one.length == 8


@pytest.mark.parametrize("processors", [1, 2])
def test_machine_round_trip(benchmark: BenchmarkFixture, processors: int) -> None:
    """A small function in a Machine: registers set, run, result read. At most 50 us is promised,
    also where both sides share one processor.
    """
    from dbt import Machine

    code, stack, stop = 0x400000, 0x10000F00, 0x400100
    with on_processors(processors), Machine() as machine:
        machine.map(code, 4096, "rx")
        machine.map(0x10000000, 4096, "rw")
        machine.assemble("lea rax, [rdi + rsi]; ret", code)
        machine.write(stack, stop.to_bytes(8, "little"))

        def call() -> int:
            machine.registers["rdi"], machine.registers["rsi"] = 40, 2
            machine.registers["rsp"] = stack
            machine.run(code, until=stop)
            return machine.registers["rax"]

        assert benchmark(call) == 42
    if benchmark.stats is not None:  # None with --benchmark-disable
        assert benchmark.stats["median"] <= 50e-6
