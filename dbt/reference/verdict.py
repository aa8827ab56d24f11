"""What a comparison answers: values, and their text for people."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Coverage:
    """How much was compared.

    Attributes:
        instructions: guest instructions that both sides executed.
        units: translation units at whose entry the states were compared.
        syscalls: system calls whose arguments were compared and whose effects were replayed.
        signals: signal deliveries likewise.
        inputs: instructions whose outcome comes from outside (time, chance, cpuid).
        not_covered: one line for each thing that was not compared.
    """

    instructions: int = 0
    units: int = 0
    syscalls: int = 0
    signals: int = 0
    inputs: int = 0
    not_covered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Value:
    """One thing that differs: its name, what the reference has, and what the translation has."""

    name: str
    expected: str
    actual: str


@dataclass(frozen=True)
class Difference:
    """The first difference.

    Attributes:
        kind: "state" (registers, flags, vector state), "memory", "control" (the unit itself is
            right, and control went elsewhere: a link), or "fault".
        unit_pc: guest address of the translation unit.
        pc: guest address of the first instruction whose outcome differs; None when only the unit
            is known.
        instruction: its text, or empty.
        values: what differs.
        summary: one line.
        listing: guest and host code of the unit, side by side.
    """

    kind: str
    unit_pc: int
    pc: int | None
    instruction: str
    values: tuple[Value, ...]
    summary: str
    listing: str = ""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a comparison.

    Attributes:
        oracle: "unicorn" or "hardware".
        coverage: how much was compared.
        difference: the first difference, or None when there was none.
        exit_status: of the program, None when a signal ended it or it was stopped.
        signal: that ended it, or None.
        seconds: how long it took.
        replay: the case of the difference, for `dbt compare --replay`, or empty.
    """

    oracle: str
    coverage: Coverage
    difference: Difference | None = None
    exit_status: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    replay: bytes = field(default=b"", repr=False)

    @property
    def equal(self) -> bool:
        """Whether no difference was found."""
        return self.difference is None

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def _lines(verdict: Verdict) -> list[str]:
    done = verdict.coverage
    counts = (
        f"{done.instructions:,} instructions, {done.units:,} units, {done.syscalls:,} system calls"
    )
    if done.signals:
        counts += f", {done.signals:,} signals"
    missing = "; ".join(done.not_covered) or "nothing"
    difference = verdict.difference
    if difference is None:
        return [f"equal ({verdict.oracle}): {counts} compared; not covered: {missing}"]
    lines = [f"different ({verdict.oracle}): {difference.summary}"]
    place = f"unit {difference.unit_pc:#x}"
    if difference.pc is not None:
        place += f", instruction {difference.pc:#x}: {difference.instruction}"
    lines.append(f"  at {place}")
    width = max((len(value.name) for value in difference.values), default=0)
    for value in difference.values:
        lines.append(f"  {value.name:<{width}}  expected {value.expected}  actual {value.actual}")
    if difference.listing:
        lines += ["", *("  " + line for line in difference.listing.splitlines()), ""]
    lines.append(f"  after {counts} that were equal; not covered: {missing}")
    return lines
