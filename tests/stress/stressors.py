"""The stressors of `make stress`: reading stressors.txt, running one of them under stress-ng."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.guests.execute import Outcome, run

TABLE = Path(__file__).with_name("stressors.txt")
PROGRAM = shutil.which("stress-ng", path="/usr/local/bin:/usr/bin:/bin")

#: What a run is given that does not come to its end: stress-ng then stops short of its count.
TIMEOUT_S = 60

#: stress-ng's exit statuses for "not here": no resources, not implemented.
STATUS_NOT_HERE = (3, 4)


@dataclass(frozen=True)
class Stressor:
    """One line of the table.

    Attributes:
        topic: the group it stands in.
        name: as stress-ng's option has it.
        operations: bogo operations, over all instances.
        least: what it counts at least, here or there: fewer, when it may end by its time.
        options: more options.
    """

    topic: str
    name: str
    operations: int
    least: int
    options: tuple[str, ...] = ()

    def command(self, instances: int) -> list[str]:
        """The command line, for so many processes that stress at once."""
        assert PROGRAM is not None
        return [
            PROGRAM, f"--{self.name}", str(instances), f"--{self.name}-ops", str(self.operations),
            "--verify", "--no-rand-seed", "--timeout", str(TIMEOUT_S), "--metrics", "--stdout",
            *self.options,
        ]  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What stress-ng found.

    Attributes:
        status: its exit status, or the negative number of a signal.
        operations: bogo operations that it counted.
        complaints: its lines that report a failure or an error, ids of processes taken out.
        wall_s: seconds.
        stderr: what came on standard error: the engine's own lines.
    """

    status: int
    operations: int
    complaints: tuple[str, ...]
    wall_s: float
    stderr: str


def read_table() -> tuple[Stressor, ...]:
    """The stressors of stressors.txt, in its order."""
    rows = []
    for line in TABLE.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            topic, name, operations, *options = words
            asked, _, least = operations.partition(":")
            rows.append(Stressor(topic, name, int(asked), int(least or asked), tuple(options)))
    return tuple(rows)


def try_stressor(stressor: Stressor, instances: int, mode: str | None) -> Verdict:
    """Runs one stressor.

    Args:
        stressor: which.
        instances: how many processes stress at once.
        mode: of the engine; None runs it natively.
    """
    with tempfile.TemporaryDirectory() as directory:
        outcome = run(
            stressor.command(instances), mode=mode, cwd=directory, timeout_s=TIMEOUT_S * 2
        )
    return _verdict(stressor, outcome)


def _verdict(stressor: Stressor, outcome: Outcome) -> Verdict:
    text = outcome.stdout.decode(errors="replace")
    counted = re.search(rf"metrc: \[\d+\] {re.escape(stressor.name)} +(\d+) ", text)
    complaints = re.findall(r"^stress-ng: (?:fail|error): +\[\d+\] (.*)$", text, re.MULTILINE)
    return Verdict(
        outcome.status,
        int(counted[1]) if counted else 0,
        tuple(re.sub(r"\b\d{2,}\b", "N", line) for line in complaints),
        outcome.wall_s,
        outcome.stderr.decode(errors="replace"),
    )


def compare(stressor: Stressor, native: Verdict, translated: Verdict) -> str:
    """Tells in which way the translated verdict is worse; empty when it is not."""
    lines = []
    if native.status != translated.status:
        lines.append(f"status {native.status}, translated {translated.status}")
    if new := sorted(set(translated.complaints) - set(native.complaints)):
        lines += new[:5]
    if native.operations >= stressor.least > translated.operations:
        lines.append(
            f"{stressor.least} operations asked for: {native.operations}, translated"
            f" {translated.operations}"
        )
    if ours := [line for line in translated.stderr.splitlines() if line.startswith("dbt: ")]:
        lines += ours[:10]
    return "\n".join(lines)
