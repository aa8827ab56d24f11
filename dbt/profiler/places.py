"""Sums samples and executions by function, module and source line."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from dbt.decoder import decode
from dbt.errors import DbtError
from dbt.profiler import model
from dbt.profiler.names import Names, Place
from dbt.profiler.symbols import Line

if TYPE_CHECKING:
    from dbt.profiler.collect import Mapping


class Places:
    """The sums; add everything, then ask for the lists.

    Args:
        names: of addresses.
        exact: whether executions are known.
    """

    def __init__(self, names: Names, exact: bool) -> None:
        self._names = names
        self._exact = exact
        self._samples: Counter[tuple[str, str, int]] = Counter()
        self._instructions: Counter[tuple[str, str, int]] = Counter()
        self._line_samples: Counter[tuple[Line, str]] = Counter()
        self._line_instructions: Counter[tuple[Line, str]] = Counter()
        self._lines_of: dict[tuple[str, str, int], Counter[Line]] = defaultdict(Counter)

    def add_samples(self, mapping: Mapping | None, pc: int, weight: int) -> None:
        """Adds samples that found a thread at a guest address."""
        place = self._names.place(mapping, pc)
        key = place_key(place)
        self._samples[key] += weight
        line = self._names.line(mapping, pc)
        if line is not None:
            self._line_samples[line, place.function] += weight
            self._lines_of[key][line] += weight

    def add_executions(self, mapping: Mapping | None, row: Any, executions: int) -> None:
        """Adds the executions of a unit.

        Args:
            mapping: that its first instruction lies in, or None.
            row: a dbt_profile_unit.
            executions: how many.
        """
        place = self._names.place(mapping, row.guest_pc)
        self._instructions[place_key(place)] += executions * row.instructions

    def add_lines(self, mapping: Mapping | None, row: Any, code: bytes, executions: int) -> None:
        """Adds the executions of a unit's instructions to their source lines.

        Args:
            mapping: that its first instruction lies in, or None.
            row: a dbt_profile_unit.
            code: its guest bytes.
            executions: how many.
        """
        if self._names.line(mapping, row.guest_pc) is None:
            return
        place = self._names.place(mapping, row.guest_pc)
        try:
            instructions = decode(code, row.guest_pc)
        except DbtError:
            return
        for instruction in instructions:
            line = self._names.line(mapping, instruction.pc)
            if line is not None:
                self._line_instructions[line, place.function] += executions
                self._lines_of[place_key(place)][line] += executions

    def functions(self, calls: Counter[tuple[str, str, int]]) -> list[model.Function]:
        """All functions that were sampled or executed.

        Args:
            calls: how often each was called.
        """
        found = []
        for key in self._samples | self._instructions:
            module, name, start = key
            lines = self._lines_of.get(key)
            line = lines.most_common(1)[0][0] if lines else None
            found.append(
                model.Function(
                    name=name,
                    module=module,
                    start=start,
                    samples=self._samples[key],
                    instructions=self._instructions[key] if self._exact else None,
                    calls=calls[key] if self._exact else None,
                    source=line.source if line else None,
                    line=line.line if line else None,
                )
            )
        return found

    def modules(self) -> list[model.Module]:
        """All modules that were sampled or executed."""
        samples: Counter[str] = Counter()
        instructions: Counter[str] = Counter()
        for (module, _, _), weight in self._samples.items():
            samples[module] += weight
        for (module, _, _), weight in self._instructions.items():
            instructions[module] += weight
        return [
            model.Module(module, samples[module], instructions[module] if self._exact else None)
            for module in samples | instructions
        ]

    def lines(self) -> list[model.SourceLine]:
        """All source lines that were sampled or executed."""
        return [
            model.SourceLine(
                source=key[0].source,
                line=key[0].line,
                function=key[1],
                samples=self._line_samples[key],
                instructions=self._line_instructions[key] if self._exact else None,
            )
            for key in self._line_samples | self._line_instructions
        ]


def place_key(place: Place) -> tuple[str, str, int]:
    """What tells a place's function from others: module, name, start."""
    return place.module, place.function, place.start
