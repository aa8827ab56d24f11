"""How the translator and its cache shall work in one session."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dbt.errors import UsageError

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

TC_SIZE_MIN_BYTES = 64 * KIB
TC_SIZE_MAX_BYTES = GIB
UNIT_CAP_MAX = 128
CHAIN_ALL = 0xFFFFFFFF

RETURNS = ("auto", "table", "paired")
CPUS = ("host", "x86-64-v2")
SELF_CHECKS = ("auto", "always", "never")
TSC = ("native", "callout")
PLANTS = ("length", "flag", "scratch", "target", "link", "store", "stale")

_UNITS = {"": 1, "K": KIB, "M": MIB, "G": GIB}


class Settings(NamedTuple):
    """The settings of a session; the defaults are what a user wants.

    Attributes:
        tc_size_bytes: room for emitted code, 64 KiB to 1 GiB; the oldest goes when it is full.
        unit_cap: guest instructions in a translation unit, at most.
        chain: whether units are linked to each other; without, every direct branch enters the VMM.
        chain_until: only the first this many units are linked (to find one that goes wrong).
        cap_after: all units but the first this many hold one instruction (likewise).
        follow: whether programs started by the guest run translated as well.
        fall_through: whether a unit's untranslated fall-through is emitted straight after it.
        returns: how guest returns find their way: "table" (an indirect jump), "paired" (host calls
            and returns, which the processor predicts better when there are many; they write below
            the red zone of the guest's stack, as a signal would), or "auto" (paired once the
            program proves large).
        cpu: what the guest's cpuid and auxiliary vector tell: "host", or "x86-64-v2", a processor
            without AVX.
        self_check: which units compare their source at entry with what was translated: those of
            pages that keep being written ("auto"), all ("always"), or none ("never": each write
            into a page of code is a fault).
        tsc: how rdtsc and rdtscp are carried out: by the processor ("native"), or by the VMM
            ("callout"), which costs hundreds of cycles and is there to be measured.
        translation_budget: guest instructions that one process may have translated, retranslations
            included; one that wants more is ended. 0: any number.
        plant: a bug to be made on purpose, to see that comparing finds it: its kind, one of
            PLANTS, and the guest address it is made at. None: none.
    """

    tc_size_bytes: int = 64 * MIB
    unit_cap: int = 32
    chain: bool = True
    chain_until: int = CHAIN_ALL
    cap_after: int = CHAIN_ALL
    follow: bool = True
    fall_through: bool = True
    returns: str = "auto"
    cpu: str = "host"
    self_check: str = "auto"
    tsc: str = "native"
    translation_budget: int = 0
    plant: tuple[str, int] | None = None

    @classmethod
    def from_environment(cls) -> Settings:
        """The defaults, with what the variables of the environment say over them.

        Raises:
            UsageError: a variable's value is wrong; the message names it.
        """
        values: dict[str, Any] = {}
        for name, (field, parse) in VARIABLES.items():
            text = os.environ.get(name)
            if text:
                try:
                    values[field] = parse(text)
                except UsageError as error:
                    raise UsageError(f"{name}: {error}") from None
        return cls(**values)

    def validated(self) -> Settings:
        """Returns itself.

        Raises:
            UsageError: a setting is out of its range; the message names it.
        """
        if not TC_SIZE_MIN_BYTES <= self.tc_size_bytes <= TC_SIZE_MAX_BYTES:
            raise UsageError(
                f"the translation cache takes 64K to 1G, not {self.tc_size_bytes} bytes"
            )
        if not 1 <= self.unit_cap <= UNIT_CAP_MAX:
            raise UsageError(f"a translation unit holds 1 to {UNIT_CAP_MAX} instructions")
        if self.plant is not None and self.plant[0] not in PLANTS:
            raise UsageError(f"{self.plant[0]!r} is no bug to plant; there are {', '.join(PLANTS)}")
        if not 0 <= self.chain_until <= CHAIN_ALL:
            raise UsageError(f"the number of units to chain is 0 to {CHAIN_ALL}")
        if not 0 <= self.cap_after <= CHAIN_ALL:
            raise UsageError(f"the number of units with the full cap is 0 to {CHAIN_ALL}")
        return self


def parse_size(text: str) -> int:
    """Turns a size such as 65536, 64K, 16M or 1G into bytes.

    Args:
        text: digits, then nothing or one of K, M and G (powers of 1024), in either case.

    Raises:
        UsageError: the text is no size.
    """
    unit = text[-1:].upper() if text[-1:].isalpha() else ""
    digits = text[: len(text) - len(unit)]
    if unit not in _UNITS or not (digits.isascii() and digits.isdigit()):
        raise UsageError(f"{text!r} is no size; write 65536, 64K, 16M or 1G")
    return int(digits) * _UNITS[unit]


def parse_count(text: str) -> int:
    """Turns decimal or 0x digits into a count.

    Raises:
        UsageError: the text is no count.
    """
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if value < 0:
        raise UsageError(f"{text!r} is no count")
    return value


def _one_of(names: Sequence[str], what: str) -> Callable[[str], str]:
    """A parser that takes one of some names, and raises UsageError for any other text."""

    def parse(text: str) -> str:
        if text not in names:
            raise UsageError(f"{text!r} is no {what}; there are {', '.join(names)}")
        return text

    return parse


parse_returns = _one_of(RETURNS, "way for returns")
parse_cpu = _one_of(CPUS, "processor to show")
parse_self_check = _one_of(SELF_CHECKS, "choice of checks")
parse_tsc = _one_of(TSC, "way to read the time-stamp counter")


def _parse_no(text: str) -> bool:
    """The value of a setting that a variable named NO_… turns off."""
    return text.lower() in ("0", "no", "off", "false")


# Variable to the setting it makes and the parser of its text.
VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "DBT_TC_SIZE": ("tc_size_bytes", parse_size),
    "DBT_TU_CAP": ("unit_cap", parse_count),
    "DBT_NO_CHAIN": ("chain", _parse_no),
    "DBT_RETURNS": ("returns", parse_returns),
    "DBT_CPU": ("cpu", parse_cpu),
    "DBT_SELF_CHECK": ("self_check", parse_self_check),
    "DBT_TSC": ("tsc", parse_tsc),
    "DBT_TRANSLATION_BUDGET": ("translation_budget", parse_count),
}
