"""Looks for programs whose sides differ: each row of the opcode table, then random sequences.

Hypothesis draws the sequences and shrinks what fails.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Flaky

import dbt
from dbt.decoder.table import MAPS, rows
from tests.fuzz.cases import Case
from tests.fuzz.encode import first
from tests.fuzz.program import EXCLUDED, LAYOUTS, Program, assemble
from tests.fuzz.sides import Differs, Sides

MODES: Final = (
    {"returns": "table"},
    {"returns": "table", "unit_cap": 3},
    {"returns": "paired"},
    {"returns": "table", "unit_cap": 1, "fall_through": False},
    {"returns": "table", "tc_size_bytes": 65536},
)
"""Settings of the translator, one after the other."""

_GROUPS: Final = (
    *(("ONE_BYTE",),) * 5,
    *(("0F",),) * 4,
    *(("0F38", "0F3A"), ("VEX_0F", "VEX_0F38", "VEX_0F3A", "VEX_7")) * 2,
    ("EVEX_0F", "EVEX_0F38", "EVEX_0F3A", "EVEX_5", "EVEX_6"),
    ("XOP_8", "XOP_9", "XOP_A", "3DNOW"),
)
_NOISE: Final = st.integers(0, (1 << 40) - 1)
_SEED: Final = st.integers(0, (1 << 30) - 1)
_MOST: Final = 14


@cache
def _tried() -> tuple[int, ...]:
    """The rows that are tried."""
    return tuple(n for n, (_, row) in enumerate(rows()) if row.mnemonic not in EXCLUDED)


def programs(
    without: Iterable[int] = (), inside: Iterable[int] = ()
) -> st.SearchStrategy[Program]:
    """Random programs.

    Args:
        without: rows that they are not made of.
        inside: rows that do not end a program by an exception; the others stand at its end only.
            Empty: all.
    """
    left_out = frozenset(without)
    wanted = frozenset(inside) or frozenset(_tried())
    anything = st.sampled_from([n for n in _tried() if n not in left_out])
    groups = []
    for names in _GROUPS:
        group = [n for n in _tried() if MAPS[rows()[n][0]][0] in names and n not in left_out]
        groups.append(st.sampled_from([n for n in group if n in wanted] or group))
    picks = st.lists(st.tuples(st.one_of(groups), _NOISE), min_size=1, max_size=_MOST)
    last = st.lists(st.tuples(anything, _NOISE), max_size=1)
    picks = st.tuples(picks, last).map(lambda parts: [*parts[0], *parts[1]])
    layouts = st.integers(0, len(LAYOUTS) - 1)
    return st.builds(assemble, picks, _SEED, _SEED, _SEED, layouts)


@dataclass
class Findings:
    """What a search has tried and found.

    Attributes:
        failures: cases whose sides differ, shrunk.
        rows: how often each row was carried out or raised what it should, alone.
        done: rows that were carried out without an exception.
        classes: the same by class of the translator.
        blamed: rows of the failures, left out from then on.
    """

    failures: list[Case] = field(default_factory=list)
    rows: Counter[int] = field(default_factory=Counter)
    done: set[int] = field(default_factory=set)
    classes: Counter[str] = field(default_factory=Counter)
    blamed: set[int] = field(default_factory=set)

    def fail(self, program: Program, settings: dict[str, object], why: str) -> Case:
        """Keeps a failure."""
        case = Case(f"found_{len(self.failures)}", program, settings, why)
        self.failures.append(case)
        if len(set(program.rows)) <= 3:
            self.blamed.update(program.rows)
        return case

    def coverage(self) -> str:
        """The figures, for people."""
        lines = []
        for number, (name, _) in enumerate(MAPS):
            there = [n for n in range(len(rows())) if rows()[n][0] == number]
            tried = sum(n in self.rows for n in there)
            done = sum(n in self.done for n in there)
            lines.append(f"  {name:<10} {tried:>4} of {len(there):>4} rows, {done:>4} carried out")
        total = f"{len(self.rows)} of {len(rows())} rows, {len(self.done)} carried out"
        names = ", ".join(sorted(self.classes))
        return "\n".join((*lines, f"  {total}; {len(self.classes)} classes: {names}"))


def sweep(
    sides: Sides, findings: Findings, seed: int, *, unicorn: bool, end_s: float = math.inf
) -> None:
    """Each row alone, in some encoding.

    Args:
        sides: to be compared.
        findings: where the outcome goes.
        seed: of the encodings and states.
        unicorn: whether Unicorn is asked too.
        end_s: when to stop, of time.monotonic.
    """
    settings: dict[str, object] = dict(MODES[0])
    for number in _tried():
        if time.monotonic() > end_s:
            break
        noise = seed * 7919 + number
        picks = [(number, noise)]
        program = assemble(picks, noise, noise, noise * (seed % 4 > 0), seed % len(LAYOUTS))
        if not program.rows:
            continue
        found = first(program.code, program.pc)
        findings.classes[found.class_.name if found else "INVALID"] += 1
        findings.rows[number] += 1
        try:
            if sides.check(program, dbt.Settings(**settings), unicorn=unicorn):  # type: ignore[arg-type]
                findings.done.add(number)
        except Differs as error:
            findings.fail(program, settings, str(error))


def search(
    sides: Sides,
    findings: Findings,
    seed: int,
    examples: int,
    *,
    unicorn: bool = False,
) -> Case | None:
    """Random sequences, with one of the settings; answers the first that fails, shrunk."""
    settings: dict[str, object] = dict(MODES[seed % len(MODES)])
    failing: list[tuple[Program, str]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @hypothesis.given(programs(findings.blamed, findings.done))
    def run(program: Program) -> None:
        try:
            sides.check(program, dbt.Settings(**settings), unicorn=unicorn)  # type: ignore[arg-type]
        except Differs as error:
            failing.append((program, str(error)))
            raise

    try:
        run()
    except (Differs, Flaky):
        program, why = failing[-1]
        return findings.fail(program, settings, why)
    return None
