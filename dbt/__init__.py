"""dbt: a dynamic binary translator for x86-64 Linux programs.

Names load on first use, so that `import dbt` costs nothing: `run` starts a program under
translation, `Machine` is bare guest memory and registers, `decode` turns bytes into `Instruction`
objects, `compare` runs a program against a reference, `profile` shows where it
spends its time and how the translation cache does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt._version import VERSION as __version__
from dbt.errors import DbtError

if TYPE_CHECKING:
    from dbt.decoder import Instruction, decode
    from dbt.profiler.attach import processes, translation_cache
    from dbt.profiler.model import Profile
    from dbt.profiler.run import profile
    from dbt.reference.compare import compare
    from dbt.reference.verdict import Verdict
    from dbt.runtime.launch import RunResult, run
    from dbt.runtime.machine import Machine, MachineExit
    from dbt.tcache.settings import Settings
    from dbt.tcache.statistics import Statistics

__all__ = [
    "DbtError",
    "Instruction",
    "Machine",
    "MachineExit",
    "Profile",
    "RunResult",
    "Settings",
    "Statistics",
    "Verdict",
    "__version__",
    "compare",
    "decode",
    "processes",
    "profile",
    "run",
    "translation_cache",
]

_HOMES = {
    "Instruction": "dbt.decoder",
    "Machine": "dbt.runtime.machine",
    "MachineExit": "dbt.runtime.machine",
    "Profile": "dbt.profiler.model",
    "RunResult": "dbt.runtime.launch",
    "Settings": "dbt.tcache.settings",
    "Statistics": "dbt.tcache.statistics",
    "Verdict": "dbt.reference.verdict",
    "compare": "dbt.reference.compare",
    "decode": "dbt.decoder",
    "processes": "dbt.profiler.attach",
    "profile": "dbt.profiler.run",
    "run": "dbt.runtime.launch",
    "translation_cache": "dbt.profiler.attach",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'dbt' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
