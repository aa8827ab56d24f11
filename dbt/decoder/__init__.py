"""The decoder: the opcode table, and guest bytes to `Instruction` objects.

The table modules and the renderer need only the standard library (the build runs them before the
extension exists); `Instruction` and `decode` load the extension on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.decoder.instruction import Instruction, InstructionClass, Mode, decode, iterate

__all__ = ["Instruction", "InstructionClass", "Mode", "decode", "iterate"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'dbt.decoder' has no attribute {name!r}")
    from dbt.decoder import instruction

    value: object = getattr(instruction, name)
    globals()[name] = value
    return value
