"""The mix of executed instructions: by class of the translator, by extension of the set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import capstone

from dbt.decoder import decode
from dbt.errors import DbtError
from dbt.profiler.model import Mix

# Units beyond this share of all executed instructions are left out: telling them costs most.
_SHARE = 0.9995
_OTHER = "not looked at"
_BASE = "base"
# Groups of Capstone that name no extension.
_NO_EXTENSIONS = frozenset(
    ("mode32", "mode64", "not64bitmode", "16bitmode", "jump", "call", "ret", "int", "iret")
) | frozenset(("privilege", "vm", "branch_relative"))


def mixes(units: Iterable[tuple[bytes, int]]) -> tuple[tuple[Mix, ...], tuple[Mix, ...]]:
    """Both mixes, most executed first.

    Args:
        units: guest bytes and executions of each unit.
    """
    executions: Counter[bytes] = Counter()
    for code, count in units:
        executions[code] += count
    weight = sum(len(code) * count for code, count in executions.items())
    classes: Counter[str] = Counter()
    extensions: Counter[str] = Counter()
    reader = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    reader.detail = True
    seen = 0
    for code, count in sorted(executions.items(), key=lambda item: -len(item[0]) * item[1]):
        if seen >= weight * _SHARE:
            break
        seen += len(code) * count
        try:
            for instruction in decode(code):
                classes[instruction.class_.name] += count
        except DbtError:
            classes[_OTHER] += count
        for found in reader.disasm(code, 0):
            extensions[_extension(reader, found)] += count
    return _rows(classes), _rows(extensions)


def _extension(reader: Any, instruction: Any) -> str:
    names = [str(reader.group_name(group)) for group in instruction.groups]
    for name in names:
        if name not in _NO_EXTENSIONS:
            return name
    # Capstone puts x87 into a group of its own only by the registers.
    return "x87" if instruction.mnemonic.startswith("f") and "fp" in names else _BASE


def _rows(counts: Counter[str]) -> tuple[Mix, ...]:
    return tuple(Mix(name, count) for name, count in counts.most_common())
