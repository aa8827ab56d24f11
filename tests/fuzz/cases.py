"""Programs that the fuzzer found to differ once: they have to be equal from then on.

`make fuzz` prints a failure in the form of a row of `CASES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.fuzz.program import Program


@dataclass(frozen=True)
class Case:
    """A program and the settings it failed with.

    Attributes:
        name: of the test.
        program: the program.
        settings: of the translator, those that are not the defaults.
        why: what was wrong.
    """

    name: str
    program: Program
    settings: Mapping[str, object] = field(default_factory=dict)
    why: str = ""

    def __str__(self) -> str:
        """The row that is added to `CASES`, and a listing."""
        program = self.program
        registers = {name: hex(value) for name, value in program.registers.items() if value}
        listed = ", ".join(f'"{name}": {value}' for name, value in registers.items())
        return (
            f"    Case(\n"
            f'        "{self.name}",\n'
            f"        Program(\n"
            f'            bytes.fromhex("{program.code.hex(" ")}"),\n'
            f"            {{{listed}}},\n"
            f"            memory_seed={program.memory_seed},\n"
            f"            vector_seed={program.vector_seed},\n"
            f"            layout={program.layout},\n"
            f"            starts={program.starts},\n"
            f"        ),\n"
            f"        {dict(self.settings)},\n"
            f'        "{self.why}",\n'
            f"    ),\n" + "\n".join(f"    # {line}" for line in program.text().splitlines())
        )


CASES: Final[tuple[Case, ...]] = (
    Case(
        "the_kernel_carries_out_sgdt",
        Program(
            bytes.fromhex("0f 01 42 40 66 42 0f dd f8 0f 0b"),
            {"rdx": 0x601000, "rsp": 0x701000},
            starts=(0, 4, 9),
        ),
        {"returns": "table"},
        "a step over it ended one instruction later: the processor was compared wrongly",
    ),
    Case(
        "int_4_is_reported_behind_itself",
        Program(bytes.fromhex("cd 04 0f 0b"), {"rsp": 0x701000}, starts=(0, 2)),
        {"returns": "table"},
        "the fuzzer compared the state before it with the one behind it",
    ),
    Case(
        "a_scatter_faults_behind_its_first_element",
        Program(
            bytes.fromhex("c5 f8 92 c8 c5 f9 6e c1 62 f2 7d 09 a0 2c 03 0f 0b"),
            {"rax": 3, "rcx": 0x1800, "rbx": 0x5FF000},
            starts=(0, 4, 8, 15),
        ),
        {"returns": "table"},
        "a step over it ended behind each element",
    ),
)
