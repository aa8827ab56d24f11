"""Programs that have to be equal on a reference to their end: Debian's, and every guest."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import dbt
from tests.guests.table import GUESTS, Guest, command_of

SQL: Final = (
    "create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c "
    "where x < 2000) insert into t select x, x * x % 97 from c; "
    "select b, count(*) from t group by b order by 2 desc limit 5;"
)
PERL: Final = (
    "my %h; $h{$_ % 97} .= chr(65 + $_ % 26) for 1..5000; "
    'print join(",", map {length} @h{sort keys %h}), "\\n"; '
    'print "ok\\n" if ("a" x 50) =~ /^a+$/'
)
LUA: Final = (
    "local t = {} for i = 1, 20000 do t[i] = (i * 7919) % 1009 end "
    "table.sort(t) print(t[1], t[#t])"
)
PYTHON: Final = (
    "import json, re; d = {str(i): [i] * 3 for i in range(300)}; s = json.dumps(d); "
    'print(len(s), len(json.loads(s)), sum(map(int, re.findall(r"\\d+", s))))'
)
_FILE_BYTES: Final = 2_000_000


@dataclass(frozen=True)
class Program:
    """A command, and how it is compared.

    Attributes:
        name: of the test.
        command: the program and its arguments; {file} is a file of 2 MB.
        hardware_every: granularity on the bare processor, where a step costs microseconds.
        settings: of the translator.
    """

    name: str
    command: tuple[str, ...]
    hardware_every: str = "syscall"
    settings: Mapping[str, object] = field(default_factory=dict)


PROGRAMS: Final = (
    Program("ls", ("/bin/ls", "-lR", "/usr/share")),
    Program("gzip", ("gzip", "-9", "-c", "{file}")),
    Program("sqlite3", ("sqlite3", ":memory:", SQL)),
    Program("perl", ("perl", "-e", PERL)),
    Program("lua", ("lua5.4", "-e", LUA)),
    Program("python", ("/usr/bin/python3", "-c", PYTHON)),
    Program("openssl", ("openssl", "dgst", "-sha256", "{file}")),
    Program("bash", ("bash", "-c", "seq 1 300 | sort -rn | head -3; echo $((1 + 2))")),
    Program("tiny_cache", ("/bin/ls", "-l", "/usr/bin"), settings={"tc_size_bytes": 65536}),
)

_NOT_FOLLOWED_BY_ANY: Final = {
    "file_from_child": "what another process writes into a file that is mapped privately",
}
NOT_FOLLOWED: Final[Mapping[str, Mapping[str, str]]] = {
    "hardware": _NOT_FOLLOWED_BY_ANY,
    "unicorn": _NOT_FOLLOWED_BY_ANY
    | {"signal_fault_codes": "x87 exceptions that are not masked"},
}
"""Guests that each reference reports as different (docs/limits.md), with the reason."""

LESS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "hardware": {
        "code_changes": ("3000",),
        "signal_anywhere": ("20",),
        "signal_contexts": ("10",),
        "signal_timer": ("20000",),
    },
    "unicorn": {"signal_anywhere": ("500",)},
}
"""Arguments with which guests do less for a reference: the bare processor is slow where code is
written, and in loops that a signal interrupts, for it has to count their rounds."""


def input_file(directory: Path) -> Path:
    """A file of 2 MB that compresses somewhat."""
    noise = random.Random(1)
    words = [noise.randbytes(noise.randrange(2, 9)) for _ in range(4000)]
    path = directory / "input"
    path.write_bytes(b"".join(noise.choices(words, k=_FILE_BYTES // 4))[:_FILE_BYTES])
    return path


def guests(oracle: str) -> Iterator[tuple[Guest, tuple[str, ...]]]:
    """Each guest in its first variant, and its command."""
    for guest in GUESTS:
        less = LESS[oracle].get(guest.identity, ())
        yield guest, (*command_of(guest, guest.variants[0]), *less)


def compared(program: Program, oracle: str, file: Path) -> dbt.Verdict:
    """Compares a program; its output is dropped."""
    command = [word.replace("{file}", str(file)) for word in program.command]
    every = program.hardware_every if oracle == "hardware" else "tu"
    settings = dbt.Settings(**program.settings)  # type: ignore[arg-type]
    return dbt.compare(command, oracle=oracle, settings=settings, every=every, quiet=True)
