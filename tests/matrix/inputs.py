"""The matrix's input data: made by arithmetic from nothing, the same on every machine.

Three sizes: `full` for the default mode, `small` for modes that run tens of times slower, `least`
for the smallest translation cache, where large programs translate the same code again and again.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.guests.build import BuildError, build
from tests.guests.execute import ROOT

OUTPUT = ROOT / "build" / "matrix"
SCRIPTS = Path(__file__).parent / "scripts"
WORKLOADS = ROOT / "bench" / "workloads"

#: How much data each size has; the unit is what a full run takes about a second for.
SCALES = {"full": 100, "small": 4, "least": 1}

#: Where the sources come from, for apt-get.
_DEBIAN = (
    "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    " http://deb.debian.org/debian bookworm"
)

_VERSION = 9  # of this file's data: a change makes them anew
_TIME = 1_600_000_000


def make(size: str) -> Path:
    """Makes the inputs of one size, unless they are there.

    Args:
        size: a key of SCALES.

    Returns:
        The directory that holds them.
    """
    directory = OUTPUT / f"inputs-{size}"
    stamp = directory / ".made"
    if stamp.exists() and stamp.read_text() == str(_VERSION):
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    scale = SCALES[size]
    words = _words(scale)
    (directory / "words.txt").write_bytes(words)
    (directory / "lines.txt").write_bytes(
        b"".join(b"%08x %d\n" % (value, value % 9973) for value in _numbers(7, 10_000 * scale))
    )
    (directory / "numbers.txt").write_bytes(
        b"".join(b"%d\n" % (value * 1_000_003 + 1) for value in _numbers(11, 2000 * scale))
    )
    mixed = words[: 40_000 * scale] + _blob(20_000 * scale)
    (directory / "mixed.bin").write_bytes(mixed)
    (directory / "changed.txt").write_bytes(_changed(words[: 40_000 * scale]))
    (directory / "original.txt").write_bytes(words[: 40_000 * scale])
    (directory / "data.json").write_text(_json(400 * scale))
    (directory / "data.xml").write_text(_xml(300 * scale))
    (directory / "page.groff").write_bytes(_groff(words, scale))
    (directory / "big.c").write_text(_c_source(3 * scale))
    for name in ("t.sql", "fibsort.lua", "lj.lua", "w.awk"):
        (directory / name).write_text(_scaled((WORKLOADS / name).read_text(), size))
    _tree(directory / "tree", scale)
    _compress(directory, size)
    stamp.write_text(str(_VERSION))
    return directory


def _numbers(seed: int, count: int) -> Iterator[int]:
    value = seed
    for _ in range(count):
        value = (value * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        yield value >> 32


def _words(scale: int) -> bytes:
    """Text of some 50 kB per unit with a natural spread of words, and C-like lines between."""
    syllables = [
        "ka",
        "re",
        "mi",
        "to",
        "sun",
        "val",
        "der",
        "ist",
        "on",
        "el",
        "qua",
        "fi",
        "x_",
        "lo",
        "ran",
        "ge",
    ]
    vocabulary = [
        "".join(syllables[(value >> shift) & 15] for shift in range(0, 4 + value % 13, 4))
        for value in _numbers(3, 5000)
    ]
    lines, line = [], []
    for number, value in enumerate(_numbers(5, 8000 * scale)):
        line.append(vocabulary[(value >> 8) % 5000 >> (value & 7)])
        if value % 11 == 0:
            if value % 5 == 0:
                line.insert(0, f"#define {vocabulary[number % 5000].upper()} {value}")
            lines.append(" ".join(line))
            line = []
    return ("\n".join(lines) + "\n").encode()


def _blob(size_bytes: int) -> bytes:
    """Bytes like machine code: few distinct values, much repetition."""
    return b"".join(
        struct.pack("<BBH", 0x48 | value & 7, value >> 3 & 31, value >> 9 & 0x3F)
        for value in _numbers(13, size_bytes // 4)
    )


def _changed(text: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    for value in _numbers(17, len(lines) // 50):
        lines[value % len(lines)] = b"changed %d\n" % (value % 100)
    return b"".join(lines)


def _json(records: int) -> str:
    return json.dumps(
        [
            {
                "id": number,
                "name": f"item-{value % 977}",
                "tags": [value % 7, value % 11],
                "nested": {"weight": value / 1024, "text": "é" * (value % 5)},
            }
            for number, value in enumerate(_numbers(19, records))
        ]
    )


def _xml(records: int) -> str:
    body = "".join(
        f'<item id="{number}" kind="k{value % 13}"><name>n{value % 101}</name>'
        f"<weight>{value % 1000}</weight></item>\n"
        for number, value in enumerate(_numbers(23, records))
    )
    return f"<list>\n{body}</list>\n"


def _groff(words: bytes, scale: int) -> bytes:
    paragraphs = words[: 8000 * scale].replace(b"#define", b"").split(b"\n")
    return b".TH TEST 1\n.SH NAME\ntest\n" + b"".join(
        (b".PP\n" if number % 7 == 0 else b"") + line.lstrip() + b"\n"
        for number, line in enumerate(paragraphs)
        if not line.lstrip().startswith((b".", b"'"))
    )


def _c_source(functions: int) -> str:
    """A C file without includes, some ten lines a function."""
    parts = ["typedef unsigned long size; struct node { struct node *next; long value; };\n"]
    for number, value in enumerate(_numbers(29, functions)):
        a, b, c = value % 97 + 1, value % 13 + 2, value % 5
        call = f"f{number - 1 - c}(x - 1, list)" if number > c else "x"
        parts.append(
            f"static long t{number}[{b}];\n"
            f"long f{number}(long x, struct node *list)\n{{\n"
            f"    long sum = {a};\n"
            f"    for (long i = 0; i < x % {a}; i++)\n"
            f"        sum += (i * {b} ^ sum) >> {c};\n"
            f"    for (struct node *at = list; at; at = at->next)\n"
            f"        sum = at->value > sum ? at->value - {a} : sum * {b};\n"
            f"    switch (x & 7) {{\n    case 0: sum += {a}; break;\n    case 1: sum ^= {b};\n"
            f"    case 2: sum = -sum; break;\n    case 5: t{number}[sum & 1] = x; break;\n"
            f"    default: sum--;\n    }}\n"
            f"    return x > 0 && x < 6 ? sum + {call} : sum + t{number}[x & 1];\n}}\n"
        )
    last = f"f{functions - 1}"
    parts.append(
        "extern int printf(const char *, ...);\n"
        "int main(void)\n{\n    struct node a = {0, 5}, b = {&a, 9};\n    long sum = 0;\n"
        f"    for (long i = 0; i < 2000; i++)\n        sum = sum * 31 + {last}(i, &b);\n"
        '    printf("%ld\\n", sum);\n    return 0;\n}\n'
    )
    return "".join(parts)


def _tree(root: Path, scale: int) -> None:
    for number, value in enumerate(_numbers(31, 8 * scale)):
        path = (
            root / f"d{value % 7}" / f"e{value % 5}" / f"file{number}.{'txt' if value % 3 else 'c'}"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"line %d\n" % value * (value % 200))
        path.chmod(0o644)
    for path in sorted(root.rglob("*"), reverse=True):
        os.utime(path, (_TIME, _TIME))


def _scaled(script: str, size: str) -> str:
    """A script with its loop counts cut down for the small size: large ones by 50, fib's to 16."""
    if size == "full":
        return script
    script = re.sub(r"fib\((\d\d)\)", "fib(16)", script)
    return re.sub(
        r"(?<![\d.*%])([1-9]\d*?)00000(?=\D)",
        lambda found: str(int(found[1]) * 2000) if int(found[1]) < 100 else found[0],
        script,
    )


def _compress(directory: Path, size: str) -> None:
    mixed = directory / "mixed.bin"
    for name, words in (
        ("gz", ["gzip", "-9nc"]),
        ("bz2", ["bzip2", "-c"]),
        ("xz", ["xz", "-T1", "-c"]),
    ):
        done = subprocess.run([*words, str(mixed)], check=True, capture_output=True)
        (directory / f"mixed.bin.{name}").write_bytes(done.stdout)
    done = subprocess.run(
        ["gcc", "-E", "-P", str(directory / "big.c")], check=True, capture_output=True
    )
    (directory / "big.i").write_bytes(done.stdout)
    # The C++ library's headers alone are a million instructions to a compiler.
    source = WORKLOADS / "stl.cc" if size == "full" else directory / "big.c"
    done = subprocess.run(["g++", "-x", "c++", "-E", str(source)], check=True, capture_output=True)
    (directory / "stl.ii").write_bytes(done.stdout)


def program(name: str, source: str, variant: str, *flags: str) -> str:
    """Builds one of the workloads or scripts that has to be compiled.

    Args:
        name: of the executable.
        source: file in bench/workloads or tests/matrix/scripts.
        variant: a key of tests.guests.build.VARIANTS.
        flags: more flags for the compiler.
    """
    path = WORKLOADS / source if (WORKLOADS / source).exists() else SCRIPTS / source
    return str(build(name, str(path), variant, ("-w", *flags)))


def fortran(name: str, source: str) -> str:
    """Builds a Fortran program.

    Args:
        name: of the executable.
        source: file in tests/matrix/scripts.
    """
    output = OUTPUT / "built" / name
    path = SCRIPTS / source
    if not output.exists() or output.stat().st_mtime < path.stat().st_mtime:
        output.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gfortran", "-O2", "-o", str(output), str(path)], check=True)
    return str(output)


def debian_source(name: str) -> Path:
    """Fetches a Debian source package and unpacks it, once.

    Args:
        name: of the source package.

    Returns:
        The directory of the unpacked source.

    Raises:
        BuildError: apt-get could not get it.
    """
    top = OUTPUT / "sources" / name
    if not (top / "unpacked").exists():
        (top / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (top / "sources.list").write_text(f"deb-src {_DEBIAN} main\n")
        # Lists of our own: the machine's often leave out the sources.
        options = [
            f"Dir::Etc::sourcelist={top}/sources.list",
            "Dir::Etc::sourceparts=/dev/null",
            f"Dir::State::lists={top}/lists",
            f"Dir::Cache={top}/cache",
            "APT::Sandbox::User=",
        ]
        words = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
        for command in ([*words, "update"], [*words, "source", name]):
            done = subprocess.run(command, cwd=top, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BuildError(f"the source of {name}: {done.stderr.strip()[-300:]}")
        (found,) = (path.parent for path in top.glob("*/configure"))
        found.rename(top / "unpacked")
    return top / "unpacked"
